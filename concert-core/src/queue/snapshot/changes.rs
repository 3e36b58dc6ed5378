//! How a snapshot moves on: what refreshes read, and what this process has committed itself.

use hashbrown::HashMap;

use super::{Snapshot, TicketTurn};
use crate::clock::Timestamp;
use crate::id::UserId;
use crate::queue::TokenStatus;
use crate::queue::front::FrontPlace;
use crate::queue::line::DrawnLines;
use crate::queue::pace::Pace;
use crate::queue::rows::{Effects, Gate};

/// A row that changed since the last refresh.
pub(in crate::queue) struct TokenChange {
    pub(in crate::queue) ticket: u64,
    pub(in crate::queue) status: TokenStatus,
    pub(in crate::queue) change_seq: u64,
}

/// What a refresh reads, in this order.
pub(in crate::queue) struct Refresh {
    /// The rows that changed since the snapshot's `change_seq`, as it was then.
    pub(in crate::queue) changes: Vec<TokenChange>,
    /// The places in front that were given since then, and may have ended since.
    pub(in crate::queue) in_front: Vec<(u64, FrontPlace)>,
    pub(in crate::queue) gate: Gate,
    /// All ACTIVE tokens.
    pub(in crate::queue) active: HashMap<u64, TicketTurn>,
    pub(in crate::queue) pace: Option<Pace>,
    /// The lines in the order of a draw that the snapshot does not know yet.
    pub(in crate::queue) drawn: Option<DrawnLines>,
}

impl Snapshot {
    /// The user's turn lasts until `until` at least, as this process has committed.
    pub(in crate::queue) fn lengthen(&mut self, user: UserId, until: Timestamp) {
        let Some(ticket) = self.tickets.get(&user) else { return };
        if let Some(turn) = self.active.get_mut(ticket).filter(|turn| turn.until < until) {
            turn.until = until;
            self.lengthened.insert(*ticket, until);
            self.moved = true;
        }
    }

    /// A reading begins: it sees all that is committed before.
    pub(in crate::queue) fn begin_reading(&mut self) {
        self.lengthened.clear();
    }

    /// Takes over what was read from the database. Returns whether any ticket's place has changed since the last time.
    ///
    /// Batches that were applied during the reading are newer than what was read, so they stay. Otherwise a ticket that
    /// has just been admitted would wait again, and all tickets behind it would move back.
    pub(in crate::queue) fn absorb(&mut self, read: Refresh, now: Timestamp) -> bool {
        let Refresh { changes, in_front, gate, mut active, pace, drawn } = read;
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
            self.newest = self.newest.max(change.ticket);
            self.moved = true;
        }
        self.take_over_draw(drawn);
        self.note_in_front(in_front);
        if gate.change_seq >= applied {
            // While a draw is to come, the lines keep the order of arrival, and nobody is told a rank.
            self.is_undrawn = gate.draw.is_some() && self.waiting.places().is_none();
            self.times = gate.times;
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
        self.max_active = gate.admission.max_active;
        self.pace = pace;
        // A turn that is over changes its follower's standing, though no row has changed yet.
        self.moved |= self.active.values().any(|turn| turn.until <= now);
        self.settle(now)
    }

    /// Takes over a batch that this process has just committed, unless another process has committed before it. Then
    /// the next refresh brings both.
    pub(in crate::queue) fn apply(&mut self, effects: &Effects) {
        if effects.is_empty() || effects.gate_before.change_seq != self.change_seq {
            return;
        }
        self.change_seq = effects.gate.change_seq;
        self.times = effects.gate.times;
        self.is_undrawn = effects.gate.draw.is_some() && self.waiting.places().is_none();
        self.moved = true;
        // In this order: a turn that is claimed may end in the same batch.
        let ended = effects.ended.iter().map(|(token, _)| token);
        for token in effects.claimed.iter().chain(ended).chain(&effects.admitted).chain(&effects.joined) {
            // Taken out wherever it was, and put where it is now.
            self.newest = self.newest.max(token.ticket);
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

    /// Takes over places in front, of those who still wait.
    pub(super) fn note_in_front(&mut self, in_front: Vec<(u64, FrontPlace)>) {
        for (ticket, place) in in_front {
            if self.waiting.contains(ticket) {
                self.front.insert(ticket, place);
                self.moved = true;
            }
        }
    }

    /// Not before all who were drawn are known: who joined last may have the first place.
    fn take_over_draw(&mut self, drawn: Option<DrawnLines>) {
        if let Some(drawn) = drawn.filter(|drawn| drawn.count() <= self.newest) {
            drawn.replace(&mut self.waiting, &mut self.seen);
            self.front.reorder(self.waiting.places().cloned());
            self.moved = true;
        }
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
