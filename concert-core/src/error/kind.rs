//! The stable code of each refusal, and what a caller can do about it.

use super::Error;

/// What a caller can do about an [`Error`]. The list is closed, so that a `match` over it needs no wildcard.
///
/// ```
/// use concert_core::{Error, ErrorKind};
///
/// fn advice(error: &Error) -> &'static str {
///     match error.kind() {
///         ErrorKind::Refused | ErrorKind::Forbidden => "ask for something else",
///         ErrorKind::Unauthenticated => "log in",
///         ErrorKind::NotFound => "look for it elsewhere",
///         ErrorKind::Conflict => "look at it again",
///         ErrorKind::TryAgain => "wait a second",
///         ErrorKind::Internal => "call an operator",
///     }
/// }
/// # assert_eq!(advice(&Error::ConcertOver), "look at it again");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The call itself is wrong: its input, amount or idempotency key. The same call is always refused.
    Refused,
    /// The caller has not proved who it is.
    Unauthenticated,
    /// The caller is known but may not do this, or not now.
    Forbidden,
    /// What the call names does not exist, or no longer.
    NotFound,
    /// What the call names is not in the state that the act needs: somebody was faster, or the time is over.
    Conflict,
    /// Nothing is wrong with the call: too much is waiting, the database is unavailable, or this process is stopping.
    TryAgain,
    /// A defect, or a database that is not set up: for an operator.
    Internal,
}

/// Writes the table of refusals as functions and as a list, so that the three cannot differ.
macro_rules! refusals {
    ($($pattern:pat => $code:literal, $kind:ident;)+) => {
        impl Error {
            /// Every code with its kind, in the order of the variants of [`Error`].
            pub const CODES: &[(&str, ErrorKind)] = &[$(($code, ErrorKind::$kind)),+];

            /// The stable name of this refusal, the same in the library, REST and the CLI.
            #[must_use]
            pub const fn code(&self) -> &'static str {
                match self {
                    $($pattern => $code,)+
                }
            }

            /// The kind of this refusal.
            #[must_use]
            pub const fn kind(&self) -> ErrorKind {
                match self {
                    $($pattern => ErrorKind::$kind,)+
                }
            }
        }
    };
}

