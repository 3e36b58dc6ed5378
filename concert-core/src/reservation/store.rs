//! The SQL of reservations.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use super::decide::Effects;
use super::{Command, Reservation, ReservationStatus, seat, sweep};
use crate::batch::{Attempt, Failure};
use crate::clock::Timestamp;
use crate::id::{ConcertId, ReservationId, SeatNumber, UserId};
use crate::sql::{At, Hex, expect_rows, json};

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[&str] = &[
    seat::LOCK_SEATS,
    sweep::LAPSED,
    sweep::COUNT_LAPSED,
    sweep::COUNT_HELD,
    BY_IDS,
    CONCERTS,
    PASS_SEATS,
    CLOSE,
    INSERT,
    BY_ID,
    OF_USER,
];

const BY_IDS: &str = "select r.id, r.user_id, r.concert_id, r.seat_number, r.status, r.price, r.performance_date, \
     r.reserved_at, r.expires_at \
     from json_table(?, '$[*]' columns (id varchar(32) path '$')) j \
     straight_join reservations r on r.id = unhex(j.id)";
const CONCERTS: &str = "select c.id from json_table(?, '$[*]' columns (id varchar(32) path '$')) j \
     straight_join concerts c on c.id = unhex(j.id)";
const PASS_SEATS: &str = "update json_table(?, '$[*]' columns (concert_id varchar(32) path '$.concert_id', \
     seat_number int path '$.seat_number', was varchar(32) path '$.was', is_reserved int path '$.is_reserved', \
     reservation_id varchar(32) path '$.reservation_id', reserved_by varchar(32) path '$.reserved_by', \
     reserved_until datetime(6) path '$.reserved_until')) j \
     straight_join seats s force index (primary) on s.concert_id = unhex(j.concert_id) and s.seat_number = j.seat_number \
     set s.is_reserved = j.is_reserved, s.reservation_id = unhex(j.reservation_id), s.reserved_by = unhex(j.reserved_by), \
     s.reserved_until = j.reserved_until \
     where s.reservation_id <=> unhex(j.was)";
const CLOSE: &str = "update json_table(?, '$[*]' columns (id varchar(32) path '$.id', status varchar(16) path '$.status')) j \
     straight_join reservations r force index (primary) on r.id = unhex(j.id) \
     set r.status = j.status, r.last_updated_at = ? where r.status = 'HELD'";
const INSERT: &str = "insert into reservations (id, user_id, concert_id, seat_number, status, price, performance_date, \
     reserved_at, expires_at, last_updated_at) \
     select unhex(j.id), unhex(j.user_id), unhex(j.concert_id), j.seat_number, 'HELD', j.price, j.performance_date, \
     j.reserved_at, j.expires_at, j.reserved_at \
     from json_table(?, '$[*]' columns (id varchar(32) path '$.id', user_id varchar(32) path '$.user_id', \
     concert_id varchar(32) path '$.concert_id', seat_number int path '$.seat_number', price decimal(10, 2) path '$.price', \
     performance_date date path '$.performance_date', reserved_at datetime(6) path '$.reserved_at', \
     expires_at datetime(6) path '$.expires_at')) j";
const BY_ID: &str = "select id, user_id, concert_id, seat_number, status, price, performance_date, reserved_at, expires_at \
     from reservations where id = ?";
const OF_USER: &str = "select id, user_id, concert_id, seat_number, status, price, performance_date, reserved_at, expires_at \
     from reservations where user_id = ? order by reserved_at desc, id desc limit ?";

/// The reservations that commands of the batch name, and, for repeated calls, those that they made earlier.
pub(super) async fn known_reservations(
    connection: &mut MySqlConnection,
    commands: &[Command],
    attempt: &Attempt,
) -> Result<HashMap<ReservationId, Reservation>, Failure> {
    let ids = commands.iter().filter_map(|command| match command {
        Command::Reserve { caller, id, .. } => (attempt.recheck || caller.key.is_some()).then_some(*id),
        Command::Cancel { reservation, .. } => Some(*reservation),
    });
    reservations_by_id(connection, ids.collect()).await
}

/// Reservations, unlocked: what never changes of them is certain, their status is as of now.
pub(crate) async fn reservations_by_id(
    connection: &mut MySqlConnection,
    ids: Vec<ReservationId>,
) -> Result<HashMap<ReservationId, Reservation>, Failure> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Hex> = ids.into_iter().map(|id| Hex(id.as_uuid())).collect();
    let rows = sqlx::query(BY_IDS).bind(json(&ids)?).fetch_all(connection).await?;
    Ok(rows.iter().map(|row| read_reservation(row).map(|found| (found.id, found))).collect::<Result<_, _>>()?)
}

