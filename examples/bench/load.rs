//! Load: callers in a closed loop, and what they saw.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::Failure;

/// What a run showed, or several of the same kind together.
#[derive(Debug, Clone)]
pub struct Run {
    seconds: f64,
    /// In microseconds.
    latencies: Histogram<u64>,
}

impl Default for Run {
    fn default() -> Self {
        // 1 us to 100 s at three digits: in range, so it cannot fail.
        let latencies = Histogram::new_with_bounds(1, 100_000_000, 3).unwrap_or_else(|_| unreachable!());
        Self { seconds: 0.0, latencies }
    }
}

impl Run {
    pub fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds.max(f64::MIN_POSITIVE)
    }

    /// In milliseconds.
    pub fn quantile(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1e3
    }

    pub fn record(&mut self, latencies: impl IntoIterator<Item = Duration>) {
        for latency in latencies {
            self.latencies.saturating_record(latency.as_micros() as u64);
        }
    }

    pub fn took(&mut self, time: Duration) {
        self.seconds = time.as_secs_f64();
    }

    pub fn add(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.latencies += other.latencies;
    }
}

/// Runs `act(0)`, `act(1)`, .. with `callers` at once, `most` in all, for `time` at most. The first failure ends it.
pub async fn closed_loop<F, R>(callers: usize, most: usize, time: Duration, act: F) -> Result<Run, Failure>
where
    F: Fn(usize) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), Failure>> + Send,
{
    let (act, next, over) = (Arc::new(act), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let begun = Instant::now();
    let mut loops = JoinSet::new();
    for _ in 0..callers {
        let (act, next, over) = (Arc::clone(&act), Arc::clone(&next), Arc::clone(&over));
        loops.spawn(async move {
            let mut seen = Vec::new();
            while !over.load(Ordering::Relaxed) && begun.elapsed() < time {
                let nth = next.fetch_add(1, Ordering::Relaxed);
                if nth >= most {
                    break;
                }
                let asked = Instant::now();
                if let Err(failure) = act(nth).await {
                    over.store(true, Ordering::Relaxed);
                    return Err(failure);
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
