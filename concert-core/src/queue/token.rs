//! A visit to the queue, as its row has it.

use crate::clock::Timestamp;
use crate::fact::Value;
use crate::id::{SaleId, TokenId, UserId};
use crate::token_status::TokenStatus;

/// Why a token ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndedReason {
    Lapsed,
    /// The turn was not claimed within the claim window.
    NoShow,
    Left,
    Operator,
}

impl EndedReason {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Lapsed => "LAPSED",
            Self::NoShow => "NO_SHOW",
            Self::Left => "LEFT",
            Self::Operator => "OPERATOR",
        }
    }

    pub(crate) fn from_column(text: &str) -> Result<Self, sqlx::Error> {
        [Self::Lapsed, Self::NoShow, Self::Left, Self::Operator]
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| sqlx::Error::Decode(format!("{text} is no reason for the end of a token").into()))
    }
}

/// A row of `tokens`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) id: TokenId,
    pub(crate) user: UserId,
    pub(crate) sale: SaleId,
    pub(crate) ticket: u64,
    pub(crate) status: TokenStatus,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// When the turn was claimed; until then `expires_at` of an ACTIVE token is the end of the claim window.
    pub(crate) claimed_at: Option<Timestamp>,
}

impl Token {
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.status != TokenStatus::Expired && now < self.expires_at
    }

    pub(crate) fn is_active(&self, now: Timestamp) -> bool {
        self.status == TokenStatus::Active && now < self.expires_at
    }

    /// Whether it was let in and the turn is not claimed yet.
    pub(crate) fn is_unclaimed(&self) -> bool {
        self.status == TokenStatus::Active && self.claimed_at.is_none()
    }
}

impl From<TokenStatus> for Value {
    fn from(status: TokenStatus) -> Self {
        Self::Keyword(status.as_str())
    }
}

impl From<Token> for Value {
    fn from(token: Token) -> Self {
        Self::Id(token.id.as_uuid())
    }
}
