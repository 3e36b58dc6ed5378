//! The rules of holding a seat, over rows that are locked.

use chrono::NaiveDate;

use super::rows::{Effects, Rows};
use super::{
    Answer, Command, Holder, Named, Reservation, ReservationStatus, Rules, SeatKey, Wanted, total, why_not_held,
};
use crate::batch::Attempt;
use crate::caller::Caller;
use crate::clock::{Timestamp, span};
use crate::error::Error;
use crate::id::{ConcertId, OrderId, ReservationId, SeatNumber, UserId};
use crate::money::Money;
use crate::queue::require_active;

pub(crate) fn decide(
    rows: Rows,
    commands: &[Command],
    attempt: &Attempt,
    rules: Rules,
) -> (Vec<Result<Answer, Error>>, Effects) {
    let mut desk = Desk::new(rows, attempt, rules);
    let answers = commands.iter().map(|command| desk.carry_out(command)).collect();
    (answers, desk.effects)
}

/// The seats that commands who seek the best ones would look at, besides those that are named.
pub(crate) fn best_seats(rows: Rows, commands: &[Command], attempt: &Attempt, rules: Rules) -> Vec<SeatKey> {
    let mut desk = Desk::new(rows, attempt, rules);
    for command in commands {
        let _ = desk.carry_out(command);
    }
    desk.best
}

/// The seats in the course of a batch.
struct Desk {
    now: Timestamp,
    recheck: bool,
    rules: Rules,
    rows: Rows,
    effects: Effects,
    /// What was best when it was sought, whether or not it was then held.
    best: Vec<SeatKey>,
}

/// How a reservation stands, as its seat knows.
enum Standing {
    Held(Timestamp),
    Lapsed,
    Sold,
    /// It does not have its seat any more.
    Gone,
}

impl Desk {
    fn new(rows: Rows, attempt: &Attempt, rules: Rules) -> Self {
        let &Attempt { now, recheck } = attempt;
        Self { now, recheck, rules, rows, effects: Effects::default(), best: Vec::new() }
    }

    fn carry_out(&mut self, command: &Command) -> Result<Answer, Error> {
        match command {
            Command::Hold { caller, concert, wanted, ids } => self.hold(caller, *concert, wanted, ids),
            Command::Cancel { caller, what } => self.cancel(caller, *what),
            Command::Extend { caller, reservation } => self.extend(caller, *reservation),
        }
    }

    /// Refuses in this order: key reused, token not ACTIVE, no such concert, no such section or seat, concert over, seats
    /// taken or too few of them free, too many holds, too large a total.
    fn hold(
        &mut self,
        caller: &Caller,
        concert: ConcertId,
        wanted: &Wanted,
        ids: &[ReservationId],
    ) -> Result<Answer, Error> {
        if (caller.key.is_some() || self.recheck)
            && let Some(made) = self.held_before(caller, concert, wanted, ids)
        {
            return made;
        }
        require_active(caller, self.rows.tokens.get(&caller.user), self.now)?;
        let seats = match wanted {
            Wanted::Seats(seats) => self.these(concert, seats)?,
            Wanted::BestAvailable { count, section } => self.best(concert, *count, section.as_deref())?,
        };
        let limit = self.rules.max_holds_per_user;
        let holds = self.rows.holds.entry(caller.user).or_default();
        let held = holds.saturating_add(ids.len() as u32);
        if held > limit {
            return Err(Error::TooManyHolds { limit });
        }
        if total(seats.iter().map(|key| self.rows.seats[key].price)).is_none() {
            return Err(Error::invalid(format!("an order costs at most {}", Money::MAX)));
        }
        *holds = held;
        let shared_order = (ids.len() > 1).then(|| OrderId::from(ids[0]));
        let taken = seats.into_iter().zip(ids);
        Ok(Answer::Held(taken.map(|(key, id)| self.take(caller.user, key, *id, shared_order)).collect()))
    }

    /// The answer to a command that was carried out before, if it was.
    fn held_before(
        &self,
        caller: &Caller,
        concert: ConcertId,
        wanted: &Wanted,
        ids: &[ReservationId],
    ) -> Option<Result<Answer, Error>> {
        let first = self.rows.known.get(ids.first()?)?;
        // Of another number of seats all ids but the first are others.
        let made = ids.iter().filter_map(|id| self.rows.known.get(id));
        let made: Vec<_> = made.map(|made| Reservation { status: ReservationStatus::Held, ..made.clone() }).collect();
        let whole = made.len() == ids.len() && (ids.len() == 1) == first.shared_order.is_none();
        let same = first.user == caller.user && first.concert == concert && wanted.is_met_by(&made);
        Some(if whole && same { Ok(Answer::Held(made)) } else { Err(Error::IdempotencyKeyReused) })
    }

