//! The rules of holding a seat, over rows that are locked.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::{Answer, Command, Holder, Holds, Reservation, ReservationStatus, Rules, Seat, SeatKey};
use crate::batch::Attempt;
use crate::caller::Caller;
use crate::clock::{Timestamp, span};
use crate::error::Error;
use crate::id::{ConcertId, ReservationId, SeatNumber, UserId};
use crate::queue::{Token, require_active};

/// The rows that a batch concerns.
#[derive(Debug)]
pub(crate) struct Rows {
    /// The live token of each user.
    pub(crate) tokens: HashMap<UserId, Token>,
    /// Reservations that commands name, or made earlier. Their status may be out of date; their seat knows.
    pub(crate) known: HashMap<ReservationId, Reservation>,
    pub(crate) seats: HashMap<SeatKey, Seat>,
    pub(crate) holds: Holds,
    /// Those concerts that exist, of the ones whose seats are missing.
    pub(crate) concerts: HashSet<ConcertId>,
}

/// What a batch changes.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) seats: HashMap<SeatKey, SeatChange>,
    /// Holds from before the batch that end, and as what; their seats are in `seats`.
    pub(crate) closed: Vec<(ReservationId, ReservationStatus)>,
    /// New reservations, as they are at the end of the batch.
    pub(crate) made: Vec<Reservation>,
}

/// A seat passes from one reservation, or none, to another, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeatChange {
    pub(crate) from: Option<ReservationId>,
    pub(crate) to: Option<Holder>,
}

impl Effects {
    /// Moves a seat, remembering whom it belonged to before the batch.
    pub(super) fn pass(&mut self, key: SeatKey, seat: &mut Seat, to: Option<Holder>) {
        match self.seats.entry(key) {
            Entry::Occupied(mut change) => change.get_mut().to = to,
            Entry::Vacant(change) => {
                change.insert(SeatChange { from: seat.holder.map(|holder| holder.reservation), to });
            }
        }
        seat.holder = to;
    }

    pub(super) fn close(&mut self, id: ReservationId, status: ReservationStatus) {
        match self.made.iter_mut().find(|made| made.id == id) {
            Some(made) => made.status = status,
            None => self.closed.push((id, status)),
        }
    }
}

pub(crate) fn decide(
    rows: Rows,
    commands: &[Command],
    attempt: &Attempt,
    rules: Rules,
) -> (Vec<Result<Answer, Error>>, Effects) {
    let mut desk = Desk { now: attempt.now, recheck: attempt.recheck, rules, rows, effects: Effects::default() };
    let answers = commands
        .iter()
        .map(|command| match command {
            Command::Reserve { caller, concert, seat, id } => desk.reserve(caller, *concert, *seat, *id),
            Command::Cancel { caller, reservation } => desk.cancel(caller, *reservation),
        })
        .collect();
    (answers, desk.effects)
}

/// The seats in the course of a batch.
struct Desk {
    now: Timestamp,
    recheck: bool,
    rules: Rules,
    rows: Rows,
    effects: Effects,
}

impl Desk {
    /// Refuses in this order: key reused, token not ACTIVE, no such concert, no such seat, concert over, seat taken, too
    /// many holds.
    fn reserve(
        &mut self,
        caller: &Caller,
        concert: ConcertId,
        seat: SeatNumber,
        id: ReservationId,
    ) -> Result<Answer, Error> {
        if (caller.key.is_some() || self.recheck)
            && let Some(made) = self.rows.known.get(&id)
        {
            let same = made.user == caller.user && made.concert == concert && made.seat == seat;
            let first = Reservation { status: ReservationStatus::Held, ..made.clone() };
            return if same { Ok(Answer::Held(first)) } else { Err(Error::IdempotencyKeyReused) };
        }
        require_active(caller, self.rows.tokens.get(&caller.user), self.now)?;
        let key = SeatKey { concert, seat };
        let Some(row) = self.rows.seats.get_mut(&key) else {
            let known = self.rows.concerts.contains(&concert);
            return Err(if known { Error::SeatNotFound { seat } } else { Error::ConcertNotFound });
        };
        if row.performance_date < self.now.date_naive() {
            return Err(Error::ConcertOver);
        }
        if row.holder.is_some_and(|holder| holder.has_it(self.now)) {
            return Err(Error::SeatAlreadyReserved { seat });
        }
        let holds = self.rows.holds.entry(caller.user).or_default();
        if *holds >= self.rules.max_holds_per_user {
            return Err(Error::TooManyHolds { limit: self.rules.max_holds_per_user });
        }
        *holds += 1;
        if let Some(lapsed) = row.holder {
            self.effects.close(lapsed.reservation, ReservationStatus::Expired);
        }
        let expires_at = self.now + span(self.rules.hold_ttl);
        let made = Reservation {
            id,
            user: caller.user,
            concert,
            seat,
            status: ReservationStatus::Held,
            price: row.price,
            performance_date: row.performance_date,
            reserved_at: self.now,
            expires_at,
        };
        self.effects.pass(key, row, Some(Holder { reservation: id, user: caller.user, until: Some(expires_at) }));
        self.effects.made.push(made.clone());
        self.rows.known.insert(id, made.clone());
        Ok(Answer::Held(made))
    }

