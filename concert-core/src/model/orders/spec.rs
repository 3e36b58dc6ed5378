//! Orders as one would explain them.

use super::*;
use crate::model::spec::leaves_to_others;

#[derive(Debug, Clone)]
pub(super) struct Party {
    user: usize,
    seats: Vec<(usize, Hold)>,
    made: i64,
    extended: bool,
    past_queue: bool,
}

impl Party {
    /// One of its seats, or all.
    fn named(&self, one: Option<usize>) -> &[(usize, Hold)] {
        match one.map(|one| one % self.seats.len()) {
            Some(one) => &self.seats[one..=one],
            None => &self.seats,
        }
    }
}

#[derive(Default)]
pub(super) struct Spec {
    pub(super) now: i64,
    pub(super) extension: i64,
    /// How many seats one user may have.
    pub(super) limit: Option<u32>,
    pub(super) turns: [i64; USERS],
    pub(super) wallets: [i64; USERS],
    pub(super) parties: Vec<Party>,
    /// The seats that are not on sale.
    pub(super) blocked: HashSet<usize>,
}

impl Spec {
    /// `given`: the seats that were given, where the hall decides.
    pub(super) fn act(&mut self, act: &Act, given: &Outcome) -> Outcome {
        match *act {
            Act::Hold { user, ref seats, past_queue } => {
                if !past_queue {
                    self.require_in(user)?;
                }
                if seats.iter().any(|seat| self.blocked.contains(seat)) {
                    return Err("SEAT_BLOCKED");
                }
                if seats.iter().any(|seat| !self.is_free(*seat)) {
                    return Err("SEAT_ALREADY_RESERVED");
                }
                if seats.iter().any(|seat| self.leaves(user, *seat)) {
                    return Err("SEAT_HELD_TOO_OFTEN");
                }
                self.hold(user, seats.clone(), past_queue)
            }
            Act::Best { user, count, section, together } => self.best(user, (count, together), section, given),
            Act::Block { seat, blocked } => {
                if !blocked {
                    self.blocked.remove(&seat);
                } else if self.is_free(seat) {
                    self.blocked.insert(seat);
                }
                Ok(Said::Blocked(self.blocked.contains(&seat)))
            }
            Act::Cancel { user, nth, one } => self.cancel(user, nth, one),
            Act::Extend { user, nth, .. } => self.extend(user, nth),
            Act::Pay { user, nth, one, amount } => self.pay(user, nth, one, amount),
            Act::Wait(_) => unreachable!("nobody answers"),
        }
    }

