//! The values that facts are compared with, and how a guard writes them.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::id::{ReservationId, TokenId};
use crate::sql::{Keyword, SqlSlot, SqlValue, Written};

/// A value that a fact is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// No row, or null.
    Nothing,
    Flag(bool),
    Number(u64),
    Amount(Decimal),
    Id(Uuid),
    Moment(Timestamp),
    Date(NaiveDate),
    Keyword(&'static str),
    /// A name from a list of ours that is no keyword, such as that of a time zone.
    Name(&'static str),
}

impl SqlValue for Value {
    fn write(&self, out: SqlSlot<'_>) -> Written {
        match *self {
            Self::Nothing => out.null(),
            Self::Flag(flag) => flag.write(out),
            Self::Number(number) => number.write(out),
            Self::Amount(amount) => out.decimal(amount),
            Self::Id(id) => id.write(out),
            Self::Moment(moment) => out.timestamp(moment),
            Self::Date(date) => out.date(date),
            Self::Keyword(word) => out.keyword(Keyword::new(word)),
            Self::Name(name) => out.text(name),
        }
    }
}

macro_rules! values {
    ($($kind:ty => |$value:ident| $into:expr;)*) => {$(
        impl From<$kind> for Value {
            fn from($value: $kind) -> Self {
                $into
            }
        }
    )*};
}

values! {
    bool => |flag| Self::Flag(flag);
    u32 => |number| Self::Number(number.into());
    u64 => |number| Self::Number(number);
    Decimal => |amount| Self::Amount(amount);
    Timestamp => |moment| Self::Moment(moment);
    TokenId => |id| Self::Id(id.as_uuid());
    ReservationId => |id| Self::Id(id.as_uuid());
}

impl<V: Into<Self>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}