    fn date(&self, concert: ConcertId) -> Result<NaiveDate, Error> {
        self.rows.concerts.get(&concert).copied().ok_or(Error::ConcertNotFound)
    }

    /// These seats, if they are free.
    fn these(&self, concert: ConcertId, seats: &[SeatNumber]) -> Result<Vec<SeatKey>, Error> {
        let date = self.date(concert)?;
        let keys: Vec<_> = seats.iter().map(|seat| SeatKey { concert, seat: *seat }).collect();
        let mut rows = Vec::with_capacity(keys.len());
        for key in &keys {
            rows.push(self.rows.seats.get(key).ok_or(Error::SeatNotFound { seat: key.seat })?);
        }
        if date < self.now.date_naive() {
            return Err(Error::ConcertOver);
        }
        let taken = seats.iter().zip(&rows).filter(|(_, row)| !row.is_free(self.now)).map(|(seat, _)| *seat);
        let taken: Vec<_> = taken.collect();
        if taken.is_empty() { Ok(keys) } else { Err(Error::SeatAlreadyReserved { seats: taken }) }
    }

    /// The best of the seats that are free.
    fn best(&mut self, concert: ConcertId, count: usize, section: Option<&str>) -> Result<Vec<SeatKey>, Error> {
        let date = self.date(concert)?;
        let hall = self.rows.halls.get(&concert).ok_or(Error::ConcertNotFound)?;
        if let Some(section) = section.filter(|section| !hall.has_section(section)) {
            return Err(Error::SectionNotFound { section: section.to_owned() });
        }
        if date < self.now.date_naive() {
            return Err(Error::ConcertOver);
        }
        let Some(mut seats) = hall.best(count, section) else {
            return Err(Error::NotEnoughSeats { free: hall.free(section) });
        };
        seats.sort_unstable();
        self.best.extend(seats.iter().map(|seat| SeatKey { concert, seat: *seat }));
        // What was not locked cannot be taken; `lock` has seen to it that there is none.
        self.these(concert, &seats)
    }

    /// Holds a seat that is free.
    fn take(&mut self, user: UserId, key: SeatKey, id: ReservationId, shared_order: Option<OrderId>) -> Reservation {
        let expires_at = self.now + span(self.rules.hold_ttl);
        let lapsed = self.rows.seats[&key].holder;
        if let Some(lapsed) = lapsed {
            self.close(lapsed.reservation, ReservationStatus::Expired);
        }
        let row = &self.rows.seats[&key];
        let made = Reservation {
            id,
            user,
            concert: key.concert,
            seat: key.seat,
            section: row.section.clone(),
            row: row.row.clone(),
            status: ReservationStatus::Held,
            price: row.price,
            performance_date: self.rows.concerts[&key.concert],
            reserved_at: self.now,
            expires_at,
            extended_at: None,
            shared_order,
        };
        self.pass(key, Some(Holder { reservation: id, user, until: Some(expires_at) }));
        self.effects.made.push(made.clone());
        self.rows.known.insert(id, made.clone());
        made
    }

    /// Refuses in this order: no such reservation or order, not yours, queue token ended, nothing held and something paid.
    /// Holds that are gone already are given back as asked; seats of an order that are paid stay so.
    fn cancel(&mut self, caller: &Caller, what: Named) -> Result<Answer, Error> {
        let named = what.among(&self.rows.known)?;
        if named.iter().any(|reservation| reservation.user != caller.user) {
            return Err(Error::NotYours);
        }
        let live = self.rows.tokens.get(&caller.user).filter(|token| token.is_live(self.now));
        if caller.shows_ended_token(live.map(|token| token.id)) {
            return Err(Error::TokenEnded);
        }
        let (mut held, mut sold, mut given_back) = (false, false, Vec::new());
        for reservation in named {
            match self.standing(reservation) {
                Standing::Held(_) => {
                    held = true;
                    given_back.push((reservation.clone(), ReservationStatus::Cancelled));
                }
                Standing::Lapsed => given_back.push((reservation.clone(), ReservationStatus::Expired)),
                Standing::Sold => sold = true,
                Standing::Gone => {}
            }
        }
        // Lapsed holds are tidied up on occasion; whether they were before must make no difference.
        if sold && !held {
            return Err(Error::AlreadyPaid);
        }
        for (reservation, status) in given_back {
            if status == ReservationStatus::Cancelled
                && let Some(holds) = self.rows.holds.get_mut(&caller.user)
            {
                *holds = holds.saturating_sub(1);
            }
            self.close(reservation.id, status);
            self.pass(reservation.seat_key(), None);
        }
        Ok(Answer::Cancelled)
    }

