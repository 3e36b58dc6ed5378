//! Group commit: commands that wait at the same time share one transaction. Knows no domain.
//!
//! A [`Lane`] has writers; each owns a connection and takes whatever has queued while its previous batch was in flight,
//! so a lone caller waits for nobody and a crowd shares the cost of a durable commit. Up to a crowd, one writer takes all, since
//! two transactions of half the size cost more; past it commands with the same key go to the same writer, so a hot row is
//! fought over inside one batch instead of between transactions.

mod caution;
mod failure;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::RngExt as _;
use sqlx::{Connection as _, MySqlConnection, MySqlPool};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use self::caution::Caution;
pub(crate) use self::failure::Failure;
use crate::clock::{Clock, Timestamp};
use crate::db;
use crate::error::Error;
use crate::sql::{MAX_LIST, Script, Selected};

/// The most commands in one transaction: past a few hundred the gain is small and the locks are held longer.
const MAX_BATCH: usize = 256;
/// Whatever has one key for each command is one list in a statement.
const _: () = assert!(MAX_BATCH <= MAX_LIST);
/// From so many commands at once on a lane uses all its writers. Measured (two cores): 64 callers make 5 to 8 % more of a lane
/// with one writer than of one with two, 256 callers 25 % less.
const CROWD: usize = 96;
/// How often a batch is tried before its callers are told that it failed.
const MAX_ATTEMPTS: u32 = 8;
/// The pause before the second attempt; it doubles with each, up to `LONGEST_PAUSE`, with jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(4);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// One kind of write: lock, decide, write, over a batch of commands. A kind that is hardly ever refused may be tried without
/// looking first, as in optimistic concurrency control (Kung and Robinson, 1981): that saves a round trip, and reading.
pub(crate) trait Batch: Send + Sync + 'static {
    /// The lane's name in errors, logs and metrics.
    const NAME: &'static str;
    type Command: Send + Sync + 'static;
    type Answer: Send + 'static;
    /// The rows that a batch concerns.
    type Rows: Send;
    /// What a batch changes.
    type Effects: Send;

    /// Commands with the same key run one after the other.
    fn key(command: &Self::Command) -> Uuid;

    /// Reads all rows that the batch concerns, locked, in the global order: gate, tokens (by user), concerts,
    /// seats, users.
    fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[Self::Command],
        attempt: &Attempt,
    ) -> impl Future<Output = Result<Self::Rows, Failure>> + Send;

    /// The rules: an answer for each command in their order, and the effects of all. No database, no clock, no async.
    fn decide(&self, rows: Self::Rows, commands: &[Self::Command], attempt: &Attempt) -> Decision<Self>;

    /// The statements that bring the effects; each says how many rows it must hit.
    fn write(&self, effects: &Self::Effects, attempt: &Attempt) -> Script;

    /// What the rules would come to if they refused nobody, where that can be told without the rows; `None`: they have to
    /// be read. The script locks in the same order, and a guard of it fails wherever the rules would refuse.
    fn optimistic<'a>(&self, _commands: &'a [Self::Command], _attempt: &Attempt) -> Option<Optimistic<'a, Self>> {
        None
    }

    /// Called after the commit, before anyone is answered.
    fn committed(&self, _effects: Self::Effects) {}
}

/// What [`Batch::decide`] returns.
pub(crate) struct Decision<B: Batch + ?Sized> {
    pub(crate) answers: Vec<Result<B::Answer, Error>>,
    pub(crate) effects: B::Effects,
}

/// What [`Batch::optimistic`] returns.
pub(crate) struct Optimistic<'a, B: Batch + ?Sized> {
    pub(crate) script: Script,
    pub(crate) decide: Decide<'a, B>,
}

/// What a script has come to, given what it selected.
type Decide<'a, B> = Box<dyn FnOnce(&Selected) -> Result<Decision<B>, sqlx::Error> + Send + 'a>;

/// One try at a batch.
pub(crate) struct Attempt {
    /// The time, for all commands of the batch.
    pub(crate) now: Timestamp,
    /// An earlier COMMIT got no answer, so the batch may have happened: every command looks for its own rows first.
    pub(crate) recheck: bool,
}

struct Job<B: Batch> {
    command: B::Command,
    answer: oneshot::Sender<Result<B::Answer, Error>>,
}

/// The way in for one kind of write.
pub(crate) struct Lane<B: Batch> {
    writers: Vec<mpsc::Sender<Job<B>>>,
    /// How many commands are not answered yet.
    open: Arc<AtomicUsize>,
    /// Whether the writers are to end; each has a receiver as long as it lives.
    ending: watch::Sender<bool>,
}

