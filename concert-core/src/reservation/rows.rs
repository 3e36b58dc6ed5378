//! What a batch of holds reads, and what it changes.

use hashbrown::{HashMap, hash_map::Entry};
use uuid::Uuid;

use super::best::Hall;
use super::layout::Concert;
use super::limits::{AddedSeats, TakenSeats};
use super::{HoldRules, Holds, Reservation, ReservationStatus, Seat, SeatKey, Users};
use crate::clock::Timestamp;
use crate::fact::{Column, Lookup, Unread};
use crate::id::{ConcertId, ReservationId};
use crate::operator::LogEntry;
use crate::queue::{LongerTurns, Turns};

/// The rows that a batch concerns.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) turns: Turns,
    /// Reservations that commands name, or made earlier. Their status may be out of date: the seat's row decides.
    pub(crate) known: Lookup<ReservationId, Reservation>,
    pub(crate) seats: HashMap<SeatKey, Seat>,
    /// The halls whose best seats are wanted. Not locked, unlike the seats that a batch takes.
    pub(crate) halls: HashMap<ConcertId, Hall>,
    pub(crate) holds: Holds,
    /// What they have of what is limited.
    pub(crate) taken: TakenSeats,
    /// Those who want to hold or to extend.
    pub(crate) users: Users,
    /// The concerts whose seats are wanted. A concert that is missing here does not exist.
    pub(crate) concerts: HashMap<ConcertId, Concert>,
    /// Extensions that commands of this batch made earlier, and the reservations that they named: for repeated calls.
    pub(crate) extensions: HashMap<Uuid, ReservationId>,
}

impl Rows {
    /// Makes the halls say of seats what their locked rows say. A seat without a row is not free.
    pub(super) fn correct_halls<'a>(
        &mut self,
        locked: impl IntoIterator<Item = &'a SeatKey>,
        rules: HoldRules,
        now: Timestamp,
    ) {
        for key in locked {
            let Some(hall) = self.halls.get_mut(&key.concert) else { continue };
            let is_free = self.seats.get_mut(key).is_some_and(|seat| seat.is_free(now));
            if is_free {
                hall.give_back(key.seat);
            } else {
                hall.take(key.seat);
            }
            hall.leave_to_others(key.seat, self.seats.get(key).and_then(|seat| seat.left_to_others(rules, now)));
        }
    }

    /// Notes in the halls to whom seats that were let go must not go.
    pub(super) fn leave_to_others(&mut self, let_go: &HashMap<SeatKey, Seat>, rules: HoldRules, now: Timestamp) {
        for (key, seat) in let_go {
            if let Some(hall) = self.halls.get_mut(&key.concert) {
                hall.leave_to_others(key.seat, seat.left_to_others(rules, now));
            }
        }
    }
}

/// May be assumed of a reservation: it was not made before.
pub(super) const MADE: Column = Column("reservations.id");

/// What a batch changes.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) seats: HashMap<SeatKey, SeatChange>,
    /// Holds from before the batch that end, and as what; their seats are in `seats`.
    pub(crate) closed: Vec<(ReservationId, ReservationStatus)>,
    /// Holds from before the batch whose deadline moves, and to when.
    pub(crate) extended: HashMap<ReservationId, Timestamp>,
    /// The ids of extensions with a key, each for the reservation that it named.
    pub(crate) extensions: Vec<(ReservationId, Uuid)>,
    /// New reservations, as they are at the end of the batch.
    pub(crate) made: Vec<Reservation>,
    /// Seats that are added to users under a limit.
    pub(crate) added: AddedSeats,
    /// How often in a row any of the seats that are taken was let go before, at most.
    pub(crate) let_go_at_most: u32,
    /// A turn lasts as long as what is held in it.
    pub(crate) turns: LongerTurns,
    /// How often a seat was passed on: it tells whether a command changed anything.
    pub(crate) passed: usize,
    pub(crate) log: Vec<LogEntry>,
}

/// A seat passes from one reservation, or none, to another, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeatChange {
    pub(crate) from: Option<ReservationId>,
    pub(crate) to: Option<ReservationId>,
}

impl Effects {
    /// None so far, with room for those of so many seats.
    pub(super) fn for_seats(count: usize) -> Self {
        Self { seats: HashMap::with_capacity(count), made: Vec::with_capacity(count), ..Self::default() }
    }

    /// Passes a seat on, remembering who had it before the batch.
    pub(super) fn pass(
        &mut self,
        key: SeatKey,
        seat: &mut Seat,
        to: Option<ReservationId>,
        held_until: Option<Timestamp>,
    ) -> Result<(), Unread> {
        match self.seats.entry(key) {
            // `from` stays: it is who had the seat before the batch.
            Entry::Occupied(mut change) => change.get_mut().to = to,
            Entry::Vacant(change) => {
                change.insert(SeatChange { from: seat.holder()?, to });
            }
        }
        self.passed += 1;
        seat.pass_to(to, held_until);
        Ok(())
    }

    /// Whether it is a hold from before the batch. Another one never had its seat, as far as anybody else can see.
    pub(super) fn close(&mut self, id: ReservationId, status: ReservationStatus) -> bool {
        // A hold that ends is not extended as well: that statement would find it released, and fail the batch.
        self.extended.remove(&id);
        if let Some(made) = self.made(id) {
            made.status = status;
            return false;
        }
        self.closed.push((id, status));
        true
    }

    /// Counts the holds that ended without being paid.
    pub(super) fn count_unpaid_ends(&self) {
        for (status, ended) in [(ReservationStatus::Cancelled, "given_back"), (ReservationStatus::Expired, "lapsed")] {
            let count = self.closed.iter().filter(|(_, as_what)| *as_what == status).count();
            if count > 0 {
                metrics::counter!("concert_holds_unpaid_total", "ended" => ended).increment(count as u64);
            }
        }
    }

    pub(super) fn extend(&mut self, id: ReservationId, until: Timestamp, now: Timestamp) {
        match self.made(id) {
            Some(made) => (made.expires_at, made.extended_at) = (until, Some(now)),
            None => drop(self.extended.insert(id, until)),
        }
    }

    fn made(&mut self, id: ReservationId) -> Option<&mut Reservation> {
        self.made.iter_mut().find(|made| made.id == id)
    }
}
