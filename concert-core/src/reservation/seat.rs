//! Seats under lock. A seat's row is the lock of the reservation that has it.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::{MySqlConnection, Row as _};

use super::Holds;
use crate::batch::Failure;
use crate::clock::Timestamp;
use crate::id::{ConcertId, ReservationId, SeatNumber, UserId};
use crate::money::Money;
use crate::sql::{Hex, json};

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

/// The holds are counted in the same statement, unlocked: whoever makes a hold has the user's token locked, and so has
/// the caller by now. The date never changes.
pub(super) const LOCK_SEATS: &str = "select s.concert_id, s.seat_number, s.price, s.reserved_by, s.reserved_until, s.reservation_id, \
     unhex(j.user_id) as user_id, \
     (select c.date from concerts c where c.id = s.concert_id) as performance_date, \
     (select count(*) from reservations r where r.user_id = unhex(j.user_id) and r.status = 'HELD' and r.expires_at > ?) as holds \
     from (select b.concert_id, b.seat_number, b.user_id from json_table(?, '$[*]' columns ( \
     concert_id varchar(32) path '$.concert_id', seat_number int path '$.seat_number', user_id varchar(32) path '$.user_id')) b) j \
     straight_join seats s force index (primary) on s.concert_id = unhex(j.concert_id) and s.seat_number = j.seat_number for update";

#[derive(Serialize)]
struct WantedRow {
    concert_id: Hex,
    seat_number: SeatNumber,
    user_id: Hex,
}

/// Locks seats, in the order of their keys, and counts the unpaid holds of the users who want them.
pub(crate) async fn lock_seats(
    connection: &mut MySqlConnection,
    mut wanted: Vec<(SeatKey, UserId)>,
    now: Timestamp,
) -> Result<(HashMap<SeatKey, Seat>, Holds), Failure> {
    let mut seats = HashMap::with_capacity(wanted.len());
    let mut holds = Holds::with_capacity(wanted.len());
    if wanted.is_empty() {
        return Ok((seats, holds));
    }
    wanted.sort_unstable();
    wanted.dedup();
    let wanted: Vec<_> = wanted
        .into_iter()
        .map(|(key, user)| WantedRow {
            concert_id: Hex(key.concert.as_uuid()),
            seat_number: key.seat,
            user_id: Hex(user.as_uuid()),
        })
        .collect();
    for row in sqlx::query(LOCK_SEATS).bind(now).bind(json(&wanted)?).fetch_all(connection).await? {
        let key = SeatKey { concert: row.try_get("concert_id")?, seat: row.try_get("seat_number")? };
        let holder = match row.try_get("reservation_id")? {
            Some(reservation) => {
                Some(Holder { reservation, user: row.try_get("reserved_by")?, until: row.try_get("reserved_until")? })
            }
            None => None,
        };
        let performance_date = row.try_get("performance_date")?;
        holds.insert(row.try_get("user_id")?, row.try_get::<i64, _>("holds")? as u32);
        seats.insert(key, Seat { price: row.try_get("price")?, performance_date, holder });
    }
    Ok((seats, holds))
}
