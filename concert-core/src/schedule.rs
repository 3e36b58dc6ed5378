//! The loop of a periodic pass. Knows no domain.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::error::Error;

/// Tells loops to stop: they do when the sender that [`Stop::new`] returned is dropped.
#[derive(Clone)]
pub(crate) struct Stop(watch::Receiver<()>);

impl Stop {
    pub(crate) fn new() -> (watch::Sender<()>, Self) {
        let (ending, stop) = watch::channel(());
        (ending, Self(stop))
    }

    /// Waits until then.
    pub(crate) async fn stopped(&mut self) {
        // Nothing is ever sent: it ends when the sender is dropped.
        while self.0.changed().await.is_ok() {}
    }
}

/// Runs `pass` now and every `period`, until `stop`. Never two at once, and never interrupted. A pass that fails or
/// panics is logged and counted, and the next one runs at its time.
pub(crate) async fn every<R>(name: &'static str, period: Duration, mut stop: Stop, pass: impl Fn() -> R)
where
    R: Future<Output = Result<(), Error>>,
{
    let mut ticks = interval(period);
    // After a pass that took long, the periods go on from there: no burst makes up for what was missed.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // The end comes first, also where a tick is due at the same moment.
            biased;
            () = stop.stopped() => return,
            _ = ticks.tick() => {}
        }
        match AssertUnwindSafe(async { pass().await }).catch_unwind().await {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => tracing::warn!(pass = name, code = error.code(), %error, "a pass failed"),
            Err(_) => tracing::error!(pass = name, "a pass panicked"),
        }
        metrics::counter!("concert_pass_failures_total", "pass" => name).increment(1);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    #[tokio::test]
    async fn a_pass_that_fails_or_panics_comes_again() {
        let (ending, stop) = Stop::new();
        let (passes, ending) = (Cell::new(0), RefCell::new(Some(ending)));
        let pass = async || {
            passes.set(passes.get() + 1);
            match passes.get() {
                1 => return Err(Error::TokenExpired),
                2 => panic!("on purpose"),
                _ => drop(ending.take()),
            }
            Ok(())
        };
        every("test", Duration::from_millis(1), stop, pass).await;
        assert_eq!(passes.get(), 3);
    }
}
