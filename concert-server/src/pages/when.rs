//! Moments and dates, by the clocks of the venue, as each language writes them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat};
use concert_core::texts::Language;
use concert_core::{ConcertDate, TimeZone, Timestamp};

use super::visit::Frame;

/// A moment as a page shows it.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) text: String,
    /// For machines, in UTC.
    pub(super) datetime: String,
}

impl Shown {
    pub(super) fn of(frame: &Frame, at: Timestamp, zone: TimeZone) -> Self {
        let text = format!("{} ({})", frame.locale.in_zone(zone).moment(at), city(zone));
        Self { text, datetime: machine(at) }
    }
}

/// RFC 3339 in UTC.
pub(super) fn machine(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// When a concert takes place.
pub(super) fn performance(frame: &Frame, concert: &ConcertDate) -> String {
    match concert.starts_at {
        Some(time) => {
            format!("{} ({})", written(frame.locale.language, concert.date.and_time(time)), city(concert.time_zone))
        }
        None => frame.locale.language.date(concert.date),
    }
}

pub(super) fn date_and_time(language: Language, date: NaiveDate, time: Option<NaiveTime>) -> String {
    time.map_or_else(|| language.date(date), |time| written(language, date.and_time(time)))
}

fn written(language: Language, at: NaiveDateTime) -> String {
    let between = if language == Language::English { ", " } else { " " };
    format!("{}{between}{}", language.date(at.date()), language.time(at.time()))
}

/// The zone by the name of its city.
fn city(zone: TimeZone) -> String {
    zone.name().rsplit('/').next().unwrap_or_default().replace('_', " ")
}
