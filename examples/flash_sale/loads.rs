//! What the browsers of the crowd loaded, and whether that is as much as people with browsers load.

use serde::Serialize;

use crate::meter::{Meter, Step};

/// What one order takes at least. The sale's page is shown on coming and after joining; the order's after holding and
/// paying.
const OF_AN_ORDER: [(Step, u64); 6] = [
    (Step::SalePage, 2),
    (Step::ConcertPage, 1),
    (Step::OrderPage, 2),
    // The style, the icon, and two scripts.
    (Step::File, 4),
    (Step::Plan, 1),
    (Step::States, 1),
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageLoads {
    pub requests: u64,
    pub not_modified: u64,
    /// Of bodies, as they were sent.
    pub bytes: u64,
    /// Of streams.
    pub events: u64,
    pub steps: Vec<LoadFigures>,
}

/// Of all loads of one kind.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadFigures {
    pub load: &'static str,
    pub requests: u64,
    pub not_modified: u64,
    pub bytes: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl PageLoads {
    pub fn of(meter: &Meter) -> Self {
        let steps: Vec<_> = Step::OF_BROWSERS.into_iter().map(|step| LoadFigures::of(step, meter)).collect();
        let sum = |of: fn(&LoadFigures) -> u64| steps.iter().map(of).sum();
        Self {
            requests: sum(|figures| figures.requests),
            not_modified: sum(|figures| figures.not_modified),
            bytes: sum(|figures| figures.bytes),
            events: meter.loads(Step::Stream).events,
            steps,
        }
    }

    /// In a line.
    pub fn text(&self) -> String {
        let Self { requests, not_modified, events, .. } = self;
        let megabytes = self.bytes as f64 / 1e6;
        format!("{requests} requests of browsers, {not_modified} not modified; {megabytes:.1} MB, {events} events")
    }
}

impl LoadFigures {
    fn of(step: Step, meter: &Meter) -> Self {
        let (latencies, loads) = (meter.latencies(step), meter.loads(step));
        let quantile = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            load: step.name(),
            requests: latencies.len(),
            not_modified: loads.not_modified,
            bytes: loads.bytes,
            p50_ms: quantile(0.5),
            p99_ms: quantile(0.99),
            max_ms: latencies.max() as f64 / 1e3,
        }
    }
}

/// What should not be about what browsers loaded, where so many orders were paid: answers that they should not get, and
/// requests that they should have made.
pub fn troubles(meter: &Meter, orders: u64) -> Vec<String> {
    let unexpected = meter.unexpected().into_iter();
    let unexpected =
        unexpected.map(|((load, code), count)| format!("{load}: {count} x {code}, which browsers should not get"));
    let least = OF_AN_ORDER.map(|(step, each)| (step, each * orders)).into_iter();
    let missing = least.chain([(Step::Stream, orders.min(1))]).filter_map(|(step, least)| {
        let count = meter.count(step);
        let name = step.name();
        (count < least).then(|| format!("{name}: {count} requests, and {orders} orders take {least} or more"))
    });
    unexpected.chain(missing).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// One order, bought as a browser buys it, but for `forgotten`.
    fn bought_without(forgotten: Option<Step>) -> Meter {
        let meter = Meter::default();
        for (step, count) in OF_AN_ORDER.into_iter().chain([(Step::Stream, 1)]) {
            for _ in 0..count {
                if Some(step) != forgotten {
                    meter.answered(step, Duration::from_millis(1));
                }
            }
        }
        meter
    }

    #[test]
    fn pages_that_nobody_asked_for_are_a_trouble() {
        assert_eq!(troubles(&bought_without(None), 1), [""; 0]);
        for step in Step::OF_BROWSERS.into_iter().filter(|step| *step != Step::WalletPage) {
            let found = troubles(&bought_without(Some(step)), 1);
            assert!(found.len() == 1 && found[0].starts_with(step.name()), "{found:?}");
        }
        assert_eq!(troubles(&bought_without(None), 2).len(), OF_AN_ORDER.len(), "as much as two orders take");
    }

    #[test]
    fn an_answer_that_browsers_should_not_get_is_a_trouble() {
        let meter = bought_without(None);
        meter.refused(Step::SalePage, "HTTP_500");
        meter.refused(Step::SalePage, "HTTP_500");
        meter.refused(Step::Reserve, "SEAT_ALREADY_RESERVED");
        assert_eq!(troubles(&meter, 1), ["sale page: 2 x HTTP_500, which browsers should not get"]);
        assert_eq!(meter.refusals().len(), 1, "people's refusals are counted apart");
    }
}
