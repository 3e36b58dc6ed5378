//! The periodic passes, and how a box office ends.

use std::time::{Duration, Instant};

use futures_util::future::join;

use super::{BoxOffice, wrong_answer};
use crate::db;
use crate::error::Error;
use crate::id::SaleId;
use crate::office_clock::READ_EVERY;
use crate::queue::{self, Pass, RerankReport};
use crate::reservation::{SweepFrom, SweepReport};
use crate::schedule::{Stop, every};
use crate::user;

/// How often a process looks whether a concert that was called off is to be cleared, and for how long it then does so:
/// a small reading, so that a process that was killed is replaced soon.
const CLEAR_EVERY: Duration = Duration::from_secs(1);
/// The most batches of one rerank pass: a backlog that is longer waits for the next.
const MOST_ROUNDS: usize = 1_000;
/// The most batches of one sweep pass: 128 000 holds. The next pass does the rest.
const MOST_BATCHES: usize = 2_000;

/// Passes. [`BoxOffice::run`] makes them all; an application with a scheduler of its own calls them one by one.
///
/// ```no_run
/// use concert_core::BoxOffice;
///
/// # async fn example(office: BoxOffice, ctrl_c: impl Future<Output = ()> + Send + 'static) {
/// let passes = tokio::spawn({
///     let office = office.clone();
///     async move { office.run(ctrl_c).await }
/// });
/// // .. and serve, until the same signal.
/// let _ = passes.await;
/// office.shutdown().await;
/// # }
/// ```
impl BoxOffice {
    /// Makes the periodic passes until `shutdown` resolves, and ends between two of them: the rerank, the sweep, and
    /// this process's refresh of the queues, as often as the policy says, and a reading of the database's clock. It also lets people
    /// in to each sale at the moment at which it opens. Any number of processes may run them on one
    /// database: one of them makes the rerank, or the sweep, of a period. A pass that fails is logged and counted, and
    /// runs again at its time.
    ///
    /// Cancel safety: what the passes did stays done.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let (ending, stop) = Stop::new();
        let policy = self.policy();
        let passes = async {
            tokio::join!(
                every("refresh", policy.refresh_every, stop.clone(), || self.refresh()),
                every("rerank", policy.rerank_every, stop.clone(), || self.rerank_in_turn(policy.rerank_every)),
                self.open_sales(stop.clone()),
                every("clock", READ_EVERY, stop.clone(), || self.read_clock()),
                every("sweep", policy.sweep_every, stop.clone(), || self.sweep_in_turn(policy.sweep_every)),
                every("clear", CLEAR_EVERY, stop.clone(), || self.clear_cancelled(CLEAR_EVERY)),
            )
        };
        let ended = async move {
            shutdown.await;
            // All passes hold the other end, and see this at their next pause.
            drop(ending);
        };
        join(passes, ended).await;
    }

    /// Ends this process's writers: waiting commands are carried out and answered, later ones are refused with
    /// [`Error::ShutDown`]. Reads go on. All clones of the box office are shut down with it.
    ///
    /// Cancel safety: the writers end all the same.
    pub async fn shutdown(&self) {
        self.inner.shutdown().await;
    }

    /// One rerank pass over all sales, bounded: ends the tokens whose time is over, admits the head of each queue up to its cap,
    /// refreshes this process's snapshot.
    ///
    /// Users who neither polled nor followed for a few of their poll intervals are passed over while others wait who did.
    /// They keep their places. Where nobody polls, nobody is passed over.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn rerank_queue(&self) -> Result<RerankReport, Error> {
        let mut report = RerankReport::default();
        // Before, to see whom the head of each queue is; after, so that this process answers with what the pass has
        // done.
        let gates = self.inner.views.refresh(self.pool(), self.now()).await?;
        self.inner.views.forget_seen(self.pool(), self.now()).await;
        for gate in &gates {
            if self.inner.views.is_to_be_reranked(gate, self.now()) {
                report.add(self.rerank_sale(gate.sale).await?);
            }
        }
        self.inner.views.refresh(self.pool(), self.now()).await?;
        Ok(report)
    }

    /// The same in one sale.
    pub(super) async fn rerank_sale(&self, sale: SaleId) -> Result<RerankReport, Error> {
        let (mut report, view) = (RerankReport::default(), self.inner.views.of(sale));
        let passes_over = view.exchange_seen_now(self.pool(), self.now()).await;
        for _ in 0..MOST_ROUNDS {
            let drawn = view.first_drawn();
            let seen = passes_over.then(|| view.first_seen(self.now())).flatten();
            let answer = self.inner.queue.submit(queue::Command::Rerank { sale, seen, drawn }).await?;
            let queue::Answer::Reranked { report: round, more, change_seq } = answer else {
                return Err(wrong_answer());
            };
            report.add(round);
            if !more {
                break;
            }
            // Who was let in is not the next to be let in; nor is who came first, once a draw is made.
            if !view.is_as_of(change_seq) || view.awaits_draw() {
                view.refresh(self.pool(), self.now()).await?;
            }
        }
        Ok(report)
    }

    /// One sweep pass, bounded: lapsed holds give their seats back, and what ended sessions long ago is deleted. After each batch it pauses for as long as the batch
    /// took, so that buyers have the database for at least half of the time.
    ///
    /// Cancel safety: what was released stays released.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn sweep_expired(&self) -> Result<SweepReport, Error> {
        // A page at most, along an index of its own, so it goes along with each pass.
        user::prune_revocations(self.pool(), self.now()).await.map_err(db::to_error)?;
        let (mut report, mut from) = (SweepReport::default(), None);
        for _ in 0..MOST_BATCHES {
            let begun = Instant::now();
            let swept = self.inner.sweeps.submit(SweepFrom(from)).await?;
            report.released += swept.released;
            from = swept.next;
            if from.is_none() {
                break;
            }
            tokio::time::sleep(begun.elapsed()).await;
        }
        Ok(report)
    }

    /// Brings this process's snapshot of the queue up to date; every few seconds, processes also tell each other whom they
    /// have seen. Without it, polls do so themselves when it is older than
    /// two seconds.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn refresh_queue(&self) -> Result<(), Error> {
        self.inner.views.refresh(self.pool(), self.now()).await?;
        self.inner.views.exchange_seen_if_due(self.pool(), self.now()).await;
        Ok(())
    }

    /// Acquires a pass for this process, so that one process makes it per period; `false`: a process acquired it less
    /// than `period` ago. Timers fire a little early or late, so pass a little less than their period.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn acquire_pass(&self, pass: Pass, period: Duration) -> Result<bool, Error> {
        queue::acquire_pass(self.pool(), pass, period, self.now()).await.map_err(db::to_error)
    }

    async fn rerank_in_turn(&self, period: Duration) -> Result<(), Error> {
        if self.acquire_pass(Pass::Rerank, since_last(period)).await? {
            let report = self.rerank_queue().await?;
            metrics::counter!("concert_tokens_expired_total").increment(report.expired);
            metrics::counter!("concert_tokens_admitted_total").increment(report.admitted);
            tracing::debug!(?report, "the queue was reranked");
        }
        Ok(())
    }

    /// What this process keeps in memory: the queue, and the access tokens that count no more.
    async fn refresh(&self) -> Result<(), Error> {
        #[cfg(feature = "jwt")]
        let revocations = self.inner.revocations.refresh(self.pool(), self.now());
        #[cfg(not(feature = "jwt"))]
        let revocations = std::future::ready(Ok(()));
        let (queue, revocations) = join(self.refresh_queue(), revocations).await;
        queue.and(revocations)
    }

    async fn sweep_in_turn(&self, period: Duration) -> Result<(), Error> {
        if self.acquire_pass(Pass::Sweep, since_last(period)).await? {
            let report = self.sweep_expired().await?;
            metrics::counter!("concert_holds_released_total").increment(report.released);
            tracing::debug!(?report, "lapsed holds were swept");
        }
        Ok(())
    }
}

/// The least time since the last pass. A little less than the period: ticks jitter, and one that comes a moment early
/// would otherwise skip the pass.
fn since_last(period: Duration) -> Duration {
    period.mul_f64(0.9)
}
