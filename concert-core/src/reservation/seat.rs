//! Seats under lock. A seat's row is the lock of the reservation that has it.

mod store;

use std::sync::Arc;

#[cfg(any(test, feature = "internals"))]
pub(super) use self::store::STATEMENTS;
pub(super) use self::store::{Halls, lock_halls, look_at_seats, seat_columns, strike_taken, take};
pub(crate) use self::store::{lock_seats, lock_with_seats, read_seats, sell_seats, strike_sold};
use super::HoldRules;
use super::let_go::LetGo;
use crate::clock::{Timestamp, just_after};
use crate::fact::{Assumptions, Column, Fact, Key, Unread};
use crate::id::{ConcertId, ReservationId, SeatNumber, UserId};
use crate::money::Money;

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