    /// Refuses in this order: no such reservation, not yours, queue token ended, paid. A hold that is gone already is
    /// given back as asked.
    fn cancel(&mut self, caller: &Caller, id: ReservationId) -> Result<Answer, Error> {
        let Some(reservation) = self.rows.known.get(&id) else {
            return Err(Error::ReservationNotFound);
        };
        if reservation.user != caller.user {
            return Err(Error::NotYours);
        }
        let live = self.rows.tokens.get(&caller.user).filter(|token| token.is_live(self.now));
        if caller.shows_ended_token(live.map(|token| token.id)) {
            return Err(Error::TokenEnded);
        }
        let key = reservation.seat_key();
        let Some(row) = self.rows.seats.get_mut(&key) else {
            return Ok(Answer::Cancelled);
        };
        match row.holder {
            Some(holder) if holder.reservation == id => {
                let Some(until) = holder.until else {
                    return Err(Error::AlreadyPaid);
                };
                let lapsed = until <= self.now;
                let status = if lapsed { ReservationStatus::Expired } else { ReservationStatus::Cancelled };
                if !lapsed && let Some(holds) = self.rows.holds.get_mut(&caller.user) {
                    *holds = holds.saturating_sub(1);
                }
                self.effects.close(id, status);
                self.effects.pass(key, row, None);
                Ok(Answer::Cancelled)
            }
            _ => Ok(Answer::Cancelled),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::id::TokenId;
    use crate::money::Money;
    use crate::queue::TokenStatus;

    /// Whoever knows how ids come from idempotency keys can name a hold that is being made.
    #[test]
    fn a_hold_made_and_given_back_in_one_batch_never_had_the_seat() {
        let now = DateTime::UNIX_EPOCH;
        let (user, concert, id) = (UserId::generate(), ConcertId::generate(), ReservationId::generate());
        let key = SeatKey { concert, seat: SeatNumber::new(1).expect("in range") };
        let token = Token {
            id: TokenId::generate(),
            user,
            ticket: 1,
            status: TokenStatus::Active,
            created_at: now,
            expires_at: now + TimeDelta::minutes(10),
            claimed_at: Some(now),
        };
        let price = Money::whole(100).expect("in range");
        let rows = Rows {
            tokens: HashMap::from([(user, token)]),
            known: HashMap::new(),
            seats: HashMap::from([(key, Seat { price, performance_date: now.date_naive(), holder: None })]),
            holds: Holds::new(),
            concerts: HashSet::new(),
        };
        let caller = Caller::verified(user);
        let commands = [
            Command::Reserve { caller: caller.clone(), concert, seat: key.seat, id },
            Command::Cancel { caller, reservation: id },
        ];
        let rules = Rules { hold_ttl: Duration::from_secs(300), max_holds_per_user: 1 };
        let (answers, effects) = decide(rows, &commands, &Attempt { now, recheck: false }, rules);
        assert!(matches!(answers[..], [Ok(Answer::Held(_)), Ok(Answer::Cancelled)]), "{answers:?}");
        assert_eq!(effects.closed, []);
        assert_eq!(effects.made[0].status, ReservationStatus::Cancelled);
        assert_eq!(effects.seats[&key], SeatChange { from: None, to: None });
    }
}
