//! The status of a visit to the queue.

use serde::Serialize;

/// The status of a queue token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TokenStatus {
    /// In the queue, not let in yet.
    Waiting,
    /// Let in: its user may reserve and pay.
    Active,
    /// Over: the turn ended, the user left, or an operator ended it.
    Expired,
}

impl TokenStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Active, Self::Expired];

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
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| sqlx::Error::Decode(format!("{text} is no status of a token").into()))
    }
}
