//! The box office as one would explain it: one act at a time, plain collections, no ids.

use super::doors::Doors;
use super::*;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Hold {
    Held { until: i64 },
    Paid,
    Refunded,
    GivenBack { at: i64 },
    Lost,
}

/// Whether a user must leave a seat to others, given who held it so far and what became of it, in this order.
pub(super) fn leaves_to_others(user: usize, holds: impl Iterator<Item = (usize, Hold)>, now: i64) -> bool {
    let ended = holds.filter_map(|(user, hold)| match hold {
        Hold::Held { until } if until <= now => Some((user, until)),
        Hold::GivenBack { at } => Some((user, at)),
        _ => None,
    });
    let ended: Vec<_> = ended.collect();
    let in_a_row = ended.iter().rev().take_while(|(other, _)| *other == user).count();
    in_a_row >= MAX_IN_A_ROW && ended.last().is_some_and(|(_, at)| now < at + PAUSE)
}

#[derive(Default)]
pub(super) struct Spec {
    pub(super) now: i64,
    /// In order of arrival, each with the end of the longest wait.
    waiting: Vec<(usize, i64)>,
    /// Each with the end of the turn. Those over still take up room until the next rerank.
    active: Vec<(usize, i64)>,
    /// Who of them has not shown up yet.
    unclaimed: HashSet<usize>,
    /// When the turns of the others began.
    begun: HashMap<usize, i64>,
    pub(super) no_shows: u64,
    paused: bool,
    /// How many may be in less than `CAP`.
    closed: u32,
    per_minute: Option<u32>,
    /// When the doors open, people are let in, and the sale ends.
    pub(super) instants: [Option<i64>; 3],
    /// What the users hold unpaid in other sales.
    pub(super) unpaid_elsewhere: [usize; USERS],
    /// When somebody was let in while there was a limit per minute.
    let_in: Vec<i64>,
    /// Every hold ever made.
    pub(super) holds: Vec<(usize, usize, Hold)>,
    pub(super) wallets: [i64; USERS],
    disabled: HashSet<usize>,
    /// Who paid for which of the holds: the money goes back there, whoever has the ticket.
    payers: HashMap<usize, usize>,
    off_sale: HashSet<usize>,
    called_off: bool,
    pub(super) doors: Doors,
    /// How many seats one user may have.
    pub(super) limit: Option<u32>,
    /// Who is there at the opening is put in random order.
    pub(super) is_draw: bool,
    /// Everybody who ever joined, in the order of tickets.
    pub(super) arrivals: Vec<usize>,
    /// How many tickets were drawn.
    pub(super) drawn: Option<usize>,
    /// The places, from when the processes know them: from the batch after the draw on.
    pub(super) places: Option<Places>,
}

impl Spec {
    pub(super) fn act(&mut self, act: Act) -> Outcome {
        // The first who comes to the queue after the opening finds it drawn.
        if matches!(lane(act), 0 | 1 | 6) && self.drawn.is_none() && self.is_draw && self.has_opened() {
            self.drawn = Some(self.arrivals.len());
        }
        match act {
            Act::Join(user) => self.join(user),
            Act::Leave(user) => self.leave(user),
            Act::Claim(user) => self.claim(user),
            Act::Set(change) => Ok(self.set(change)),
            Act::Rerank { seen } => {
                let over: Vec<_> = self.active.iter().filter(|(_, until)| *until <= self.now).copied().collect();
                over.into_iter().for_each(|(user, _)| self.forget(user));
                self.waiting.retain(|(_, until)| *until > self.now);
                if self.is_draw && self.places.is_none() {
                    return Ok("reranked");
                }
                if let Some(places) = &self.places {
                    let ticket =
                        |user: usize| 1 + self.arrivals.iter().rposition(|other| *other == user).expect("joined");
                    self.waiting.sort_by_key(|(user, _)| places.place_of(ticket(*user) as u64));
                }
                // Those who are gone are passed over, and let in if there is room for them all the same.
                let is_gone = |user: usize| seen.is_some_and(|seen| seen >> user & 1 == 0);
                while self.has_room() && !self.waiting.is_empty() {
                    let first = self.waiting.iter().position(|(user, _)| !is_gone(*user)).unwrap_or(0);
                    let (user, _) = self.waiting.remove(first);
                    self.let_in(user, CLAIM);
                    self.unclaimed.insert(user);
                }
                Ok("reranked")
            }
            Act::Reserve { user, seat } => self.reserve(user, seat),
            Act::Cancel { user, nth } => self.cancel(user, nth),
            Act::Pay { user, nth, amount } => self.pay(user, nth, amount),
            Act::Refund { nth, off_sale } => self.refund(nth, off_sale),
            Act::Move { nth, user } => self.move_ticket(nth, user),
            Act::CallOff => {
                self.called_off = true;
                Ok("called off")
            }
            Act::Clear => self.clear(),
            Act::CheckIn(shown) => {
                let hold = self.hold(shown.nth()).map(|(_, hold)| hold);
                self.doors.show(shown, hold, self.called_off, self.now)
            }
            Act::Recharge { user, amount } => {
                self.wallets[user] += amount;
                Ok("recharged")
            }
            Act::Disable { user, disabled: true } => {
                self.disabled.insert(user);
                Ok("disabled")
            }
            Act::Disable { user, disabled: false } => {
                self.disabled.remove(&user);
                Ok("enabled")
            }
            Act::Wait(seconds) => {
                self.now += seconds;
                Ok("waited")
            }
        }
    }

