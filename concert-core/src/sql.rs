//! How batches travel into SQL: as scripts, several statements in one round trip.
//!
//! A round trip costs about as much as a short statement, so a batch makes one to lock its rows (two where the keys of the
//! second are in the rows of the first) and one to write and commit. A text that differs each time cannot be prepared, so
//! its parameters are literals, written from typed values alone: ids and text as hexadecimal digits, so that nothing of what
//! a client sent is ever quoted.
//!
//! The index is named wherever rows are locked: on a small table a server would rather lock all of it.

mod guard;
mod listed;
mod literal;

use std::collections::BTreeMap;
use std::ops::Range;

use futures_util::TryStreamExt as _;
use serde::Serialize;
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, Either, MySqlConnection};

use guard::{CHANGED, Guard, LOCKED};
pub(crate) use listed::{Blanks, Listed, Statement};
pub(crate) use literal::{Literal, Pair, Text, Word};

use crate::batch::Failure;
use crate::db;

/// The longest list in one statement. MariaDB turns an `in` of a thousand values and more into a join.
pub(crate) const MAX_LIST: usize = 256;

/// Statements that travel together.
#[derive(Debug, Default)]
pub(crate) struct Script {
    sql: String,
    statements: usize,
    /// Those that are in the text.
    guards: Vec<Guard>,
    /// The last change's, before it is in the text.
    open_guard: Option<Guard>,
}

/// Which statements of a script a reading is spread over.
#[derive(Debug, Clone)]
pub(crate) struct Reading(Range<usize>);

/// Which statement of a script a change is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change(usize);

