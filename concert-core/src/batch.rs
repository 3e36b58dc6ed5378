//! Group commit: commands that wait at the same time share one transaction. Knows no domain.
//!
//! A [`Lane`] has writers; each owns a connection and takes whatever has queued while its previous batch was in flight.
//! So a lone caller waits for nobody, and a crowd shares the cost of a durable commit. Below [`CROWD`] open commands
//! one writer takes all, since two transactions of half the size cost more. From there on, commands with the same key
//! go to the same writer, so that conflicts over a hot row are resolved inside one batch instead of between
//! transactions.

mod backoff;
#[cfg(all(test, feature = "private-db"))]
mod failure_tests;
mod inbox;
mod piece;
mod rare;
mod spread;
mod traced;
mod writer;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sqlx::{MySqlConnection, MySqlPool};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use self::inbox::{ConnectRequest, Inbox, Job};
pub(crate) use self::rare::RareLane;
use self::spread::OpenCommands;
pub(crate) use self::spread::Spread;
use self::traced::CallerSpan;
#[cfg(feature = "traces")]
pub use self::traced::TRACED;
use self::writer::Writer;
use crate::clock::Timestamp;
use crate::db::{self, Failure, WritersConnection};
use crate::error::Error;
use crate::fact::{Assumed, Assumptions};
use crate::office_clock::OfficeClock;
use crate::sql::{MAX_LIST, ResultSet, Script};

/// The most commands in one transaction: past a few hundred the gain is small and the locks are held longer. With 1 024
/// callers a hold takes 7 % less processor time in batches of 512 than in batches of 256, a join 15 % (measured).
const MAX_BATCH: usize = 512;
/// A key for each command of a batch fits into one list of a statement.
const _: () = assert!(MAX_BATCH <= MAX_LIST);
/// From this many open commands on, a lane uses all its writers. Measured (two cores): with 64 callers, one writer
/// carries out 5 to 8 % more than two; with 256 callers, 25 % less.
const CROWD: usize = 96;

/// One kind of write, over a batch of commands: lock, decide, write. See ARCHITECTURE.md.
///
/// A kind whose rows this process can know may also implement [`Batch::assume`] and [`Batch::guard`]: the same `decide`
/// and the same `write` then run over rows that nobody has read, which saves a round trip and the reading. It is
/// optimistic concurrency control (Kung and Robinson, 1981).
pub(crate) trait Batch: Send + Sync + 'static {
    /// The lane's name in errors, logs and metrics.
    const NAME: &'static str;
    /// How commands are spread over several writers.
    const SPREAD: Spread = Spread::InCrowd;
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

    /// Adds the statements that bring the effects; each says how many rows it must change.
    fn write(&self, script: &mut Script, effects: &Self::Effects, attempt: &Attempt);

    /// The rows without reading them: known values, and unread facts for the rest. `None`: the batch must be locked.
    fn assume(
        &self,
        _commands: &[Self::Command],
        _assumptions: &Assumptions,
        _attempt: &Attempt,
    ) -> Option<Self::Rows> {
        None
    }

    /// Adds guards for the assumptions. Removes from `assumed` those that a guard states, or a change that
    /// [`Batch::write`] will add. If any is left, the batch is locked.
    fn guard(&self, _script: &mut Script, _assumed: &mut Assumed, _effects: &Self::Effects, _attempt: &Attempt) {}

    /// Completes the answers with values that only the script knows, such as a balance that was not read.
    fn complete(
        &self,
        _answers: &mut [Result<Self::Answer, Error>],
        _effects: &Self::Effects,
        _selected: &ResultSet,
    ) -> Result<(), sqlx::Error> {
        Ok(())
    }

    /// Called after the commit, before anyone is answered.
    fn committed(&self, _effects: Self::Effects) {}
}

/// What [`Batch::decide`] returns.
pub(crate) struct Decision<B: Batch + ?Sized> {
    pub(crate) answers: Vec<Result<B::Answer, Error>>,
    pub(crate) effects: B::Effects,
}

/// One try at a batch.
pub(crate) struct Attempt {
    /// The time, for all commands of the batch.
    pub(crate) now: Timestamp,
    /// An earlier COMMIT got no answer, so every command looks for its own rows first.
    pub(crate) may_have_committed: bool,
}

/// The queue in front of the writers of one kind of batch.
pub(crate) struct Lane<B: Batch> {
    writers: Vec<mpsc::Sender<Job<B>>>,
    connects: Vec<mpsc::Sender<ConnectRequest>>,
    open: OpenCommands,
    /// Whether the writers are to end; each has a receiver as long as it lives.
    stop: watch::Sender<bool>,
}

