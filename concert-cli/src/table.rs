//! Printing: results to stdout, as tables or JSON; everything else to stderr. All tables are made here, and so fit into
//! 80 columns.

mod fit;

use std::io::{self, IsTerminal as _, Write as _};

use chrono::{NaiveDate, SecondsFormat};
use clap::ValueEnum;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use concert_core::texts::{Language, Locale};
use concert_core::{Timestamp, escape_hidden};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::failure::Failure;
use crate::texts::{locale, told, told_name};

/// Around the name of a fact: a space before it, and two before its value.
const MARGINS: usize = 3;

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
    // A script or a file that is printed here has an end of its own.
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
    // Translated first: the text that is known has no escapes in it.
    let _ = writeln!(io::stderr(), "{}", printable_lines(&told(text)));
}

/// Prints JSON on stderr as it is: for programs.
pub fn note_json(json: &serde_json::Value) {
    let _ = writeln!(io::stderr(), "{json}");
}

/// Asks a question; the answer comes on the same line.
pub fn ask(question: &str) {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{}", told(question)).and_then(|()| stderr.flush());
}

/// A table with a header, as wide as the screen at most. Columns of numbers are aligned on the right. Where there is too
/// little room for a table, each row is a card: a line for each column.
pub fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let header = header.map(told_name);
    fitted(header.each_ref().map(String::as_str), rows, fit::width())
}

fn fitted<const N: usize>(header: [&str; N], rows: &[[String; N]], width: usize) -> String {
    // Escaped before it is measured: escapes are wider than what they stand for.
    let rows: Vec<_> = rows.iter().map(|row| row.each_ref().map(|cell| printable(cell))).collect();
    let all = || rows.iter().map(|row| row.iter().map(String::as_str).collect());
    // The header is a row like the others: its words have to fit as well.
    let Some(widths) = fit::column_widths(std::iter::once(header.to_vec()).chain(all()), width) else {
        let card = |row: &[String; N]| facts_within(header.into_iter().zip(row.clone()), width, true);
        let cards: Vec<_> = rows.iter().map(card).collect();
        // A table without rows still shows its header; cards would show nothing at all.
        return if cards.is_empty() { word("none") } else { cards.join("\n\n") };
    };
    let wrapped = |cell: &str, column: usize| fit::wrap(cell, widths[column]).join("\n");
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_header(header.iter().enumerate().map(|(column, cell)| wrapped(cell, column)));
    table.add_rows(all().map(|row: Vec<&str>| {
        row.into_iter().enumerate().map(|(column, cell)| wrapped(cell, column)).collect::<Vec<_>>()
    }));
    for (index, column) in table.column_iter_mut().enumerate() {
        // One word in a column, such as `none`, makes it a column of words.
        if rows.iter().all(|row| is_number(&row[index])) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// Names and values, one per line, without a frame, so that long values stay easy to copy. A value of several words goes
/// on in the next line where it is longer than the screen; a single word, such as an id or a key, is never broken.
pub fn facts<'n>(facts: impl IntoIterator<Item = (&'n str, String)>) -> String {
    let facts: Vec<_> = facts.into_iter().map(|(name, fact)| (told_name(name), printable(&fact))).collect();
    facts_within(facts.iter().map(|(name, fact)| (name.as_str(), fact.clone())), fit::width(), false)
}

fn facts_within<'n>(facts: impl IntoIterator<Item = (&'n str, String)>, width: usize, breaks_words: bool) -> String {
    let facts: Vec<_> = facts.into_iter().collect();
    let longest = facts.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    let room = width.saturating_sub(longest + MARGINS);
    let fact = |(name, value): &(&str, String)| {
        let indent = " ".repeat(longest - name.width());
        // Korean breaks anywhere. An id or a key that is broken cannot be copied with two clicks.
        let lines = if breaks_words || value.contains(' ') || !value.is_ascii() {
            fit::wrap(value, room)
        } else {
            vec![value.clone()]
        };
        let value = lines.join(&format!("\n{}", " ".repeat(longest + MARGINS)));
        format!(" {name}{indent}  {value}").trim_end().to_owned()
    };
    facts.iter().map(fact).collect::<Vec<_>>().join("\n")
}

/// A sentence, in lines as wide as the screen.
pub fn paragraph(text: &str) -> String {
    fit::wrap(&printable(&told(text)), fit::width()).join("\n")
}

/// A moment, to the second: in English as JSON has it, in Korean by the clocks of the house.
pub fn moment(at: Timestamp) -> String {
    match locale().language {
        Language::English => at.to_rfc3339_opts(SecondsFormat::Secs, true),
        Language::Korean => locale().moment(at),
    }
}

/// A date.
pub fn day(date: NaiveDate) -> String {
    match locale().language {
        Language::English => date.to_string(),
        Language::Korean => locale().language.date(date),
    }
}

/// A word or a sentence of the tool, in the reader's language.
pub fn word(english: &'static str) -> String {
    told(english)
}

/// Whether it is a number or an amount, which stand on the right of a column.
fn is_number(cell: &str) -> bool {
    let is_bare = cell.parse::<f64>().is_ok();
    let is_plain = matches!(locale(), Locale { language: Language::English, currency: None, .. });
    // With a currency, amounts have signs and commas in them and are numbers all the same.
    is_bare || !is_plain && cell.replace(['₩', '원', '$', '€', '£', '¥', ','], "").parse::<f64>().is_ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "350753f5-0040-5c88-b2ad-ebaea9ef7fe4";

    #[test]
    fn a_table_that_is_too_wide_wraps_its_words() {
        let rows = [[ID, "2099-12-30", "서울 국제 여름 음악 축제 개막 공연", "12"].map(str::to_owned)];
        let expected = "\
┌──────────────────────────────────────┬────────────┬────────────────┬───────┐
│ Concert id                           ┆ Date       ┆ Concert        ┆ Seats │
╞══════════════════════════════════════╪════════════╪════════════════╪═══════╡
│ 350753f5-0040-5c88-b2ad-ebaea9ef7fe4 ┆ 2099-12-30 ┆ 서울 국제 여름 ┆    12 │
│                                      ┆            ┆ 음악 축제 개막 ┆       │
│                                      ┆            ┆ 공연           ┆       │
└──────────────────────────────────────┴────────────┴────────────────┴───────┘";
        assert_eq!(fitted(["Concert id", "Date", "Concert", "Seats"], &rows, 80), expected);
    }

    #[test]
    fn a_table_without_room_for_its_words_is_a_card_a_row() {
        let name = "서울 국제 여름 음악 축제 개막 공연 그리고 아주 아주 긴 이름의 다음 줄";
        let row = [ID, ID, name].map(str::to_owned);
        let text = fitted(["Concert id", "User id", "Concert"], &[row.clone(), row], 80);
        let expected = format!(
            " Concert id  {ID}\n User id     {ID}\n Concert     서울 국제 여름 음악 축제 개막 공연 그리고 아주 아주 긴 이름의 다음\n             줄"
        );
        assert_eq!(text, format!("{expected}\n\n{expected}"));
        assert!(text.lines().all(|line| line.width() <= 80), "{text}");
        assert_eq!(fitted([ID, ID, ID], &[], 80), "none");
    }

    #[test]
    fn a_fact_of_one_word_is_never_broken() {
        let key = "x".repeat(100);
        assert_eq!(facts_within([("key", key.clone())], 80, false), format!(" key  {key}"));
        assert_eq!(facts_within([("a", "1".to_owned()), ("long", "2".to_owned())], 80, false), " a     1\n long  2");
    }
}
