//! Reads the catalogue for operators: concerts with all that is set about them, and their sections.

use chrono::{NaiveDate, NaiveTime};
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::list::{BOOKABLE, read_zone};
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::id::{ConcertId, SaleId};
use crate::money::Money;
use crate::page::{Page, Paged};
use crate::sql::{fetch_all, fetch_optional, statements};
use crate::time_zone::TimeZone;

/// The columns of a concert, for operators.
macro_rules! concert_columns {
    () => {
        "select c.id, c.concert_name, c.date, c.start_time, c.time_zone, c.sale_id, c.status, c.cancel_reason, \
         c.max_seats_per_user, c.version, c.created_at, \
         (select coalesce(sum(h.last_seat - h.first_seat + 1), 0) from seat_runs h force index (primary) \
         where h.concert_id = c.id) as seats from concerts c "
    };
}
pub(super) use concert_columns;

statements! {
    CONCERT { concat!(concert_columns!(), "where c.id = {concert}") }
    LAST_CONCERTS { concat!(concert_columns!(), "force index (concerts_date) order by c.date desc, c.id desc limit {limit}") }
    EARLIER_CONCERTS {
        concat!(
            concert_columns!(),
            "force index (concerts_date) where c.date <= {date} and (c.date < {date} or c.id < {id}) \
             order by c.date desc, c.id desc limit {limit}"
        )
    }
    SECTIONS {
        "select section, min(seat_number) as first_seat, min(price) as lowest, max(price) as highest, \
         count(*) as seats, count(case when is_reserved = 0 or reserved_until <= {now} then 1 end) as free, \
         count(case when reserved_until > {now} then 1 end) as held, \
         count(case when reservation_id is not null and reserved_until is null then 1 end) as sold, \
         count(case when is_reserved = 1 and reservation_id is null then 1 end) as blocked \
         from seats where concert_id = {concert} group by section order by first_seat"
    }
}

/// A concert as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcertDetails {
    /// The concert.
    pub id: ConcertId,
    /// The sale whose queue stands before it.
    pub sale: SaleId,
    /// Its name.
    pub name: String,
    /// Its date, by the clocks of its venue.
    pub date: NaiveDate,
    /// When it begins, by the clocks of its venue; `None`: not said.
    pub starts_at: Option<NaiveTime>,
    /// The venue's zone, where the concert has one of its own; `None`: that of the house.
    pub own_time_zone: Option<TimeZone>,
    /// The venue's zone.
    pub time_zone: TimeZone,
    /// Whether it is on sale.
    pub status: ConcertStatus,
    /// Why it was called off.
    pub cancel_reason: Option<String>,
    /// The most seats that one user may have of it, held and sold together; `None`: no limit.
    pub max_seats_per_user: Option<u32>,
    /// Raised by every change of the concert, its seats or their prices.
    pub version: u32,
    /// When it was added.
    pub created_at: Timestamp,
    /// How many seats it has.
    pub seats: u64,
}

impl ConcertDetails {
    /// The moment at which it begins; `None`: not said.
    #[must_use]
    pub fn begins(&self) -> Option<Timestamp> {
        self.starts_at.map(|time| self.time_zone.instant(self.date, time))
    }
}

/// The seats of a section in short.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SectionView {
    /// What it is called; `None`: it has no name.
    pub name: Option<String>,
    /// The lowest price of a seat.
    pub lowest: Money,
    /// The highest price of a seat.
    pub highest: Money,
    /// How many seats it has.
    pub seats: u64,
    /// How many of them can be held.
    pub free: u64,
    /// How many are held unpaid.
    pub held: u64,
    /// How many are sold.
    pub sold: u64,
    /// How many are not on sale.
    pub blocked: u64,
}

/// A concert and its sections, front to back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcertSections {
    /// The concert.
    pub concert: ConcertDetails,
    /// Its sections.
    pub sections: Vec<SectionView>,
}

/// A concert; `None`: there is no such one.
pub(crate) async fn concert(
    pool: &MySqlPool,
    id: ConcertId,
    house: TimeZone,
) -> Result<Option<ConcertDetails>, sqlx::Error> {
    let row = fetch_optional(pool, &CONCERT, |params| params.bind("concert", id)).await?;
    row.map(|row| read_concert(&row, house)).transpose()
}

/// A concert and its sections, as they are now; `None`: there is no such one.
pub(crate) async fn concert_sections(
    pool: &MySqlPool,
    id: ConcertId,
    house: TimeZone,
    now: Timestamp,
) -> Result<Option<ConcertSections>, sqlx::Error> {
    let Some(concert) = concert(pool, id, house).await? else { return Ok(None) };
    let rows = fetch_all(pool, &SECTIONS, |params| params.bind("now", now).bind("now", now).bind("concert", id));
    let section = |row: &MySqlRow| {
        let count = |column| Ok::<_, sqlx::Error>(row.try_get::<i64, _>(column)?.unsigned_abs());
        Ok(SectionView {
            name: row.try_get("section")?,
            lowest: row.try_get("lowest")?,
            highest: row.try_get("highest")?,
            seats: count("seats")?,
            free: count("free")?,
            held: count("held")?,
            sold: count("sold")?,
            blocked: count("blocked")?,
        })
    };
    let sections = rows.await?.iter().map(section).collect::<Result<_, sqlx::Error>>()?;
    Ok(Some(ConcertSections { concert, sections }))
}

/// A page of the concerts, the last date first; `None`: the page starts after something that is no concert.
pub(crate) async fn concerts(
    pool: &MySqlPool,
    page: &Page<ConcertId>,
    house: TimeZone,
) -> Result<Option<Paged<ConcertDetails>>, sqlx::Error> {
    let rows = match page.starting_after() {
        None => fetch_all(pool, &LAST_CONCERTS, |params| params.bind("limit", page.rows())).await?,
        Some(last) => {
            let start = fetch_optional(pool, &BOOKABLE, |params| params.bind("concert", last)).await?;
            let Some(start) = start else { return Ok(None) };
            let date: NaiveDate = start.try_get("date")?;
            let earlier = fetch_all(pool, &EARLIER_CONCERTS, |params| {
                // By date and id, since several concerts are on one date: by the date alone a page would skip or repeat
                // some.
                params.bind("date", date).bind("date", date).bind("id", last).bind("limit", page.rows())
            });
            earlier.await?
        }
    };
    Ok(Some(page.of(rows.iter().map(|row| read_concert(row, house)).collect::<Result<_, _>>()?)))
}

/// The columns of `concert_columns`.
pub(super) fn read_concert(row: &MySqlRow, house: TimeZone) -> Result<ConcertDetails, sqlx::Error> {
    let own_time_zone = read_zone(row)?;
    let seats: rust_decimal::Decimal = row.try_get("seats")?;
    Ok(ConcertDetails {
        id: row.try_get("id")?,
        sale: row.try_get("sale_id")?,
        name: row.try_get("concert_name")?,
        date: row.try_get("date")?,
        starts_at: row.try_get("start_time")?,
        own_time_zone,
        time_zone: own_time_zone.unwrap_or(house),
        status: ConcertStatus::from_column(row.try_get("status")?)?,
        cancel_reason: row.try_get("cancel_reason")?,
        max_seats_per_user: row.try_get("max_seats_per_user")?,
        version: row.try_get("version")?,
        created_at: row.try_get("created_at")?,
        seats: u64::try_from(seats).unwrap_or_default(),
    })
}