refusals! {
    Self::InvalidInput(_) => "INVALID_REQUEST", Refused;
    Self::WrongAmount { .. } => "WRONG_AMOUNT", Refused;
    Self::BalanceLimit { .. } => "BALANCE_LIMIT", Refused;
    Self::TicketUnreadable => "TICKET_UNREADABLE", Refused;
    Self::TicketForged => "TICKET_FORGED", Refused;
    Self::Unauthenticated(_) => "UNAUTHENTICATED", Unauthenticated;
    Self::BadCredentials => "BAD_CREDENTIALS", Unauthenticated;
    Self::LoginRequired => "LOGIN_REQUIRED", Unauthenticated;
    Self::TokenEnded => "TOKEN_ENDED", Unauthenticated;
    Self::NotYours => "NOT_YOURS", Forbidden;
    Self::RechargeNotAllowed => "RECHARGE_NOT_ALLOWED", Forbidden;
    Self::RoleNotAllowed { .. } => "ROLE_NOT_ALLOWED", Forbidden;
    Self::TokenNotActive { .. } => "TOKEN_NOT_ACTIVE", Forbidden;
    Self::UserDisabled => "USER_DISABLED", Forbidden;
    Self::UserNotFound => "USER_NOT_FOUND", NotFound;
    Self::TokenNotFound => "TOKEN_NOT_FOUND", NotFound;
    Self::TokenUnknown => "TOKEN_UNKNOWN", NotFound;
    Self::ConcertNotFound => "CONCERT_NOT_FOUND", NotFound;
    Self::SeatNotFound { .. } => "SEAT_NOT_FOUND", NotFound;
    Self::SectionNotFound { .. } => "SECTION_NOT_FOUND", NotFound;
    Self::ReservationNotFound => "RESERVATION_NOT_FOUND", NotFound;
    Self::PaymentNotFound => "PAYMENT_NOT_FOUND", NotFound;
    Self::SaleNotFound => "SALE_NOT_FOUND", NotFound;
    Self::TicketNotFound => "TICKET_NOT_FOUND", NotFound;
    Self::TicketKeyNotFound => "TICKET_KEY_NOT_FOUND", NotFound;
    Self::CodeNotFound => "CODE_NOT_FOUND", NotFound;
    Self::OperatorKeyNotFound => "OPERATOR_KEY_NOT_FOUND", NotFound;
    Self::OrderNotFound => "ORDER_NOT_FOUND", NotFound;
    Self::UsernameTaken => "USERNAME_TAKEN", Conflict;
    Self::ConcertExists => "CONCERT_EXISTS", Conflict;
    Self::SaleExists => "SALE_EXISTS", Conflict;
    Self::VersionChanged { .. } => "VERSION_CHANGED", Conflict;
    Self::SaleNotOpen { .. } => "SALE_NOT_OPEN", Conflict;
    Self::SaleClosed => "SALE_CLOSED", Conflict;
    Self::DrawMade => "DRAW_MADE", Conflict;
    Self::OrderSettled { .. } => "ORDER_SETTLED", Conflict;
    Self::CodeRefused => "CODE_REFUSED", Forbidden;
    Self::CodesAlreadyMade { .. } => "CODES_ALREADY_MADE", Conflict;
    Self::SeatLimit { .. } => "SEAT_LIMIT", Conflict;
    Self::AlreadyInQueue => "ALREADY_IN_QUEUE", Conflict;
    Self::SeatAlreadyReserved { .. } => "SEAT_ALREADY_RESERVED", Conflict;
    Self::NotEnoughSeats { .. } => "NOT_ENOUGH_SEATS", Conflict;
    Self::SeatsNotTogether { .. } => "SEATS_NOT_TOGETHER", Conflict;
    Self::SeatBlocked { .. } => "SEAT_BLOCKED", Conflict;
    Self::SeatsNotReserved => "SEATS_NOT_RESERVED", Conflict;
    Self::TooManyHolds { .. } => "TOO_MANY_HOLDS", Conflict;
    Self::SeatHeldTooOften { .. } => "SEAT_HELD_TOO_OFTEN", Conflict;
    Self::HoldAlreadyExtended => "HOLD_ALREADY_EXTENDED", Conflict;
    Self::HoldOutlastsTurn => "HOLD_OUTLASTS_TURN", Conflict;
    Self::ConcertOver => "CONCERT_OVER", Conflict;
    Self::ConcertClosed => "CONCERT_CLOSED", Conflict;
    Self::ConcertCancelled => "CONCERT_CANCELLED", Conflict;
    Self::TicketVoid { .. } => "TICKET_VOID", Conflict;
    Self::TicketForOtherConcert { .. } => "TICKET_FOR_OTHER_CONCERT", Conflict;
    Self::TicketKeyRetired { .. } => "TICKET_KEY_RETIRED", Conflict;
    Self::AlreadyCheckedIn { .. } => "ALREADY_CHECKED_IN", Conflict;
    Self::AlreadyPaid => "ALREADY_PAID", Conflict;
    Self::AlreadyRefunded => "ALREADY_REFUNDED", Conflict;
    Self::InsufficientBalance { .. } => "INSUFFICIENT_BALANCE", Conflict;
    Self::ReferenceUsed { .. } => "REFERENCE_USED", Conflict;
    Self::HoldExpired => "HOLD_EXPIRED", Conflict;
    Self::HoldCancelled => "HOLD_CANCELLED", Conflict;
    Self::TokenExpired => "TOKEN_EXPIRED", NotFound;
    Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED", Refused;
    Self::Overloaded { .. } => "OVERLOADED", TryAgain;
    Self::Unavailable(_) => "DATABASE_UNAVAILABLE", TryAgain;
    Self::ShutDown => "SHUT_DOWN", TryAgain;
    Self::Setup(_) => "DATABASE_SETUP", Internal;
    Self::Internal(_) => "INTERNAL", Internal;
}

impl Error {
    /// Whether a node of a cluster that has not yet applied what another one committed may be the reason.
    pub(crate) const fn may_be_behind(&self) -> bool {
        matches!(self.kind(), ErrorKind::NotFound)
            || matches!(self, Self::TokenNotActive { .. } | Self::TokenEnded | Self::InsufficientBalance { .. })
    }

    /// Whether the same call may succeed shortly without anything else changing.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Overloaded { .. } | Self::Unavailable(_))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_refusals_have_one_code() {
        let codes: BTreeSet<_> = Error::CODES.iter().map(|(code, _)| code).collect();
        assert_eq!(codes.len(), Error::CODES.len());
    }
}
