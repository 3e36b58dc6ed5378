//! A cache of the holds that this process made last, so that a payment need not read them. Most of a reservation never
//! changes, and its seat's row tells whether it still holds the seat.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

use super::{Known, Reservation};
use crate::id::ReservationId;

/// The holds of a generation. The cache keeps two generations and forgets the older one when the newer is full.
const GENERATION: usize = 32_768;

/// Reservations as they were made.
#[derive(Debug, Default)]
pub(crate) struct RecentHolds(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: Generation,
    old: Generation,
}

/// Where each hold is among those of its batch. The holds stay where they are, since they are large, and a map that grows moves
/// what it has.
type Generation = HashMap<ReservationId, (Arc<Vec<Reservation>>, usize)>;

impl RecentHolds {
    /// Those of `ids`, if all are there.
    pub(crate) fn all(&self, ids: &[ReservationId]) -> Option<Known> {
        let generations = self.lock();
        let find = |id| generations.young.get(id).or_else(|| generations.old.get(id));
        let read = |id| find(id).map(|(batch, nth)| (*id, batch[*nth].clone()));
        ids.iter().map(read).collect()
    }

    /// Remembers what a batch has made.
    pub(super) fn remember(&self, made: Vec<Reservation>) {
        let made = Arc::new(made);
        // Freed after the lock, which every payment takes.
        let mut forgotten = Vec::new();
        let mut generations = self.lock();
        for (nth, reservation) in made.iter().enumerate() {
            if generations.young.len() == GENERATION {
                let young = std::mem::take(&mut generations.young);
                forgotten.push(std::mem::replace(&mut generations.old, young));
            }
            generations.young.insert(reservation.id, (Arc::clone(&made), nth));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::clock::Timestamp;
    use crate::concert_status::ConcertStatus;
    use crate::id::{ConcertId, SaleId, SeatNumber, UserId};
    use crate::money::Money;
    use crate::reservation::ReservationStatus;

    fn made(seat: usize) -> Reservation {
        let now: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        Reservation {
            id: ReservationId::generate(),
            user: UserId::generate(),
            concert: ConcertId::generate(),
            sale: SaleId::DEFAULT,
            concert_status: ConcertStatus::OnSale,
            seat: SeatNumber::new(seat as i64 + 1).expect("a seat"),
            section: None,
            row: None,
            status: ReservationStatus::Held,
            price: Money::whole(50).expect("a price"),
            performance_date: now.date_naive(),
            reserved_at: now,
            expires_at: now,
            extended_at: None,
            bypassed_queue: false,
            shared_order: None,
            fingerprint: None,
        }
    }

    #[test]
    fn the_last_generation_is_remembered_whole_and_those_before_it_are_not() {
        let (recent, made): (_, Vec<_>) = (RecentHolds::default(), (0..=2 * GENERATION).map(made).collect());
        recent.remember(made.clone());
        let ids: Vec<_> = made.iter().map(|made| made.id).collect();
        let last = recent.all(&ids[GENERATION..]).expect("all of them");
        assert_eq!((last.len(), &last[&ids[GENERATION]]), (GENERATION + 1, &made[GENERATION]));
        assert_eq!(recent.all(&ids[..1]), None, "its generation has gone");
        assert_eq!(recent.all(&[ids[GENERATION], ids[0]]), None, "all or nothing");
    }
}
