//! The SQL of reservations.

use std::collections::{HashMap, HashSet};

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use super::decide::Effects;
use super::{Command, Reservation, ReservationStatus, seat, sweep};
use crate::batch::{Attempt, Failure};
use crate::clock::Timestamp;
use crate::id::{ConcertId, ReservationId, UserId};
use crate::sql::{Listed, Statement, expect_rows, pieces, select_all, update_all};

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
    let mut found = HashMap::with_capacity(ids.len());
    for row in select_all(connection, &BY_IDS, |query| query, ids).await? {
        let reservation = read_reservation(&row)?;
        found.insert(reservation.id, reservation);
    }
    Ok(found)
}

pub(super) async fn existing_concerts(
    connection: &mut MySqlConnection,
    concerts: HashSet<ConcertId>,
) -> Result<HashSet<ConcertId>, Failure> {
    let mut found = HashSet::with_capacity(concerts.len());
    for row in select_all(connection, &CONCERTS, |query| query, concerts.into_iter().collect()).await? {
        found.insert(row.try_get("id")?);
    }
    Ok(found)
}

pub(super) async fn write(connection: &mut MySqlConnection, effects: &Effects, now: Timestamp) -> Result<(), Failure> {
    for status in [ReservationStatus::Expired, ReservationStatus::Cancelled] {
        let closed = effects.closed.iter().filter(|(_, as_what)| *as_what == status).map(|(id, _)| *id);
        update_all(
            connection,
            &RELEASE,
            |query| query.bind(status.as_str()).bind(now),
            closed.collect(),
            2,
            "releasing seats",
        )
        .await?;
    }
    for piece in pieces(&effects.made) {
        let mut query = sqlx::query(INSERT.text(piece.len()));
        for made in piece {
            query = query
                .bind(made.id)
                .bind(made.user)
                .bind(made.concert)
                .bind(made.seat)
                .bind(made.status.as_str())
                .bind(made.price)
                .bind(made.performance_date)
                .bind(made.reserved_at)
                .bind(made.expires_at)
                .bind(now);
        }
        expect_rows(&query.execute(&mut *connection).await?, piece.len(), "adding reservations")?;
    }
    let held = effects.made.iter().filter(|made| made.status == ReservationStatus::Held);
    for piece in pieces(&held.collect::<Vec<_>>()) {
        let mut query = sqlx::query(TAKE.text(piece.len()));
        for made in piece {
            query = query.bind(made.concert).bind(made.seat).bind(made.price);
            query = query.bind(made.user).bind(made.expires_at).bind(made.id);
        }
        expect_rows(&query.execute(&mut *connection).await?, 2 * piece.len(), "taking seats")?;
    }
    Ok(())
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
