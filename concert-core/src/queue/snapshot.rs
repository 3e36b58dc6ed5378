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

/// The queue as of one `change_seq`.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    change_seq: u64,
    waiting: RoaringTreemap,
    active: HashMap<u64, Timestamp>,
    max_active: u32,
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

    /// Takes over what was read from the database: the changes since `change_seq`, all ACTIVE tokens, and the gate.
    pub(super) fn absorb(&mut self, changes: &[Change], active: HashMap<u64, Timestamp>, gate: &Gate, now: Timestamp) {
        for change in changes {
            match change.status {
                TokenStatus::Waiting => self.waiting.insert(change.ticket),
                TokenStatus::Active | TokenStatus::Expired => self.waiting.remove(change.ticket),
            };
            self.change_seq = self.change_seq.max(change.change_seq);
        }
        self.active = active;
        self.max_active = gate.max_active;
        self.sample(now, gate.admitted);
    }

    /// Takes over a batch that this process has just committed, unless another process committed before it: then the
    /// next refresh brings both.
    pub(super) fn apply(&mut self, effects: &Effects) {
        if effects.is_empty() || effects.change_seq_before != self.change_seq {
            return;
        }
        self.change_seq = effects.gate.change_seq;
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