impl<B: Batch> Lane<B> {
    /// Starts `writers` tasks on the current tokio runtime. They end when the lane is dropped or shut down and their
    /// queues are empty.
    pub(crate) fn start(batch: B, writers: usize, capacity: usize, pool: &MySqlPool, clock: &Arc<OfficeClock>) -> Self {
        let (batch, open) = (Arc::new(batch), OpenCommands::new(B::SPREAD, writers));
        let stop = watch::Sender::new(false);
        let start = |_| {
            let (sender, jobs) = mpsc::channel(capacity);
            let (connect, connects) = mpsc::channel(1);
            let writer = Writer::new(Arc::clone(&batch), pool.clone(), Arc::clone(clock), Arc::clone(open.all()));
            tokio::spawn(writer.run(Inbox { jobs, connects, stopped: stop.subscribe() }));
            (sender, connect)
        };
        let (writers, connects) = (0..writers).map(start).unzip();
        Self { writers, connects, open, stop }
    }

    /// How many writers have a connection all the time; the others open one when they are first needed.
    pub(crate) fn connected_writers(&self) -> usize {
        match B::SPREAD {
            Spread::InCrowd => self.writers.len(),
            Spread::ByKey => 1,
        }
    }

    /// Has those writers connect now and stay connected; without it each connects for its first batch.
    pub(crate) async fn open_connections(&self) -> Result<(), sqlx::Error> {
        for writer in self.connects.iter().take(self.connected_writers()) {
            let (connected, answer) = oneshot::channel();
            // An error means that the lane was shut down.
            if writer.send(connected).await.is_ok()
                && let Ok(connected) = answer.await
            {
                connected?;
            }
        }
        Ok(())
    }

    /// Runs one command.
    ///
    /// Cancel safety: once polled, the command runs whole or not at all, whether or not the caller waits for the
    /// answer.
    pub(crate) async fn submit(&self, command: B::Command) -> Result<B::Answer, Error> {
        // Checked here, not by the writers: they would never finish while callers go on submitting.
        if *self.stop.borrow() {
            return Err(Error::ShutDown);
        }
        let (answer, answered) = oneshot::channel();
        // Lives until the answer is there: as long, commands with the same key keep to this writer.
        let open = self.open.add(B::key(&command));
        self.writers[open.writer].try_send(Job { command, answer, caller: CallerSpan::here() }).map_err(|refused| {
            // A writer counts down what it answers; a command that is refused here reaches none.
            self.open.all().fetch_sub(1, Ordering::Relaxed);
            match refused {
                mpsc::error::TrySendError::Full(_) => {
                    metrics::counter!("concert_overloaded_total", "lane" => B::NAME).increment(1);
                    Error::Overloaded { lane: B::NAME }
                }
                mpsc::error::TrySendError::Closed(_) => self.closed(),
            }
        })?;
        // An error means that the writer went away with the command.
        answered.await.unwrap_or_else(|_| Err(self.closed()))
    }

    /// How many commands wait now.
    pub(crate) fn depth(&self) -> usize {
        self.writers.iter().map(|sender| sender.max_capacity() - sender.capacity()).sum()
    }

    /// Refuses further commands, and waits until all earlier ones are answered.
    ///
    /// Cancel safety: the lane stays shut down, and the earlier commands run on.
    pub(crate) async fn shutdown(&self) {
        self.stop.send_replace(true);
        // Each writer has a receiver as long as it lives, so this waits for the last of them.
        self.stop.closed().await;
    }

    fn closed(&self) -> Error {
        if *self.stop.borrow() {
            return Error::ShutDown;
        }
        Error::internal(std::io::Error::other(format!("the writers of the {} lane are gone", B::NAME)))
    }
}

/// What a command would answer now: locks and decides as a writer would, and rolls back.
pub(crate) async fn preview<B: Batch>(
    batch: &B,
    command: B::Command,
    pool: &MySqlPool,
    now: Timestamp,
) -> Result<B::Answer, Error> {
    let attempt = Attempt { now, may_have_committed: false };
    let commands = [command];
    // If this is dropped, the connection closes and the server rolls back.
    let WritersConnection { mut connection, .. } = WritersConnection::open(pool).await.map_err(db::to_error)?;
    // Closed before the rules run: a preview needs the rows, and no lock any longer.
    let locked = batch.lock(&mut connection, &commands, &attempt).await;
    db::close(connection).await;
    let decision = batch.decide(locked.map_err(Failure::into_error)?, &commands, &attempt);
    decision.answers.into_iter().next().unwrap_or_else(|| Err(Error::internal(std::io::Error::other("no answer"))))
}