    fn has_opened(&self) -> bool {
        matches!(self.phase(), SalePhase::Open | SalePhase::Closed)
    }

    fn has_room(&self) -> bool {
        let lately = self.let_in.iter().filter(|at| **at + 60 > self.now).count();
        self.phase() == SalePhase::Open
            && !self.paused
            && self.active.len() < (CAP - self.closed) as usize
            && self.per_minute.is_none_or(|most| lately < most as usize)
    }

    fn phase(&self) -> SalePhase {
        let [doors, opens, closes] = self.instants;
        let is_past = |at: Option<i64>| at.is_none_or(|at| at <= self.now);
        match (closes.is_some_and(|at| at <= self.now), is_past(doors), is_past(opens)) {
            (true, ..) => SalePhase::Closed,
            (_, false, _) => SalePhase::Before,
            (_, _, false) => SalePhase::Doors,
            _ => SalePhase::Open,
        }
    }

    fn let_in(&mut self, user: usize, seconds: i64) {
        self.active.push((user, self.now + seconds));
        if self.per_minute.is_some() {
            self.let_in.push(self.now);
        }
    }

    fn claim(&mut self, user: usize) -> Outcome {
        if !self.is_in(&self.active, user) {
            return Err("TOKEN_NOT_ACTIVE");
        }
        if self.unclaimed.remove(&user) {
            self.begun.insert(user, self.now);
            let until = self.now + TURN;
            self.active.iter_mut().filter(|(other, _)| *other == user).for_each(|(_, end)| *end = until);
        }
        Ok("claimed")
    }

