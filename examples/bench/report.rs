//! What was measured: a table, JSON, and a chart.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::Failure;
use crate::load::Run;
use crate::processor::Spent;

/// What the rows about processor time show.
pub const PROCESSOR_TIME: &str = "\
processor time: microseconds per act, of this process + of mariadbd, user and system together. This process is the library
or the other side's code, and the callers; where a row is about a server, it is the server without its clients. The kernel's
own threads (the file system's journal, say) are in no figure.";

/// What a row must reach.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// The row is information.
    None,
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
    /// Processor time per act in microseconds, of our side and of theirs, in rows about it.
    pub spent: Option<[Spent; 2]>,
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
        Self { what, ours, theirs, value, unit: "x", target, spent: None, note: String::new() }
    }

    /// How often our throughput is theirs.
    pub fn throughput(what: impl Into<String>, ours: &Run, theirs: &Run, least: f64) -> Self {
        let ratio = ours.per_second() / theirs.per_second();
        Self::ratio(what, ours.text(), theirs.text(), ratio, Target::AtLeast(least))
    }

    /// How often our processor time per act, of process and database, is theirs.
    pub fn processor_time(what: &str, ours: &Run, theirs: &Run) -> Self {
        let spent = [ours, theirs].map(Run::spent_per_act);
        let [ours, theirs] = spent;
        let ratio = ours.total() / theirs.total();
        let what = format!("{what}: processor time");
        Self { spent: Some(spent), ..Self::ratio(what, text(ours), text(theirs), ratio, Target::None) }
    }

    /// The same of a server alone, which is to be so many times theirs at most.
    pub fn server_time(what: &str, ours: &Run, theirs: &Run, most: f64) -> Self {
        let row = Self::processor_time(what, ours, theirs);
        let ratio = ours.spent_per_act().process / theirs.spent_per_act().process;
        Self { value: ratio, target: Target::AtMost(most), ..row }
    }

    /// A figure of ours alone.
    pub fn figure(
        what: impl Into<String>,
        ours: impl Into<String>,
        value: f64,
        unit: &'static str,
        target: Target,
    ) -> Self {
        let (what, ours) = (what.into(), ours.into());
        Self { what, ours, theirs: String::new(), value, unit, target, spent: None, note: String::new() }
    }

    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// The same without a target.
    pub fn information(self) -> Self {
        Self { target: Target::None, ..self }
    }

    /// `None`: there is nothing to meet.
    pub fn is_met(&self) -> Option<bool> {
        self.share().map(|share| share >= 1.0)
    }

    fn target_text(&self) -> String {
        match self.target {
            Target::AtLeast(least) => format!(">= {least} {}", self.unit),
            Target::AtMost(most) => format!("<= {most} {}", self.unit),
            Target::None => String::new(),
        }
    }

    /// How far the row is, as a share of its target: 1 and more is met.
    fn share(&self) -> Option<f64> {
        match self.target {
            Target::AtLeast(least) => Some(self.value / least),
            Target::AtMost(most) => Some(most / self.value.max(f64::MIN_POSITIVE)),
            Target::None => None,
        }
    }
}

fn text(spent: Spent) -> String {
    format!("{:.1} + {:.1} us", spent.process, spent.database)
}

/// Says first which build it is, if that is to be said.
pub fn header(label: &str) -> String {
    let label = if label.is_empty() { String::new() } else { format!("{label}\n") };
    let columns = format!("{:<58} {:>22} {:>22} {:>12}  {:<12} met", "what", "ours", "theirs", "figure", "target");
    format!("{label}{PROCESSOR_TIME}\n\n{columns}")
}

pub fn line(row: &Row) -> String {
    let mut line = format!(
        "{:<58} {:>22} {:>22} {:>12}  {:<12} {}",
        row.what,
        row.ours,
        row.theirs,
        format!("{:.2} {}", row.value, row.unit),
        row.target_text(),
        match row.is_met() {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        }
    );
    line.truncate(line.trim_end().len());
    if !row.note.is_empty() {
        let _ = write!(line, "\n  {}", row.note);
    }
    line
}

/// Writes `bench.json` and `bench.svg` into `folder`.
pub fn write(folder: &Path, label: &str, groups: &[(&str, Vec<Row>)]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    let rows: Vec<Value> = groups
        .iter()
        .flat_map(|(group, rows)| rows.iter().map(move |row| (group, row)))
        .map(|(group, row)| {
            let mut json = json!({"group": group, "what": row.what, "ours": row.ours, "theirs": row.theirs,
                "value": row.value, "unit": row.unit, "target": row.target_text(), "met": row.is_met(), "note": row.note});
            if let Some(spent) = row.spent {
                let [ours, theirs] = spent.map(|spent| json!({"process": spent.process, "database": spent.database}));
                json["processorMicroseconds"] = json!({"ours": ours, "theirs": theirs});
            }
            json
        })
        .collect();
    let all = json!({"label": label, "processorTime": PROCESSOR_TIME, "rows": rows});
    std::fs::write(folder.join("bench.json"), serde_json::to_string_pretty(&all)? + "\n")?;
    std::fs::write(folder.join("bench.svg"), chart(groups))?;
    Ok(())
}

/// A bar per row that has a target, as a share of its target on a logarithmic scale; the line is the target.
fn chart(groups: &[(&str, Vec<Row>)]) -> String {
    const ROW: usize = 22;
    const GAP: usize = 8;
    const LEFT: f64 = 350.0;
    const MIDDLE: f64 = 540.0;
    const RIGHT: f64 = 760.0;
    const DOUBLING: f64 = 36.0;
    let (mut bars, mut top) = (String::new(), 26);
    for (_, rows) in groups {
        for (row, share) in rows.iter().filter_map(|row| Some((row, row.share()?))) {
            let end = (MIDDLE + share.log2() * DOUBLING).clamp(LEFT + 4.0, RIGHT);
            let colour = if share >= 1.0 { "#2a7f4f" } else { "#b5483a" };
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
