//! The only way for a value into SQL text.

mod by_row;

use std::fmt::Write as _;

use chrono::{Datelike as _, NaiveDate, NaiveTime, Timelike as _};
use rust_decimal::Decimal;
use uuid::Uuid;

pub(crate) use self::by_row::ByKey;
use crate::clock::Timestamp;
use crate::id::{
    AccessCodeId, ConcertId, LogEntryId, OperatorKeyId, OrderId, PaymentId, ReservationId, SaleId, SeatNumber,
    SessionId, TicketKeyId, TokenId, UserId, WalletEntryId,
};
use crate::money::Money;

/// The text of a statement, as far as it is written: templates of this crate, and values.
#[derive(Debug, Default)]
pub(super) struct SqlWriter(String);

impl SqlWriter {
    /// Text of a template: constants of this crate, see `statements!`.
    pub(super) fn template(&mut self, text: &'static str) {
        self.0.push_str(text);
    }

    pub(super) fn value(&mut self, value: &(impl SqlValue + ?Sized)) {
        let Written(()) = value.write(SqlSlot(&mut self.0));
    }

    /// Values with commas between them; `null` for none, which no key equals.
    ///
    /// # Panics
    /// If it is not alone in the brackets of an `in`, where a list means what one value does.
    pub(super) fn list<V: SqlValue>(&mut self, values: impl IntoIterator<Item = V>) {
        assert!(self.0.ends_with(" in ("), "a list outside of an `in`");
        let mut first = true;
        for value in values {
            if !first {
                self.0.push(',');
            }
            first = false;
            self.value(&value);
        }
        if first {
            self.value(&None::<bool>);
        }
    }

    /// A literal that another writer has written.
    pub(super) fn literal(&mut self, literal: &str) {
        self.0.push_str(literal);
    }

    /// A condition of a guard, and what follows it.
    pub(super) fn condition(&mut self, condition: &str, after: &'static str) {
        self.0.push_str(condition);
        self.0.push_str(after);
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// The place of one value in a statement. It takes digits, hexadecimal digits, keywords and what this module makes of
/// them. Each of its methods uses it up and returns a [`Written`], so that exactly one value is written.
#[derive(Debug)]
pub(crate) struct SqlSlot<'w>(&'w mut String);

/// A value was written.
#[derive(Debug)]
pub(crate) struct Written(());

impl SqlSlot<'_> {
    /// A value that is a part of this one.
    fn inner(&mut self, value: &impl SqlValue) {
        let Written(()) = value.write(SqlSlot(self.0));
    }

    pub(crate) fn null(self) -> Written {
        self.0.push_str("null");
        Written(())
    }

    pub(crate) fn integer(self, number: i128) -> Written {
        // Into a string: it cannot fail.
        let _ = write!(self.0, "{number}");
        Written(())
    }

    pub(crate) fn decimal(self, number: Decimal) -> Written {
        let _ = write!(self.0, "{number}");
        Written(())
    }

    pub(crate) fn bytes(self, bytes: &[u8]) -> Written {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.0.push_str("x'");
        for byte in bytes {
            self.0.push(char::from(DIGITS[usize::from(byte >> 4)]));
            self.0.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        self.0.push('\'');
        Written(())
    }

    pub(crate) fn text(self, text: &str) -> Written {
        self.0.push_str("_utf8mb4 ");
        self.bytes(text.as_bytes())
    }

    pub(crate) fn keyword(self, keyword: Keyword) -> Written {
        self.0.push('\'');
        self.0.push_str(keyword.0);
        self.0.push('\'');
        Written(())
    }

    /// To the microsecond, to which all our timestamps are truncated.
    pub(crate) fn timestamp(self, moment: Timestamp) -> Written {
        self.0.push('\'');
        date_digits(self.0, moment.date_naive());
        let time = moment.time();
        for (before, number) in [(' ', time.hour()), (':', time.minute()), (':', time.second())] {
            self.0.push(before);
            digits(self.0, number, 2);
        }
        self.0.push('.');
        digits(self.0, time.nanosecond() / 1_000, 6);
        self.0.push('\'');
        Written(())
    }

    pub(crate) fn date(self, date: NaiveDate) -> Written {
        self.0.push('\'');
        date_digits(self.0, date);
        self.0.push('\'');
        Written(())
    }

    /// To the second.
    pub(crate) fn time(self, time: NaiveTime) -> Written {
        let mut before = '\'';
        for number in [time.hour(), time.minute(), time.second()] {
            self.0.push(before);
            digits(self.0, number, 2);
            before = ':';
        }
        self.0.push('\'');
        Written(())
    }

    /// The sum of a session variable and `added`; in brackets, since the place may be part of an expression.
    pub(crate) fn variable_plus(self, variable: Keyword, added: Decimal) -> Written {
        self.0.push_str("(@");
        self.0.push_str(variable.0);
        let _ = write!(self.0, " + {added})");
        Written(())
    }
}

fn date_digits(out: &mut String, date: NaiveDate) {
    // The server refuses a year of more or fewer than four digits; it is not cut, which would make another date of it.
    let _ = write!(out, "{:04}", date.year());
    out.push('-');
    digits(out, date.month(), 2);
    out.push('-');
    digits(out, date.day(), 2);
}

/// The last `digits` digits of a number.
fn digits(out: &mut String, number: u32, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        out.push(char::from(b'0' + digit as u8));
    }
}

