//! The order of the queue in memory: positions without a query.
//!
//! WAITING tickets are a compressed bitmap (Lemire et al., "Roaring bitmaps: Implementation of an optimized software
//! library", 2018), in which the rank of a ticket is its position.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use roaring::RoaringTreemap;

use super::TokenStatus;
use super::decide::{Effects, Gate};
use crate::clock::{Timestamp, span};

/// The admission rate is measured over this time at most, and over `SHORTEST_SPAN` at least.
const RATE_WINDOW: Duration = Duration::from_secs(5 * 60);
const SHORTEST_SPAN: Duration = Duration::from_secs(10);
/// The most samples that are kept of it.
const MAX_SAMPLES: usize = 512;

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Its 1-based rank among the WAITING.
    Waiting { position: u64 },
    /// In, until then.
    Active { until: Timestamp },
    /// Ended, or newer than the snapshot: its row knows.
    Unknown,
}

/// A row that changed since the last refresh.
pub(super) struct Change {
    pub(super) ticket: u64,
    pub(super) status: TokenStatus,
    pub(super) change_seq: u64,
}

/// What a refresh reads, in this order.
pub(super) struct Read {
    /// The rows that changed since the snapshot's `change_seq`, as it was then.
    pub(super) changes: Vec<Change>,
    pub(super) gate: Gate,
    /// All ACTIVE tokens.
    pub(super) active: HashMap<u64, Timestamp>,
}

/// The queue as of one `change_seq`.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    change_seq: u64,
    waiting: RoaringTreemap,
    active: HashMap<u64, Timestamp>,
    max_active: u32,
    /// Whether anyone's place has changed since the last refresh.
    moved: bool,
    /// When how many had been admitted in all: oldest first.
    admitted: VecDeque<(Timestamp, u64)>,
}

impl Snapshot {
    /// The queue as read in full; `gate` was read first, so that changes after it are absorbed once more.
    pub(super) fn new(gate: &Gate, waiting: RoaringTreemap) -> Self {
        Self { change_seq: gate.change_seq, waiting, ..Self::default() }
    }

    pub(super) const fn change_seq(&self) -> u64 {
        self.change_seq
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting.len()
    }

    pub(super) fn place(&self, ticket: u64, now: Timestamp) -> Place {
        match self.active.get(&ticket) {
            Some(until) if now < *until => Place::Active { until: *until },
            Some(_) => Place::Unknown,
            None if self.waiting.contains(ticket) => Place::Waiting { position: self.waiting.rank(ticket) },
            None => Place::Unknown,
        }
    }

    /// How many seconds the wait at `position` is estimated to be: by the measured admission rate, or, until there is
    /// one, as if everyone took the whole of their turn.
    pub(super) fn wait_seconds(&self, position: u64, active_ttl: Duration) -> u64 {
        match self.admitted_per_second() {
            Some(rate) => (position as f64 / rate).ceil() as u64,
            None => position.div_ceil(u64::from(self.max_active.max(1))).saturating_mul(active_ttl.as_secs()),
        }
    }

    /// Admissions per second over the last minutes, or `None` before there were any.
    pub(super) fn admitted_per_second(&self) -> Option<f64> {
        let ((from, before), (to, after)) = (self.admitted.front()?, self.admitted.back()?);
        let span = (*to - *from).to_std().unwrap_or_default();
        let admitted = after.saturating_sub(*before);
        (span >= SHORTEST_SPAN && admitted > 0).then(|| admitted as f64 / span.as_secs_f64())
    }

    /// Takes over what was read from the database, and answers whether anyone's place has changed since the last time.
    ///
    /// Batches that were applied while it was read are newer than it: what they brought stays. Otherwise a ticket that has
    /// just been admitted would wait again, and all behind it would move back.
    pub(super) fn absorb(&mut self, read: Read, now: Timestamp) -> bool {
        let Read { changes, gate, active } = read;
        let applied = self.change_seq;
        for change in changes.iter().filter(|change| change.change_seq > applied) {
            match change.status {
                TokenStatus::Waiting => self.waiting.insert(change.ticket),
                TokenStatus::Active | TokenStatus::Expired => self.waiting.remove(change.ticket),
            };
            self.change_seq = self.change_seq.max(change.change_seq);
            self.moved = true;
        }
        if gate.change_seq >= applied {
            self.moved |= self.active != active;
            self.active = active;
        } else {
            // Only the ends of turns can be news: a payment moves them without moving the queue.
            for (ticket, until) in active {
                if let Some(known) = self.active.get_mut(&ticket) {
                    self.moved |= *known != until;
                    *known = until;
                }
            }
        }
        self.max_active = gate.max_active;
        self.sample(now, gate.admitted);
        self.moved |= self.active.values().any(|until| *until <= now);
        std::mem::take(&mut self.moved)
    }

