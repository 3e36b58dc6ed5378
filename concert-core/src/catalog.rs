//! The catalogue: concerts, their dates, their seats.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::NaiveDate;
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use crate::clock::Timestamp;
use crate::db::{self, Failure};
use crate::error::Error;
use crate::id::{ConcertId, SaleId, SeatNumber};
use crate::money::Money;
use crate::name::{LONGEST_SECTION, SECTION_RULE, free_text};
use crate::operator::{Act, ActSubject, Signature, write_log};
use crate::sql::{Script, Text, execute, fetch_all, fetch_optional, statements};

/// The most concerts that one list of dates shows.
const MOST_DATES: u32 = 10_000;
/// How many seats, or rows of seats, one statement inserts.
const CHUNK: usize = 10_000;
/// The longest name of a concert, in characters.
const LONGEST_NAME: usize = 255;

statements! {
    /// A hall is read up to its first free seat: 70 ns per seat that is taken (measured, MariaDB 10.11).
    DATES {
        "select c.id, c.concert_name, c.date from concerts c where c.date >= {today} \
         and (select 1 from seats s force index (primary) where s.concert_id = c.id \
         and (s.is_reserved = 0 or s.reserved_until <= {now}) limit 1) is not null order by c.date, c.id limit {limit}"
    }
    SEATS {
        "select seat_number, section, seat_row, place, price, \
         (is_reserved = 0 or coalesce(reserved_until <= {now}, false)) as available \
         from seats where concert_id = {concert} order by seat_number"
    }
    CONCERT { "select id from concerts where id = {concert}" }
    NAMED {
        "select id, concert_name, date from concerts force index (concerts_name) where concert_name = {name} \
         order by date, id limit {limit}"
    }
    SALE_OF { "select sale_id from concerts where id = {concert}" }
    INSERT_CONCERT { insert "concerts" (id, concert_name, date, created_at) }
    /// Where there are no rows `per_row` is null, and so is what it divides.
    INSERT_SEATS {
        "insert into seats (concert_id, seat_number, price, section, seat_row) \
         select {concert}, j.seat_number, {price}, {section}, \
         cast((j.seat_number - {first_seat}) div {per_row} + 1 as char) \
         from json_table({numbers}, '$[*]' columns (seat_number int path '$')) j"
    }
    INSERT_RUNS { insert "seat_runs" (concert_id, first_seat, last_seat, price, section, seat_row) }
}

/// A concert that can be booked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcertDate {
    /// The concert.
    pub concert: ConcertId,
    /// Its name.
    pub name: String,
    /// Its date, in UTC.
    pub date: NaiveDate,
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

/// A concert to put on sale; from [`NewConcert::new`]. Seats are numbered from 1, through all rows of all sections in
/// their order.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewConcert {
    /// Its id.
    pub id: ConcertId,
    /// Its name: 1 to 255 characters that can all be seen.
    pub name: String,
    /// Its date, in UTC.
    pub date: NaiveDate,
    /// The hall, front to back: at least one section.
    pub sections: Vec<Section>,
}

impl NewConcert {
    /// A concert of this name on a date in UTC, in a hall of these sections, under an id of its own.
    #[must_use]
    pub fn new(name: impl Into<String>, date: NaiveDate, sections: Vec<Section>) -> Self {
        Self { id: ConcertId::generate(), name: name.into(), date, sections }
    }

    /// The same concert, with this id.
    #[must_use]
    pub fn with_id(self, id: ConcertId) -> Self {
        Self { id, ..self }
    }
}

/// A part of a hall, with seats of one price; from [`Section::plain`] or [`Section::in_rows`].
///
/// ```
/// use concert_core::{Money, Section};
///
/// # fn main() -> Result<(), concert_core::Error> {
/// // Seats 1 to 20 are row "1" of the stalls, 21 to 40 are row "2", ..; then come 80 seats without names or rows.
/// let stalls = Section::in_rows(10, 20, Money::whole(120)?).with_name("Stalls");
/// let rest = Section::plain(80, Money::whole(60)?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Section {
    /// What buyers call it: 1 to 32 characters that can all be seen, without spaces around them; `None`: it has no name.
    pub name: Option<String>,
    /// How many rows, called "1", "2", .. front to back; 0: one stretch of seats that are not in rows. No two sections
    /// with rows have the same name, or both none.
    pub rows: u32,
    /// How many seats each row has, or the stretch: at least one.
    pub seats_per_row: u32,
    /// What each seat costs: 0 or more.
    pub price: Money,
}

