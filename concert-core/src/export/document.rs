//! Exports as text: CSV for spreadsheets, JSON for programs.

use std::fmt;
use std::str::FromStr;

use chrono::{FixedOffset, SecondsFormat};
use csv::{Terminator, Writer, WriterBuilder};
use serde::{Serialize, Serializer};

use super::columns::{Cell, Columns};
use super::{Export, ExportTotals, Exported, ExportedAttendee, ExportedEntry, ExportedPayment, ExportedSeat};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::invalid::InvalidInput;
use crate::money::as_number;
use crate::time_zone::TimeZone;

/// What Excel takes for the sign that a file is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// What makes a spreadsheet take a text for a formula, where it is the first character: those of OWASP's list, also in
/// full width.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportFormat {
    /// RFC 4180, in UTF-8, with a line of names first. No text in it is taken for a formula: where it could be, an
    /// apostrophe stands before it.
    Csv {
        /// Whether it begins with a byte order mark, which makes Excel read it as UTF-8.
        bom: bool,
    },
    /// One list of objects, each on a line of its own.
    Json,
}

impl ExportFormat {
    /// CSV without a byte order mark.
    pub const CSV: Self = Self::Csv { bom: false };

    /// The type of its content, for HTTP.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv { .. } => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
        }
    }

    /// The ending of a file's name.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv { .. } => "csv",
            Self::Json => "json",
        }
    }
}

impl FromStr for ExportFormat {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "csv" => Ok(Self::CSV),
            "json" => Ok(Self::Json),
            _ => Err(InvalidInput::new("the format of an export is csv or json")),
        }
    }
}

/// An export as text, in parts; from [`BackOffice::export_document`](crate::BackOffice::export_document).
pub struct ExportDocument {
    export: AnyExport,
    format: ExportFormat,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Begun,
    /// Whether a row was written.
    Rows(bool),
    Over,
}

/// An export of any kind.
pub(crate) enum AnyExport {
    Payments(Export<ExportedPayment>),
    Seats(Export<ExportedSeat>),
    Entries(Export<ExportedEntry>),
    Attendees(Export<ExportedAttendee>),
}

/// The same for an export of any kind.
macro_rules! with_export {
    ($any:expr, $export:ident => $what:expr) => {
        match $any {
            AnyExport::Payments($export) => $what,
            AnyExport::Seats($export) => $what,
            AnyExport::Entries($export) => $what,
            AnyExport::Attendees($export) => $what,
        }
    };
}

impl ExportDocument {
    pub(crate) const fn new(export: AnyExport, format: ExportFormat) -> Self {
        Self { export, format, state: State::Begun }
    }

    /// What all rows add up to.
    #[must_use]
    pub const fn expected(&self) -> ExportTotals {
        with_export!(&self.export, export => export.expected())
    }

    /// The next part, of some thousand rows at most; `None`: that was all, and the rows add up to what
    /// [`ExportDocument::expected`] says.
    ///
    /// # Errors
    /// As [`Export::next_page`].
    pub async fn next_part(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let (format, state) = (self.format, self.state);
        if state == State::Over {
            return Ok(None);
        }
        let written = with_export!(&mut self.export, export => part(export, format, state).await)?;
        let Some(text) = written else {
            self.state = State::Over;
            return Ok(Some(end(format, state)).filter(|end| !end.is_empty()));
        };
        self.state = State::Rows(true);
        Ok(Some(text))
    }
}

impl fmt::Debug for ExportDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportDocument").field("format", &self.format).finish_non_exhaustive()
    }
}

/// The next rows, after the beginning of the document if they are the first.
async fn part<R: Exported>(
    export: &mut Export<R>,
    format: ExportFormat,
    state: State,
) -> Result<Option<Vec<u8>>, Error> {
    let rows = export.next_page().await?;
    let first = state == State::Begun;
    // The first part has the heading, with or without rows: a list of nothing is a good CSV file, too.
    match (rows, format) {
        (None, ExportFormat::Csv { bom }) if first => Ok(Some(csv(&[] as &[R], Some(bom))?)),
        (None, _) => Ok(None),
        (Some(rows), ExportFormat::Csv { bom }) => csv(rows, first.then_some(bom)).map(Some),
        (Some(rows), ExportFormat::Json) => json(rows, first).map(Some),
    }
}

/// What closes a document.
fn end(format: ExportFormat, state: State) -> Vec<u8> {
    match (format, state) {
        (ExportFormat::Csv { .. }, _) => Vec::new(),
        (ExportFormat::Json, State::Begun) => b"[]\n".to_vec(),
        (ExportFormat::Json, _) => b"\n]\n".to_vec(),
    }
}

/// Rows as CSV. At the beginning `bom` is known, and the names of the columns come first.
fn csv<R: Columns>(rows: &[R], beginning: Option<bool>) -> Result<Vec<u8>, Error> {
    let mark = if beginning == Some(true) { BYTE_ORDER_MARK } else { "" };
    // Line ends as RFC 4180 has them.
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(mark.as_bytes().to_vec());
    if beginning.is_some() {
        writer.write_record(R::COLUMNS).map_err(Error::internal)?;
    }
    for row in rows {
        for cell in row.cells() {
            write_cell(&mut writer, cell, row.time_zone()).map_err(Error::internal)?;
        }
        writer.write_record(None::<&[u8]>).map_err(Error::internal)?;
    }
    writer.into_inner().map_err(|error| Error::internal(error.into_error()))
}

