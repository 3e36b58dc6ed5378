//! The catalogue: concerts, their dates, their seats.

use chrono::NaiveDate;
use sqlx::error::DatabaseError;
use sqlx::{Connection as _, MySqlConnection, MySqlPool, Row as _};

use crate::batch::Failure;
use crate::clock::Timestamp;
use crate::db;
use crate::error::Error;
use crate::id::{ConcertId, SeatNumber};
use crate::money::Money;
use crate::sql::{Statement, json};

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[Statement] = &[
    Statement::Fixed(DATES),
    Statement::Fixed(SEATS),
    Statement::Fixed(CONCERT),
    Statement::Fixed(INSERT_CONCERT),
    Statement::Fixed(INSERT_SEATS),
];

/// The most concerts that one list of dates shows.
const MOST_DATES: u32 = 10_000;
/// How many seats one statement adds.
const CHUNK: usize = 10_000;
/// The longest name of a concert, in characters.
const LONGEST_NAME: usize = 255;

const DATES: &str = "select c.id, c.concert_name, c.date from concerts c where c.date >= ? \
     and (exists (select 1 from seats s where s.concert_id = c.id and s.is_reserved = 0) \
     or exists (select 1 from seats s where s.concert_id = c.id and s.is_reserved = 1 and s.reserved_until <= ?)) \
     order by c.date, c.id limit ?";
const SEATS: &str = "select seat_number, price, (reservation_id is null or coalesce(reserved_until <= ?, false)) as available \
     from seats where concert_id = ? order by seat_number";
const CONCERT: &str = "select id from concerts where id = ?";
const INSERT_CONCERT: &str = "insert into concerts (id, concert_name, date, created_at) values (?, ?, ?, ?)";
const INSERT_SEATS: &str = "insert into seats (concert_id, seat_number, price) \
     select ?, j.seat_number, ? from json_table(?, '$[*]' columns (seat_number int path '$')) j";

/// A concert that can be booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConcertDate {
    /// The concert.
    pub concert: ConcertId,
    /// Its name.
    pub name: String,
    /// Its date, in UTC.
    pub date: NaiveDate,
}

/// A seat as buyers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeatView {
    /// Its number.
    pub number: SeatNumber,
    /// Whether it can be reserved now.
    pub available: bool,
    /// What it costs.
    pub price: Money,
}

/// A concert to put on sale. Seats are numbered from 1, through the sections in their order.
#[derive(Debug, Clone)]
pub struct NewConcert {
    /// Its id.
    pub id: ConcertId,
    /// Its name: 1 to 255 characters.
    pub name: String,
    /// Its date, in UTC.
    pub date: NaiveDate,
    /// The hall, front to back: at least one seat in all.
    pub sections: Vec<Section>,
}

/// Seats of one price.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// How many.
    pub seats: u32,
    /// What each costs: more than 0.
    pub price: Money,
}

pub(crate) async fn concert_dates(pool: &MySqlPool, now: Timestamp) -> Result<Vec<ConcertDate>, sqlx::Error> {
    let rows = sqlx::query(DATES).bind(now.date_naive()).bind(now).bind(MOST_DATES).fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            Ok(ConcertDate {
                concert: row.try_get("id")?,
                name: row.try_get("concert_name")?,
                date: row.try_get("date")?,
            })
        })
        .collect()
}

/// Whether there is such a concert.
pub(crate) async fn concert_exists(pool: &MySqlPool, concert: ConcertId) -> Result<bool, sqlx::Error> {
    Ok(sqlx::query(CONCERT).bind(concert).fetch_optional(pool).await?.is_some())
}

/// The seats of a concert by number; `None`: no such concert.
pub(crate) async fn seats(
    pool: &MySqlPool,
    concert: ConcertId,
    now: Timestamp,
) -> Result<Option<Vec<SeatView>>, sqlx::Error> {
    let rows = sqlx::query(SEATS).bind(now).bind(concert).fetch_all(pool).await?;
    if rows.is_empty() && !concert_exists(pool, concert).await? {
        return Ok(None);
    }
    rows.iter()
        .map(|row| {
            Ok(SeatView {
                number: row.try_get("seat_number")?,
                available: row.try_get("available")?,
                price: row.try_get("price")?,
            })
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

/// Adds a concert and its seats, all or nothing. Calls `progress` with how many seats are in so far.
pub(crate) async fn add_concert(
    pool: &MySqlPool,
    new: &NewConcert,
    now: Timestamp,
    progress: impl FnMut(u32) + Send,
) -> Result<(), Error> {
    check(new)?;
    // Dropped before COMMIT, the connection closes and the server undoes what was done.
    let mut connection = db::unhurried_connection(pool).await?;
    db::start_transaction(&mut connection).await.map_err(db::to_error)?;
    insert(&mut connection, new, now, progress).await.map_err(|failure| match failure {
        Failure::Conflict(error) if error.as_database_error().is_some_and(DatabaseError::is_unique_violation) => {
            Error::ConcertExists
        }
        failure => failure.into_error(),
    })?;
    db::commit(&mut connection).await.map_err(Failure::into_error)?;
    let _ = connection.close().await;
    Ok(())
}

fn check(new: &NewConcert) -> Result<(), Error> {
    if !(1..=LONGEST_NAME).contains(&new.name.chars().count()) {
        return Err(Error::invalid(format!("the name of a concert is 1 to {LONGEST_NAME} characters")));
    }
    for section in &new.sections {
        section.price.positive()?;
    }
    let seats = new.sections.iter().map(|section| i64::from(section.seats)).sum();
    SeatNumber::new(seats).map_err(|_| Error::invalid(format!("a concert has 1 to {} seats", i32::MAX)))?;
    Ok(())
}

async fn insert(
    connection: &mut MySqlConnection,
    new: &NewConcert,
    now: Timestamp,
    mut progress: impl FnMut(u32) + Send,
) -> Result<(), Failure> {
    sqlx::query(INSERT_CONCERT).bind(new.id).bind(&new.name).bind(new.date).bind(now).execute(&mut *connection).await?;
    let mut next = 1_u32;
    for section in &new.sections {
        let numbers: Vec<u32> = (next..next + section.seats).collect();
        for chunk in numbers.chunks(CHUNK) {
            sqlx::query(INSERT_SEATS)
                .bind(new.id)
                .bind(section.price)
                .bind(json(chunk)?)
                .execute(&mut *connection)
                .await?;
            next += chunk.len() as u32;
            progress(next - 1);
        }
    }
    Ok(())
}
