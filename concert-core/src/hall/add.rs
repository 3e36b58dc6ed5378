//! Seats to add to a hall.

use hashbrown::HashSet;

use crate::catalog::{LONGEST_MARKS, Mark, marks_fit};
use crate::error::Error;
use crate::id::SeatNumber;
use crate::money::Money;
use crate::name::{LONGEST_ROW, LONGEST_SECTION, ROW_RULE, SECTION_RULE, free_text};

/// Seats to add to a hall: a row, or a part of one; from [`NewSeats::new`].
///
/// ```
/// use concert_core::{Error, Money, NewSeats, SeatRanges};
///
/// # fn main() -> Result<(), Error> {
/// let seats: SeatRanges = "501-510".parse()?;
/// let row = NewSeats::new(Money::whole(60)?, seats.numbers()).in_section("Stalls").in_row("13").with_marks(vec!["accessible".parse()?]);
/// assert_eq!(row.seats.len(), 10);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewSeats {
    /// What their part of the hall is called; `None`: it has no name.
    pub section: Option<String>,
    /// What their row is called; `None`: they are in no row.
    pub row: Option<String>,
    /// What each costs.
    pub price: Money,
    /// What is special about them.
    pub marks: Vec<Mark>,
    /// The seats.
    pub seats: Vec<NewSeat>,
}

/// A seat to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewSeat {
    /// Its number, which no other seat of the concert has.
    pub number: SeatNumber,
    /// Its place in the row, from 1: neighbours have consecutive places, an aisle is a gap. `None`: its number.
    pub place: Option<i32>,
}

impl NewSeats {
    /// Seats of these numbers at this price, in no section and no row, each at the place of its number.
    #[must_use]
    pub fn new(price: Money, numbers: impl IntoIterator<Item = SeatNumber>) -> Self {
        let seat = |number| NewSeat { number, place: None };
        Self { section: None, row: None, price, marks: Vec::new(), seats: numbers.into_iter().map(seat).collect() }
    }

    /// The same seats, in the section of this name: 1 to 32 characters.
    #[must_use]
    pub fn in_section(self, name: impl Into<String>) -> Self {
        Self { section: Some(name.into()), ..self }
    }

    /// The same seats, in the row of this name: 1 to 16 characters.
    #[must_use]
    pub fn in_row(self, name: impl Into<String>) -> Self {
        Self { row: Some(name.into()), ..self }
    }

    /// The same seats; all of them have these marks.
    #[must_use]
    pub fn with_marks(self, marks: Vec<Mark>) -> Self {
        Self { marks, ..self }
    }

    /// The same seats at these places, in their order.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] when there are more or fewer places than seats.
    pub fn at_places(mut self, places: &[i32]) -> Result<Self, Error> {
        if places.len() != self.seats.len() {
            return Err(Error::invalid(format!("{} places for {} seats", places.len(), self.seats.len())));
        }
        for (seat, place) in self.seats.iter_mut().zip(places) {
            seat.place = Some(*place);
        }
        Ok(self)
    }

    /// Puts names into the form that is stored; refuses numbers and places that come twice.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        if let Some(section) = &mut self.section {
            *section = free_text(section, LONGEST_SECTION, SECTION_RULE)?;
        }
        if let Some(row) = &mut self.row {
            *row = free_text(row, LONGEST_ROW, ROW_RULE)?;
        }
        // In the order in which a hall that is made has them.
        self.marks.sort_unstable();
        self.marks.dedup();
        if !marks_fit(self.marks.iter()) {
            return Err(Error::invalid(format!(
                "the marks of a seat have at most {LONGEST_MARKS} characters together"
            )));
        }
        let (mut numbers, mut places) = (HashSet::new(), HashSet::new());
        for seat in &self.seats {
            if !numbers.insert(seat.number) {
                return Err(Error::invalid(format!("seat {} is named more than once", seat.number)));
            }
            if seat.place.is_some_and(|place| place < 1) {
                return Err(Error::invalid("a place in a row is a number from 1"));
            }
            let place = seat.place.unwrap_or(seat.number.get());
            if !places.insert(place) {
                return Err(Error::invalid(format!("place {place} is named more than once")));
            }
        }
        Ok(())
    }
}
