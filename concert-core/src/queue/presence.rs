//! Who of the WAITING this process has seen lately.
//!
//! A poll is noted with one store into memory that no other poll touches at the same time: a ring of slots by ticket. A
//! slot says until when its ticket counts as seen. What other processes have seen comes from their rows of `queue_seen`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use hashbrown::HashMap;
use roaring::RoaringTreemap;

use super::pause::SHORTEST_PAUSE;
use crate::clock::{Timestamp, span};

/// A user counts as seen for this many of the poll intervals that it was told,
const INTERVALS: u64 = 4;
/// and for this many seconds at least: a phone may be without a network for a moment.
const SHORTEST_PRESENCE: u64 = 15;

/// The slots are made in pieces, when a ticket first needs one. Each piece is twice as large as the one before, so that a
/// sale with few people takes little memory.
const SLOTS_OF_FIRST: u64 = 1 << 6;
/// 16 777 152 tickets have a slot of their own, for 128 MB at most.
const PIECES: usize = 18;
const SLOTS: u64 = SLOTS_OF_FIRST * ((1 << PIECES) - 1);

/// How long a user counts as seen who was told to poll after so many seconds.
pub(super) fn presence_after(pause_seconds: u64) -> Duration {
    Duration::from_secs((INTERVALS * pause_seconds).max(SHORTEST_PRESENCE))
}

/// What a slot says of a ticket, in one word: 32 bits of the ticket's round through the ring, 31 bits of seconds, and
/// whether it polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    round: u64,
    /// In seconds since the process began to look; 0: never.
    until: u64,
    polled: bool,
}

impl Slot {
    const fn unpack(word: u64) -> Self {
        Self { round: word >> 32, until: word >> 1 & 0x7fff_ffff, polled: word & 1 == 1 }
    }

    const fn pack(self) -> u64 {
        self.round << 32 | self.until << 1 | self.polled as u64
    }
}

/// What this process has seen of the WAITING.
pub(super) struct Presence {
    /// When this process began to look.
    since: Timestamp,
    /// Tickets from here on joined while it was looking.
    watched_from: AtomicU64,
    pieces: Box<[OnceLock<Box<[AtomicU64]>>]>,
    /// Tickets whose changes are being followed, and by how many.
    followed: Mutex<HashMap<u64, u32>>,
}

/// The WAITING that a process has seen lately.
#[derive(Debug, Default, PartialEq)]
pub(super) struct SeenHere {
    pub(super) tickets: RoaringTreemap,
    /// Whether any of them polled or is followed; the others have only joined.
    pub(super) polled: bool,
}

