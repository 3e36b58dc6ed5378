//! The order of the queue in memory: positions without a query. A position is the rank of a ticket in the line of the
//! WAITING ([`Line`]).

mod changes;

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use roaring::RoaringTreemap;

pub(super) use self::changes::{Refresh, TokenChange};
use super::draw::Places;
use super::front::{FrontLine, FrontPlace, Priority};
use super::line::Line;
use super::pace::Pace;
use super::pause::{equal_pause, pause_at};
use super::rows::Gate;
use super::{DrawnHeads, SeenHead, SeenHeads};
use crate::clock::{Timestamp, span};
use crate::id::UserId;
use crate::phase::{SalePhase, SaleTimes};

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

/// The queue as of one `change_seq`.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    change_seq: u64,
    waiting: Line,
    /// Those of them who count as seen.
    seen: Line,
    /// Those of them who come before all others.
    front: FrontLine,
    /// Whether their draw is still to come, or has not been taken over yet.
    is_undrawn: bool,
    /// Whether those who are not seen are passed over.
    passes_over: bool,
    active: HashMap<u64, TicketTurn>,
    /// The tickets of users who are ACTIVE.
    tickets: HashMap<UserId, u64>,
    /// Turns that this process made last longer since the last reading began, which may not have seen that.
    lengthened: HashMap<u64, Timestamp>,
    max_active: u32,
    times: SaleTimes,
    /// The highest ticket of which a row was seen. Tickets are given out in the order of commits, so all below are known.
    newest: u64,
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
        let waiting = Line::new(waiting, None);
        let (seen, times, newest) = (waiting.clone(), gate.times, gate.next_ticket - 1);
        let is_undrawn = gate.draw.is_some();
        let mut first =
            Self { change_seq: gate.change_seq, waiting, seen, newest, is_undrawn, times, ..Self::default() };
        first.note_in_front(in_front);
        first
    }

    pub(super) const fn times(&self) -> SaleTimes {
        self.times
    }

    /// Takes note of the phase now. Returns whether any ticket's place, or what is told of it, has changed since the last
    /// time.
    pub(super) fn settle(&mut self, now: Timestamp) -> bool {
        let phase = Some(self.times.phase(now));
        self.moved |= self.phase.is_some() && self.phase != phase;
        self.phase = phase;
        std::mem::take(&mut self.moved)
    }

    /// Whether [`Snapshot::settle`] would change nothing.
    pub(super) fn is_settled(&self, now: Timestamp) -> bool {
        !self.moved && self.phase == Some(self.times.phase(now))
    }

    /// Whether a draw still has to give the places.
    pub(super) const fn awaits_draw(&self) -> bool {
        self.is_undrawn
    }

    /// Whether nobody waits or is ACTIVE.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.len() == 0 && self.active.is_empty()
    }

    /// Whether any ticket is ACTIVE.
    pub(super) fn has_active(&self) -> bool {
        !self.active.is_empty()
    }

    pub(super) const fn change_seq(&self) -> u64 {
        self.change_seq
    }

    pub(super) fn waiting(&self) -> RoaringTreemap {
        self.waiting.tickets().clone()
    }

    /// The draw whose order the lines have.
    pub(super) fn places(&self) -> Option<Arc<Places>> {
        self.waiting.places().cloned()
    }

    /// Tickets for [`DrawnLines::new`](super::line::DrawnLines::new): who waits, and who of them counts as seen.
    pub(super) fn lines(&self) -> [RoaringTreemap; 2] {
        [&self.waiting, &self.seen].map(|line| line.tickets().clone())
    }

    /// The first of the WAITING who were drawn; `None`: there is no draw, as far as this snapshot knows.
    pub(super) fn first_drawn(&self, most: usize) -> Option<DrawnHeads> {
        let (tickets, all) = self.waiting.first_drawn(most)?;
        Some(DrawnHeads { count: self.waiting.places()?.count(), tickets, all })
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
    pub(super) fn first_seen(&self, most: usize, polls_per_second: u32, now: Timestamp) -> Option<SeenHeads> {
        // Who has not polled since the draw goes by the interval that all were told at the doors.
        let at_doors = Duration::from_secs(equal_pause(self.waiting.len(), polls_per_second));
        let is_just_drawn = self.times.opens_at.is_some_and(|opened_at| now < opened_at + span(at_doors));
        let shortest = if self.waiting.places().is_some() && is_just_drawn { at_doors.as_secs() } else { 0 };
        let head = |ticket| {
            let position = self.position(ticket);
            let pause_seconds = pause_at(position, self.waiting.len(), polls_per_second).max(shortest);
            SeenHead { ticket, pause_seconds }
        };
        self.passes_over.then(|| {
            let in_front = self.front.iter().filter(|ticket| self.seen.contains(*ticket));
            // So many more, since those in front may be among them and are left out again.
            let others = self.seen.first(most + self.front.len()).into_iter();
            let others = others.filter(|ticket| self.front.priority(*ticket).is_none());
            let heads: Vec<_> = in_front.chain(others).take(most).map(head).collect();
            SeenHeads { more: heads.len() == most, heads }
        })
    }

    /// Takes over who counts as seen. Tickets from `known_to` on have joined since that was found out.
    pub(super) fn set_seen(&mut self, seen: Line, known_to: u64, passes_over: bool) {
        self.seen = seen;
        // A draw was made since.
        if self.seen.places() != self.waiting.places() {
            self.seen = Line::new(self.seen.tickets().clone(), self.places());
        }
        let gone = self.seen.tickets() - self.waiting.tickets();
        gone.iter().for_each(|ticket| self.seen.remove(ticket));
        // They joined after the others had looked, so nobody can have seen them.
        let mut newer = self.waiting.tickets().iter();
        newer.advance_to(known_to);
        newer.for_each(|ticket| self.seen.insert(ticket));
        self.passes_over = passes_over;
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
}

/// The positions of tickets among `waiting`, found as polls find them.
#[cfg(feature = "internals")]
pub(crate) fn positions(waiting: impl IntoIterator<Item = u64>) -> impl Fn(u64) -> Option<u64> {
    let waiting = Line::new(waiting.into_iter().collect(), None);
    let snapshot = Snapshot { waiting, ..Snapshot::default() };
    move |ticket| match snapshot.place(ticket, Timestamp::UNIX_EPOCH) {
        TicketPlace::Waiting { position, .. } => Some(position),
        TicketPlace::Active { .. } | TicketPlace::Unknown => None,
    }
}

#[cfg(test)]
mod tests;
