//! Sets of seats as people write them: `1-20, 25`.

use std::fmt;
use std::str::FromStr;

use crate::id::SeatNumber;
use crate::invalid::InvalidInput;

/// The most seats that a text may name.
const MOST_SEATS: usize = 100_000;

/// Seats of a hall, as numbers and ranges of numbers: `1-20, 25`.
///
/// ```
/// use concert_core::SeatRanges;
///
/// # fn main() -> Result<(), concert_core::Error> {
/// let seats: SeatRanges = "7,1-3, 2".parse()?;
/// assert_eq!(seats.to_string(), "1-3, 7");
/// assert_eq!(seats.numbers().count(), 4);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatRanges(
    /// First and last number of each; no two touch each other.
    Vec<(i32, i32)>,
);

impl SeatRanges {
    /// Every seat once, by number.
    pub fn numbers(&self) -> impl Iterator<Item = SeatNumber> {
        self.0.iter().flat_map(|(first, last)| (*first..=*last).map(SeatNumber::known))
    }

    /// Whether the seat is one of them.
    #[must_use]
    pub fn contains(&self, seat: SeatNumber) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < seat.get());
        self.0.get(at).is_some_and(|(first, _)| *first <= seat.get())
    }

    fn of(mut ranges: Vec<(i32, i32)>) -> Self {
        ranges.sort_unstable();
        let mut joined: Vec<(i32, i32)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match joined.last_mut() {
                // Ranges that touch become one, so that the same set is always written in the same way.
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => joined.push((first, last)),
            }
        }
        Self(joined)
    }
}

impl FromIterator<SeatNumber> for SeatRanges {
    fn from_iter<I: IntoIterator<Item = SeatNumber>>(seats: I) -> Self {
        Self::of(seats.into_iter().map(|seat| (seat.get(), seat.get())).collect())
    }
}

impl FromStr for SeatRanges {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let number = |text: &str| {
            let number = text.trim().parse().map_err(|_| {
                InvalidInput::new(format!(
                    "seats are numbers and ranges of numbers, as in 1-20,25; {:?} is neither",
                    text.trim()
                ))
            })?;
            Ok::<_, InvalidInput>(SeatNumber::new(number)?.get())
        };
        let range = |text: &str| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(InvalidInput::new(format!(
                    "a range of seats goes from the lower number to the higher, {last}-{first}"
                )));
            }
            Ok((first, last))
        };
        let ranges = Self::of(text.split(',').map(range).collect::<Result<_, _>>()?);
        let seats: i64 = ranges.0.iter().map(|(first, last)| i64::from(*last) - i64::from(*first) + 1).sum();
        if seats > MOST_SEATS as i64 {
            return Err(InvalidInput::new(format!("at most {MOST_SEATS} seats at once")));
        }
        Ok(ranges)
    }
}

impl fmt::Display for SeatRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, (first, last)) in self.0.iter().enumerate() {
            let comma = if nth == 0 { "" } else { ", " };
            match last - first {
                0 => write!(f, "{comma}{first}")?,
                1 => write!(f, "{comma}{first}, {last}")?,
                _ => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_written_in_short_and_read_again() {
        for (text, short) in
            [("5", "5"), ("3,1,2", "1-3"), ("1-3,3-5 , 9", "1-5, 9"), ("2,1", "1, 2"), ("10-12,14", "10-12, 14")]
        {
            let seats: SeatRanges = text.parse().expect(text);
            assert_eq!(seats.to_string(), short);
            assert_eq!(seats.to_string().parse::<SeatRanges>().expect("its own text"), seats);
            assert!(seats.numbers().all(|seat| seats.contains(seat)));
            assert_eq!(seats.numbers().collect::<SeatRanges>(), seats);
        }
        let seats: SeatRanges = "2-4".parse().expect("is read");
        assert!(![1, 5].iter().any(|seat| seats.contains(SeatNumber::known(*seat))));
    }

    #[test]
    fn what_is_no_list_of_seats_is_refused() {
        for text in ["", "0", "-1", "a", "3-1", "1-", "1,,2", "1-2147483648", "1-200000", "1 2"] {
            assert!(text.parse::<SeatRanges>().is_err(), "{text}");
        }
    }
}
