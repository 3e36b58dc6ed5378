//! Which ways batches go, as the box offices of a test count them (`concert_batches_total`).

use std::cell::RefCell;
use std::sync::Arc;

use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, LocalRecorderGuard, Metadata, Recorder, SharedString, Unit,
};

/// A batch over assumed rows that was committed.
pub const ASSUMED: &str = "assumed committed";
/// A batch over locked rows that was committed.
pub const LOCKED: &str = "locked committed";

thread_local! {
    /// Lanes, and how their batches went. A test's box offices run on its thread.
    static BATCHES: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
}

/// Watches the batches of this thread until it is dropped.
pub struct Watch(#[expect(dead_code, reason = "ends when it is dropped")] LocalRecorderGuard<'static>);

impl Watch {
    pub fn start() -> Self {
        Self(metrics::set_default_local_recorder(&Batches))
    }
}

/// How the batches of a lane went since this was asked last: the way and the outcome of each.
pub fn ways(lane: &str) -> Vec<String> {
    BATCHES.with_borrow_mut(|batches| {
        let (asked, rest) = std::mem::take(batches).into_iter().partition(|(of, _)| of == lane);
        *batches = rest;
        let asked: Vec<(String, String)> = asked;
        asked.into_iter().map(|(_, way)| way).collect()
    })
}

/// One batch went over assumed rows to `outcome`, and then over locked ones.
pub fn tried_and_locked(outcome: &str) -> [String; 2] {
    [format!("assumed {outcome}"), LOCKED.to_owned()]
}

struct Batches;

/// A series of the counter of batches.
struct Series {
    lane: String,
    way: String,
}

impl CounterFn for Series {
    fn increment(&self, value: u64) {
        assert_eq!(value, 1, "one batch at a time");
        BATCHES.with_borrow_mut(|batches| batches.push((self.lane.clone(), self.way.clone())));
    }

    fn absolute(&self, _value: u64) {
        unreachable!("batches are counted one by one");
    }
}

impl Recorder for Batches {
    fn register_counter(&self, key: &Key, _metadata: &Metadata<'_>) -> Counter {
        if key.name() != "concert_batches_total" {
            return Counter::noop();
        }
        let label = |name| key.labels().find(|label| label.key() == name).expect("is labelled").value().to_owned();
        let (lane, way) = (label("lane"), format!("{} {}", label("way"), label("outcome")));
        Counter::from_arc(Arc::new(Series { lane, way }))
    }

    fn register_gauge(&self, _key: &Key, _metadata: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _key: &Key, _metadata: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }

    fn describe_counter(&self, _name: KeyName, _unit: Option<Unit>, _description: SharedString) {}
    fn describe_gauge(&self, _name: KeyName, _unit: Option<Unit>, _description: SharedString) {}
    fn describe_histogram(&self, _name: KeyName, _unit: Option<Unit>, _description: SharedString) {}
}
