//! Puts concerts and seats into the database.

use serde::Serialize;
use serde_json::json;
use sqlx::error::DatabaseError;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use super::concert::NewConcert;
use super::numbering::{NumberedRow, NumberedSection, numbered};
use crate::caller::Fingerprint;
use crate::clock::Timestamp;
use crate::db::{self, Failure};
use crate::error::Error;
use crate::id::{ConcertId, SaleId};
use crate::operator::{Act, ActSubject, REQUEST, Signature, write_log};
use crate::sql::{Script, Text, execute, fetch_optional, statements};

/// How many seats, or runs of seats, one statement inserts.
const CHUNK: usize = 10_000;

statements! {
    SALE { "select id from sales where id = {id}" }
    INSERT_CONCERT {
        insert "concerts" (id, concert_name, date, start_time, time_zone, sale_id, max_seats_per_user, created_at)
    }
    INSERT_SEATS {
        "insert into seats (concert_id, seat_number, price, section, seat_row, place, marks, x, y) \
         select {concert}, j.seat_number, {price}, {section}, j.seat_row, j.place, j.marks, j.x, j.y \
         from json_table({numbers}, '$[*]' columns (seat_number int path '$.n', \
         seat_row varchar(16) character set utf8mb4 path '$.r', place int path '$.p', \
         marks varchar(255) character set utf8mb4 path '$.m', x int path '$.x', y int path '$.y')) j"
    }
    INSERT_RUNS { insert "seat_runs" (concert_id, first_seat, last_seat, price, section, seat_row) }
    /// What the log says of how a concert was added.
    ADDED {
        "select becomes from operator_log force index (operator_log_subject) \
         where subject = 'concert' and subject_id = {id} and act = 'CONCERT_ADD' limit 1"
    }
}

/// A seat as the statement that inserts it reads it. What is left out is null there.
#[derive(Serialize)]
struct SeatJson<'a> {
    n: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    r: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    m: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<i32>,
}

/// Adds a concert and its seats, all or nothing. Calls `progress` with how many seats are in so far.
pub(crate) async fn add_concert(
    pool: &MySqlPool,
    new: &NewConcert,
    by: &Signature,
    now: Timestamp,
    progress: impl FnMut(u32) + Send,
) -> Result<(), Error> {
    let new = &new.checked()?;
    // Numbered and checked before a connection is taken: this can take a while for a large hall.
    let sections = numbered(&new.sections, 1)?;
    // If this is dropped before COMMIT, the connection closes and the server rolls back.
    let mut connection = db::unhurried_connection(pool).await?;
    db::start_transaction(&mut connection).await.map_err(db::to_error)?;
    // Sales are never deleted, so what is found now is there at COMMIT.
    require_sale(&mut connection, new.sale).await?;
    insert(&mut connection, new, &sections, now, progress).await.map_err(|failure| match failure {
        Failure::Conflict(error) if error.as_database_error().is_some_and(DatabaseError::is_unique_violation) => {
            Error::ConcertExists
        }
        failure => failure.into_error(),
    })?;
    let after = json!({"name": new.name, "date": new.date, "seats": new.seats(), "saleId": new.sale});
    let mut script = Script::default();
    write_log(&mut script, &[by.entry(Act::ConcertAdd, ActSubject::Concert(new.id), now).with_after(after)]);
    script.run(&mut connection).await.map_err(Failure::into_error)?;
    db::commit(&mut connection).await.map_err(Failure::into_error)?;
    db::close(connection).await;
    Ok(())
}

/// Whether such a concert could be added now: all that it says is checked, and nothing is written.
pub(crate) async fn check_new(pool: &MySqlPool, new: &NewConcert) -> Result<(), Error> {
    let new = &new.checked()?;
    numbered(&new.sections, 1)?;
    let sale = db::read(|| fetch_optional(pool, &SALE, |params| params.bind("id", new.sale))).await?;
    if sale.is_none() {
        return Err(Error::SaleNotFound);
    }
    // A dry run writes nothing, so the primary key cannot refuse for it.
    if db::read(|| super::concert_exists(pool, new.id)).await? { Err(Error::ConcertExists) } else { Ok(()) }
}

