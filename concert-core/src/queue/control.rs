//! Steering the queue: what operators set, and the record of it.

use std::str::FromStr;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::error::Error;

/// The most tokens that may be ACTIVE, and the most that may be let in per minute.
pub(super) const MOST_ADMITTED: u32 = 100_000_000;
/// The longest name of an operator, in characters.
const LONGEST_NAME: usize = 128;

/// Who changes a setting of the queue, for the record: 1 to 128 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Operator(String);

impl Operator {
    /// The application that embeds the library.
    pub(crate) fn application() -> Self {
        Self("application".to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Operator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fits = (1..=LONGEST_NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if !fits || text.trim() != text {
            return Err(Error::invalid(format!(
                "an operator's name is 1 to {LONGEST_NAME} characters, without control characters and without white \
                 space at its ends"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The settings of the queue, for all processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Admission {
    /// Whether nobody is let in.
    pub paused: bool,
    /// The cap on ACTIVE tokens.
    pub max_active: u32,
    /// The most tokens that become ACTIVE within any 60 seconds; `None`: no such limit.
    pub per_minute: Option<u32>,
}

/// What an operator changes; `None`: left as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) paused: Option<bool>,
    pub(crate) max_active: Option<u32>,
    pub(crate) per_minute: Option<Option<u32>>,
}

impl Change {
    /// Refuses what makes no sense.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if *self == Self::default() {
            return Err(Error::invalid("say what to change: max_active, per_minute or both"));
        }
        if self.max_active.is_some_and(|count| !(1..=MOST_ADMITTED).contains(&count)) {
            return Err(Error::invalid(format!(
                "max_active is from 1 to {MOST_ADMITTED}; to let nobody in, pause the queue"
            )));
        }
        if self.per_minute.flatten().is_some_and(|count| !(1..=MOST_ADMITTED).contains(&count)) {
            return Err(Error::invalid(format!(
                "per_minute is from 1 to {MOST_ADMITTED}; to let nobody in, pause the queue"
            )));
        }
        Ok(())
    }
}

/// One change of one setting, as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueChange {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// `paused`, `max_active` or `per_minute`.
    pub setting: String,
    /// The value before: `yes` or `no`, a number, or `none`.
    pub was: String,
    /// The value after.
    pub becomes: String,
}

/// A setting as the record writes it.
pub(super) fn flag(paused: bool) -> String {
    if paused { "yes" } else { "no" }.to_owned()
}

pub(super) fn limit(limit: Option<u32>) -> String {
    limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string())
}
