//! Reads the catalogue for buyers: concerts that can be booked, and their seats.

use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::concert::Bookable;
use super::shared;
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::id::{ConcertId, SaleId, SeatNumber};
use crate::money::Money;
use crate::sql::{Text, fetch_all, fetch_optional, statements};
use crate::time_zone::TimeZone;

/// The most concerts that one list of dates shows.
const MOST_DATES: u32 = 10_000;
/// How long after a date began in UTC it may still be that date somewhere, and longer.
const LONGEST_LAG: TimeDelta = TimeDelta::days(1);

statements! {
    /// A hall is read up to its first free seat: 70 ns per seat that is taken (measured, MariaDB 10.11).
    DATES {
        "select c.id, c.concert_name, c.date, c.start_time, c.time_zone, c.status, c.sale_id from concerts c \
         where c.date >= {today} and (c.status = 'CANCELLED' \
         or (select 1 from seats s force index (primary) where s.concert_id = c.id \
         and (s.is_reserved = 0 or s.reserved_until <= {now}) limit 1) is not null) \
         order by c.date, c.id limit {limit}"
    }
    /// `{open}`: whether any seat of it can be held.
    SEATS {
        "select seat_number, section, seat_row, place, price, \
         {open} and (is_reserved = 0 or coalesce(reserved_until <= {now}, false)) as available \
         from seats where concert_id = {concert} order by seat_number"
    }
    pub(super) BOOKABLE { "select date, time_zone, status from concerts where id = {concert}" }
    NAMED {
        "select id, concert_name, date, start_time, time_zone, status, sale_id from concerts \
         force index (concerts_name) where concert_name = {name} order by date, id limit {limit}"
    }
    SALE_OF { "select sale_id from concerts where id = {concert}" }
}

/// A concert that can be booked, or was called off.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcertDate {
    /// The concert.
    pub concert: ConcertId,
    /// Its name.
    pub name: String,
    /// Its date, by the clocks of its venue.
    pub date: NaiveDate,
    /// When it begins, by the clocks of its venue; `None`: not said.
    pub starts_at: Option<NaiveTime>,
    /// The venue's zone.
    pub time_zone: TimeZone,
    /// Whether it is on sale.
    pub status: ConcertStatus,
    /// The sale whose queue stands before it.
    pub sale: SaleId,
}

impl ConcertDate {
    /// Whether its day is over at its venue: then nothing of it can be bought any more.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        Bookable::new(self.status, self.date, self.time_zone).is_over(now)
    }

    /// The moment at which it begins; `None`: not said.
    #[must_use]
    pub fn begins(&self) -> Option<Timestamp> {
        self.starts_at.map(|time| self.time_zone.instant(self.date, time))
    }
}

/// A seat as buyers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeatView {
    /// Its number, unique in the hall.
    pub number: SeatNumber,
    /// What its part of the hall is called; `None`: the hall has no sections.
    pub section: Option<Arc<str>>,
    /// What its row is called within the section; `None`: there are no rows.
    pub row: Option<Arc<str>>,
    /// Its place in the row: neighbours have consecutive places, and an aisle is a gap. `None`: its number.
    pub place: Option<i32>,
    /// Whether it can be reserved now: nobody has it, and it is on sale.
    pub available: bool,
    /// What it costs.
    pub price: Money,
}

/// The concerts whose day is not over, which have a free seat or were called off. `house`: the zone of those that name
/// none.
pub(crate) async fn concert_dates(
    pool: &MySqlPool,
    house: TimeZone,
    now: Timestamp,
) -> Result<Vec<ConcertDate>, sqlx::Error> {
    let rows = fetch_all(pool, &DATES, |params| {
        // The database compares dates and knows no zones. A day more is read, and the zone of each venue decides below.
        params.bind("today", (now - LONGEST_LAG).date_naive()).bind("now", now).bind("limit", MOST_DATES)
    });
    let mut dates = Vec::new();
    for row in rows.await? {
        let found = read_date(&row, house)?;
        if !found.is_over(now) {
            dates.push(found);
        }
    }
    Ok(dates)
}