/// A value that a statement can contain.
pub(crate) trait SqlValue {
    fn write(&self, out: SqlSlot<'_>) -> Written;
}

/// A word of ours: a status, a reason, the name of a column. Letters, digits and `_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keyword(&'static str);

impl Keyword {
    /// # Panics
    /// If it is not such a word. In a constant that is a compile error.
    pub(crate) const fn new(word: &'static str) -> Self {
        let bytes = word.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            assert!(bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_', "a keyword is letters, digits and _");
            at += 1;
        }
        Self(word)
    }
}

/// Any text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text<'a>(pub(crate) &'a str);

/// Any bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

/// Two ids as `concat` makes one value of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair(pub(crate) Uuid, pub(crate) Uuid);

macro_rules! values {
    ($($kind:ty: |$value:ident, $out:ident| $write:expr;)*) => {$(
        impl SqlValue for $kind {
            fn write(&self, $out: SqlSlot<'_>) -> Written {
                let $value = self;
                $write
            }
        }
    )*};
}

values! {
    Keyword: |word, out| out.keyword(*word);
    Text<'_>: |text, out| out.text(text.0);
    Bytes<'_>: |bytes, out| out.bytes(bytes.0);
    Uuid: |id, out| out.bytes(id.as_bytes());
    Pair: |pair, out| out.bytes(&[pair.0.into_bytes(), pair.1.into_bytes()].concat());
    Timestamp: |moment, out| out.timestamp(*moment);
    NaiveDate: |date, out| out.date(*date);
    NaiveTime: |time, out| out.time(*time);
    bool: |flag, out| out.integer(i128::from(*flag));
    i32: |number, out| out.integer(i128::from(*number));
    u32: |number, out| out.integer(i128::from(*number));
    u64: |number, out| out.integer(i128::from(*number));
    usize: |number, out| out.integer(*number as i128);
    Decimal: |number, out| out.decimal(*number);
    Money: |money, out| out.decimal(money.as_decimal());
    SeatNumber: |seat, out| out.integer(i128::from(seat.get()));
    UserId: |id, out| out.bytes(id.as_uuid().as_bytes());
    ConcertId: |id, out| out.bytes(id.as_uuid().as_bytes());
    SaleId: |id, out| out.bytes(id.as_uuid().as_bytes());
    TokenId: |id, out| out.bytes(id.as_uuid().as_bytes());
    SessionId: |id, out| out.bytes(id.as_uuid().as_bytes());
    ReservationId: |id, out| out.bytes(id.as_uuid().as_bytes());
    OrderId: |id, out| out.bytes(id.as_uuid().as_bytes());
    PaymentId: |id, out| out.bytes(id.as_uuid().as_bytes());
    WalletEntryId: |id, out| out.bytes(id.as_uuid().as_bytes());
    AccessCodeId: |id, out| out.bytes(id.as_uuid().as_bytes());
    OperatorKeyId: |id, out| out.bytes(id.as_uuid().as_bytes());
    TicketKeyId: |id, out| out.bytes(id.as_uuid().as_bytes());
    LogEntryId: |id, out| out.bytes(id.as_uuid().as_bytes());
}

impl<V: SqlValue> SqlValue for Option<V> {
    fn write(&self, out: SqlSlot<'_>) -> Written {
        match self {
            Some(value) => value.write(out),
            None => out.null(),
        }
    }
}

impl<V: SqlValue + ?Sized> SqlValue for &V {
    fn write(&self, out: SqlSlot<'_>) -> Written {
        (*self).write(out)
    }
}

/// What is written for a value.
#[cfg(test)]
pub(crate) fn literal(value: impl SqlValue) -> String {
    let mut out = SqlWriter::default();
    out.value(&value);
    out.into_text()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn literals_are_what_the_server_reads_back() {
        let moment = DateTime::from_timestamp_micros(1_803_902_400_000_042).expect("a time");
        assert_eq!(literal(moment), "'2027-03-01 12:00:00.000042'");
        assert_eq!(literal(moment.date_naive()), "'2027-03-01'");
        assert_eq!(literal(moment.time()), "'12:00:00'");
        let years = [-1, 12_027].map(|year| literal(NaiveDate::from_ymd_opt(year, 3, 1).expect("a date")));
        assert_eq!(years, ["'-001-03-01'", "'12027-03-01'"], "no date, so the server refuses it");
        assert_eq!(literal(Uuid::from_u128(0xab)), "x'000000000000000000000000000000ab'");
        assert_eq!(literal(Text("a'\\")), "_utf8mb4 x'61275c'");
        assert_eq!(literal(Some(Decimal::new(-105, 1))), "-10.5");
        assert_eq!(
            (literal(None::<u32>), literal(true), literal(Keyword::new("HELD"))),
            ("null".into(), "1".into(), "'HELD'".into())
        );
    }

    #[test]
    #[should_panic(expected = "a keyword is letters, digits and _")]
    fn text_of_a_client_is_no_keyword() {
        let _ = Keyword::new("HELD' or 1 = 1");
    }
}
