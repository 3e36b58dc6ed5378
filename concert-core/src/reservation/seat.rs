//! Seats under lock. A seat's row is the lock of the reservation that has it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::Reservation;
use super::best::{Hall, HallSeat};
use crate::batch::Failure;
use crate::catalog::shared;
use crate::clock::Timestamp;
use crate::id::{ConcertId, ReservationId, SeatNumber, UserId};
use crate::money::Money;
use crate::sql::{Listed, Literal, MAX_LIST, Reading, Script, Selected, grouped};

/// Names a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeatKey {
    pub(crate) concert: ConcertId,
    pub(crate) seat: SeatNumber,
}

impl SeatKey {
    const fn pair(self) -> (ConcertId, SeatNumber) {
        (self.concert, self.seat)
    }
}

/// A value for each of some seats, which are in order: an expression over the row of one of them.
struct BySeat<'a, V>(&'a [(SeatKey, V)]);

impl<V: Literal> Literal for BySeat<'_, V> {
    fn write(&self, sql: &mut String) {
        let numbers: HashSet<_> = self.0.iter().map(|(key, _)| key.seat).collect();
        if numbers.len() == self.0.len() {
            return write_by_number(self.0, sql);
        }
        sql.push_str("case concert_id");
        for seats in self.0.chunk_by(|(one, _), (other, _)| one.concert == other.concert) {
            sql.push_str(" when ");
            seats[0].0.concert.write(sql);
            sql.push_str(" then ");
            write_by_number(seats, sql);
        }
        sql.push_str(" end");
    }
}

/// Of seats with different numbers.
fn write_by_number<V: Literal>(seats: &[(SeatKey, V)], sql: &mut String) {
    if let [(_, value)] = seats {
        return value.write(sql);
    }
    sql.push_str("case seat_number");
    for (key, value) in seats {
        sql.push_str(" when ");
        key.seat.write(sql);
        sql.push_str(" then ");
        value.write(sql);
    }
    sql.push_str(" end");
}

/// A row of `seats`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) section: Option<Arc<str>>,
    pub(crate) row: Option<Arc<str>>,
    pub(crate) price: Money,
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

impl Seat {
    pub(crate) fn is_free(&self, now: Timestamp) -> bool {
        !self.holder.is_some_and(|holder| holder.has_it(now))
    }
}