impl<B: Batch> Lane<B> {
    /// Starts `writers` tasks on the current tokio runtime; they end when the lane is dropped and their queues are empty.
    pub(crate) fn start(batch: B, writers: usize, capacity: usize, pool: &MySqlPool, clock: &Arc<dyn Clock>) -> Self {
        let (batch, open) = (Arc::new(batch), Arc::new(AtomicUsize::new(0)));
        let ending = watch::Sender::new(false);
        let start = |_| {
            let (sender, jobs) = mpsc::channel(capacity);
            let writer = Writer {
                batch: Arc::clone(&batch),
                pool: pool.clone(),
                clock: Arc::clone(clock),
                open: Arc::clone(&open),
                connection: None,
                caution: Caution::default(),
            };
            tokio::spawn(writer.run(jobs, ending.subscribe()));
            sender
        };
        Self { writers: (0..writers).map(start).collect(), open, ending }
    }

    /// Runs one command.
    ///
    /// Cancel safety: once polled, the command runs whole or not at all, whether or not the caller waits for the answer.
    pub(crate) async fn submit(&self, command: B::Command) -> Result<B::Answer, Error> {
        let (answer, answered) = oneshot::channel();
        let writer = writer_for(B::key(&command), self.open.fetch_add(1, Ordering::Relaxed), self.writers.len());
        self.writers[writer].try_send(Job { command, answer }).map_err(|refused| {
            self.open.fetch_sub(1, Ordering::Relaxed);
            if matches!(refused, mpsc::error::TrySendError::Closed(_)) && *self.ending.borrow() {
                return Error::ShutDown;
            }
            metrics::counter!("concert_overloaded_total", "lane" => B::NAME).increment(1);
            Error::Overloaded { lane: B::NAME }
        })?;
        answered.await.unwrap_or_else(|_| Err(Failure::Panicked.into_error()))
    }

    /// Ends the writers after what they have, and waits until they have ended.
    pub(crate) async fn shutdown(&self) {
        self.ending.send_replace(true);
        self.ending.closed().await;
    }

    /// How many commands wait now.
    pub(crate) fn depth(&self) -> usize {
        self.writers.iter().map(|sender| sender.max_capacity() - sender.capacity()).sum()
    }
}

/// Which of `writers` takes a command when so many others are not answered yet.
fn writer_for(key: Uuid, open: usize, writers: usize) -> usize {
    let used = if open < CROWD { 1 } else { writers };
    // The low bits of a UUID are the random ones, in v5 and v7 alike.
    (key.as_u128() % used as u128) as usize
}

struct Writer<B: Batch> {
    batch: Arc<B>,
    pool: MySqlPool,
    clock: Arc<dyn Clock>,
    open: Arc<AtomicUsize>,
    /// Between batches; while one is in flight the connection is the attempt's, and is closed if the attempt is dropped.
    connection: Option<MySqlConnection>,
    caution: Caution,
}