pub(super) async fn existing_concerts(
    connection: &mut MySqlConnection,
    concerts: HashSet<ConcertId>,
) -> Result<HashSet<ConcertId>, Failure> {
    if concerts.is_empty() {
        return Ok(concerts);
    }
    let ids: Vec<Hex> = concerts.into_iter().map(|id| Hex(id.as_uuid())).collect();
    let rows = sqlx::query(CONCERTS).bind(json(&ids)?).fetch_all(connection).await?;
    Ok(rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?)
}

pub(super) async fn write(connection: &mut MySqlConnection, effects: &Effects, now: Timestamp) -> Result<(), Failure> {
    let mut seats: Vec<_> =
        effects.seats.iter().filter(|(_, change)| change.from != change.to.map(|to| to.reservation)).collect();
    if !seats.is_empty() {
        seats.sort_unstable_by_key(|(key, _)| **key);
        let rows: Vec<_> = seats
            .into_iter()
            .map(|(key, change)| SeatRow {
                concert_id: Hex(key.concert.as_uuid()),
                seat_number: key.seat,
                was: change.from.map(|id| Hex(id.as_uuid())),
                is_reserved: u8::from(change.to.is_some()),
                reservation_id: change.to.map(|to| Hex(to.reservation.as_uuid())),
                reserved_by: change.to.map(|to| Hex(to.user.as_uuid())),
                reserved_until: change.to.and_then(|to| to.until).map(At),
            })
            .collect();
        let passed = sqlx::query(PASS_SEATS).bind(json(&rows)?).execute(&mut *connection).await?;
        expect_rows(&passed, rows.len(), "passing seats")?;
    }
    if !effects.closed.is_empty() {
        let rows: Vec<_> = effects
            .closed
            .iter()
            .map(|(id, status)| CloseRow { id: Hex(id.as_uuid()), status: status.as_str() })
            .collect();
        let closed = sqlx::query(CLOSE).bind(json(&rows)?).bind(now).execute(&mut *connection).await?;
        expect_rows(&closed, rows.len(), "closing holds")?;
    }
    if !effects.made.is_empty() {
        let rows: Vec<_> = effects.made.iter().map(InsertRow::new).collect();
        let made = sqlx::query(INSERT).bind(json(&rows)?).execute(&mut *connection).await?;
        expect_rows(&made, rows.len(), "adding reservations")?;
    }
    Ok(())
}

#[derive(Serialize)]
struct SeatRow {
    concert_id: Hex,
    seat_number: SeatNumber,
    was: Option<Hex>,
    is_reserved: u8,
    reservation_id: Option<Hex>,
    reserved_by: Option<Hex>,
    reserved_until: Option<At>,
}

#[derive(Serialize)]
struct CloseRow {
    id: Hex,
    status: &'static str,
}

#[derive(Serialize)]
struct InsertRow {
    id: Hex,
    user_id: Hex,
    concert_id: Hex,
    seat_number: SeatNumber,
    price: String,
    performance_date: String,
    reserved_at: At,
    expires_at: At,
}

impl InsertRow {
    fn new(made: &Reservation) -> Self {
        Self {
            id: Hex(made.id.as_uuid()),
            user_id: Hex(made.user.as_uuid()),
            concert_id: Hex(made.concert.as_uuid()),
            seat_number: made.seat,
            price: made.price.to_string(),
            performance_date: made.performance_date.to_string(),
            reserved_at: At(made.reserved_at),
            expires_at: At(made.expires_at),
        }
    }
}

pub(crate) async fn reservation(pool: &MySqlPool, id: ReservationId) -> Result<Option<Reservation>, sqlx::Error> {
    sqlx::query(BY_ID).bind(id).fetch_optional(pool).await?.as_ref().map(read_reservation).transpose()
}

/// The newest reservations of a user, `limit` at most.
pub(crate) async fn reservations_of(
    pool: &MySqlPool,
    user: UserId,
    limit: u32,
) -> Result<Vec<Reservation>, sqlx::Error> {
    let rows = sqlx::query(OF_USER).bind(user).bind(limit).fetch_all(pool).await?;
    rows.iter().map(read_reservation).collect()
}

fn read_reservation(row: &MySqlRow) -> Result<Reservation, sqlx::Error> {
    Ok(Reservation {
        id: row.try_get("id")?,
        user: row.try_get("user_id")?,
        concert: row.try_get("concert_id")?,
        seat: row.try_get("seat_number")?,
        status: ReservationStatus::from_column(row.try_get("status")?)?,
        price: row.try_get("price")?,
        performance_date: row.try_get("performance_date")?,
        reserved_at: row.try_get("reserved_at")?,
        expires_at: row.try_get("expires_at")?,
    })
}
