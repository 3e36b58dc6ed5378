//! Seats under lock. A seat's row is the lock of the reservation that has it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::best::{Hall, HallSeat};
use super::by_seat::BySeat;
use super::let_go::{self, LetGo, let_go_columns};
use super::store::{concert_status, reservation_columns};
use super::{HoldRules, Reservation};
use crate::catalog::shared;
use crate::clock::{Timestamp, just_after};
use crate::db::Failure;
use crate::fact::{Assumed, Assumptions, Column, Fact, Key, Test, Unread, Value};
use crate::id::{ConcertId, ReservationId, SeatNumber, UserId};
use crate::money::Money;
use crate::sql::{MAX_LIST, Part, Reading, ResultSet, Script, grouped, statements};

/// Names a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeatKey {
    pub(crate) concert: ConcertId,
    pub(crate) seat: SeatNumber,
}

impl SeatKey {
    pub(crate) const fn pair(self) -> (ConcertId, SeatNumber) {
        (self.concert, self.seat)
    }
}

impl From<SeatKey> for Key {
    fn from(key: SeatKey) -> Self {
        Self::seat(key.concert.as_uuid(), key.seat)
    }
}

/// A row of `seats`.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub(crate) section: Option<Arc<str>>,
    pub(crate) row: Option<Arc<str>>,
    /// Its place in the row, if that was read: its number where the row says nothing else.
    place: Option<i32>,
    pub(crate) price: Money,
    /// Whether it is not on sale. An unread seat is assumed to be: who takes it states that nobody has it, and a blocked
    /// one counts as somebody's.
    is_blocked: bool,
    /// The reservation that has it, lapsed or not.
    holder: Fact<Option<ReservationId>>,
    /// The deadline of the hold; `None`: there is none, or the seat is sold.
    held_until: Fact<Option<Timestamp>>,
    /// Who holds it or has bought it, if that was read.
    taker: Option<UserId>,
    let_go: LetGo,
}

/// Facts of a seat.
const HOLDER: Column = Column("seats.reservation_id");
const HELD_UNTIL: Column = Column("seats.reserved_until");

/// How a reservation stands to its seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HoldState {
    Held,
    /// Its deadline is past, and nobody has taken the seat since.
    Lapsed,
    Sold,
    /// The seat is free, or another reservation has it.
    Gone,
}

impl Seat {
    /// A seat of which only names and price are known, which never change within a version of the concert.
    pub(crate) fn unread(
        assumptions: &Assumptions,
        key: SeatKey,
        [section, row]: [Option<Arc<str>>; 2],
        price: Money,
    ) -> Self {
        let (holder, held_until) = (assumptions.unread(HOLDER, key.into()), assumptions.unread(HELD_UNTIL, key.into()));
        let let_go = LetGo::unread(assumptions, key);
        Self { section, row, place: None, price, is_blocked: false, holder, held_until, taker: None, let_go }
    }

    /// A seat that nobody has or ever had.
    pub(super) fn vacant([section, row]: [Option<Arc<str>>; 2], price: Money) -> Self {
        Self {
            section,
            row,
            place: None,
            price,
            is_blocked: false,
            holder: Fact::read(None),
            held_until: Fact::read(None),
            taker: None,
            let_go: LetGo::NEVER,
        }
    }

    #[cfg(test)]
    pub(crate) fn free(price: Money) -> Self {
        Self::vacant([None, None], price)
    }

    /// The same seat, held or bought by `taker`, and with what its row says of who let it go.
    #[cfg(test)]
    pub(crate) fn with_users(self, taker: Option<UserId>, let_go: Option<(UserId, u32, Timestamp)>) -> Self {
        let let_go = let_go.map_or(LetGo::NEVER, |(by, times, at)| LetGo::read(by, times, at));
        Self { taker, let_go, ..self }
    }

    /// The same seat, on sale or not.
    #[cfg(test)]
    pub(crate) fn with_block(self, is_blocked: bool) -> Self {
        Self { is_blocked, ..self }
    }

    /// Whether it is not on sale.
    pub(crate) const fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    /// Takes it off sale, or puts it on sale again.
    pub(crate) const fn block(&mut self, is_blocked: bool) {
        self.is_blocked = is_blocked;
    }

    /// Whether it is on sale, and nobody has it, or only a lapsed hold. An unread seat is assumed to be nobody's.
    pub(crate) fn is_free(&mut self, now: Timestamp) -> bool {
        !self.is_blocked && (self.holder.equals(None) || self.has_lapsed(now))
    }

    /// Whether a hold has it whose deadline is past.
    fn has_lapsed(&self, now: Timestamp) -> bool {
        matches!(self.held_until.value(), Ok(Some(until)) if *until <= now)
    }

    /// How `reservation` stands to it at `now`. An unread seat is assumed to be held in time.
    pub(crate) fn hold_state(&mut self, reservation: ReservationId, now: Timestamp) -> HoldState {
        if !self.holder.equals(Some(reservation)) {
            return HoldState::Gone;
        }
        if self.held_until.at_least(Some(just_after(now))) {
            return HoldState::Held;
        }
        // An unread deadline was answered with yes above, so it does not come here.
        match self.held_until.value() {
            Ok(None) => HoldState::Sold,
            Ok(Some(_)) | Err(Unread) => HoldState::Lapsed,
        }
    }

    /// The deadline of the hold; `None`: there is none, or the seat is sold.
    pub(crate) fn held_until(&self) -> Result<Option<Timestamp>, Unread> {
        self.held_until.value().copied()
    }

