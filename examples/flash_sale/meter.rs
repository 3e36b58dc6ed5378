//! What is measured of the buyers' requests.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

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
    /// Of a robot, against the rules.
    Trick,
    // What follows a browser asks for, beside what its user does.
    SalePage,
    ConcertPage,
    OrderPage,
    WalletPage,
    /// Style, scripts, the icon.
    File,
    Plan,
    States,
    /// The states, pushed: until the answer begins.
    Stream,
}

impl Step {
    /// What people do.
    pub const ALL: [Self; 8] =
        [Self::Join, Self::Poll, Self::Seats, Self::Reserve, Self::Recharge, Self::Pay, Self::Leave, Self::Trick];
    /// What their browsers load.
    pub const OF_BROWSERS: [Self; 8] = [
        Self::SalePage,
        Self::ConcertPage,
        Self::OrderPage,
        Self::WalletPage,
        Self::File,
        Self::Plan,
        Self::States,
        Self::Stream,
    ];

    fn is_of_browser(self) -> bool {
        Self::OF_BROWSERS.contains(&self)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Poll => "poll",
            Self::Seats => "seats",
            Self::Reserve => "reserve",
            Self::Recharge => "recharge",
            Self::Pay => "pay",
            Self::Leave => "leave",
            Self::Trick => "trick",
            Self::SalePage => "sale page",
            Self::ConcertPage => "concert page",
            Self::OrderPage => "order page",
            Self::WalletPage => "wallet page",
            Self::File => "file",
            Self::Plan => "plan",
            Self::States => "states",
            Self::Stream => "stream",
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

/// How often a code was answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Refusals {
    /// To people who buy.
    pub buyers: u64,
    /// To robots that broke a rule on purpose.
    pub robots: u64,
}

/// What browsers were sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loads {
    /// Answers that said that the browser has it already.
    pub not_modified: u64,
    /// Of bodies, as they were sent: compressed, mostly.
    pub bytes: u64,
    /// Events of streams.
    pub events: u64,
}

#[derive(Default)]
pub struct Meter {
    /// In microseconds.
    latencies: [Latencies; Step::ALL.len() + Step::OF_BROWSERS.len()],
    loads: Mutex<BTreeMap<&'static str, Loads>>,
    /// Answers to browsers that they should not get, by what was loaded and the code.
    unexpected: Mutex<BTreeMap<(&'static str, String), u64>>,
    refusals: Mutex<BTreeMap<String, Refusals>>,
    /// Tricks of robots that were refused as they should be, by name.
    foiled: Mutex<BTreeMap<&'static str, u64>>,
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

    /// A browser has no use for refusals: each is unexpected.
    pub fn refused(&self, step: Step, code: &str) {
        if step.is_of_browser() {
            *lock(&self.unexpected).entry((step.name(), code.to_owned())).or_default() += 1;
            return;
        }
        let mut refusals = lock(&self.refusals);
        if !refusals.contains_key(code) {
            refusals.insert(code.to_owned(), Refusals::default());
        }
        if let Some(counts) = refusals.get_mut(code) {
            let count = if step == Step::Trick { &mut counts.robots } else { &mut counts.buyers };
            *count += 1;
        }
    }

    pub fn loaded(&self, step: Step, sent: Loads) {
        let mut loads = lock(&self.loads);
        let loads = loads.entry(step.name()).or_default();
        loads.not_modified += sent.not_modified;
        loads.bytes += sent.bytes;
        loads.events += sent.events;
    }

    pub fn foiled(&self, trick: &'static str) {
        *lock(&self.foiled).entry(trick).or_default() += 1;
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

    pub fn loads(&self, step: Step) -> Loads {
        lock(&self.loads).get(step.name()).copied().unwrap_or_default()
    }

    /// What was loaded, the code, and how often.
    pub fn unexpected(&self) -> BTreeMap<(&'static str, String), u64> {
        lock(&self.unexpected).clone()
    }

    pub fn refusals(&self) -> BTreeMap<String, Refusals> {
        lock(&self.refusals).clone()
    }

    pub fn tricks(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.foiled).clone()
    }

    /// How often buyers were answered with a code.
    pub fn refusals_with(&self, code: &str) -> u64 {
        lock(&self.refusals).get(code).copied().unwrap_or_default().buyers
    }

    pub fn visits(&self) -> Vec<Visit> {
        lock(&self.visits).clone()
    }
}
