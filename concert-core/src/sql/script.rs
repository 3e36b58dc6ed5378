//! Several statements in one round trip.

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Either, MySqlConnection};

use super::MAX_LIST;
use super::guard::{self, CHANGED, Guard, LOCKED, Placed, Required};
use super::result::{Reading, ResultSet};
use super::template::{Params, RowValues, SqlInsert, SqlTemplate};
use super::writer::SqlWriter;
use crate::db::{self, Failure};

/// Statements that travel together.
#[derive(Debug, Default)]
pub(crate) struct Script {
    sql: SqlWriter,
    statements: usize,
    /// Those that are in the text.
    placed: Vec<Placed>,
    /// Those of the statements before, for the next one that has a place for them.
    pending: Vec<Guard>,
    /// For the next statement that evaluates them once.
    required: Vec<Required>,
}

impl Script {
    /// Selects.
    pub(crate) fn select(&mut self, template: &SqlTemplate, fill: impl FnOnce(Params<'_>) -> Params<'_>) -> Reading {
        self.check_pending();
        self.push(template, fill);
        Reading(self.statements - 1..self.statements)
    }

    /// Selects the rows of `keys`, in the order in which everyone locks them; `fill` gets a list of keys at a time.
    pub(crate) fn select_keys<K: Ord>(
        &mut self,
        template: &SqlTemplate,
        keys: Vec<K>,
        fill: impl for<'p> Fn(Params<'p>, &[K]) -> Params<'p>,
    ) -> Reading {
        self.check_pending();
        let from = self.statements;
        for list in sorted(keys).chunks(MAX_LIST) {
            self.push(template, |params| fill(params, list));
        }
        Reading(from..self.statements)
    }

