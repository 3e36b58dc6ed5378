//! Best available: chooses seats for a party that asks for a number of seats instead of naming them.
//!
//! The rules, in their order:
//!
//! 1. a party gets its seats whenever that many are free, wherever they are;
//! 2. a party sits together if it can: side by side in one row. Whoever wants nothing else asks for that
//!    ([`Hall::together`]) and is refused rather than split;
//! 3. no *orphan* is left over if that can be avoided. That is ticketing's word for a single free seat between taken
//!    ones or the ends of its row, which hardly anyone buys. Seating plans often enforce the same on seats that buyers
//!    pick;
//! 4. nearest to the front, and in that row nearest to the middle;
//! 5. a party that cannot sit together gets as few groups as possible, the largest first, over as few rows as possible.
//!    Then rule 3 applies again, then groups in one row are as near to each other as possible, then rule 4.
//!
//! Ties go to the lower number, so equal halls give equal seats.

mod split;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::clock::Timestamp;
use crate::id::{SeatNumber, UserId};

/// A seat of a hall, in order of numbers.
#[derive(Debug, Clone)]
pub(crate) struct HallSeat {
    pub(crate) number: SeatNumber,
    pub(crate) section: Option<Arc<str>>,
    pub(crate) row: Option<Arc<str>>,
    /// Where it is in its row: neighbours have consecutive places, and an aisle is a gap.
    pub(crate) place: i32,
    pub(crate) free: bool,
}

/// The free seats of a hall in the course of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hall {
    /// By the lowest number in each, so front to back.
    rows: Vec<Row>,
    /// Where each seat is, by number.
    places: Arc<[SeatPlace]>,
    /// The seats that a user must leave to others, and until when.
    left_to_others: HashMap<SeatNumber, (UserId, Timestamp)>,
}

/// Where a seat is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SeatPlace {
    number: SeatNumber,
    /// Which of the rows.
    row: usize,
    place: i32,
}

/// Seats of one section and row. Seats without a row are in one as far as no place is missing between them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    section: Option<Arc<str>>,
    name: Option<Arc<str>>,
    /// By place.
    seats: Arc<[(i32, SeatNumber)]>,
    /// By place; between any two is a taken seat or an aisle.
    free: Vec<Run>,
}

/// Places of free seats side by side, between taken ones, aisles or the ends of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first: i32,
    last: i32,
}

/// Where a party would sit in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Placement {
    orphans: usize,
    /// Twice the seats between its middle and where it wants to be.
    away: i64,
    first: i32,
}

impl Hall {
    /// All seats of a concert, by number.
    pub(crate) fn new(seats: impl IntoIterator<Item = HallSeat>) -> Self {
        let rows = rows_of(seats);
        let places = |(row, of): (usize, &Row)| {
            of.seats
                .iter()
                .map(move |(place, number)| SeatPlace { number: *number, row, place: *place })
                .collect::<Vec<_>>()
        };
        let mut places: Vec<_> = rows.iter().enumerate().flat_map(places).collect();
        places.sort_unstable_by_key(|seat| seat.number);
        Self { rows, places: places.into(), left_to_others: HashMap::new() }
    }

    /// The same seats, of which others are free, and none is left to others.
    pub(crate) fn with_free(&self, is_free: impl Fn(SeatNumber) -> bool) -> Self {
        let rows = self.rows.iter().map(|row| row.with_free(&is_free)).collect();
        Self { rows, places: Arc::clone(&self.places), left_to_others: HashMap::new() }
    }

    /// How many seats there are, free or not.
    pub(crate) fn seats(&self) -> usize {
        self.places.len()
    }

    /// The section and the row of a seat; `None`: there is no such seat.
    pub(crate) fn names_of(&self, seat: SeatNumber) -> Option<[Option<Arc<str>>; 2]> {
        let row = &self.rows[self.place_of(seat)?.row];
        Some([row.section.clone(), row.name.clone()])
    }

    /// Says who must leave a seat to others, and until when; `None`: nobody.
    pub(crate) fn leave_to_others(&mut self, seat: SeatNumber, by: Option<(UserId, Timestamp)>) {
        match by {
            Some(by) => self.left_to_others.insert(seat, by),
            None => self.left_to_others.remove(&seat),
        };
    }

