//! A writer: takes the commands that have queued, runs them until they are committed, and answers their callers.

mod assumed;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use futures_util::FutureExt as _;
use sqlx::MySqlPool;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tracing::Instrument as _;

use super::backoff::Backoff;
use super::inbox::{Arrival, Inbox, Job};
use super::piece::{LONGEST_SEARCH, Next, Piece, next_after, pause_after};
use super::{Attempt, Batch, Decision, MAX_BATCH, traced};
use crate::clock::Clock as _;
use crate::db::{self, Cluster, Failure, WritersConnection};
use crate::error::Error;
use crate::office_clock::OfficeClock;
use crate::sql::Script;

type Answers<B> = Vec<Result<<B as Batch>::Answer, Error>>;

pub(super) struct Writer<B: Batch> {
    batch: Arc<B>,
    pool: MySqlPool,
    clock: Arc<OfficeClock>,
    open: Arc<AtomicUsize>,
    /// Kept between batches. An attempt takes it, so that an attempt that is dropped or panics closes it.
    connection: Option<WritersConnection>,
    /// Whether the connection is to be there before a command comes.
    keeps_connected: bool,
    /// Whether the last batch was given up because the database could not be reached.
    database_is_lost: bool,
    backoff: Backoff,
}

impl<B: Batch> Writer<B> {
    pub(super) fn new(batch: Arc<B>, pool: MySqlPool, clock: Arc<OfficeClock>, open: Arc<AtomicUsize>) -> Self {
        Self {
            batch,
            pool,
            clock,
            open,
            connection: None,
            keeps_connected: false,
            database_is_lost: false,
            backoff: Backoff::default(),
        }
    }

