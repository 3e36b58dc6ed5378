//! The time zone of a venue: what date it is there, and when a day is over.

use std::fmt;
use std::str::FromStr;

use chrono::{Days, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

use crate::clock::Timestamp;
use crate::invalid::InvalidInput;
use crate::sql::{SqlSlot, SqlValue, Text, Written};

/// How far a local time that does not exist is moved at a time, until one exists.
const STEP: TimeDelta = TimeDelta::minutes(15);
/// The most steps: some clocks once skipped a whole day.
const MOST_STEPS: usize = 24 * 4 + 1;

/// A time zone, by its IANA name: `Asia/Seoul`, `Europe/Berlin`, `UTC`. The process's own zone plays no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeZone(Tz);

impl TimeZone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// The IANA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What the clocks there show at a moment.
    #[must_use]
    pub fn local(self, at: Timestamp) -> NaiveDateTime {
        at.with_timezone(&self.0).naive_local()
    }

    /// The moment at which the clocks there show this: the first one, where they show it twice, and the end of the gap,
    /// where they leave it out.
    #[must_use]
    pub fn instant(self, date: NaiveDate, time: NaiveTime) -> Timestamp {
        let mut local = date.and_time(time);
        for _ in 0..MOST_STEPS {
            match self.0.from_local_datetime(&local) {
                // An hour that comes twice, when clocks are set back: the first is meant.
                MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => return at.to_utc(),
                // A time that clocks skip, when they are set forward: the first moment after the gap.
                MappedLocalTime::None => local += STEP,
            }
        }
        // Not reached with the zones that are known: the longest gap is a day.
        local.and_utc()
    }

    /// The moment from which on a day is over there: the midnight after it.
    #[must_use]
    pub fn end_of_day(self, date: NaiveDate) -> Timestamp {
        self.instant(date.checked_add_days(Days::new(1)).unwrap_or(date), NaiveTime::MIN)
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self::UTC
    }
}

impl FromStr for TimeZone {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        text.parse().map(Self).map_err(|_| {
            let shown: String = text.chars().take(64).collect();
            InvalidInput::new(format!(
                "{shown:?} is no IANA time zone; write one such as Asia/Seoul, Europe/Berlin or UTC"
            ))
        })
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for TimeZone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl SqlValue for TimeZone {
    fn write(&self, out: SqlSlot<'_>) -> Written {
        Text(self.name()).write(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(zone: &str, (year, month, day): (i32, u32, u32)) -> String {
        let date = NaiveDate::from_ymd_opt(year, month, day).expect("a date");
        zone.parse::<TimeZone>().expect("a zone").end_of_day(date).to_rfc3339()
    }

    #[test]
    fn a_day_is_over_at_the_midnight_of_its_venue() {
        assert_eq!(end("UTC", (2027, 3, 1)), "2027-03-02T00:00:00+00:00");
        assert_eq!(end("Asia/Seoul", (2027, 3, 1)), "2027-03-01T15:00:00+00:00");
        assert_eq!(end("America/New_York", (2027, 3, 1)), "2027-03-02T05:00:00+00:00");
        assert_eq!(end("Pacific/Kiritimati", (2027, 3, 1)), "2027-03-01T10:00:00+00:00");
    }

    #[test]
    fn a_midnight_that_the_clocks_leave_out_or_show_twice_still_ends_its_day() {
        // Clocks went from 00:00 to 01:00 on 2024-09-08; from 01:00 back to 00:00 on 2026-11-01; Samoa had no 30th.
        assert_eq!(end("America/Santiago", (2024, 9, 7)), "2024-09-08T04:00:00+00:00");
        assert_eq!(end("America/Havana", (2026, 10, 31)), "2026-11-01T04:00:00+00:00");
        assert_eq!(end("Pacific/Apia", (2011, 12, 29)), "2011-12-30T10:00:00+00:00");
    }

    #[test]
    fn only_names_of_zones_are_zones() {
        for text in ["", "Seoul", "KST", "+09:00", "Asia/Seoul ", "Local", "Asia/Seoul\0"] {
            assert!(text.parse::<TimeZone>().is_err(), "{text}");
        }
        assert_eq!("Asia/Seoul".parse::<TimeZone>().expect("a zone").to_string(), "Asia/Seoul");
    }
}