impl Script {
    fn add(&mut self, text: &'static str, fill: impl FnOnce(Blanks<'_>) -> Blanks<'_>) {
        self.add_listed(&Listed::of_keys(text), fill);
    }

    fn add_listed(&mut self, listed: &Listed, fill: impl FnOnce(Blanks<'_>) -> Blanks<'_>) {
        self.close_guard();
        self.push(listed, fill);
    }

    /// Answers where the statement begins.
    fn push(&mut self, listed: &Listed, fill: impl FnOnce(Blanks<'_>) -> Blanks<'_>) -> usize {
        if self.statements > 0 {
            self.sql.push(';');
        }
        self.statements += 1;
        let begin = self.sql.len();
        fill(listed.begin(&mut self.sql)).end();
        begin
    }

    /// Brings in the guard of the last change, as a statement of its own.
    fn close_guard(&mut self) {
        if let Some(guard) = self.open_guard.take() {
            self.guards.push(Guard { statement: self.statements, ..guard });
            self.statements += 1;
            // The variable is never read; `do` would only warn.
            self.sql.extend([";set @guarded = ", &guard.condition()]);
        }
    }

    /// Selects.
    pub(crate) fn select(&mut self, text: &'static str, fill: impl FnOnce(Blanks<'_>) -> Blanks<'_>) -> Reading {
        self.add(text, fill);
        Reading(self.statements - 1..self.statements)
    }

    /// Selects the rows of `keys`, in the order that everyone locks them in; `fill` fills what is open, with the list of keys.
    pub(crate) fn select_all<K: Copy + Ord>(
        &mut self,
        listed: &'static Listed,
        keys: Vec<K>,
        fill: impl for<'b> Fn(Blanks<'b>, &[K]) -> Blanks<'b>,
    ) -> Reading {
        let from = self.statements;
        for list in sorted(keys).chunks(MAX_LIST) {
            self.add_listed(listed, |blanks| fill(blanks, list));
        }
        Reading(from..self.statements)
    }

    /// The same, where nothing is open but the list.
    pub(crate) fn select_keys<K: Literal + Copy + Ord>(&mut self, listed: &'static Listed, keys: Vec<K>) -> Reading {
        self.select_all(listed, keys, |blanks, list| blanks.list(list))
    }

    /// The same for keys of two parts.
    pub(crate) fn select_pairs<G, K>(&mut self, listed: &'static Listed, pairs: Vec<(G, K)>) -> Reading
    where
        G: Literal + Copy + Ord,
        K: Literal + Copy + Ord,
    {
        let from = self.statements;
        for list in sorted(pairs).chunks(MAX_LIST) {
            self.add_listed(listed, |blanks| blanks.groups(list));
        }
        Reading(from..self.statements)
    }

    /// Changes exactly `expected` rows. If it hits others, its guard did not hold although the rows were locked (a
    /// certification conflict on a cluster, for one): the batch rolls back and runs again.
    pub(crate) fn change(
        &mut self,
        act: &'static str,
        expected: usize,
        text: &'static str,
        fill: impl FnOnce(Blanks<'_>) -> Blanks<'_>,
    ) -> Change {
        self.change_listed(act, expected, &Listed::of_keys(text), fill);
        Change(self.statements - 1)
    }

    /// Locks exactly `expected` rows, which the text counts into `@locked`: if they are others, nothing after it runs.
    pub(crate) fn lock_exactly(
        &mut self,
        act: &'static str,
        expected: usize,
        listed: &'static Listed,
        fill: impl FnOnce(Blanks<'_>) -> Blanks<'_>,
    ) {
        debug_assert!(listed.text.contains(LOCKED), "{} counts nothing", listed.text);
        self.add_listed(listed, fill);
        self.open_guard = Some(Guard { statement: self.statements - 1, act, counted: LOCKED, expected });
    }

    /// Selects what is out of range for the server, and so ends the script, where it must not go on. The guard of a lock
    /// before it is left to the change after it.
    pub(crate) fn forbid(
        &mut self,
        act: &'static str,
        listed: &'static Listed,
        fill: impl FnOnce(Blanks<'_>) -> Blanks<'_>,
    ) {
        self.push(listed, fill);
        self.guards.push(Guard { statement: self.statements - 1, act, counted: "", expected: 0 });
    }

    /// The same as [`Script::change`], with lists.
    pub(crate) fn change_listed(
        &mut self,
        act: &'static str,
        expected: usize,
        listed: &Listed,
        fill: impl FnOnce(Blanks<'_>) -> Blanks<'_>,
    ) {
        // The guard of a change right before it becomes a condition of this one: if no row is there to look at that, the
        // guard of this one fails.
        let before = self.open_guard.take_if(|_| listed.text.contains(guard::WHERE));
        self.close_guard();
        let begin = self.push(listed, fill);
        if let Some(guard) = before {
            guard.go_into_where(&mut self.sql, begin);
            self.guards.push(Guard { statement: self.statements - 1, ..guard });
        }
        self.open_guard = Some(Guard { statement: self.statements - 1, act, counted: CHANGED, expected });
    }

    /// Changes any number of rows.
    pub(crate) fn change_any(&mut self, text: &'static str, fill: impl FnOnce(Blanks<'_>) -> Blanks<'_>) {
        self.add(text, fill);
    }

    /// The same, with lists.
    pub(crate) fn change_any_listed(&mut self, listed: &'static Listed, fill: impl FnOnce(Blanks<'_>) -> Blanks<'_>) {
        self.add_listed(listed, fill);
    }

    /// Updates the rows of `keys`, so many for each; `fill` fills what is open, with the list of keys.
    pub(crate) fn update_all<K: Copy + Ord>(
        &mut self,
        act: &'static str,
        rows_each: usize,
        listed: &'static Listed,
        keys: Vec<K>,
        fill: impl for<'b> Fn(Blanks<'b>, &[K]) -> Blanks<'b>,
    ) {
        for list in sorted(keys).chunks(MAX_LIST) {
            self.change_listed(act, rows_each * list.len(), listed, |blanks| fill(blanks, list));
        }
    }

    /// Inserts `rows`. It needs no guard: all go in, or the server refuses them. The guard of a change right before it goes
    /// around its first value.
    pub(crate) fn insert<R>(
        &mut self,
        listed: &'static Listed,
        rows: &[R],
        fill: impl for<'b> Fn(Blanks<'b>, &R) -> Blanks<'b>,
    ) {
        for piece in rows.chunks(MAX_LIST) {
            let before = self.open_guard.take();
            let begin = self.push(listed, |blanks| blanks.rows(piece, &fill));
            if let Some(guard) = before {
                guard.go_around_first_value(&mut self.sql, begin);
                self.guards.push(Guard { statement: self.statements - 1, ..guard });
            }
        }
    }

    /// Runs it, and answers what its statements selected.
    pub(crate) async fn run(mut self, connection: &mut MySqlConnection) -> Result<Selected, Failure> {
        self.close_guard();
        if self.statements == 0 {
            return Ok(Selected::default());
        }
        let mut rows: Vec<_> = (0..self.statements).map(|_| Vec::new()).collect();
        let mut ids = Vec::with_capacity(self.statements);
        // Built of constants and of literals.
        let mut results = sqlx::raw_sql(AssertSqlSafe(self.sql)).fetch_many(connection);
        loop {
            match results.try_next().await {
                Ok(Some(Either::Right(row))) => rows[ids.len()].push(row),
                Ok(Some(Either::Left(done))) => ids.push(done.last_insert_id()),
                Ok(None) => return Ok(Selected { rows, ids }),
                Err(error) => {
                    let guard = self.guards.iter().find(|guard| guard.statement == ids.len());
                    return Err(match guard.filter(|_| db::is_out_of_range(&error)) {
                        Some(&Guard { act, expected, .. }) => Failure::Guard { act, expected },
                        None => error.into(),
                    });
                }
            }
        }
    }

    /// Runs it and commits, in the same round trip, and answers as [`Script::run`] does. An answer from the server is a fact;
    /// no answer is [`Failure::CommitUnknown`].
    pub(crate) async fn commit(mut self, connection: &mut MySqlConnection) -> Result<Selected, Failure> {
        self.add("commit", |blanks| blanks);
        self.run(connection).await.map_err(|failure| match failure {
            Failure::Conflict(error) | Failure::Lost(error) | Failure::Fatal(error)
                if error.as_database_error().is_none() =>
            {
                Failure::CommitUnknown(error)
            }
            failure => failure,
        })
    }
}

