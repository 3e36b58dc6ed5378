//! What a rehearsal showed, as JSON; `text` has it for the terminal, `page` as HTML.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use concert_core::Violation;
use serde::{Serialize, Serializer};

use crate::Failure;
use crate::afterwards::Afterwards;
use crate::agent::NO_ANSWER;
use crate::compare::Fault;
use crate::crowd::{Moment, Sold};
use crate::draw::DrawReport;
use crate::loads::{self, PageLoads};
use crate::meter::{Meter, Refusals, Step, Visit};
use crate::opts::Opts;
use crate::page;
use crate::stage::Stage;
use crate::stats::{Bucket, buckets};

/// Answers that no rule of the sale gives: the server's own failures.
const FAILURES: [&str; 8] = [
    NO_ANSWER,
    "OVERLOADED",
    "DATABASE_UNAVAILABLE",
    "SHUT_DOWN",
    "DATABASE_SETUP",
    "INTERNAL",
    "TOO_MANY_CONNECTIONS",
    "TOO_MANY_STREAMS",
];

/// What was checked when all was over.
pub struct Checks {
    pub faults: Vec<Fault>,
    pub violations: Vec<Violation>,
    pub draw: DrawReport,
    pub afterwards: Afterwards,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// When it was made.
    pub at: String,
    #[serde(serialize_with = "as_map")]
    pub settings: Vec<(&'static str, String)>,
    pub outcome: Outcome,
    pub draw: DrawReport,
    pub orders: Vec<Orders>,
    /// How many buyers' stories ended how.
    pub endings: BTreeMap<&'static str, u64>,
    pub steps: Vec<StepFigures>,
    /// Of browsers, where people have some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<PageLoads>,
    /// By code.
    pub refusals: BTreeMap<String, Refusals>,
    /// What robots tried in vain, and how often.
    pub tricks: BTreeMap<&'static str, u64>,
    pub afterwards: Afterwards,
    pub timeline: Vec<Second>,
    /// What is lost or doubled, by the buyers' ledger.
    pub faults: Vec<Fault>,
    /// What the audit found.
    pub violations: Vec<Violation>,
    /// What else should not be.
    pub troubles: Vec<String>,
    /// Of servers that were started for this.
    pub server_megabytes: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    pub buyers: u32,
    /// Of both concerts.
    pub seats: usize,
    pub sold: usize,
    /// The most who waited at once.
    pub most_waiting: u64,
    /// When the opening was, from the beginning.
    pub opening_seconds: f64,
    /// From the opening to the last payment.
    pub selling_seconds: f64,
    /// From the beginning to the last buyer's end.
    pub seconds: f64,
    pub sold_per_second: f64,
    pub best_second: usize,
    pub requests: u64,
    /// Answers that no rule of the sale gives, and requests without any.
    pub failures: u64,
    /// Of those who were let in, from joining.
    pub median_wait_seconds: f64,
    pub longest_wait_seconds: f64,
}

/// Orders of one size.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Orders {
    pub seats: usize,
    pub way: &'static str,
    pub count: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepFigures {
    pub step: &'static str,
    pub count: u64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    pub buckets: Vec<Bucket>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Second {
    pub second: u64,
    pub waiting: u64,
    pub active: u32,
    /// In this second.
    pub sold: usize,
}

impl Report {
    pub fn new(opts: &Opts, stage: &Stage, sale: &Sold, checks: Checks) -> Result<Self, Failure> {
        let sold_at = sale.ledger.sold_at();
        let mut per_second = vec![0; sale.took.as_secs() as usize + 1];
        for at in &sold_at {
            per_second[at.as_secs() as usize] += 1;
        }
        let refusals = sale.meter.refusals();
        let Checks { faults, violations, draw, afterwards } = checks;
        let orders = sale.ledger.orders().into_iter();
        let mut report = Self {
            at: stage.office.now().format("%F %T UTC").to_string(),
            settings: opts.settings(),
            outcome: Outcome::new(opts, sale, &sold_at, &per_second, &refusals),
            orders: orders.map(|((seats, way), count)| Orders { seats, way, count }).collect(),
            endings: sale.endings.clone(),
            pages: opts.browsers.with_pages.then(|| PageLoads::of(&sale.meter)),
            steps: Step::ALL.map(|step| StepFigures::new(step, &sale.meter)).into(),
            refusals,
            tricks: sale.meter.tricks(),
            timeline: timeline(&sale.moments, &per_second),
            faults,
            violations,
            troubles: sale.troubles.iter().chain(&afterwards.troubles).cloned().collect(),
            draw,
            afterwards,
            server_megabytes: stage.server_memory().map(|memory| memory.peak.max(memory.resident) * 1024 / 1_000_000),
        };
        let more = [report.draw.trouble(), report.failed(), report.sold_too_little()];
        report.troubles.extend(more.into_iter().flatten());
        if report.pages.is_some() {
            let orders = report.orders.iter().map(|orders| orders.count).sum();
            report.troubles.extend(loads::troubles(&sale.meter, orders));
        }
        Ok(report)
    }

    fn failed(&self) -> Option<String> {
        let failures = self.outcome.failures;
        (failures > 0).then(|| format!("{failures} answers are none of the rules' own"))
    }

    /// Seats are left although somebody who came to buy has gone without.
    fn sold_too_little(&self) -> Option<String> {
        let left = self.outcome.seats.saturating_sub(self.outcome.sold);
        let in_vain = ["found everything sold", "gave up", "ran out of time", "waited until all was sold"];
        let in_vain: u64 = in_vain.iter().filter_map(|ending| self.endings.get(ending)).sum();
        (left > 0 && in_vain > 0).then(|| format!("{left} seats are left, and {in_vain} buyers went without one"))
    }

    /// Whether nothing is lost or doubled, and everything sold that people wanted.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty() && self.violations.is_empty() && self.troubles.is_empty()
    }

    /// The result in a line.
    pub fn verdict(&self) -> String {
        let Outcome { sold, seats, selling_seconds, .. } = self.outcome;
        let lost = self.faults.len() + self.violations.len();
        if lost > 0 {
            format!("{lost} entries are lost, doubled or against an invariant")
        } else if !self.troubles.is_empty() {
            "Nothing is lost, but not all went well".to_owned()
        } else if sold == seats {
            format!("Sold out {selling_seconds:.1} s after the opening, nothing lost, nothing doubled")
        } else {
            format!("{sold} of {seats} seats sold to all who wanted one, nothing lost, nothing doubled")
        }
    }

    /// What should not be, in words.
    pub fn problems(&self) -> Vec<String> {
        let faults = self.faults.iter().map(|fault| format!("{}: {}", fault.what, fault.entry));
        let violations = self.violations.iter().map(|violation| format!("{}: {}", violation.what, violation.row));
        faults.chain(violations).chain(self.troubles.iter().cloned()).collect()
    }

    /// Writes `report.json` and `report.html` into `folder`.
    pub fn write(&self, folder: &Path) -> Result<(), Failure> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("report.json"), serde_json::to_string_pretty(self)? + "\n")?;
        std::fs::write(folder.join("report.html"), page::html(self))?;
        Ok(())
    }
}

