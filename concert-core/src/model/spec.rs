//! The box office as one would explain it: one act at a time, plain collections, no ids.

mod line;
mod seats;

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
            Act::Rerank { seen } => self.rerank(seen),
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

    /// Which tickets there are.
    pub(super) fn sold(&self) -> Vec<usize> {
        (0..self.holds.len()).filter(|nth| self.holds[*nth].2 == Hold::Paid).collect()
    }
}