/// What the statements of a script have selected, and the ids that they gave out.
#[derive(Default)]
pub(crate) struct Selected {
    rows: Vec<Vec<MySqlRow>>,
    ids: Vec<u64>,
}

impl Selected {
    pub(crate) fn rows(&self, reading: &Reading) -> impl Iterator<Item = &MySqlRow> {
        self.rows[reading.0.clone()].iter().flatten()
    }

    /// What a change gave to `last_insert_id`.
    pub(crate) fn id_of(&self, change: Change) -> u64 {
        self.ids[change.0]
    }

    /// The one row of a reading.
    pub(crate) fn one(&self, reading: &Reading) -> Result<&MySqlRow, Failure> {
        self.rows(reading).next().ok_or(Failure::Fatal(sqlx::Error::RowNotFound))
    }
}

/// Keys in the order that everyone locks them in, each once.
fn sorted<K: Ord>(mut keys: Vec<K>) -> Vec<K> {
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Keys by the value that they are to get.
pub(crate) fn grouped<V: Ord, K>(pairs: impl IntoIterator<Item = (V, K)>) -> BTreeMap<V, Vec<K>> {
    let mut groups: BTreeMap<V, Vec<K>> = BTreeMap::new();
    for (value, key) in pairs {
        groups.entry(value).or_default().push(key);
    }
    groups
}

/// Numbers as the one JSON parameter of a statement: for lists of any length.
pub(crate) fn json<T: Serialize>(rows: &[T]) -> Result<String, Failure> {
    serde_json::to_string(rows).map_err(|error| Failure::Fatal(sqlx::Error::Encode(Box::new(error))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_listed_in_order_once_and_not_too_many_at_a_time() {
        const KEYS: Listed = Listed::of_keys("select a where b > ? and c in ({})");
        let mut script = Script::default();
        let reading = script.select_all(&KEYS, vec![3, 1, 2, 3, 1], |blanks, list| blanks.put(7).list(list));
        assert_eq!(script.sql, "select a where b > 7 and c in (1,2,3)");
        assert_eq!(reading.0, 0..1);
        let none = script.select_keys(&KEYS, Vec::<u32>::new());
        assert!(none.0.is_empty(), "nothing to look for, nothing to ask");
        let many = script.select_all(&KEYS, (0..700).collect(), |blanks, list: &[u32]| blanks.put(7).list(list));
        assert_eq!(many.0, 1..4);
    }

    #[test]
    fn pairs_are_grouped_by_their_first_part() {
        const PAIRS: Listed = Listed { text: "select a where {}", row: "(b = ? and c in ({}))", between: " or " };
        let mut script = Script::default();
        script.select_pairs(&PAIRS, vec![(2, 5), (1, 9), (2, 3)]);
        assert_eq!(script.sql, "select a where (b = 1 and c in (9)) or (b = 2 and c in (3,5))");
        assert_eq!(PAIRS.text(2), "select a where (b = ? and c in (?)) or (b = ? and c in (?))");
    }

    #[test]
    fn every_update_is_guarded() {
        const KEYS: Listed = Listed::of_keys("update t set a = ? where b in ({})");
        const ROWS: Listed = Listed::of_rows("insert into t (a, b) values {} on x", "(?,?)");
        let mut script = Script::default();
        for keys in [vec![6, 5], vec![7]] {
            script.update_all("changing", 2, &KEYS, keys, |blanks, list| blanks.put(1).list(list));
        }
        script.insert(&ROWS, &[(1, 2), (3, 4)], |blanks, row| blanks.put(row.0).put(row.1));
        let statements = [
            "update t set a = 1 where b in (5,6)",
            "update t set a = 1 where exp(if(row_count() = 4, 0, 1000)) and b in (7)",
            "insert into t (a, b) values (if(exp(if(row_count() = 2, 0, 1000)),1,null),2),(3,4) on x",
        ];
        assert_eq!(script.sql, statements.join(";"));
        let guards: Vec<_> = script.guards.iter().map(|guard| (guard.statement, guard.expected)).collect();
        assert_eq!((script.statements, guards), (3, vec![(1, 4), (2, 2)]));
    }
}
