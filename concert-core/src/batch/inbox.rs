//! What reaches a writer.

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Interval;

use super::traced::CallerSpan;
use super::{Batch, MAX_BATCH};
use crate::error::Error;

/// A command, and where its answer goes.
pub(super) struct Job<B: Batch> {
    pub(super) command: B::Command,
    pub(super) answer: oneshot::Sender<Result<B::Answer, Error>>,
    pub(super) caller: CallerSpan,
}

/// Asks a writer to connect now, and to stay connected.
pub(super) type ConnectRequest = oneshot::Sender<Result<(), sqlx::Error>>;

pub(super) struct Inbox<B: Batch> {
    pub(super) jobs: mpsc::Receiver<Job<B>>,
    pub(super) connects: mpsc::Receiver<ConnectRequest>,
    pub(super) stopped: watch::Receiver<bool>,
}

pub(super) enum Arrival {
    /// Commands, in the vector.
    Jobs,
    Connect(ConnectRequest),
    /// Nothing came for a while.
    Tick,
    /// The writer is to end.
    End,
}

impl<B: Batch> Inbox<B> {
    /// Waits for what comes next. After the lane was stopped or dropped, the commands that wait still come, then the end.
    pub(super) async fn next(&mut self, waiting: &mut Vec<Job<B>>, ticks: &mut Interval) -> Arrival {
        let is_stopped = async {
            // An error means that the lane was dropped.
            let _ = self.stopped.wait_for(|stopped| *stopped).await;
        };
        tokio::select! {
            // In this order: commands that wait come before the end, and before whatever else there is to do.
            biased;
            received = self.jobs.recv_many(waiting, MAX_BATCH) => return jobs_or_end(received),
            () = is_stopped => {}
            Some(request) = self.connects.recv() => return Arrival::Connect(request),
            _ = ticks.tick() => return Arrival::Tick,
        }
        // Closed first, so that nothing is accepted that no writer would receive.
        self.jobs.close();
        jobs_or_end(self.jobs.recv_many(waiting, MAX_BATCH).await)
    }
}

fn jobs_or_end(received: usize) -> Arrival {
    if received > 0 { Arrival::Jobs } else { Arrival::End }
}
