//! Money: exact decimals with two places, never a float.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Serialize, Serializer};

use crate::invalid::InvalidInput;

/// An amount of money: 0 to 99 999 999.99, two decimal places.
///
/// As JSON it is a number, without a fraction when it is whole: `100`, `100.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct Money(Decimal);

impl Money {
    /// No money.
    pub const ZERO: Self = Self(Decimal::ZERO);
    /// The largest amount, and the largest balance: 99 999 999.99, what `DECIMAL(10,2)` holds.
    pub const MAX: Self = Self(Decimal::from_parts(1_410_065_407, 2, 0, false, 2));

    /// Checks the range and the places.
    ///
    /// # Errors
    /// [`InvalidInput`] when negative, above [`Money::MAX`], or with more than two decimal places.
    pub fn new(amount: Decimal) -> Result<Self, InvalidInput> {
        let amount = amount.normalize();
        if amount.scale() > 2 {
            return Err(InvalidInput::new("an amount has at most two decimal places"));
        }
        if amount.is_sign_negative() && !amount.is_zero() {
            return Err(InvalidInput::new("an amount is not negative"));
        }
        if amount > Self::MAX.0 {
            return Err(InvalidInput::new(format!("an amount is at most {}", Self::MAX)));
        }
        Ok(Self(amount))
    }

    /// A whole amount.
    ///
    /// # Errors
    /// [`InvalidInput`] above [`Money::MAX`].
    pub fn whole(amount: u32) -> Result<Self, InvalidInput> {
        Self::new(Decimal::from(amount))
    }

    /// The bare decimal.
    #[must_use]
    pub const fn as_decimal(self) -> Decimal {
        self.0
    }

    /// The sum, or `None` above [`Money::MAX`].
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        // Both are at most MAX, so the sum is far from what a decimal holds.
        let sum = self.0.add(other.0);
        (sum <= Self::MAX.0).then_some(Self(sum))
    }

    /// The difference, or `None` below zero.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        (self.0 >= other.0).then(|| Self(self.0.sub(other.0)))
    }

    /// Refuses zero: what is charged or priced is more than nothing.
    pub(crate) fn positive(self) -> Result<Self, InvalidInput> {
        if self.0.is_zero() {
            return Err(InvalidInput::new("an amount is more than 0"));
        }
        Ok(self)
    }
}

/// A change of a balance: an amount with a sign. As JSON it is a number, like [`Money`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct BalanceChange(Decimal);

impl BalanceChange {
    /// The bare decimal.
    #[must_use]
    pub const fn as_decimal(self) -> Decimal {
        self.0
    }
}

impl fmt::Display for BalanceChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0.is_sign_negative() { "" } else { "+" };
        f.pad(&format!("{sign}{}", self.0.normalize()))
    }
}

impl Serialize for BalanceChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_number(&self.0, serializer)
    }
}

impl FromStr for Money {
    type Err = InvalidInput;

    /// Reads `100`, `100.5`, `1e2`: exactly, without a detour through a float.
    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let decimal = match text.find(['e', 'E']) {
            // JSON may write 1e3, and means a thousand.
            Some(_) => Decimal::from_scientific(text),
            None => Decimal::from_str_exact(text),
        };
        Self::new(decimal.map_err(|_| {
            InvalidInput::new(format!("an amount is a number from 0 to {} with at most two decimal places", Self::MAX))
        })?)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.normalize().to_string())
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_number(&self.0, serializer)
    }
}

/// A sum as a JSON number, without a fraction when it is whole. Exact up to 15 digits, which the shortest text of the
/// nearest f64 keeps.
pub(crate) fn as_number<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    match amount.to_i64() {
        Some(whole) if amount.fract().is_zero() => serializer.serialize_i64(whole),
        // A float gives back 15 digits as they were, which is more than amounts and their sums have.
        _ => serializer.serialize_f64(amount.to_f64().unwrap_or(f64::NAN)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_amount_is_what_the_column_holds() {
        assert_eq!(Money::MAX.to_string(), "99999999.99");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", "-1", "-0.01", "0.001", "100000000", "1e99", "NaN", "1,5", "0x10", "100.10000000000000000001"]
        {
            assert!(text.parse::<Money>().is_err(), "{text} was taken");
        }
        for (text, amount) in [("0", "0"), ("-0", "0"), ("100.50", "100.5"), ("1e2", "100"), ("1.100", "1.1")] {
            assert_eq!(text.parse::<Money>().expect(text).to_string(), amount);
        }
    }

    proptest! {
        #[test]
        fn json_gives_back_every_amount_exactly(cents in 0i64..=9_999_999_999) {
            let money = Money::new(Decimal::new(cents, 2)).expect("in range");
            let text = serde_json::to_string(&money).expect("a number");
            prop_assert_eq!(text.parse::<Money>().expect("an amount"), money);
            prop_assert!(cents % 100 != 0 || !text.contains('.'));
        }
    }
}
