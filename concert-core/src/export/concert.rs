//! The concerts whose rows are exported.

use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row as _};

use crate::catalog::read_zone;
use crate::clock::Timestamp;
use crate::id::ConcertId;
use crate::sql::{Source, fetch_all, fetch_optional, statements};
use crate::time_zone::TimeZone;

/// The most concerts of an export of all.
const MOST_CONCERTS: u32 = 100_000;

statements! {
    ALL {
        "select id, concert_name, date, start_time, time_zone from concerts force index (concerts_date) \
         where date >= '1000-01-01' order by date, id limit {limit}"
    }
    ONE { "select id, concert_name, date, start_time, time_zone from concerts where id = {concert}" }
}

/// A concert, as exports name it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportedConcert {
    /// Its id.
    pub id: ConcertId,
    /// Its name.
    pub name: String,
    /// Its date, in the zone of its venue.
    pub date: NaiveDate,
    /// When it begins, by the clocks of its venue.
    pub starts_at: Option<String>,
    /// The zone of its venue.
    pub time_zone: TimeZone,
    /// When the export began: a hold whose deadline is past by then has lapsed.
    pub(super) read_at: Timestamp,
}

pub(super) async fn all(
    connection: &mut MySqlConnection,
    now: Timestamp,
    house: TimeZone,
) -> Result<Vec<Arc<ExportedConcert>>, sqlx::Error> {
    let rows = fetch_all(connection, &ALL, |params| params.bind("limit", MOST_CONCERTS)).await?;
    rows.iter().map(|row| read(row, now, house)).collect()
}

pub(super) async fn find<'s>(
    source: impl Into<Source<'s>>,
    concert: ConcertId,
    now: Timestamp,
    house: TimeZone,
) -> Result<Option<Arc<ExportedConcert>>, sqlx::Error> {
    let row = fetch_optional(source, &ONE, |params| params.bind("concert", concert)).await?;
    row.as_ref().map(|row| read(row, now, house)).transpose()
}

fn read(row: &MySqlRow, now: Timestamp, house: TimeZone) -> Result<Arc<ExportedConcert>, sqlx::Error> {
    let starts_at: Option<NaiveTime> = row.try_get("start_time")?;
    Ok(Arc::new(ExportedConcert {
        id: row.try_get("id")?,
        name: row.try_get("concert_name")?,
        date: row.try_get("date")?,
        starts_at: starts_at.map(|time| time.format("%H:%M").to_string()),
        time_zone: read_zone(row)?.unwrap_or(house),
        read_at: now,
    }))
}
