//! A writer: takes what has queued, runs it until it is committed, and answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use futures_util::FutureExt as _;
use sqlx::{Connection as _, MySqlConnection, MySqlPool};
use tokio::sync::{mpsc, oneshot, watch};

use super::backoff::Backoff;
use super::piece::{LONGEST_SEARCH, Next, Piece, next_after, pause_after};
use super::{Attempt, Batch, Decision, MAX_BATCH};
use crate::clock::Clock;
use crate::db::{self, Failure};
use crate::error::Error;
use crate::fact::Assumptions;
use crate::sql::Script;

type Answers<B> = Vec<Result<<B as Batch>::Answer, Error>>;

pub(super) struct Job<B: Batch> {
    pub(super) command: B::Command,
    pub(super) answer: oneshot::Sender<Result<B::Answer, Error>>,
}

pub(super) struct Writer<B: Batch> {
    batch: Arc<B>,
    pool: MySqlPool,
    clock: Arc<dyn Clock>,
    open: Arc<AtomicUsize>,
    /// Between batches; while one is in flight the connection is the attempt's, and is closed if the attempt is dropped.
    connection: Option<MySqlConnection>,
    backoff: Backoff,
}

impl<B: Batch> Writer<B> {
    pub(super) fn new(batch: Arc<B>, pool: MySqlPool, clock: Arc<dyn Clock>, open: Arc<AtomicUsize>) -> Self {
        Self { batch, pool, clock, open, connection: None, backoff: Backoff::default() }
    }

    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job<B>>, mut stopped: watch::Receiver<bool>) {
        let mut waiting = Vec::with_capacity(MAX_BATCH);
        while receive(&mut jobs, &mut waiting, &mut stopped).await > 0 {
            let (commands, callers): (Vec<_>, Vec<_>) = waiting.drain(..).map(|job| (job.command, job.answer)).unzip();
            let (begun, crowd) = (Instant::now(), callers.len() > 1);
            let (open, mut callers) = (Arc::clone(&self.open), callers.into_iter());
            let answer = |answers: Answers<B>| {
                open.fetch_sub(answers.len(), Ordering::Relaxed);
                for (answer, caller) in answers.into_iter().zip(callers.by_ref()) {
                    // A caller that went away misses the answer; the act stands.
                    let _ = caller.send(answer);
                }
            };
            self.run_until_committed(&commands, answer).await;
            metrics::histogram!("concert_batch_commands", "lane" => B::NAME).record(commands.len() as f64);
            metrics::histogram!("concert_batch_seconds", "lane" => B::NAME).record(begun.elapsed().as_secs_f64());
            if crowd {
                await_stragglers(&jobs).await;
            }
        }
        if let Some(connection) = self.connection {
            let _ = connection.close().await;
        }
    }

    /// Tries until each command is committed or refused, or there is no sense in trying again. Answers in the order of the
    /// commands, as soon as it can: those whose part of a split batch is done do not wait for the rest.
    async fn run_until_committed(&mut self, commands: &[B::Command], mut answer: impl FnMut(Answers<B>)) {
        let search_ends = Instant::now() + LONGEST_SEARCH;
        let mut pieces = vec![Piece::<B>::whole(commands)];
        let mut was_split = false;
        while let Some(piece) = pieces.last_mut() {
            let failure = match self.attempt(piece).await {
                Ok(answers) => {
                    answer(answers);
                    pieces.pop();
                    continue;
                }
                Err(failure) => failure,
            };
            metrics::counter!("concert_retries_total", "lane" => B::NAME, "reason" => failure.reason()).increment(1);
            match next_after(&failure, piece, search_ends) {
                Next::Retry => {
                    tracing::debug!(lane = B::NAME, attempts = piece.attempts, ?failure, "a batch runs again");
                    tokio::time::sleep(pause_after(piece.attempts)).await;
                }
                Next::Split => {
                    tracing::debug!(lane = B::NAME, commands = piece.commands.len(), ?failure, "a batch is split");
                    let [first, second] = piece.halves();
                    was_split = true;
                    pieces.pop();
                    pieces.extend([second, first]);
                }
                Next::GiveUp => {
                    tracing::error!(lane = B::NAME, attempts = piece.attempts, ?failure, "a batch failed");
                    let error = failure.into_error();
                    answer(piece.commands.iter().map(|_| Err(error.clone())).collect());
                    pieces.pop();
                }
            }
        }
        if was_split {
            // It waits for locks less long than others do.
            self.connection = None;
        }
    }

    /// One transaction. Nothing in it can end the writer.
    async fn attempt(&mut self, piece: &mut Piece<'_, B>) -> Result<Answers<B>, Failure> {
        piece.attempts += 1;
        piece.commit_was_sent = false;
        let done = AssertUnwindSafe(self.attempt_unguarded(piece)).catch_unwind().await;
        // What panicked has dropped its connection, and so what it had not committed.
        let done = done.unwrap_or_else(|_| Err(Failure::of_panic(piece.commit_was_sent)));
        if matches!(done, Err(Failure::CommitUnknown(_))) {
            (piece.may_have_committed, piece.is_unresolved) = (true, true);
        }
        let Decision { answers, effects } = done?;
        let batch = &self.batch;
        if catch_unwind(AssertUnwindSafe(|| batch.committed(effects))).is_err() {
            tracing::error!(lane = B::NAME, "what follows a commit panicked; the acts stand");
        }
        Ok(answers)
    }

    async fn attempt_unguarded(&mut self, piece: &mut Piece<'_, B>) -> Result<Decision<B>, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => db::writers_connection(&self.pool).await?,
        };
        let outcome = self.transact(&mut connection, piece).await;
        match &outcome {
            Ok(_) => self.connection = Some(connection),
            Err(Failure::Lost(_) | Failure::CommitUnknown(_)) => {}
            // The first error ends the batch: after a 1205 a commit would keep half of it.
            Err(_) => {
                if db::rollback(&mut connection).await.is_ok() {
                    self.connection = Some(connection);
                }
            }
        }
        outcome
    }

    async fn transact(
        &mut self,
        connection: &mut MySqlConnection,
        piece: &mut Piece<'_, B>,
    ) -> Result<Decision<B>, Failure> {
        let attempt = Attempt { now: self.clock.now(), may_have_committed: piece.may_have_committed };
        if piece.is_split {
            db::shorten_lock_wait(connection).await?;
        } else if !attempt.may_have_committed
            && self.backoff.should_try()
            && let Some((decision, script)) = self.prepare_assumed(piece.commands, &attempt)
            && let Some(decision) = self.run_assumed(connection, piece, decision, script).await?
        {
            return Ok(decision);
        }
        self.run_locked(connection, piece, &attempt).await
    }

    /// Reads, decides and writes.
    async fn run_locked(
        &self,
        connection: &mut MySqlConnection,
        piece: &mut Piece<'_, B>,
        attempt: &Attempt,
    ) -> Result<Decision<B>, Failure> {
        let rows = self.batch.lock(connection, piece.commands, attempt).await?;
        piece.is_unresolved = false;
        let decision = self.decide(rows, piece.commands, attempt)?;
        let mut script = Script::default();
        self.batch.write(&mut script, &decision.effects, attempt);
        let committed = self.commit(connection, piece, decision, script).await;
        count_batch::<B>("locked", outcome(&committed));
        committed
    }

    /// The decision over assumed rows and its script, guards first. `None`: the rows cannot be assumed, or what was decided
    /// over them is to be decided under lock.
    fn prepare_assumed(&self, commands: &[B::Command], attempt: &Attempt) -> Option<(Decision<B>, Script)> {
        let prepared = catch_unwind(AssertUnwindSafe(|| {
            let assumptions = Assumptions::default();
            let rows = self.batch.assume(commands, &assumptions, attempt)?;
            Some(self.decide_assumed(rows, commands, &assumptions, attempt))
        }));
        let prepared = prepared.unwrap_or_else(|_| {
            tracing::error!(lane = B::NAME, "assuming a batch panicked; it is locked");
            Some(Err("panicked"))
        })?;
        prepared.inspect_err(|outcome| count_batch::<B>("assumed", outcome)).ok()
    }

    /// An error says why the batch is to be locked, in a word for metrics: somebody is to be refused, or the rules need what
    /// was not read; or something that was assumed has no guard.
    fn decide_assumed(
        &self,
        rows: B::Rows,
        commands: &[B::Command],
        assumptions: &Assumptions,
        attempt: &Attempt,
    ) -> Result<(Decision<B>, Script), &'static str> {
        let decision = self.decide(rows, commands, attempt).map_err(|failure| failure.reason())?;
        if decision.answers.iter().any(Result::is_err) {
            return Err("refused");
        }
        let (mut script, mut assumed) = (Script::default(), assumptions.take());
        self.batch.guard(&mut script, &mut assumed, &decision.effects, attempt);
        if !assumed.is_empty() {
            tracing::debug!(lane = B::NAME, ?assumed, "no guard states what was assumed");
            return Err("unstated");
        }
        self.batch.write(&mut script, &decision.effects, attempt);
        Ok((decision, script))
    }

    /// `None`: an assumption does not hold, and nothing happened.
    async fn run_assumed(
        &mut self,
        connection: &mut MySqlConnection,
        piece: &mut Piece<'_, B>,
        decision: Decision<B>,
        script: Script,
    ) -> Result<Option<Decision<B>>, Failure> {
        let committed = self.commit(connection, piece, decision, script).await;
        count_batch::<B>("assumed", outcome(&committed));
        match committed {
            Ok(decision) => {
                self.backoff.record(true);
                Ok(Some(decision))
            }
            Err(failure) if failure.is_undone() => {
                self.backoff.record(false);
                // Whoever waited for a lock as long as one waits looks for the command that it is about.
                if failure.repeats() {
                    return Err(failure);
                }
                db::rollback(connection).await?;
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    fn decide(&self, rows: B::Rows, commands: &[B::Command], attempt: &Attempt) -> Result<Decision<B>, Failure> {
        let decision = self.batch.decide(rows, commands, attempt);
        // An answer for each command, or nobody could be told what happened.
        if decision.answers.len() == commands.len() { Ok(decision) } else { Err(Failure::Panicked) }
    }

    async fn commit(
        &self,
        connection: &mut MySqlConnection,
        piece: &mut Piece<'_, B>,
        mut decision: Decision<B>,
        script: Script,
    ) -> Result<Decision<B>, Failure> {
        piece.commit_was_sent = true;
        let selected = script.commit(connection).await?;
        let completed = self.batch.complete(&mut decision.answers, &decision.effects, &selected);
        completed.map_err(Failure::CommitUnknown)?;
        Ok(decision)
    }
}

fn outcome<T>(committed: &Result<T, Failure>) -> &'static str {
    committed.as_ref().err().map_or("committed", Failure::reason)
}

/// Counts a batch by the way it went.
fn count_batch<B: Batch>(way: &'static str, outcome: &'static str) {
    metrics::counter!("concert_batches_total", "lane" => B::NAME, "way" => way, "outcome" => outcome).increment(1);
}

/// The next commands; none after the last.
async fn receive<J>(jobs: &mut mpsc::Receiver<J>, waiting: &mut Vec<J>, stopped: &mut watch::Receiver<bool>) -> usize {
    let is_stopped = async {
        // An error says that the lane was dropped, and with it the senders.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    tokio::select! {
        biased;
        received = jobs.recv_many(waiting, MAX_BATCH) => return received,
        () = is_stopped => {}
    }
    jobs.close();
    jobs.recv_many(waiting, MAX_BATCH).await
}

/// Waits for those who were answered and ask again at once, as long as more of them come: they get into one batch.
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
