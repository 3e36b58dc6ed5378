//! The SQL of reservations.

use std::collections::{HashMap, HashSet};

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use super::decide::Effects;
use super::{Command, Reservation, ReservationStatus, seat, sweep};
use crate::batch::{Attempt, Failure};
use crate::clock::Timestamp;
use crate::id::{ConcertId, ReservationId, UserId};
use crate::sql::{Listed, Reading, Script, Selected, Statement, Word};

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[Statement] = &[
    Statement::Listed(&seat::LOCK_SEATS),
    Statement::Listed(&seat::COUNT_HOLDS),
    Statement::Fixed(sweep::LAPSED),
    Statement::Fixed(sweep::COUNT_LAPSED),
    Statement::Fixed(sweep::COUNT_HELD),
    Statement::Listed(&BY_IDS),
    Statement::Listed(&CONCERTS),
    Statement::Listed(&RELEASE),
    Statement::Listed(&INSERT),
    Statement::Listed(&TAKE),
    Statement::Fixed(BY_ID),
    Statement::Fixed(OF_USER),
];

const BY_IDS: Listed = Listed::of_keys(
    "select id, user_id, concert_id, seat_number, status, price, performance_date, reserved_at, expires_at \
     from reservations where id in ({})",
);
const CONCERTS: Listed = Listed::of_keys("select id from concerts where id in ({})");
/// Two rows each: the reservation and its seat.
const RELEASE: Listed = Listed::of_keys(
    "update reservations r straight_join seats s force index (primary) \
     on s.concert_id = r.concert_id and s.seat_number = r.seat_number and s.reservation_id = r.id \
     set s.is_reserved = 0, s.reservation_id = null, s.reserved_by = null, s.reserved_until = null, \
     r.status = ?, r.last_updated_at = ? where r.status = 'HELD' and r.id in ({})",
);
const INSERT: Listed = Listed {
    text: "insert into reservations (id, user_id, concert_id, seat_number, status, price, performance_date, \
         reserved_at, expires_at, last_updated_at) values {}",
    row: "(?,?,?,?,?,?,?,?,?,?)",
};
/// An insert in form only: the seats are there, and locked, so each is updated, which counts as two rows.
const TAKE: Listed = Listed {
    text: "insert into seats (concert_id, seat_number, price, is_reserved, reserved_by, reserved_until, reservation_id) \
         values {} on duplicate key update is_reserved = 1, reserved_by = values(reserved_by), \
         reserved_until = values(reserved_until), reservation_id = values(reservation_id)",
    row: "(?,?,?,1,?,?,?)",
};
const BY_ID: &str = "select id, user_id, concert_id, seat_number, status, price, performance_date, reserved_at, expires_at \
     from reservations where id = ?";
const OF_USER: &str = "select id, user_id, concert_id, seat_number, status, price, performance_date, reserved_at, expires_at \
     from reservations where user_id = ? order by reserved_at desc, id desc limit ?";

/// The reservations that commands of the batch name, and, for repeated calls, those that they made earlier.
pub(super) fn select_known(script: &mut Script, commands: &[Command], attempt: &Attempt) -> Reading {
    let ids = commands.iter().filter_map(|command| match command {
        Command::Reserve { caller, id, .. } => (attempt.recheck || caller.key.is_some()).then_some(*id),
        Command::Cancel { reservation, .. } => Some(*reservation),
    });
    select_reservations(script, ids.collect())
}

/// Reservations, unlocked: what never changes of them is certain, their status is as of now.
pub(crate) fn select_reservations(script: &mut Script, ids: Vec<ReservationId>) -> Reading {
    script.select_all(&BY_IDS, |blanks| blanks, ids)
}

pub(crate) fn read_reservations(
    selected: &Selected,
    reading: &Reading,
) -> Result<HashMap<ReservationId, Reservation>, Failure> {
    let read = |row| read_reservation(row).map(|reservation| (reservation.id, reservation));
    Ok(selected.rows(reading).map(read).collect::<Result<_, _>>()?)
}

pub(super) async fn existing_concerts(
    connection: &mut MySqlConnection,
    concerts: HashSet<ConcertId>,
) -> Result<HashSet<ConcertId>, Failure> {
    let mut script = Script::default();
    let reading = script.select_all(&CONCERTS, |blanks| blanks, concerts.into_iter().collect());
    let selected = script.run(connection).await?;
    Ok(selected.rows(&reading).map(|row| row.try_get("id")).collect::<Result<_, _>>()?)
}

pub(super) fn write(effects: &Effects, now: Timestamp) -> Script {
    let mut script = Script::default();
    for status in [ReservationStatus::Expired, ReservationStatus::Cancelled] {
        let closed = effects.closed.iter().filter(|(_, as_what)| *as_what == status).map(|(id, _)| *id);
        script.update_all("releasing seats", 2, &RELEASE, closed.collect(), |blanks, list| {
            blanks.put(Word(status.as_str())).put(now).list(list)
        });
    }
    script.insert(&INSERT, &effects.made, |blanks, made| {
        blanks
            .put(made.id)
            .put(made.user)
            .put(made.concert)
            .put(made.seat)
            .put(Word(made.status.as_str()))
            .put(made.price)
            .put(made.performance_date)
            .put(made.reserved_at)
            .put(made.expires_at)
            .put(now)
    });
    let held: Vec<_> = effects.made.iter().filter(|made| made.status == ReservationStatus::Held).collect();
    script.update_by_rows("taking seats", &TAKE, &held, |blanks, made| {
        blanks.put(made.concert).put(made.seat).put(made.price).put(made.user).put(made.expires_at).put(made.id)
    });
    script
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

pub(crate) fn read_reservation(row: &MySqlRow) -> Result<Reservation, sqlx::Error> {
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
