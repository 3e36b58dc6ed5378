//! How fast the queue moves, from the gate's counters as passes have sampled them.

use std::time::Duration;

use crate::clock::Timestamp;

/// The pace is measured over this time at most, and over `SHORTEST_SPAN` at least.
pub(super) const PACE_WINDOW: Duration = Duration::from_secs(5 * 60);
const SHORTEST_SPAN: Duration = Duration::from_secs(10);
/// How far samples are apart at least, so that few are kept whatever the period of the passes.
pub(super) const SAMPLE_EVERY: Duration = Duration::from_secs(5);

/// The gate's counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) at: Timestamp,
    /// How many were ever let in from WAITING, no-shows included.
    pub(crate) admitted: u64,
    /// How many ever ended while WAITING.
    pub(crate) departed: u64,
    pub(crate) waiting: u64,
    /// The queue was paused until now.
    pub(crate) resumed: bool,
}

/// How fast positions shrink.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    /// Admissions from WAITING per second. A turn that is never claimed counts as well, and makes room sooner.
    pub(crate) admitted_per_second: f64,
    /// The share of those who wait that gives up, per second.
    departing_share: f64,
}

impl Pace {
    /// The pace over `samples`, oldest first; `None` before there is enough of them. Times in which the queue was
    /// paused or ran dry say nothing about how fast it moves.
    pub(crate) fn measure(samples: &[Sample]) -> Option<Self> {
        let (mut span, mut admitted, mut departed, mut waited) = (Duration::ZERO, 0, 0, 0.0);
        for pair in samples.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let Ok(between) = (to.at - from.at).to_std() else { continue };
            if to.resumed || to.waiting == 0 {
                continue;
            }
            span += between;
            admitted += to.admitted.saturating_sub(from.admitted);
            departed += to.departed.saturating_sub(from.departed);
            waited += between.as_secs_f64() * (from.waiting as f64 + to.waiting as f64) / 2.0;
        }
        // `waited` is not zero: somebody waited at the end of each time that counts.
        (span >= SHORTEST_SPAN && admitted > 0).then(|| Self {
            admitted_per_second: admitted as f64 / span.as_secs_f64(),
            departing_share: departed as f64 / waited,
        })
    }

    /// How many seconds the wait at `position` would be if everyone took the whole of their turn: until a pace is
    /// measured.
    pub(crate) fn longest_wait_seconds(position: u64, max_active: u32, active_ttl: Duration) -> u64 {
        position.div_ceil(u64::from(max_active.max(1))).saturating_mul(active_ttl.as_secs())
    }

    /// How many seconds the wait at `position` is estimated to be.
    ///
    /// Of the `p` ahead, `a` per second are let in and a share `d` per second gives up: `dp/dt = -a - d p`, so that
    /// `p` is 0 after `ln(1 + d p / a) / d`.
    pub(crate) fn wait_seconds(&self, position: u64) -> u64 {
        let straight = position as f64 / self.admitted_per_second;
        let thinning = self.departing_share * straight;
        // Where hardly anybody gives up, the quotient would be of two tiny numbers. Its limit is the straight line.
        let wait = if thinning > 1e-9 { straight * thinning.ln_1p() / thinning } else { straight };
        wait.ceil() as u64
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn sample(seconds: i64, admitted: u64, departed: u64, waiting: u64) -> Sample {
        let at = DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time");
        Sample { at, admitted, departed, waiting, resumed: false }
    }

    #[test]
    fn without_departures_the_wait_is_the_position_over_the_rate() {
        let pace = Pace::measure(&[sample(0, 0, 0, 100), sample(10, 20, 0, 80)]).expect("is measured");
        assert_eq!((pace.admitted_per_second, pace.wait_seconds(80)), (2.0, 40));
    }

    #[test]
    fn departures_ahead_shorten_the_wait() {
        let pace = Pace::measure(&[sample(0, 0, 0, 1_000), sample(10, 10, 10, 1_000)]).expect("is measured");
        // One in a thousand per second: 1 000 ln 2 instead of 1 000.
        assert_eq!((pace.admitted_per_second, pace.wait_seconds(1_000)), (1.0, 694));
    }

    #[test]
    fn a_pause_and_an_empty_queue_say_nothing() {
        let resumed = Sample { resumed: true, ..sample(1_000, 20, 0, 80) };
        let samples = [sample(0, 0, 0, 100), sample(10, 20, 0, 80), resumed, sample(1_010, 40, 0, 60)];
        assert_eq!(Pace::measure(&samples).map(|pace| pace.admitted_per_second), Some(2.0));
        assert_eq!(Pace::measure(&[sample(0, 0, 0, 5), sample(100, 5, 0, 0)]), None);
        assert_eq!(Pace::measure(&samples[..1]), None);
    }
}
