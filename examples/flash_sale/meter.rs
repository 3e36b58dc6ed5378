//! What is measured of the buyers' requests.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

/// What a buyer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Join,
    Poll,
    Seats,
    Reserve,
    Recharge,
    Pay,
    Leave,
}

impl Step {
    pub const ALL: [Self; 7] =
        [Self::Join, Self::Poll, Self::Seats, Self::Reserve, Self::Recharge, Self::Pay, Self::Leave];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Poll => "poll",
            Self::Seats => "seats",
            Self::Reserve => "reserve",
            Self::Recharge => "recharge",
            Self::Pay => "pay",
            Self::Leave => "leave",
        }
    }
}

/// Somebody who was let in.
#[derive(Debug, Clone, Copy)]
pub struct Visit {
    /// When joining was asked for, since the sale began.
    pub arrived: Duration,
    /// When its user first saw that the token was ACTIVE.
    pub admitted: Duration,
}

#[derive(Default)]
pub struct Meter {
    /// In microseconds.
    latencies: [Latencies; Step::ALL.len()],
    refusals: Mutex<BTreeMap<String, u64>>,
    visits: Mutex<Vec<Visit>>,
}

struct Latencies(Mutex<Histogram<u64>>);

impl Default for Latencies {
    fn default() -> Self {
        // 1 us to 100 s at three digits: in range, so it cannot fail.
        Self(Mutex::new(Histogram::new_with_bounds(1, 100_000_000, 3).unwrap_or_else(|_| unreachable!())))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Meter {
    pub fn answered(&self, step: Step, took: Duration) {
        lock(&self.latencies[step as usize].0).saturating_record(took.as_micros() as u64);
    }

    pub fn refused(&self, code: &str) {
        let mut refusals = lock(&self.refusals);
        match refusals.get_mut(code) {
            Some(count) => *count += 1,
            None => drop(refusals.insert(code.to_owned(), 1)),
        }
    }

    pub fn admitted(&self, visit: Visit) {
        lock(&self.visits).push(visit);
    }

    /// How many answers there were.
    pub fn count(&self, step: Step) -> u64 {
        lock(&self.latencies[step as usize].0).len()
    }

    pub fn latencies(&self, step: Step) -> Histogram<u64> {
        lock(&self.latencies[step as usize].0).clone()
    }

    pub fn refusals(&self) -> BTreeMap<String, u64> {
        lock(&self.refusals).clone()
    }

    pub fn refusals_with(&self, code: &str) -> u64 {
        lock(&self.refusals).get(code).copied().unwrap_or_default()
    }

    pub fn visits(&self) -> Vec<Visit> {
        lock(&self.visits).clone()
    }
}
