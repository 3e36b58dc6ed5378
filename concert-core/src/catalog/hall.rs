//! What a hall is made of: sections, rows and seats.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::id::SeatNumber;
use crate::invalid::InvalidInput;
use crate::money::Money;

/// The most seats that are made up, or added to a concert, at once: each is numbered before it is written.
pub(super) const MOST_SEATS: u64 = 1_000_000;
/// The longest name of a row, in characters.
pub(super) const LONGEST_ROW: usize = 16;
/// The longest mark, in characters.
const LONGEST_MARK: usize = 32;

/// A part of a hall, with seats of one price; from [`Section::plain`], [`Section::in_rows`] or [`Section::of_rows`].
///
/// ```
/// use concert_core::{Money, SeatRow, Section};
///
/// # fn main() -> Result<(), concert_core::Error> {
/// // Seats 1 to 20 are row "1" of the stalls, 21 to 40 are row "2", ..; then come 80 seats without names or rows.
/// let stalls = Section::in_rows(10, 20, Money::whole(120)?).with_name("Stalls");
/// let rest = Section::plain(80, Money::whole(60)?);
/// // Two rows with an aisle: places 4 and 5 are not beside each other.
/// let row = |name: &str| SeatRow::of(name, 8).with_places([1, 2, 3, 4, 6, 7, 8, 9]);
/// let balcony = Section::of_rows(vec![row("A"), row("B")], Money::whole(90)?).with_name("Balcony");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Section {
    /// What buyers call it: 1 to 32 characters that can all be seen, without spaces around them; `None`: it has no name.
    pub name: Option<String>,
    /// Its rows and seats. No two sections with rows have the same name, or both none.
    pub rows: SectionRows,
    /// What each seat costs; it may be nothing.
    pub price: Money,
    /// What is special about its seats.
    pub marks: Vec<Marking>,
}

/// How the seats of a section stand.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SectionRows {
    /// One stretch of so many seats that are not in rows: at least one.
    None(u32),
    /// So many rows of equal length, called "1", "2", .. front to back.
    Equal {
        /// How many rows: at least one.
        rows: u32,
        /// How many seats each of them has: at least one.
        seats: u32,
    },
    /// Rows with names of their own, front to back.
    Named(Vec<SeatRow>),
}

/// A row with a name of its own; from [`SeatRow::of`] or [`SeatRow::numbered`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeatRow {
    /// What it is called within the section: 1 to 16 characters that can all be seen, without spaces around them.
    pub name: String,
    /// Its seats, from one end to the other.
    pub seats: RowSeats,
    /// The place of each seat: neighbours have consecutive places, and a gap is an aisle. `None`: the seats stand side
    /// by side, in their order.
    pub places: Option<Vec<i32>>,
    /// What is special about its seats.
    pub marks: Vec<Mark>,
    /// Where each seat stands in a drawing of the hall; `None`: readers make it from the rows.
    pub points: Option<Vec<(i32, i32)>>,
}

/// The seats of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowSeats {
    /// So many, numbered on from the highest number so far.
    Count(u32),
    /// Those that have these numbers printed on them. A number names one seat of the whole concert.
    Numbers(Vec<SeatNumber>),
}

/// A mark, and the seats that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Marking {
    /// The mark.
    pub mark: Mark,
    /// Seats of the section; `None`: all of them.
    pub seats: Option<Vec<SeatNumber>>,
}

impl Marking {
    /// All seats of the section have it.
    #[must_use]
    pub const fn all(mark: Mark) -> Self {
        Self { mark, seats: None }
    }

    /// These seats have it.
    #[must_use]
    pub fn of(mark: Mark, seats: impl IntoIterator<Item = SeatNumber>) -> Self {
        Self { mark, seats: Some(seats.into_iter().collect()) }
    }
}

impl Section {
    /// Seats without a name or rows.
    #[must_use]
    pub const fn plain(seats: u32, price: Money) -> Self {
        Self { name: None, rows: SectionRows::None(seats), price, marks: Vec::new() }
    }