impl Section {
    /// Seats without a name or rows.
    #[must_use]
    pub const fn plain(seats: u32, price: Money) -> Self {
        Self { name: None, rows: 0, seats_per_row: seats, price }
    }

    /// Rows of seats, called "1", "2", .. front to back, without a name.
    #[must_use]
    pub const fn in_rows(rows: u32, seats_per_row: u32, price: Money) -> Self {
        Self { name: None, rows, seats_per_row, price }
    }

    /// The same section, called so: 1 to 32 characters.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// How many seats it has.
    #[must_use]
    pub const fn seats(&self) -> u64 {
        let rows = if self.rows == 0 { 1 } else { self.rows as u64 };
        rows * self.seats_per_row as u64
    }

    /// The same section, with its name as it is stored.
    fn checked(&self) -> Result<Self, Error> {
        let name = self.name.as_deref().map(|name| free_text(name, LONGEST_SECTION, SECTION_RULE));
        if self.seats_per_row == 0 {
            return Err(Error::invalid("a section has at least 1 seat, and in each of its rows"));
        }
        Ok(Self { name: name.transpose()?, ..self.clone() })
    }
}

pub(crate) async fn concert_dates(pool: &MySqlPool, now: Timestamp) -> Result<Vec<ConcertDate>, sqlx::Error> {
    let rows = fetch_all(pool, &DATES, |params| {
        params.bind("today", now.date_naive()).bind("now", now).bind("limit", MOST_DATES)
    });
    let rows = rows.await?;
    rows.iter().map(read_date).collect()
}

/// The concerts of this name, by date.
pub(crate) async fn concerts_named(pool: &MySqlPool, name: &str) -> Result<Vec<ConcertDate>, sqlx::Error> {
    let rows = fetch_all(pool, &NAMED, |params| params.bind("name", Text(name)).bind("limit", MOST_DATES)).await?;
    rows.iter().map(read_date).collect()
}

fn read_date(row: &MySqlRow) -> Result<ConcertDate, sqlx::Error> {
    Ok(ConcertDate { concert: row.try_get("id")?, name: row.try_get("concert_name")?, date: row.try_get("date")? })
}

