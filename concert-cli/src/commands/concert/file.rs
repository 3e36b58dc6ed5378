//! The TOML file that describes a concert.
//!
//! Names are as in the REST interface; both `starts_at` and `startsAt` are read.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use concert_core::{ConcertId, Error, Mark, Marking, Money, NewConcert, SeatNumber, SeatRow, Section, TimeZone};
use serde::Deserialize;

use super::{date, time};
use crate::commands::names::SaleRef;
use crate::failure::Failure;

/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 64 << 20;

/// A concert as a file says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConcertFile {
    #[serde(alias = "concertId", alias = "concert_id")]
    id: Option<String>,
    #[serde(alias = "saleId", alias = "sale_id")]
    sale: Option<String>,
    name: String,
    date: Scalar,
    #[serde(alias = "startsAt", alias = "start")]
    starts_at: Option<Scalar>,
    #[serde(alias = "timeZone", alias = "zone")]
    time_zone: Option<String>,
    #[serde(alias = "maxSeatsPerUser")]
    max_seats_per_user: Option<u32>,
    #[serde(alias = "section")]
    sections: Vec<SectionEntry>,
}

/// A date, a time, a number or a text, quoted or not.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a date, a time, a number or a text")]
enum Scalar {
    Moment(toml::value::Datetime),
    Whole(i64),
    Fraction(f64),
    Text(String),
}

