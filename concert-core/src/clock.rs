//! Where the time comes from. Rules never ask the system: they are handed a [`Timestamp`].

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// A moment in UTC, in whole microseconds, as the database keeps it.
pub type Timestamp = DateTime<Utc>;

/// A source of the current time.
///
/// Clocks of several processes may differ. So a box office with the system's clock takes its time from the database,
/// which is one for all.
pub trait Clock: Send + Sync + 'static {
    /// The current time in UTC, in whole microseconds.
    fn now(&self) -> Timestamp;

    /// Whether a box office takes its time from the database instead, and compares this clock with it. Default: no, so
    /// that tests can set the time.
    fn follows_database(&self) -> bool {
        false
    }
}

/// The system's clock. A box office that has it follows the database's clock: it reads that when it connects, every two
/// seconds while it makes its passes, and otherwise when it is used after a pause of ten seconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    fn now(&self) -> Timestamp {
        Utc::now().trunc_subsecs(6)
    }

    fn follows_database(&self) -> bool {
        true
    }
}

/// A clock that stands still until it is moved: for tests and rehearsals.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows `start`, cut to microseconds.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self(Mutex::new(start.trunc_subsecs(6)))
    }

    /// Moves the clock forward by `by`.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now += span(by);
    }

    /// Moves the clock, forward or back, to `to`.
    pub fn set(&self, to: Timestamp) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = to.trunc_subsecs(6);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// `duration` as a span that can be added to a timestamp. Policies bound their durations, so it always fits.
pub(crate) fn span(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

/// The first moment after `moment`, as the database keeps time: to the microsecond.
pub(crate) fn just_after(moment: Timestamp) -> Timestamp {
    moment + TimeDelta::microseconds(1)
}

/// Whole seconds from `from` until `to`, rounded up; 0 when `to` is past.
pub(crate) fn seconds_until(to: Timestamp, from: Timestamp) -> u64 {
    let micros = (to - from).num_microseconds().unwrap_or(i64::MAX).max(0);
    (micros as u64).div_ceil(1_000_000)
}
