//! The SQL of reservations.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use super::rows::Effects;
use super::{Command, Known, Named, Reservation, ReservationStatus, holders, plan, seat, sweep};
use crate::batch::{Attempt, Failure};
use crate::clock::Timestamp;
use crate::id::{ConcertId, OrderId, ReservationId, UserId};
use crate::sql::{Listed, Reading, Script, Selected, Statement, Word, grouped};

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[Statement] = &[
    Statement::Listed(&seat::LOCK_SEATS),
    Statement::Listed(&seat::LOOK_AT_SEATS),
    Statement::Listed(&seat::LOCK_WITH_SEATS),
    Statement::Listed(&seat::LOOK_AT_HALLS),
    Statement::Listed(&seat::LOCK_HALLS),
    Statement::Listed(&holders::HELD),
    Statement::Listed(&holders::HELD_AT_MOST),
    Statement::Listed(&holders::TOO_MANY_HOLDS),
    Statement::Listed(&plan::PLANS),
    Statement::Listed(&holders::LOCK_READY),
    Statement::Listed(&holders::LOCK_READY_SHOWN),
    Statement::Fixed(sweep::PAGE),
    Statement::Fixed(sweep::NEXT_PAGE),
    Statement::Fixed(sweep::ADVANCE),
    Statement::Fixed(sweep::COUNT_LAPSED),
    Statement::Fixed(sweep::COUNT_HELD),
    Statement::Listed(&BY_IDS),
    Statement::Listed(&OF_ORDERS),
    Statement::Listed(&DATES),
    Statement::Listed(&LOCK_CONCERTS),
    Statement::Listed(&RELEASE),
    Statement::Listed(&EXTEND),
    Statement::Listed(&INSERT),
    Statement::Listed(&seat::TAKE),
    Statement::Listed(&seat::TAKE_FREE),
    Statement::Listed(&seat::SELL),
    Statement::Fixed(BY_ID),
    Statement::Fixed(OF_USER),
    Statement::Fixed(OF_ORDER),
];

const BY_IDS: Listed = Listed::of_keys(
    "select id, order_id, user_id, concert_id, seat_number, status, price, performance_date, reserved_at, expires_at, \
     extended_at, null as section, null as seat_row from reservations where id in ({})",
);
/// All reservations of the orders that any of theirs is named of. An order has one user, whose reservations are few.
const OF_ORDERS: Listed = Listed::of_keys(
    "select r.id, r.order_id, r.user_id, r.concert_id, r.seat_number, r.status, r.price, r.performance_date, \
     r.reserved_at, r.expires_at, r.extended_at, null as section, null as seat_row \
     from reservations n straight_join reservations r force index (reservations_user_deadline) \
     on r.user_id = n.user_id and (r.id = n.id or r.order_id = n.order_id) where n.id in ({})",
);
const DATES: Listed = Listed::of_keys("select id, date from concerts where id in ({})");
/// In the order of their ids.
const LOCK_CONCERTS: Listed =
    Listed::of_keys("select id from concerts force index (primary) where id in ({}) for update");
/// Two rows each: the reservation and its seat.
const RELEASE: Listed = Listed::of_keys(
    "update reservations r force index (primary) straight_join seats s force index (primary) \
     on s.concert_id = r.concert_id and s.seat_number = r.seat_number and s.reservation_id = r.id \
     set s.is_reserved = 0, s.reservation_id = null, s.reserved_by = null, s.reserved_until = null, \
     r.status = ?, r.last_updated_at = ? where r.status = 'HELD' and r.id in ({})",
);
/// Two rows each, as above.
const EXTEND: Listed = Listed::of_keys(
    "update reservations r force index (primary) straight_join seats s force index (primary) \
     on s.concert_id = r.concert_id and s.seat_number = r.seat_number and s.reservation_id = r.id \
     set s.reserved_until = ?, r.expires_at = ?, r.extended_at = ?, r.last_updated_at = ? \
     where s.reserved_until > ? and r.status = 'HELD' and r.extended_at is null and r.id in ({})",
);
const INSERT: Listed = Listed::of_rows(
    "insert into reservations (id, order_id, user_id, concert_id, seat_number, status, price, performance_date, \
     reserved_at, expires_at, extended_at, last_updated_at) values {}",
    "(?,?,?,?,?,?,?,?,?,?,?,?)",
);
const BY_ID: &str = "select r.id, r.order_id, r.user_id, r.concert_id, r.seat_number, r.status, r.price, r.performance_date, \
     r.reserved_at, r.expires_at, r.extended_at, s.section, s.seat_row from reservations r \
     left join seats s on s.concert_id = r.concert_id and s.seat_number = r.seat_number where r.id = ?";
const OF_USER: &str = "select r.id, r.order_id, r.user_id, r.concert_id, r.seat_number, r.status, r.price, r.performance_date, \
     r.reserved_at, r.expires_at, r.extended_at, s.section, s.seat_row from reservations r \
     left join seats s on s.concert_id = r.concert_id and s.seat_number = r.seat_number \
     where r.user_id = ? order by r.reserved_at desc, r.id desc limit ?";
const OF_ORDER: &str = "select r.id, r.order_id, r.user_id, r.concert_id, r.seat_number, r.status, r.price, r.performance_date, \
     r.reserved_at, r.expires_at, r.extended_at, s.section, s.seat_row \
     from reservations n straight_join reservations r force index (reservations_user_deadline) \
     on r.user_id = n.user_id and (r.id = n.id or r.order_id = n.order_id) \
     left join seats s on s.concert_id = r.concert_id and s.seat_number = r.seat_number where n.id = ?";

