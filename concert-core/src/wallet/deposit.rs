//! What comes into a wallet, and what it stands for.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::error::Error;
use crate::money::Money;

/// The longest reference, in characters.
const LONGEST_REFERENCE: usize = 128;

/// Names the payment that a recharge stands for, as the bank or the payment provider calls it: 1 to 128 printable ASCII
/// characters, without white space at its ends.
///
/// A user is credited for a reference once: the second recharge with it is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Reference(String);

impl Reference {
    /// What an operator's opening balance stands for.
    #[must_use]
    pub fn opening_balance() -> Self {
        Self("opening balance".to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One that the database has.
    pub(crate) const fn known(text: String) -> Self {
        Self(text)
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fits =
            (1..=LONGEST_REFERENCE).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if !fits || text.trim() != text {
            return Err(Error::invalid(format!(
                "a reference is 1 to {LONGEST_REFERENCE} printable ASCII characters, without white space at its ends"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a recharge puts into a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deposit {
    pub(crate) amount: Money,
    pub(crate) reference: Option<Reference>,
}

impl From<Money> for Deposit {
    fn from(amount: Money) -> Self {
        Self { amount, reference: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_one_form_only() {
        assert_eq!("INV-7/2027 (ann)".parse::<Reference>().expect("fits").as_str(), "INV-7/2027 (ann)");
        for text in ["", " ", " a", "a ", "a\nb", "r\u{e9}f", "\u{ff21}", &"x".repeat(129)] {
            assert!(text.parse::<Reference>().is_err(), "{text:?}");
        }
    }
}
