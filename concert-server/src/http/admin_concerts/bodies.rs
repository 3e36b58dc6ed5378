//! The bodies of operators' concerts.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime};
use concert_core::{
    ConcertChange, ConcertChanged, ConcertDetails, ConcertId, ConcertSections, ConcertStatus, Error, Money, NewConcert,
    SaleId, SectionView, TimeZone,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::hall::SectionRequest;
use crate::http::body::{Moment, change, if_there, parsed_if_there};
use crate::http::catalog::time_of_day;
use crate::http::problem::Problem;
use crate::http::words;

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
    // An instant says a date as well; where that is another one, one of the two is a mistake.
    if local.date() != date {
        return Err(Problem::invalid(format!("startsAt is {local} in {zone}, which is not on {date}")));
    }
    Ok(local.time())
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
        // The start is read in the zone that the concert will have, which the same request may change.
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
