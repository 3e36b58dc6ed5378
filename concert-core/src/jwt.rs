//! Access tokens: JWTs of two kinds, told apart by their audience.
//!
//! HS256 alone is accepted, and the time is the box office's clock (RFC 8725, sections 3.1, 3.8 and 3.9).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto, decode_header, encode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::caller::{Caller, QueueTicket, SessionTicket};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{SaleId, SessionId, TokenId, UserId};

/// The width of HS256's hash, in bytes.
const HASH_LENGTH: usize = 32;
/// The shortest secret, in bytes: as long as the hash (RFC 7518, section 3.2).
pub const SHORTEST_SECRET: usize = HASH_LENGTH;
/// How many characters of base64url name a key, at six bits each: enough to tell the few keys of a service apart.
const KEY_ID_LENGTH: usize = 11;
/// What is signed with a key to name it. The name tells nothing about the key that a token would not.
const KEY_ID_OF: &[u8] = b"concert: the id of this key";
const NO_GOOD: Error = Error::Unauthenticated("the access token is not valid");

/// The keys that access tokens are signed and verified with.
#[derive(Clone)]
pub struct JwtKeys {
    signing: EncodingKey,
    /// The header of what is signed here.
    header: Header,
    verifying: Vec<VerifyingKey>,
}

/// A key, and how tokens name it (`kid`; RFC 7515, section 4.1.4).
#[derive(Clone)]
struct VerifyingKey {
    key: hmac::Key,
    id: String,
    /// How tokens that were signed with it here begin: the encoded header and the dot.
    prefix: String,
}

impl VerifyingKey {
    fn new(secret: &[u8]) -> Result<Self, Error> {
        let signing = EncodingKey::from_secret(secret);
        let mut id = crypto::sign(KEY_ID_OF, &signing, Algorithm::HS256).map_err(Error::internal)?;
        // The id is made of the secret and tells nothing of it, so servers agree on it without being told.
        id.truncate(KEY_ID_LENGTH);
        // The header of every token that this key signs is the same text.
        let mut prefix = encode(&header(&id), &(), &signing).map_err(Error::internal)?;
        prefix.truncate(prefix.find('.').map_or(0, |dot| dot + 1));
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), id, prefix })
    }

    /// Whether `signature` was made of `message` with this key. `jsonwebtoken` sets the key up for each signature, which
    /// is a fifth of the cost.
    fn has_signed(&self, message: &str, signature: &str) -> bool {
        let mut tag = [0; HASH_LENGTH];
        let read = BASE64_URL_SAFE_NO_PAD.decode_slice(signature, &mut tag);
        read == Ok(HASH_LENGTH) && hmac::verify(&self.key, message.as_bytes(), &tag).is_ok()
    }
}

fn header(key_id: &str) -> Header {
    Header { kid: Some(key_id.to_owned()), ..Header::new(Algorithm::HS256) }
}

impl JwtKeys {
    /// Signs and verifies with `secret`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for secrets of fewer than [`SHORTEST_SECRET`] bytes.
    pub fn new(secret: &SecretString) -> Result<Self, Error> {
        let bytes = long_enough(secret)?;
        let verifying = VerifyingKey::new(bytes)?;
        Ok(Self { signing: EncodingKey::from_secret(bytes), header: header(&verifying.id), verifying: vec![verifying] })
    }

    /// Also verifies with the key that was in use before, so that changing keys logs nobody out.
    ///
    /// # Errors
    /// As [`JwtKeys::new`].
    pub fn with_previous(mut self, secret: &SecretString) -> Result<Self, Error> {
        self.verifying.push(VerifyingKey::new(long_enough(secret)?)?);
        Ok(self)
    }

    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, Error> {
        encode(&self.header, claims, &self.signing).map_err(Error::internal)
    }

