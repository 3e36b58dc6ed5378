//! What was measured: a table, JSON, and a chart.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::Failure;
use crate::load::Run;

/// What a row must reach.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    pub what: String,
    /// The figure of each side, for people.
    pub ours: String,
    pub theirs: String,
    /// What is compared: a ratio of the two sides, or a figure with a unit.
    pub value: f64,
    pub unit: &'static str,
    pub target: Target,
    /// What else the reader should know of how it was measured.
    pub note: String,
}

impl Row {
    /// A ratio of two sides.
    pub fn ratio(
        what: impl Into<String>,
        ours: impl Into<String>,
        theirs: impl Into<String>,
        value: f64,
        target: Target,
    ) -> Self {
        let (what, ours, theirs) = (what.into(), ours.into(), theirs.into());
        Self { what, ours, theirs, value, unit: "x", target, note: String::new() }
    }

    /// How often our throughput is theirs.
    pub fn throughput(what: impl Into<String>, ours: &Run, theirs: &Run, least: f64) -> Self {
        let ratio = ours.per_second() / theirs.per_second();
        Self::ratio(what, ours.text(), theirs.text(), ratio, Target::AtLeast(least))
    }

    /// A figure of ours alone.
    pub fn figure(
        what: impl Into<String>,
        ours: impl Into<String>,
        value: f64,
        unit: &'static str,
        target: Target,
    ) -> Self {
        Self { what: what.into(), ours: ours.into(), theirs: String::new(), value, unit, target, note: String::new() }
    }

    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    pub fn is_met(&self) -> bool {
        match self.target {
            Target::AtLeast(least) => self.value >= least,
            Target::AtMost(most) => self.value <= most,
        }
    }

    fn target_text(&self) -> String {
        match self.target {
            Target::AtLeast(least) => format!(">= {least} {}", self.unit),
            Target::AtMost(most) => format!("<= {most} {}", self.unit),
        }
    }

    /// How far the row is, as a share of its target: 1 and more is met.
    fn share(&self) -> f64 {
        match self.target {
            Target::AtLeast(least) => self.value / least,
            Target::AtMost(most) => most / self.value.max(f64::MIN_POSITIVE),
        }
    }
}

pub fn header() -> String {
    format!("{:<50} {:>22} {:>22} {:>12}  {:<12} met", "what", "ours", "theirs", "figure", "target")
}

pub fn line(row: &Row) -> String {
    let mut line = format!(
        "{:<50} {:>22} {:>22} {:>12}  {:<12} {}",
        row.what,
        row.ours,
        row.theirs,
        format!("{:.2} {}", row.value, row.unit),
        row.target_text(),
        if row.is_met() { "yes" } else { "NO" }
    );
    if !row.note.is_empty() {
        let _ = write!(line, "\n  {}", row.note);
    }
    line
}

/// Writes `bench.json` and `bench.svg` into `folder`.
pub fn write(folder: &Path, groups: &[(&str, Vec<Row>)]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    let rows: Vec<Value> = groups
        .iter()
        .flat_map(|(group, rows)| rows.iter().map(move |row| (group, row)))
        .map(|(group, row)| {
            json!({"group": group, "what": row.what, "ours": row.ours, "theirs": row.theirs, "value": row.value,
                "unit": row.unit, "target": row.target_text(), "met": row.is_met(), "note": row.note})
        })
        .collect();
    std::fs::write(folder.join("bench.json"), serde_json::to_string_pretty(&json!({ "rows": rows }))? + "\n")?;
    std::fs::write(folder.join("bench.svg"), chart(groups))?;
    Ok(())
}

/// A bar per row, as a share of its target on a logarithmic scale; the line is the target.
fn chart(groups: &[(&str, Vec<Row>)]) -> String {
    const ROW: usize = 22;
    const GAP: usize = 8;
    const LEFT: f64 = 350.0;
    const MIDDLE: f64 = 540.0;
    const RIGHT: f64 = 760.0;
    const DOUBLING: f64 = 36.0;
    let (mut bars, mut top) = (String::new(), 26);
    for (_, rows) in groups {
        for row in rows {
            let end = (MIDDLE + row.share().log2() * DOUBLING).clamp(LEFT + 4.0, RIGHT);
            let colour = if row.is_met() { "#2a7f4f" } else { "#b5483a" };
            let _ = writeln!(
                bars,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
                 <rect x=\"{LEFT}\" y=\"{top}\" width=\"{:.1}\" height=\"{}\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{:.2} {}</text>",
                LEFT - 8.0,
                top + 12,
                row.what.replace('<', "&lt;"),
                end - LEFT,
                ROW - 6,
                end + 6.0,
                top + 12,
                row.value,
                row.unit,
            );
            top += ROW;
        }
        top += GAP;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"860\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"860\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"{MIDDLE}\" y=\"16\" text-anchor=\"middle\" fill=\"#555\">target</text>\n{bars}\
         <line x1=\"{MIDDLE}\" y1=\"20\" x2=\"{MIDDLE}\" y2=\"{top}\" stroke=\"#333\" stroke-dasharray=\"3 3\"/>\n</svg>",
        height = top + 14
    )
}