/// Whether there is such a concert.
pub(crate) async fn concert_exists(pool: &MySqlPool, concert: ConcertId) -> Result<bool, sqlx::Error> {
    Ok(fetch_optional(pool, &CONCERT, |params| params.bind("concert", concert)).await?.is_some())
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
    now: Timestamp,
) -> Result<Option<Vec<SeatView>>, sqlx::Error> {
    let rows = fetch_all(pool, &SEATS, |params| params.bind("now", now).bind("concert", concert)).await?;
    if rows.is_empty() && !concert_exists(pool, concert).await? {
        return Ok(None);
    }
    let (mut section, mut seat_row) = (None, None);
    rows.iter()
        .map(|row| {
            Ok(SeatView {
                number: row.try_get("seat_number")?,
                section: shared(&mut section, row.try_get("section")?),
                row: shared(&mut seat_row, row.try_get("seat_row")?),
                place: row.try_get("place")?,
                available: row.try_get("available")?,
                price: row.try_get("price")?,
            })
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

/// A section's or row's name, shared with the previous seat if it is the same: a hall has few names.
pub(crate) fn shared(before: &mut Option<Arc<str>>, text: Option<&str>) -> Option<Arc<str>> {
    if before.as_deref() != text {
        *before = text.map(Arc::from);
    }
    before.clone()
}

/// Adds a concert and its seats, all or nothing. Calls `progress` with how many seats are in so far.
pub(crate) async fn add_concert(
    pool: &MySqlPool,
    new: &NewConcert,
    by: &Signature,
    now: Timestamp,
    progress: impl FnMut(u32) + Send,
) -> Result<(), Error> {
    let new = &checked(new)?;
    // If this is dropped before COMMIT, the connection closes and the server rolls back.
    let mut connection = db::unhurried_connection(pool).await?;
    db::start_transaction(&mut connection).await.map_err(db::to_error)?;
    insert(&mut connection, new, now, progress).await.map_err(|failure| match failure {
        Failure::Conflict(error) if error.as_database_error().is_some_and(DatabaseError::is_unique_violation) => {
            Error::ConcertExists
        }
        failure => failure.into_error(),
    })?;
    let seats = new.sections.iter().map(Section::seats).sum::<u64>();
    let after = serde_json::json!({"name": new.name, "date": new.date, "seats": seats});
    let mut script = Script::default();
    write_log(&mut script, &[by.entry(Act::ConcertAdd, ActSubject::Concert(new.id), now).with_after(after)]);
    script.run(&mut connection).await.map_err(Failure::into_error)?;
    db::commit(&mut connection).await.map_err(Failure::into_error)?;
    db::close(connection).await;
    Ok(())
}

/// The same concert, with its names as they are stored.
fn checked(new: &NewConcert) -> Result<NewConcert, Error> {
    let rule = format_args!("the name of a concert is 1 to {LONGEST_NAME} characters, no spaces around");
    let name = free_text(&new.name, LONGEST_NAME, rule)?;
    let sections = new.sections.iter().map(Section::checked).collect::<Result<Vec<_>, _>>()?;
    let mut with_rows = HashSet::new();
    for section in &sections {
        if section.rows > 0 && !with_rows.insert(&section.name) {
            let same = section.name.as_ref().map_or("without a name".to_owned(), |name| format!("called {name}"));
            return Err(Error::invalid(format!(
                "two sections with rows are {same}: nobody could tell their rows apart"
            )));
        }
    }
    let seats = sections.iter().fold(0, |seats: u64, section| seats.saturating_add(section.seats()));
    SeatNumber::new(i64::try_from(seats).unwrap_or(i64::MAX))
        .map_err(|_| Error::invalid(format!("a concert has 1 to {} seats", i32::MAX)))?;
    Ok(NewConcert { name, sections, ..new.clone() })
}

async fn insert(
    connection: &mut MySqlConnection,
    new: &NewConcert,
    now: Timestamp,
    mut progress: impl FnMut(u32) + Send,
) -> Result<(), Failure> {
    let mut script = Script::default();
    script.insert(&INSERT_CONCERT, &[new], |row, new| {
        let row = row.bind("id", new.id).bind("concert_name", Text(&new.name));
        row.bind("date", new.date).bind("created_at", now)
    });
    script.run(connection).await?;
    let mut next = 1_u32;
    for section in &new.sections {
        let first = next;
        let row = (section.rows > 0).then_some(section.seats_per_row);
        // In range: the whole hall is.
        let numbers: Vec<u32> = (first..first + section.seats() as u32).collect();
        insert_runs(connection, new.id, section, &numbers).await?;
        for chunk in numbers.chunks(CHUNK) {
            let numbers = json(chunk)?;
            let inserted = execute(&mut *connection, &INSERT_SEATS, |params| {
                let params = params.bind("concert", new.id).bind("price", section.price);
                let params = params.bind("section", section.name.as_deref().map(Text)).bind("first_seat", first);
                params.bind("per_row", row).bind("numbers", Text(&numbers))
            });
            inserted.await?;
            next += chunk.len() as u32;
            progress(next - 1);
        }
    }
    Ok(())
}

/// The seats of a section in short: its rows, or all of it where there are none.
async fn insert_runs(
    connection: &mut MySqlConnection,
    concert: ConcertId,
    section: &Section,
    numbers: &[u32],
) -> Result<(), Failure> {
    let rows: Vec<_> = numbers.chunks(section.seats_per_row as usize).zip(1..).collect();
    for rows in rows.chunks(CHUNK) {
        let mut script = Script::default();
        script.insert(&INSERT_RUNS, rows, |values, (seats, row): &(&[u32], u32)| {
            let row = (section.rows > 0).then(|| row.to_string());
            let values = values.bind("concert_id", concert).bind("first_seat", seats[0]);
            let values = values.bind("last_seat", seats[seats.len() - 1]).bind("price", section.price);
            values.bind("section", section.name.as_deref().map(Text)).bind("seat_row", row.as_deref().map(Text))
        });
        script.run(connection).await?;
    }
    Ok(())
}

/// Numbers as the one JSON value of a statement: for lists of any length.
fn json(numbers: &[u32]) -> Result<String, Failure> {
    serde_json::to_string(numbers).map_err(|error| Failure::Fatal(sqlx::Error::Encode(Box::new(error))))
}
