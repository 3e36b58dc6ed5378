//! Thirty-two bytes, written as hexadecimal digits.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use sqlx::mysql::MySqlRow;

use crate::invalid::InvalidInput;
use crate::sql::{SqlSlot, SqlValue, Written};

/// Thirty-two bytes: a hash, a key or a secret. It is shown as 64 hexadecimal digits, in JSON too.
///
/// ```
/// use concert_core::Bytes32;
///
/// let bytes: Bytes32 = "00000000000000000000000000000000000000000000000000000000000000ff".parse()?;
/// assert_eq!(bytes.as_bytes()[31], 255);
/// # Ok::<(), concert_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bytes32([u8; 32]);

impl Bytes32 {
    /// Nothing but zeros.
    pub(crate) const ZERO: Self = Self([0; 32]);

    /// Wraps the bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads a `binary(32)` that may be null.
    pub(crate) fn from_column(row: &MySqlRow, column: &str) -> Result<Option<Self>, sqlx::Error> {
        let bytes: Option<&[u8]> = sqlx::Row::try_get(row, column)?;
        let wrap = |bytes: &[u8]| bytes.try_into().map(Self);
        bytes.map(wrap).transpose().map_err(|error| sqlx::Error::Decode(Box::new(error)))
    }
}

impl fmt::Display for Bytes32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Bytes32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Bytes32 {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let invalid = || InvalidInput::new("these must be 64 hexadecimal digits");
        // Only then two bytes are always two characters.
        if text.len() != 64 || !text.is_ascii() {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digit = |at: usize| char::from(digits[at]).to_digit(16).ok_or_else(invalid);
            *byte = (digit(0)? << 4 | digit(1)?) as u8;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Bytes32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl SqlValue for Bytes32 {
    fn write(&self, out: SqlSlot<'_>) -> Written {
        out.bytes(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_four_digits_are_read_as_they_are_shown() {
        let text = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        let bytes: Bytes32 = text.parse().expect("64 digits");
        assert_eq!(bytes.to_string(), text);
        assert_eq!(text.to_uppercase().parse(), Ok(bytes));
        assert!(bytes.as_bytes().iter().copied().eq(0..32));
        for wrong in ["", &text[1..], &text.replace('f', "g"), &text.replace("0f", "é")] {
            assert!(wrong.parse::<Bytes32>().is_err(), "{wrong}");
        }
    }
}
