//! Values as a script contains them.

use std::fmt::Write as _;

use chrono::{Datelike as _, NaiveDate, Timelike as _};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::clock::Timestamp;

/// A value that a script can contain.
pub(crate) trait Literal {
    fn write(&self, sql: &mut String);
}

/// A word of ours: a status, a reason.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word(pub(crate) &'static str);

/// Any text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text<'a>(pub(crate) &'a str);

/// Two ids as `concat` makes one value of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair(pub(crate) Uuid, pub(crate) Uuid);

impl Literal for Word {
    fn write(&self, sql: &mut String) {
        debug_assert!(self.0.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{} is no word", self.0);
        sql.push('\'');
        sql.push_str(self.0);
        sql.push('\'');
    }
}

impl Literal for Text<'_> {
    fn write(&self, sql: &mut String) {
        sql.push_str("_utf8mb4 ");
        write_hex(self.0.as_bytes(), sql);
    }
}

impl Literal for Uuid {
    fn write(&self, sql: &mut String) {
        write_hex(self.as_bytes(), sql);
    }
}

impl Literal for Pair {
    fn write(&self, sql: &mut String) {
        write_hex(&[self.0.into_bytes(), self.1.into_bytes()].concat(), sql);
    }
}

impl Literal for Timestamp {
    /// To the microsecond, which all our timestamps are cut to.
    fn write(&self, sql: &mut String) {
        let (date, time) = (self.date_naive(), self.time());
        sql.push('\'');
        write_date(date, sql);
        sql.push(' ');
        write_digits(time.hour(), 2, sql);
        sql.push(':');
        write_digits(time.minute(), 2, sql);
        sql.push(':');
        write_digits(time.second(), 2, sql);
        sql.push('.');
        write_digits(time.nanosecond() / 1_000, 6, sql);
        sql.push('\'');
    }
}

impl Literal for NaiveDate {
    fn write(&self, sql: &mut String) {
        sql.push('\'');
        write_date(*self, sql);
        sql.push('\'');
    }
}

impl Literal for bool {
    fn write(&self, sql: &mut String) {
        sql.push(if *self { '1' } else { '0' });
    }
}

impl<L: Literal> Literal for Option<L> {
    fn write(&self, sql: &mut String) {
        match self {
            Some(value) => value.write(sql),
            None => sql.push_str("null"),
        }
    }
}

impl<L: Literal> Literal for &L {
    fn write(&self, sql: &mut String) {
        (*self).write(sql);
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Literal for $number {
            fn write(&self, sql: &mut String) {
                // Into a string: it cannot fail.
                let _ = write!(sql, "{self}");
            }
        }
    )*};
}

numbers!(i32, u32, u64, usize, Decimal);

fn write_hex(bytes: &[u8], sql: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    sql.push_str("x'");
    for byte in bytes {
        sql.push(char::from(DIGITS[usize::from(byte >> 4)]));
        sql.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    sql.push('\'');
}

fn write_date(date: NaiveDate, sql: &mut String) {
    write_digits(u32::try_from(date.year()).unwrap_or_default(), 4, sql);
    sql.push('-');
    write_digits(date.month(), 2, sql);
    sql.push('-');
    write_digits(date.day(), 2, sql);
}

fn write_digits(number: u32, digits: u32, sql: &mut String) {
    for place in (0..digits).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        sql.push(char::from(b'0' + digit as u8));
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn literal(value: impl Literal) -> String {
        let mut sql = String::new();
        value.write(&mut sql);
        sql
    }

    #[test]
    fn literals_are_what_the_server_reads_back() {
        let moment = DateTime::from_timestamp_micros(1_803_902_400_000_042).expect("a time");
        assert_eq!(literal(moment), "'2027-03-01 12:00:00.000042'");
        assert_eq!(literal(moment.date_naive()), "'2027-03-01'");
        assert_eq!(literal(Uuid::from_u128(0xab)), "x'000000000000000000000000000000ab'");
        assert_eq!(literal(Text("a'\\")), "_utf8mb4 x'61275c'");
        assert_eq!(literal(Some(Decimal::new(-105, 1))), "-10.5");
        assert_eq!(
            (literal(None::<u32>), literal(true), literal(Word("HELD"))),
            ("null".into(), "1".into(), "'HELD'".into())
        );
    }
}
