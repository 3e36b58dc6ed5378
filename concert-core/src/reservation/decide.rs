//! The rules of holding, cancelling and extending, over rows that are locked or assumed.

mod extend;
mod seats;

use super::layout::Concert;
use super::rows::{Effects, Rows};
use super::seating::Seatings;
use super::{
    Answer, Command, HoldRules, HoldState, OrderRef, Reservation, ReservationStatus, SeatKey, Wanted, logged, total,
};
use crate::batch::Attempt;
use crate::caller::Caller;
use crate::clock::{Timestamp, span};
use crate::concert_status::ConcertStatus;
use crate::error::Error;
use crate::fact::Unread;
use crate::id::{ConcertId, OrderId, ReservationId, SaleId, UserId};
use crate::money::Money;
use crate::phase;
use crate::queue::{require_active, require_shown_live};

pub(crate) fn decide(
    rows: Rows,
    commands: &[Command],
    attempt: &Attempt,
    rules: HoldRules,
) -> (Vec<Result<Answer, Error>>, Effects) {
    let mut desk = Desk::new(rows, attempt, rules);
    let answers = commands.iter().map(|command| desk.carry_out(command)).collect();
    (answers, desk.effects)
}

/// The best seats that these commands would choose, of those in `seatings`, locked or not.
pub(super) fn best_seats(
    rows: Rows,
    seatings: Seatings,
    commands: &[Command],
    attempt: &Attempt,
    rules: HoldRules,
) -> Vec<SeatKey> {
    let mut desk = Desk { seatings, ..Desk::new(rows, attempt, rules) };
    for command in commands {
        // Answers and refusals do not matter here: only what was chosen does.
        let _ = desk.carry_out(command);
    }
    desk.best
}

/// The seats in the course of a batch.
struct Desk {
    now: Timestamp,
    may_have_committed: bool,
    rules: HoldRules,
    rows: Rows,
    effects: Effects,
    /// The best seats that were chosen, whether or not they were then held.
    best: Vec<SeatKey>,
    /// Where nothing is carried out, the seats that need not be among the rows.
    seatings: Seatings,
}

impl Desk {
    fn new(rows: Rows, attempt: &Attempt, rules: HoldRules) -> Self {
        let &Attempt { now, may_have_committed } = attempt;
        let (effects, best, seatings) = (Effects::for_seats(rows.seats.len()), Vec::new(), Seatings::default());
        Self { now, may_have_committed, rules, rows, effects, best, seatings }
    }

    fn carry_out(&mut self, command: &Command) -> Result<Answer, Error> {
        let signature = command.caller().signature.as_ref();
        // Of an order that is extended: as it was.
        let before = match command {
            Command::Extend { reservation, .. } if signature.is_some() => self.rows.known.get(*reservation).cloned(),
            _ => None,
        };
        let passed = self.effects.passed;
        let answer = match command {
            Command::Hold { caller, concert, wanted, ids } => self.hold(caller, *concert, wanted, ids),
            Command::Cancel { caller, what } => self.cancel(caller, *what),
            Command::Extend { caller, reservation, id } => self.extend(caller, *reservation, *id),
        }?;
        // A repeated command changes nothing.
        if let Some(signature) = signature.filter(|_| self.effects.passed > passed) {
            self.effects.log.push(logged::entry(command, &answer, before.as_ref(), signature, self.now));
        }
        Ok(answer)
    }

