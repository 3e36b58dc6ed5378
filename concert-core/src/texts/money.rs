//! Money as people write it: `₩1,200`, `1,200원`, `$99.50`.

use rust_decimal::Decimal;

use super::language::Language;
use crate::currency::Currency;

/// Symbols that stand before an amount, in English and in Korean (CLDR). Other currencies are written with their code.
const SYMBOLS: [(&str, &str, &str); 20] = [
    ("AUD", "A$", "AU$"),
    ("BRL", "R$", "R$"),
    ("CAD", "CA$", "CA$"),
    ("CNY", "CN¥", "CN¥"),
    ("EUR", "€", "€"),
    ("GBP", "£", "£"),
    ("HKD", "HK$", "HK$"),
    ("ILS", "₪", "₪"),
    ("INR", "₹", "₹"),
    ("JPY", "¥", "JP¥"),
    ("KRW", "₩", "₩"),
    ("MXN", "MX$", "MX$"),
    ("NZD", "NZ$", "NZ$"),
    ("PHP", "₱", "₱"),
    ("TWD", "NT$", "NT$"),
    ("USD", "$", "US$"),
    ("VND", "₫", "₫"),
    ("XAF", "FCFA", "FCFA"),
    ("XCD", "EC$", "EC$"),
    ("XPF", "CFPF", "CFPF"),
];

impl Language {
    /// An amount, as this language writes it: `₩1,200` and `1,200원`, `$99.50` and `US$99.50`. Without a currency it is
    /// the number alone, with two places unless it is whole.
    #[must_use]
    pub fn money(self, amount: impl Into<Decimal>, currency: impl Into<Option<Currency>>) -> String {
        let amount = amount.into().normalize();
        let (sign, amount) = (if amount.is_sign_negative() && !amount.is_zero() { "-" } else { "" }, amount.abs());
        let Some(currency) = currency.into() else {
            return format!("{sign}{}", grouped(amount, if amount.scale() == 0 { 0 } else { 2 }));
        };
        let number = grouped(amount, currency.digits());
        let symbol = SYMBOLS.iter().find(|(code, ..)| *code == currency.code());
        match (self, symbol) {
            (Self::Korean, Some(("KRW", ..))) => format!("{sign}{number}원"),
            (Self::English, Some((_, symbol, _))) | (Self::Korean, Some((_, _, symbol))) => {
                format!("{sign}{symbol}{number}")
            }
            // A space at which no line is broken.
            (_, None) => format!("{sign}{}\u{a0}{number}", currency.code()),
        }
    }

    /// A whole number with a comma after each thousand; both languages write it alike.
    #[must_use]
    pub fn count(self, count: u64) -> String {
        grouped(count.into(), 0)
    }
}

/// At least so many places: what an amount has beyond them is shown, never rounded.
fn grouped(amount: Decimal, places: u32) -> String {
    let text = amount.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if places > 0 || !fraction.is_empty() {
        out.push('.');
        out.push_str(&format!("{fraction:0<width$}", width = places as usize));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(amount: &str, currency: &str) -> [String; 2] {
        let (amount, currency) = (amount.parse::<Decimal>().expect("a number"), currency.parse::<Currency>().ok());
        Language::ALL.map(|language| language.money(amount, currency))
    }

    #[test]
    fn money_is_written_as_each_language_does() {
        assert_eq!(written("1200", "KRW"), ["₩1,200", "1,200원"]);
        assert_eq!(written("0", "KRW"), ["₩0", "0원"]);
        assert_eq!(written("99999999.99", "USD"), ["$99,999,999.99", "US$99,999,999.99"]);
        assert_eq!(written("99.5", "EUR"), ["€99.50", "€99.50"]);
        assert_eq!(written("1200", "JPY"), ["¥1,200", "JP¥1,200"]);
        assert_eq!(written("1200", "CHF"), ["CHF\u{a0}1,200.00", "CHF\u{a0}1,200.00"]);
        assert_eq!(written("-1200", "KRW"), ["-₩1,200", "-1,200원"]);
        assert_eq!(written("0.5", "KRW")[1], "0.5원", "money is not rounded away");
    }

    #[test]
    fn without_a_currency_money_is_a_number_of_two_places_at_most() {
        assert_eq!(written("1200.00", ""), ["1,200", "1,200"]);
        assert_eq!(written("1200.5", ""), ["1,200.50", "1,200.50"]);
        assert_eq!(Language::Korean.count(50_000), "50,000");
        assert_eq!(Language::Korean.count(999), "999");
    }
}