    fn set(&mut self, change: queue::AdmissionChange) -> &'static str {
        let before = (self.paused, self.closed, self.per_minute);
        self.paused = change.paused.unwrap_or(self.paused);
        self.closed = change.max_active.map_or(self.closed, |cap| CAP - cap);
        self.per_minute = change.per_minute.map_or(self.per_minute, PerMinute::limit);
        if before == (self.paused, self.closed, self.per_minute) { "as it was" } else { "set" }
    }

    fn forget(&mut self, user: usize) {
        let over = self.active.iter().any(|(other, until)| *other == user && *until <= self.now);
        if self.unclaimed.remove(&user) && over {
            self.no_shows += 1;
        }
        self.active.retain(|(other, _)| *other != user);
        self.waiting.retain(|(other, _)| *other != user);
    }

    fn is_in(&self, list: &[(usize, i64)], user: usize) -> bool {
        list.iter().any(|(other, until)| *other == user && *until > self.now)
    }

    /// Who may join.
    pub(super) fn outside(&self) -> Vec<usize> {
        let is_outside = |user: &usize| !self.is_in(&self.active, *user) && !self.is_in(&self.waiting, *user);
        (0..USERS).filter(is_outside).filter(|user| !self.disabled.contains(user)).collect()
    }

    /// Who may hold and pay.
    pub(super) fn acting(&self) -> Vec<usize> {
        (0..USERS).filter(|user| self.is_in(&self.active, *user) && !self.unclaimed.contains(user)).collect()
    }

    pub(super) fn free_seats(&self) -> Vec<usize> {
        (0..SEATS).filter(|seat| !self.is_taken(*seat) && !self.off_sale.contains(seat)).collect()
    }

    /// Which holds can be paid.
    pub(super) fn due(&self) -> Vec<usize> {
        let acting = self.acting();
        let is_due = |nth: &usize| {
            let hold = self.hold(*nth);
            matches!(hold, Some((user, Hold::Held { .. })) if acting.contains(&user) && self.wallets[user] >= PRICE)
        };
        (0..self.holds.len()).filter(is_due).collect()
    }

    fn is_taken(&self, seat: usize) -> bool {
        let taken = |nth: usize| {
            self.holds[nth].1 == seat && matches!(self.hold(nth), Some((_, Hold::Held { .. } | Hold::Paid)))
        };
        (0..self.holds.len()).any(taken)
    }

    fn join(&mut self, user: usize) -> Outcome {
        if self.disabled.contains(&user) {
            return Err("USER_DISABLED");
        }
        if self.is_in(&self.active, user) || self.is_in(&self.waiting, user) {
            return Err("ALREADY_IN_QUEUE");
        }
        match self.phase() {
            SalePhase::Before => return Err("SALE_NOT_OPEN"),
            SalePhase::Closed => return Err("SALE_CLOSED"),
            SalePhase::Doors | SalePhase::Open => {}
        }
        self.forget(user);
        self.arrivals.push(user);
        if self.waiting.is_empty() && self.has_room() {
            self.let_in(user, TURN);
            self.begun.insert(user, self.now);
            Ok("active")
        } else {
            self.waiting.push((user, self.now + WAIT));
            Ok("waiting")
        }
    }

    fn leave(&mut self, user: usize) -> Outcome {
        let there = self.is_in(&self.active, user) || self.is_in(&self.waiting, user);
        self.forget(user);
        if !there {
            return Err("TOKEN_NOT_FOUND");
        }
        for nth in 0..self.holds.len() {
            if matches!(self.hold(nth), Some((owner, Hold::Held { .. })) if owner == user) {
                self.holds[nth].2 = Hold::GivenBack { at: self.now };
            }
        }
        Ok("left")
    }

    /// What has become of a hold by now.
    fn hold(&self, nth: usize) -> Option<(usize, Hold)> {
        let (user, _, hold) = *self.holds.get(nth)?;
        match hold {
            Hold::Held { until } if until <= self.now => Some((user, Hold::Lost)),
            hold => Some((user, hold)),
        }
    }

    pub(super) fn unpaid(&self, user: usize) -> usize {
        let held = |nth: &usize| matches!(self.hold(*nth), Some((owner, Hold::Held { .. })) if owner == user);
        (0..self.holds.len()).filter(held).count()
    }

    /// How many seats a user has, held and sold together.
    fn has(&self, user: usize) -> usize {
        let has =
            |nth: &usize| matches!(self.hold(*nth), Some((owner, Hold::Held { .. } | Hold::Paid)) if owner == user);
        (0..self.holds.len()).filter(has).count()
    }

    fn reserve(&mut self, user: usize, seat: usize) -> Outcome {
        if !self.is_in(&self.active, user) || self.unclaimed.contains(&user) {
            return Err("TOKEN_NOT_ACTIVE");
        }
        if self.called_off {
            return Err("CONCERT_CANCELLED");
        }
        if self.phase() == SalePhase::Closed {
            return Err("SALE_CLOSED");
        }
        if self.off_sale.contains(&seat) {
            return Err("SEAT_BLOCKED");
        }
        if self.is_taken(seat) {
            return Err("SEAT_ALREADY_RESERVED");
        }
        let of_seat = self.holds.iter().filter(|(_, held, _)| *held == seat).map(|(owner, _, hold)| (*owner, *hold));
        if leaves_to_others(user, of_seat, self.now) {
            return Err("SEAT_HELD_TOO_OFTEN");
        }
        if self.limit.is_some_and(|limit| self.has(user) >= limit as usize) {
            return Err("SEAT_LIMIT");
        }
        if self.unpaid(user) + self.unpaid_elsewhere[user] >= MAX_HOLDS as usize {
            return Err("TOO_MANY_HOLDS");
        }
        let until = (self.now + HOLD).min(self.begun[&user] + LONGEST_TURN);
        self.holds.push((user, seat, Hold::Held { until }));
        self.active.iter_mut().filter(|(other, _)| *other == user).for_each(|(_, end)| *end = until.max(*end));
        Ok("held")
    }

    fn cancel(&mut self, user: usize, nth: usize) -> Outcome {
        match self.hold(nth) {
            None => Err("RESERVATION_NOT_FOUND"),
            Some((owner, _)) if owner != user => Err("NOT_YOURS"),
            Some((_, Hold::Paid)) => Err("ALREADY_PAID"),
            Some((_, Hold::Held { .. })) => {
                self.holds[nth].2 = Hold::GivenBack { at: self.now };
                Ok("given back")
            }
            Some((_, Hold::Lost | Hold::GivenBack { .. } | Hold::Refunded)) => Ok("given back"),
        }
    }

    fn pay(&mut self, user: usize, nth: usize, amount: i64) -> Outcome {
        if !self.is_in(&self.active, user) || self.unclaimed.contains(&user) {
            let paid = matches!(self.hold(nth), Some((owner, Hold::Paid)) if owner == user);
            return Err(if paid { "ALREADY_PAID" } else { "TOKEN_NOT_ACTIVE" });
        }
        match self.hold(nth) {
            None => return Err("RESERVATION_NOT_FOUND"),
            Some((owner, _)) if owner != user => return Err("NOT_YOURS"),
            Some(_) if self.called_off => return Err("CONCERT_CANCELLED"),
            Some((_, Hold::Paid)) => return Err("ALREADY_PAID"),
            Some((_, Hold::GivenBack { .. })) => return Err("HOLD_CANCELLED"),
            Some((_, Hold::Refunded)) => return Err("ALREADY_REFUNDED"),
            Some((_, Hold::Lost)) => return Err("HOLD_EXPIRED"),
            Some((_, Hold::Held { .. })) => {}
        }
        if amount != PRICE {
            return Err("WRONG_AMOUNT");
        }
        if self.wallets[user] < PRICE {
            return Err("INSUFFICIENT_BALANCE");
        }
        self.wallets[user] -= PRICE;
        self.holds[nth].2 = Hold::Paid;
        self.payers.insert(nth, user);
        if self.unpaid(user) == 0 {
            let end = self.now + AFTER_PAYMENT;
            self.active.iter_mut().filter(|(other, _)| *other == user).for_each(|(_, until)| *until = end.min(*until));
        }
        Ok("paid")
    }

    fn refund(&mut self, nth: usize, off_sale: bool) -> Outcome {
        match self.hold(nth) {
            Some((_, Hold::Paid)) => {
                self.wallets[self.payers[&nth]] += PRICE;
                self.holds[nth].2 = Hold::Refunded;
                if off_sale || self.called_off {
                    self.off_sale.insert(self.holds[nth].1);
                }
                Ok("refunded")
            }
            Some((_, Hold::Refunded)) => Err("ALREADY_REFUNDED"),
            _ => Err("PAYMENT_NOT_FOUND"),
        }
    }

    /// Which tickets there are.
    pub(super) fn sold(&self) -> Vec<usize> {
        (0..self.holds.len()).filter(|nth| self.holds[*nth].2 == Hold::Paid).collect()
    }

    fn move_ticket(&mut self, nth: usize, user: usize) -> Outcome {
        match self.hold(nth) {
            Some((_, Hold::Paid | Hold::Refunded)) if self.called_off => Err("CONCERT_CANCELLED"),
            Some((_, Hold::Refunded)) => Err("TICKET_VOID"),
            Some((_, Hold::Paid)) if self.disabled.contains(&user) => Err("USER_DISABLED"),
            Some((owner, Hold::Paid)) if owner == user => Err("INVALID_REQUEST"),
            Some((_, Hold::Paid)) if self.limit.is_some_and(|limit| self.has(user) >= limit as usize) => {
                Err("SEAT_LIMIT")
            }
            Some((_, Hold::Paid)) => {
                self.holds[nth].0 = user;
                self.doors.moved(nth);
                Ok("moved")
            }
            _ => Err("TICKET_NOT_FOUND"),
        }
    }

    /// Holds end, payments go back to those who paid, and all seats are off sale.
    fn clear(&mut self) -> Outcome {
        if !self.called_off {
            return Err("INVALID_REQUEST");
        }
        for nth in 0..self.holds.len() {
            match self.hold(nth) {
                Some((_, Hold::Held { .. })) => self.holds[nth].2 = Hold::GivenBack { at: self.now },
                Some((_, Hold::Paid)) => {
                    self.refund(nth, true)?;
                }
                _ => {}
            }
        }
        self.off_sale.extend(0..SEATS);
        Ok("cleared")
    }
}
