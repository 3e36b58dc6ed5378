//! The report as one HTML page: charts inside, no scripts, nothing from elsewhere, light and dark.

use std::ops::Range;

use crate::charts::{self, Shape, escape, thousands, time};
use crate::report::{Report, StepFigures};
use crate::text::coefficient;

const STYLE: &str = include_str!("page.css");
/// The most offending entries that the page shows; report.json has all.
const MOST_SHOWN: usize = 100;

pub fn html(report: &Report) -> String {
    let title = format!("Rehearsal: {} people, {} seats", report.outcome.buyers, report.outcome.seats);
    let verdict = if report.is_sound() { "good" } else { "bad" };
    [
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n<main>\n"
        ),
        format!(
            "<header><p class=\"muted\">Rehearsal of an evening, {}</p><h1 class=\"{verdict}\">{}</h1></header>\n",
            escape(&report.at),
            escape(&report.verdict())
        ),
        problems(report),
        tiles(report),
        sale(report),
        queue(report),
        latencies(report),
        loads(report),
        people(report),
        settings(report),
        "</main>\n</html>\n".to_owned(),
    ]
    .concat()
}

fn problems(report: &Report) -> String {
    let problems = report.problems();
    if problems.is_empty() {
        return String::new();
    }
    let items: String =
        problems.iter().take(MOST_SHOWN).map(|problem| format!("<li>{}</li>", escape(problem))).collect();
    let more = problems.len().saturating_sub(MOST_SHOWN);
    let more = if more > 0 { format!("<p class=\"muted\">and {more} more, in report.json</p>") } else { String::new() };
    card("What should not be", &format!("<ul class=\"problems\">{items}</ul>{more}"))
}

fn tiles(report: &Report) -> String {
    let (outcome, draw) = (&report.outcome, &report.draw);
    let slowest = report.steps.iter().map(|step| step.p99_ms).fold(0.0, f64::max);
    let number = |count: f64| thousands(count);
    let p = draw.cells.map_or_else(|| "-".to_owned(), |test| format!("{:.3}", test.p));
    let first = draw.first_admission_ms.map_or_else(|| "-".to_owned(), time);
    let tiles = [
        ("seats sold", number(outcome.sold as f64), format!("of {}", number(outcome.seats as f64))),
        ("sold out after", time(outcome.selling_seconds * 1e3), "from the opening".to_owned()),
        ("sold per second", number(outcome.sold_per_second), format!("{} in the best", outcome.best_second)),
        ("waited at once", number(outcome.most_waiting as f64), format!("of {}", number(outcome.buyers.into()))),
        ("first admission", first, "after the opening".to_owned()),
        ("slowest p99 of a step", time(slowest), format!("{} requests", number(outcome.requests as f64))),
        (
            "the draw",
            if draw.verified { "verified" } else { "WRONG" }.to_owned(),
            format!("{} drawn", number(draw.drawn as f64)),
        ),
        ("chi-square's p", p, format!("Spearman {}", coefficient(draw.spearman))),
        ("failures", number(outcome.failures as f64), "that no rule gives".to_owned()),
        ("lost or doubled", report.faults.len().to_string(), "by the buyers' own ledger".to_owned()),
        ("violations", report.violations.len().to_string(), "found by the audit".to_owned()),
    ];
    let tiles: String = tiles
        .iter()
        .map(|(name, value, note)| {
            format!("<div class=\"tile\"><span>{name}</span><strong>{value}</strong><small>{note}</small></div>")
        })
        .collect();
    format!("<section class=\"tiles\">{tiles}</section>\n")
}

fn sale(report: &Report) -> String {
    let per_second: Vec<_> = report.timeline.iter().map(|second| second.sold as f64).collect();
    let sold: Vec<_> = per_second
        .iter()
        .scan(0.0, |sold, now| {
            *sold += now;
            Some(*sold)
        })
        .collect();
    let seats = report.outcome.seats as f64;
    pair(
        card("Seats sold", &charts::over_time("Seats sold so far, by second", Shape::Area, &sold, Some(seats))),
        card("Sold per second", &charts::over_time("Seats sold per second", Shape::Bars, &per_second, None)),
    )
}

fn queue(report: &Report) -> String {
    let waiting: Vec<_> = report.timeline.iter().map(|second| second.waiting as f64).collect();
    let active: Vec<_> = report.timeline.iter().map(|second| f64::from(second.active)).collect();
    pair(
        card("Waiting", &charts::over_time("People who wait, by second", Shape::Area, &waiting, None)),
        card("Inside", &charts::over_time("People who are inside, by second", Shape::Area, &active, None)),
    )
}

