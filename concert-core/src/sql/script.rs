//! Several statements in one round trip.

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Either, MySqlConnection};

use super::MAX_LIST;
use super::guard::{self, CHANGED, Guard, LOCKED, PlacedGuards, Required};
use super::insert::{RowValues, SqlInsert};
use super::result::{Reading, ResultSet};
use super::template::{Params, SqlTemplate};
use super::writer::SqlWriter;
use crate::clock::Timestamp;
use crate::db::{self, Failure};

/// Statements that travel in one round trip. Guards stop it: a guard that fails makes the server run nothing after it.
#[derive(Debug, Default)]
pub(crate) struct Script {
    sql: SqlWriter,
    statements: usize,
    /// Guards that are in the text, to tell which of them failed.
    placed: PlacedGuards,
    /// Guards of the statements so far. The next statement carries them.
    pending: Vec<Guard>,
    /// Required counts. The next statement that evaluates a condition only once carries them.
    required: Vec<Required>,
}

impl Script {
    /// Adds a select.
    pub(crate) fn select(&mut self, template: &SqlTemplate, fill: impl FnOnce(Params<'_>) -> Params<'_>) -> Reading {
        // A select has no place for guards, and `row_count()` is that of the statement just before: they must come
        // first.
        self.check_pending();
        self.push(template, fill);
        Reading(self.statements - 1..self.statements)
    }

    /// Selects the rows of `keys`, in the global order of locks. `fill` gets a list of keys at a time.
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

    /// Locks exactly `expected` rows, which the text counts into `@locked`. With any other count, nothing after it runs. Required
    /// counts are added to it: each is at most what it should be, so their sum is right only if all are.
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

    /// Goes on only if a query counts exactly `expected` rows; it must never count more. The next lock carries it, or the
    /// next change with a `{required}`, or [`Script::check_all`] right after it. Other statements would evaluate it for each
    /// row: 3 us a row of a change, 10 us of an insert (measured with holds).
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

    /// Ends the script where the template's own condition is out of range for the server; it selects nothing. Pending
    /// guards wait for the next change.
    pub(crate) fn abort_if(
        &mut self,
        act: &'static str,
        template: &SqlTemplate,
        fill: impl FnOnce(Params<'_>) -> Params<'_>,
    ) {
        self.push(template, fill);
        // The condition is in the template itself, so only the place of a failure is noted.
        self.placed.add(self.statements - 1, act);
    }

    /// Changes `expected` rows; `None`: any number. With any other number the batch rolls back: an assumption was
    /// false, or locked rows changed all the same (a certification conflict on a cluster, for example).
    pub(crate) fn change(
        &mut self,
        act: &'static str,
        expected: Option<usize>,
        template: &SqlTemplate,
        fill: impl FnOnce(Params<'_>) -> Params<'_>,
    ) {
        // Invariant: no change runs while a guard before it is unchecked.
        if !template.takes_guard() {
            self.check_pending();
        }
        self.push(template, fill);
        self.pending.extend(expected.map(|expected| Guard::equal(act, CHANGED, expected)));
    }

    /// Changes the rows of `keys`, `rows_each` for each key. `fill` gets a list of keys at a time.
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

    /// Inserts `rows`. It adds no guard: the server inserts all of them or fails. It carries the pending guards.
    pub(crate) fn insert<R>(
        &mut self,
        insert: &SqlInsert,
        rows: &[R],
        fill: impl for<'p> Fn(RowValues<'p>, &R) -> RowValues<'p>,
    ) {
        for rows in rows.chunks(MAX_LIST) {
            let condition = self.place_pending();
            self.begin();
            insert.write(&mut self.sql, condition.as_deref(), rows, &fill);
        }
    }

    /// Runs the script and returns what its statements selected. Without an answer within [`db::ROUND_TRIP`] it fails
    /// with [`Failure::Lost`], and the connection must be dropped.
    pub(crate) async fn run(self, connection: &mut MySqlConnection) -> Result<ResultSet, Failure> {
        db::within(db::ROUND_TRIP, self.run_unbounded(connection)).await
    }

    async fn run_unbounded(mut self, connection: &mut MySqlConnection) -> Result<ResultSet, Failure> {
        self.check_all();
        // Nothing to ask costs no round trip.
        if self.statements == 0 {
            return Ok(ResultSet::default());
        }
        let mut rows: Vec<_> = (0..self.statements).map(|_| Vec::new()).collect();
        let mut ids = Vec::with_capacity(self.statements);
        // Safe: `SqlWriter` takes nothing but templates of this crate and sealed literals.
        let mut results = sqlx::raw_sql(AssertSqlSafe(self.sql.into_text())).fetch_many(connection);
        loop {
            match results.try_next().await {
                // Each statement that is done has left an id, so this row is of the one that comes next.
                Ok(Some(Either::Right(row))) => rows[ids.len()].push(row),
                Ok(Some(Either::Left(done))) => ids.push(done.last_insert_id()),
                Ok(None) => return Ok(ResultSet { rows, ids }),
                Err(error) => {
                    return Err(self.placed.failure(ids.len(), error));
                }
            }
        }
    }

    /// Runs the script and commits, in the same round trip; returns what [`Script::run`] does. Without an answer from
    /// the server it fails with [`Failure::CommitUnknown`].
    pub(crate) async fn commit(mut self, connection: &mut MySqlConnection) -> Result<ResultSet, Failure> {
        // Invariant: COMMIT is the last statement, after every guard.
        self.check_all();
        self.begin();
        self.sql.template("commit");
        self.run(connection).await.map_err(Failure::after_commit_was_sent)
    }

    /// The same, but a script that comes to its COMMIT after `latest`, by the server's clock, changes nothing.
    pub(crate) async fn commit_by(
        mut self,
        latest: Timestamp,
        connection: &mut MySqlConnection,
    ) -> Result<ResultSet, Failure> {
        // Last of all guards, so that nothing can delay the script after it.
        self.pending.extend(self.required.drain(..).map(Guard::from));
        self.pending.push(Guard::not_after(latest));
        self.commit(connection).await
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

    /// The condition of all pending guards. The next statement must carry it.
    fn place_pending(&mut self) -> Option<String> {
        if self.pending.is_empty() {
            return None;
        }
        let condition = guard::all(&self.pending);
        for Guard { act, .. } in self.pending.drain(..) {
            self.placed.add(self.statements, act);
        }
        Some(condition)
    }

    /// Checks all guards so far in a statement of their own.
    pub(crate) fn check_all(&mut self) {
        self.pending.extend(self.required.drain(..).map(Guard::from));
        self.check_pending();
    }

    /// Checks the pending guards in a statement of their own.
    fn check_pending(&mut self) {
        if let Some(condition) = self.place_pending() {
            self.begin();
            // `set` fails on a value out of range, where `do` would only warn. The variable is never read.
            self.sql.template("set @guarded = ");
            self.sql.condition(&condition, "");
        }
    }
}

/// Keys in the global order of locks, each once.
fn sorted<K: Ord>(mut keys: Vec<K>) -> Vec<K> {
    keys.sort_unstable();
    keys.dedup();
    keys
}
