//! Two builds that were measured in turns, side by side: the medians of what `bench.json` says of each.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Failure;

/// The folders of the two sides, in each of which every run has a folder.
const SIDES: [&str; 2] = ["old", "new"];

/// What the runs of one side say of a row.
#[derive(Default)]
struct Figures {
    unit: String,
    target: String,
    /// What is compared with the target.
    values: Vec<f64>,
    /// The figure of our side alone, and its text.
    ours: Vec<(f64, String)>,
}

type Table = BTreeMap<String, [Figures; 2]>;

/// The table, as Markdown. Rows are in the order of the new build, and those of the old one alone come last.
pub fn table(folder: &Path) -> Result<String, Failure> {
    let (mut rows, mut order) = (Table::new(), Vec::new());
    for (side, name) in SIDES.into_iter().enumerate().rev() {
        for run in runs_of(&folder.join(name))? {
            let json: Value = serde_json::from_str(&fs::read_to_string(run)?)?;
            for row in json["rows"].as_array().ok_or("no rows in bench.json")? {
                let what = text(row, "what");
                if !order.contains(&what) {
                    order.push(what.clone());
                }
                rows.entry(what).or_default()[side].add(row);
            }
        }
    }
    let turns = rows.values().flatten().map(|figures| figures.values.len()).max().unwrap_or_default();
    let mut table = format!(
        "Medians of two builds that were measured in turns, {turns} times each; in brackets the lowest and the highest.\n\n\
         | row | target | old | new | ours, old | ours, new | ours, new over old |\n|---|---|---|---|---|---|---|\n"
    );
    for what in order {
        let [old, new] = &rows[&what];
        let target = if new.values.is_empty() { &old.target } else { &new.target };
        let (was, is) = (old.ours(), new.ours());
        let over = match (&was, &is) {
            (Some((was, _)), Some((is, _))) if *was > 0.0 => format!("{:.2}", is / was),
            _ => String::new(),
        };
        let ours = |side: Option<(f64, String)>| side.map(|(_, text)| text).unwrap_or_default();
        let (old, new) = (old.value(), new.value());
        table += &format!("| {what} | {target} | {old} | {new} | {} | {} | {over} |\n", ours(was), ours(is));
    }
    Ok(table)
}

/// The `bench.json` of each run, in the order of the names of their folders.
fn runs_of(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut runs = Vec::new();
    for entry in entries {
        let file = entry?.path().join("bench.json");
        if file.is_file() {
            runs.push(file);
        }
    }
    runs.sort();
    Ok(runs)
}

impl Figures {
    fn add(&mut self, row: &Value) {
        (self.unit, self.target) = (text(row, "unit"), text(row, "target"));
        self.values.extend(row["value"].as_f64());
        let (ours, spent) = (text(row, "ours"), &row["processorMicroseconds"]["ours"]);
        let spent =
            spent["process"].as_f64().zip(spent["database"].as_f64()).map(|(process, database)| process + database);
        self.ours.extend(spent.or_else(|| first_number(&ours)).map(|number| (number, ours)));
    }

    /// The median, and how far the runs lie apart.
    fn value(&self) -> String {
        let mut values = self.values.clone();
        values.sort_by(f64::total_cmp);
        match values.as_slice() {
            [] => String::new(),
            [value] => format!("{value:.2} {}", self.unit).trim_end().to_owned(),
            [least, .., most] => {
                format!("{:.2} {} ({least:.2} to {most:.2})", median(&values), self.unit).replace("  ", " ")
            }
        }
    }

    /// Of the run in the middle; of two in the middle, of the lower.
    fn ours(&self) -> Option<(f64, String)> {
        let mut ours = self.ours.clone();
        ours.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        ours.get(ours.len().checked_sub(1)? / 2).cloned()
    }
}

fn median(sorted: &[f64]) -> f64 {
    let (half, odd) = (sorted.len() / 2, sorted.len() % 2 == 1);
    if odd { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) }
}

fn text(row: &Value, field: &str) -> String {
    row[field].as_str().unwrap_or_default().to_owned()
}

/// The first number in a text, such as `12000/s p99 9.1 ms`.
fn first_number(text: &str) -> Option<f64> {
    let begin = text.find(|c: char| c.is_ascii_digit())?;
    let rest = &text[begin..];
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    rest[..end].parse().ok()
}