    /// Refuses in this order: key reused, token not ACTIVE, no such user, user disabled, no such concert, no such section or seat, concert
    /// called off, over or closed, sale closed, seats not on sale, seats taken or too few of them free (or not together),
    /// seats held too often in a row, more seats than one user may have, too many holds, too large a total.
    fn hold(
        &mut self,
        caller: &Caller,
        concert: ConcertId,
        wanted: &Wanted,
        ids: &[ReservationId],
    ) -> Result<Answer, Error> {
        if (caller.key.is_some() || self.may_have_committed)
            && let Some(made) = self.held_before(caller, ids)
            && self.proves_own_rows(caller)
        {
            return made;
        }
        if !caller.bypasses_queue {
            let hall = self.rows.concerts.get(&concert).copied();
            self.require_turn(caller, hall.map(|hall| hall.sale))?;
        }
        self.require_user(caller)?;
        let seats = match wanted {
            Wanted::Seats(seats) => self.named_seats(caller.user, concert, seats)?,
            Wanted::BestAvailable { .. } | Wanted::BestTogether { .. } => {
                let best = wanted.best().ok_or(Unread)?;
                self.best(caller.user, concert, best)?
            }
        };
        let (limits, more) = (Vec::from_iter(self.concert(concert)?.limits(concert)), ids.len() as u32);
        // Checked after the seats: a user at the limit still learns which seats are taken.
        limits.iter().try_for_each(|limit| self.rows.taken.require(caller.user, *limit, more))?;
        let limit = self.rules.max_holds_per_user;
        let holds = self.rows.holds.get_mut(&caller.user).ok_or(Unread)?;
        if !holds.fit(more, limit) {
            return Err(Error::TooManyHolds { limit, held: None, yours: Vec::new() });
        }
        // Such an order could never be paid: no wallet holds that much.
        if total(seats.iter().map(|key| self.rows.seats[key].price)).is_none() {
            return Err(Error::invalid(format!("an order costs at most {}", Money::MAX)));
        }
        holds.add(more);
        for limit in limits {
            self.rows.taken.add(caller.user, limit.of, more);
            self.effects.added.add(caller.user, limit, more);
        }
        let (sale, wanted) = (self.concert(concert)?.sale, self.now + span(self.rules.hold_ttl));
        let until = if caller.bypasses_queue { wanted } else { self.lengthen_turn(caller.user, sale, wanted)? };
        let shared_order = (ids.len() > 1).then(|| OrderId::from(ids[0]));
        let take = |(key, id): (_, &_)| self.take(caller, key, (*id, shared_order), until);
        seats.into_iter().zip(ids).map(take).collect::<Result<_, _>>().map(Answer::Held)
    }

    /// The answer to a repeated command; `None`: it was not carried out before. Until the deadline it is the first
    /// answer; after that it says what has become of the hold.
    fn held_before(&self, caller: &Caller, ids: &[ReservationId]) -> Option<Result<Answer, Error>> {
        // Ids depend on the number of seats: with another number, all but the first are unknown.
        let first = self.rows.known.get(*ids.first()?)?;
        if first.fingerprint != caller.fingerprint {
            return Some(Err(Error::IdempotencyKeyReused));
        }
        let at_present = |made: &Reservation| match made.status_at(self.now) {
            _ if self.now < made.expires_at => Reservation { status: ReservationStatus::Held, ..made.clone() },
            status => Reservation { status, ..made.clone() },
        };
        let made = ids.iter().filter_map(|id| self.rows.known.get(*id));
        Some(Ok(Answer::Held(made.map(at_present).collect())))
    }

    /// Whether a repeated command is answered: a key is no credential, so a queue token that was shown must still be in
    /// the queue. A command without a key is its own retry, and was proved before.
    fn proves_own_rows(&mut self, caller: &Caller) -> bool {
        let turn = self.rows.turns.shown_by(caller);
        caller.key.is_none() || require_shown_live(caller, turn, self.now).is_ok()
    }

    /// The turn must be one in the sale. Where there is no such concert, any turn will do to learn that.
    fn require_turn(&mut self, caller: &Caller, sale: Option<SaleId>) -> Result<(), Error> {
        let turn = match sale {
            Some(sale) => self.rows.turns.in_sale(caller.user, sale),
            None => self.rows.turns.any_of(caller, self.now),
        };
        require_active(caller, turn, self.now)
    }

    /// Makes a turn last until `wanted`, or as long as it can, and says until when. Near the end of the longest turn there
    /// is, holds are shorter: whatever is held can be paid until its deadline.
    fn lengthen_turn(&mut self, user: UserId, sale: SaleId, wanted: Timestamp) -> Result<Timestamp, Unread> {
        let turn = self.rows.turns.in_sale(user, sale).ok_or(Unread)?;
        let until = turn.bounded(wanted, self.rules.longest_turn())?;
        self.effects.turns.lengthen(user, sale, turn, until);
        Ok(until)
    }

    fn require_user(&mut self, caller: &Caller) -> Result<(), Error> {
        let is_enabled = self.rows.users.get_mut(&caller.user).ok_or(Error::UserNotFound)?;
        if is_enabled.equals(true) { Ok(()) } else { Err(Error::UserDisabled) }
    }

    fn concert(&self, concert: ConcertId) -> Result<Concert, Error> {
        self.rows.concerts.get(&concert).copied().ok_or(Error::ConcertNotFound)
    }

    /// The one rule of whether anything of a concert can be held now.
    fn require_on_sale(&self, concert: ConcertId) -> Result<(), Error> {
        let concert = self.concert(concert)?;
        concert.bookable.check(self.now)?;
        if phase::is_over(concert.sale_closes_at, self.now) {
            return Err(Error::SaleClosed);
        }
        Ok(())
    }