/// The concerts of this name, by date. `house`: the zone of those that name none.
pub(crate) async fn concerts_named(
    pool: &MySqlPool,
    name: &str,
    house: TimeZone,
) -> Result<Vec<ConcertDate>, sqlx::Error> {
    let rows = fetch_all(pool, &NAMED, |params| params.bind("name", Text(name)).bind("limit", MOST_DATES)).await?;
    rows.iter().map(|row| read_date(row, house)).collect()
}

/// The columns of a concert that buyers see. `house`: the zone of one that names none.
pub(crate) fn read_date(row: &MySqlRow, house: TimeZone) -> Result<ConcertDate, sqlx::Error> {
    Ok(ConcertDate {
        concert: row.try_get("id")?,
        name: row.try_get("concert_name")?,
        date: row.try_get("date")?,
        starts_at: row.try_get("start_time")?,
        time_zone: read_zone(row)?.unwrap_or(house),
        status: ConcertStatus::from_column(row.try_get("status")?)?,
        sale: row.try_get("sale_id")?,
    })
}

/// Whether there is such a concert.
pub(crate) async fn concert_exists(pool: &MySqlPool, concert: ConcertId) -> Result<bool, sqlx::Error> {
    Ok(fetch_optional(pool, &BOOKABLE, |params| params.bind("concert", concert)).await?.is_some())
}

/// Whether a concert can be booked is said by this; `None`: no such concert. `house`: the zone of one that names none.
pub(crate) async fn bookable(
    pool: &MySqlPool,
    concert: ConcertId,
    house: TimeZone,
) -> Result<Option<Bookable>, sqlx::Error> {
    let row = fetch_optional(pool, &BOOKABLE, |params| params.bind("concert", concert)).await?;
    row.map(|row| Bookable::read(&row, house)).transpose()
}

/// The sale of a concert, if there is one of this id.
pub(crate) async fn sale_of(pool: &MySqlPool, concert: ConcertId) -> Result<Option<SaleId>, sqlx::Error> {
    let row = fetch_optional(pool, &SALE_OF, |params| params.bind("concert", concert)).await?;
    row.map(|row| row.try_get("sale_id")).transpose()
}

/// The seats of a concert by number; `None`: no such concert.
pub(crate) async fn seats(
    pool: &MySqlPool,
    concert: ConcertId,
    house: TimeZone,
    now: Timestamp,
) -> Result<Option<Vec<SeatView>>, sqlx::Error> {
    let Some(found) = bookable(pool, concert, house).await? else { return Ok(None) };
    // One answer for all seats: a concert that cannot be booked has no seat that can.
    let open = found.check(now).is_ok();
    let rows = fetch_all(pool, &SEATS, |params| params.bind("open", open).bind("now", now).bind("concert", concert));
    // Neighbours mostly share section and row, so each name is kept once and not once for every seat.
    let (mut section, mut seat_row) = (None, None);
    let seat = |row: &MySqlRow| {
        Ok(SeatView {
            number: row.try_get("seat_number")?,
            section: shared(&mut section, row.try_get("section")?),
            row: shared(&mut seat_row, row.try_get("seat_row")?),
            place: row.try_get("place")?,
            available: row.try_get("available")?,
            price: row.try_get("price")?,
        })
    };
    rows.await?.iter().map(seat).collect::<Result<_, _>>().map(Some)
}

impl Bookable {
    /// From the columns `date`, `time_zone` and `status`. `house`: the zone of a concert that names none.
    pub(crate) fn read(row: &MySqlRow, house: TimeZone) -> Result<Self, sqlx::Error> {
        let status = ConcertStatus::from_column(row.try_get("status")?)?;
        Ok(Self::new(status, row.try_get("date")?, read_zone(row)?.unwrap_or(house)))
    }
}

/// The column `time_zone`. A name that is no zone, written by hand, counts as none.
pub(crate) fn read_zone(row: &MySqlRow) -> Result<Option<TimeZone>, sqlx::Error> {
    // A name that this version does not know counts as none: the house's zone then decides.
    Ok(row.try_get::<Option<&str>, _>("time_zone")?.and_then(|name| name.parse().ok()))
}
