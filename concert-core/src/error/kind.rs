//! The stable code of each refusal, and what a caller can do about it.

use super::Error;

/// What a caller can do about an [`Error`]. The list is closed, so that a `match` over it needs no wildcard.
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

impl Error {
    /// The stable name of this refusal, the same in the library, REST and the CLI.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidInput(_) => "INVALID_REQUEST",
            Self::WrongAmount { .. } => "WRONG_AMOUNT",
            Self::BalanceLimit { .. } => "BALANCE_LIMIT",
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::BadCredentials => "BAD_CREDENTIALS",
            Self::LoginRequired => "LOGIN_REQUIRED",
            Self::TokenEnded => "TOKEN_ENDED",
            Self::NotYours => "NOT_YOURS",
            Self::RechargeNotAllowed => "RECHARGE_NOT_ALLOWED",
            Self::RoleNotAllowed { .. } => "ROLE_NOT_ALLOWED",
            Self::TokenNotActive { .. } => "TOKEN_NOT_ACTIVE",
            Self::UserDisabled => "USER_DISABLED",
            Self::UserNotFound => "USER_NOT_FOUND",
            Self::TokenNotFound => "TOKEN_NOT_FOUND",
            Self::TokenUnknown => "TOKEN_UNKNOWN",
            Self::ConcertNotFound => "CONCERT_NOT_FOUND",
            Self::SeatNotFound { .. } => "SEAT_NOT_FOUND",
            Self::SectionNotFound { .. } => "SECTION_NOT_FOUND",
            Self::ReservationNotFound => "RESERVATION_NOT_FOUND",
            Self::PaymentNotFound => "PAYMENT_NOT_FOUND",
            Self::SaleNotFound => "SALE_NOT_FOUND",
            Self::TicketNotFound => "TICKET_NOT_FOUND",
            Self::CodeNotFound => "CODE_NOT_FOUND",
            Self::OperatorKeyNotFound => "OPERATOR_KEY_NOT_FOUND",
            Self::OrderNotFound => "ORDER_NOT_FOUND",
            Self::UsernameTaken => "USERNAME_TAKEN",
            Self::ConcertExists => "CONCERT_EXISTS",
            Self::SaleExists => "SALE_EXISTS",
            Self::VersionChanged { .. } => "VERSION_CHANGED",
            Self::SaleNotOpen { .. } => "SALE_NOT_OPEN",
            Self::SaleClosed => "SALE_CLOSED",
            Self::DrawMade => "DRAW_MADE",
            Self::OrderSettled { .. } => "ORDER_SETTLED",
            Self::CodeRefused => "CODE_REFUSED",
            Self::SeatLimit { .. } => "SEAT_LIMIT",
            Self::AlreadyInQueue => "ALREADY_IN_QUEUE",
            Self::SeatAlreadyReserved { .. } => "SEAT_ALREADY_RESERVED",
            Self::NotEnoughSeats { .. } => "NOT_ENOUGH_SEATS",
            Self::SeatsNotTogether { .. } => "SEATS_NOT_TOGETHER",
            Self::SeatBlocked { .. } => "SEAT_BLOCKED",
            Self::SeatsNotReserved => "SEATS_NOT_RESERVED",
            Self::TooManyHolds { .. } => "TOO_MANY_HOLDS",
            Self::SeatHeldTooOften { .. } => "SEAT_HELD_TOO_OFTEN",
            Self::HoldAlreadyExtended => "HOLD_ALREADY_EXTENDED",
            Self::HoldOutlastsTurn => "HOLD_OUTLASTS_TURN",
            Self::ConcertOver => "CONCERT_OVER",
            Self::ConcertClosed => "CONCERT_CLOSED",
            Self::ConcertCancelled => "CONCERT_CANCELLED",
            Self::TicketVoid => "TICKET_VOID",
            Self::AlreadyPaid => "ALREADY_PAID",
            Self::AlreadyRefunded => "ALREADY_REFUNDED",
            Self::InsufficientBalance { .. } => "INSUFFICIENT_BALANCE",
            Self::ReferenceUsed { .. } => "REFERENCE_USED",
            Self::HoldExpired => "HOLD_EXPIRED",
            Self::HoldCancelled => "HOLD_CANCELLED",
            Self::TokenExpired => "TOKEN_EXPIRED",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::Overloaded { .. } => "OVERLOADED",
            Self::Unavailable(_) => "DATABASE_UNAVAILABLE",
            Self::ShutDown => "SHUT_DOWN",
            Self::Setup(_) => "DATABASE_SETUP",
            Self::Internal(_) => "INTERNAL",
        }
    }

    /// The kind of this refusal.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidInput(_)
            | Self::WrongAmount { .. }
            | Self::BalanceLimit { .. }
            | Self::IdempotencyKeyReused => ErrorKind::Refused,
            Self::Unauthenticated(_) | Self::BadCredentials | Self::LoginRequired | Self::TokenEnded => {
                ErrorKind::Unauthenticated
            }
            Self::NotYours
            | Self::RechargeNotAllowed
            | Self::RoleNotAllowed { .. }
            | Self::TokenNotActive { .. }
            | Self::CodeRefused
            | Self::UserDisabled => ErrorKind::Forbidden,
            Self::UserNotFound
            | Self::TokenNotFound
            | Self::TokenUnknown
            | Self::TokenExpired
            | Self::ConcertNotFound
            | Self::SeatNotFound { .. }
            | Self::SectionNotFound { .. }
            | Self::ReservationNotFound
            | Self::PaymentNotFound
            | Self::SaleNotFound
            | Self::TicketNotFound
            | Self::CodeNotFound
            | Self::OperatorKeyNotFound
            | Self::OrderNotFound => ErrorKind::NotFound,
            Self::UsernameTaken
            | Self::ConcertExists
            | Self::SaleExists
            | Self::VersionChanged { .. }
            | Self::SaleNotOpen { .. }
            | Self::SaleClosed
            | Self::DrawMade
            | Self::OrderSettled { .. }
            | Self::SeatLimit { .. }
            | Self::SeatsNotTogether { .. }
            | Self::SeatBlocked { .. }
            | Self::SeatsNotReserved
            | Self::ConcertClosed
            | Self::ConcertCancelled
            | Self::TicketVoid
            | Self::AlreadyInQueue
            | Self::SeatAlreadyReserved { .. }
            | Self::NotEnoughSeats { .. }
            | Self::TooManyHolds { .. }
            | Self::SeatHeldTooOften { .. }
            | Self::HoldAlreadyExtended
            | Self::HoldOutlastsTurn
            | Self::ConcertOver
            | Self::AlreadyPaid
            | Self::AlreadyRefunded
            | Self::InsufficientBalance { .. }
            | Self::ReferenceUsed { .. }
            | Self::HoldExpired
            | Self::HoldCancelled => ErrorKind::Conflict,
            Self::Overloaded { .. } | Self::Unavailable(_) | Self::ShutDown => ErrorKind::TryAgain,
            Self::Setup(_) | Self::Internal(_) => ErrorKind::Internal,
        }
    }

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
