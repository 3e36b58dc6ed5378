//! On whose behalf an operation runs, with what proof, and under which idempotency key.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::id::{SaleId, SessionId, TokenId, UserId};
pub(crate) use crate::idempotency::Fingerprint;
pub use crate::idempotency::IdempotencyKey;
use crate::operator::Signature;

/// How far the caller has proved to be the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proof {
    /// Not at all: it only names the user.
    Bare,
    /// By a session, or because the application that embeds the library vouches for it.
    Verified,
    /// By a queue token of the user, which holds as long as that token is in the queue.
    Queue(TokenId),
}

/// The user on whose behalf an operation runs.
///
/// A [`UserId`] converts into a caller that names the user and proves nothing, which is enough for everything but
/// joining the queue as a user who has a password.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(crate) user: UserId,
    pub(crate) proof: Proof,
    pub(crate) key: Option<IdempotencyKey>,
    /// What the operation asks for; `None`: it has no key, or asks for nothing but the user.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// Of the operator who acts for the user: the act is then logged.
    pub(crate) signature: Option<Arc<Signature>>,
    /// Whether the operator holds seats for the user without a turn.
    pub(crate) bypasses_queue: bool,
}

impl Caller {
    /// A user whose identity the application has verified itself.
    #[must_use]
    pub const fn verified(user: UserId) -> Self {
        Self { user, proof: Proof::Verified, key: None, fingerprint: None, signature: None, bypasses_queue: false }
    }

    /// A user who showed the queue token `token`.
    #[must_use]
    pub const fn with_queue_token(user: UserId, token: TokenId) -> Self {
        Self { user, proof: Proof::Queue(token), key: None, fingerprint: None, signature: None, bypasses_queue: false }
    }

    /// The same caller; the operation runs once, however often it comes with this key, and answers the same. The key is
    /// one user's and one operation's, and it is bound to all that was asked: with anything else it is refused
    /// ([`Error::IdempotencyKeyReused`](crate::Error::IdempotencyKeyReused)). It proves nothing.
    #[must_use]
    pub fn with_key(self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        Self { key: key.into(), ..self }
    }

    /// A user for whom an operator acts, who vouches for that.
    pub(crate) fn signed(user: UserId, signature: Signature) -> Self {
        Self { signature: Some(Arc::new(signature)), ..Self::verified(user) }
    }

    /// The same for seats that are held past the queue.
    pub(crate) fn past_queue(self) -> Self {
        Self { bypasses_queue: true, ..self }
    }

    /// The user.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The proof.
    #[must_use]
    pub const fn proof(&self) -> Proof {
        self.proof
    }

    pub(crate) const fn shows_token(&self) -> bool {
        matches!(self.proof, Proof::Queue(_))
    }

    /// The queue token that the caller showed, if it did.
    pub(crate) const fn shown_token(&self) -> Option<TokenId> {
        match self.proof {
            Proof::Queue(shown) => Some(shown),
            Proof::Bare | Proof::Verified => None,
        }
    }

    /// Whether the caller showed a queue token that is not among `live`, those that the user has in queues now.
    pub(crate) fn shows_ended_token(&self, live: &[TokenId]) -> bool {
        matches!(self.proof, Proof::Queue(shown) if !live.contains(&shown))
    }

    /// The same caller, asking for this. `parts` are all that the operation is told beside the caller, in a form that is
    /// the same for the same request.
    pub(crate) fn asking(self, parts: &[&dyn fmt::Display]) -> Self {
        let fingerprint = self.key.as_ref().map(|_| Fingerprint::of(parts));
        Self { fingerprint, ..self }
    }

    /// The id of what the operation makes: derived from (user, route, key), so that a repeated call finds its own row.
    pub(crate) fn entity_id(&self, route: &str) -> Uuid {
        match (&self.key, &self.signature) {
            // A user and an operator who make up the same key mean two requests.
            (Some(key), Some(_)) => key.derive(self.user, &format!("operators/{route}")),
            (Some(key), None) => key.derive(self.user, route),
            (None, _) => Uuid::now_v7(),
        }
    }

    /// The ids of `count` things that the operation makes together. The first is [`Caller::entity_id`]; the others
    /// depend on `count`.
    pub(crate) fn entity_ids(&self, route: &str, count: usize) -> impl Iterator<Item = Uuid> {
        let first = self.entity_id(route);
        let next = move |nth| match &self.key {
            Some(_) => Uuid::new_v5(&first, format!("{nth} of {count}").as_bytes()),
            None => Uuid::now_v7(),
        };
        std::iter::once(first).chain((2..=count).map(next))
    }
}

/// The contents of a queue token; from [`QueueToken`](crate::QueueToken) or an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueTicket {
    /// Whose it is.
    pub user: UserId,
    /// Its row.
    pub token: TokenId,
    /// The sale whose queue it is of.
    pub sale: SaleId,
    /// Its place in the order of arrival.
    pub ticket: u64,
}

/// The contents of a session's access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTicket {
    /// Whose it is.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

impl From<UserId> for Caller {
    fn from(user: UserId) -> Self {
        Self { user, proof: Proof::Bare, key: None, fingerprint: None, signature: None, bypasses_queue: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_with_a_key_has_a_fingerprint() {
        let (caller, key) = (Caller::verified(UserId::generate()), || "k".parse::<IdempotencyKey>().ok());
        assert_eq!(caller.clone().asking(&[&7]).fingerprint, None);
        assert!(caller.with_key(key()).asking(&[&7]).fingerprint.is_some());
    }
}
