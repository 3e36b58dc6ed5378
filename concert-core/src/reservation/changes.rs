//! Counts this process's changes to the seats of concerts, for caches of seats.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::id::ConcertId;

/// How many counters there are. Concerts that share one seem to change together, so a cache is sometimes refreshed
/// needlessly.
const COUNTERS: usize = 4096;

/// Counts, by concert, the batches of this process that changed who has a seat; and its changes of concerts.
pub(crate) struct SeatChanges {
    by_concert: Box<[AtomicU64]>,
    concerts: AtomicU64,
}

impl SeatChanges {
    pub(crate) fn new() -> Self {
        Self { by_concert: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(), concerts: AtomicU64::new(0) }
    }

    /// A concert was added, changed, closed or called off. Called after the commit, before the operator is answered.
    pub(crate) fn note_concert(&self, concert: ConcertId) {
        self.concerts.fetch_add(1, Ordering::Release);
        self.note(concert);
    }

    /// How often concerts were changed.
    pub(crate) fn of_concerts(&self) -> u64 {
        self.concerts.load(Ordering::Acquire)
    }

    /// Called after the commit, before anyone is answered.
    pub(crate) fn note(&self, concert: ConcertId) {
        self.counter(concert).fetch_add(1, Ordering::Release);
    }

    pub(crate) fn count(&self, concert: ConcertId) -> u64 {
        self.counter(concert).load(Ordering::Acquire)
    }

    fn counter(&self, concert: ConcertId) -> &AtomicU64 {
        // The low bits of a UUID are the random ones, in v5 and v7 alike.
        &self.by_concert[(concert.as_uuid().as_u128() % COUNTERS as u128) as usize]
    }
}
