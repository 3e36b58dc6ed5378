//! The rules of holding, cancelling and extending, over rows that are locked or assumed.

use uuid::Uuid;

use super::best::Hall;
use super::layout::Concert;
use super::rows::{Effects, Rows};
use super::{
    Answer, Best, Command, HoldRules, HoldState, OrderRef, Reservation, ReservationStatus, Seat, SeatKey, Wanted,
    logged, refusal_for, total,
};
use crate::batch::Attempt;
use crate::caller::Caller;
use crate::clock::{Timestamp, span};
use crate::concert_status::ConcertStatus;
use crate::error::Error;
use crate::fact::Unread;
use crate::id::{ConcertId, OrderId, ReservationId, SaleId, SeatNumber, UserId};
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

/// The best seats that these commands would choose.
pub(crate) fn best_seats(rows: Rows, commands: &[Command], attempt: &Attempt, rules: HoldRules) -> Vec<SeatKey> {
    let mut desk = Desk::new(rows, attempt, rules);
    for command in commands {
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
}

impl Desk {
    fn new(rows: Rows, attempt: &Attempt, rules: HoldRules) -> Self {
        let &Attempt { now, may_have_committed } = attempt;
        Self { now, may_have_committed, rules, rows, effects: Effects::default(), best: Vec::new() }
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

    /// Refuses in this order: key reused, token not ACTIVE, no such user, no such concert, no such section or seat, concert
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
            return Err(Error::TooManyHolds { limit });
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
        let is_there = self.rows.users.get_mut(&caller.user).is_some_and(|user| user.equals(true));
        if is_there { Ok(()) } else { Err(Error::UserNotFound) }
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

    /// The named seats, if all are free, and none is left to others than `user`.
    fn named_seats(&mut self, user: UserId, concert: ConcertId, seats: &[SeatNumber]) -> Result<Vec<SeatKey>, Error> {
        self.concert(concert)?;
        let keys: Vec<_> = seats.iter().map(|seat| SeatKey { concert, seat: *seat }).collect();
        if let Some(missing) = keys.iter().find(|key| !self.rows.seats.contains_key(key)) {
            return Err(Error::SeatNotFound { seat: missing.seat });
        }
        self.require_on_sale(concert)?;
        let is_blocked = |key: &&SeatKey| self.rows.seats.get(key).is_some_and(Seat::is_blocked);
        let blocked: Vec<_> = keys.iter().filter(is_blocked).map(|key| key.seat).collect();
        if !blocked.is_empty() {
            return Err(Error::SeatBlocked { seats: blocked });
        }
        let rows = &mut self.rows.seats;
        let is_taken = |key: &&SeatKey| rows.get_mut(key).is_some_and(|seat| !seat.is_free(self.now));
        let taken: Vec<_> = keys.iter().filter(is_taken).map(|key| key.seat).collect();
        if !taken.is_empty() {
            let own = |key: &SeatKey| Some((key.seat, self.rows.seats.get(key)?.own_hold(user)?));
            let yours = keys.iter().filter(|key| taken.contains(&key.seat)).filter_map(own).collect();
            return Err(Error::SeatAlreadyReserved { seats: taken, yours });
        }
        for key in &keys {
            if let Some((_, until)) = self.left_to_others(*key).filter(|(left_by, _)| *left_by == user) {
                return Err(self.held_too_often(key.seat, until));
            }
        }
        Ok(keys)
    }

    fn left_to_others(&self, key: SeatKey) -> Option<(UserId, Timestamp)> {
        self.rows.seats.get(&key)?.left_to_others(self.rules, self.now)
    }

    fn held_too_often(&self, seat: SeatNumber, until: Timestamp) -> Error {
        let wait = (until - self.now).to_std().unwrap_or_default();
        Error::SeatHeldTooOften { seat, times: self.rules.max_holds_in_a_row, wait }
    }

    /// The best free seats, without those that are left to others than `user`.
    fn best(
        &mut self,
        user: UserId,
        concert: ConcertId,
        Best { count, section, together }: Best<'_>,
    ) -> Result<Vec<SeatKey>, Error> {
        self.concert(concert)?;
        let hall = self.rows.halls.get(&concert).ok_or(Error::ConcertNotFound)?;
        if let Some(section) = section.filter(|section| !hall.has_section(section)) {
            return Err(Error::SectionNotFound { section: section.to_owned() });
        }
        self.require_on_sale(concert)?;
        let choose = |hall: &Hall| if together { hall.together(count, section) } else { hall.best(count, section) };
        let Some(seats) = choose(&hall.open_to(user)) else {
            let free = hall.free(section);
            // Where it is only because of seats that are left to others, the refusal says so.
            let left = choose(hall).and_then(|_| hall.first_left_to_others(user, section));
            return Err(match left {
                Some((seat, until)) => self.held_too_often(seat, until),
                None if together && free >= count => Error::SeatsNotTogether { count },
                None => Error::NotEnoughSeats { free },
            });
        };
        self.best.extend(seats.iter().map(|seat| SeatKey { concert, seat: *seat }));
        // Only locked seats can be taken. `lock` has locked all that the rules choose.
        self.named_seats(user, concert, &seats)
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

    /// Refuses in this order: key reused, token not ACTIVE, no such user, no such reservation, not yours, concert called off,
    /// nothing held (paid, given back, refunded or lapsed), extended already, the turn cannot last longer than the hold.
    fn extend(&mut self, caller: &Caller, id: ReservationId, act: Option<Uuid>) -> Result<Answer, Error> {
        if let Some(made) = self.extended_before(id, act)?
            && self.proves_own_rows(caller)
        {
            return made;
        }
        let (sale, past_queue) = match self.rows.known.get(id) {
            Some(asked) => (Some(asked.sale), asked.bypassed_queue && asked.user == caller.user),
            None => (None, false),
        };
        match past_queue {
            true => require_shown_live(caller, self.rows.turns.shown_by(caller), self.now)?,
            false => self.require_turn(caller, sale)?,
        }
        self.require_user(caller)?;
        let asked = self.rows.known.get(id).ok_or(Error::ReservationNotFound)?;
        if asked.user != caller.user {
            return Err(Error::NotYours);
        }
        if asked.concert_status == ConcertStatus::Cancelled {
            return Err(Error::ConcertCancelled);
        }
        let named = OrderRef::Order(asked.order()).among(self.rows.known.all()?)?;
        let named: Vec<_> = named.into_iter().cloned().collect();
        let (mut sold, mut held, mut deadline) = (false, Vec::new(), self.now);
        for reservation in &named {
            match self.hold_state(reservation) {
                HoldState::Held => {
                    let seat = self.rows.seats.get(&reservation.seat_key()).ok_or(Unread)?;
                    deadline = seat.held_until()?.unwrap_or(deadline);
                    held.push(reservation.clone());
                }
                HoldState::Sold => sold = true,
                HoldState::Lapsed | HoldState::Gone => {}
            }
        }
        let Some(first) = held.first() else {
            return Err(refusal_for(&named, sold));
        };
        // The reservations were read before the seats were locked: another deadline at the seat means an extension
        // since.
        if held.iter().any(|reservation| reservation.extended_at.is_some() || reservation.expires_at != deadline) {
            return if self.may_have_committed {
                Ok(Answer::Extended(deadline))
            } else {
                Err(Error::HoldAlreadyExtended)
            };
        }
        let longest = first.reserved_at + span(self.rules.hold_ttl) * 2;
        let wanted = (deadline + span(self.rules.hold_extension)).min(longest);
        let sale = first.sale;
        // The turn lasts as long, so that no seat is kept by a user who can no longer pay.
        let until = if past_queue { wanted } else { self.lengthen_turn(caller.user, sale, wanted)? };
        if until <= deadline {
            return Err(Error::HoldOutlastsTurn);
        }
        for reservation in held {
            let id = reservation.id;
            self.effects.extend(id, until, self.now);
            self.pass(reservation.seat_key(), Some(id), Some(until))?;
            if let Some(known) = self.rows.known.get_mut(id) {
                (known.expires_at, known.extended_at) = (until, Some(self.now));
            }
        }
        if let Some(act) = act {
            self.rows.extensions.insert(act, id);
            self.effects.extensions.push((id, act));
        }
        Ok(Answer::Extended(until))
    }

    /// The answer to a repeated command with a key; `None`: it was not carried out before.
    fn extended_before(&self, id: ReservationId, act: Option<Uuid>) -> Result<Option<Result<Answer, Error>>, Error> {
        let Some(named) = act.and_then(|act| self.rows.extensions.get(&act)) else { return Ok(None) };
        let asked = self.rows.known.get(id).filter(|asked| asked.id == *named);
        let Some(asked) = asked else { return Ok(Some(Err(Error::IdempotencyKeyReused))) };
        // The one that was named may have been given back before, so that its deadline was not moved.
        let order = OrderRef::Order(asked.order()).among(self.rows.known.all()?)?;
        let extended = order.iter().find(|one| one.extended_at.is_some());
        Ok(extended.map(|one| Ok(Answer::Extended(one.expires_at))))
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
