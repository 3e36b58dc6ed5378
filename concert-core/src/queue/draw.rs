//! The draw: who has joined at the doors is put in random order at the opening, so that anyone can check it.
//!
//! How, to the byte, is in `docs/src/draw.md`. All of it is one write of the gate: every process computes the places from
//! what stands there.

mod change;
mod places;
mod store;
mod verify;

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

pub(crate) use self::change::draw_after;
pub use self::places::Places;
#[cfg(any(test, feature = "internals"))]
pub(super) use self::store::STATEMENTS;
pub(super) use self::store::bind_draw;
pub(crate) use self::store::{audit_draws, draw_columns, read_draw, verify};
use self::verify::{Admissions, DrawCheck};
pub use self::verify::{DrawVerification, DrawnToken};
use crate::bytes::Bytes32;
use crate::id::TokenId;
use crate::invalid::InvalidInput;

/// The most tickets that are drawn: 400 MB of places in each process. Tickets behind them keep the order of arrival.
pub(crate) const MOST_DRAWN: u64 = 100_000_000;
/// The longest public value, in characters.
const LONGEST_PUBLIC_VALUE: usize = 255;

/// A draw, as far as it is public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Draw {
    /// SHA-256 of the secret: it shows afterwards that the secret was there before anybody joined.
    pub commitment: Bytes32,
    /// The secret; after the opening.
    pub secret: Option<Bytes32>,
    /// The chain over all who joined at the doors; after the opening.
    pub chain: Option<Bytes32>,
    /// The value that was drawn in public, where one was named.
    pub public_value: Option<PublicValue>,
    /// How many tickets were drawn; after the opening.
    pub count: Option<u64>,
}

impl Draw {
    /// The key of the places; `None` before the opening.
    #[must_use]
    pub fn key(&self) -> Option<DrawKey> {
        Some(DrawKey::mix(&self.secret?, &self.chain?, self.public_value.as_ref()))
    }

    /// The places of all drawn tickets; `None` before the opening. It takes some 20 ms and 4 MB for a million.
    #[must_use]
    pub fn places(&self) -> Option<Places> {
        Some(Places::of_draw(&self.key()?, self.count?))
    }
}

/// A value that was drawn in public after the doors had opened: the numbers of a lottery, for example. Its text is
/// mixed into the draw as it is, so it has no white space around it and no control characters; at most 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PublicValue(String);

impl PublicValue {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicValue {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let is_plain = !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control);
        if !is_plain || text.chars().count() > LONGEST_PUBLIC_VALUE {
            return Err(InvalidInput::new(format!(
                "the public value must have 1 to {LONGEST_PUBLIC_VALUE} characters, without line breaks and without spaces at its ends"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for PublicValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The key from which the places follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DrawKey(Bytes32);

impl DrawKey {
    /// A key that is known, for trying the draw out.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(Bytes32::new(bytes))
    }

    /// HMAC-SHA256 under the secret, of the chain and, right behind it, the public value.
    fn mix(secret: &Bytes32, chain: &Bytes32, public_value: Option<&PublicValue>) -> Self {
        // A key that is shorter than a block of the hash is filled up with zeros.
        let mut block = [0; 64];
        block[..32].copy_from_slice(secret.as_bytes());
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(chain.as_bytes());
        mac.update(public_value.map(PublicValue::as_str).unwrap_or_default().as_bytes());
        Self(Bytes32::new(mac.finalize().into_bytes().into()))
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// The secret of a draw. Nothing shows it before the opening.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DrawSecret(Bytes32);

impl DrawSecret {
    pub(crate) fn generate() -> Self {
        Self(Bytes32::new(rand::random()))
    }

    pub(crate) const fn from_bytes(bytes: Bytes32) -> Self {
        Self(bytes)
    }

    /// For the gate's row alone.
    pub(crate) const fn reveal(&self) -> &Bytes32 {
        &self.0
    }
}

impl fmt::Debug for DrawSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DrawSecret(..)")
    }
}

/// What the gate keeps of a draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GateDraw {
    pub(crate) commitment: Bytes32,
    pub(crate) secret: DrawSecret,
    pub(crate) chain: Bytes32,
    pub(crate) public_value: Option<PublicValue>,
    /// How many tickets are drawn; `None`: the draw is still to come.
    pub(crate) count: Option<u64>,
}

impl GateDraw {
    /// A draw that is still to come.
    pub(crate) fn new(secret: DrawSecret) -> Self {
        let commitment = commitment_to(secret.reveal());
        Self { commitment, secret, chain: Bytes32::ZERO, public_value: None, count: None }
    }

    /// Whether the draw is still to come.
    pub(crate) const fn is_pending(&self) -> bool {
        self.count.is_none()
    }

    /// Takes up who joins at the doors, in the order of tickets.
    pub(crate) fn take_up(&mut self, ticket: u64, token: TokenId) {
        if self.is_pending() && ticket <= MOST_DRAWN {
            self.chain = chain_with(&self.chain, token);
        }
    }

    /// Makes the draw, of all tickets that are given out. Nothing changes it any more.
    pub(crate) fn make(&mut self, given_out: u64) {
        if self.is_pending() {
            self.count = Some(given_out.min(MOST_DRAWN));
        }
    }

    /// What people may see of it.
    pub(crate) fn shown(&self) -> Draw {
        let is_made = !self.is_pending();
        Draw {
            commitment: self.commitment,
            secret: is_made.then_some(*self.secret.reveal()),
            chain: is_made.then_some(self.chain),
            public_value: self.public_value.clone(),
            count: self.count,
        }
    }
}

fn commitment_to(secret: &Bytes32) -> Bytes32 {
    Bytes32::new(Sha256::digest(secret.as_bytes()).into())
}

fn chain_with(chain: &Bytes32, token: TokenId) -> Bytes32 {
    let hash = Sha256::new().chain_update(chain.as_bytes()).chain_update(token.as_uuid().as_bytes());
    Bytes32::new(hash.finalize().into())
}

#[cfg(test)]
mod tests;