    /// Takes over a batch that this process has just committed, unless another process committed before it: then the
    /// next refresh brings both.
    pub(super) fn apply(&mut self, effects: &Effects) {
        if effects.is_empty() || effects.change_seq_before != self.change_seq {
            return;
        }
        self.change_seq = effects.gate.change_seq;
        self.moved = true;
        for token in effects.ended.iter().map(|(token, _)| token).chain(&effects.admitted).chain(&effects.joined) {
            self.waiting.remove(token.ticket);
            self.active.remove(&token.ticket);
            match token.status {
                TokenStatus::Waiting => {
                    self.waiting.insert(token.ticket);
                }
                TokenStatus::Active => {
                    self.active.insert(token.ticket, token.expires_at);
                }
                TokenStatus::Expired => {}
            }
        }
    }

    fn sample(&mut self, now: Timestamp, admitted: u64) {
        if self.admitted.back().is_some_and(|(at, _)| now < *at) {
            self.admitted.clear();
        }
        self.admitted.push_back((now, admitted));
        while self.admitted.len() > MAX_SAMPLES
            || self.admitted.front().is_some_and(|(at, _)| *at + span(RATE_WINDOW) < now)
        {
            self.admitted.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::id::{TokenId, UserId};
    use crate::queue::{EndedReason, Token};

    fn noon() -> Timestamp {
        Timestamp::from_timestamp(1_803_902_400, 0).expect("in range")
    }

    fn gate(change_seq: u64) -> Gate {
        Gate { next_ticket: 100, change_seq, active: 0, waiting: 0, admitted: 0, max_active: 1 }
    }

    fn token(ticket: u64, status: TokenStatus) -> Token {
        let until = noon() + span(Duration::from_secs(600));
        let (id, user) = (TokenId::generate(), UserId::generate());
        Token { id, user, ticket, status, created_at: noon(), expires_at: until }
    }

    fn change(ticket: u64, status: TokenStatus, change_seq: u64) -> Change {
        Change { ticket, status, change_seq }
    }

    fn read(changes: Vec<Change>, seq: u64, active: &[u64]) -> Read {
        let until = noon() + span(Duration::from_secs(600));
        Read { changes, gate: gate(seq), active: active.iter().map(|ticket| (*ticket, until)).collect() }
    }

    fn effects(before: u64) -> Effects {
        let (ended, admitted, joined) = (Vec::new(), Vec::new(), Vec::new());
        Effects { change_seq_before: before, gate: gate(before + 1), ended, admitted, joined }
    }

    #[test]
    fn a_refresh_that_was_read_before_a_batch_does_not_undo_it() {
        // Read: ticket 1 and 2 joined in change 8. Applied meanwhile: joined in 8, 1 admitted in 9, 2 left in 10.
        let mut queue = Snapshot::new(&gate(7), [3].into_iter().collect());
        let late = read(vec![change(1, TokenStatus::Waiting, 8), change(2, TokenStatus::Waiting, 8)], 8, &[]);
        let waiting = |ticket| token(ticket, TokenStatus::Waiting);
        queue.apply(&Effects { joined: vec![waiting(1), waiting(2)], ..effects(7) });
        assert_eq!(queue.place(3, noon()), Place::Waiting { position: 3 });
        queue.apply(&Effects { admitted: vec![token(1, TokenStatus::Active)], ..effects(8) });
        let left = (token(2, TokenStatus::Expired), EndedReason::Left);
        queue.apply(&Effects { ended: vec![left], ..effects(9) });
        assert!(queue.absorb(late, noon()), "the batches moved the queue");

        assert!(matches!(queue.place(1, noon()), Place::Active { .. }));
        assert_eq!(queue.place(2, noon()), Place::Unknown);
        assert_eq!(queue.place(3, noon()), Place::Waiting { position: 1 }, "nobody moves back");
        assert!(!queue.absorb(read(Vec::new(), 10, &[1]), noon()), "nothing is new");
    }

    #[test]
    fn a_turn_that_a_payment_cut_short_is_news() {
        let mut queue = Snapshot::new(&gate(7), RoaringTreemap::new());
        queue.apply(&Effects { joined: vec![token(1, TokenStatus::Active)], ..effects(7) });
        assert!(queue.absorb(read(Vec::new(), 8, &[1]), noon()));
        let soon = noon() + span(Duration::from_secs(60));
        let shortened = Read { changes: Vec::new(), gate: gate(7), active: HashMap::from([(1, soon)]) };
        assert!(queue.absorb(shortened, noon()));
        assert_eq!(queue.place(1, noon()), Place::Active { until: soon });
        assert!(queue.absorb(read(Vec::new(), 8, &[]), soon), "its end, too");
    }
}
