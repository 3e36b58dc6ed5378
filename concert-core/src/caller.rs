//! On whose behalf an operation runs, with what proof, and under which idempotency key.

use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

use crate::error::Error;
use crate::id::{TokenId, UserId};
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
    /// Of the operator who acts for the user: the act is then logged.
    pub(crate) signature: Option<Arc<Signature>>,
}

impl Caller {
    /// A user whose identity the application has verified itself.
    #[must_use]
    pub const fn verified(user: UserId) -> Self {
        Self { user, proof: Proof::Verified, key: None, signature: None }
    }

    /// A user who showed the queue token `token`.
    #[must_use]
    pub const fn with_queue_token(user: UserId, token: TokenId) -> Self {
        Self { user, proof: Proof::Queue(token), key: None, signature: None }
    }

    /// The same caller; the operation runs once, however often it comes with this key, and answers the same.
    #[must_use]
    pub fn with_key(self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        Self { key: key.into(), ..self }
    }

    /// A user for whom an operator acts, who vouches for that.
    pub(crate) fn signed(user: UserId, signature: Signature) -> Self {
        Self { signature: Some(Arc::new(signature)), ..Self::verified(user) }
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

    /// Whether the caller showed a queue token other than `live`, the one that the user has in the queue now.
    pub(crate) fn shows_ended_token(&self, live: Option<TokenId>) -> bool {
        matches!(self.proof, Proof::Queue(shown) if live != Some(shown))
    }

    /// The id of what the operation makes: derived from (user, route, key), so that a repeated call finds its own row.
    pub(crate) fn entity_id(&self, route: &str) -> Uuid {
        match &self.key {
            Some(key) => key.derive(Some(self.user), route),
            None => Uuid::now_v7(),
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
    /// Its place in the order of arrival.
    pub ticket: u64,
}

impl From<UserId> for Caller {
    fn from(user: UserId) -> Self {
        Self { user, proof: Proof::Bare, key: None, signature: None }
    }
}

/// A key that a client makes up, so that a repeated request is carried out once: 1 to 255 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The longest idempotency key, in characters.
const LONGEST_KEY: usize = 255;
/// The UUIDv5 namespace of ids that are derived from idempotency keys.
const NAMESPACE: Uuid = Uuid::from_u128(0x5e2b_f6f0_6d2c_4f0c_9b53_64f1_8c1f_9a6d);

impl IdempotencyKey {
    pub(crate) fn derive(&self, user: Option<UserId>, route: &str) -> Uuid {
        let user = user.map_or(Uuid::nil(), UserId::as_uuid);
        Uuid::new_v5(&NAMESPACE, format!("{user}|{route}|{}", self.0).as_bytes())
    }
}

impl FromStr for IdempotencyKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fits = (1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if !fits {
            return Err(Error::invalid(format!(
                "an idempotency key is 1 to {LONGEST_KEY} printable ASCII characters, a UUID for instance"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}
