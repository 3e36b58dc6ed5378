//! A report for the terminal.

use comfy_table::presets::{NOTHING, UTF8_FULL_CONDENSED};
use comfy_table::{CellAlignment, Table};

use crate::draw::DrawReport;
use crate::loads::PageLoads;
use crate::report::{Outcome, Report};

/// The most offending entries that are printed; report.json has all.
const MOST_PRINTED: usize = 20;

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let mut parts = vec![self.facts(), self.steps_table()];
        parts.extend(self.pages.as_ref().map(pages_table));
        parts.push(self.orders_table());
        let (endings, tricks) = (self.endings.iter(), self.tricks.iter());
        let counted = |(name, count): (&&str, &u64)| vec![(*name).to_owned(), count.to_string()];
        parts.push(table(&["Buyers who", "Count"], endings.map(counted)));
        let refusals = self.refusals.iter();
        let refusals =
            refusals.map(|(code, count)| vec![code.clone(), count.buyers.to_string(), count.robots.to_string()]);
        parts.push(table(&["Refusals", "Buyers", "Robots"], refusals));
        parts.push(table(&["Robots that", "In vain"], tricks.map(counted)));
        let problems = self.problems();
        parts.extend(problems.iter().take(MOST_PRINTED).cloned());
        parts.extend((problems.len() > MOST_PRINTED).then(|| format!("and {} more", problems.len() - MOST_PRINTED)));
        parts.push(self.verdict());
        parts.join("\n")
    }

    fn facts(&self) -> String {
        let Outcome { buyers, seats, sold, most_waiting, opening_seconds, selling_seconds, seconds, .. } = self.outcome;
        let Outcome { sold_per_second, best_second, requests, failures, .. } = self.outcome;
        let Outcome { median_wait_seconds, longest_wait_seconds, .. } = self.outcome;
        let called_off = &self.afterwards.called_off;
        let mut facts = vec![
            ("seats sold", format!("{sold} of {seats}, to {buyers} who came")),
            ("selling took", format!("{selling_seconds:.1} s from the opening; all in all {seconds:.1} s")),
            ("sold per second", format!("{sold_per_second:.0}, {best_second} in the best")),
            ("requests", format!("{requests}, {:.0} per second; {failures} failed", requests as f64 / seconds)),
            ("queue", format!("{most_waiting} waited at once; the opening was after {opening_seconds:.1} s")),
            ("draw", self.draw.text()),
            ("let in", self.draw.admissions()),
            ("waited", format!("{median_wait_seconds:.1} s in the median, {longest_wait_seconds:.1} s at most")),
            ("refunds", format!("{} one by one", self.afterwards.refunds)),
            (
                "called off",
                format!(
                    "{} payments of {} refunded in {:.1} s",
                    called_off.payments, called_off.amount, called_off.seconds
                ),
            ),
            ("ledger", format!("{} entries lost or doubled", self.faults.len())),
            ("audit", format!("{} violations", self.violations.len())),
        ];
        facts.extend(self.pages.as_ref().map(|pages| ("pages", pages.text())));
        facts.extend(self.server_megabytes.map(|memory| ("servers", format!("{memory} MB of memory at their peak"))));
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

    fn orders_table(&self) -> String {
        let rows = self
            .orders
            .iter()
            .map(|orders| vec![format!("{} x {}", orders.seats, orders.way), orders.count.to_string()]);
        table(&["Orders of", "Count"], rows)
    }
}

fn pages_table(pages: &PageLoads) -> String {
    let rows = pages.steps.iter().map(|figures| {
        let counts = [figures.requests, figures.not_modified, figures.bytes].map(|count| count.to_string());
        let times = [figures.p50_ms, figures.p99_ms, figures.max_ms].map(|time| format!("{time:.1}"));
        [figures.load.to_owned()].into_iter().chain(counts).chain(times).collect()
    });
    table(&["Browsers load", "Answers", "Not modified", "Bytes", "p50 ms", "p99 ms", "Max ms"], rows)
}

impl DrawReport {
    /// Whether it was fair, in a line.
    pub fn text(&self) -> String {
        let verified = if self.verified { "verified" } else { "NOT VERIFIED" };
        let cells = self.cells.map_or_else(String::new, |test| {
            let cells = test.side * test.side;
            format!("; chi-square {:.1} over {cells} cells, p {:.3}", test.chi_square, test.p)
        });
        let spearman = coefficient(self.spearman);
        format!("{} drawn, {verified}; Spearman {spearman} of arrival and place{cells}", self.drawn)
    }

    /// Who was let in when, in a line.
    pub fn admissions(&self) -> String {
        let first = self.first_admission_ms.map_or_else(|| "nobody".to_owned(), |ms| format!("the first {ms:.0} ms"));
        let spearman = coefficient(self.admission_spearman);
        format!("{first} after the opening; Spearman {spearman} of place and admission")
    }
}

pub fn coefficient(spearman: Option<f64>) -> String {
    spearman.map_or_else(|| "-".to_owned(), |spearman| format!("{spearman:.4}"))
}

/// All but the first column are numbers.
fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header.to_vec()).add_rows(rows);
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table.trim_fmt()
}