    /// Rows of seats, called "1", "2", .. front to back, without a name; no rows: one stretch of seats.
    #[must_use]
    pub const fn in_rows(rows: u32, seats_per_row: u32, price: Money) -> Self {
        let rows = match rows {
            0 => SectionRows::None(seats_per_row),
            _ => SectionRows::Equal { rows, seats: seats_per_row },
        };
        Self { name: None, rows, price, marks: Vec::new() }
    }

    /// Rows with names of their own, front to back.
    #[must_use]
    pub const fn of_rows(rows: Vec<SeatRow>, price: Money) -> Self {
        Self { name: None, rows: SectionRows::Named(rows), price, marks: Vec::new() }
    }

    /// The same section, called so: 1 to 32 characters.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The same section, with this about its seats.
    #[must_use]
    pub fn with_marks(self, marks: Vec<Marking>) -> Self {
        Self { marks, ..self }
    }

    /// How many seats it has.
    #[must_use]
    pub fn seats(&self) -> u64 {
        match &self.rows {
            SectionRows::None(seats) => u64::from(*seats),
            SectionRows::Equal { rows, seats } => u64::from(*rows) * u64::from(*seats),
            SectionRows::Named(rows) => rows.iter().map(SeatRow::len).sum(),
        }
    }

    /// Whether its seats are in rows.
    pub(super) const fn has_rows(&self) -> bool {
        !matches!(self.rows, SectionRows::None(_))
    }
}

impl SeatRow {
    /// A row of so many seats, numbered on from the highest number so far.
    #[must_use]
    pub fn of(name: impl Into<String>, seats: u32) -> Self {
        Self { name: name.into(), seats: RowSeats::Count(seats), places: None, marks: Vec::new(), points: None }
    }

    /// A row of seats with these numbers, from one end to the other.
    #[must_use]
    pub fn numbered(name: impl Into<String>, seats: Vec<SeatNumber>) -> Self {
        Self { seats: RowSeats::Numbers(seats), ..Self::of(name, 0) }
    }

    /// The same row, with these places: as many as it has seats.
    #[must_use]
    pub fn with_places(self, places: impl IntoIterator<Item = i32>) -> Self {
        Self { places: Some(places.into_iter().collect()), ..self }
    }

    /// The same row; all its seats have these marks.
    #[must_use]
    pub fn with_marks(self, marks: Vec<Mark>) -> Self {
        Self { marks, ..self }
    }

    /// The same row, drawn at these points: as many as it has seats.
    #[must_use]
    pub fn with_points(self, points: Vec<(i32, i32)>) -> Self {
        Self { points: Some(points), ..self }
    }

    /// How many seats it has.
    pub(super) fn len(&self) -> u64 {
        match &self.seats {
            RowSeats::Count(count) => u64::from(*count),
            RowSeats::Numbers(numbers) => numbers.len() as u64,
        }
    }
}

/// What is special about a seat: `ACCESSIBLE`, `RESTRICTED_VIEW` or whatever the house says; 1 to 32 capital letters,
/// digits, in words with one `_` between them. Read in any case, with spaces and hyphens for `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(String);

impl Mark {
    /// The mark as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Mark {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let plain = |c: char| if matches!(c, ' ' | '-') { '_' } else { c.to_ascii_uppercase() };
        // One more than fits is enough to see that it is too long. In a list, a space may follow the comma.
        let mark: String = text.trim().chars().take(LONGEST_MARK + 1).map(plain).collect();
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        };
        if mark.len() > LONGEST_MARK || !mark.split('_').all(is_word) {
            return Err(InvalidInput::new(format!(
                "a mark is a word, or words with one _ between them: 1 to {LONGEST_MARK} letters and digits, such as \
                 ACCESSIBLE or RESTRICTED_VIEW"
            )));
        }
        Ok(Self(mark))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Mark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_however_it_is_written() {
        for text in ["RESTRICTED_VIEW", "restricted view", "Restricted-View", " restricted view "] {
            assert_eq!(text.parse::<Mark>().expect(text).as_str(), "RESTRICTED_VIEW");
        }
        for text in ["", " ", "_", "-", "_view", "view-", "a  b", "a,b", "é", &"A".repeat(33)] {
            assert!(text.parse::<Mark>().is_err(), "{text}");
        }
    }
}
