//! Best available: chooses seats for a party that asks for a number of seats instead of naming them.
//!
//! The rules, in their order:
//!
//! 1. a party gets its seats whenever that many are free, wherever they are;
//! 2. a party sits together if it can: side by side in one row;
//! 3. no *orphan* is left over if that can be avoided. That is ticketing's word for a single free seat between taken
//!    ones or
//!    the ends of its row, which hardly anyone buys. Seating plans often enforce the same on seats that buyers pick;
//! 4. nearest to the front, and in that row nearest to the middle;
//! 5. a party that cannot sit together gets as few groups as possible, the largest first, over as few rows as possible.
//!    Then
//!    rule 3 applies again, then groups in one row are as near to each other as possible, then rule 4.
//!
//! Ties go to the lower number, so equal halls give equal seats.

mod split;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::id::{SeatNumber, UserId};

/// A seat of a hall, in order of numbers.
#[derive(Debug, Clone)]
pub(crate) struct HallSeat {
    pub(crate) number: SeatNumber,
    pub(crate) section: Option<Arc<str>>,
    pub(crate) row: Option<Arc<str>>,
    pub(crate) free: bool,
}

/// The free seats of a hall in the course of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hall {
    /// By number, so front to back.
    rows: Vec<Row>,
    /// The seats that a user must leave to others, and until when.
    left_to_others: HashMap<SeatNumber, (UserId, Timestamp)>,
}

/// Neighbours: seats of one section and row with consecutive numbers. A section without rows is one; a number that is
/// missing ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    section: Option<Arc<str>>,
    name: Option<Arc<str>>,
    first: i32,
    last: i32,
    /// By number; between any two is a taken seat.
    free: Vec<Run>,
}

/// Free seats side by side, between taken ones or the ends of the row.
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
        let mut rows: Vec<Row> = Vec::new();
        for HallSeat { number, section, row, free } in seats {
            let number = number.get();
            if !rows.last().is_some_and(|last| last.last == number - 1 && last.section == section && last.name == row) {
                rows.push(Row { section, name: row, first: number, last: number, free: Vec::new() });
            }
            if let Some(row) = rows.last_mut() {
                row.last = number;
                if free {
                    row.give_back(number);
                }
            }
        }
        Self { rows, left_to_others: HashMap::new() }
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
        let at = self.rows.partition_point(|row| row.last < seat.get());
        self.rows.get(at).is_some_and(|row| {
            (section.is_none() || row.section.as_deref() == section)
                && row.free.get(row.run_at(seat.get())).is_some_and(|run| run.first <= seat.get())
        })
    }

    /// The best `count` free seats (in `section` if given), by number; `None`: fewer are free. Looks at each run of
    /// free seats once at most, or a few times if the party has to be split.
    pub(crate) fn best(&self, count: usize, section: Option<&str>) -> Option<Vec<SeatNumber>> {
        if count == 0 {
            return Some(Vec::new());
        }
        let wanted = |row: &Row| section.is_none() || row.section.as_deref() == section;
        let rows = || self.rows.iter().enumerate().filter(|(_, row)| wanted(row));
        together(count, rows().map(|(_, row)| row)).or_else(|| split::seats(count, rows()))
    }

    /// Takes a seat; one that is not free stays as it is.
    pub(crate) fn take(&mut self, seat: SeatNumber) {
        if let Some(row) = self.row_of(seat) {
            row.take(seat.get());
        }
    }

    /// Makes a seat free; one that is free, or is not there, stays as it is.
    pub(crate) fn give_back(&mut self, seat: SeatNumber) {
        if let Some(row) = self.row_of(seat) {
            row.give_back(seat.get());
        }
    }

    pub(crate) fn has_section(&self, section: &str) -> bool {
        self.rows.iter().any(|row| row.section.as_deref() == Some(section))
    }

    /// How many seats are free.
    pub(crate) fn free(&self, section: Option<&str>) -> usize {
        let rows = self.rows.iter().filter(|row| section.is_none() || row.section.as_deref() == section);
        rows.flat_map(|row| &row.free).map(Run::seats).sum()
    }

    fn row_of(&mut self, seat: SeatNumber) -> Option<&mut Row> {
        let at = self.rows.partition_point(|row| row.last < seat.get());
        self.rows.get_mut(at).filter(|row| row.first <= seat.get())
    }
}

/// The seats of a party side by side; `None`: there is no run for it.
fn together<'a>(count: usize, rows: impl Iterator<Item = &'a Row>) -> Option<Vec<SeatNumber>> {
    let mut leaves_one = None;
    for place in rows.filter_map(|row| row.place(count)) {
        if place.orphans == 0 {
            return Some(place.seats(count).collect());
        }
        leaves_one = leaves_one.or(Some(place));
    }
    leaves_one.map(|place| place.seats(count).collect())
}

impl Row {
    /// The best place for a party that sits together.
    fn place(&self, count: usize) -> Option<Placement> {
        self.free.iter().filter_map(|run| run.place(count, self.middle())).min()
    }

    /// Twice the number in the middle.
    fn middle(&self) -> i64 {
        i64::from(self.first) + i64::from(self.last)
    }

    /// The first run that ends at `number` or after it.
    fn run_at(&self, number: i32) -> usize {
        self.free.partition_point(|run| run.last < number)
    }

    fn take(&mut self, number: i32) {
        let at = self.run_at(number);
        if let Some(run) = self.free.get(at).copied().filter(|run| run.first <= number) {
            let before = (run.first < number).then(|| Run { first: run.first, last: number - 1 });
            let after = (number < run.last).then(|| Run { first: number + 1, last: run.last });
            self.free.splice(at..=at, before.into_iter().chain(after));
        }
    }

    fn give_back(&mut self, number: i32) {
        let at = self.run_at(number);
        let next = self.free.get(at).copied();
        if next.is_some_and(|run| run.first <= number) {
            return;
        }
        let joins_next = next.filter(|run| run.first - 1 == number);
        match (at.checked_sub(1).and_then(|before| self.free.get_mut(before)), joins_next) {
            (Some(before), Some(next)) if before.last + 1 == number => {
                before.last = next.last;
                self.free.remove(at);
            }
            (Some(before), None) if before.last + 1 == number => before.last = number,
            (_, Some(next)) => self.free[at] = Run { first: number, ..next },
            (_, None) => self.free.insert(at, Run { first: number, last: number }),
        }
    }
}

impl Run {
    const fn seats(&self) -> usize {
        (self.last - self.first) as usize + 1
    }

    /// The best place for `count` in a row, near to `middle` (twice a number); `None`: there are fewer.
    fn place(&self, count: usize, middle: i64) -> Option<Placement> {
        // Seats that stay free: none or at least two on each side leave nobody single.
        let spare = self.seats().checked_sub(count)?;
        let last = i64::from(self.first) + spare as i64;
        let candidates = [i64::from(self.first), last].into_iter().chain((spare >= 4).then(|| {
            let ideal = (middle + 1 - count as i64).div_euclid(2);
            ideal.clamp(i64::from(self.first) + 2, last - 2)
        }));
        let away = |first: i64| (2 * first + count as i64 - 1 - middle).abs();
        let place = |first| Placement { orphans: usize::from(spare == 1), away: away(first), first: first as i32 };
        candidates.map(place).min()
    }
}

impl Placement {
    fn seats(self, count: usize) -> impl Iterator<Item = SeatNumber> {
        (self.first..=i32::MAX).take(count).map(SeatNumber::known)
    }
}
