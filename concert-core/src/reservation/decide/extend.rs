//! Moving the deadline of what is held.

use uuid::Uuid;

use super::Desk;
use crate::caller::Caller;
use crate::clock::span;
use crate::concert_status::ConcertStatus;
use crate::error::Error;
use crate::fact::Unread;
use crate::id::ReservationId;
use crate::queue::require_shown_live;
use crate::reservation::{Answer, HoldState, OrderRef, Reservation, refusal_for};

impl Desk {
    /// Refuses in this order: key reused, token not ACTIVE, no such user, no such reservation, not yours, concert called off,
    /// nothing held (paid, given back, refunded or lapsed), extended already, the turn cannot last longer than the hold.
    pub(super) fn extend(&mut self, caller: &Caller, id: ReservationId, act: Option<Uuid>) -> Result<Answer, Error> {
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
        let asked = self.rows.known.get(id).ok_or(Error::ReservationNotFound)?.clone();
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
            return Err(self.nothing_held(&asked, &named, sold));
        };
        // The reservations were read before the seats were locked: a seat with another deadline was extended since.
        if held.iter().any(|reservation| reservation.extended_at.is_some() || reservation.expires_at != deadline) {
            return if self.may_have_committed {
                Ok(Answer::Extended(deadline))
            } else {
                Err(Error::HoldAlreadyExtended)
            };
        }
        // However it is extended, nobody keeps a seat unpaid for longer than twice the time of a hold.
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

    /// Why there is nothing to extend. A refund of the one that was named says more than what became of the rest of its
    /// order.
    fn nothing_held(&mut self, asked: &Reservation, named: &[Reservation], sold: bool) -> Error {
        let was_sold = self.hold_state(asked) == HoldState::Sold;
        match refusal_for(std::slice::from_ref(asked), was_sold) {
            Error::AlreadyRefunded => Error::AlreadyRefunded,
            _ => refusal_for(named, sold),
        }
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
}
