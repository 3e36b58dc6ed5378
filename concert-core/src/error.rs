//! One variant per refusal, each with a stable code and one of a few kinds.

mod held_seat;
mod kind;
mod making;
mod text;

use std::sync::Arc;
use std::time::Duration;

pub use self::held_seat::HeldSeat;
pub use self::kind::ErrorKind;
use crate::clock::Timestamp;
use crate::id::{ConcertId, ReservationId, SeatNumber};
use crate::money::Money;
use crate::token_status::TokenStatus;
use crate::void_reason::VoidReason;

/// Why an operation was refused or failed.
///
/// [`Error::code`] is stable: the library, REST and the CLI show the same one. [`Error::kind`] groups the codes by what
/// a caller can do. New codes may be added, each of one of these kinds.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is not valid; the text says what would be.
    #[error("{0}")]
    InvalidInput(String),
    /// The amount is not the price.
    #[error("the price is {price}; the amount given was {amount}")]
    WrongAmount {
        /// The price of the reservation, or of all that is held of the order.
        price: Money,
        /// The amount that the caller gave.
        amount: Money,
    },
    /// The balance would pass its limit.
    #[error("a balance is at most {}; this one is {balance}", Money::MAX)]
    BalanceLimit {
        /// The balance now.
        balance: Money,
    },
    /// What was shown does not have the form of a ticket's code.
    #[error("this is no ticket of a box office: one reads v1.<key id>.<ticket>.<signature>, all of it")]
    TicketUnreadable,
    /// The signature does not fit what the ticket says.
    #[error("this ticket is forged or damaged: its signature does not fit what it says")]
    TicketForged,

    /// No valid access token; the text says why.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// Unknown name or wrong password. It does not say which, so that nobody can find out names.
    #[error("the username or the password is wrong")]
    BadCredentials,
    /// The user has a password, so a bare user id proves nothing.
    #[error("this user has a password: log in and send the access token")]
    LoginRequired,
    /// The access token is a queue token that is no longer in the queue.
    #[error("this queue token has ended; join the queue again or log in")]
    TokenEnded,

    /// It belongs to somebody else.
    #[error("this belongs to another user")]
    NotYours,
    /// Only operators recharge wallets here.
    #[error("wallets are recharged by operators here")]
    RechargeNotAllowed,
    /// The operator key's role does not allow this.
    #[error("this takes the role {needed}, and this operator key has the role {role}")]
    RoleNotAllowed {
        /// The role of the key.
        role: &'static str,
        /// The least role that may do it.
        needed: &'static str,
    },
    /// The act needs an ACTIVE queue token.
    #[error("an ACTIVE queue token is needed; {}", text::status(*status))]
    TokenNotActive {
        /// The status of the user's token; `None`: no token at all, or not the one that was shown.
        status: Option<TokenStatus>,
    },

    /// An operator has disabled the user.
    #[error("this user is disabled; ask the box office")]
    UserDisabled,

    /// No such user.
    #[error("there is no such user")]
    UserNotFound,
    /// The user never joined the queue, or has left it already.
    #[error("this user is not in the queue")]
    TokenNotFound,
    /// No visit to the queue has this id.
    #[error("there is no such queue token")]
    TokenUnknown,
    /// No such concert.
    #[error("there is no such concert")]
    ConcertNotFound,
    /// The concert has no such seat.
    #[error("this concert has no seat {seat}")]
    SeatNotFound {
        /// The seat that was asked for.
        seat: SeatNumber,
    },
    /// The concert has no section of this name.
    #[error("this concert has no section {section:?}")]
    SectionNotFound {
        /// The section that was asked for.
        section: String,
    },
    /// No such reservation.
    #[error("there is no such reservation")]
    ReservationNotFound,
    /// No such payment.
    #[error("there is no such payment")]
    PaymentNotFound,

    /// No such sale.
    #[error("there is no such sale")]
    SaleNotFound,
    /// No such ticket: nobody has bought this.
    #[error("there is no such ticket")]
    TicketNotFound,
    /// The key that the ticket names was never made here.
    #[error("this box office has no such ticket key")]
    TicketKeyNotFound,
    /// The sale has no such code.
    #[error("this sale has no such code")]
    CodeNotFound,
    /// No such operator key.
    #[error("there is no such operator key")]
    OperatorKeyNotFound,
    /// No such order.
    #[error("there is no such order")]
    OrderNotFound,

    /// Another user has this name.
    #[error("this username is taken")]
    UsernameTaken,
    /// A concert with this id is there already.
    #[error("this concert is there already")]
    ConcertExists,
    /// A sale has this name already.
    #[error("there is a sale of this name already")]
    SaleExists,
    /// It has changed since the caller looked at it.
    #[error("this has changed since: look at it again; its version is {version} now")]
    VersionChanged {
        /// The version now.
        version: u32,
    },
    /// The doors of the sale are not open yet.
    #[error("{}", text::not_open(*doors_at, *opens_at, *now))]
    SaleNotOpen {
        /// When the doors open; `None`: they are open, and only the sale is not.
        doors_at: Option<Timestamp>,
        /// When people are let in.
        opens_at: Option<Timestamp>,
        /// The time by the database's clock.
        now: Timestamp,
    },
    /// The sale is over: nobody is let in, and nothing more is held. What is held can be paid until its deadline.
    #[error("this sale is closed; what is held can still be paid")]
    SaleClosed,
    /// The sale's draw is made, so what it depends on stays as it is.
    #[error("the draw of this sale is made; what it depends on cannot be changed")]
    DrawMade,
    /// People have joined the sale, so the order in which they are let in stays as it is.
    #[error(
        "people have joined this sale in the order {order:?}, which stays; another order is for a sale that nobody has joined"
    )]
    OrderSettled {
        /// The order: `arrival` or `draw`.
        order: &'static str,
    },
    /// The code does not count: it is unknown, used up, revoked, or of another sale.
    #[error("this code does not count here; it may be mistyped, used up or of another sale")]
    CodeRefused,
    /// Codes were made for this idempotency key already. They are shown once and stored as hashes, so they cannot be shown
    /// again.
    #[error("{}", text::codes_made(*at))]
    CodesAlreadyMade {
        /// When they were made: that is how a list shows them.
        at: Timestamp,
    },
    /// The user has as many seats as one user may have of the concert or the sale, held and sold together.
    #[error("one user may have at most {limit} seats of this {of}; {}", text::left(*left))]
    SeatLimit {
        /// What the limit is of: `concert` or `sale`.
        of: &'static str,
        /// How many seats one user may have.
        limit: u32,
        /// How many more this user may have.
        left: u32,
    },
    /// The user has a live token, and the caller did not prove to be that user.
    #[error("this user is already in the queue; to resume, send the session or the queue token")]
    AlreadyInQueue,
    /// Seats that were asked for are held or sold, so none is held.
    #[error("{}", text::taken(seats, yours))]
    SeatAlreadyReserved {
        /// Those of them that are taken, by number.
        seats: Vec<SeatNumber>,
        /// Those of them that the user holds, with the reservations: they can be paid or given back.
        yours: Vec<(SeatNumber, ReservationId)>,
    },
    /// Fewer seats are free than were asked for, so none is held.
    #[error("{}", text::free(*free))]
    NotEnoughSeats {
        /// How many are free, in the section if one was named.
        free: usize,
    },
    /// Enough seats are free, but not beside each other, and the caller wanted them together.
    #[error("no {count} seats are free beside each other")]
    SeatsNotTogether {
        /// How many were asked for.
        count: usize,
    },
    /// Seats that were asked for are not on sale, so none is held.
    #[error("{}", text::blocked(seats))]
    SeatBlocked {
        /// Those of them that are blocked, by number.
        seats: Vec<SeatNumber>,
    },
    /// Seats that were to change places are nobody's.
    #[error("nobody has either of these seats, so there is nothing to swap")]
    SeatsNotReserved,
    /// The user holds as many unpaid seats as the policy allows.
    #[error("{}", text::holds(*limit, *held))]
    TooManyHolds {
        /// [`Policy::with_max_holds_per_user`](crate::Policy::with_max_holds_per_user).
        limit: u32,
        /// How many seats the user holds unpaid; `None`: that was not asked, since more seats were wanted than anyone may
        /// hold.
        held: Option<u32>,
        /// These seats, newest first, 32 at most: they can be paid or given back.
        yours: Vec<HeldSeat>,
    },
    /// The user has held the seat and let it go too often in a row, so it is left to others for a while.
    #[error("{}", text::let_go(*seat, *times, *wait))]
    SeatHeldTooOften {
        /// The seat, or the first of them that can be held again.
        seat: SeatNumber,
        /// [`Policy::with_max_holds_in_a_row`](crate::Policy::with_max_holds_in_a_row).
        times: u32,
        /// How long until it can be held again.
        wait: Duration,
    },
    /// The order's deadline was already extended.
    #[error("the deadline is already extended; that is possible only once")]
    HoldAlreadyExtended,
    /// The hold already lasts until the end of the longest turn that there is, so there is nothing to extend.
    #[error("the hold already lasts until the turn ends, and this turn can last no longer")]
    HoldOutlastsTurn,
    /// The concert's date is past.
    #[error("this concert is over")]
    ConcertOver,
    /// The concert is closed for sale.
    #[error("this concert is not on sale")]
    ConcertClosed,
    /// The concert was called off.
    #[error("this concert was called off; what was paid for it is refunded")]
    ConcertCancelled,
    /// The ticket counts no more.
    #[error("this ticket is void: {}", reason.in_words())]
    TicketVoid {
        /// Why.
        reason: VoidReason,
    },
    /// The ticket is of another concert than the one whose door it is shown at.
    #[error("this ticket is for another concert")]
    TicketForOtherConcert {
        /// The concert that it is for.
        concert: ConcertId,
    },
    /// The key that the ticket is signed with was retired, so its owner needs a new code: the ticket itself may count.
    #[error("this ticket is signed with a key that was retired at {}; its owner finds a new one under the tickets", text::at_second(*retired_at))]
    TicketKeyRetired {
        /// When.
        retired_at: Timestamp,
    },
    /// Somebody is in with this ticket.
    #[error("this ticket was checked in already: at {}, gate {gate}", text::at_second(*checked_in_at))]
    AlreadyCheckedIn {
        /// When.
        checked_in_at: Timestamp,
        /// At which gate.
        gate: String,
    },
    /// The reservation is paid.
    #[error("this reservation is already paid")]
    AlreadyPaid,
    /// The payment was refunded.
    #[error("this payment is already refunded")]
    AlreadyRefunded,
    /// The balance is below the price.
    #[error("the balance is {balance} and the price is {price}; recharge first")]
    InsufficientBalance {
        /// The balance now.
        balance: Money,
        /// The price.
        price: Money,
    },
    /// The user was credited for this reference already.
    #[error("this reference was credited to this user already: {amount}, at {}", text::at_second(*at))]
    ReferenceUsed {
        /// How much.
        amount: Money,
        /// When.
        at: Timestamp,
    },
    /// The hold's deadline has passed.
    #[error("the hold has lapsed; reserve the seat again")]
    HoldExpired,
    /// The hold was given back.
    #[error("the hold was given back; reserve the seat again")]
    HoldCancelled,

    /// The token has ended; the way back is to join again.
    #[error("this queue token has ended; join the queue again")]
    TokenExpired,
    /// The idempotency key was used before, with another request.
    #[error("this idempotency key was used with another request")]
    IdempotencyKeyReused,

    /// Too much is waiting already; nothing was done.
    #[error("too many requests are waiting ({lane}); try again shortly")]
    Overloaded {
        /// Which queue is full.
        lane: &'static str,
    },
    /// The database cannot be reached, or did not answer in time. Whether anything was done may be unknown.
    #[error("the database is not available now; try again shortly")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// This box office was shut down; nothing was done.
    #[error("this box office has been shut down")]
    ShutDown,
    /// The database cannot be used as it is set up.
    #[error("the database cannot be used: {0}")]
    Setup(String),
    /// A defect, or a database with contents that must not be.
    #[error("an internal error")]
    Internal(#[source] Arc<dyn std::error::Error + Send + Sync>),
}
