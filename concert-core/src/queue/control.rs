//! The queue's settings, and the record of their changes.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::operator::{Act, LogEntry};

/// The most tokens that may be ACTIVE, and the most that may be let in per minute.
pub(super) const MOST_ADMITTED: u32 = 100_000_000;

/// The settings of the queue, for all processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Admission {
    /// Whether nobody is let in.
    pub paused: bool,
    /// The cap on ACTIVE tokens.
    pub max_active: u32,
    /// The most tokens that become ACTIVE within any 60 seconds; `None`: no such limit.
    pub per_minute: Option<u32>,
}

/// How many tokens may become ACTIVE within any 60 seconds, counted from when that limit is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerMinute {
    /// As many as there is room for.
    Unlimited,
    /// This many: 1 to 100 000 000.
    AtMost(u32),
}

impl PerMinute {
    pub(crate) const fn limit(self) -> Option<u32> {
        match self {
            Self::Unlimited => None,
            Self::AtMost(limit) => Some(limit),
        }
    }
}

/// What an operator changes about who is let in; what is not named stays as it is.
///
/// ```
/// use concert_core::{AdmissionChange, PerMinute};
///
/// let change = AdmissionChange::new().with_max_active(500).with_per_minute(PerMinute::AtMost(100));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AdmissionChange {
    pub(crate) paused: Option<bool>,
    pub(crate) max_active: Option<u32>,
    pub(crate) per_minute: Option<PerMinute>,
}

impl AdmissionChange {
    /// A change of nothing yet, which is refused.
    #[must_use]
    pub const fn new() -> Self {
        Self { paused: None, max_active: None, per_minute: None }
    }

    /// Pausing or resuming.
    pub(crate) const fn paused(paused: bool) -> Self {
        Self { paused: Some(paused), ..Self::new() }
    }

    /// Also sets how many tokens may be ACTIVE: 1 to 100 000 000. ACTIVE users stay ACTIVE.
    #[must_use]
    pub const fn with_max_active(mut self, max_active: u32) -> Self {
        self.max_active = Some(max_active);
        self
    }

    /// Also sets how many are let in per minute.
    #[must_use]
    pub const fn with_per_minute(mut self, per_minute: PerMinute) -> Self {
        self.per_minute = Some(per_minute);
        self
    }

    /// Checks the values.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if *self == Self::default() {
            return Err(Error::invalid("say what to change: max_active, per_minute or both"));
        }
        if self.max_active.is_some_and(|count| !(1..=MOST_ADMITTED).contains(&count)) {
            return Err(Error::invalid(format!(
                "max_active must be from 1 to {MOST_ADMITTED}; to let nobody in, pause the queue"
            )));
        }
        if self.per_minute.and_then(PerMinute::limit).is_some_and(|count| !(1..=MOST_ADMITTED).contains(&count)) {
            return Err(Error::invalid(format!(
                "per_minute must be from 1 to {MOST_ADMITTED}; to let nobody in, pause the queue"
            )));
        }
        Ok(())
    }
}

/// One change of one setting, as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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

impl AdmissionChange {
    /// What the log calls it.
    pub(super) const fn act(&self) -> Act {
        match self.paused {
            Some(true) => Act::QueuePause,
            Some(false) => Act::QueueResume,
            None => Act::QueueSet,
        }
    }
}

/// The settings in an order of their own: as the log names them, and as [`QueueChange`] does.
const SETTINGS: [(&str, &str); 3] = [("paused", "paused"), ("maxActive", "max_active"), ("perMinute", "per_minute")];

/// The settings that differ, before and after; `None`: none does.
pub(super) fn difference(before: &Admission, after: &Admission) -> Option<[Value; 2]> {
    let settings = |admission: &Admission| -> [Value; 3] {
        [admission.paused.into(), admission.max_active.into(), admission.per_minute.into()]
    };
    let (mut was, mut becomes) = (Map::new(), Map::new());
    for (((name, _), before), after) in SETTINGS.iter().zip(settings(before)).zip(settings(after)) {
        if before != after {
            was.insert((*name).to_owned(), before);
            becomes.insert((*name).to_owned(), after);
        }
    }
    (!was.is_empty()).then(|| [was.into(), becomes.into()])
}

/// The changes that an entry of the log records, the last first.
pub(super) fn changes(entry: &LogEntry) -> impl Iterator<Item = QueueChange> {
    SETTINGS.iter().rev().filter_map(|(name, setting)| {
        let [was, becomes] = [&entry.before, &entry.after].map(|state| state.as_ref()?.get(name).map(described));
        let (at, by, setting) = (entry.at, entry.by.clone(), (*setting).to_owned());
        Some(QueueChange { at, by, setting, was: was?, becomes: becomes? })
    })
}

fn described(setting: &Value) -> String {
    match setting {
        Value::Null => "none".to_owned(),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        other => other.to_string(),
    }
}
