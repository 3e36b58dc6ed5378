//! What a ticket's code says, and its signature: `v1.<key id>.<base64url(claims)>.<base64url(signature)>`.
//!
//! The claims are 40 bytes: the ids of ticket and concert, 16 bytes each, then seat number and version, 4 bytes each, the
//! most significant first. The signature (Ed25519, RFC 8032) is over all that stands before the last dot, as ASCII. See
//! docs/src/tickets.md, which has test vectors.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};

use crate::error::Error;
use crate::id::{ConcertId, ReservationId, SeatNumber, TicketKeyId};

/// The version of the form.
const FORM: &str = "v1";
/// The bytes of the claims, of a public key, of a private one, of a signature.
const CLAIMS: usize = 40;
pub(super) const KEY: usize = 32;
const SIGNATURE: usize = 64;
/// The longest text that is looked at; a ticket has 181 characters.
const LONGEST: usize = 256;

/// What a ticket's code says. It is not proved before its signature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TicketClaims {
    /// The key that it is signed with.
    #[serde(rename = "keyId")]
    pub key: TicketKeyId,
    /// The ticket, which has the id of its reservation.
    #[serde(rename = "ticketId")]
    pub ticket: ReservationId,
    /// The concert.
    #[serde(rename = "concertId")]
    pub concert: ConcertId,
    /// The seat, as it was when the code was made.
    #[serde(rename = "seatNumber")]
    pub seat: SeatNumber,
    /// How many owners the ticket had had.
    pub version: u32,
}

/// A code whose signature is not checked yet.
#[derive(Debug, Clone)]
pub(crate) struct TicketCode {
    pub(crate) claims: TicketClaims,
    signed: String,
    signature: [u8; SIGNATURE],
}

impl TicketCode {
    pub(super) fn is_signed_by(&self, key: &ParsedPublicKey) -> bool {
        key.verify_sig(self.signed.as_bytes(), &self.signature).is_ok()
    }
}

impl FromStr for TicketCode {
    type Err = Error;

    /// White space around it is taken: scanners end what they type with a line.
    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let unreadable = || Error::TicketUnreadable;
        // Before anything is decoded: gates read whatever is held before them.
        if text.len() > LONGEST {
            return Err(unreadable());
        }
        // Kept as it was written: the signature is over the text, and decoding it and writing it anew could differ.
        let (signed, signature) = text.rsplit_once('.').ok_or_else(unreadable)?;
        let (form, rest) = signed.split_once('.').ok_or_else(unreadable)?;
        let (key, claims) = rest.split_once('.').ok_or_else(unreadable)?;
        if form != FORM {
            return Err(unreadable());
        }
        let key: TicketKeyId = key.parse().map_err(|_| unreadable())?;
        let claims = decode::<CLAIMS>(claims).ok_or_else(unreadable)?;
        let signature = decode::<SIGNATURE>(signature).ok_or_else(unreadable)?;
        let claims = TicketClaims::read(key, &claims).ok_or_else(unreadable)?;
        Ok(Self { claims, signed: signed.to_owned(), signature })
    }
}

impl TicketClaims {
    fn read(key: TicketKeyId, bytes: &[u8; CLAIMS]) -> Option<Self> {
        let id = |at: usize| uuid::Uuid::from_slice(&bytes[at..at + 16]).ok();
        let number = |at: usize| Some(u32::from_be_bytes(bytes[at..at + 4].try_into().ok()?));
        Some(Self {
            key,
            ticket: ReservationId::from_uuid(id(0)?),
            concert: ConcertId::from_uuid(id(16)?),
            seat: SeatNumber::new(number(32)?.into()).ok()?,
            // A version counts owners, and there is always one.
            version: number(36).filter(|version| *version > 0)?,
        })
    }

    fn to_bytes(self) -> [u8; CLAIMS] {
        let mut bytes = [0; CLAIMS];
        bytes[..16].copy_from_slice(self.ticket.as_uuid().as_bytes());
        bytes[16..32].copy_from_slice(self.concert.as_uuid().as_bytes());
        bytes[32..36].copy_from_slice(&self.seat.get().to_be_bytes());
        bytes[36..].copy_from_slice(&self.version.to_be_bytes());
        bytes
    }
}

/// A key that tickets are signed with.
pub(crate) struct TicketSigner {
    key: TicketKeyId,
    pair: Ed25519KeyPair,
}

