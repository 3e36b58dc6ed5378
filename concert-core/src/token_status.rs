//! What a visit to the queue is at.

use serde::Serialize;

/// What a queue token is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TokenStatus {
    /// In the queue.
    Waiting,
    /// In: its user may reserve and pay.
    Active,
    /// Over: the turn ended, the user left, or an operator ended it.
    Expired,
}

impl TokenStatus {
    /// The status as the database and the JSON write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Active => "ACTIVE",
            Self::Expired => "EXPIRED",
        }
    }

    pub(crate) fn from_column(text: &str) -> Result<Self, sqlx::Error> {
        [Self::Waiting, Self::Active, Self::Expired]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| sqlx::Error::Decode(format!("{text} is no status of a token").into()))
    }
}