    /// The hall without the seats that `user` must leave to others.
    pub(super) fn open_to(&self, user: UserId) -> Cow<'_, Self> {
        let mut hall = Cow::Borrowed(self);
        for (seat, _) in self.left_by(user) {
            hall.to_mut().take(seat);
        }
        hall
    }

    /// The free seat (in `section` if given) that `user` must leave to others for the shortest time, and until when.
    pub(super) fn first_left_to_others(&self, user: UserId, section: Option<&str>) -> Option<(SeatNumber, Timestamp)> {
        let left = self.left_by(user).filter(|(seat, _)| self.is_free(*seat, section));
        left.min_by_key(|(seat, until)| (*until, *seat))
    }

    fn left_by(&self, user: UserId) -> impl Iterator<Item = (SeatNumber, Timestamp)> {
        let of_user = self.left_to_others.iter().filter(move |(_, (by, _))| *by == user);
        of_user.map(|(seat, (_, until))| (*seat, *until))
    }

    fn is_free(&self, seat: SeatNumber, section: Option<&str>) -> bool {
        self.place_of(seat).is_some_and(|SeatPlace { row, place, .. }| {
            let row = &self.rows[row];
            (section.is_none() || row.section.as_deref() == section)
                && row.free.get(row.run_at(place)).is_some_and(|run| run.first <= place)
        })
    }

    /// The best `count` free seats (in `section` if given), by number; `None`: fewer are free. Looks at each run of
    /// free seats once at most, or a few times if the party has to be split.
    pub(crate) fn best(&self, count: usize, section: Option<&str>) -> Option<Vec<SeatNumber>> {
        self.together(count, section).or_else(|| {
            let mut seats = split::seats(count, self.numbered_rows_in(section))?;
            seats.sort_unstable();
            Some(seats)
        })
    }

    /// The best `count` free seats side by side, by number; `None`: there are none.
    pub(crate) fn together(&self, count: usize, section: Option<&str>) -> Option<Vec<SeatNumber>> {
        if count == 0 {
            return Some(Vec::new());
        }
        // Front to back: the first row where nobody is left single, or else the first of all.
        let mut leaves_one = None;
        for (row, place) in self.rows_in(section).filter_map(|row| Some((row, row.place(count)?))) {
            if place.orphans == 0 {
                return Some(row.numbers_from(place.first, count));
            }
            leaves_one = leaves_one.or(Some((row, place)));
        }
        leaves_one.map(|(row, place)| row.numbers_from(place.first, count))
    }

    fn rows_in(&self, section: Option<&str>) -> impl Iterator<Item = &Row> {
        self.numbered_rows_in(section).map(|(_, row)| row)
    }

    /// With where each is in the whole hall: a row of another section between two of them sets them apart.
    fn numbered_rows_in(&self, section: Option<&str>) -> impl Iterator<Item = (usize, &Row)> {
        self.rows.iter().enumerate().filter(move |(_, row)| section.is_none() || row.section.as_deref() == section)
    }

    /// Takes a seat; one that is not free stays as it is.
    pub(crate) fn take(&mut self, seat: SeatNumber) {
        if let Some(SeatPlace { row, place, .. }) = self.place_of(seat) {
            self.rows[row].take(place);
        }
    }

    /// Makes a seat free; one that is free, or is not there, stays as it is.
    pub(crate) fn give_back(&mut self, seat: SeatNumber) {
        if let Some(SeatPlace { row, place, .. }) = self.place_of(seat) {
            self.rows[row].give_back(place);
        }
    }

    pub(crate) fn has_section(&self, section: &str) -> bool {
        self.rows.iter().any(|row| row.section.as_deref() == Some(section))
    }

    /// How many seats are free.
    pub(crate) fn free(&self, section: Option<&str>) -> usize {
        self.rows_in(section).flat_map(|row| &row.free).map(Run::seats).sum()
    }

    fn place_of(&self, seat: SeatNumber) -> Option<SeatPlace> {
        let at = self.places.binary_search_by_key(&seat, |known| known.number).ok()?;
        Some(self.places[at])
    }
}

/// Seats by number, in their rows.
fn rows_of(seats: impl IntoIterator<Item = HallSeat>) -> Vec<Row> {
    type Names = (Option<Arc<str>>, Option<Arc<str>>);
    let mut rows: Vec<(Names, Vec<HallSeat>)> = Vec::new();
    let mut known: HashMap<Names, usize> = HashMap::new();
    let mut last = 0;
    for seat in seats {
        let is_in = |(section, row): &Names| *section == seat.section && *row == seat.row;
        // Mostly it is in the row of the seat before.
        if !rows.get(last).is_some_and(|(names, _)| is_in(names)) {
            let names = (seat.section.clone(), seat.row.clone());
            last = *known.entry(names.clone()).or_insert(rows.len());
            if last == rows.len() {
                rows.push((names, Vec::new()));
            }
        }
        rows[last].1.push(seat);
    }
    let mut built = Vec::with_capacity(rows.len());
    for ((section, name), mut seats) in rows {
        seats.sort_by_key(|seat| seat.place);
        let is_broken =
            |one: &HallSeat, next: &HallSeat| name.is_none() && i64::from(one.place) + 1 < next.place.into();
        let parts = seats.chunk_by(|one, next| !is_broken(one, next));
        built.extend(parts.map(|seats| Row::new((section.clone(), name.clone()), seats)));
    }
    built.sort_by_key(|row| row.seats.iter().map(|(_, number)| *number).min());
    built
}