    /// A session's token of the same session and generation that ends at `until` or with the session. Whether the session
    /// still counts, the caller has checked.
    #[cfg(feature = "password")]
    pub(crate) fn shorten(
        &self,
        token: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(SessionTicket, String), Error> {
        let (Credential::Session(whole), generation) = self.verify(token, now)? else {
            return Err(Error::Unauthenticated("this takes the access token of a session"));
        };
        // A shorter token never lasts longer than the one that was shown for it.
        let short = SessionTicket { expires_at: whole.expires_at.min(until), ..whole };
        let token = self.sign(&Claims::of_session(&short, generation, now))?;
        Ok((short, token))
    }

    /// Reads an access token and returns what it proves, and the generation that it was signed under. Whether that still
    /// counts, the revocations tell, and whether a queue token is still in the queue, only its row can.
    ///
    /// In steps, since `jsonwebtoken::decode` reads header and claims twice, which would be half of the cost of a poll
    /// beyond its bare route. No claim is read before the signature is verified. The claims' types accept our issuer
    /// and audiences only.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Result<(Credential, u32), Error> {
        let (message, signature) = token.rsplit_once('.').ok_or(NO_GOOD)?;
        let holds = |with: &VerifyingKey| with.has_signed(message, signature);
        let held = match self.verifying.iter().find(|with| token.starts_with(&with.prefix)) {
            // The usual way: the text before the first dot names key and algorithm, and nothing of it has to be
            // decoded.
            Some(named) => holds(named),
            None => self.keys_for(token)?.any(holds),
        };
        if !held {
            return Err(NO_GOOD);
        }
        // Not insecure here: the signature over these very bytes was verified above. Issuer and audience are checked by
        // their types.
        let claims: Claims = insecure_decode_claims(token).map_err(|_| NO_GOOD)?;
        if claims.exp <= now.timestamp() {
            return Err(Error::Unauthenticated("the access token has expired"));
        }
        let user = UserId::from_uuid(claims.sub);
        let credential = match claims.aud {
            Audience::Session => Credential::Session(SessionTicket {
                user,
                session: claims.session(),
                expires_at: Timestamp::from_timestamp(claims.exp, 0).ok_or(NO_GOOD)?,
            }),
            Audience::Queue => Credential::Queue(QueueTicket {
                user,
                token: TokenId::from_uuid(claims.jti.ok_or(NO_GOOD)?),
                sale: claims.sale.map_or(SaleId::DEFAULT, SaleId::from_uuid),
                ticket: claims.ticket.ok_or(NO_GOOD)?,
            }),
        };
        Ok((credential, claims.generation))
    }

    /// The keys that a token with a header of another form may be signed with: the one it names, or each if it names
    /// none, as tokens did before keys had ids. A header that demands an extension is refused (RFC 7515, 4.1.11).
    fn keys_for(&self, token: &str) -> Result<impl Iterator<Item = &VerifyingKey>, Error> {
        let header = decode_header(token).map_err(|_| NO_GOOD)?;
        // What is marked critical must be understood or refused (RFC 7515, section 4.1.11). Nothing of it is understood
        // here.
        if header.alg != Algorithm::HS256 || header.crit.is_some() {
            return Err(NO_GOOD);
        }
        Ok(self.verifying.iter().filter(move |with| header.kid.as_ref().is_none_or(|named| *named == with.id)))
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
    Session(SessionTicket),
    /// A place in the queue.
    Queue(QueueTicket),
}

impl Credential {
    /// The user.
    #[must_use]
    pub const fn user(&self) -> UserId {
        match self {
            Self::Session(SessionTicket { user, .. }) | Self::Queue(QueueTicket { user, .. }) => *user,
        }
    }

    /// The caller that shows this credential.
    #[must_use]
    pub const fn caller(&self) -> Caller {
        match self {
            Self::Session(session) => Caller::verified(session.user),
            Self::Queue(queue) => Caller::with_queue_token(queue.user, queue.token),
        }
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Issuer {
    #[serde(rename = "concert")]
    Concert,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Audience {
    #[serde(rename = "concert-session")]
    Session,
    #[serde(rename = "concert-queue")]
    Queue,
}

/// The claims of both kinds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: Issuer,
    aud: Audience,
    sub: Uuid,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<u64>,
    /// Of a place in the queue; absent: the default sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sale: Option<Uuid>,
    /// What the user's tokens were signed under: 0 until all of them were revoked for the first time.
    #[serde(rename = "gen", default, skip_serializing_if = "is_first")]
    generation: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_first(generation: &u32) -> bool {
    *generation == 0
}

impl Claims {
    /// The session's id. One that was signed before sessions had ids is known by what it says, so that it can be ended.
    fn session(&self) -> SessionId {
        // Tokens of earlier versions have no id. One made of what they say is the same each time, so that they can be
        // ended.
        let named = || Uuid::new_v5(&self.sub, format!("session {} to {}", self.iat, self.exp).as_bytes());
        SessionId::from_uuid(self.jti.unwrap_or_else(named))
    }

    /// Sessions come from log-in.
    #[cfg(any(feature = "password", test))]
    pub(crate) fn of_session(ticket: &SessionTicket, generation: u32, from: Timestamp) -> Self {
        Self {
            iss: Issuer::Concert,
            aud: Audience::Session,
            sub: ticket.user.as_uuid(),
            iat: from.timestamp(),
            exp: ticket.expires_at.timestamp(),
            jti: Some(ticket.session.as_uuid()),
            ticket: None,
            sale: None,
            generation,
        }
    }

    pub(crate) fn of_queue(ticket: &QueueTicket, generation: u32, from: Timestamp, until: Timestamp) -> Self {
        Self {
            iss: Issuer::Concert,
            aud: Audience::Queue,
            sub: ticket.user.as_uuid(),
            iat: from.timestamp(),
            exp: until.timestamp(),
            jti: Some(ticket.token.as_uuid()),
            ticket: Some(ticket.ticket),
            sale: (ticket.sale != SaleId::DEFAULT).then_some(ticket.sale.as_uuid()),
            generation,
        }
    }
}

#[cfg(test)]
mod tests;
