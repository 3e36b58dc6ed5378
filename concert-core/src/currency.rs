//! The currency of the house: how many decimal places its amounts have.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use crate::invalid::InvalidInput;
use crate::money::Money;

/// The most places that the columns hold: they are `DECIMAL(10,2)`.
const MOST_DIGITS: u32 = 2;

/// The currencies in use (ISO 4217), by the places of their amounts.
const CURRENCIES: [(u32, &str); 4] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC \
         CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR \
         JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD \
         NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN \
         SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

/// A currency, by its ISO 4217 code: `KRW`, `USD`, `EUR`. It says how many decimal places an amount has at most, and how
/// amounts are written for people. Those of more than two places are refused: the database holds two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    code: &'static str,
    digits: u32,
}

impl Currency {
    /// The ISO 4217 code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// How many decimal places its amounts have: 0 or 2.
    #[must_use]
    pub const fn digits(self) -> u32 {
        self.digits
    }

    /// Refuses an amount with more places than the currency has.
    ///
    /// # Errors
    /// [`InvalidInput`], naming the currency.
    pub fn check(self, amount: Money) -> Result<(), InvalidInput> {
        // Zeros at the end do not count: 1200.00 is a whole number of won.
        if amount.as_decimal().normalize().scale() <= self.digits {
            return Ok(());
        }
        let code = self.code;
        Err(InvalidInput::new(format!("an amount in {code} is a whole number, without decimal places; not {amount}")))
    }
}

impl FromStr for Currency {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let codes = |(digits, codes): (u32, &'static str)| codes.split(' ').map(move |code| Self { code, digits });
        let Some(found) = CURRENCIES.into_iter().flat_map(codes).find(|known| known.code == text) else {
            let shown: String = text.chars().take(16).collect();
            return Err(InvalidInput::new(format!(
                "{shown:?} is no ISO 4217 currency; write one such as KRW, USD or EUR, in capitals"
            )));
        };
        if found.digits > MOST_DIGITS {
            return Err(InvalidInput::new(format!(
                "amounts in {text} have {} decimal places, and the database holds {MOST_DIGITS}; choose another currency",
                found.digits
            )));
        }
        Ok(found)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl From<Money> for Decimal {
    fn from(money: Money) -> Self {
        money.as_decimal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_says_how_many_places_an_amount_has() {
        let check = |code: &str, amount: &str| {
            code.parse::<Currency>().expect(code).check(amount.parse().expect("an amount")).is_ok()
        };
        assert!(check("KRW", "1200") && check("KRW", "1200.00") && check("JPY", "0"));
        assert!(!check("KRW", "1200.5") && !check("JPY", "0.01"));
        assert!(check("USD", "0.01") && check("EUR", "99.5"));
        let refused = "KRW".parse::<Currency>().expect("is one").check("0.5".parse().expect("an amount"));
        assert!(refused.expect_err("half a won").to_string().contains("KRW"));
    }

    #[test]
    fn what_is_no_currency_or_has_more_places_than_the_database_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "no ISO 4217 currency"),
            ("krw", "in capitals"),
            ("WON", "no ISO 4217 currency"),
            ("KR W", "no ISO 4217 currency"),
            ("KWD", "3 decimal places, and the database holds 2"),
            ("CLF", "4 decimal places"),
        ] {
            let error = text.parse::<Currency>().expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn no_code_is_there_twice() {
        let mut all: Vec<_> = CURRENCIES.iter().flat_map(|(_, codes)| codes.split(' ')).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert!(all.len() == count && all.iter().all(|code| code.len() == 3), "{count}");
    }
}
