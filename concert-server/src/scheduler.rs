//! The periodic passes. Each is one bounded call of the box office; the loop is the same for all.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use concert_core::{BoxOffice, Error, Pass};
use futures_util::FutureExt as _;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::telemetry;

/// How often this process brings its snapshot of the queue up to date.
pub const REFRESH_EVERY: Duration = Duration::from_secs(1);

/// Starts the passes; they end, between two passes, when `stop` is cancelled. Wait for the tracker to know when.
///
/// Any number of processes may run them on one database: a sweep or a rerank is done by one of them per period.
#[must_use]
pub fn start(
    box_office: &BoxOffice,
    rerank_every: Duration,
    sweep_every: Duration,
    stop: &CancellationToken,
) -> TaskTracker {
    let passes = TaskTracker::new();
    let of = || box_office.clone();
    passes.spawn({
        let box_office = of();
        every("refresh", REFRESH_EVERY, stop.clone(), move || refresh(box_office.clone()))
    });
    passes.spawn({
        let box_office = of();
        every("rerank", rerank_every, stop.clone(), move || rerank(box_office.clone(), rerank_every))
    });
    passes.spawn({
        let box_office = of();
        every("sweep", sweep_every, stop.clone(), move || sweep(box_office.clone(), sweep_every))
    });
    passes.close();
    passes
}

/// Runs `pass` now and every `period`, until `stop` is cancelled; never two at once, and never cut off in the middle. One
/// that fails or panics is logged, and the next comes in its time.
pub(crate) async fn every<R>(name: &'static str, period: Duration, stop: CancellationToken, pass: impl Fn() -> R)
where
    R: Future<Output = Result<(), Error>>,
{
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        match AssertUnwindSafe(async { pass().await }).catch_unwind().await {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => tracing::warn!(pass = name, code = error.code(), %error, "a pass failed"),
            Err(_) => tracing::error!(pass = name, "a pass panicked"),
        }
        telemetry::pass_failed(name);
    }
}

async fn refresh(box_office: BoxOffice) -> Result<(), Error> {
    box_office.refresh_queue().await
}

async fn rerank(box_office: BoxOffice, period: Duration) -> Result<(), Error> {
    if box_office.take_turn(Pass::Rerank, since_last_turn(period)).await? {
        let report = box_office.rerank_queue().await?;
        telemetry::reranked(report);
        tracing::debug!(?report, "the queue was reranked");
    }
    Ok(())
}

async fn sweep(box_office: BoxOffice, period: Duration) -> Result<(), Error> {
    if box_office.take_turn(Pass::Sweep, since_last_turn(period)).await? {
        let report = box_office.sweep_expired().await?;
        telemetry::swept(report);
        tracing::debug!(?report, "lapsed holds were swept");
    }
    Ok(())
}

/// How long the last turn must be over. A little less than the period: ticks jitter, and one that came a moment early
/// would otherwise wait for the next.
fn since_last_turn(period: Duration) -> Duration {
    period.mul_f64(0.9)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_pass_that_fails_or_panics_comes_again() {
        let (stop, passes) = (CancellationToken::new(), Arc::new(AtomicU32::new(0)));
        let pass = {
            let (stop, passes) = (stop.clone(), Arc::clone(&passes));
            move || {
                let count = passes.fetch_add(1, Ordering::Relaxed);
                let stop = stop.clone();
                async move {
                    match count {
                        0 => return Err(Error::TokenExpired),
                        1 => panic!("on purpose"),
                        _ => stop.cancel(),
                    }
                    Ok(())
                }
            }
        };
        every("test", Duration::from_millis(1), stop, pass).await;
        assert_eq!(passes.load(Ordering::Relaxed), 3);
    }
}
