//! Ids: one newtype per kind of thing, so that no two can be swapped.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::invalid::InvalidInput;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id (UUIDv7: later ids sort after earlier ones).
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// Wraps a UUID that is known to name this kind of thing.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidInput;

            /// Reads the hyphenated form, `018f7d0e-...`; anything else is [`InvalidInput`].
            fn from_str(text: &str) -> Result<Self, InvalidInput> {
                parse_uuid(text, $what).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// Names a user.
    UserId,
    "user id"
);
id!(
    /// Names a concert.
    ConcertId,
    "concert id"
);
id!(
    /// Names a sale: concerts behind one queue.
    SaleId,
    "sale id"
);
id!(
    /// Names an access code; it is not the code itself.
    AccessCodeId,
    "code id"
);
id!(
    /// Names a visit to the queue.
    TokenId,
    "token id"
);
id!(
    /// Names a reservation: a hold, and what becomes of it.
    ReservationId,
    "reservation id"
);
id!(
    /// Names an order: the seats that were held in one call. It is the id of its first reservation.
    OrderId,
    "order id"
);
id!(
    /// Names a payment.
    PaymentId,
    "payment id"
);
id!(
    /// Names one change of a balance.
    WalletEntryId,
    "wallet entry id"
);
id!(
    /// Names a session, from log-in.
    SessionId,
    "session id"
);
id!(
    /// Names an operator key.
    OperatorKeyId,
    "key id"
);
id!(
    /// Names a key that tickets are signed with.
    TicketKeyId,
    "ticket key id"
);
id!(
    /// Names one entry of the operators' log.
    LogEntryId,
    "log entry id"
);

impl SaleId {
    /// The sale that is meant where none is named; the first migration makes it.
    pub const DEFAULT: Self = Self(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));
}

impl From<ReservationId> for OrderId {
    /// The order whose first reservation this is.
    fn from(first: ReservationId) -> Self {
        Self(first.0)
    }
}

impl From<OrderId> for ReservationId {
    /// The order's first reservation.
    fn from(order: OrderId) -> Self {
        Self(order.0)
    }
}

fn parse_uuid(text: &str, what: &str) -> Result<Uuid, InvalidInput> {
    const HYPHENATED: usize = 36;
    let parsed = if text.len() == HYPHENATED { Uuid::try_parse(text).ok() } else { None };
    parsed.ok_or_else(|| {
        InvalidInput::new(format!("the {what} is not a UUID of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"))
    })
}

/// The number of a seat within its concert: 1 to 2 147 483 647.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct SeatNumber(i32);

impl SeatNumber {
    /// Checks the range.
    ///
    /// # Errors
    /// [`InvalidInput`] for numbers below 1 or above 2 147 483 647.
    pub fn new(number: i64) -> Result<Self, InvalidInput> {
        match i32::try_from(number) {
            Ok(n) if n >= 1 => Ok(Self(n)),
            _ => Err(InvalidInput::new(format!("a seat number is from 1 to {}, not {number}", i32::MAX))),
        }
    }

    /// Wraps a number that is known to be a seat's.
    pub(crate) const fn known(number: i32) -> Self {
        Self(number)
    }

    /// The bare number.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl fmt::Display for SeatNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
