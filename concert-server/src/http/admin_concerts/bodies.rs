//! The bodies of operators' concerts.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime};
use concert_core::{
    ConcertChange, ConcertChanged, ConcertDetails, ConcertId, ConcertSections, ConcertStatus, Error, Mark, Marking,
    Money, NewConcert, SaleId, SeatNumber, SeatRow, Section, SectionView, TimeZone,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::body::{Moment, amount, change, if_there, parsed_if_there};
use super::super::catalog::time_of_day;
use super::super::problem::Problem;
use super::super::words;

/// A concert to put on sale.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewConcertRequest {
    /// The sale whose queue stands before it; left out: the default one.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = Option<uuid::Uuid>, nullable = false)]
    sale_id: Option<SaleId>,
    /// 1 to 255 characters.
    name: String,
    /// By the clocks of its venue.
    date: NaiveDate,
    /// When it begins: `HH:MM` by the clocks of its venue, or an instant of that date.
    #[schema(example = "20:00")]
    starts_at: Option<String>,
    /// The venue's zone, an IANA name; left out: that of the house.
    #[schema(example = "Asia/Seoul")]
    time_zone: Option<String>,
    /// How many seats one user may have of it, held and sold together; left out: any number.
    #[schema(minimum = 1)]
    max_seats_per_user: Option<u32>,
    /// The hall, front to back.
    sections: Vec<SectionRequest>,
}

/// A part of the hall, with seats of one price.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SectionRequest {
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

impl NewConcertRequest {
    pub(super) fn concert(self, house: TimeZone) -> Result<NewConcert, Problem> {
        let zone = self.time_zone.as_deref().map(str::parse::<TimeZone>).transpose().map_err(Error::from)?;
        let start = self.starts_at.as_deref();
        let start = start.map(|text| start_time(text, self.date, zone.unwrap_or(house))).transpose()?;
        let sections = self.sections.into_iter().map(SectionRequest::section).collect::<Result<_, _>>()?;
        let new = NewConcert::new(self.name, self.date, sections).with_sale(self.sale_id.unwrap_or(SaleId::DEFAULT));
        Ok(new.with_start(start).with_time_zone(zone).with_max_seats_per_user(self.max_seats_per_user))
    }
}

/// Reads `20:00`, `20:00:30`, or an instant, which must be of that date in that zone.
fn start_time(text: &str, date: NaiveDate, zone: TimeZone) -> Result<NaiveTime, Problem> {
    if let Some(time) = ["%H:%M", "%H:%M:%S"].iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok()) {
        return Ok(time);
    }
    let instant = DateTime::parse_from_rfc3339(text).map_err(|_| {
        Problem::invalid("startsAt is a time by the clocks of the venue, such as 20:00, or an instant of the date")
    })?;
    let local = zone.local(instant.to_utc());
    if local.date() != date {
        return Err(Problem::invalid(format!("startsAt is {local} in {zone}, which is not on {date}")));
    }
    Ok(local.time())
}

