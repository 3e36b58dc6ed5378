//! Access tokens: JWTs of two kinds, told apart by their audience.
//!
//! HS256 alone is accepted, and the time is the box office's clock (RFC 8725, sections 3.1, 3.8 and 3.9).

use chrono::DateTime;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{TokenId, UserId};

/// The shortest secret, in bytes: the width of HS256's hash (RFC 7518, section 3.2).
pub const SHORTEST_SECRET: usize = 32;
const ISSUER: &str = "concert";
const NO_GOOD: Error = Error::Unauthenticated("the access token is not valid");

/// The keys that access tokens are signed and verified with.
#[derive(Clone)]
pub struct JwtKeys {
    signing: EncodingKey,
    verifying: Vec<DecodingKey>,
}

impl JwtKeys {
    /// Signs and verifies with `secret`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for secrets of fewer than [`SHORTEST_SECRET`] bytes.
    pub fn new(secret: &SecretString) -> Result<Self, Error> {
        let bytes = long_enough(secret)?;
        Ok(Self { signing: EncodingKey::from_secret(bytes), verifying: vec![DecodingKey::from_secret(bytes)] })
    }

    /// Also verifies with the key that was in use before, so that changing keys logs nobody out.
    ///
    /// # Errors
    /// As [`JwtKeys::new`].
    pub fn with_previous(mut self, secret: &SecretString) -> Result<Self, Error> {
        self.verifying.push(DecodingKey::from_secret(long_enough(secret)?));
        Ok(self)
    }

    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, Error> {
        encode(&Header::new(Algorithm::HS256), claims, &self.signing).map_err(Error::internal)
    }

    /// Reads an access token and says what it proves; whether a queue token is still in the queue only its row knows.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Result<Credential, Error> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[Audience::Session.name(), Audience::Queue.name()]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Our own clock decides, below.
        validation.validate_exp = false;
        let claims =
            self.verifying.iter().find_map(|key| decode::<Claims>(token, key, &validation).ok()).ok_or(NO_GOOD)?.claims;
        if claims.exp <= now.timestamp() {
            return Err(Error::Unauthenticated("the access token has expired"));
        }
        let user = UserId::from_uuid(claims.sub);
        match claims.aud {
            Audience::Session => Ok(Credential::Session { user }),
            Audience::Queue => Ok(Credential::Queue(QueueTicket {
                user,
                token: TokenId::from_uuid(claims.jti.ok_or(NO_GOOD)?),
                ticket: claims.ticket.ok_or(NO_GOOD)?,
            })),
        }
    }
}

impl std::fmt::Debug for JwtKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JwtKeys({} for verifying)", self.verifying.len())
    }
}

fn long_enough(secret: &SecretString) -> Result<&[u8], Error> {
    let bytes = secret.expose_secret().as_bytes();
    if bytes.len() < SHORTEST_SECRET {
        return Err(Error::invalid(format!("the JWT secret has {} bytes; it needs {SHORTEST_SECRET}", bytes.len())));
    }
    Ok(bytes)
}

/// What an access token proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A session: the user logged in.
    Session {
        /// The user.
        user: UserId,
    },
    /// A place in the queue.
    Queue(QueueTicket),
}

/// What a queue token says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueTicket {
    /// Whose it is.
    pub user: UserId,
    /// Its row.
    pub token: TokenId,
    /// Its place in the order of arrival.
    pub ticket: u64,
}

impl Credential {
    /// The user.
    #[must_use]
    pub const fn user(&self) -> UserId {
        match self {
            Self::Session { user } | Self::Queue(QueueTicket { user, .. }) => *user,
        }
    }

    /// The caller that shows this credential.
    #[must_use]
    pub const fn caller(&self) -> Caller {
        match self {
            Self::Session { user } => Caller::verified(*user),
            Self::Queue(queue) => Caller::with_queue_token(queue.user, queue.token),
        }
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Audience {
    #[serde(rename = "concert-session")]
    Session,
    #[serde(rename = "concert-queue")]
    Queue,
}

impl Audience {
    const fn name(self) -> &'static str {
        match self {
            Self::Session => "concert-session",
            Self::Queue => "concert-queue",
        }
    }
}

/// The claims of both kinds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: Audience,
    sub: Uuid,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<u64>,
}

impl Claims {
    pub(crate) fn session(user: UserId, from: Timestamp, until: Timestamp) -> Self {
        Self::new(Audience::Session, user, from, until, None)
    }

    pub(crate) fn queue(ticket: &QueueTicket, from: Timestamp, until: Timestamp) -> Self {
        Self::new(Audience::Queue, ticket.user, from, until, Some(ticket))
    }

    fn new(aud: Audience, user: UserId, from: Timestamp, until: Timestamp, ticket: Option<&QueueTicket>) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud,
            sub: user.as_uuid(),
            iat: from.timestamp(),
            exp: until.timestamp(),
            jti: ticket.map(|t| t.token.as_uuid()),
            ticket: ticket.map(|t| t.ticket),
        }
    }

    /// When the token ends, in UTC.
    pub(crate) fn expires_at(&self) -> Timestamp {
        DateTime::from_timestamp(self.exp, 0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::span;

    fn keys(secret: &str) -> JwtKeys {
        JwtKeys::new(&SecretString::from(secret.repeat(32))).expect("long enough")
    }

    fn at(second: i64) -> Timestamp {
        DateTime::from_timestamp(second, 0).expect("in range")
    }

    fn session(keys: &JwtKeys) -> String {
        let from = at(1_000);
        keys.sign(&Claims::session(UserId::generate(), from, from + span(Duration::from_secs(60)))).expect("signs")
    }

    #[test]
    fn a_token_holds_until_its_last_second_by_our_clock() {
        let keys = keys("k");
        let token = session(&keys);
        assert!(keys.verify(&token, at(1_059)).is_ok());
        assert!(matches!(keys.verify(&token, at(1_060)), Err(Error::Unauthenticated(_))));
    }

    #[test]
    fn after_a_change_of_keys_the_previous_one_still_verifies() {
        let (old, new) = (keys("o"), keys("n"));
        let token = session(&old);
        assert!(new.verify(&token, at(1_000)).is_err());
        let both = new.with_previous(&SecretString::from("o".repeat(32))).expect("long enough");
        assert!(both.verify(&token, at(1_000)).is_ok());
        assert!(old.verify(&session(&both), at(1_000)).is_err(), "the new key signs");
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(JwtKeys::new(&SecretString::from("x".repeat(31))).is_err());
    }
}
