//! Printing: results to stdout, as tables or JSON; everything else to stderr.

use std::io::{self, IsTerminal as _, Write as _};

use chrono::SecondsFormat;
use clap::ValueEnum;
use comfy_table::presets::{NOTHING, UTF8_FULL_CONDENSED};
use comfy_table::{CellAlignment, Table};
use concert_core::{Timestamp, escape_hidden};
use serde::Serialize;

use crate::failure::Failure;

/// How to print results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Table,
    /// For programs: one document per line
    Json,
}

/// The result of a command: its fields are the JSON.
pub trait Show: Serialize {
    /// The text for people.
    fn text(&self) -> String;
}

/// Prints a result.
pub fn print(output: Output, result: &impl Show) -> Result<(), Failure> {
    match output {
        // Cells are escaped when a table is made, so that no line end in them breaks it. This is for all other text.
        Output::Table => print_text(&printable_lines(&result.text())),
        Output::Json => {
            let json = serde_json::to_string(result).map_err(|error| Failure::io("write the result", error.into()))?;
            print_text(&json)
        }
    }
}

/// Prints a text that is a result, with a line's end unless it has one.
pub fn print_text(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    write!(stdout, "{text}{end}").and_then(|()| stdout.flush()).map_err(|source| Failure::io("write to stdout", source))
}

/// Clears the screen, if results go to one.
pub fn clear_screen(output: Output) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    if output == Output::Json || !stdout.is_terminal() {
        return Ok(());
    }
    write!(stdout, "\x1b[2J\x1b[H").map_err(|source| Failure::io("write to stdout", source))
}

/// Prints a note that is not a result. A failure is ignored: there is nowhere left to report it.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{}", printable_lines(text));
}

/// Prints JSON on stderr as it is: for programs.
pub fn note_json(json: &serde_json::Value) {
    let _ = writeln!(io::stderr(), "{json}");
}

/// Asks a question; the answer comes on the same line.
pub fn ask(question: &str) {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
}

/// A table with a header. Columns of numbers are aligned on the right.
pub fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    table.add_rows(rows.iter().map(|row| row.each_ref().map(|cell| printable(cell))));
    for (index, column) in table.column_iter_mut().enumerate() {
        if rows.iter().all(|row| row[index].parse::<f64>().is_ok()) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// Names and values, one per line, without a frame, so that long values stay easy to copy.
pub fn facts<'n>(facts: impl IntoIterator<Item = (&'n str, String)>) -> String {
    let mut table = Table::new();
    let row = |(name, fact): (&str, String)| [name.to_owned(), printable(&fact)];
    table.load_style(NOTHING).add_rows(facts.into_iter().map(row));
    table.trim_fmt()
}

/// A moment, to the second.
pub fn moment(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Text from the database, or from anywhere else, must not steer a terminal, nor look like another text.
pub fn printable(text: &str) -> String {
    escape_hidden(text)
}

/// The same line by line.
pub fn printable_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    lines.join("\n")
}
