//! Dates, times and waits as people write them, in the zone of the venue.

use chrono::{Datelike as _, NaiveDate, NaiveTime, Timelike as _, Weekday};

use super::language::Language;
use super::own::Texts;
use crate::clock::Timestamp;
use crate::time_zone::TimeZone;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Language {
    /// A date: `Friday, 5 March 2027` and `2027년 3월 5일(금)`.
    #[must_use]
    pub fn date(self, date: NaiveDate) -> String {
        let (year, month, day) = (date.year(), date.month(), date.day());
        let weekday = weekday(self, date.weekday());
        match self {
            Self::English => format!("{weekday}, {day} {} {year}", date.format("%B")),
            Self::Korean => format!("{year}년 {month}월 {day}일({weekday})"),
        }
    }

    /// A time of day: `20:00`, or `20:00:30` where there are seconds.
    #[must_use]
    pub fn time(self, time: NaiveTime) -> String {
        time.format(if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" }).to_string()
    }

    /// A moment by the clocks of a venue: `Friday, 5 March 2027, 20:00` and `2027년 3월 5일(금) 20:00`.
    #[must_use]
    pub fn moment(self, at: Timestamp, zone: TimeZone) -> String {
        let local = zone.local(at);
        let between = if self == Self::English { ", " } else { " " };
        format!("{}{between}{}", self.date(local.date()), self.time(local.time()))
    }

    /// A length of time in its two largest units: `1 hour 5 minutes` and `1시간 5분`.
    #[must_use]
    pub fn duration(self, seconds: u64) -> String {
        let texts = Texts::new(self);
        let unit = |seconds: u64, unit: u64, text: fn(Texts, u64) -> String| {
            (seconds >= unit).then(|| text(texts, seconds / unit))
        };
        let parts = match seconds {
            0..MINUTE => [None, Some(texts.seconds(seconds))],
            MINUTE..HOUR => [unit(seconds, MINUTE, Texts::minutes), unit(seconds % MINUTE, 1, Texts::seconds)],
            HOUR..DAY => [unit(seconds, HOUR, Texts::hours), unit(seconds % HOUR, MINUTE, Texts::minutes)],
            _ => [unit(seconds, DAY, Texts::days), unit(seconds % DAY, HOUR, Texts::hours)],
        };
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

fn weekday(language: Language, day: Weekday) -> &'static str {
    let [english, korean] = match day {
        Weekday::Mon => ["Monday", "월"],
        Weekday::Tue => ["Tuesday", "화"],
        Weekday::Wed => ["Wednesday", "수"],
        Weekday::Thu => ["Thursday", "목"],
        Weekday::Fri => ["Friday", "금"],
        Weekday::Sat => ["Saturday", "토"],
        Weekday::Sun => ["Sunday", "일"],
    };
    if language == Language::English { english } else { korean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_by_the_clocks_of_the_venue_as_each_language_does() {
        let at: Timestamp = "2027-03-05T11:00:00Z".parse().expect("a moment");
        let seoul = "Asia/Seoul".parse().expect("a zone");
        assert_eq!(Language::English.moment(at, seoul), "Friday, 5 March 2027, 20:00");
        assert_eq!(Language::Korean.moment(at, seoul), "2027년 3월 5일(금) 20:00");
        let late: Timestamp = "2027-03-05T15:00:30Z".parse().expect("a moment");
        assert_eq!(Language::Korean.moment(late, seoul), "2027년 3월 6일(토) 00:00:30");
        assert_eq!(Language::Korean.moment(late, TimeZone::UTC), "2027년 3월 5일(금) 15:00:30");
    }

    #[test]
    fn a_length_of_time_has_its_two_largest_units() {
        for (seconds, english, korean) in [
            (0, "0 seconds", "0초"),
            (1, "1 second", "1초"),
            (60, "1 minute", "1분"),
            (125, "2 minutes 5 seconds", "2분 5초"),
            (3_900, "1 hour 5 minutes", "1시간 5분"),
            (3_605, "1 hour", "1시간"),
            (2 * DAY + HOUR, "2 days 1 hour", "2일 1시간"),
        ] {
            assert_eq!(Language::ALL.map(|language| language.duration(seconds)), [english, korean]);
        }
    }
}
