//! The queue's settings, and what an operator changes about them: who is let in, and what a sale is.

mod record;
mod sale_change;

use serde::Serialize;

pub use self::record::QueueChange;
pub(crate) use self::record::SaleSettings;
pub(super) use self::record::{changes, difference};
pub use self::sale_change::SaleChange;
pub(crate) use self::sale_change::sale_name;
use crate::error::Error;
use crate::operator::Act;

/// The most tokens that may be ACTIVE, and the most that may be let in per minute.
pub(super) const MOST_ADMITTED: u32 = 100_000_000;

/// The settings of a queue, for all processes.
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
            return Err(Error::invalid("say what to change: maxActive, perMinute or both"));
        }
        self.check_values()
    }

    pub(crate) fn check_values(&self) -> Result<(), Error> {
        if self.max_active.is_some_and(|count| !(1..=MOST_ADMITTED).contains(&count)) {
            return Err(Error::invalid(format!(
                "maxActive must be from 1 to {MOST_ADMITTED}; to let nobody in, pause the queue"
            )));
        }
        if self.per_minute.and_then(PerMinute::limit).is_some_and(|count| !(1..=MOST_ADMITTED).contains(&count)) {
            return Err(Error::invalid(format!(
                "perMinute must be from 1 to {MOST_ADMITTED}; to let nobody in, pause the queue"
            )));
        }
        Ok(())
    }

    /// The settings after it.
    const fn applied_to(&self, before: Admission) -> Admission {
        Admission {
            paused: match self.paused {
                Some(paused) => paused,
                None => before.paused,
            },
            max_active: match self.max_active {
                Some(max_active) => max_active,
                None => before.max_active,
            },
            per_minute: match self.per_minute {
                Some(per_minute) => per_minute.limit(),
                None => before.per_minute,
            },
        }
    }

    /// What the log calls it.
    const fn act(&self) -> Act {
        match self.paused {
            Some(true) => Act::QueuePause,
            Some(false) => Act::QueueResume,
            None => Act::QueueSet,
        }
    }
}
