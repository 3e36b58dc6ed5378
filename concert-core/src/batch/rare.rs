//! A lane for acts that are rare: each command is a batch of its own.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use sqlx::MySqlPool;
use tokio::sync::{Semaphore, watch};

use super::Batch;
use super::writer::Writer;
use crate::error::Error;
use crate::office_clock::OfficeClock;

/// The most commands that wait for the one that runs.
const MOST_WAITING: usize = 32;

/// Runs one command at a time, each in a transaction of its own on a connection that is opened for it and closed after
/// it: nothing is kept for what hardly ever happens. What a lane does about failures is done here as well.
pub(crate) struct RareLane<B: Batch> {
    batch: Arc<B>,
    pool: MySqlPool,
    clock: Arc<OfficeClock>,
    waiting: Arc<Semaphore>,
    running: Arc<Semaphore>,
    /// Whether it is shut down. Each command has a receiver until it is answered.
    stop: watch::Sender<bool>,
}

impl<B: Batch> RareLane<B> {
    pub(crate) fn new(batch: B, pool: &MySqlPool, clock: &Arc<OfficeClock>) -> Self {
        Self {
            batch: Arc::new(batch),
            pool: pool.clone(),
            clock: Arc::clone(clock),
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            running: Arc::new(Semaphore::new(1)),
            stop: watch::Sender::new(false),
        }
    }

    /// Runs one command.
    ///
    /// Cancel safety: once polled, the command runs whole or not at all, whether or not the caller waits for the answer.
    pub(crate) async fn submit(&self, command: B::Command) -> Result<B::Answer, Error> {
        // Before the look at it, so that a shutdown either waits for this command or is seen by it.
        let unanswered = self.stop.subscribe();
        if *unanswered.borrow() {
            return Err(Error::ShutDown);
        }
        let waits = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| {
            metrics::counter!("concert_overloaded_total", "lane" => B::NAME).increment(1);
            Error::Overloaded { lane: B::NAME }
        })?;
        let writer = Writer::new(
            Arc::clone(&self.batch),
            self.pool.clone(),
            Arc::clone(&self.clock),
            // A lane spreads commands by this count. There is one writer here, so nobody reads it.
            Arc::new(AtomicUsize::new(1)),
        );
        let running = Arc::clone(&self.running);
        // In a task of its own, so that a caller that goes away breaks off no transaction.
        let run = tokio::spawn(async move {
            // Nobody closes the semaphore.
            let _turn = running.acquire_owned().await;
            // The command that runs leaves its place to one that waits.
            drop(waits);
            let answer = writer.run_alone(command).await;
            drop(unanswered);
            answer
        });
        run.await.unwrap_or_else(|error| Err(Error::internal(error)))
    }

    /// Refuses further commands, and waits until all earlier ones are answered.
    ///
    /// Cancel safety: the lane stays shut down, and the earlier commands run on.
    pub(crate) async fn shutdown(&self) {
        self.stop.send_replace(true);
        self.stop.closed().await;
    }
}
