//! The SQL of seats: what locks them, takes them and sells them.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::{HELD_UNTIL, HOLDER, Seat, SeatKey};
use crate::catalog::shared;
use crate::clock::{Timestamp, just_after};
use crate::db::Failure;
use crate::fact::{Assumed, Fact, Key, Test, Value};
use crate::id::{ConcertId, ReservationId};
use crate::reservation::best::{Hall, HallSeat};
use crate::reservation::by_seat::BySeat;
use crate::reservation::let_go::{self, LetGo, let_go_columns};
use crate::reservation::store::{concert_status, reservation_columns};
use crate::reservation::{HoldRules, Reservation};
use crate::sql::{MAX_LIST, Part, Reading, ResultSet, Script, grouped, statements};

/// The columns that `read_seat` reads.
macro_rules! seat_columns {
    () => {
        concat!(
            "s.concert_id, s.seat_number, s.section, s.seat_row, s.place, s.price as seat_price, s.is_reserved, \
             s.reserved_until, s.reservation_id, s.reserved_by, ",
            let_go_columns!("s.")
        )
    };
}
pub(in crate::reservation) use seat_columns;

/// The limit in `LOCK_WITH_SEATS`: a smaller one would leave reservations out.
const _: () = assert!(MAX_LIST == 512);

/// Shorter than a list of pairs, most of which would repeat the concert.
const SEATS_OF_CONCERT: Part =
    Part { text: "(s.concert_id = {concert} and s.seat_number in ({seats}))", between: " or " };

statements! {
    LOCK_SEATS {
        concat!("select ", seat_columns!(), " from seats s force index (primary) where {each} for update"),
        each SEATS_OF_CONCERT
    }
    /// The same, unlocked.
    LOOK_AT_SEATS {
        concat!("select ", seat_columns!(), " from seats s force index (primary) where {each}"),
        each SEATS_OF_CONCERT
    }
    /// Reservations and their seats. The seats are locked in the global order: the inner query is materialized first,
    /// in that order and complete (its limit is the longest list), and locks nothing.
    LOCK_WITH_SEATS {
        concat!(
            "select ", reservation_columns!("r."), ", r.concert_status, s.section, s.seat_row, s.place, \
             s.price as seat_price, s.is_reserved, s.reserved_until, s.reservation_id, s.reserved_by, ", let_go_columns!("s."), " \
             from (select ", reservation_columns!(""), ", ", concert_status!("reservations."), " \
             from reservations force index (primary) where id in ({ids}) order by concert_id, seat_number limit 512) r \
             straight_join seats s force index (primary) \
             on s.concert_id = r.concert_id and s.seat_number = r.seat_number for update"
        )
    }
    /// A sold seat has no deadline. Its reservation stays the holder.
    SELL {
        "update seats s force index (primary) set s.reserved_until = null \
         where {guard}s.reserved_until >= {held_until} and ({each})",
        each SEATS_OF_CONCERT
    }
    /// Gives each seat its reservation, all with one deadline. A lapsed hold is released by an earlier statement. The
    /// price is compared because an assumed one must be the row's, and so is how often the seat was let go.
    TAKE {
        "update seats s force index (primary) set s.is_reserved = 1, s.reserved_until = {held_until}, \
         s.reserved_by = {user}, s.reservation_id = {reservation} \
         where {guard}s.is_reserved = 0 and s.let_go_times <= {let_go_times} and ({each})",
        each Part {
            text: "(s.concert_id = {concert} and s.price = {price} and s.seat_number in ({seats}))",
            between: " or "
        }
    }
    /// All seats of concerts, by number.
    LOCK_HALLS {
        concat!(
            "select ", seat_columns!(), " from seats s force index (primary) where s.concert_id in ({concerts}) \
             order by s.concert_id, s.seat_number for update"
        )
    }
}

/// Locks seats.
pub(crate) fn lock_seats(script: &mut Script, wanted: impl Iterator<Item = SeatKey>) -> Reading {
    script.select_keys(&LOCK_SEATS, wanted.map(SeatKey::pair).collect(), |params, seats| {
        params.each_group(seats, ["concert", "seats"])
    })
}

pub(in crate::reservation) fn look_at_seats(script: &mut Script, wanted: impl Iterator<Item = SeatKey>) -> Reading {
    script.select_keys(&LOOK_AT_SEATS, wanted.map(SeatKey::pair).collect(), |params, seats| {
        params.each_group(seats, ["concert", "seats"])
    })
}

/// Reads reservations and locks their seats, even those that have passed on since.
pub(crate) fn lock_with_seats(script: &mut Script, reservations: Vec<ReservationId>) -> Reading {
    script.select_keys(&LOCK_WITH_SEATS, reservations, |params, ids| params.list("ids", ids))
}

/// The statements of a sale state what was assumed of its holds: each of `sold` is still HELD, and its seat's deadline
/// is to come.
pub(crate) fn strike_sold(assumed: &mut Assumed, sold: &[(ReservationId, SeatKey)], now: Timestamp) {
    let sold: HashMap<Key, ReservationId> = sold.iter().map(|(id, key)| (Key::from(*key), *id)).collect();
    assumed
        .strike(HOLDER, |seat, test| sold.get(&seat).is_some_and(|id| test == Test::Equals(Value::Id(id.as_uuid()))));
    let in_time = Test::AtLeast(Value::Moment(just_after(now)));
    assumed.strike(HELD_UNTIL, |seat, test| sold.contains_key(&seat) && test == in_time);
}

