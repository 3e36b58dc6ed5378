//! The halls in which the best seats are sought. Where the seats are, and what they cost, is read once for each version
//! of a concert; which of them are free is read every time, 64 seats in a row of the answer. A hall has tens of
//! thousands of seats, and to read all their rows takes a second.

use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;
use sqlx::Row as _;

use super::best::{Hall, HallSeat};
use super::{HoldRules, Seat, SeatKey};
use crate::catalog::shared;
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::id::{ConcertId, SeatNumber};
use crate::money::Money;
use crate::sql::{Reading, ResultSet, Script, statements};

/// The most seats in the cache, some 25 MB. One more empties it.
const MOST_SEATS: usize = 1 << 19;
/// How many seats a row of [`FREE_SEATS`] tells of.
const BLOCK: i32 = u64::BITS as i32;

statements! {
    /// Where the seats of concerts are, by number.
    SEATINGS {
        "select concert_id, seat_number, section, seat_row, place, price from seats force index (primary) \
         where concert_id in ({concerts}) order by concert_id, seat_number"
    }
    /// How many seats there are for each 64 numbers, and bits: for every seat that is free, and for every one that somebody
    /// let go so often that it may have to be left to others, where a hold that has lapsed counts, released or not. A
    /// shift is an unsigned number, whatever is shifted; null counts as no bit.
    FREE_SEATS {
        "select concert_id, seat_number div 64 as block, count(*) as seats, \
         bit_or((is_reserved = 0 or reserved_until <= {now}) << (seat_number % 64)) as free, \
         bit_or((let_go_times >= if(reserved_until <= {now}, {times_before}, {times})) << (seat_number % 64)) as let_go \
         from seats force index (primary) where concert_id in ({concerts}) group by concert_id, block"
    }
}

/// A hall as it is at one version of its concert.
#[derive(Debug)]
pub(super) struct Seating {
    version: u32,
    /// With no seat free.
    hall: Hall,
    prices: Prices,
}

/// By number.
type Prices = Vec<(SeatNumber, Money)>;

impl Seating {
    /// A seat as if nobody had it or had ever had it; `None`: there is no such seat.
    pub(super) fn vacant_seat(&self, seat: SeatNumber) -> Option<Seat> {
        let at = self.prices.binary_search_by_key(&seat, |(known, _)| *known).ok()?;
        Some(Seat::vacant(self.hall.names_of(seat)?, self.prices[at].1))
    }
}

/// By concert.
pub(super) type Seatings = HashMap<ConcertId, Arc<Seating>>;

/// The seatings that were read before.
#[derive(Debug, Default)]
pub(crate) struct SeatingCache(RwLock<Seatings>);

/// The halls of concerts, whose rows must be locked, at these versions.
pub(super) struct HallReading {
    versions: HashMap<ConcertId, u32>,
    known: Seatings,
    seatings: Reading,
    free: Reading,
}

/// The halls as they are now, and where their seats are.
pub(super) struct SoughtHalls {
    pub(super) seatings: Seatings,
    pub(super) halls: HashMap<ConcertId, Hall>,
    /// Whatever may have to be left to others.
    pub(super) let_go: Vec<SeatKey>,
}

impl SeatingCache {
    /// Reads which seats are free, and the seatings that are not in the cache.
    pub(super) fn select(
        &self,
        script: &mut Script,
        versions: &HashMap<ConcertId, u32>,
        rules: HoldRules,
        now: Timestamp,
    ) -> HallReading {
        let known = self.known(versions);
        let unknown = versions.keys().filter(|concert| !known.contains_key(*concert)).copied().collect();
        let seatings = script.select_keys(&SEATINGS, unknown, |params, concerts| params.list("concerts", concerts));
        let free = script.select_keys(&FREE_SEATS, versions.keys().copied().collect(), |params, concerts| {
            // The policy has 1 at least, so one less is no less than 0.
            let times = rules.max_holds_in_a_row;
            let params = params.bind("now", now).bind("now", now).bind("times_before", times - 1).bind("times", times);
            params.list("concerts", concerts)
        });
        HallReading { versions: versions.clone(), known, seatings, free }
    }

