//! The order of the queue in memory: positions without a query.
//!
//! WAITING tickets are a compressed bitmap (Lemire et al., "Roaring bitmaps: Implementation of an optimized software
//! library", 2018), in which the rank of a ticket is its position.

use std::collections::HashMap;
use std::time::Duration;

use roaring::RoaringTreemap;

use super::front::{FrontLine, FrontPlace, Priority};
use super::pace::Pace;
use super::pause::pause_at;
use super::rows::{Effects, Gate};
use super::{SeenHead, SeenHeads, TokenStatus};
use crate::clock::Timestamp;
use crate::id::UserId;
use crate::phase::{EntryOrder, SalePhase, SaleTimes};

/// What the snapshot knows of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TicketPlace {
    /// Its 1-based ranks among the WAITING, and among those of them who count as seen.
    Waiting { position: u64, among_seen: u64, priority: Option<Priority> },
    /// Its turn lasts until then.
    Active { until: Timestamp },
    /// Ended, or newer than the snapshot: only its row can tell.
    Unknown,
}

/// The turn of an ACTIVE ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TicketTurn {
    pub(super) user: UserId,
    pub(super) until: Timestamp,
    /// Whether it was claimed; if not, `until` is the end of the claim window.
    pub(super) claimed: bool,
}

/// A row that changed since the last refresh.
pub(super) struct TokenChange {
    pub(super) ticket: u64,
    pub(super) status: TokenStatus,
    pub(super) change_seq: u64,
}

/// What a refresh reads, in this order.
pub(super) struct Refresh {
    /// The rows that changed since the snapshot's `change_seq`, as it was then.
    pub(super) changes: Vec<TokenChange>,
    /// The places in front that were given since then, and may have ended since.
    pub(super) in_front: Vec<(u64, FrontPlace)>,
    pub(super) gate: Gate,
    /// All ACTIVE tokens.
    pub(super) active: HashMap<u64, TicketTurn>,
    pub(super) pace: Option<Pace>,
}

/// The queue as of one `change_seq`.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    change_seq: u64,
    waiting: RoaringTreemap,
    /// Those of them who count as seen.
    seen: RoaringTreemap,
    /// Those of them who come before all others.
    front: FrontLine,
    /// Whether those who are not seen are passed over.
    passes_over: bool,
    active: HashMap<u64, TicketTurn>,
    /// The tickets of users who are ACTIVE.
    tickets: HashMap<UserId, u64>,
    /// Turns that this process made last longer since the last reading began, which may not have seen that.
    lengthened: HashMap<u64, Timestamp>,
    max_active: u32,
    times: SaleTimes,
    order: EntryOrder,
    /// The phase as of the last refresh, or of a change since.
    phase: Option<SalePhase>,
    /// Whether any ticket's place has changed since the last refresh.
    moved: bool,
    pace: Option<Pace>,
}

impl Snapshot {
    /// The queue as read in full. `gate` was read before `waiting`, so changes in between are absorbed a second time,
    /// which does no harm.
    pub(super) fn new(gate: &Gate, waiting: RoaringTreemap, in_front: Vec<(u64, FrontPlace)>) -> Self {
        let seen = waiting.clone();
        let (times, order) = (gate.times, gate.order);
        let mut first = Self { change_seq: gate.change_seq, waiting, seen, times, order, ..Self::default() };
        first.note_in_front(in_front);
        first
    }

    pub(super) const fn times(&self) -> SaleTimes {
        self.times
    }

    /// The phase when it was last looked at.
    pub(super) fn phase(&self) -> SalePhase {
        self.phase.unwrap_or(SalePhase::Open)
    }

    /// Takes note of the phase now.
    pub(super) fn note_phase(&mut self, now: Timestamp) {
        let phase = Some(self.times.phase(now));
        self.moved |= self.phase.is_some() && self.phase != phase;
        self.phase = phase;
    }

    /// Whether a draw at the opening still has to give the places.
    pub(super) fn awaits_draw(&self, now: Timestamp) -> bool {
        self.order == EntryOrder::Draw && matches!(self.times.phase(now), SalePhase::Before | SalePhase::Doors)
    }

