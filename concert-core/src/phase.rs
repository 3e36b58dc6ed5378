//! The phases of a sale: a pure function of its instants and the time.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Serialize, Serializer};

use crate::clock::Timestamp;
use crate::error::Error;

/// What can be done in a sale now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SalePhase {
    /// The doors are shut: nobody joins.
    Before,
    /// People join the queue and wait for the opening.
    Doors,
    /// People are let in.
    Open,
    /// It is over: nobody joins or is let in, and nothing is held. What is held can be paid.
    Closed,
}

impl SalePhase {
    /// Every phase, in the order of time.
    pub const ALL: [Self; 4] = [Self::Before, Self::Doors, Self::Open, Self::Closed];

    /// The phase as the JSON writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "BEFORE",
            Self::Doors => "DOORS",
            Self::Open => "OPEN",
            Self::Closed => "CLOSED",
        }
    }
}

/// Who comes first of those who wait at the opening.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum EntryOrder {
    /// Who joined first.
    #[default]
    Arrival,
    /// Whom a draw at the opening puts first.
    Draw,
}

impl EntryOrder {
    /// Every order.
    pub const ALL: [Self; 2] = [Self::Arrival, Self::Draw];

    /// The order as the JSON and the command line write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Arrival => "arrival",
            Self::Draw => "draw",
        }
    }

    pub(crate) const fn in_column(self) -> &'static str {
        match self {
            Self::Arrival => "ARRIVAL",
            Self::Draw => "DRAW",
        }
    }

    pub(crate) fn from_column(text: &str) -> Result<Self, sqlx::Error> {
        Self::ALL
            .into_iter()
            .find(|order| order.in_column() == text)
            .ok_or_else(|| sqlx::Error::Decode(format!("{text} is no order of entry").into()))
    }
}

impl fmt::Display for EntryOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for EntryOrder {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|order| order.as_str() == text);
        found.ok_or_else(|| Error::invalid("an order is arrival or draw"))
    }
}

impl Serialize for EntryOrder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// For how long a close may be past when it is set.
const LATEST_CLOSE: TimeDelta = TimeDelta::hours(1);

/// When a sale begins and ends. An instant that is `None` is no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SaleTimes {
    /// Joining begins.
    pub(crate) doors_at: Option<Timestamp>,
    /// People are let in.
    pub(crate) opens_at: Option<Timestamp>,
    pub(crate) closes_at: Option<Timestamp>,
}

impl SaleTimes {
    /// Those of the default sale.
    pub(crate) const ALWAYS_OPEN: Self = Self { doors_at: None, opens_at: None, closes_at: None };

    /// The phase at a moment. An instant belongs to the phase that it begins.
    pub(crate) fn phase(&self, now: Timestamp) -> SalePhase {
        let is_past = |instant: Option<Timestamp>| instant.is_none_or(|instant| instant <= now);
        // The instants are in order, so once a sale is closed the others are past as well.
        if is_over(self.closes_at, now) {
            SalePhase::Closed
        } else if !is_past(self.doors_at) {
            SalePhase::Before
        } else if !is_past(self.opens_at) {
            SalePhase::Doors
        } else {
            SalePhase::Open
        }
    }

    /// Refuses who comes new before the doors open, or after the close.
    pub(crate) fn require_doors_open(&self, now: Timestamp) -> Result<(), Error> {
        match self.phase(now) {
            SalePhase::Before => Err(Error::SaleNotOpen { doors_at: self.doors_at, opens_at: self.opens_at, now }),
            SalePhase::Doors | SalePhase::Open => Ok(()),
            SalePhase::Closed => Err(Error::SaleClosed),
        }
    }

    /// Refuses a new sale that is over.
    pub(crate) fn check_new(&self, now: Timestamp) -> Result<(), Error> {
        match self.closes_at {
            Some(at) if at <= now => {
                Err(Error::invalid(format!("the sale would be over before it is made: it closes at {at}")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a close that is past for longer than a command is on its way, or a form that has no seconds: it names another
    /// day or year than was meant.
    pub(crate) fn check_close(&self, now: Timestamp) -> Result<(), Error> {
        match self.closes_at {
            Some(at) if at + LATEST_CLOSE <= now => Err(Error::invalid(format!(
                "the sale would close at {at}, which is long past (it is {now}); to end it at once, close it now"
            ))),
            _ => Ok(()),
        }
    }

    /// Checks that the instants follow each other.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let instants =
            [("the doors open", self.doors_at), ("the sale opens", self.opens_at), ("the sale closes", self.closes_at)];
        let named: Vec<_> = instants.iter().filter_map(|(name, at)| Some((name, (*at)?))).collect();
        for pair in named.windows(2) {
            let [(first, from), (second, to)] = [pair[0], pair[1]];
            if from > to {
                return Err(Error::invalid(format!("{first} at {from}, which must not be after {second} ({to})")));
            }
        }
        match self.closes_at {
            Some(at) if [self.doors_at, self.opens_at].contains(&Some(at)) => {
                Err(Error::invalid(format!("the sale closes at {at}, which must be after its doors and its opening")))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a sale that closes then is closed now: the rule of holds.
pub(crate) fn is_over(closes_at: Option<Timestamp>, now: Timestamp) -> bool {
    closes_at.is_some_and(|closes_at| closes_at <= now)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn at(second: i64) -> Timestamp {
        DateTime::from_timestamp(second, 0).expect("in range")
    }

    fn times([doors, opens, closes]: [Option<i64>; 3]) -> SaleTimes {
        SaleTimes { doors_at: doors.map(at), opens_at: opens.map(at), closes_at: closes.map(at) }
    }

    #[test]
    fn an_instant_belongs_to_the_phase_that_it_begins() {
        let phases = |instants, moments: [i64; 4]| moments.map(|second| times(instants).phase(at(second)).as_str());
        assert_eq!(phases([Some(1), Some(2), Some(3)], [0, 1, 2, 3]), ["BEFORE", "DOORS", "OPEN", "CLOSED"]);
        assert_eq!(phases([None, Some(2), None], [0, 1, 2, 3]), ["DOORS", "DOORS", "OPEN", "OPEN"]);
        assert_eq!(phases([Some(2), None, Some(3)], [0, 1, 2, 3]), ["BEFORE", "BEFORE", "OPEN", "CLOSED"]);
        assert_eq!(phases([Some(2), Some(2), None], [0, 1, 2, 3]), ["BEFORE", "BEFORE", "OPEN", "OPEN"]);
        assert_eq!(SaleTimes::ALWAYS_OPEN.phase(at(0)), SalePhase::Open);
    }

    #[test]
    fn a_sale_does_not_close_on_another_day_than_today_or_later() {
        let close = |at, now| times([None, None, at]).check_close(self::at(now)).is_ok();
        let hour = LATEST_CLOSE.num_seconds();
        assert!(close(None, 5) && close(Some(5), 5) && close(Some(6), 5) && close(Some(5), 4 + hour));
        assert!(!close(Some(5), 5 + hour));
    }

    #[test]
    fn instants_follow_each_other() {
        for fits in
            [[Some(1), Some(1), Some(2)], [None, None, None], [Some(1), None, Some(2)], [None, Some(5), Some(6)]]
        {
            assert!(times(fits).check().is_ok(), "{fits:?}");
        }
        for wrong in [
            [None, Some(2), Some(2)],
            [Some(2), None, Some(2)],
            [Some(2), Some(1), None],
            [None, Some(3), Some(2)],
            [Some(3), None, Some(2)],
        ] {
            assert!(times(wrong).check().is_err(), "{wrong:?}");
        }
    }
}