    fn require_in(&self, user: usize) -> Result<(), &'static str> {
        if self.turns[user] > self.now { Ok(()) } else { Err("TOKEN_NOT_ACTIVE") }
    }

    fn at_present(&self, hold: Hold) -> Hold {
        match hold {
            Hold::Held { until } if until <= self.now => Hold::Lost,
            hold => hold,
        }
    }

    fn is_held(&self, hold: Hold) -> bool {
        matches!(self.at_present(hold), Hold::Held { .. })
    }

    fn is_free(&self, seat: usize) -> bool {
        if self.blocked.contains(&seat) {
            return false;
        }
        let holds = self.parties.iter().flat_map(|party| &party.seats).filter(|(held, _)| *held == seat);
        holds.into_iter().all(|(_, hold)| matches!(self.at_present(*hold), Hold::Lost | Hold::GivenBack { .. }))
    }

    fn leaves(&self, user: usize, seat: usize) -> bool {
        let holds = self.parties.iter().flat_map(|party| party.seats.iter().map(|held| (party.user, *held)));
        let of_seat = holds.filter(|(_, (held, _))| *held == seat).map(|(user, (_, hold))| (user, hold));
        leaves_to_others(user, of_seat, self.now)
    }

    fn unpaid(&self, user: usize) -> usize {
        let holds = self.parties.iter().filter(|party| party.user == user).flat_map(|party| &party.seats);
        holds.filter(|(_, hold)| self.is_held(*hold)).count()
    }

    /// Without what is held past the queue, which needs no turn.
    fn unpaid_in_turn(&self, user: usize) -> usize {
        let parties = self.parties.iter().filter(|party| party.user == user && !party.past_queue);
        parties.flat_map(|party| &party.seats).filter(|(_, hold)| self.is_held(*hold)).count()
    }

    fn has(&self, user: usize) -> usize {
        let holds = self.parties.iter().filter(|party| party.user == user).flat_map(|party| &party.seats);
        holds.filter(|(_, hold)| self.is_held(*hold) || *hold == Hold::Paid).count()
    }

    fn hold(&mut self, user: usize, seats: Vec<usize>, past_queue: bool) -> Outcome {
        if self.limit.is_some_and(|limit| self.has(user) + seats.len() > limit as usize) {
            return Err("SEAT_LIMIT");
        }
        if self.unpaid(user) + seats.len() > ROW {
            return Err("TOO_MANY_HOLDS");
        }
        let until = match past_queue {
            true => self.now + HOLD,
            false => (self.now + HOLD).min(self.turns[user].max(LONGEST_TURN)),
        };
        let held = seats.iter().map(|seat| (*seat, Hold::Held { until })).collect();
        if !past_queue {
            self.turns[user] = self.turns[user].max(until);
        }
        self.parties.push(Party { user, seats: held, made: self.now, extended: false, past_queue });
        Ok(Said::Held(seats, until))
    }

    fn best(
        &mut self,
        user: usize,
        (count, wants_together): (usize, bool),
        section: Option<&str>,
        given: &Outcome,
    ) -> Outcome {
        self.require_in(user)?;
        if section == Some("moon") {
            return Err("SECTION_NOT_FOUND");
        }
        let inside = |seat: &usize| section.is_none_or(|section| section_of(*seat) == section);
        let together = |seats: &[usize]| {
            let (first, last) = (seats[0], seats[count - 1]);
            last - first == count - 1 && first / ROW == last / ROW
        };
        let fits = |free: &[usize]| {
            if wants_together { free.windows(count).any(together) } else { free.len() >= count }
        };
        let free: Vec<_> = (0..ROW * ROWS).filter(inside).filter(|seat| self.is_free(*seat)).collect();
        if free.len() < count {
            return Err("NOT_ENOUGH_SEATS");
        }
        if !fits(&free) {
            return Err("SEATS_NOT_TOGETHER");
        }
        let free: Vec<_> = free.into_iter().filter(|seat| !self.leaves(user, *seat)).collect();
        if !fits(&free) {
            return Err("SEAT_HELD_TOO_OFTEN");
        }
        let Ok(Said::Held(seats, _)) = given else {
            // Too many holds: then it does not matter which.
            return self.hold(user, free[..count].to_vec(), false).and(Err("there are seats"));
        };
        assert!(seats.len() == count && seats.iter().all(|seat| free.contains(seat)), "{seats:?} of {free:?}");
        assert!(together(seats) || !free.windows(count).any(together), "{seats:?} of {free:?}");
        self.hold(user, seats.clone(), false)
    }

    /// What is held past the queue needs no turn of its user's.
    fn needs_turn(&self, user: usize, nth: usize) -> bool {
        !self.parties.get(nth).is_some_and(|party| party.user == user && party.past_queue)
    }

    fn cancel(&mut self, user: usize, nth: usize, one: Option<usize>) -> Outcome {
        let missing = if one.is_some() { "RESERVATION_NOT_FOUND" } else { "ORDER_NOT_FOUND" };
        let party = self.parties.get(nth).ok_or(missing)?;
        if party.user != user {
            return Err("NOT_YOURS");
        }
        let named = party.named(one);
        let held: Vec<_> = named.iter().filter(|(_, hold)| self.is_held(*hold)).map(|(seat, _)| *seat).collect();
        if held.is_empty() && named.iter().any(|(_, hold)| *hold == Hold::Paid) {
            return Err("ALREADY_PAID");
        }
        let now = self.now;
        let given_back = self.parties[nth].seats.iter_mut().filter(|(seat, _)| held.contains(seat));
        given_back.for_each(|(_, hold)| *hold = Hold::GivenBack { at: now });
        Ok(Said::GivenBack)
    }

    fn extend(&mut self, user: usize, nth: usize) -> Outcome {
        let needs_turn = self.needs_turn(user, nth);
        if needs_turn {
            self.require_in(user)?;
        }
        let party = self.parties.get(nth).ok_or("RESERVATION_NOT_FOUND")?;
        if party.user != user {
            return Err("NOT_YOURS");
        }
        let held = party.seats.iter().find_map(|(_, hold)| match self.at_present(*hold) {
            Hold::Held { until } => Some(until),
            _ => None,
        });
        let Some(deadline) = held else {
            let paid = party.seats.iter().any(|(_, hold)| *hold == Hold::Paid);
            let given_back = party.seats.iter().all(|(_, hold)| matches!(hold, Hold::GivenBack { .. }));
            return Err(match (paid, given_back) {
                (true, _) => "ALREADY_PAID",
                (false, true) => "HOLD_CANCELLED",
                (false, false) => "HOLD_EXPIRED",
            });
        };
        if party.extended {
            return Err("HOLD_ALREADY_EXTENDED");
        }
        let until = (deadline + self.extension).min(party.made + 2 * HOLD);
        let until = if needs_turn { until.min(self.turns[user].max(LONGEST_TURN)) } else { until };
        if until <= deadline {
            return Err("HOLD_OUTLASTS_TURN");
        }
        let now = self.now;
        if needs_turn {
            self.turns[user] = self.turns[user].max(until);
        }
        let party = &mut self.parties[nth];
        party.extended = true;
        for (_, hold) in &mut party.seats {
            if matches!(*hold, Hold::Held { until: before } if before > now) {
                *hold = Hold::Held { until };
            }
        }
        Ok(Said::Extended(until))
    }

    fn pay(&mut self, user: usize, nth: usize, one: Option<usize>, amount: i64) -> Outcome {
        let needs_turn = self.needs_turn(user, nth);
        if let (true, Err(inactive)) = (needs_turn, self.require_in(user)) {
            let own =
                self.parties.get(nth).filter(|party| party.user == user).map_or(&[][..], |party| party.named(one));
            let paid = own.iter().any(|(_, hold)| *hold == Hold::Paid);
            let held = own.iter().any(|(_, hold)| self.is_held(*hold));
            return Err(if paid && !held { "ALREADY_PAID" } else { inactive });
        }
        let missing = if one.is_some() { "RESERVATION_NOT_FOUND" } else { "ORDER_NOT_FOUND" };
        let party = self.parties.get(nth).ok_or(missing)?;
        if party.user != user {
            return Err("NOT_YOURS");
        }
        let named = party.named(one);
        let due: Vec<_> = named.iter().filter(|(_, hold)| self.is_held(*hold)).map(|(seat, _)| *seat).collect();
        if due.is_empty() {
            let paid = named.iter().any(|(_, hold)| *hold == Hold::Paid);
            let given_back = named.iter().all(|(_, hold)| matches!(hold, Hold::GivenBack { .. }));
            return Err(match (paid, given_back) {
                (true, _) => "ALREADY_PAID",
                (false, true) => "HOLD_CANCELLED",
                (false, false) => "HOLD_EXPIRED",
            });
        }
        let total: i64 = due.iter().copied().map(price_of).sum();
        if amount != total {
            return Err("WRONG_AMOUNT");
        }
        if self.wallets[user] < total {
            return Err("INSUFFICIENT_BALANCE");
        }
        self.wallets[user] -= total;
        let paid = self.parties[nth].seats.iter_mut().filter(|(seat, _)| due.contains(seat));
        paid.for_each(|(_, hold)| *hold = Hold::Paid);
        if needs_turn && self.unpaid_in_turn(user) == 0 {
            self.turns[user] = self.turns[user].min(self.now + AFTER_PAYMENT);
        }
        Ok(Said::Paid(due.into_iter().map(price_of).collect()))
    }

    /// The same act on an order that is known before its batch, mostly by whose it is, and paid as far as it is due.
    pub(super) fn aim(&self, act: &Act) -> Act {
        let order = |user: usize, nth: usize| match self.parties.get(nth % (self.parties.len() + 1)) {
            Some(party) if user == 0 => (user, nth % (self.parties.len() + 1), Some(party)),
            Some(party) => (party.user, nth % (self.parties.len() + 1), Some(party)),
            None => (user, usize::MAX, None),
        };
        match *act {
            Act::Cancel { user, nth, one } => {
                let (user, nth, _) = order(user, nth);
                Act::Cancel { user, nth, one }
            }
            Act::Extend { user, nth, one } => {
                let (user, nth, _) = order(user, nth);
                Act::Extend { user, nth, one }
            }
            Act::Pay { user, nth, one, amount } => {
                let (user, nth, party) = order(user, nth);
                let named = party.map_or(&[][..], |party| party.named(one));
                let due: i64 =
                    named.iter().filter(|(_, hold)| self.is_held(*hold)).map(|(seat, _)| price_of(*seat)).sum();
                Act::Pay { user, nth, one, amount: due + amount }
            }
            ref act => act.clone(),
        }
    }
}