    /// Whether nobody waits or is ACTIVE.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.active.is_empty()
    }

    /// Whether any ticket is ACTIVE.
    pub(super) fn has_active(&self) -> bool {
        !self.active.is_empty()
    }

    pub(super) const fn change_seq(&self) -> u64 {
        self.change_seq
    }

    pub(super) fn waiting(&self) -> RoaringTreemap {
        self.waiting.clone()
    }

    /// How many wait and count as seen.
    pub(super) fn seen(&self) -> u64 {
        self.seen.len()
    }

    /// How many share the budget of polls: all who wait, or those of them who are still there.
    pub(super) fn polling(&self) -> u64 {
        if self.passes_over { self.seen.len() } else { self.waiting.len() }
    }

    /// The first of those who count as seen; `None`: nobody is passed over, so the order of tickets is all.
    pub(super) fn first_seen(&self, most: usize, polls_per_second: u32) -> Option<SeenHeads> {
        let head = |ticket| {
            let position = self.position(ticket);
            SeenHead { ticket, pause_seconds: pause_at(position, self.waiting.len(), polls_per_second) }
        };
        self.passes_over.then(|| {
            let in_front = self.front.iter().filter(|ticket| self.seen.contains(*ticket));
            let others = self.seen.iter().filter(|ticket| self.front.priority(*ticket).is_none());
            let heads: Vec<_> = in_front.chain(others).take(most).map(head).collect();
            SeenHeads { more: heads.len() == most, heads }
        })
    }

    /// Takes over who counts as seen. Tickets from `known_to` on have joined since that was found out.
    pub(super) fn set_seen(&mut self, mut seen: RoaringTreemap, known_to: u64, passes_over: bool) {
        seen &= &self.waiting;
        let mut newer = self.waiting.iter();
        newer.advance_to(known_to);
        seen.extend(newer);
        (self.seen, self.passes_over) = (seen, passes_over);
    }

    /// The rank that counts for the wait: among those who are still there.
    pub(super) fn rank_among_seen(&self, ticket: u64, position: u64) -> u64 {
        if !self.passes_over {
            return position;
        }
        // Whoever asks is there, noted or not.
        let rank = self.seen.rank(ticket) + u64::from(!self.seen.contains(ticket));
        self.front.rank(ticket, rank)
    }

    /// The 1-based rank of a WAITING ticket.
    fn position(&self, ticket: u64) -> u64 {
        self.front.rank(ticket, self.waiting.rank(ticket))
    }

    /// The priority of a ticket that waits with a place in front.
    pub(super) fn priority(&self, ticket: u64) -> Option<Priority> {
        self.front.priority(ticket)
    }

    /// Takes over places in front, of those who still wait.
    fn note_in_front(&mut self, in_front: Vec<(u64, FrontPlace)>) {
        for (ticket, place) in in_front {
            if self.waiting.contains(ticket) {
                self.front.insert(ticket, place);
                self.moved = true;
            }
        }
    }

    pub(super) fn place(&self, ticket: u64, now: Timestamp) -> TicketPlace {
        match self.active.get(&ticket) {
            Some(turn) if now < turn.until => TicketPlace::Active { until: turn.until },
            Some(_) => TicketPlace::Unknown,
            None if self.waiting.contains(ticket) => {
                let (position, priority) = (self.position(ticket), self.priority(ticket));
                TicketPlace::Waiting { position, among_seen: self.rank_among_seen(ticket, position), priority }
            }
            None => TicketPlace::Unknown,
        }
    }

    /// Whether the ticket was let in and its turn is not claimed yet.
    pub(super) fn is_unclaimed(&self, ticket: u64) -> bool {
        self.active.get(&ticket).is_some_and(|turn| !turn.claimed)
    }

    /// The estimated wait at `position`, in seconds: by the measured pace or, before there is one, as if every turn
    /// lasted its full time.
    pub(super) fn wait_seconds(&self, position: u64, active_ttl: Duration) -> u64 {
        match self.pace {
            Some(pace) => pace.wait_seconds(position),
            None => Pace::longest_wait_seconds(position, self.max_active, active_ttl),
        }
    }

    /// Whether the user has a turn that ends before `until`.
    pub(super) fn ends_before(&self, user: UserId, until: Timestamp) -> bool {
        self.turn_of(user).is_some_and(|turn| turn.until < until)
    }

    fn turn_of(&self, user: UserId) -> Option<&TicketTurn> {
        self.active.get(self.tickets.get(&user)?)
    }

    /// The user's turn lasts until `until` at least, as this process has committed.
    pub(super) fn lengthen(&mut self, user: UserId, until: Timestamp) {
        let Some(ticket) = self.tickets.get(&user) else { return };
        if let Some(turn) = self.active.get_mut(ticket).filter(|turn| turn.until < until) {
            turn.until = until;
            self.lengthened.insert(*ticket, until);
            self.moved = true;
        }
    }

    /// A reading begins: it sees all that is committed before.
    pub(super) fn begin_reading(&mut self) {
        self.lengthened.clear();
    }

    /// Takes over what was read from the database. Returns whether any ticket's place has changed since the last time.
    ///
    /// Batches that were applied during the reading are newer than what was read, so they stay. Otherwise a ticket that
    /// has just been admitted would wait again, and all tickets behind it would move back.
    pub(super) fn absorb(&mut self, read: Refresh, now: Timestamp) -> bool {
        let Refresh { changes, in_front, gate, mut active, pace } = read;
        for (ticket, until) in &self.lengthened {
            if let Some(turn) = active.get_mut(ticket) {
                turn.until = turn.until.max(*until);
            }
        }
        // Invariant: `change_seq` never goes back, so a late reading changes only rows that no applied batch has
        // changed.
        let applied = self.change_seq;
        for change in changes.iter().filter(|change| change.change_seq > applied) {
            match change.status {
                TokenStatus::Waiting => self.add_waiting(change.ticket),
                TokenStatus::Active | TokenStatus::Expired => self.remove_waiting(change.ticket),
            }
            self.change_seq = self.change_seq.max(change.change_seq);
            self.moved = true;
        }
        self.note_in_front(in_front);
        if gate.change_seq >= applied {
            self.moved |= self.active != active;
            self.tickets = active.iter().map(|(ticket, turn)| (turn.user, *ticket)).collect();
            self.active = active;
        } else {
            // This reading is older than the snapshot. Only the ends of turns can be newer in it: holds and payments move
            // them without raising `change_seq`.
            for (ticket, turn) in active {
                if let Some(known) = self.active.get_mut(&ticket) {
                    self.moved |= *known != turn;
                    *known = turn;
                }
            }
        }
        if gate.change_seq >= applied {
            (self.times, self.order) = (gate.times, gate.order);
        }
        self.max_active = gate.admission.max_active;
        self.pace = pace;
        self.note_phase(now);
        // A turn that is over changes its follower's standing, though no row has changed yet.
        self.moved |= self.active.values().any(|turn| turn.until <= now);
        std::mem::take(&mut self.moved)
    }

    /// Takes over a batch that this process has just committed, unless another process has committed before it. Then
    /// the next refresh brings both.
    pub(super) fn apply(&mut self, effects: &Effects) {
        if effects.is_empty() || effects.gate_before.change_seq != self.change_seq {
            return;
        }
        self.change_seq = effects.gate.change_seq;
        (self.times, self.order) = (effects.gate.times, effects.gate.order);
        self.moved = true;
        // In this order: a turn that is claimed may end in the same batch.
        let ended = effects.ended.iter().map(|(token, _)| token);
        for token in effects.claimed.iter().chain(ended).chain(&effects.admitted).chain(&effects.joined) {
            self.remove_waiting(token.ticket);
            if self.active.remove(&token.ticket).is_some() {
                self.tickets.remove(&token.user);
            }
            match token.status {
                TokenStatus::Waiting => self.add_waiting(token.ticket),
                TokenStatus::Active => {
                    let (user, until, claimed) = (token.user, token.expires_at, token.claimed_at.is_some());
                    self.active.insert(token.ticket, TicketTurn { user, until, claimed });
                    self.tickets.insert(user, token.ticket);
                }
                TokenStatus::Expired => {}
            }
        }
        let in_front = effects.redeemed.iter().filter_map(|redemption| {
            Some((redemption.ticket, FrontPlace { priority: redemption.priority?, nth: redemption.nth }))
        });
        self.note_in_front(in_front.collect());
    }

    /// Whoever has just joined counts as seen.
    fn add_waiting(&mut self, ticket: u64) {
        self.waiting.insert(ticket);
        self.seen.insert(ticket);
    }

    fn remove_waiting(&mut self, ticket: u64) {
        self.waiting.remove(ticket);
        self.seen.remove(ticket);
        self.front.remove(ticket);
    }
}

/// The positions of tickets among `waiting`, found as polls find them.
#[cfg(feature = "internals")]
pub(crate) fn positions(waiting: impl IntoIterator<Item = u64>) -> impl Fn(u64) -> Option<u64> {
    let snapshot = Snapshot { waiting: waiting.into_iter().collect(), ..Snapshot::default() };
    move |ticket| match snapshot.place(ticket, Timestamp::UNIX_EPOCH) {
        TicketPlace::Waiting { position, .. } => Some(position),
        TicketPlace::Active { .. } | TicketPlace::Unknown => None,
    }
}

#[cfg(test)]
mod tests;
