//! Access codes: what gives entry to a sale before others. A code is shown once, when it is made; the database has its
//! hash alone.

mod store;

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
pub(crate) use store::{codes_of, make_codes, revoke_codes};

/// The statements of this folder.
#[cfg(any(test, feature = "internals"))]
pub(crate) const STATEMENTS: &[&[crate::sql::Statement]] = &[store::STATEMENTS];

use crate::caller::IdempotencyKey;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{AccessCodeId, SaleId};
use crate::sql::{SqlSlot, SqlValue, Written};

/// The symbols of a code (Crockford's base 32): no two of them look alike.
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// How many symbols a code has: 80 random bits, which nobody guesses.
const LENGTH: usize = 16;
/// Symbols between two hyphens.
const GROUP: usize = 4;
/// The longest text that is read as a code, in bytes.
const LONGEST_TEXT: usize = 64;

/// The most codes that are made at once.
const MOST_CODES: u32 = 10_000;
/// The most uses of one code.
const MOST_USES: u32 = 10_000_000;

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CodeKind {
    /// Entry before the opening of the sale: its holder joins before the doors open and is let in before the others.
    Presale,
    /// A place in front of all who have no code, in the order in which codes were redeemed.
    Front,
}

impl CodeKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Presale, Self::Front];

    /// The kind as the database and the JSON write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Presale => "PRESALE",
            Self::Front => "FRONT",
        }
    }

    pub(crate) fn from_column(text: &str) -> Result<Self, sqlx::Error> {
        text.parse().map_err(|error: Error| sqlx::Error::Decode(error.into()))
    }
}

impl FromStr for CodeKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| Error::invalid("a code is of the kind PRESALE or FRONT"))
    }
}

impl fmt::Display for CodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for CodeKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A code as it is typed: letter case, spaces and hyphens do not matter, O is 0, and I and L are 1. Printed as
/// `K7QM-2X9D-0HVT-RB4E`; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessCode([u8; LENGTH]);

impl AccessCode {
    pub(crate) fn generate() -> Self {
        let random: [u8; LENGTH] = rand::random();
        // 32 divides 256, so each symbol is as likely as every other.
        Self(random.map(|byte| SYMBOLS[usize::from(byte) % SYMBOLS.len()]))
    }

    /// The code that somebody typed. A text that is no code becomes one that no sale has, so that it is treated as an unknown
    /// code is, and nobody learns from the answer how codes look.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] where it is far too long.
    pub fn typed(text: &str) -> Result<Self, Error> {
        match text.parse() {
            // No code that is made has these symbols.
            Err(Error::CodeRefused) => Ok(Self([b'-'; LENGTH])),
            read => read,
        }
    }

    /// A code is random, so its hash needs no salt and may be fast.
    pub(crate) fn hash(&self) -> CodeHash {
        CodeHash(Sha256::digest(self.0).into())
    }
}

impl FromStr for AccessCode {
    type Err = Error;

    /// [`Error::InvalidInput`] where it is far too long, [`Error::CodeRefused`] for all that no code is like.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > LONGEST_TEXT {
            return Err(Error::invalid(format!("a code has at most {LONGEST_TEXT} characters")));
        }
        let typed = text.bytes().filter(|byte| !matches!(byte, b'-' | b' '));
        let symbols: Vec<_> = typed
            .map(|byte| match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            })
            .collect();
        let is_code = symbols.iter().all(|symbol| SYMBOLS.contains(symbol));
        symbols.try_into().ok().filter(|_| is_code).map(Self).ok_or(Error::CodeRefused)
    }
}

impl fmt::Display for AccessCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, symbol) in self.0.iter().enumerate() {
            if nth > 0 && nth % GROUP == 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*symbol))?;
        }
        Ok(())
    }
}

impl fmt::Debug for AccessCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessCode")
    }
}

/// SHA-256 of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CodeHash(pub(crate) [u8; 32]);

impl SqlValue for CodeHash {
    fn write(&self, out: SqlSlot<'_>) -> Written {
        out.bytes(&self.0)
    }
}

/// What codes to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCodes {
    pub(crate) kind: CodeKind,
    pub(crate) count: u32,
    pub(crate) uses: u32,
    pub(crate) key: Option<IdempotencyKey>,
}

