//! Seats under lock. A seat's row is the lock of the reservation that has it.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::{MySqlConnection, Row as _};

use super::Holds;
use crate::batch::Failure;
use crate::clock::Timestamp;
use crate::id::{ConcertId, ReservationId, SeatNumber, UserId};
use crate::money::Money;
use crate::sql::{Listed, key_lists, select_all};

/// Names a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeatKey {
    pub(crate) concert: ConcertId,
    pub(crate) seat: SeatNumber,
}

/// A row of `seats`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) price: Money,
    pub(crate) performance_date: NaiveDate,
    pub(crate) holder: Option<Holder>,
}

/// Who has a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) reservation: ReservationId,
    pub(crate) user: UserId,
    /// The deadline of the hold; `None`: sold.
    pub(crate) until: Option<Timestamp>,
}

impl Holder {
    /// Whether the seat is still theirs at `now`.
    pub(crate) fn has_it(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// The date never changes, so it is read unlocked.
pub(super) const LOCK_SEATS: Listed = Listed {
    text: "select s.concert_id, s.seat_number, s.price, s.reserved_by, s.reserved_until, s.reservation_id, \
         (select c.date from concerts c where c.id = s.concert_id) as performance_date \
         from seats s force index (primary) where (s.concert_id, s.seat_number) in ({}) for update",
    row: "(?,?)",
};
/// Unlocked: whoever makes a hold has the user's token locked, and so has the caller by now.
pub(super) const COUNT_HOLDS: Listed = Listed::of_keys(
    "select user_id, count(*) as holds from reservations force index (reservations_user_deadline) \
     where status = 'HELD' and expires_at > ? and user_id in ({}) group by user_id",
);

/// Locks seats, in the order of their keys.
pub(crate) async fn lock_seats(
    connection: &mut MySqlConnection,
    wanted: Vec<SeatKey>,
) -> Result<HashMap<SeatKey, Seat>, Failure> {
    let mut seats = HashMap::with_capacity(wanted.len());
    for list in key_lists(wanted) {
        let mut query = sqlx::query(LOCK_SEATS.text(list.len()));
        for key in list {
            query = query.bind(key.concert).bind(key.seat);
        }
        for row in query.fetch_all(&mut *connection).await? {
            let key = SeatKey { concert: row.try_get("concert_id")?, seat: row.try_get("seat_number")? };
            let holder = match row.try_get("reservation_id")? {
                Some(reservation) => Some(Holder {
                    reservation,
                    user: row.try_get("reserved_by")?,
                    until: row.try_get("reserved_until")?,
                }),
                None => None,
            };
            let performance_date = row.try_get("performance_date")?;
            seats.insert(key, Seat { price: row.try_get("price")?, performance_date, holder });
        }
    }
    Ok(seats)
}

/// Counts the unpaid holds of users.
pub(crate) async fn count_holds(
    connection: &mut MySqlConnection,
    users: Vec<UserId>,
    now: Timestamp,
) -> Result<Holds, Failure> {
    let mut holds = Holds::with_capacity(users.len());
    for row in select_all(connection, &COUNT_HOLDS, |query| query.bind(now), users).await? {
        holds.insert(row.try_get("user_id")?, row.try_get::<i64, _>("holds")? as u32);
    }
    Ok(holds)
}