    /// The halls, and the seatings that they have; `None`: a hall has seats that its seating lacks, or lacks some, which
    /// is forgotten.
    pub(super) fn read(&self, selected: &ResultSet, reading: HallReading) -> Result<Option<SoughtHalls>, Failure> {
        let mut seatings = reading.known;
        let read = read_seatings(selected, &reading.seatings, &reading.versions)?;
        self.keep(&read);
        seatings.extend(read);
        let (mut free, mut let_go) = (HashMap::<ConcertId, FreeSeats>::new(), Vec::new());
        for row in selected.rows(&reading.free) {
            let (concert, block) = (row.try_get("concert_id")?, row.try_get::<i64, _>("block")? as i32);
            let of_concert = free.entry(concert).or_default();
            of_concert.seats += row.try_get::<i64, _>("seats")? as usize;
            of_concert.blocks.insert(block, row.try_get("free")?);
            let_go.extend(numbers(block, row.try_get("let_go")?).map(|seat| SeatKey { concert, seat }));
        }
        let seats_of = |concert: &ConcertId| free.get(concert).map_or(0, |free| free.seats);
        let is_other = |(concert, seating): (&ConcertId, &Arc<Seating>)| seats_of(concert) != seating.hall.seats();
        // Somebody has added or deleted seats by hand, without raising the version.
        if seatings.iter().any(is_other) {
            self.forget(reading.versions.keys());
            return Ok(None);
        }
        let hall = |(concert, free): (ConcertId, FreeSeats)| {
            let seating = seatings.get(&concert)?;
            Some((concert, seating.hall.with_free(|seat| free.contains(seat))))
        };
        let halls = free.into_iter().filter_map(hall).collect();
        Ok(Some(SoughtHalls { seatings, halls, let_go }))
    }

    fn known(&self, versions: &HashMap<ConcertId, u32>) -> Seatings {
        let cache = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = |(concert, version): (&ConcertId, &u32)| {
            let seating = cache.get(concert).filter(|seating| seating.version == *version)?;
            Some((*concert, Arc::clone(seating)))
        };
        versions.iter().filter_map(known).collect()
    }

    fn keep(&self, read: &Seatings) {
        if read.is_empty() {
            return;
        }
        let seats = |seatings: &Seatings| seatings.values().map(|seating| seating.hall.seats()).sum::<usize>();
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Older versions of the same halls go first, or they would count as well.
        cache.retain(|concert, _| !read.contains_key(concert));
        if seats(&cache) + seats(read) > MOST_SEATS {
            cache.clear();
        }
        cache.extend(read.iter().map(|(concert, seating)| (*concert, Arc::clone(seating))));
    }

    fn forget<'a>(&self, concerts: impl Iterator<Item = &'a ConcertId>) {
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        concerts.for_each(|concert| drop(cache.remove(concert)));
    }
}

/// Which seats of a hall are free: a bit for each, by block.
#[derive(Default)]
struct FreeSeats {
    /// How many there are, free or not.
    seats: usize,
    blocks: HashMap<i32, u64>,
}

impl FreeSeats {
    fn contains(&self, seat: SeatNumber) -> bool {
        let number = seat.get();
        self.blocks.get(&(number / BLOCK)).is_some_and(|free| free >> (number % BLOCK) & 1 == 1)
    }
}

/// The numbers of a block's bits.
fn numbers(block: i32, bits: u64) -> impl Iterator<Item = SeatNumber> {
    (0..BLOCK).filter(move |nth| bits >> nth & 1 == 1).map(move |nth| SeatNumber::known(block * BLOCK + nth))
}

fn read_seatings(
    selected: &ResultSet,
    reading: &Reading,
    versions: &HashMap<ConcertId, u32>,
) -> Result<Seatings, Failure> {
    let mut read: HashMap<ConcertId, (Vec<HallSeat>, Prices)> = HashMap::new();
    let (mut section, mut seat_row) = (None, None);
    for row in selected.rows(reading) {
        let (seats, prices) = read.entry(row.try_get("concert_id")?).or_default();
        let number: SeatNumber = row.try_get("seat_number")?;
        prices.push((number, row.try_get("price")?));
        seats.push(HallSeat {
            number,
            section: shared(&mut section, row.try_get("section")?),
            row: shared(&mut seat_row, row.try_get("seat_row")?),
            place: row.try_get::<Option<i32>, _>("place")?.unwrap_or(number.get()),
            free: false,
        });
    }
    let seating = |(concert, (seats, prices)): (ConcertId, (Vec<_>, _))| {
        let version = *versions.get(&concert)?;
        Some((concert, Arc::new(Seating { version, hall: Hall::new(seats), prices })))
    };
    Ok(read.into_iter().filter_map(seating).collect())
}