impl Row {
    /// `seats`: by place.
    fn new((section, name): (Option<Arc<str>>, Option<Arc<str>>), seats: &[HallSeat]) -> Self {
        let places = seats.iter().map(|seat| (seat.place, seat.number)).collect();
        let mut row = Self { section, name, seats: places, free: Vec::new() };
        seats.iter().filter(|seat| seat.free).for_each(|seat| row.give_back(seat.place));
        row
    }

    fn with_free(&self, is_free: impl Fn(SeatNumber) -> bool) -> Self {
        let mut row = Self { free: Vec::new(), ..self.clone() };
        self.seats.iter().filter(|(_, number)| is_free(*number)).for_each(|(place, _)| row.give_back(*place));
        row
    }

    /// The numbers of seats side by side, in order.
    fn numbers_from(&self, first: i32, count: usize) -> Vec<SeatNumber> {
        let at = self.seats.partition_point(|(place, _)| *place < first);
        let mut numbers: Vec<_> = self.seats[at..].iter().take(count).map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The best place for a party that sits together.
    fn place(&self, count: usize) -> Option<Placement> {
        self.free.iter().filter_map(|run| run.place(count, self.middle())).min()
    }

    /// Twice the place in the middle. An aisle takes its room.
    fn middle(&self) -> i64 {
        let end = |seat: Option<&(i32, SeatNumber)>| seat.map_or(0, |(place, _)| i64::from(*place));
        end(self.seats.first()) + end(self.seats.last())
    }

    /// The first run that ends at `place` or after it.
    fn run_at(&self, place: i32) -> usize {
        self.free.partition_point(|run| run.last < place)
    }

    fn take(&mut self, place: i32) {
        let at = self.run_at(place);
        if let Some(run) = self.free.get(at).copied().filter(|run| run.first <= place) {
            let before = (run.first < place).then(|| Run { first: run.first, last: place - 1 });
            let after = (place < run.last).then(|| Run { first: place + 1, last: run.last });
            self.free.splice(at..=at, before.into_iter().chain(after));
        }
    }

    fn give_back(&mut self, place: i32) {
        let at = self.run_at(place);
        let next = self.free.get(at).copied();
        if next.is_some_and(|run| run.first <= place) {
            return;
        }
        let joins_next = next.filter(|run| run.first - 1 == place);
        // It joins the runs on both sides, the one before, the one behind, or none.
        match (at.checked_sub(1).and_then(|before| self.free.get_mut(before)), joins_next) {
            (Some(before), Some(next)) if before.last + 1 == place => {
                before.last = next.last;
                self.free.remove(at);
            }
            (Some(before), None) if before.last + 1 == place => before.last = place,
            (_, Some(next)) => self.free[at] = Run { first: place, ..next },
            (_, None) => self.free.insert(at, Run { first: place, last: place }),
        }
    }
}

impl Run {
    const fn seats(&self) -> usize {
        (self.last - self.first) as usize + 1
    }

    /// The best place for `count` in a row, near to `middle` (twice a place); `None`: there are fewer.
    fn place(&self, count: usize, middle: i64) -> Option<Placement> {
        // Seats that stay free: none or at least two on each side leave nobody single.
        let spare = self.seats().checked_sub(count)?;
        let last = i64::from(self.first) + spare as i64;
        // At either end; or in the middle, where at least two seats can stay free on each side.
        let candidates = [i64::from(self.first), last].into_iter().chain((spare >= 4).then(|| {
            let ideal = (middle + 1 - count as i64).div_euclid(2);
            ideal.clamp(i64::from(self.first) + 2, last - 2)
        }));
        let away = |first: i64| (2 * first + count as i64 - 1 - middle).abs();
        let place = |first| Placement { orphans: usize::from(spare == 1), away: away(first), first: first as i32 };
        candidates.map(place).min()
    }
}
