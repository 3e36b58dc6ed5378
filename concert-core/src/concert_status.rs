//! The status of a concert.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::invalid::InvalidInput;

/// Whether a concert can be booked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConcertStatus {
    /// Its seats can be held and paid.
    #[default]
    OnSale,
    /// Nothing more is held; what is held can be paid.
    Closed,
    /// It was called off: nothing is held or paid, and what was paid is refunded. It stays so.
    Cancelled,
}

impl ConcertStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::OnSale, Self::Closed, Self::Cancelled];

    /// The status as the database and the JSON write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnSale => "ON_SALE",
            Self::Closed => "CLOSED",
            Self::Cancelled => "CANCELLED",
        }
    }

    pub(crate) fn from_column(text: &str) -> Result<Self, sqlx::Error> {
        text.parse().map_err(|error: InvalidInput| sqlx::Error::Decode(error.into()))
    }
}

impl FromStr for ConcertStatus {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| InvalidInput::new("the status of a concert is ON_SALE, CLOSED or CANCELLED"))
    }
}

impl fmt::Display for ConcertStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for ConcertStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