    /// Holds a free seat.
    fn take(
        &mut self,
        caller: &Caller,
        key: SeatKey,
        (id, shared_order): (ReservationId, Option<OrderId>),
        expires_at: Timestamp,
    ) -> Result<Reservation, Error> {
        let is_first = shared_order.is_none_or(|order| order == OrderId::from(id));
        let seat = self.rows.seats.get(&key).ok_or(Error::SeatNotFound { seat: key.seat })?;
        let made = Reservation {
            id,
            user: caller.user,
            concert: key.concert,
            sale: self.concert(key.concert)?.sale,
            concert_status: ConcertStatus::OnSale,
            seat: key.seat,
            section: seat.section.clone(),
            row: seat.row.clone(),
            status: ReservationStatus::Held,
            price: seat.price,
            performance_date: self.concert(key.concert)?.date,
            reserved_at: self.now,
            expires_at,
            extended_at: None,
            bypassed_queue: caller.bypasses_queue,
            shared_order,
            // Once in an order: a repeated call looks at its first id.
            fingerprint: caller.fingerprint.filter(|_| is_first),
        };
        // The sweep has not released it yet. Released here, since a seat has one live reservation at most.
        if let Some(lapsed) = seat.holder()? {
            self.close(lapsed, key, ReservationStatus::Expired)?;
        }
        self.pass(key, Some(id), Some(expires_at))?;
        if let Some(seat) = self.rows.seats.get_mut(&key) {
            seat.take_for(caller.user);
            self.effects.let_go_at_most = self.effects.let_go_at_most.max(seat.let_go_at_most(self.rules));
        }
        self.effects.made.push(made.clone());
        self.rows.known.insert(id, made.clone());
        Ok(made)
    }

    /// Refuses in this order: no such reservation or order, not yours, queue token ended, nothing held and something
    /// paid. Holds that are already gone count as given back. Paid seats of an order stay paid.
    fn cancel(&mut self, caller: &Caller, what: OrderRef) -> Result<Answer, Error> {
        // All that is known, so an assumed batch stops here: who gives back needs rows.
        let named: Vec<_> = what.among(self.rows.known.all()?)?.into_iter().cloned().collect();
        if named.iter().any(|reservation| reservation.user != caller.user) {
            return Err(Error::NotYours);
        }
        require_shown_live(caller, self.rows.turns.shown_by(caller), self.now)?;
        let (mut held, mut sold, mut given_back) = (false, false, Vec::new());
        for reservation in named {
            match self.hold_state(&reservation) {
                HoldState::Held => {
                    held = true;
                    given_back.push((reservation, ReservationStatus::Cancelled));
                }
                HoldState::Lapsed => given_back.push((reservation, ReservationStatus::Expired)),
                HoldState::Sold => sold = true,
                HoldState::Gone => {}
            }
        }
        // A lapsed hold counts as gone: the answer must not depend on whether the sweep has released it.
        if sold && !held {
            return Err(Error::AlreadyPaid);
        }
        for (reservation, status) in given_back {
            if status == ReservationStatus::Cancelled
                && let Some(holds) = self.rows.holds.get_mut(&caller.user)
            {
                holds.remove_one();
                self.rows.taken.remove_one(caller.user, reservation.concert, reservation.sale);
            }
            self.close(reservation.id, reservation.seat_key(), status)?;
            self.pass(reservation.seat_key(), None, None)?;
        }
        Ok(Answer::Cancelled)
    }

    fn hold_state(&mut self, reservation: &Reservation) -> HoldState {
        let seat = self.rows.seats.get_mut(&reservation.seat_key());
        seat.map_or(HoldState::Gone, |seat| seat.hold_state(reservation.id, self.now))
    }

    /// Ends the hold that has a seat, unpaid.
    fn close(&mut self, id: ReservationId, key: SeatKey, status: ReservationStatus) -> Result<(), Unread> {
        if self.effects.close(id, status)
            && let Some(seat) = self.rows.seats.get_mut(&key)
        {
            seat.let_go(self.now)?;
        }
        if let Some(known) = self.rows.known.get_mut(id) {
            known.status = status;
        }
        // Another command of the batch may look for the best seats.
        let left_to_others = self.left_to_others(key);
        if let Some(hall) = self.rows.halls.get_mut(&key.concert) {
            hall.leave_to_others(key.seat, left_to_others);
        }
        Ok(())
    }

    fn pass(&mut self, key: SeatKey, to: Option<ReservationId>, held_until: Option<Timestamp>) -> Result<(), Unread> {
        if let Some(seat) = self.rows.seats.get_mut(&key) {
            self.effects.pass(key, seat, to, held_until)?;
        }
        if let Some(hall) = self.rows.halls.get_mut(&key.concert) {
            if to.is_some() { hall.take(key.seat) } else { hall.give_back(key.seat) }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