    /// Locks exactly `expected` rows, which the text counts into `@locked`: if there are others, nothing after it runs. What is
    /// required is counted with them: each count is at most what it should be, so their sum says it of all.
    pub(crate) fn lock_exactly(
        &mut self,
        act: &'static str,
        expected: usize,
        template: &SqlTemplate,
        fill: impl FnOnce(Params<'_>) -> Params<'_>,
    ) {
        self.check_pending();
        let (mut expected, mut counted) = (expected, String::new());
        for required in self.required.drain(..) {
            expected += required.expected;
            counted.extend([" + ", &required.query]);
        }
        self.begin();
        fill(template.params(&mut self.sql, Some(&counted))).end();
        self.pending.push(Guard::equal(act, LOCKED, expected));
    }

    /// Goes on only if a query counts exactly `expected` rows, and it never counts more. It goes into the next lock, or into
    /// the next change with a place for it. Elsewhere it would cost 3 us (a change) or 10 us (an insert) for each row
    /// (measured with holds).
    pub(crate) fn require_count(
        &mut self,
        act: &'static str,
        expected: usize,
        query: &SqlTemplate,
        fill: impl FnOnce(Params<'_>) -> Params<'_>,
    ) {
        let mut sql = SqlWriter::default();
        fill(query.params(&mut sql, None)).end();
        self.required.push(Required { act, query: format!("({})", sql.into_text()), expected });
    }

    /// Selects what is out of range for the server, and so ends the script, where it must not go on. Guards that are
    /// pending are left to the change after it.
    pub(crate) fn abort_if(
        &mut self,
        act: &'static str,
        template: &SqlTemplate,
        fill: impl FnOnce(Params<'_>) -> Params<'_>,
    ) {
        self.push(template, fill);
        self.placed.push(Placed { statement: self.statements - 1, act });
    }

    /// Changes `expected` rows; `None`: any number. If it changes others, its guard did not hold although the rows were
    /// locked (a certification conflict on a cluster, for one) or assumed: the batch rolls back.
    pub(crate) fn change(
        &mut self,
        act: &'static str,
        expected: Option<usize>,
        template: &SqlTemplate,
        fill: impl FnOnce(Params<'_>) -> Params<'_>,
    ) {
        if !template.takes_guard() {
            self.check_pending();
        }
        self.push(template, fill);
        self.pending.extend(expected.map(|expected| Guard::equal(act, CHANGED, expected)));
    }

    /// Changes the rows of `keys`, so many for each; `fill` gets a list of keys at a time.
    pub(crate) fn change_keys<K: Ord>(
        &mut self,
        act: &'static str,
        rows_each: usize,
        template: &SqlTemplate,
        keys: Vec<K>,
        fill: impl for<'p> Fn(Params<'p>, &[K]) -> Params<'p>,
    ) {
        for list in sorted(keys).chunks(MAX_LIST) {
            self.change(act, Some(rows_each * list.len()), template, |params| fill(params, list));
        }
    }

    /// Inserts `rows`. It needs no guard of its own: all go in, or the server refuses them. A guard that is pending goes
    /// around its first value.
    pub(crate) fn insert<R>(
        &mut self,
        insert: &SqlInsert,
        rows: &[R],
        fill: impl for<'p> Fn(RowValues<'p>, &R) -> RowValues<'p>,
    ) {
        for rows in rows.chunks(MAX_LIST) {
            let condition = self.place_pending();
            self.begin();
            self.sql.template("insert into ");
            self.sql.template(insert.table);
            let mut before = " (";
            for column in insert.columns {
                self.sql.template(before);
                self.sql.template(column);
                before = ", ";
            }
            self.sql.template(") values ");
            for (nth, row) in rows.iter().enumerate() {
                self.sql.template(if nth == 0 { "(" } else { ",(" });
                let guard = condition.as_deref().filter(|_| nth == 0);
                let values = RowValues { out: &mut self.sql, columns: insert.columns.iter(), guard, first: true };
                fill(values, row).end();
                self.sql.template(")");
            }
        }
    }

    /// Runs it, and answers what its statements selected.
    pub(crate) async fn run(mut self, connection: &mut MySqlConnection) -> Result<ResultSet, Failure> {
        self.check_all();
        if self.statements == 0 {
            return Ok(ResultSet::default());
        }
        let mut rows: Vec<_> = (0..self.statements).map(|_| Vec::new()).collect();
        let mut ids = Vec::with_capacity(self.statements);
        // Built of templates and of literals.
        let mut results = sqlx::raw_sql(AssertSqlSafe(self.sql.into_text())).fetch_many(connection);
        loop {
            match results.try_next().await {
                Ok(Some(Either::Right(row))) => rows[ids.len()].push(row),
                Ok(Some(Either::Left(done))) => ids.push(done.last_insert_id()),
                Ok(None) => return Ok(ResultSet { rows, ids }),
                Err(error) => {
                    let guard = self.placed.iter().find(|guard| guard.statement == ids.len());
                    return Err(match guard.filter(|_| db::is_out_of_range(&error)) {
                        Some(Placed { act, .. }) => Failure::Guard { act },
                        None => error.into(),
                    });
                }
            }
        }
    }

    /// Runs it and commits, in the same round trip, and answers as [`Script::run`] does. An answer from the server is a fact;
    /// no answer is [`Failure::CommitUnknown`].
    pub(crate) async fn commit(mut self, connection: &mut MySqlConnection) -> Result<ResultSet, Failure> {
        self.check_all();
        self.begin();
        self.sql.template("commit");
        self.run(connection).await.map_err(Failure::after_commit_was_sent)
    }

    #[cfg(test)]
    pub(crate) fn into_text(mut self) -> String {
        self.check_all();
        self.sql.into_text()
    }

    fn push(&mut self, template: &SqlTemplate, fill: impl FnOnce(Params<'_>) -> Params<'_>) {
        if template.takes_required() {
            self.pending.extend(self.required.drain(..).map(Guard::from));
        }
        let condition = if template.takes_guard() { self.place_pending() } else { None };
        self.begin();
        fill(template.params(&mut self.sql, condition.as_deref())).end();
    }

    fn begin(&mut self) {
        if self.statements > 0 {
            self.sql.template(";");
        }
        self.statements += 1;
    }

    /// The condition of all pending guards, for the statement that comes next.
    fn place_pending(&mut self) -> Option<String> {
        if self.pending.is_empty() {
            return None;
        }
        let condition = guard::all(&self.pending);
        let statement = self.statements;
        self.placed.extend(self.pending.drain(..).map(|Guard { act, .. }| Placed { statement, act }));
        Some(condition)
    }

    /// Brings all guards as a statement of their own.
    fn check_all(&mut self) {
        self.pending.extend(self.required.drain(..).map(Guard::from));
        self.check_pending();
    }

    /// Brings the pending guards as a statement of their own.
    fn check_pending(&mut self) {
        if let Some(condition) = self.place_pending() {
            self.begin();
            // The variable is never read; `do` would only warn.
            self.sql.template("set @guarded = ");
            self.sql.condition(&condition, "");
        }
    }
}

/// Keys in the order that everyone locks them in, each once.
fn sorted<K: Ord>(mut keys: Vec<K>) -> Vec<K> {
    keys.sort_unstable();
    keys.dedup();
    keys
}