fn latencies(report: &Report) -> String {
    let steps: Vec<_> = report.steps.iter().filter(|step| step.count > 0).collect();
    let shown = shown(&steps);
    let charts: String = steps
        .iter()
        .map(|step| {
            let marks = [("p50", step.p50_ms), ("p99", step.p99_ms)];
            let chart = charts::latencies(&format!("Latencies of {}", step.step), &step.buckets, shown.clone(), &marks);
            let count = thousands(step.count as f64);
            format!("<figure><figcaption><b>{}</b> {count} answers</figcaption>{chart}</figure>", step.step)
        })
        .collect();
    let rows = steps.iter().map(|step| {
        let times = [step.p50_ms, step.p95_ms, step.p99_ms, step.max_ms].map(time);
        [step.step.to_owned(), thousands(step.count as f64)].into_iter().chain(times).collect()
    });
    let table = table(&["", "answers", "p50", "p95", "p99", "max"], rows);
    card("Latencies by step, as the buyers saw them", &format!("<div class=\"steps\">{charts}{table}</div>"))
}

/// What browsers loaded, apart from what people did.
fn loads(report: &Report) -> String {
    let Some(pages) = &report.pages else { return String::new() };
    let rows = pages.steps.iter().map(|figures| {
        let counts = [figures.requests, figures.not_modified, figures.bytes].map(|count| thousands(count as f64));
        let times = [figures.p50_ms, figures.p99_ms, figures.max_ms].map(time);
        [figures.load.to_owned()].into_iter().chain(counts).chain(times).collect()
    });
    let table = table(&["", "answers", "not modified", "bytes", "p50", "p99", "max"], rows);
    card("What browsers loaded", &format!("<p class=\"muted\">{}</p>{table}", pages.text()))
}

/// From the first bucket to the last that any step has.
fn shown(steps: &[&StepFigures]) -> Range<usize> {
    let filled = |nth: &usize| steps.iter().any(|step| step.buckets[*nth].count > 0);
    let all = 0..steps.first().map_or(1, |step| step.buckets.len());
    let first = all.clone().find(filled).unwrap_or_default();
    first..all.clone().rev().find(filled).map_or(all.end, |last| last + 1)
}

fn people(report: &Report) -> String {
    let draw = &report.draw;
    let most = draw.drawn.max(1) as f64;
    let chart = charts::scatter("The order of joining and the place in the draw", &draw.points, most);
    let order = format!(
        "<p class=\"muted\">Across: the order in which people joined at the doors; up: the place that the draw gave them. \
         {}. {}. {} were let in while somebody before them waited who was not seen or had no code.</p>{chart}",
        escape(&draw.text()),
        escape(&draw.admissions()),
        thousands(draw.passed_others as f64)
    );
    let endings = bars(report.endings.iter().map(|(name, count)| (*name, *count)));
    let orders: Vec<_> =
        report.orders.iter().map(|orders| (format!("{} x {}", orders.seats, orders.way), orders.count)).collect();
    let orders = bars(orders.iter().map(|(name, count)| (name.as_str(), *count)));
    let refusals = bars(report.refusals.iter().map(|(code, count)| (code.as_str(), count.buyers)));
    let tricks = bars(report.tricks.iter().map(|(name, count)| (*name, *count)));
    let called_off = &report.afterwards.called_off;
    let afterwards = format!(
        "<p>{} payments were refunded one by one. The other concert was called off: {} payments, {} in all, were refunded in \
         {}.</p>",
        report.afterwards.refunds,
        thousands(called_off.payments as f64),
        called_off.amount,
        time(called_off.seconds * 1e3)
    );
    pair(
        [card("The draw", &order), card("Afterwards", &afterwards)].concat(),
        [
            card("How it ended for the buyers", &endings),
            card("Orders, by size and by how the seats were asked for", &orders),
            card("Refusals of buyers, by code", &refusals),
            card("What robots tried, each time in vain", &tricks),
        ]
        .concat(),
    )
}

/// Named counts, the largest first.
fn bars<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> String {
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let Some((_, most)) = counts.first().copied() else {
        return "<p class=\"muted\">none</p>".to_owned();
    };
    let rows: String = counts
        .iter()
        .map(|(name, count)| {
            let share = *count as f64 / most.max(1) as f64 * 1e2;
            let (name, count) = (escape(name), thousands(*count as f64));
            format!("<dt>{name}</dt><dd><i style=\"width:{share:.1}%\"></i><span>{count}</span></dd>")
        })
        .collect();
    format!("<dl class=\"bars\">{rows}</dl>")
}

fn settings(report: &Report) -> String {
    let memory = report.server_megabytes.map(|memory| ("servers' memory, at their peak", format!("{memory} MB")));
    let settings = report.settings.iter().cloned().chain(memory);
    let rows: String =
        settings.map(|(name, value)| format!("<div><dt>{name}</dt><dd>{}</dd></div>", escape(&value))).collect();
    card("Settings", &format!("<dl class=\"settings\">{rows}</dl>"))
}

fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let header: String = header.iter().map(|name| format!("<th>{name}</th>")).collect();
    let cells = |row: Vec<String>| row.iter().map(|cell| format!("<td>{cell}</td>")).collect::<String>();
    let rows: String = rows.map(|row| format!("<tr>{}</tr>", cells(row))).collect();
    format!("<div class=\"wide\"><table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table></div>")
}

fn card(title: &str, content: &str) -> String {
    format!("<section class=\"card\"><h2>{title}</h2>{content}</section>\n")
}

fn pair(left: String, right: String) -> String {
    format!("<div class=\"pair\"><div>{left}</div><div>{right}</div></div>\n")
}