impl<B: Batch> Writer<B> {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job<B>>, mut ending: watch::Receiver<bool>) {
        let mut waiting = Vec::with_capacity(MAX_BATCH);
        loop {
            tokio::select! {
                biased;
                _ = ending.changed(), if !jobs.is_closed() => {
                    jobs.close();
                    continue;
                }
                taken = jobs.recv_many(&mut waiting, MAX_BATCH) => {
                    if taken == 0 {
                        break;
                    }
                }
            }
            let (commands, callers): (Vec<_>, Vec<_>) = waiting.drain(..).map(|job| (job.command, job.answer)).unzip();
            let begun = Instant::now();
            let answers = self.settle(&commands).await;
            metrics::histogram!("concert_batch_commands", "lane" => B::NAME).record(commands.len() as f64);
            metrics::histogram!("concert_batch_seconds", "lane" => B::NAME).record(begun.elapsed().as_secs_f64());
            self.open.fetch_sub(callers.len(), Ordering::Relaxed);
            let crowd = callers.len() > 1;
            for (caller, answer) in callers.into_iter().zip(answers) {
                // A caller that went away misses the answer; the act stands.
                let _ = caller.send(answer);
            }
            if crowd {
                gather(&jobs).await;
            }
        }
        if let Some(connection) = self.connection {
            let _ = connection.close().await;
        }
    }

    /// Tries until the batch is committed or there is no sense in trying again.
    async fn settle(&mut self, commands: &[B::Command]) -> Vec<Result<B::Answer, Error>> {
        let mut recheck = false;
        let mut attempts = 1;
        loop {
            let failure = match self.attempt(commands, recheck).await {
                Ok(answers) => return answers,
                Err(failure) => failure,
            };
            recheck |= matches!(failure, Failure::CommitUnknown(_));
            metrics::counter!("concert_retries_total", "lane" => B::NAME, "reason" => failure.reason()).increment(1);
            if attempts == MAX_ATTEMPTS || !failure.may_pass() {
                tracing::error!(lane = B::NAME, attempts, ?failure, "a batch failed");
                let error = failure.into_error();
                return commands.iter().map(|_| Err(error.clone())).collect();
            }
            tracing::debug!(lane = B::NAME, attempts, ?failure, "a batch runs again");
            tokio::time::sleep(pause_after(attempts)).await;
            attempts += 1;
        }
    }

    async fn attempt(
        &mut self,
        commands: &[B::Command],
        recheck: bool,
    ) -> Result<Vec<Result<B::Answer, Error>>, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => db::writers_connection(&self.pool).await?,
        };
        let attempt = Attempt { now: self.clock.now(), recheck };
        match self.transact(&mut connection, commands, &attempt).await {
            Ok(Decision { answers, effects }) => {
                debug_assert_eq!(answers.len(), commands.len(), "an answer for each command");
                self.connection = Some(connection);
                self.batch.committed(effects);
                Ok(answers)
            }
            Err(failure @ (Failure::Lost(_) | Failure::CommitUnknown(_))) => Err(failure),
            Err(failure) => {
                // The first error ends the batch: after a 1205 a commit would keep half of it.
                if db::rollback(&mut connection).await.is_ok() {
                    self.connection = Some(connection);
                }
                Err(failure)
            }
        }
    }

    async fn transact(
        &mut self,
        connection: &mut MySqlConnection,
        commands: &[B::Command],
        attempt: &Attempt,
    ) -> Result<Decision<B>, Failure> {
        if let Some(decision) = self.transact_unread(connection, commands, attempt).await? {
            return Ok(decision);
        }
        let rows = self.batch.lock(connection, commands, attempt).await?;
        let decision = catch_unwind(AssertUnwindSafe(|| self.batch.decide(rows, commands, attempt)))
            .map_err(|_| Failure::Panicked)?;
        self.batch.write(&decision.effects, attempt).commit(connection).await?;
        Ok(decision)
    }

    /// `None`: nothing happened, and the rows have to be read.
    async fn transact_unread(
        &mut self,
        connection: &mut MySqlConnection,
        commands: &[B::Command],
        attempt: &Attempt,
    ) -> Result<Option<Decision<B>>, Failure> {
        if !self.caution.dares() {
            return Ok(None);
        }
        let optimistic = catch_unwind(AssertUnwindSafe(|| self.batch.optimistic(commands, attempt)))
            .map_err(|_| Failure::Panicked)?;
        let Some(Optimistic { script, decide }) = optimistic else {
            return Ok(None);
        };
        match script.commit(connection).await {
            Ok(selected) => {
                self.caution.learn(true);
                let decision = catch_unwind(AssertUnwindSafe(|| decide(&selected))).map_err(|_| Failure::Panicked)?;
                decision.map(Some).map_err(Failure::CommitUnknown)
            }
            Err(Failure::Guard { .. } | Failure::Conflict(_)) => {
                self.caution.learn(false);
                metrics::counter!("concert_optimistic_in_vain_total", "lane" => B::NAME).increment(1);
                db::rollback(connection).await?;
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Waits for those who were answered and ask again at once, as long as more of them come: they get into one batch.
async fn gather<J>(jobs: &mpsc::Receiver<J>) {
    loop {
        let waiting = jobs.len();
        tokio::task::yield_now().await;
        if jobs.len() <= waiting || jobs.len() >= MAX_BATCH {
            return;
        }
    }
}

fn pause_after(attempts: u32) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(1 << attempts.min(16)).min(LONGEST_PAUSE);
    longest.mul_f64(rand::rng().random_range(0.5..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_spread_by_key_and_fewer_go_to_one_writer() {
        let keys = [4, 5, 6, 7].map(Uuid::from_u128);
        assert_eq!(keys.map(|key| writer_for(key, CROWD - 1, 3)), [0; 4]);
        assert_eq!(keys.map(|key| writer_for(key, CROWD, 3)), [1, 2, 0, 1]);
        assert_eq!(keys.map(|key| writer_for(key, CROWD, 1)), [0; 4]);
    }

    #[tokio::test]
    async fn whoever_asks_again_at_once_is_waited_for_and_nobody_else() {
        let (sender, jobs) = mpsc::channel(16);
        for (caller, pauses) in [0, 1, 2, 9].into_iter().enumerate() {
            let sender = sender.clone();
            tokio::spawn(async move {
                for _ in 0..pauses {
                    tokio::task::yield_now().await;
                }
                sender.send(caller).await.expect("is received");
            });
        }
        gather(&jobs).await;
        assert_eq!(jobs.len(), 3);
    }
}