impl Presence {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            since: now,
            watched_from: AtomicU64::new(u64::MAX),
            pieces: (0..PIECES).map(|_| OnceLock::new()).collect(),
            followed: Mutex::default(),
        }
    }

    pub(super) const fn since(&self) -> Timestamp {
        self.since
    }

    /// Tickets before this one had joined before this process looked, so that it may not have seen them yet.
    pub(super) fn watched_from(&self) -> u64 {
        self.watched_from.load(Ordering::Relaxed)
    }

    /// Notes that tickets from `ticket` on join while this process looks.
    pub(super) fn watch_from(&self, ticket: u64) {
        self.watched_from.fetch_min(ticket, Ordering::Relaxed);
    }

    /// Notes that the holder of a ticket has polled, and was told to do so again after so many seconds.
    pub(super) fn note_poll(&self, ticket: u64, pause_seconds: u64, now: Timestamp) {
        self.note(ticket, pause_seconds, true, now);
    }

    /// Notes that a ticket has just been given out.
    pub(super) fn note_join(&self, ticket: u64, pause_seconds: u64, now: Timestamp) {
        self.watch_from(ticket);
        self.note(ticket, pause_seconds, false, now);
    }

    /// Counts a ticket as seen until [`Presence::unfollow`].
    pub(super) fn follow(&self, ticket: u64) {
        *self.followed().entry(ticket).or_default() += 1;
    }

    pub(super) fn unfollow(&self, ticket: u64) {
        let mut followed = self.followed();
        if let Some(count) = followed.get_mut(&ticket) {
            *count -= 1;
            if *count == 0 {
                followed.remove(&ticket);
            }
        }
    }

    /// Those of `waiting` that this process has seen lately.
    pub(super) fn seen_of(&self, waiting: &RoaringTreemap, now: Timestamp) -> SeenHere {
        let followed: Vec<_> = self.followed().keys().copied().collect();
        // Whoever follows does not poll. As long as that lasts, it counts as a poll of this moment.
        for ticket in followed {
            self.note_poll(ticket, SHORTEST_PAUSE, now);
        }
        let now = self.seconds(now);
        let mut polled = false;
        let seen = waiting.iter().filter(|ticket| {
            let Some(slot) = self.known(*ticket) else { return false };
            let is_seen = slot.until > now;
            polled |= is_seen && slot.polled;
            is_seen
        });
        let tickets = RoaringTreemap::from_sorted_iter(seen).unwrap_or_default();
        SeenHere { tickets, polled }
    }

    fn note(&self, ticket: u64, pause_seconds: u64, polled: bool, now: Timestamp) {
        let until = self.seconds(now + span(presence_after(pause_seconds)));
        let word = self.slot(ticket);
        let (before, round) = (word.load(Ordering::Relaxed), ticket / SLOTS);
        let known = Slot::unpack(before);
        // Of two tickets that share a slot, the one nearer to the front keeps it.
        if known.round < round && known.until > self.seconds(now) {
            return;
        }
        let after = Slot { round, until, polled }.pack();
        // Without a store, the other processors keep their copies.
        if after != before {
            // Two polls of one ticket at once write the same or nearly so: either may stay.
            word.store(after, Ordering::Relaxed);
        }
    }

    fn known(&self, ticket: u64) -> Option<Slot> {
        let (piece, place) = place_of(ticket);
        let slot = Slot::unpack(self.pieces[piece].get()?[place].load(Ordering::Relaxed));
        // The slot may say something of another ticket, of another round.
        (slot.round == ticket / SLOTS).then_some(slot)
    }

    fn slot(&self, ticket: u64) -> &AtomicU64 {
        let (piece, place) = place_of(ticket);
        let empty = || (0..SLOTS_OF_FIRST << piece).map(|_| AtomicU64::new(0)).collect();
        &self.pieces[piece].get_or_init(empty)[place]
    }

    /// Whole seconds since this process began to look, from 1; a clock that was set back before that is at 1.
    fn seconds(&self, at: Timestamp) -> u64 {
        ((at - self.since).num_seconds() + 1).clamp(1, 0x7fff_ffff) as u64
    }

    fn followed(&self) -> MutexGuard<'_, HashMap<u64, u32>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn place_of(ticket: u64) -> (usize, usize) {
    let slot = ticket % SLOTS;
    let piece = (slot / SLOTS_OF_FIRST + 1).ilog2();
    (piece as usize, (slot - SLOTS_OF_FIRST * ((1 << piece) - 1)) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        Timestamp::from_timestamp(1_803_902_400, 0).expect("in range")
    }

    fn at(seconds: u64) -> Timestamp {
        noon() + span(Duration::from_secs(seconds))
    }

    fn seen(presence: &Presence, waiting: &[u64], seconds: u64) -> (Vec<u64>, bool) {
        let seen = presence.seen_of(&waiting.iter().copied().collect(), at(seconds));
        (seen.tickets.iter().collect(), seen.polled)
    }

    #[test]
    fn a_ticket_is_seen_for_a_few_of_its_poll_intervals() {
        let presence = Presence::new(noon());
        presence.note_join(1, 2, at(0));
        presence.note_poll(2, 60, at(0));
        presence.note_poll(3, 2, at(1));
        assert_eq!(seen(&presence, &[1, 2, 3, 4], 14), (vec![1, 2, 3], true));
        assert_eq!(seen(&presence, &[1, 3], 15), (vec![3], true));
        assert_eq!(seen(&presence, &[1, 2, 3], 239), (vec![2], true));
        assert_eq!(seen(&presence, &[1, 2, 3], 240), (vec![], false));
        presence.note_join(4, 2, at(240));
        assert_eq!(seen(&presence, &[4], 240), (vec![4], false), "it has only joined");
        presence.note_poll(2, 2, at(240));
        assert_eq!(seen(&presence, &[2], 254), (vec![2], true));
        assert_eq!(seen(&presence, &[2], 255), (vec![], false), "nearer to the front, it is missed sooner");
        assert_eq!(presence.watched_from(), 1);
    }

    #[test]
    fn a_ticket_that_is_followed_is_seen_as_long_as_that() {
        let presence = Presence::new(noon());
        presence.follow(7);
        presence.follow(7);
        presence.unfollow(7);
        assert_eq!(seen(&presence, &[6, 7], 1_000), (vec![7], true));
        presence.unfollow(7);
        assert_eq!(seen(&presence, &[7], 1_014), (vec![7], true));
        assert_eq!(seen(&presence, &[7], 1_015), (vec![], false));
    }

    #[test]
    fn of_two_tickets_in_one_slot_the_front_one_stays() {
        let presence = Presence::new(noon());
        let (front, back) = (SLOTS - 1, 2 * SLOTS - 1);
        presence.note_poll(front, 2, at(0));
        presence.note_poll(back, 2, at(10));
        assert_eq!(seen(&presence, &[front, back], 10), (vec![front], true));
        presence.note_poll(back, 2, at(20));
        assert_eq!(seen(&presence, &[front, back], 20), (vec![back], true));
        presence.note_poll(front, 2, at(21));
        assert_eq!(seen(&presence, &[front, back], 21), (vec![front], true));
    }

    #[test]
    fn every_ticket_of_a_round_has_a_slot_of_its_own() {
        let ends = (0..PIECES as u32).map(|piece| SLOTS_OF_FIRST * ((1 << piece) - 1));
        for (piece, first) in ends.enumerate() {
            assert_eq!(place_of(first), (piece, 0));
            assert_eq!(place_of(SLOTS + first), (piece, 0), "of the next round");
            let last = first + (SLOTS_OF_FIRST << piece) - 1;
            assert_eq!(place_of(last), (piece, (SLOTS_OF_FIRST << piece) as usize - 1));
        }
        assert_eq!(place_of(SLOTS - 1).0, PIECES - 1);
    }

    #[test]
    fn a_slot_is_one_word() {
        for (round, until, polled) in [(0, 0, false), (3, 0x7fff_ffff, true), (u64::from(u32::MAX), 1, false)] {
            let slot = Slot { round, until, polled };
            assert_eq!(Slot::unpack(slot.pack()), slot);
        }
    }
}