    pub(super) async fn run(mut self, mut inbox: Inbox<B>) {
        let mut waiting = Vec::with_capacity(MAX_BATCH);
        let mut ticks = interval(db::KEEP_ALIVE);
        // After a long batch one tick is enough: the others would only repeat it.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            match inbox.next(&mut waiting, &mut ticks).await {
                Arrival::Jobs => self.run_batch(&mut waiting, &inbox.jobs).await,
                Arrival::Connect(connected) => {
                    self.keeps_connected = true;
                    let _ = connected.send(self.connect().await);
                }
                Arrival::Tick => self.keep_alive().await,
                Arrival::End => break,
            }
        }
        if let Some(WritersConnection { connection, .. }) = self.connection {
            db::close(connection).await;
        }
    }

    /// Runs one command, and closes the connection.
    pub(super) async fn run_alone(mut self, command: B::Command) -> Result<B::Answer, Error> {
        let mut given = None;
        self.run_until_committed(&[command], |answers| given = answers.into_iter().next()).await;
        if let Some(WritersConnection { connection, .. }) = self.connection {
            db::close(connection).await;
        }
        given.unwrap_or_else(|| Err(Error::internal(std::io::Error::other("no answer"))))
    }

    async fn run_batch(&mut self, waiting: &mut Vec<Job<B>>, jobs: &mpsc::Receiver<Job<B>>) {
        let span = traced::batch(B::NAME, waiting.len(), waiting.iter().map(|job| &job.caller));
        let (commands, callers): (Vec<_>, Vec<_>) = waiting.drain(..).map(|job| (job.command, job.answer)).unzip();
        let (begun, crowd) = (Instant::now(), callers.len() > 1);
        let (open, mut callers) = (Arc::clone(&self.open), callers.into_iter());
        let answer = |answers: Answers<B>| {
            // Before anyone is answered: whoever asks again at once must not count twice.
            open.fetch_sub(answers.len(), Ordering::Relaxed);
            for (answer, caller) in answers.into_iter().zip(callers.by_ref()) {
                // A caller that went away misses the answer; the act stands.
                let _ = caller.send(answer);
            }
        };
        self.run_until_committed(&commands, answer).instrument(span).await;
        metrics::histogram!("concert_batch_commands", "lane" => B::NAME).record(commands.len() as f64);
        metrics::histogram!("concert_batch_seconds", "lane" => B::NAME).record(begun.elapsed().as_secs_f64());
        // A lone caller has nobody to wait for.
        if crowd {
            await_stragglers(jobs).await;
        }
    }

    async fn connect(&mut self) -> Result<(), sqlx::Error> {
        if self.connection.is_none() {
            self.connection = Some(WritersConnection::open(&self.pool).await?);
        }
        Ok(())
    }

    /// Without it the server would end the connection of an idle writer. A connection that turns out to be dead is
    /// replaced before a command needs it.
    async fn keep_alive(&mut self) {
        if let Some(connection) = &mut self.connection
            && let Err(error) = connection.keep_alive().await
        {
            tracing::debug!(lane = B::NAME, %error, "an idle writer lost its connection");
            self.connection = None;
        }
        if self.keeps_connected
            && let Err(error) = self.connect().await
        {
            tracing::debug!(lane = B::NAME, %error, "an idle writer has no connection");
        }
    }

    /// Tries until each command is committed, refused or given up. Answers are in the order of the commands. A batch
    /// that was split is answered piece by piece, so that its good commands do not wait for the bad one.
    async fn run_until_committed(&mut self, commands: &[B::Command], mut answer: impl FnMut(Answers<B>)) {
        let search_ends = Instant::now() + LONGEST_SEARCH;
        // A stack: its top is the next piece in the order of the commands, as `answer` needs it.
        let mut pieces = vec![Piece::<B>::whole(commands)];
        let mut was_split = false;
        while let Some(piece) = pieces.last_mut() {
            let failure = match self.attempt(piece).await {
                Ok(answers) => {
                    self.database_is_lost = false;
                    answer(answers);
                    pieces.pop();
                    continue;
                }
                Err(failure) => failure,
            };
            metrics::counter!("concert_retries_total", "lane" => B::NAME, "reason" => failure.reason()).increment(1);
            match next_after(&failure, piece, search_ends, self.database_is_lost) {
                Next::Retry => {
                    tracing::debug!(lane = B::NAME, attempts = piece.attempts, ?failure, "retrying a batch");
                    tokio::time::sleep(pause_after(piece.attempts)).await;
                }
                Next::Split => {
                    tracing::debug!(lane = B::NAME, commands = piece.commands.len(), ?failure, "splitting a batch");
                    let [first, second] = piece.halves();
                    was_split = true;
                    pieces.pop();
                    pieces.extend([second, first]);
                }
                Next::GiveUp => {
                    tracing::error!(lane = B::NAME, attempts = piece.attempts, ?failure, "a batch failed");
                    self.database_is_lost = failure.is_silence();
                    let error = failure.into_error();
                    answer(piece.commands.iter().map(|_| Err(error.clone())).collect());
                    pieces.pop();
                }
            }
        }
        if was_split {
            // Its lock wait was shortened for the search.
            self.connection = None;
        }
    }

    /// One transaction. A panic in it becomes a failure of the batch: a writer that died would take its lane along.
    async fn attempt(&mut self, piece: &mut Piece<'_, B>) -> Result<Answers<B>, Failure> {
        piece.attempts += 1;
        piece.commit_was_sent = false;
        let done = AssertUnwindSafe(self.attempt_unguarded(piece)).catch_unwind().await;
        // The panic dropped the connection, so the server undoes what was not committed.
        let done = done.unwrap_or_else(|_| Err(Failure::of_panic(piece.commit_was_sent)));
        if matches!(done, Err(Failure::CommitUnknown(_))) {
            (piece.may_have_committed, piece.is_unresolved) = (true, true);
        }
        let Decision { answers, effects } = done?;
        // Committed: a panic from here on must not turn the answers into failures.
        let batch = &self.batch;
        if catch_unwind(AssertUnwindSafe(|| batch.committed(effects))).is_err() {
            tracing::error!(lane = B::NAME, "the hook after a commit panicked; the commit stands");
        }
        Ok(answers)
    }

    async fn attempt_unguarded(&mut self, piece: &mut Piece<'_, B>) -> Result<Decision<B>, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => WritersConnection::open(&self.pool).await?,
        };
        let outcome = self.transact(&mut connection, piece).await;
        connection.was_used();
        match &outcome {
            Ok(_) => self.connection = Some(connection),
            // Dropped, and so closed: its answer may still come.
            Err(failure) if failure.is_silence() => {}
            // After a lock wait timeout (1205) the server undoes one statement, not the transaction: a later COMMIT
            // would keep half of the batch.
            Err(_) => {
                if db::rollback(&mut connection.connection).await.is_ok() {
                    self.connection = Some(connection);
                }
            }
        }
        outcome
    }

    async fn transact(
        &mut self,
        connection: &mut WritersConnection,
        piece: &mut Piece<'_, B>,
    ) -> Result<Decision<B>, Failure> {
        // Before the first act, and where nobody reads the clock meanwhile.
        self.clock.keep_fresh(&mut connection.connection).await?;
        let attempt = Attempt { now: self.clock.now(), may_have_committed: piece.may_have_committed };
        // Only locked rows can tell whether an earlier COMMIT happened, and which command of a piece fails.
        if piece.is_split {
            db::shorten_lock_wait(&mut connection.connection).await?;
        } else if !attempt.may_have_committed
            && self.backoff.should_try()
            && let Some((decision, script)) = self.prepare_assumed(piece.commands, &attempt)
            && let Some(decision) = self.run_assumed(connection, piece, decision, script).await?
        {
            return Ok(decision);
        }
        self.run_locked(connection, piece, &attempt).await
    }

    /// Locks, decides and writes. On a cluster, a command is refused for what is not there only after the node has caught
    /// up with the others.
    async fn run_locked(
        &self,
        connection: &mut WritersConnection,
        piece: &mut Piece<'_, B>,
        attempt: &Attempt,
    ) -> Result<Decision<B>, Failure> {
        let mut decision = self.lock_and_decide(connection, piece, attempt).await?;
        let may_be_behind = |answer: &Result<B::Answer, Error>| answer.as_ref().is_err_and(Error::may_be_behind);
        if connection.cluster != Cluster::Single && !piece.has_caught_up && decision.answers.iter().any(may_be_behind) {
            piece.has_caught_up = true;
            // Nodes wait between transactions only.
            db::rollback(&mut connection.connection).await?;
            connection.cluster.catch_up(&mut connection.connection).await?;
            decision = self.lock_and_decide(connection, piece, attempt).await?;
        }
        let mut script = Script::default();
        self.batch.write(&mut script, &decision.effects, attempt);
        let committed = self.commit(connection, piece, decision, script).await;
        count_batch::<B>("locked", outcome(&committed));
        committed
    }

    async fn lock_and_decide(
        &self,
        connection: &mut WritersConnection,
        piece: &mut Piece<'_, B>,
        attempt: &Attempt,
    ) -> Result<Decision<B>, Failure> {
        let rows = self.batch.lock(&mut connection.connection, piece.commands, attempt).await?;
        // The rows are locked: whatever an earlier COMMIT did is in them.
        piece.is_unresolved = false;
        self.decide(rows, piece.commands, attempt)
    }

    fn decide(&self, rows: B::Rows, commands: &[B::Command], attempt: &Attempt) -> Result<Decision<B>, Failure> {
        let decision = self.batch.decide(rows, commands, attempt);
        // With another number of answers, callers would get those of others.
        if decision.answers.len() == commands.len() { Ok(decision) } else { Err(Failure::Panicked) }
    }

    async fn commit(
        &self,
        connection: &mut WritersConnection,
        piece: &mut Piece<'_, B>,
        mut decision: Decision<B>,
        script: Script,
    ) -> Result<Decision<B>, Failure> {
        // Set before the script is sent: from here on a failure may mean that the commit happened.
        piece.commit_was_sent = true;
        let latest = connection.latest_commit();
        let selected = traced::timed(script.commit_by(latest, &mut connection.connection)).await?;
        let completed = self.batch.complete(&mut decision.answers, &decision.effects, &selected);
        // It is committed, but the answers are not known: the next attempt finds them in the rows.
        completed.map_err(Failure::CommitUnknown)?;
        Ok(decision)
    }
}

/// What metrics call a batch that is there.
const COMMITTED: &str = "committed";

fn outcome<T>(committed: &Result<T, Failure>) -> &'static str {
    committed.as_ref().err().map_or(COMMITTED, Failure::reason)
}

/// Counts a batch by the way it went.
fn count_batch<B: Batch>(way: &'static str, outcome: &'static str) {
    if outcome == COMMITTED {
        traced::committed(way);
    }
    metrics::counter!("concert_batches_total", "lane" => B::NAME, "way" => way, "outcome" => outcome).increment(1);
}

/// Yields as long as more commands arrive. Callers that were answered often ask again at once; this gets them into one
/// batch.
async fn await_stragglers<J>(jobs: &mpsc::Receiver<J>) {
    loop {
        let waiting = jobs.len();
        tokio::task::yield_now().await;
        if jobs.len() <= waiting || jobs.len() >= MAX_BATCH {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
