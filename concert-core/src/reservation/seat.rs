//! Seats under lock. A seat's row is the lock of the reservation that has it.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::Holds;
use crate::batch::Failure;
use crate::clock::Timestamp;
use crate::id::{ConcertId, ReservationId, SeatNumber, UserId};
use crate::money::Money;
use crate::sql::{Listed, Literal, Reading, Script, Selected};

/// Names a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeatKey {
    pub(crate) concert: ConcertId,
    pub(crate) seat: SeatNumber,
}

impl Literal for SeatKey {
    fn write(&self, sql: &mut String) {
        sql.push('(');
        self.concert.write(sql);
        sql.push(',');
        self.seat.write(sql);
        sql.push(')');
    }
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

/// Locks seats.
pub(crate) fn lock_seats(script: &mut Script, wanted: Vec<SeatKey>) -> Reading {
    script.select_all(&LOCK_SEATS, |blanks| blanks, wanted)
}

pub(crate) fn read_seats(selected: &Selected, reading: &Reading) -> Result<HashMap<SeatKey, Seat>, Failure> {
    let mut seats = HashMap::new();
    for row in selected.rows(reading) {
        let key = SeatKey { concert: row.try_get("concert_id")?, seat: row.try_get("seat_number")? };
        let holder = match row.try_get("reservation_id")? {
            Some(reservation) => {
                Some(Holder { reservation, user: row.try_get("reserved_by")?, until: row.try_get("reserved_until")? })
            }
            None => None,
        };
        let performance_date = row.try_get("performance_date")?;
        seats.insert(key, Seat { price: row.try_get("price")?, performance_date, holder });
    }
    Ok(seats)
}

/// Counts the unpaid holds of users.
pub(crate) fn count_holds(script: &mut Script, users: Vec<UserId>, now: Timestamp) -> Reading {
    script.select_all(&COUNT_HOLDS, |blanks| blanks.put(now), users)
}

pub(crate) fn read_holds(selected: &Selected, reading: &Reading) -> Result<Holds, Failure> {
    let read = |row: &MySqlRow| Ok((row.try_get("user_id")?, row.try_get::<i64, _>("holds")? as u32));
    selected.rows(reading).map(read).collect()
}