impl TicketSigner {
    /// From the seed of the private key.
    pub(super) fn new(key: TicketKeyId, seed: &[u8]) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| no_key())?;
        Ok(Self { key, pair })
    }

    pub(super) fn public_key(&self) -> Result<PublicKey, Error> {
        self.pair.public_key().as_ref().try_into().map(PublicKey).map_err(|_| no_key())
    }

    /// The code of a ticket.
    pub(crate) fn sign(&self, ticket: ReservationId, concert: ConcertId, seat: SeatNumber, version: u32) -> String {
        let claims = TicketClaims { key: self.key, ticket, concert, seat, version };
        let mut text = format!("{FORM}.{}.", self.key);
        BASE64_URL_SAFE_NO_PAD.encode_string(claims.to_bytes(), &mut text);
        let signature = self.pair.sign(text.as_bytes());
        text.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        text
    }
}

fn no_key() -> Error {
    Error::internal(std::io::Error::other("a key of tickets that is none"))
}

/// A public key (Ed25519): 32 bytes, in base64url as text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; KEY]);

impl PublicKey {
    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY] {
        &self.0
    }

    pub(super) fn parsed(&self) -> Result<ParsedPublicKey, Error> {
        ParsedPublicKey::new(&ED25519, self.0).map_err(|_| no_key())
    }

    pub(super) fn stored(bytes: Vec<u8>) -> Result<Self, sqlx::Error> {
        let bytes = bytes.try_into().map_err(|_| sqlx::Error::Decode("a public key of another length".into()))?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `None`: it is not the base64url of so many bytes. One text is taken for each value.
fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// The test vector of docs/src/tickets.md.
    const SEED: [u8; KEY] = [7; KEY];
    const PUBLIC_KEY: &str = "6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw";
    const VECTOR: &str = "v1.01920000-0000-7000-8000-000000000001.AZIRERERcRGBEREREREREQGSIiIiInIigiIiIiIiIiIAAAAqAAAAAw.6F2NisVxSajm1SiZrnLIcO9tlt9GKg26_s3cWZsYyy5vvmib0jMgea59Uxjge2_3PAtRYgjNtcKQKgA09eTpDQ";

    fn signer() -> TicketSigner {
        TicketSigner::new(TicketKeyId::from_uuid(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001)), &SEED)
            .expect("a seed")
    }

    fn vector() -> String {
        let ticket = ReservationId::from_uuid(Uuid::from_u128(0x0192_1111_1111_7111_8111_1111_1111_1111));
        let concert = ConcertId::from_uuid(Uuid::from_u128(0x0192_2222_2222_7222_8222_2222_2222_2222));
        signer().sign(ticket, concert, SeatNumber::known(42), 3)
    }

    #[test]
    fn the_test_vector_of_the_documentation_holds() {
        assert_eq!(signer().public_key().expect("has one").to_string(), PUBLIC_KEY);
        assert_eq!(vector(), VECTOR);
        assert!(include_str!("../../../docs/src/tickets.md").contains(VECTOR), "the documentation has it");
    }

    #[test]
    fn a_code_says_what_was_signed_and_nothing_else_passes() {
        let key = signer().public_key().expect("has one").parsed().expect("a key");
        let code: TicketCode = format!(" {}\r\n", vector()).parse().expect("reads");
        assert!(code.is_signed_by(&key));
        assert_eq!((code.claims.seat.get(), code.claims.version), (42, 3));
        let other = TicketSigner::new(code.claims.key, &[8; KEY]).expect("a seed");
        assert!(!code.is_signed_by(&other.public_key().expect("has one").parsed().expect("a key")));
        let text = vector();
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            let passes = changed.parse::<TicketCode>().is_ok_and(|code| code.is_signed_by(&key));
            // The letters of a key id are the same in capitals, and say the same key; what is signed has other bytes.
            assert!(!passes, "{at}: {changed}");
        }
    }

    #[test]
    fn what_is_no_ticket_is_said_to_be_none() {
        let good = vector();
        let parts: Vec<&str> = good.split('.').collect();
        let cases = [
            String::new(),
            ".".repeat(3),
            "x".repeat(10_000),
            good.replacen("v1", "v2", 1),
            format!("{good}="),
            format!("{good}A"),
            parts[..3].join("."),
            format!("{good}.{}", parts[3]),
            [parts[0], parts[1], "", parts[3]].join("."),
            [parts[0], "7", parts[2], parts[3]].join("."),
            Uuid::nil().to_string(),
            "티켓.티켓.티켓.티켓".to_owned(),
        ];
        for text in cases {
            assert!(matches!(text.parse::<TicketCode>(), Err(Error::TicketUnreadable)), "{text}");
        }
    }
}
