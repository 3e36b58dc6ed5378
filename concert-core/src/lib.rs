//! A box office for high-demand concerts: a fair queue, numbered seats and a wallet, in one library with one transaction
//! boundary, over plain MySQL or MariaDB.
//!
//! Start at [`BoxOffice`]: one method per operation. What operators do is in the [`BackOffice`].
//!
//! ```no_run
//! use concert_core::{BoxOffice, Caller, Money, Policy, SeatNumber, Wanted};
//!
//! # async fn buy(
//! #     user: concert_core::UserId, concert: concert_core::ConcertId, shutdown: impl Future<Output = ()> + Send + 'static,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let office = BoxOffice::connect("mysql://user:password@localhost/concert", Policy::default()).await?;
//! office.migrate().await?;
//! tokio::spawn({
//!     let office = office.clone();
//!     async move { office.run(shutdown).await } // the queue moves, lapsed holds are released
//! });
//!
//! office.issue_token(Caller::verified(user)).await?; // ACTIVE, or WAITING at a position
//!
//! let seat = office.hold(user, concert, SeatNumber::new(1)?).await?; // for five minutes
//! office.cancel(user, seat.id).await?;
//!
//! let pair = Wanted::BestAvailable { count: 2, section: None }; // or a list of seats
//! let order = office.hold(user, concert, pair).await?; // both or none
//! office.extend_hold(user, order.id).await?; // once, within the turn
//! office.recharge(user, Money::whole(500)?).await?;
//! office.pay(user, order.id, order.total).await?; // both are sold
//!
//! let back_office = office.operator("ann@example.org".parse()?); // what operators do, under a name
//! back_office.pause_queue().await?;
//! assert!(back_office.audit().await?.is_empty());
//!
//! office.shutdown().await; // ends the writers after what they have
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//! None is on by default: an application with users, a log-in and a database of its own needs none.
//! - `password`: users with passwords (argon2id), and log-in.
//! - `jwt`: access tokens (JWTs) for places in the queue and for sessions.
//! - `csv`: exports as CSV and JSON.
//! - `private-db`: a MariaDB that the process starts, owns and stops.
//! - `texts`: what people read in English and Korean: problems, money, dates.
//!
//! [`sqlx`], [`uuid`], [`chrono`] and [`rust_decimal`] are re-exported in the versions whose types are in this API.
//!
//! # Layout
//! - `box_office`: the handle, and the back office.
//! - `batch`: group commit. Every write is a command in a lane: lock, decide, write. `fact`: what rules assume instead of
//!   reading it.
//! - `queue`, `reservation`, `wallet`, `payment`, `user`: the domains; in each, `mod` has the types, `mod` or `lane` the
//!   batch, `decide` the pure rules, `store` the SQL. `visit`: the lane of the queue, and what leaving it means for held
//!   seats.
//! - `hall`: what operators change of a hall: seats off sale, prices, new seats, seats that change places.
//! - `plan`: where seats stand in a drawing, and which of them can be had.
//! - `after_sale`: refunds, tickets that get another owner, concerts that are called off.
//! - `ticket`: codes of tickets, the keys that they are signed with, who is in.
//! - `operator`: who works in the back office, the keys that some of them show, and the log of what they did.
//! - `catalog`, `audit`, `figures`, `export`: reads over whole tables; `explain`: what happened to one thing.
//! - `sql`, `db`, `migrate`, `probe`: scripts, connections, the schema, readiness. `doctor`: whether the database is as it
//!   should be, and what mends it.
//! - `texts`: what people read, in their language.
//! - `office_clock`: the database's time, followed. `schedule`: the loop of the periodic passes.

#![warn(missing_docs)]

mod access_code;
mod after_sale;
mod audit;
mod batch;
mod box_office;
mod bytes;
mod caller;
mod catalog;
mod clock;
mod concert_status;
mod currency;
mod db;
mod doctor;
mod error;
mod explain;
mod export;
mod fact;
mod figures;
mod hall;
mod id;
mod idempotency;
#[cfg(all(test, not(feature = "internals")))]
mod internals;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod invalid;
#[cfg(feature = "jwt")]
mod jwt;
mod migrate;
#[cfg(test)]
mod model;
mod money;
mod name;
mod office_clock;
mod operator;
mod page;
mod payment;
mod phase;
mod plan;
mod policy;
#[cfg(feature = "private-db")]
pub mod private_db;
mod probe;
mod queue;
mod reservation;
mod sale;
mod schedule;
mod seat_ranges;
mod secret_file;
mod sql;
#[cfg(feature = "texts")]
pub mod texts;
mod ticket;
mod time_zone;
mod token_status;
mod user;
mod visit;
mod void_reason;
mod wallet;