    /// The unpaid hold of `user` that has it, if one has.
    pub(super) fn own_hold(&self, user: UserId) -> Option<ReservationId> {
        let holder = self.holder.value().ok().copied().flatten();
        let is_held = matches!(self.held_until.value(), Ok(Some(_)));
        holder.filter(|_| is_held && self.taker == Some(user))
    }

    /// Who holds it or has bought it, if that was read.
    pub(crate) const fn taker(&self) -> Option<UserId> {
        self.taker
    }

    /// The reservation that has it, by its row.
    pub(crate) fn holder(&self) -> Result<Option<ReservationId>, Unread> {
        self.holder.value().copied()
    }

    /// Passes the seat to a reservation: held until a deadline, or sold without one. `None`: it becomes free.
    pub(crate) fn pass_to(&mut self, holder: Option<ReservationId>, held_until: Option<Timestamp>) {
        (self.holder, self.held_until) = (Fact::read(holder), Fact::read(held_until));
    }

    /// Whoever has it from now on, if somebody has.
    pub(crate) const fn take_for(&mut self, user: UserId) {
        self.taker = Some(user);
    }

    /// Notes that the hold that has it ends unpaid, at `now` or at its deadline, whichever is earlier.
    pub(super) fn let_go(&mut self, now: Timestamp) -> Result<(), Unread> {
        // Taken out: the lapsed hold must not be counted once more.
        if let (Some(by), Some(until)) = (self.taker.take(), self.held_until()?) {
            self.let_go = self.let_go.once_more(by, until.min(now))?;
        }
        Ok(())
    }

    /// Who must leave it to others, and until when. A lapsed hold counts as let go, released or not.
    pub(crate) fn left_to_others(&self, rules: HoldRules, now: Timestamp) -> Option<(UserId, Timestamp)> {
        let lapsed = match (self.taker, self.held_until.value()) {
            (Some(by), Ok(Some(until))) if *until <= now => self.let_go.once_more(by, *until).ok(),
            _ => None,
        };
        lapsed.as_ref().unwrap_or(&self.let_go).left_to_others(rules, now)
    }

    /// How often it was let go in a row, at most.
    pub(super) fn let_go_at_most(&self, rules: HoldRules) -> u32 {
        self.let_go.at_most(rules)
    }
}

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
pub(super) use seat_columns;

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
    /// in that order and complete (its limit is `MAX_LIST`), and locks nothing.
    LOCK_WITH_SEATS {
        concat!(
            "select ", reservation_columns!("r."), ", r.concert_status, s.section, s.seat_row, s.place, \
             s.price as seat_price, s.is_reserved, s.reserved_until, s.reservation_id, s.reserved_by, ", let_go_columns!("s."), " \
             from (select ", reservation_columns!(""), ", ", concert_status!("reservations."), " \
             from reservations force index (primary) where id in ({ids}) order by concert_id, seat_number limit 256) r \
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

pub(super) fn look_at_seats(script: &mut Script, wanted: impl Iterator<Item = SeatKey>) -> Reading {
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
pub(super) fn strike_taken(assumed: &mut Assumed, made: &[Reservation], let_go_at_most: u32) {
    let taken: HashSet<Key> = made.iter().filter(|made| made.is_held()).map(|made| made.seat_key().into()).collect();
    assumed.strike(HOLDER, |seat, test| taken.contains(&seat) && test == Test::Equals(Value::Nothing));
    let_go::strike(assumed, |seat| taken.contains(&seat), let_go_at_most);
}

/// Sells seats that are held.
pub(crate) fn sell_seats(script: &mut Script, seats: Vec<SeatKey>, now: Timestamp) {
    let seats = seats.into_iter().map(SeatKey::pair).collect();
    script.change_keys("selling seats", 1, &SELL, seats, |params, seats| {
        params.bind("held_until", just_after(now)).each_group(seats, ["concert", "seats"])
    });
}

/// Gives free seats, each let go `let_go_at_most` times in a row, to the reservations that are made of them.
pub(super) fn take(script: &mut Script, made: &[Reservation], let_go_at_most: u32) {
    let held = made.iter().filter(|made| made.is_held());
    for (until, mut held) in grouped(held.map(|made| (made.expires_at, made))) {
        // By concert and price, so that the statement has few parts.
        held.sort_unstable_by_key(|made| (made.concert, made.price, made.seat));
        for held in held.chunks(MAX_LIST) {
            let users: Vec<_> = held.iter().map(|made| (made.seat_key(), made.user)).collect();
            let reservations: Vec<_> = held.iter().map(|made| (made.seat_key(), made.id)).collect();
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

pub(super) fn lock_halls(script: &mut Script, concerts: Vec<ConcertId>) -> Reading {
    script.select_keys(&LOCK_HALLS, concerts, |params, concerts| params.list("concerts", concerts))
}

/// All seats of some concerts, by number.
pub(super) struct Halls(Vec<(SeatKey, Seat)>);

impl Halls {
    pub(super) fn read(selected: &ResultSet, reading: &Reading) -> Result<Self, Failure> {
        let mut names = Names::default();
        Ok(Self(selected.rows(reading).map(|row| read_seat(row, &mut names)).collect::<Result<_, _>>()?))
    }

    /// The halls, by concert, in which the rules look for the best seats.
    pub(super) fn free(&mut self, rules: HoldRules, now: Timestamp) -> HashMap<ConcertId, Hall> {
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

    pub(super) fn into_seats(self) -> impl Iterator<Item = (SeatKey, Seat)> {
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