impl SectionRequest {
    fn section(self) -> Result<Section, Problem> {
        let both = || Problem::invalid("a section has rows, or rows and seats as two numbers, or seats alone");
        let section = match (self.rows, self.seats) {
            (None, Some(seats)) => Section::plain(seats, self.price),
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

/// What to change of a concert. What is left out stays as it is; null takes a start, a zone or a limit away.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ConcertChangeRequest {
    /// 1 to 255 characters.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// By the clocks of its venue.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(nullable = false)]
    date: Option<NaiveDate>,
    /// When it begins: `HH:MM` by the clocks of its venue, or an instant of its date.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, example = "20:00")]
    starts_at: Option<Option<String>>,
    /// The venue's zone, an IANA name; null: that of the house.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, example = "Asia/Seoul")]
    time_zone: Option<Option<String>>,
    /// How many seats one user may have of it, held and sold together; null: any number.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    max_seats_per_user: Option<Option<u32>>,
    /// CLOSED: nothing more is held; ON_SALE: it is on sale again.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = Option<words::ConcertSaleStatus>, nullable = false)]
    status: Option<ConcertStatus>,
}

impl ConcertChangeRequest {
    pub(super) fn change(self, before: &ConcertDetails, house: TimeZone) -> Result<ConcertChange, Problem> {
        let mut change = ConcertChange::new();
        if let Some(name) = self.name {
            change = change.with_name(name);
        }
        if let Some(date) = self.date {
            change = change.with_date(date);
        }
        let mut zone = before.time_zone;
        if let Some(name) = self.time_zone {
            let own = name.as_deref().map(str::parse::<TimeZone>).transpose().map_err(Error::from)?;
            zone = own.unwrap_or(house);
            change = change.with_time_zone(own);
        }
        if let Some(start) = self.starts_at {
            let date = self.date.unwrap_or(before.date);
            change = change.with_start(start.map(|text| start_time(&text, date, zone)).transpose()?);
        }
        if let Some(seats) = self.max_seats_per_user {
            change = change.with_max_seats_per_user(seats);
        }
        if let Some(status) = self.status {
            change = change.with_status(status);
        }
        Ok(change)
    }
}

/// A concert in a list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConcertListBody {
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    #[schema(value_type = uuid::Uuid)]
    sale_id: SaleId,
    name: String,
    /// By the clocks of its venue.
    date: NaiveDate,
    /// When it begins, by the clocks of its venue. Null: not said.
    #[schema(example = "20:00")]
    starts_at: Option<String>,
    /// The same moment in UTC.
    starts_at_utc: Option<Moment>,
    /// The zone of its venue.
    time_zone: &'static str,
    /// ON_SALE, CLOSED (nothing more is held) or CANCELLED (called off).
    #[schema(value_type = words::ConcertStatus)]
    status: &'static str,
    /// Why it was called off.
    cancel_reason: Option<String>,
    /// How many seats one user may have of it, held and sold together; null: any number.
    max_seats_per_user: Option<u32>,
    /// How many seats it has.
    seats: u64,
    created_at: Moment,
    /// Raised by every change of the concert, its seats or their prices; the ETag.
    version: u32,
}

impl From<ConcertDetails> for ConcertListBody {
    fn from(concert: ConcertDetails) -> Self {
        Self {
            starts_at_utc: concert.begins().map(Moment),
            concert_id: concert.id,
            sale_id: concert.sale,
            name: concert.name,
            date: concert.date,
            starts_at: concert.starts_at.map(time_of_day),
            time_zone: concert.time_zone.name(),
            status: concert.status.as_str(),
            cancel_reason: concert.cancel_reason,
            max_seats_per_user: concert.max_seats_per_user,
            seats: concert.seats,
            created_at: Moment(concert.created_at),
            version: concert.version,
        }
    }
}

/// A page of the concerts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConcertPageBody {
    pub(super) data: Vec<ConcertListBody>,
    /// Whether more follow; `startingAfter` the last of these shows them.
    pub(super) has_more: bool,
}

/// A concert with its sections.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConcertBody {
    #[serde(flatten)]
    concert: ConcertListBody,
    /// Front to back.
    sections: Vec<SectionBody>,
}

impl From<ConcertSections> for ConcertBody {
    fn from(found: ConcertSections) -> Self {
        let sections = found.sections.into_iter().map(SectionBody::from).collect();
        Self { concert: found.concert.into(), sections }
    }
}

/// The seats of a section in short.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SectionBody {
    name: Option<String>,
    /// The lowest price of a seat.
    #[schema(value_type = f64, example = 120)]
    price: Money,
    /// The highest price of a seat.
    #[schema(value_type = f64, example = 120)]
    highest_price: Money,
    seats: u64,
    /// How many can be held.
    free: u64,
    held: u64,
    sold: u64,
    /// How many are not on sale.
    blocked: u64,
}

impl From<SectionView> for SectionBody {
    fn from(section: SectionView) -> Self {
        let SectionView { name, lowest, highest, seats, free, held, sold, blocked, .. } = section;
        Self { name, price: lowest, highest_price: highest, seats, free, held, sold, blocked }
    }
}

/// What a change would do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConcertPreviewBody {
    dry_run: bool,
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    /// What differs, as it is.
    #[schema(value_type = Object)]
    before: BTreeMap<&'static str, Value>,
    /// What differs, as it would be.
    #[schema(value_type = Object)]
    after: BTreeMap<&'static str, Value>,
}

impl From<ConcertChanged> for ConcertPreviewBody {
    fn from(changed: ConcertChanged) -> Self {
        let differences = changed.differences();
        Self {
            dry_run: true,
            concert_id: changed.before.id,
            before: differences.iter().map(|(field, was, _)| (*field, was.clone())).collect(),
            after: differences.into_iter().map(|(field, _, is)| (field, is)).collect(),
        }
    }
}