impl Scalar {
    /// A fraction in its shortest form, which is the one that was written, up to 15 digits.
    fn text(&self) -> String {
        match self {
            Self::Moment(moment) => moment.to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Fraction(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionEntry {
    name: Option<String>,
    price: Scalar,
    #[serde(alias = "row")]
    rows: Option<RowsEntry>,
    #[serde(alias = "seats_per_row", alias = "seatsPerRow")]
    seats: Option<u32>,
    marks: Option<MarksEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "rows are a list of tables with name and seats, or a number beside `seats`")]
enum RowsEntry {
    Count(u32),
    Rows(Vec<RowEntry>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowEntry {
    name: String,
    seats: SeatsEntry,
    places: Option<Vec<i32>>,
    marks: Option<Vec<String>>,
    x: Option<PointsEntry>,
    y: Option<PointsEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "seats are a number of seats, or a list of seat numbers")]
enum SeatsEntry {
    Count(u32),
    Numbers(Vec<i64>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "x and y are a number, or a list of as many as the row has seats")]
enum PointsEntry {
    All(i32),
    Each(Vec<i32>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "marks are a list of marks, or a table with the seat numbers of each")]
enum MarksEntry {
    All(Vec<String>),
    Some(BTreeMap<String, Vec<i64>>),
}

impl ConcertFile {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |source| Failure::io(format!("read {}", path.display()), source);
        let mut text = String::new();
        // `concert generate .. | concert add -` needs no file.
        if path == Path::new("-") {
            std::io::stdin().lock().take(LARGEST_FILE).read_to_string(&mut text).map_err(failed)?;
        } else {
            // With the same bound as stdin: a device or a pipe has no end of its own.
            let file = std::fs::File::open(path).map_err(failed)?;
            file.take(LARGEST_FILE).read_to_string(&mut text).map_err(failed)?;
        }
        Self::parse(&text, &path.display().to_string())
    }

    fn parse(text: &str, from: &str) -> Result<Self, Failure> {
        // With the place: such a file is long.
        toml::from_str(text)
            .map_err(|error| Failure::Usage(format!("{from}{}: {}", place(text, &error), error.message())))
    }

    /// The sale that it names.
    pub(super) fn sale(&self) -> Result<Option<SaleRef>, Failure> {
        self.sale.as_deref().map(|sale| sale.parse().map_err(|never| match never {})).transpose()
    }

    /// The concert, of the default sale.
    pub(super) fn concert(&self) -> Result<NewConcert, Failure> {
        let sections = self.sections.iter().map(SectionEntry::section).collect::<Result<_, _>>()?;
        let on = date(&self.date.text()).map_err(|error| Failure::Usage(format!("date: {error}")))?;
        let start = self.starts_at.as_ref().map(|start| time(&start.text())).transpose();
        let zone = self.time_zone.as_deref().map(str::parse::<TimeZone>).transpose()?;
        let mut new = NewConcert::new(&self.name, on, sections)
            .with_start(start.map_err(|error| Failure::Usage(format!("starts_at: {error}")))?)
            .with_time_zone(zone)
            .with_max_seats_per_user(self.max_seats_per_user);
        if let Some(id) = &self.id {
            new = new.with_id(id.parse::<ConcertId>()?);
        }
        Ok(new)
    }
}

impl SectionEntry {
    fn section(&self) -> Result<Section, Failure> {
        let called = self.name.as_deref().unwrap_or("without a name");
        let wrong = |text: String| Failure::Usage(format!("section {called}: {text}"));
        // By its text: a fraction of TOML is a float, and its shortest text is what was typed.
        let price: Money = self.price.text().parse().map_err(|error| wrong(format!("price: {error}")))?;
        let section = match (&self.rows, self.seats) {
            (None, Some(seats)) => Section::plain(seats, price),
            (Some(RowsEntry::Count(rows @ 1..)), Some(seats)) => Section::in_rows(*rows, seats, price),
            (Some(RowsEntry::Rows(rows)), None) => {
                Section::of_rows(rows.iter().map(RowEntry::row).collect::<Result<_, _>>()?, price)
            }
            _ => {
                let text = "it has rows with their seats, or rows and seats as two numbers, or seats alone";
                return Err(wrong(text.to_owned()));
            }
        };
        let marks = match &self.marks {
            None => Vec::new(),
            Some(MarksEntry::All(marks)) => read_marks(marks)?.into_iter().map(Marking::all).collect(),
            Some(MarksEntry::Some(marks)) => marks
                .iter()
                .map(|(mark, seats)| Ok(Marking::of(mark.parse::<Mark>()?, seat_numbers(seats)?)))
                .collect::<Result<_, Failure>>()?,
        };
        let section = section.with_marks(marks);
        Ok(match &self.name {
            Some(name) => section.with_name(name),
            None => section,
        })
    }
}

impl RowEntry {
    fn row(&self) -> Result<SeatRow, Failure> {
        let (mut row, seats) = match &self.seats {
            SeatsEntry::Count(count) => (SeatRow::of(&self.name, *count), *count as usize),
            SeatsEntry::Numbers(numbers) => (SeatRow::numbered(&self.name, seat_numbers(numbers)?), numbers.len()),
        };
        if let Some(places) = &self.places {
            row = row.with_places(places.iter().copied());
        }
        if let Some(marks) = &self.marks {
            row = row.with_marks(read_marks(marks)?);
        }
        match (&self.x, &self.y) {
            (None, None) => Ok(row),
            (Some(x), Some(y)) => Ok(row.with_points(x.each(seats).into_iter().zip(y.each(seats)).collect())),
            _ => Err(Failure::Usage(format!("row {} has both x and y, or neither", self.name))),
        }
    }
}

impl PointsEntry {
    /// A list of another length makes another number of points, which is refused with the row's name.
    fn each(&self, seats: usize) -> Vec<i32> {
        match self {
            // A row of any length can be written in a file; too many seats are refused later, by the rules.
            Self::All(at) => vec![*at; seats.min(1 << 20)],
            Self::Each(points) => points.clone(),
        }
    }
}

fn read_marks(marks: &[String]) -> Result<Vec<Mark>, Failure> {
    marks.iter().map(|mark| Ok(mark.parse::<Mark>()?)).collect()
}

fn seat_numbers(numbers: &[i64]) -> Result<Vec<SeatNumber>, Failure> {
    numbers.iter().map(|number| SeatNumber::new(*number).map_err(|error| Error::from(error).into())).collect()
}

/// Where in the text an error is, in one line: the drawing that comes with it is of several, and of a long line has all.
fn place(text: &str, error: &toml::de::Error) -> String {
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else { return String::new() };
    let line = before.rsplit('\n').next().unwrap_or_default();
    format!(", line {}, column {}", before.matches('\n').count() + 1, line.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "name = \"Spring\"\ndate = 2027-03-05\n";

    fn concert(rest: &str) -> Result<NewConcert, Failure> {
        ConcertFile::parse(&format!("{HEAD}{rest}"), "hall.toml")?.concert()
    }

    #[test]
    fn a_file_says_all_that_the_interface_takes() {
        let new = concert(
            r#"
            starts_at = 20:00:00
            time_zone = "Asia/Seoul"
            max_seats_per_user = 2

            [[sections]]
            name = "VIP"
            price = 150000
            rows = [
                { name = "A", seats = [1, 3, 2, 4], places = [1, 2, 4, 5], x = [0, 10, 30, 40], y = 0 },
                { name = "B", seats = 4, marks = ["accessible"] },
            ]

            [[sections]]
            name = "R"
            price = 99.5
            rows = 2
            seats = 10
            marks = { RESTRICTED_VIEW = [9, 10] }

            [[sections]]
            price = "0"
            seats = 5
            "#,
        );
        let new = new.expect("a concert");
        assert_eq!(new.sections.iter().map(Section::seats).collect::<Vec<_>>(), [8, 20, 5]);
        assert_eq!(new.sections[1].price.to_string(), "99.5");
        assert_eq!(
            (new.max_seats_per_user, new.starts_at.map(|time| time.to_string())),
            (Some(2), Some("20:00:00".to_owned()))
        );
    }

    #[test]
    fn the_names_of_the_interface_are_read_too_and_texts_for_dates() {
        let text = "name = \"Spring\"\ndate = \"2027-03-05\"\nstartsAt = \"20:00\"\ntimeZone = \"UTC\"\n\
                    [[sections]]\nprice = 1\nseats = 1\n";
        ConcertFile::parse(text, "hall.toml").expect("reads").concert().expect("a concert");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let cases = [
            ("[[sections]]\nprice = 1\nseats = 1\nprize = 2\n", "prize"),
            ("[[sections]]\nname = \"VIP\"\nprice = 0.001\nseats = 1\n", "section VIP: price"),
            ("[[sections]]\nprice = 1\n", "it has rows with their seats"),
            ("starts_at = \"8pm\"\n[[sections]]\nprice = 1\nseats = 1\n", "starts_at"),
            ("time_zone = \"KST\"\n[[sections]]\nprice = 1\nseats = 1\n", "no IANA time zone"),
            ("[[sections]]\nprice = 1\nrows = [{ name = \"A\", seats = \"many\" }]\n", "rows are a list"),
        ];
        for (text, part) in cases {
            let said = concert(text).expect_err(part).to_string();
            assert!(said.contains(part), "{said}");
        }
    }
}