impl Outcome {
    fn new(
        opts: &Opts,
        sale: &Sold,
        sold_at: &[Duration],
        per_second: &[usize],
        refusals: &BTreeMap<String, Refusals>,
    ) -> Self {
        let last = sold_at.last().copied().unwrap_or_default();
        let selling = last.saturating_sub(sale.opening()).as_secs_f64();
        let failures = refusals.iter().filter(|(code, _)| FAILURES.contains(&&***code));
        let wait = |visit: &Visit| (visit.admitted.saturating_sub(visit.arrived)).as_secs_f64();
        let mut waits: Vec<_> = sale.meter.visits().iter().map(wait).collect();
        waits.sort_by(f64::total_cmp);
        Self {
            buyers: opts.people.buyers,
            seats: opts.people.all_seats(),
            sold: sold_at.len(),
            most_waiting: sale.moments.iter().map(|moment| moment.waiting).max().unwrap_or_default(),
            opening_seconds: sale.opening().as_secs_f64(),
            selling_seconds: selling,
            seconds: sale.took.as_secs_f64(),
            sold_per_second: sold_at.len() as f64 / selling.max(f64::MIN_POSITIVE),
            best_second: per_second.iter().copied().max().unwrap_or_default(),
            requests: Step::ALL.into_iter().map(|step| sale.meter.count(step)).sum(),
            failures: failures.map(|(_, count)| count.buyers + count.robots).sum(),
            median_wait_seconds: waits.get(waits.len() / 2).copied().unwrap_or_default(),
            longest_wait_seconds: waits.last().copied().unwrap_or_default(),
        }
    }
}

impl StepFigures {
    fn new(step: Step, meter: &Meter) -> Self {
        let latencies = meter.latencies(step);
        let quantile = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            step: step.name(),
            count: latencies.len(),
            p50_ms: quantile(0.5),
            p95_ms: quantile(0.95),
            p99_ms: quantile(0.99),
            max_ms: latencies.max() as f64 / 1e3,
            buckets: buckets(&latencies),
        }
    }
}

/// Second by second; the queue as it was seen last.
fn timeline(moments: &[Moment], per_second: &[usize]) -> Vec<Second> {
    let mut moments = moments.iter().peekable();
    let (mut waiting, mut active) = (0, 0);
    let second = |(second, sold): (u64, &usize)| {
        while let Some(moment) = moments.next_if(|moment| moment.at.as_secs() <= second) {
            (waiting, active) = (moment.waiting, moment.active);
        }
        Second { second, waiting, active, sold: *sold }
    };
    (0..).zip(per_second).map(second).collect()
}

fn as_map<S: Serializer>(settings: &[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(settings.iter().map(|(name, value)| (name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_shows_the_queue_as_it_was_seen_last() {
        let moment = |ms, waiting| Moment { at: Duration::from_millis(ms), waiting, active: 1 };
        let seen = timeline(&[moment(100, 5), moment(600, 7), moment(2_100, 3)], &[0, 4, 2, 1]);
        let seen: Vec<_> = seen.iter().map(|second| (second.second, second.waiting, second.sold)).collect();
        assert_eq!(seen, [(0, 7, 0), (1, 7, 4), (2, 3, 2), (3, 3, 1)]);
    }
}