impl Holder {
    /// Whether the seat is still theirs at `now`.
    pub(crate) fn has_it(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

pub(super) const LOCK_SEATS: Listed = Listed {
    text: "select s.concert_id, s.seat_number, s.section, s.seat_row, s.price as seat_price, s.reserved_by, s.reserved_until, \
         s.reservation_id from seats s force index (primary) where {} for update",
    row: SEATS_OF_CONCERT,
    between: " or ",
};
/// The same, unlocked.
pub(super) const LOOK_AT_SEATS: Listed = Listed {
    text: "select s.concert_id, s.seat_number, s.section, s.seat_row, s.price as seat_price, s.reserved_by, s.reserved_until, \
         s.reservation_id from seats s force index (primary) where {}",
    row: SEATS_OF_CONCERT,
    between: " or ",
};
/// Shorter than a list of pairs, most of which would name the same concert.
const SEATS_OF_CONCERT: &str = "(s.concert_id = ? and s.seat_number in ({}))";
/// Reservations and their seats, these locked in the order that everyone locks them in: the inner list is made first, in
/// that order and whole (`MAX_LIST`), and none of it is locked.
pub(super) const LOCK_WITH_SEATS: Listed = Listed::of_keys(
    "select r.id, r.order_id, r.user_id, r.concert_id, r.seat_number, r.status, r.price, r.performance_date, r.reserved_at, \
     r.expires_at, r.extended_at, s.section, s.seat_row, s.price as seat_price, s.reserved_by, s.reserved_until, \
     s.reservation_id from (select id, order_id, user_id, concert_id, seat_number, status, price, performance_date, \
     reserved_at, expires_at, extended_at from reservations force index (primary) where id in ({}) \
     order by concert_id, seat_number limit 256) r straight_join seats s force index (primary) \
     on s.concert_id = r.concert_id and s.seat_number = r.seat_number for update",
);
/// The deadline goes, and with it the hold: what is held stays.
pub(super) const SELL: Listed = Listed {
    text: "update seats s force index (primary) set s.reserved_until = null where s.reserved_until > ? and ({})",
    row: SEATS_OF_CONCERT,
    between: " or ",
};
/// To each seat its own holder, all until the same moment. It needs no guard: the seats are locked, and the reservations
/// before it had to get past their unique key.
pub(super) const TAKE: Listed = Listed {
    text: "update seats s force index (primary) set s.is_reserved = 1, s.reserved_until = ?, s.reserved_by = ?, \
         s.reservation_id = ? where ({})",
    row: SEATS_OF_CONCERT,
    between: " or ",
};
/// The same for seats that nobody has had since they were last given back, at prices that are known.
pub(super) const TAKE_FREE: Listed = Listed {
    text: "update seats s force index (primary) set s.is_reserved = 1, s.reserved_until = ?, s.reserved_by = ?, \
         s.reservation_id = ? where s.is_reserved = 0 and ({})",
    row: "(s.concert_id = ? and s.price = ? and s.seat_number in ({}))",
    between: " or ",
};
/// All seats of concerts, by number.
pub(super) const LOOK_AT_HALLS: Listed = Listed::of_keys(
    "select s.concert_id, s.seat_number, s.section, s.seat_row, s.price as seat_price, s.reserved_by, s.reserved_until, \
     s.reservation_id from seats s force index (primary) where s.concert_id in ({}) order by s.concert_id, s.seat_number",
);
pub(super) const LOCK_HALLS: Listed = Listed::of_keys(
    "select s.concert_id, s.seat_number, s.section, s.seat_row, s.price as seat_price, s.reserved_by, s.reserved_until, \
     s.reservation_id from seats s force index (primary) where s.concert_id in ({}) order by s.concert_id, s.seat_number for update",
);

/// Locks seats.
pub(crate) fn lock_seats(script: &mut Script, wanted: impl Iterator<Item = SeatKey>) -> Reading {
    script.select_pairs(&LOCK_SEATS, wanted.map(SeatKey::pair).collect())
}

pub(super) fn look_at_seats(script: &mut Script, wanted: impl Iterator<Item = SeatKey>) -> Reading {
    script.select_pairs(&LOOK_AT_SEATS, wanted.map(SeatKey::pair).collect())
}

/// Reads reservations and locks their seats, whatever has become of those.
pub(crate) fn lock_with_seats(script: &mut Script, reservations: Vec<ReservationId>) -> Reading {
    script.select_keys(&LOCK_WITH_SEATS, reservations)
}

/// Sells seats that are held.
pub(crate) fn sell_seats(script: &mut Script, seats: Vec<SeatKey>, now: Timestamp) {
    let seats = seats.into_iter().map(SeatKey::pair).collect();
    script.update_all("selling seats", 1, &SELL, seats, |blanks, list| blanks.put(now).groups(list));
}

/// Gives free seats to the reservations that are made of them.
pub(super) fn take(script: &mut Script, made: &[Reservation]) {
    let held = made.iter().filter(|made| made.is_held());
    for (until, mut held) in grouped(held.map(|made| (made.expires_at, made))) {
        held.sort_unstable_by_key(|made| made.seat_key());
        for held in held.chunks(MAX_LIST) {
            let seats: Vec<_> = held.iter().map(|made| made.seat_key().pair()).collect();
            let holders: Vec<_> = held.iter().map(|made| (made.seat_key(), made.user)).collect();
            let reservations: Vec<_> = held.iter().map(|made| (made.seat_key(), made.id)).collect();
            script.change_any_listed(&TAKE, |blanks| {
                blanks.put(until).put(BySeat(&holders)).put(BySeat(&reservations)).groups(&seats)
            });
        }
    }
}

/// Gives seats to the reservations that are made of them, all until the same moment, or goes no further if any of them is
/// not free or costs something else.
pub(super) fn take_free(script: &mut Script, made: &[Reservation]) {
    let Some(until) = made.first().map(|made| made.expires_at) else { return };
    let mut made: Vec<_> = made.iter().collect();
    made.sort_unstable_by_key(|made| (made.concert, made.price, made.seat));
    let holders: Vec<_> = made.iter().map(|made| (made.seat_key(), made.user)).collect();
    let reservations: Vec<_> = made.iter().map(|made| (made.seat_key(), made.id)).collect();
    script.change_listed("taking seats", made.len(), &TAKE_FREE, |blanks| {
        let blanks = blanks.put(until).put(BySeat(&holders)).put(BySeat(&reservations));
        let alike = made.chunk_by(|one, other| (one.concert, one.price) == (other.concert, other.price));
        blanks.rows(alike, |row, seats| {
            row.put(seats[0].concert).put(seats[0].price).list(seats.iter().map(|made| made.seat))
        })
    });
}

pub(crate) fn read_seats(selected: &Selected, reading: &Reading) -> Result<HashMap<SeatKey, Seat>, Failure> {
    let mut names = Names::default();
    Ok(selected.rows(reading).map(|row| read_seat(row, &mut names)).collect::<Result<_, _>>()?)
}

pub(super) fn look_at_halls(script: &mut Script, concerts: Vec<ConcertId>) -> Reading {
    script.select_keys(&LOOK_AT_HALLS, concerts)
}

pub(super) fn lock_halls(script: &mut Script, concerts: Vec<ConcertId>) -> Reading {
    script.select_keys(&LOCK_HALLS, concerts)
}

/// All seats of some concerts, by number.
pub(super) struct Halls(Vec<(SeatKey, Seat)>);

impl Halls {
    pub(super) fn read(selected: &Selected, reading: &Reading) -> Result<Self, Failure> {
        let mut names = Names::default();
        Ok(Self(selected.rows(reading).map(|row| read_seat(row, &mut names)).collect::<Result<_, _>>()?))
    }

    /// What the rules seek the best seats in.
    pub(super) fn free(&self, now: Timestamp) -> HashMap<ConcertId, Hall> {
        let by_concert = self.0.chunk_by(|(one, _), (other, _)| one.concert == other.concert);
        let hall = |seats: &[(SeatKey, Seat)]| {
            let hall = Hall::new(seats.iter().map(|(key, seat)| HallSeat {
                number: key.seat,
                section: seat.section.clone(),
                row: seat.row.clone(),
                free: seat.is_free(now),
            }));
            Some((seats.first()?.0.concert, hall))
        };
        by_concert.filter_map(hall).collect()
    }

    pub(super) fn into_seats(self) -> impl Iterator<Item = (SeatKey, Seat)> {
        self.0.into_iter()
    }
}

/// The section and the row of the seat before.
#[derive(Default)]
struct Names {
    section: Option<Arc<str>>,
    row: Option<Arc<str>>,
}

fn read_seat(row: &MySqlRow, names: &mut Names) -> Result<(SeatKey, Seat), sqlx::Error> {
    let key = SeatKey { concert: row.try_get("concert_id")?, seat: row.try_get("seat_number")? };
    let holder = match row.try_get("reservation_id")? {
        Some(reservation) => {
            Some(Holder { reservation, user: row.try_get("reserved_by")?, until: row.try_get("reserved_until")? })
        }
        None => None,
    };
    let seat = Seat {
        section: shared(&mut names.section, row.try_get("section")?),
        row: shared(&mut names.row, row.try_get("seat_row")?),
        price: row.try_get("seat_price")?,
        holder,
    };
    Ok((key, seat))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn by_seat(seats: &[(u128, i64)]) -> String {
        let key = |(concert, seat): &(u128, i64)| SeatKey {
            concert: ConcertId::from_uuid(Uuid::from_u128(*concert)),
            seat: SeatNumber::new(*seat).expect("a seat"),
        };
        let values: Vec<_> = seats.iter().map(key).zip(1..).map(|(key, value): (_, i32)| (key, value)).collect();
        let mut sql = String::new();
        BySeat(&values).write(&mut sql);
        sql.replace("000000000000000000000000000000", "")
    }

    #[test]
    fn a_seat_is_told_by_its_number_alone_where_that_is_enough() {
        assert_eq!(by_seat(&[(1, 7)]), "1");
        assert_eq!(by_seat(&[(1, 7), (2, 3)]), "case seat_number when 7 then 1 when 3 then 2 end");
        let twice =
            "case concert_id when x'01' then case seat_number when 7 then 1 when 8 then 2 end when x'02' then 3 end";
        assert_eq!(by_seat(&[(1, 7), (1, 8), (2, 7)]), twice);
    }
}
