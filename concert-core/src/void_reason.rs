//! Why a ticket is void.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::invalid::InvalidInput;

/// Why a ticket is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VoidReason {
    /// Its payment was refunded.
    Refunded,
    /// It has another owner now, who has a newer version of it.
    Moved,
    /// Its concert was called off.
    Cancelled,
}

impl VoidReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Refunded, Self::Moved, Self::Cancelled];

    /// The reason as the database and the JSON write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refunded => "REFUNDED",
            Self::Moved => "MOVED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The reason in a sentence, after "this ticket is void: ".
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::Refunded => "it was refunded",
            Self::Moved => "it has another owner now, who has a newer one",
            Self::Cancelled => "the concert was called off",
        }
    }

    pub(crate) fn from_column(text: &str) -> Result<Self, sqlx::Error> {
        text.parse().map_err(|error: InvalidInput| sqlx::Error::Decode(error.into()))
    }
}

impl FromStr for VoidReason {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let found = Self::ALL.into_iter().find(|reason| reason.as_str() == text);
        found.ok_or_else(|| InvalidInput::new("a ticket is void since it was REFUNDED, MOVED or CANCELLED"))
    }
}

impl fmt::Display for VoidReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for VoidReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
