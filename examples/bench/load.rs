//! Load: callers in a closed loop, and what they saw.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Failure;
use crate::processor::Spent;

/// What a run showed, or several of the same kind together.
#[derive(Debug, Clone)]
pub struct Run {
    seconds: f64,
    /// In microseconds.
    latencies: Histogram<u64>,
    /// How many acts each measured call was: more than one where calls are scripts.
    acts_each: u64,
    spent: Spent,
}

impl Default for Run {
    fn default() -> Self {
        // 1 us to 100 s at three digits: in range, so it cannot fail.
        let latencies = Histogram::new_with_bounds(1, 100_000_000, 3).unwrap_or_else(|_| unreachable!());
        Self { seconds: 0.0, latencies, acts_each: 1, spent: Spent::default() }
    }
}

impl Run {
    /// How many acts were done.
    pub fn count(&self) -> u64 {
        self.latencies.len() * self.acts_each
    }

    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    pub fn per_second(&self) -> f64 {
        self.count() as f64 / self.seconds.max(f64::MIN_POSITIVE)
    }

    /// In milliseconds.
    pub fn quantile(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1e3
    }

    /// Throughput and latency, for people.
    pub fn text(&self) -> String {
        format!("{:.0}/s p99 {:.1} ms", self.per_second(), self.quantile(0.99))
    }

    pub fn record(&mut self, latencies: impl IntoIterator<Item = Duration>) {
        for latency in latencies {
            self.latencies.saturating_record(latency.as_micros() as u64);
        }
    }

    /// Processor time per act, in microseconds: of this process, and of the database.
    pub fn spent_per_act(&self) -> Spent {
        let micros = 1e6 / (self.count() as f64).max(1.0);
        Spent { process: self.spent.process * micros, database: self.spent.database * micros }
    }

    /// Each call was so many acts.
    pub fn of_acts(self, acts_each: u64) -> Self {
        Self { acts_each, ..self }
    }

    pub fn spent(&mut self, spent: Spent) {
        self.spent = spent;
    }

    pub fn took(&mut self, time: Duration) {
        self.seconds = time.as_secs_f64();
    }

    pub fn add(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.spent.add(other.spent);
        self.acts_each = other.acts_each;
        self.latencies += other.latencies;
    }
}

/// When a load ends, if it has not done all its acts before.
#[derive(Clone)]
pub enum Until {
    Done,
    After(Duration),
    Cancelled(CancellationToken),
}

/// One act of a closed loop.
#[derive(Clone, Copy)]
pub struct Turn {
    /// Which caller's.
    pub caller: usize,
    /// The caller's how many-th.
    pub own: usize,
    /// The how many-th of all.
    pub nth: usize,
}

/// Callers that have nothing of their own.
pub fn callers(count: usize) -> Vec<()> {
    vec![(); count]
}

/// Each of `callers` acts over and over, all at once, `most` acts together. An act is handed what the caller has (a
/// connection, say) and hands it back. The first failure ends it.
pub async fn closed_loop<S, F, R>(callers: Vec<S>, most: usize, until: Until, act: F) -> Result<Run, Failure>
where
    S: Send + 'static,
    F: Fn(S, Turn) -> R + Send + Sync + 'static,
    R: Future<Output = Result<S, Failure>> + Send,
{
    let (act, next, failed) = (Arc::new(act), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let begun = Instant::now();
    let mut loops = JoinSet::new();
    for (caller, mut has) in callers.into_iter().enumerate() {
        let (act, next, failed, until) = (Arc::clone(&act), Arc::clone(&next), Arc::clone(&failed), until.clone());
        let over = move || match &until {
            Until::Done => false,
            Until::After(time) => begun.elapsed() >= *time,
            Until::Cancelled(token) => token.is_cancelled(),
        };
        loops.spawn(async move {
            let mut seen = Vec::new();
            while !failed.load(Ordering::Relaxed) && !over() {
                let nth = next.fetch_add(1, Ordering::Relaxed);
                if nth >= most {
                    break;
                }
                let asked = Instant::now();
                match act(has, Turn { caller, own: seen.len(), nth }).await {
                    Ok(back) => has = back,
                    Err(failure) => {
                        failed.store(true, Ordering::Relaxed);
                        return Err(failure);
                    }
                }
                seen.push(asked.elapsed());
            }
            Ok::<_, Failure>(seen)
        });
    }
    let mut run = Run::default();
    while let Some(seen) = loops.join_next().await {
        run.record(seen??);
    }
    run.took(begun.elapsed());
    Ok(run)
}