pub use secrecy::SecretString;
pub use {chrono, rust_decimal, sqlx, uuid};

pub use crate::access_code::{AccessCode, CodeEntry, CodeKind, CodeRef, CodesToRevoke, MadeCodes, NewCodes};
pub use crate::after_sale::{
    Cancellation, Refund, RefundReason, SeatAfterRefund, TicketMove, TicketStatus, TicketView,
};
pub use crate::audit::Violation;
#[cfg(feature = "traces")]
pub use crate::batch::TRACED;
#[cfg(feature = "jwt")]
pub use crate::box_office::SessionWatch;
pub use crate::box_office::{BackOffice, BoxOffice, ClearedSoFar, Follow, HallDesk};
pub use crate::bytes::Bytes32;
pub use crate::caller::{Caller, IdempotencyKey, Proof, QueueTicket, SessionTicket};
pub use crate::catalog::{
    ConcertChange, ConcertChanged, ConcertDate, ConcertDetails, ConcertSections, HallPart, Mark, Marking, NewConcert,
    RowSeats, SeatRow, SeatView, Section, SectionRows, SectionView, generate_hall, generate_stadium,
};
pub use crate::clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use crate::concert_status::ConcertStatus;
pub use crate::currency::Currency;
pub use crate::doctor::{Finding, Verdict};
pub use crate::error::{Error, ErrorKind, HeldSeat};
pub use crate::explain::{Event, EventKind, Explanation, Subject};
pub use crate::export::{
    Export, ExportKind, ExportTotals, Exported, ExportedAttendee, ExportedConcert, ExportedEntry, ExportedPayment,
    ExportedPlace, ExportedSeat, SeatStatus,
};
#[cfg(feature = "csv")]
pub use crate::export::{ExportDocument, ExportFormat};
pub use crate::figures::{ConcertFigures, Figures, QueueFigures, SaleFigures};
pub use crate::hall::{MovedSeat, NewSeat, NewSeats, RefusedSeat, SeatsChanged, SeatsSwapped};
pub use crate::id::{
    AccessCodeId, ConcertId, LogEntryId, OperatorKeyId, OrderId, PaymentId, ReservationId, SaleId, SeatNumber,
    SessionId, TicketKeyId, TokenId, UserId, WalletEntryId,
};
pub use crate::invalid::InvalidInput;
#[cfg(feature = "jwt")]
pub use crate::jwt::{Credential, JwtKeys, SHORTEST_SECRET};
pub use crate::money::{BalanceChange, Money};
pub use crate::name::{Username, escape_hidden};
pub use crate::operator::{LogEntry, NewOperatorKey, Operator, OperatorKey, Reason, Role};
pub use crate::page::{Page, Paged};
pub use crate::payment::{PaidOrder, Payment, PaymentStatus, PaymentView};
pub use crate::phase::{EntryOrder, SalePhase};
pub use crate::plan::{HallPlan, PlanRow, PlanSeat, PlanSection, SeatStates};
pub use crate::policy::{Policy, RechargeBy};
pub use crate::queue::{
    Admission, AdmissionChange, Draw, DrawKey, DrawVerification, DrawnToken, Join, Joined, Pass, PerMinute, Places,
    PublicValue, QueueChange, QueueToken, RerankReport, SaleChange, Standing, TokenStatus,
};
pub use crate::reservation::{
    HoldEnding, Order, OrderRef, OwnTicket, Reservation, ReservationList, ReservationStatus, SeatCount, SweepReport,
    UserSeats, Wanted,
};
pub use crate::sale::{NewSale, Sale};
pub use crate::seat_ranges::SeatRanges;
pub use crate::secret_file::SecretFile;
pub use crate::ticket::{
    CheckIn, Gate, PresentedTicket, PublicKey, TicketClaims, TicketKey, VerifiedTicket, VoidTicket, VoidTickets,
};
pub use crate::time_zone::TimeZone;
pub use crate::user::{OpeningUser, SignUp, User};
#[cfg(feature = "password")]
pub use crate::user::{Password, Session};
pub use crate::void_reason::VoidReason;
pub use crate::wallet::{Recharged, Reference, WalletEntryKind, WalletEntryView};
