//! `export`: lists for the accountants and the doors.

use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use concert_core::rust_decimal::Decimal;
use concert_core::{BoxOffice, ExportDocument, ExportFormat, ExportKind, ExportTotals, Operator};
use serde::Serialize;

use super::names::ConcertRef;
use crate::failure::Failure;
use crate::table::{Output, Show, facts, note, print};
use crate::whole_file::WholeFile;

/// Write all payments, seats, wallet entries or attendees, as CSV or JSON
///
/// The list shows one moment, however long it takes, and is checked against the sums that `audit` and `status` go by.
/// Moments are in the zone of the concert's venue; beside each stands the same in UTC. In CSV, a text that a spreadsheet
/// would take for a formula has an apostrophe before it.
#[derive(Debug, Args)]
pub struct Opts {
    /// payments (refunded ones too), seats (each with its state), entries (changes of wallets) or attendees (sold seats
    /// with their owners)
    #[arg(value_name = "payments|seats|entries|attendees")]
    kind: ExportKind,
    /// Only of this concert, by name or id
    #[arg(value_name = "CONCERT")]
    of: Option<ConcertRef>,
    /// The same
    #[arg(long, value_name = "CONCERT", conflicts_with = "of", hide = true)]
    concert: Option<ConcertRef>,
    /// The form [default: csv, or json with --output json]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Begin the CSV with the mark by which Excel knows that it is UTF-8
    #[arg(long)]
    bom: bool,
    /// Write into this file, which appears when it is complete, and print the sums
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For spreadsheets: RFC 4180
    Csv,
    /// For programs: one list, an object a line
    Json,
}

/// What the rows add up to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sums {
    kind: &'static str,
    #[serde(flatten)]
    totals: ExportTotals,
    kept: f64,
}

impl Sums {
    fn new(kind: ExportKind, totals: ExportTotals) -> Self {
        Self { kind: kind.as_str(), totals, kept: kept(&totals) }
    }
}

/// For JSON, in which sums are numbers.
fn kept(totals: &ExportTotals) -> f64 {
    totals.kept().try_into().unwrap_or(f64::NAN)
}

impl Show for Sums {
    fn text(&self) -> String {
        let sum = |sum: Decimal| sum.normalize().to_string();
        facts([
            (self.kind, self.totals.rows.to_string()),
            ("amount", sum(self.totals.amount)),
            ("refunded", sum(self.totals.refunded)),
            ("kept", sum(self.totals.kept())),
        ])
    }
}

impl Opts {
    fn format(&self, output: Output) -> Result<ExportFormat, Failure> {
        let csv = match self.format {
            Some(format) => format == Format::Csv,
            None => output == Output::Table,
        };
        match (csv, self.bom) {
            (true, bom) => Ok(ExportFormat::Csv { bom }),
            (false, false) => Ok(ExportFormat::Json),
            (false, true) => Err(Failure::Usage("--bom is for CSV: JSON has no byte order mark".to_owned())),
        }
    }
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    let format = opts.format(output)?;
    let concert = match opts.of.as_ref().or(opts.concert.as_ref()) {
        Some(concert) => Some(concert.find(box_office).await?),
        None => None,
    };
    let back_office = box_office.operator(Operator::application());
    let mut document = back_office.export_document(opts.kind, concert, format).await?;
    let sums = Sums::new(opts.kind, document.expected());
    if let Some(path) = &opts.out {
        write_file(&mut document, path).await?;
        return print(output, &sums);
    }
    let written = write_all(&mut document, &mut io::stdout().lock(), "write to stdout").await;
    written?;
    // Where the list itself is on the screen, its sums would look like one more row.
    if io::stderr().is_terminal() && !io::stdout().is_terminal() {
        note(&sums.text());
    }
    Ok(())
}

async fn write_file(document: &mut ExportDocument, path: &Path) -> Result<(), Failure> {
    let mut file = WholeFile::create(path)?;
    let what = file.what().to_owned();
    write_all(document, &mut file, &what).await?;
    file.finish(Ok(()))
}

async fn write_all(document: &mut ExportDocument, to: &mut impl Write, what: &str) -> Result<(), Failure> {
    while let Some(part) = document.next_part().await? {
        to.write_all(&part).map_err(|source| Failure::io(what, source))?;
    }
    to.flush().map_err(|source| Failure::io(what, source))
}
