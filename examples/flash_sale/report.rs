//! What a rehearsal showed: for the terminal and as JSON; `page` has it as HTML.

use std::collections::BTreeMap;
use std::path::Path;

use comfy_table::presets::{NOTHING, UTF8_FULL_CONDENSED};
use comfy_table::{CellAlignment, Table};
use concert_core::Violation;
use serde::{Serialize, Serializer};

use crate::Failure;
use crate::crowd::{Moment, Sold};
use crate::ledger::Fault;
use crate::meter::{Meter, Step, Visit};
use crate::opts::Opts;
use crate::page;
use crate::stage::Stage;
use crate::stats::{Bucket, buckets, ranks, spearman};

/// The most visits that the page's scatter shows.
const MOST_POINTS: usize = 3_000;
/// The most offending entries that are printed; report.json has all.
const MOST_PRINTED: usize = 20;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// When it was made.
    pub at: String,
    #[serde(serialize_with = "as_map")]
    pub settings: Vec<(&'static str, String)>,
    pub outcome: Outcome,
    /// How many buyers' stories ended how.
    pub endings: BTreeMap<&'static str, u64>,
    pub steps: Vec<StepFigures>,
    /// By code.
    pub refusals: BTreeMap<String, u64>,
    pub fairness: Fairness,
    pub timeline: Vec<Second>,
    /// What is lost or doubled, by the buyers' ledger.
    pub faults: Vec<Fault>,
    /// What the audit found.
    pub violations: Vec<Violation>,
    /// What else should not be.
    pub troubles: Vec<String>,
    /// Of a server that was started for this.
    pub server_megabytes: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    pub buyers: u32,
    pub seats: u32,
    pub sold: usize,
    /// From the doors to the last payment.
    pub selling_seconds: f64,
    /// From the doors to the last buyer's end.
    pub seconds: f64,
    pub sold_per_second: f64,
    pub best_second: usize,
    pub requests: u64,
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

/// Whether those who came first were let in first.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fairness {
    /// Of the order of joining and the order of being let in; none where there is no order.
    pub spearman: Option<f64>,
    /// Everyone who was let in.
    pub visits: usize,
    pub median_wait_seconds: f64,
    pub longest_wait_seconds: f64,
    /// The two ranks of some visits, evenly chosen.
    #[serde(skip)]
    pub points: Vec<(f64, f64)>,
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
    pub fn new(
        opts: &Opts,
        stage: &Stage,
        sale: &Sold,
        faults: Vec<Fault>,
        violations: Vec<Violation>,
    ) -> Result<Self, Failure> {
        let paid = sale.ledger.paid_at();
        let mut per_second = vec![0; sale.took.as_secs() as usize + 1];
        for at in &paid {
            per_second[at.as_secs() as usize] += 1;
        }
        let selling = paid.last().copied().unwrap_or_default().as_secs_f64();
        let outcome = Outcome {
            buyers: opts.people.buyers,
            seats: opts.people.seats,
            sold: paid.len(),
            selling_seconds: selling,
            seconds: sale.took.as_secs_f64(),
            sold_per_second: paid.len() as f64 / selling.max(f64::MIN_POSITIVE),
            best_second: per_second.iter().copied().max().unwrap_or_default(),
            requests: Step::ALL.into_iter().map(|step| sale.meter.count(step)).sum(),
        };
        let mut report = Self {
            at: stage.office.now().format("%F %T UTC").to_string(),
            settings: opts.settings(),
            outcome,
            endings: sale.endings.clone(),
            steps: Step::ALL.map(|step| StepFigures::new(step, &sale.meter)).into(),
            refusals: sale.meter.refusals(),
            fairness: Fairness::new(&sale.meter.visits()),
            timeline: timeline(&sale.moments, &per_second),
            faults,
            violations,
            troubles: sale.troubles.clone(),
            server_megabytes: stage.server_memory().map(|memory| memory.peak.max(memory.resident) * 1024 / 1_000_000),
        };
        report.troubles.extend(report.sold_too_little());
        Ok(report)
    }

    /// Seats are left although somebody who came to buy has gone without.
    fn sold_too_little(&self) -> Option<String> {
        let left = (self.outcome.seats as usize).saturating_sub(self.outcome.sold);
        let in_vain = ["found everything sold", "gave up", "ran out of time"];
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
        } else if sold == seats as usize {
            format!("Sold out after {selling_seconds:.1} s, nothing lost, nothing doubled")
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

    /// For people.
    pub fn text(&self) -> String {
        let mut parts = vec![self.facts(), self.steps_table()];
        let (endings, refusals) = (self.endings.iter(), self.refusals.iter());
        parts.push(table(
            &["Buyers who", "Count"],
            endings.map(|(name, count)| vec![(*name).to_owned(), count.to_string()]),
        ));
        if !self.refusals.is_empty() {
            parts.push(table(
                &["Refusals", "Count"],
                refusals.map(|(code, count)| vec![code.clone(), count.to_string()]),
            ));
        }
        let problems = self.problems();
        parts.extend(problems.iter().take(MOST_PRINTED).cloned());
        parts.extend((problems.len() > MOST_PRINTED).then(|| format!("and {} more", problems.len() - MOST_PRINTED)));
        parts.push(self.verdict());
        parts.join("\n")
    }

    fn facts(&self) -> String {
        let Outcome { buyers, seats, sold, selling_seconds, seconds, sold_per_second, best_second, requests } =
            self.outcome;
        let Fairness { visits, median_wait_seconds, longest_wait_seconds, .. } = self.fairness;
        let spearman = self.fairness.spearman_text();
        let mut facts = vec![
            ("seats sold", format!("{sold} of {seats}, to {buyers} buyers")),
            ("selling took", format!("{selling_seconds:.1} s; the last buyer was gone after {seconds:.1} s")),
            ("sold per second", format!("{sold_per_second:.0}, {best_second} in the best")),
            ("requests", format!("{requests}, {:.0} per second", requests as f64 / seconds)),
            ("fairness", format!("Spearman {spearman} of arrival and admission, {visits} visits")),
            ("waited", format!("{median_wait_seconds:.1} s in the median, {longest_wait_seconds:.1} s at most")),
            ("ledger", format!("{} entries lost or doubled", self.faults.len())),
            ("audit", format!("{} violations", self.violations.len())),
        ];
        facts.extend(self.server_megabytes.map(|memory| ("server", format!("{memory} MB of memory at its peak"))));
        let mut table = Table::new();
        table.load_style(NOTHING).add_rows(facts.into_iter().map(|(name, fact)| [name.to_owned(), fact]));
        table.trim_fmt()
    }

    fn steps_table(&self) -> String {
        let rows = self.steps.iter().map(|figures| {
            let times = [figures.p50_ms, figures.p95_ms, figures.p99_ms, figures.max_ms];
            let times = times.map(|time| format!("{time:.1}"));
            [figures.step.to_owned(), figures.count.to_string()].into_iter().chain(times).collect()
        });
        table(&["Step", "Answers", "p50 ms", "p95 ms", "p99 ms", "Max ms"], rows)
    }

    /// Writes `report.json` and `report.html` into `folder`.
    pub fn write(&self, folder: &Path) -> Result<(), Failure> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("report.json"), serde_json::to_string_pretty(self)? + "\n")?;
        std::fs::write(folder.join("report.html"), page::html(self))?;
        Ok(())
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

impl Fairness {
    fn new(visits: &[Visit]) -> Self {
        let arrived: Vec<_> = visits.iter().map(|visit| visit.arrived.as_secs_f64()).collect();
        let admitted: Vec<_> = visits.iter().map(|visit| visit.admitted.as_secs_f64()).collect();
        let mut waits: Vec<_> = arrived.iter().zip(&admitted).map(|(arrived, admitted)| admitted - arrived).collect();
        waits.sort_by(f64::total_cmp);
        let every = visits.len().div_ceil(MOST_POINTS).max(1);
        Self {
            spearman: spearman(&arrived, &admitted),
            visits: visits.len(),
            median_wait_seconds: waits.get(waits.len() / 2).copied().unwrap_or_default(),
            longest_wait_seconds: waits.last().copied().unwrap_or_default(),
            points: ranks(&arrived).into_iter().zip(ranks(&admitted)).step_by(every).collect(),
        }
    }

    pub fn spearman_text(&self) -> String {
        self.spearman.map_or_else(|| "-".to_owned(), |spearman| format!("{spearman:.4}"))
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

/// All but the first column are numbers.
fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header.to_vec()).add_rows(rows);
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table.trim_fmt()
}

fn as_map<S: Serializer>(settings: &[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(settings.iter().map(|(name, value)| (name, value)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_shows_the_queue_as_it_was_seen_last() {
        let moment = |ms, waiting| Moment { at: Duration::from_millis(ms), waiting, active: 1 };
        let seen = timeline(&[moment(100, 5), moment(600, 7), moment(2_100, 3)], &[0, 4, 2, 1]);
        let seen: Vec<_> = seen.iter().map(|second| (second.second, second.waiting, second.sold)).collect();
        assert_eq!(seen, [(0, 7, 0), (1, 7, 4), (2, 3, 2), (3, 3, 1)]);
    }
}