/// Whether a concert was added by the request with this digest.
pub(crate) async fn was_added_by(
    pool: &MySqlPool,
    concert: ConcertId,
    request: Fingerprint,
) -> Result<bool, sqlx::Error> {
    let Some(row) = fetch_optional(pool, &ADDED, |params| params.bind("id", concert)).await? else { return Ok(false) };
    let added: Option<&str> = row.try_get("becomes")?;
    let added: Option<serde_json::Value> = added.and_then(|text| serde_json::from_str(text).ok());
    Ok(added.is_some_and(|added| added[REQUEST] == json!(request.as_uuid())))
}

async fn require_sale(connection: &mut MySqlConnection, sale: SaleId) -> Result<(), Error> {
    let found = fetch_optional(connection, &SALE, |params| params.bind("id", sale)).await.map_err(db::to_error)?;
    found.map(drop).ok_or(Error::SaleNotFound)
}

async fn insert(
    connection: &mut MySqlConnection,
    new: &NewConcert,
    sections: &[NumberedSection<'_>],
    now: Timestamp,
    progress: impl FnMut(u32) + Send,
) -> Result<(), Failure> {
    let mut script = Script::default();
    script.insert(&INSERT_CONCERT, &[new], |row, new| {
        let row = row.bind("id", new.id).bind("concert_name", Text(&new.name)).bind("date", new.date);
        let row = row.bind("start_time", new.starts_at).bind("time_zone", new.time_zone).bind("sale_id", new.sale);
        row.bind("max_seats_per_user", new.max_seats_per_user).bind("created_at", now)
    });
    script.run(connection).await?;
    insert_seats(connection, new.id, sections, progress).await
}

/// Inserts seats, and their runs. Calls `progress` with how many are in so far.
async fn insert_seats(
    connection: &mut MySqlConnection,
    concert: ConcertId,
    sections: &[NumberedSection<'_>],
    mut progress: impl FnMut(u32) + Send,
) -> Result<(), Failure> {
    let mut inserted = 0;
    for section in sections {
        // The runs say the same as the seats in few rows. Both are written in one transaction, so neither is without
        // the other.
        insert_runs(connection, concert, section).await?;
        let seats = section.rows.iter().flat_map(|row| (0..row.numbers.len()).map(move |nth| (row, nth)));
        let seats: Vec<_> = seats.collect();
        for chunk in seats.chunks(CHUNK) {
            // One JSON text instead of ten thousand rows of values: the statement is the same for every chunk.
            let rows: Vec<_> = chunk.iter().map(|(row, nth)| seat_json(section, row, *nth)).collect();
            let rows =
                serde_json::to_string(&rows).map_err(|error| Failure::Fatal(sqlx::Error::Encode(error.into())))?;
            let done = execute(&mut *connection, &INSERT_SEATS, |params| {
                let params = params.bind("concert", concert).bind("price", section.section.price);
                params.bind("section", section.name.as_deref().map(Text)).bind("numbers", Text(&rows))
            });
            done.await?;
            inserted += chunk.len() as u32;
            progress(inserted);
        }
    }
    Ok(())
}

fn seat_json<'a>(section: &NumberedSection<'_>, row: &'a NumberedRow<'_>, nth: usize) -> SeatJson<'a> {
    let (number, point) = (row.numbers[nth], row.point(nth));
    SeatJson {
        n: number,
        r: row.name.as_deref(),
        p: row.place(nth),
        m: section.marks(row, number),
        x: point.map(|(x, _)| x),
        y: point.map(|(_, y)| y),
    }
}

/// The seats of a section in short.
async fn insert_runs(
    connection: &mut MySqlConnection,
    concert: ConcertId,
    section: &NumberedSection<'_>,
) -> Result<(), Failure> {
    let runs = section.rows.iter().flat_map(|row| row.runs().into_iter().map(|run| (run, row.name.as_deref())));
    let runs: Vec<_> = runs.collect();
    for runs in runs.chunks(CHUNK) {
        let mut script = Script::default();
        script.insert(&INSERT_RUNS, runs, |values, ((first, last), row)| {
            let values = values.bind("concert_id", concert).bind("first_seat", *first).bind("last_seat", *last);
            let values = values.bind("price", section.section.price);
            values.bind("section", section.name.as_deref().map(Text)).bind("seat_row", row.map(Text))
        });
        script.run(connection).await?;
    }
    Ok(())
}