impl NewCodes {
    /// So many codes, 1 to 10 000, each of which can be redeemed once.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for another number.
    pub fn new(kind: CodeKind, count: u32) -> Result<Self, Error> {
        if !(1..=MOST_CODES).contains(&count) {
            return Err(Error::invalid(format!("1 to {MOST_CODES} codes are made at once, not {count}")));
        }
        Ok(Self { kind, count, uses: 1, key: None })
    }

    /// The same, each of which can be redeemed so often, 1 to 10 000 000 times.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for another number.
    pub fn with_uses(self, uses: u32) -> Result<Self, Error> {
        if !(1..=MOST_USES).contains(&uses) {
            return Err(Error::invalid(format!("a code has 1 to {MOST_USES} uses, not {uses}")));
        }
        Ok(Self { uses, ..self })
    }

    /// The same, made once however often the operator asks for them with this key. Codes are shown once, so whoever asks
    /// again is refused: [`Error::CodesAlreadyMade`].
    #[must_use]
    pub fn with_key(self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        Self { key: key.into(), ..self }
    }
}

/// Codes that were just made. Nobody can read them again.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MadeCodes {
    /// The sale that they are for.
    pub sale: SaleId,
    /// What they are for.
    pub kind: CodeKind,
    /// How often each can be redeemed.
    pub uses: u32,
    /// Each with the id under which it is listed.
    pub codes: Vec<(AccessCodeId, AccessCode)>,
}

/// A code as it is listed, without the code itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CodeEntry {
    /// Its id.
    #[serde(rename = "codeId")]
    pub id: AccessCodeId,
    /// What it is for.
    pub kind: CodeKind,
    /// How often it may be redeemed.
    pub uses: u32,
    /// How often it can still be.
    pub uses_left: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// By which operator.
    pub created_by: String,
    /// When it was revoked; `None`: it is in force.
    pub revoked_at: Option<Timestamp>,
}

/// Which codes to revoke.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CodesToRevoke {
    /// These; nothing is revoked if one of them is not there.
    These(Vec<CodeRef>),
    /// All of the sale.
    All,
}

/// Names a code to an operator: by the id under which it is listed, or by the code itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeRef {
    /// As it is listed.
    Id(AccessCodeId),
    /// As its holder has it.
    Code(AccessCode),
}

impl FromStr for CodeRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        text.parse().map(Self::Code).map_err(|_| Error::invalid("this is neither a code nor the id of one"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code: AccessCode = "K7QM-2X9D-0HVT-RB1E".parse().expect("a code");
        for typed in ["k7qm2x9d0hvtrb1e", " K7QM 2X9D OHVT RBIE ", "k7qm-2x9d-ohvt-rble"] {
            assert_eq!(typed.parse::<AccessCode>().expect("the same"), code, "{typed}");
        }
        assert_eq!(code.to_string(), "K7QM-2X9D-0HVT-RB1E");
        assert_eq!(format!("{code:?}"), "AccessCode", "it comes into no log");
        for typed in
            ["", "K7QM", "K7QM-2X9D-0HVT-RB1U", "K7QM-2X9D-0HVT-RB1E-7", "K7QM_2X9D_0HVT_RB1E", "\u{410}7QM2X9D0HVTRB1"]
        {
            assert!(matches!(typed.parse::<AccessCode>(), Err(Error::CodeRefused)), "{typed}");
        }
        assert!(matches!("0".repeat(65).parse::<AccessCode>(), Err(Error::InvalidInput(_))));
    }

    #[test]
    fn codes_are_all_different_and_their_hashes_too() {
        let codes: Vec<_> = (0..1_000).map(|_| AccessCode::generate()).collect();
        let hashes: hashbrown::HashSet<_> = codes.iter().map(AccessCode::hash).collect();
        assert_eq!(hashes.len(), codes.len());
        let again = codes[0].to_string().parse::<AccessCode>().expect("its own text");
        assert_eq!(again.hash(), codes[0].hash());
    }

    #[test]
    fn numbers_out_of_bounds_are_refused() {
        assert!(NewCodes::new(CodeKind::Front, 0).is_err() && NewCodes::new(CodeKind::Front, 10_001).is_err());
        let made = NewCodes::new(CodeKind::Front, 10_000).expect("the most");
        assert!(
            made.clone().with_uses(0).is_err()
                && made.clone().with_uses(10_000_001).is_err()
                && made.with_uses(100).is_ok()
        );
        assert!("front".parse::<CodeKind>().is_ok() && "VIP".parse::<CodeKind>().is_err());
    }
}
