//! The hall of a new concert, as it is sent: sections, rows, seats.

use std::collections::BTreeMap;

use concert_core::{Error, Mark, Marking, Money, SeatNumber, SeatRow, Section};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::body::amount;
use crate::http::problem::Problem;

/// A part of the hall, with seats of one price.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SectionRequest {
    /// 1 to 32 characters.
    name: Option<String>,
    /// What each seat costs; it may be nothing.
    #[serde(deserialize_with = "amount")]
    #[schema(value_type = f64, minimum = 0, example = 120)]
    price: Money,
    /// Its rows, or how many rows of `seats` seats each; left out: `seats` seats that are in no rows.
    rows: Option<RowsRequest>,
    /// How many seats each row has, where `rows` is a number, or the section.
    #[schema(minimum = 1)]
    seats: Option<u32>,
    /// What is special about its seats: marks of all of them, or each mark with the numbers of the seats that have it.
    marks: Option<MarksRequest>,
}

/// Rows one by one, or how many of equal length.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "rows are a list of {name, seats}, or a number beside `seats`")]
enum RowsRequest {
    Count(u32),
    Rows(Vec<RowRequest>),
}

/// A row.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RowRequest {
    /// What it is called within the section: 1 to 16 characters.
    name: String,
    /// How many seats, or the numbers that are printed on them, from one end to the other.
    seats: SeatsRequest,
    /// The place of each seat in the row: neighbours have consecutive places, an aisle is a gap. Left out: side by side.
    places: Option<Vec<i32>>,
    /// What is special about its seats.
    #[schema(value_type = Option<Vec<String>>)]
    marks: Option<Vec<String>>,
    /// Where each seat stands in a drawing, across; with `y`.
    x: Option<PointsRequest>,
    /// Where each seat stands in a drawing, down; with `x`.
    y: Option<PointsRequest>,
}

/// A count, or the numbers of seats.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "seats are a number of seats, or a list of seat numbers")]
enum SeatsRequest {
    Count(u32),
    Numbers(Vec<i64>),
}

/// One number for all seats of a row, or one for each.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "x and y are a number, or a list of as many as the row has seats")]
enum PointsRequest {
    All(i32),
    Each(Vec<i32>),
}

/// Marks of all seats, or of some.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "marks are a list of marks, or an object with the seat numbers of each")]
enum MarksRequest {
    All(Vec<String>),
    Some(BTreeMap<String, Vec<i64>>),
}

impl SectionRequest {
    pub(super) fn section(self) -> Result<Section, Problem> {
        let both = || Problem::invalid("a section has rows, or rows and seats as two numbers, or seats alone");
        let section = match (self.rows, self.seats) {
            (None, Some(seats)) => Section::plain(seats, self.price),
            // A hall without rows says so by leaving them out; 0 is a mistake.
            (Some(RowsRequest::Count(rows @ 1..)), Some(seats)) => Section::in_rows(rows, seats, self.price),
            (Some(RowsRequest::Rows(rows)), None) => {
                let rows = rows.into_iter().map(RowRequest::row).collect::<Result<_, _>>()?;
                Section::of_rows(rows, self.price)
            }
            _ => return Err(both()),
        };
        let marks = match self.marks {
            None => Vec::new(),
            Some(MarksRequest::All(marks)) => read_marks(&marks)?.into_iter().map(Marking::all).collect(),
            Some(MarksRequest::Some(marks)) => marks.into_iter().map(marking).collect::<Result<_, _>>()?,
        };
        let section = section.with_marks(marks);
        Ok(match self.name {
            Some(name) => section.with_name(name),
            None => section,
        })
    }
}

fn marking((mark, seats): (String, Vec<i64>)) -> Result<Marking, Problem> {
    Ok(Marking::of(mark.parse().map_err(Error::from)?, seat_numbers(seats)?))
}

pub(in crate::http) fn read_marks(marks: &[String]) -> Result<Vec<Mark>, Problem> {
    marks.iter().map(|mark| Ok(mark.parse().map_err(Error::from)?)).collect()
}

fn seat_numbers(numbers: Vec<i64>) -> Result<Vec<SeatNumber>, Problem> {
    numbers.into_iter().map(|number| Ok(SeatNumber::new(number).map_err(Error::from)?)).collect()
}

impl RowRequest {
    fn row(self) -> Result<SeatRow, Problem> {
        let (mut row, seats) = match self.seats {
            SeatsRequest::Count(count) => (SeatRow::of(self.name, count), count as usize),
            SeatsRequest::Numbers(numbers) => {
                let count = numbers.len();
                (SeatRow::numbered(self.name, seat_numbers(numbers)?), count)
            }
        };
        if let Some(places) = self.places {
            row = row.with_places(places);
        }
        if let Some(marks) = self.marks {
            row = row.with_marks(read_marks(&marks)?);
        }
        match (self.x, self.y) {
            (None, None) => Ok(row),
            (Some(x), Some(y)) => {
                let (x, y) = (x.each(seats)?, y.each(seats)?);
                Ok(row.with_points(x.into_iter().zip(y).collect()))
            }
            _ => Err(Problem::invalid("a row has both x and y, or neither")),
        }
    }
}

impl PointsRequest {
    fn each(self, seats: usize) -> Result<Vec<i32>, Problem> {
        match self {
            // An empty or huge row is refused later.
            Self::All(at) => Ok(vec![at; seats.min(1 << 20)]),
            Self::Each(points) if points.len() == seats => Ok(points),
            Self::Each(_) => Err(Problem::invalid("x and y are a number, or a list of as many as the row has seats")),
        }
    }
}
