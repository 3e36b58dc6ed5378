//! What was measured: a table, JSON, and a chart.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::Failure;

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
}

impl Row {
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
    format!("{:<46} {:>20} {:>20} {:>12}  {:<12} met", "what", "ours", "theirs", "figure", "target")
}

pub fn line(row: &Row) -> String {
    format!(
        "{:<46} {:>20} {:>20} {:>12}  {:<12} {}",
        row.what,
        row.ours,
        row.theirs,
        format!("{:.2} {}", row.value, row.unit),
        row.target_text(),
        if row.is_met() { "yes" } else { "NO" }
    )
}

/// Writes `bench.json` and `bench.svg` into `folder`.
pub fn write(folder: &Path, rows: &[Row]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    let rows_json: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({"what": row.what, "ours": row.ours, "theirs": row.theirs, "value": row.value, "unit": row.unit,
                "target": row.target_text(), "met": row.is_met()})
        })
        .collect();
    std::fs::write(folder.join("bench.json"), serde_json::to_string_pretty(&json!({ "rows": rows_json }))? + "\n")?;
    std::fs::write(folder.join("bench.svg"), chart(rows))?;
    Ok(())
}

/// A bar per row, as a share of its target on a logarithmic scale; the line is the target.
fn chart(rows: &[Row]) -> String {
    const ROW: usize = 22;
    const LEFT: f64 = 330.0;
    const MIDDLE: f64 = 520.0;
    const DOUBLING: f64 = 36.0;
    let height = ROW * rows.len() + 40;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"840\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"840\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"{MIDDLE}\" y=\"16\" text-anchor=\"middle\" fill=\"#555\">target</text>\n"
    );
    for (nth, row) in rows.iter().enumerate() {
        let top = 26 + nth * ROW;
        let end = (MIDDLE + row.share().log2() * DOUBLING).clamp(LEFT + 4.0, 740.0);
        let colour = if row.is_met() { "#2a7f4f" } else { "#b5483a" };
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{LEFT}\" y=\"{}\" width=\"{:.1}\" height=\"{}\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{}\">{:.2} {}</text>",
            LEFT - 8.0,
            top + 12,
            row.what.replace('<', "&lt;"),
            top,
            end - LEFT,
            ROW - 6,
            end + 6.0,
            top + 12,
            row.value,
            row.unit,
        );
    }
    let _ = writeln!(
        svg,
        "<line x1=\"{MIDDLE}\" y1=\"20\" x2=\"{MIDDLE}\" y2=\"{}\" stroke=\"#333\" stroke-dasharray=\"3 3\"/>\n</svg>",
        height - 8
    );
    svg
}