/// The statement that takes seats states what was assumed of them.
pub(in crate::reservation) fn strike_taken(assumed: &mut Assumed, made: &[Reservation], let_go_at_most: u32) {
    let taken: HashSet<Key> = made.iter().filter(|made| made.is_held()).map(|made| made.seat_key().into()).collect();
    assumed.strike(HOLDER, |seat, test| taken.contains(&seat) && test == Test::Equals(Value::Nothing));
    let_go::strike(assumed, |seat| taken.contains(&seat), let_go_at_most);
}

/// Sells seats that are held.
pub(crate) fn sell_seats(script: &mut Script, seats: Vec<SeatKey>, now: Timestamp) {
    let seats = seats.into_iter().map(SeatKey::pair).collect();
    script.change_keys("selling seats", 1, &SELL, seats, |params, seats| {
        // A hold whose deadline is now has lapsed.
        params.bind("held_until", just_after(now)).each_group(seats, ["concert", "seats"])
    });
}

/// Gives free seats, each let go `let_go_at_most` times in a row, to the reservations that are made of them.
pub(in crate::reservation) fn take(script: &mut Script, made: &[Reservation], let_go_at_most: u32) {
    let held = made.iter().filter(|made| made.is_held());
    for (until, mut held) in grouped(held.map(|made| (made.expires_at, made))) {
        // By concert and price, so that the statement has few parts.
        held.sort_unstable_by_key(|made| (made.concert, made.price, made.seat));
        for held in held.chunks(MAX_LIST) {
            let users: Vec<_> = held.iter().map(|made| (made.seat_key(), made.user.as_uuid())).collect();
            let reservations: Vec<_> = held.iter().map(|made| (made.seat_key(), made.id.as_uuid())).collect();
            let alike = held.chunk_by(|one, other| (one.concert, one.price) == (other.concert, other.price));
            script.change("taking seats", Some(held.len()), &TAKE, |params| {
                let params = params.bind("held_until", until).bind("user", BySeat(&users));
                let params = params.bind("reservation", BySeat(&reservations)).bind("let_go_times", let_go_at_most);
                params.each(alike.clone(), |part, made| {
                    let part = part.bind("concert", made[0].concert).bind("price", made[0].price);
                    part.list("seats", made.iter().map(|made| made.seat))
                })
            });
        }
    }
}

pub(crate) fn read_seats(selected: &ResultSet, reading: &Reading) -> Result<HashMap<SeatKey, Seat>, Failure> {
    let mut names = Names::default();
    Ok(selected.rows(reading).map(|row| read_seat(row, &mut names)).collect::<Result<_, _>>()?)
}

pub(in crate::reservation) fn lock_halls(script: &mut Script, concerts: Vec<ConcertId>) -> Reading {
    script.select_keys(&LOCK_HALLS, concerts, |params, concerts| params.list("concerts", concerts))
}

/// All seats of some concerts, by number.
pub(in crate::reservation) struct Halls(Vec<(SeatKey, Seat)>);

impl Halls {
    pub(in crate::reservation) fn read(selected: &ResultSet, reading: &Reading) -> Result<Self, Failure> {
        let mut names = Names::default();
        Ok(Self(selected.rows(reading).map(|row| read_seat(row, &mut names)).collect::<Result<_, _>>()?))
    }

    /// The halls, by concert, in which the rules look for the best seats.
    pub(in crate::reservation) fn free(&mut self, rules: HoldRules, now: Timestamp) -> HashMap<ConcertId, Hall> {
        let by_concert = self.0.chunk_by_mut(|(one, _), (other, _)| one.concert == other.concert);
        let hall = |seats: &mut [(SeatKey, Seat)]| {
            let concert = seats.first()?.0.concert;
            let mut hall = Hall::new(seats.iter_mut().map(|(key, seat)| HallSeat {
                number: key.seat,
                section: seat.section.clone(),
                row: seat.row.clone(),
                place: seat.place.unwrap_or(key.seat.get()),
                free: seat.is_free(now),
            }));
            for (key, seat) in seats {
                hall.leave_to_others(key.seat, seat.left_to_others(rules, now));
            }
            Some((concert, hall))
        };
        by_concert.filter_map(hall).collect()
    }

    pub(in crate::reservation) fn into_seats(self) -> impl Iterator<Item = (SeatKey, Seat)> {
        self.0.into_iter()
    }
}

/// The section and the row of the previous seat, whose text the next one shares if it is the same.
#[derive(Default)]
struct Names {
    section: Option<Arc<str>>,
    row: Option<Arc<str>>,
}

fn read_seat(row: &MySqlRow, names: &mut Names) -> Result<(SeatKey, Seat), sqlx::Error> {
    let key = SeatKey { concert: row.try_get("concert_id")?, seat: row.try_get("seat_number")? };
    let held_until: Option<Timestamp> = row.try_get("reserved_until")?;
    let holder: Option<ReservationId> = row.try_get("reservation_id")?;
    let seat = Seat {
        section: shared(&mut names.section, row.try_get("section")?),
        row: shared(&mut names.row, row.try_get("seat_row")?),
        place: row.try_get("place")?,
        price: row.try_get("seat_price")?,
        // What nobody has and nobody can take.
        is_blocked: holder.is_none() && row.try_get("is_reserved")?,
        holder: Fact::read(holder),
        taker: row.try_get("reserved_by")?,
        held_until: Fact::read(held_until),
        let_go: LetGo::from_row(row)?,
    };
    Ok((key, seat))
}