    /// Refuses in this order: token not ACTIVE, no such reservation, not yours, nothing held (paid, given back, refunded or
    /// lapsed), extended already, the turn ends no later than the hold.
    fn extend(&mut self, caller: &Caller, id: ReservationId) -> Result<Answer, Error> {
        let turn_ends = require_active(caller, self.rows.tokens.get(&caller.user), self.now)?.expires_at;
        let asked = self.rows.known.get(&id).ok_or(Error::ReservationNotFound)?;
        if asked.user != caller.user {
            return Err(Error::NotYours);
        }
        let named = Named::Order(asked.order()).among(&self.rows.known)?;
        let (mut sold, mut held, mut deadline) = (false, Vec::new(), self.now);
        for reservation in &named {
            match self.standing(reservation) {
                Standing::Held(until) => {
                    deadline = until;
                    held.push(Reservation::clone(reservation));
                }
                Standing::Sold => sold = true,
                Standing::Lapsed | Standing::Gone => {}
            }
        }
        let Some(first) = held.first() else {
            return Err(why_not_held(&named, sold));
        };
        // What was read before the seats were locked may be older than they are.
        if held.iter().any(|reservation| reservation.extended_at.is_some() || reservation.expires_at != deadline) {
            return if self.recheck { Ok(Answer::Extended(deadline)) } else { Err(Error::HoldAlreadyExtended) };
        }
        let longest = first.reserved_at + span(self.rules.hold_ttl) * 2;
        let until = (deadline + span(self.rules.hold_extension)).min(longest).min(turn_ends);
        if until <= deadline {
            return Err(Error::HoldOutlastsTurn);
        }
        for reservation in held {
            let Reservation { id, user, .. } = reservation;
            self.effects.extend(id, until, self.now);
            self.pass(reservation.seat_key(), Some(Holder { reservation: id, user, until: Some(until) }));
            if let Some(known) = self.rows.known.get_mut(&id) {
                (known.expires_at, known.extended_at) = (until, Some(self.now));
            }
        }
        Ok(Answer::Extended(until))
    }

    fn standing(&self, reservation: &Reservation) -> Standing {
        let seat = self.rows.seats.get(&reservation.seat_key());
        match seat.and_then(|seat| seat.holder).filter(|holder| holder.reservation == reservation.id) {
            None => Standing::Gone,
            Some(Holder { until: None, .. }) => Standing::Sold,
            Some(Holder { until: Some(until), .. }) if until <= self.now => Standing::Lapsed,
            Some(Holder { until: Some(until), .. }) => Standing::Held(until),
        }
    }

    fn close(&mut self, id: ReservationId, status: ReservationStatus) {
        self.effects.close(id, status);
        if let Some(known) = self.rows.known.get_mut(&id) {
            known.status = status;
        }
    }

    fn pass(&mut self, key: SeatKey, to: Option<Holder>) {
        if let Some(seat) = self.rows.seats.get_mut(&key) {
            self.effects.pass(key, seat, to);
        }
        if let Some(hall) = self.rows.halls.get_mut(&key.concert) {
            if to.is_some() { hall.take(key.seat) } else { hall.give_back(key.seat) }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::id::TokenId;
    use crate::queue::{Token, TokenStatus};
    use crate::reservation::rows::SeatChange;
    use crate::reservation::{Holds, Seat};

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
        let seat = Seat { section: None, row: None, price, holder: None };
        let rows = Rows {
            tokens: HashMap::from([(user, token)]),
            known: HashMap::new(),
            seats: HashMap::from([(key, seat)]),
            halls: HashMap::new(),
            holds: Holds::new(),
            concerts: HashMap::from([(concert, now.date_naive())]),
        };
        let caller = Caller::verified(user);
        let commands = [
            Command::Hold { caller: caller.clone(), concert, wanted: Wanted::Seats(vec![key.seat]), ids: vec![id] },
            Command::Extend { caller: caller.clone(), reservation: id },
            Command::Cancel { caller, what: Named::Reservation(id) },
        ];
        let seconds = Duration::from_secs;
        let rules = Rules { hold_ttl: seconds(300), hold_extension: seconds(60), max_holds_per_user: 1 };
        let (answers, effects) = decide(rows, &commands, &Attempt { now, recheck: false }, rules);
        assert!(
            matches!(answers[..], [Ok(Answer::Held(_)), Ok(Answer::Extended(_)), Ok(Answer::Cancelled)]),
            "{answers:?}"
        );
        assert_eq!(effects.closed, []);
        assert!(effects.extended.is_empty());
        assert_eq!(effects.made[0].status, ReservationStatus::Cancelled);
        assert_eq!(effects.seats[&key], SeatChange { from: None, to: None });
    }
}