fn write_cell(writer: &mut Writer<Vec<u8>>, cell: Cell<'_>, zone: TimeZone) -> csv::Result<()> {
    match cell {
        Cell::Nothing => writer.write_field(""),
        Cell::Text(text) => writer.write_field(without_formula(text)),
        Cell::Word(word) => writer.write_field(word),
        Cell::Id(id) => writer.write_field(id.hyphenated().encode_lower(&mut [0; 36])),
        Cell::Number(number) => writer.write_field(number.to_string()),
        Cell::Amount(amount) => writer.write_field(amount.normalize().to_string()),
        Cell::Date(date) => writer.write_field(date.to_string()),
        // As spreadsheets read it. The zone is in a column of its own.
        Cell::Moment(at) => writer.write_field(zone.local(at).format("%Y-%m-%d %H:%M:%S").to_string()),
        Cell::MomentInUtc(at) => writer.write_field(in_utc(at)),
    }
}

/// A spreadsheet that opens the file must carry nothing out that somebody chose as a name.
fn without_formula(text: &str) -> String {
    // An apostrophe makes it text in spreadsheets, which would run it otherwise. Some skip spaces before they look.
    if text.trim_start_matches(' ').starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}

/// As RFC 3339, with the offset of the zone.
fn with_offset(at: Timestamp, zone: TimeZone) -> String {
    let offset = zone.local(at) - at.naive_utc();
    // Where an offset is none that can be written, the moment is written in UTC, which is as true.
    let offset = i32::try_from(offset.num_seconds()).ok().and_then(FixedOffset::east_opt);
    let at = offset.map_or(at.fixed_offset(), |offset| at.with_timezone(&offset));
    at.to_rfc3339_opts(SecondsFormat::Secs, false)
}

fn in_utc(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Rows as JSON, each on a line of its own.
fn json<R: Columns>(rows: &[R], beginning: bool) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    for (nth, row) in rows.iter().enumerate() {
        text.extend_from_slice(if beginning && nth == 0 { b"[\n" } else { b",\n" });
        serde_json::to_writer(&mut text, &Object(row)).map_err(Error::internal)?;
    }
    Ok(text)
}

/// A row as a JSON object, its members in the order of the columns.
struct Object<'r, R>(&'r R);

impl<R: Columns> Serialize for Object<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = self.0.cells().into_iter().map(|cell| Member(cell, self.0.time_zone()));
        serializer.collect_map(R::COLUMNS.iter().zip(cells))
    }
}

struct Member<'r>(Cell<'r>, TimeZone);

impl Serialize for Member<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Cell::Nothing => serializer.serialize_none(),
            Cell::Text(text) => serializer.serialize_str(text),
            Cell::Word(word) => serializer.serialize_str(word),
            Cell::Id(id) => serializer.serialize_str(id.hyphenated().encode_lower(&mut [0; 36])),
            Cell::Number(number) => serializer.serialize_i64(number),
            Cell::Amount(amount) => as_number(&amount, serializer),
            Cell::Date(date) => serializer.collect_str(&date),
            Cell::Moment(at) => serializer.serialize_str(&with_offset(at, self.1)),
            Cell::MomentInUtc(at) => serializer.serialize_str(&in_utc(at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use rust_decimal::Decimal;
    use uuid::Uuid;

    use super::*;

    /// A row of one text and some other values.
    struct Row(&'static str);

    impl Columns for Row {
        const COLUMNS: &'static [&'static str] = &["text", "id", "amount", "at", "none"];

        fn cells(&self) -> Vec<Cell<'_>> {
            let at = DateTime::from_timestamp(1_803_902_400, 0).expect("a moment");
            vec![
                Cell::Text(self.0),
                Cell::Id(Uuid::nil()),
                Cell::Amount(Decimal::new(-1_250, 2)),
                Cell::Moment(at),
                Cell::Nothing,
            ]
        }

        fn time_zone(&self) -> TimeZone {
            "Asia/Seoul".parse().expect("a zone")
        }
    }

    fn lines(text: &'static str) -> String {
        String::from_utf8(csv(&[Row(text)], None).expect("writes")).expect("text")
    }

    #[test]
    fn csv_is_as_rfc_4180_has_it() {
        let text = String::from_utf8(csv(&[Row("plain"), Row("a \"b\", c\r\nd")], Some(true)).expect("writes"));
        let rest = "00000000-0000-0000-0000-000000000000,-12.5,2027-03-01 21:00:00,";
        let expected = format!("\u{feff}text,id,amount,at,none\r\nplain,{rest}\r\n\"a \"\"b\"\", c\r\nd\",{rest}\r\n");
        assert_eq!(text.expect("text"), expected);
        assert!(
            String::from_utf8(csv(&[] as &[Row], Some(false)).expect("writes")).expect("text")
                == "text,id,amount,at,none\r\n"
        );
    }

    #[test]
    fn no_text_is_taken_for_a_formula_and_numbers_stay_numbers() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "  =1"] {
            let line = lines(text);
            let field = line.trim_start_matches('"');
            assert!(field.starts_with('\'') && field[1..].starts_with(text), "{line:?}");
        }
        for text in ["Ann", "a=1", "'quoted'", "서울"] {
            assert!(lines(text).starts_with(text), "{text}");
        }
        assert!(lines("x").contains(",-12.5,"));
    }

    #[test]
    fn json_is_one_list_with_an_object_a_line() {
        let mut text = json(&[Row("a"), Row("b")], true).expect("writes");
        text.extend(json(&[Row("c")], false).expect("writes"));
        text.extend(end(ExportFormat::Json, State::Rows(true)));
        let text = String::from_utf8(text).expect("text");
        assert_eq!(text.lines().count(), 5, "{text}");
        assert!(text.contains(r#"{"text":"a","id":"00000000-0000-0000-0000-000000000000","amount":-12.5,"at":"2027-03-01T21:00:00+09:00","none":null}"#), "{text}");
        let list: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(list.as_array().map(Vec::len), Some(3));
        assert_eq!(end(ExportFormat::Json, State::Begun), b"[]\n");
    }
}
