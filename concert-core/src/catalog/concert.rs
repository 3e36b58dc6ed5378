//! Concerts: what is said of one when it is put on sale, and whether it can be booked.

use super::hall::Section;
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::error::Error;
use crate::id::{ConcertId, SaleId};
use crate::name::free_text;
use crate::time_zone::TimeZone;
use chrono::{Datelike as _, NaiveDate, NaiveTime, Timelike as _};

/// The longest name of a concert, in characters.
const LONGEST_NAME: usize = 255;
/// The first and the last year that the database takes.
const YEARS: std::ops::RangeInclusive<i32> = 1000..=9999;
/// The highest limit of seats per user.
const HIGHEST_LIMIT: u32 = 1_000_000;

/// A concert to put on sale; from [`NewConcert::new`]. Seats are numbered from 1, through all rows of all sections in
/// their order, where they have no numbers of their own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewConcert {
    /// Its id.
    pub id: ConcertId,
    /// The sale whose queue stands before it.
    pub sale: SaleId,
    /// Its name: 1 to 255 characters that can all be seen.
    pub name: String,
    /// Its date, by the clocks of its venue.
    pub date: NaiveDate,
    /// When it begins, by the clocks of its venue, in whole seconds; `None`: not said.
    pub starts_at: Option<NaiveTime>,
    /// The venue's zone; `None`: that of the house ([`Policy::with_time_zone`](crate::Policy::with_time_zone)).
    pub time_zone: Option<TimeZone>,
    /// The most seats that one user may have of it, held and sold together; `None`: no limit.
    pub max_seats_per_user: Option<u32>,
    /// The hall, front to back: at least one section.
    pub sections: Vec<Section>,
}

impl NewConcert {
    /// A concert of this name on this date at its venue, in a hall of these sections, of the default sale, under an id
    /// of its own.
    #[must_use]
    pub fn new(name: impl Into<String>, date: NaiveDate, sections: Vec<Section>) -> Self {
        Self {
            id: ConcertId::generate(),
            sale: SaleId::DEFAULT,
            name: name.into(),
            date,
            starts_at: None,
            time_zone: None,
            max_seats_per_user: None,
            sections,
        }
    }

    /// The same concert, with this id.
    #[must_use]
    pub fn with_id(self, id: ConcertId) -> Self {
        Self { id, ..self }
    }

    /// The same concert, of this sale.
    #[must_use]
    pub fn with_sale(self, sale: SaleId) -> Self {
        Self { sale, ..self }
    }

    /// The same concert, beginning then, by the clocks of its venue.
    #[must_use]
    pub fn with_start(self, time: impl Into<Option<NaiveTime>>) -> Self {
        Self { starts_at: time.into(), ..self }
    }

    /// The same concert, in this zone.
    #[must_use]
    pub fn with_time_zone(self, zone: impl Into<Option<TimeZone>>) -> Self {
        Self { time_zone: zone.into(), ..self }
    }

    /// The same concert; one user may have at most so many of its seats, held and sold together.
    #[must_use]
    pub fn with_max_seats_per_user(self, seats: impl Into<Option<u32>>) -> Self {
        Self { max_seats_per_user: seats.into(), ..self }
    }

    /// How many seats it has.
    #[must_use]
    pub fn seats(&self) -> u64 {
        self.sections.iter().map(Section::seats).sum()
    }

    /// The same concert, with its name as it is stored.
    pub(super) fn checked(&self) -> Result<Self, Error> {
        check_date(self.date)?;
        check_start(self.starts_at)?;
        check_limit(self.max_seats_per_user)?;
        Ok(Self { name: concert_name(&self.name)?, ..self.clone() })
    }
}

/// A concert's name as it is stored.
pub(super) fn concert_name(name: &str) -> Result<String, Error> {
    let rule = format_args!("the name of a concert is 1 to {LONGEST_NAME} characters, no spaces around");
    Ok(free_text(name, LONGEST_NAME, rule)?)
}

pub(super) fn check_date(date: NaiveDate) -> Result<(), Error> {
    if YEARS.contains(&date.year()) {
        return Ok(());
    }
    Err(Error::invalid(format!("the date of a concert is in the years {} to {}", YEARS.start(), YEARS.end())))
}

pub(super) fn check_start(time: Option<NaiveTime>) -> Result<(), Error> {
    match time {
        Some(time) if time.nanosecond() != 0 => Err(Error::invalid("a concert starts at a whole second")),
        _ => Ok(()),
    }
}

pub(super) fn check_limit(seats: Option<u32>) -> Result<(), Error> {
    match seats {
        Some(seats) if !(1..=HIGHEST_LIMIT).contains(&seats) => {
            Err(Error::invalid(format!("a user may have 1 to {HIGHEST_LIMIT} seats of a concert, or any number")))
        }
        _ => Ok(()),
    }
}

/// Whether seats of a concert can be held: the one rule, for every way to hold one and for every list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bookable {
    pub(crate) status: ConcertStatus,
    /// From this moment on its day is over in the zone of its venue.
    over_from: Timestamp,
}

impl Bookable {
    /// Of a concert on this date in this zone.
    pub(crate) fn new(status: ConcertStatus, date: NaiveDate, zone: TimeZone) -> Self {
        // By the day, not by the start: whoever comes late can still buy in the evening.
        Self { status, over_from: zone.end_of_day(date) }
    }

    /// Whether its day is over.
    pub(crate) fn is_over(self, now: Timestamp) -> bool {
        self.over_from <= now
    }

    /// Refuses in this order: called off, over, closed.
    pub(crate) fn check(self, now: Timestamp) -> Result<(), Error> {
        match self.status {
            ConcertStatus::Cancelled => Err(Error::ConcertCancelled),
            // Over comes before closed, as it is for good. Called off comes before both, as the money goes back.
            _ if self.is_over(now) => Err(Error::ConcertOver),
            ConcertStatus::Closed => Err(Error::ConcertClosed),
            ConcertStatus::OnSale => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_concert_is_bookable_until_its_day_is_over_at_its_venue_while_it_is_on_sale() {
        let date = NaiveDate::from_ymd_opt(2027, 3, 1).expect("a date");
        let seoul: TimeZone = "Asia/Seoul".parse().expect("a zone");
        let end = date.and_hms_opt(15, 0, 0).expect("a time").and_utc();
        let just_before = end - chrono::TimeDelta::microseconds(1);
        let refusal = |status, now| Bookable::new(status, date, seoul).check(now).err().map(|error| error.code());
        assert_eq!(refusal(ConcertStatus::OnSale, just_before), None);
        assert_eq!(refusal(ConcertStatus::OnSale, end), Some("CONCERT_OVER"));
        assert_eq!(refusal(ConcertStatus::Closed, just_before), Some("CONCERT_CLOSED"));
        assert_eq!(refusal(ConcertStatus::Closed, end), Some("CONCERT_OVER"));
        for now in [just_before, end] {
            assert_eq!(refusal(ConcertStatus::Cancelled, now), Some("CONCERT_CANCELLED"));
        }
    }
}
