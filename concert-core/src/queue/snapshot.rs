//! The order of the queue in memory: positions without a query.
//!
//! WAITING tickets are a compressed bitmap (Lemire et al., "Roaring bitmaps: Implementation of an optimized software
//! library", 2018), in which the rank of a ticket is its position.

use std::collections::HashMap;
use std::time::Duration;

use roaring::RoaringTreemap;

use super::TokenStatus;
use super::decide::{Effects, Gate};
use super::pace::Pace;
use crate::clock::Timestamp;

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

/// The turn of an ACTIVE ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) until: Timestamp,
    /// Whether it is picked up; if not, it ends with the claim window.
    pub(super) claimed: bool,
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
    active: HashMap<u64, Turn>,
    max_active: u32,
    pace: Option<Pace>,
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
            Some(turn) if now < turn.until => Place::Active { until: turn.until },
            Some(_) => Place::Unknown,
            None if self.waiting.contains(ticket) => Place::Waiting { position: self.waiting.rank(ticket) },
            None => Place::Unknown,
        }
    }

    /// Whether the ticket was let in and nobody has picked its turn up.
    pub(super) fn is_unclaimed(&self, ticket: u64) -> bool {
        self.active.get(&ticket).is_some_and(|turn| !turn.claimed)
    }

    /// How many seconds the wait at `position` is estimated to be: by the measured pace, or, until there is one, as if
    /// everyone took the whole of their turn.
    pub(super) fn wait_seconds(&self, position: u64, active_ttl: Duration) -> u64 {
        match self.pace {
            Some(pace) => pace.wait_seconds(position),
            None => position.div_ceil(u64::from(self.max_active.max(1))).saturating_mul(active_ttl.as_secs()),
        }
    }

    /// Takes over what was read from the database: the changes since `change_seq`, all ACTIVE tokens, the pace and the gate.
    pub(super) fn absorb(&mut self, changes: &[Change], active: HashMap<u64, Turn>, pace: Option<Pace>, gate: &Gate) {
        for change in changes {
            match change.status {
                TokenStatus::Waiting => self.waiting.insert(change.ticket),
                TokenStatus::Active | TokenStatus::Expired => self.waiting.remove(change.ticket),
            };
            self.change_seq = self.change_seq.max(change.change_seq);
        }
        self.active = active;
        self.max_active = gate.admission.max_active;
        self.pace = pace;
    }

    /// Takes over a batch that this process has just committed, unless another process committed before it: then the
    /// next refresh brings both.
    pub(super) fn apply(&mut self, effects: &Effects) {
        if effects.is_empty() || effects.change_seq_before != self.change_seq {
            return;
        }
        self.change_seq = effects.gate.change_seq;
        // In this order: a turn that is picked up may end in the same batch.
        let ended = effects.ended.iter().map(|(token, _)| token);
        for token in effects.claimed.iter().chain(ended).chain(&effects.admitted).chain(&effects.joined) {
            self.waiting.remove(token.ticket);
            self.active.remove(&token.ticket);
            match token.status {
                TokenStatus::Waiting => {
                    self.waiting.insert(token.ticket);
                }
                TokenStatus::Active => {
                    let turn = Turn { until: token.expires_at, claimed: token.claimed_at.is_some() };
                    self.active.insert(token.ticket, turn);
                }
                TokenStatus::Expired => {}
            }
        }
    }
}