/// The reservations that commands of the batch name, and, for repeated calls, those that they made earlier.
pub(super) fn select_known(script: &mut Script, commands: &[Command], attempt: &Attempt) -> [Reading; 2] {
    let mut named = Vec::new();
    for command in commands {
        match command {
            Command::Hold { caller, ids, .. } if attempt.recheck || caller.key.is_some() => {
                named.extend(ids.iter().copied().map(Named::Reservation));
            }
            Command::Hold { .. } => {}
            Command::Cancel { what, .. } => named.push(*what),
            Command::Extend { reservation, .. } => named.push(Named::Order(OrderId::from(*reservation))),
        }
    }
    select_reservations(script, named)
}

/// Reservations, unlocked: what never changes of them is certain, their status is as of now. An order is found by any
/// reservation in it.
pub(crate) fn select_reservations(script: &mut Script, named: Vec<Named>) -> [Reading; 2] {
    let (mut alone, mut of_orders) = (Vec::with_capacity(named.len()), Vec::new());
    for what in named {
        match what {
            Named::Reservation(id) => alone.push(id),
            Named::Order(order) => of_orders.push(ReservationId::from(order)),
        }
    }
    [script.select_keys(&BY_IDS, alone), script.select_keys(&OF_ORDERS, of_orders)]
}

/// Reservations once more, as of now.
pub(crate) async fn read_again(connection: &mut MySqlConnection, ids: Vec<ReservationId>) -> Result<Known, Failure> {
    let mut script = Script::default();
    let again = script.select_keys(&BY_IDS, ids);
    read_reservations(&script.run(connection).await?, &[again])
}

pub(crate) fn read_reservations(selected: &Selected, readings: &[Reading]) -> Result<Known, Failure> {
    let read = |row| read_reservation(row).map(|reservation| (reservation.id, reservation));
    Ok(readings.iter().flat_map(|reading| selected.rows(reading)).map(read).collect::<Result<_, _>>()?)
}

/// Locks concerts, whose rows never change: those who seek the best seats of one come one after the other.
pub(super) fn lock_concerts(script: &mut Script, concerts: Vec<ConcertId>) -> Reading {
    script.select_keys(&LOCK_CONCERTS, concerts)
}

/// The dates of concerts, which never change.
pub(super) fn select_dates(script: &mut Script, concerts: Vec<ConcertId>) -> Reading {
    script.select_keys(&DATES, concerts)
}

pub(super) fn read_dates(selected: &Selected, reading: &Reading) -> Result<HashMap<ConcertId, NaiveDate>, Failure> {
    let read = |row: &MySqlRow| Ok((row.try_get("id")?, row.try_get("date")?));
    Ok(selected.rows(reading).map(read).collect::<Result<_, sqlx::Error>>()?)
}

pub(super) fn write(effects: &Effects, now: Timestamp) -> Script {
    let mut script = Script::default();
    for status in [ReservationStatus::Expired, ReservationStatus::Cancelled] {
        let closed = effects.closed.iter().filter(|(_, as_what)| *as_what == status).map(|(id, _)| *id);
        script.update_all("releasing seats", 2, &RELEASE, closed.collect(), |blanks, list| {
            blanks.put(Word(status.as_str())).put(now).list(list)
        });
    }
    for (until, ids) in grouped(effects.extended.iter().map(|(id, until)| (*until, *id))) {
        script.update_all("extending holds", 2, &EXTEND, ids, |blanks, list| {
            blanks.put(until).put(until).put(now).put(now).put(now).list(list)
        });
    }
    insert(&mut script, &effects.made, now);
    seat::take(&mut script, &effects.made);
    script
}

/// The holds of users who may act, for seats that are free; or nothing, if any of that is not so.
pub(super) fn write_unread(script: &mut Script, made: &[Reservation], now: Timestamp) {
    seat::take_free(script, made);
    insert(script, made, now);
}

fn insert(script: &mut Script, made: &[Reservation], now: Timestamp) {
    script.insert(&INSERT, made, |blanks, made| {
        blanks
            .put(made.id)
            .put(made.shared_order)
            .put(made.user)
            .put(made.concert)
            .put(made.seat)
            .put(Word(made.status.as_str()))
            .put(made.price)
            .put(made.performance_date)
            .put(made.reserved_at)
            .put(made.expires_at)
            .put(made.extended_at)
            .put(now)
    });
}

pub(crate) async fn reservation(pool: &MySqlPool, id: ReservationId) -> Result<Option<Reservation>, sqlx::Error> {
    sqlx::query(BY_ID).bind(id).fetch_optional(pool).await?.as_ref().map(read_reservation).transpose()
}

/// All reservations of the order that this one belongs to.
pub(crate) async fn order(pool: &MySqlPool, any: ReservationId) -> Result<Vec<Reservation>, sqlx::Error> {
    let rows = sqlx::query(OF_ORDER).bind(any).fetch_all(pool).await?;
    rows.iter().map(read_reservation).collect()
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

pub(crate) fn read_reservation(row: &MySqlRow) -> Result<Reservation, sqlx::Error> {
    let name = |column| Ok::<_, sqlx::Error>(row.try_get::<Option<&str>, _>(column)?.map(Arc::from));
    Ok(Reservation {
        id: row.try_get("id")?,
        shared_order: row.try_get("order_id")?,
        user: row.try_get("user_id")?,
        concert: row.try_get("concert_id")?,
        seat: row.try_get("seat_number")?,
        section: name("section")?,
        row: name("seat_row")?,
        status: ReservationStatus::from_column(row.try_get("status")?)?,
        price: row.try_get("price")?,
        performance_date: row.try_get("performance_date")?,
        reserved_at: row.try_get("reserved_at")?,
        expires_at: row.try_get("expires_at")?,
        extended_at: row.try_get("extended_at")?,
    })
}
