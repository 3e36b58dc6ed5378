//! A box office for high-demand concerts: a fair queue, numbered seats and a wallet, in one library with one transaction
//! boundary, over plain MySQL or MariaDB.
//!
//! Start at [`BoxOffice`]: one method per operation.
//!
//! ```no_run
//! use concert_core::{BoxOffice, JwtKeys, Money, Policy, SeatNumber, SecretString};
//!
//! # async fn buy(user: concert_core::UserId, concert: concert_core::ConcertId) -> Result<(), concert_core::Error> {
//! let keys = JwtKeys::new(&SecretString::from("at least thirty-two bytes of secret"))?;
//! let box_office = BoxOffice::connect("mysql://user:password@localhost/concert", Policy::new(keys)).await?;
//! box_office.migrate().await?;
//!
//! box_office.issue_token(user).await?;
//! let held = box_office.reserve(user, concert, SeatNumber::new(1)?).await?;
//! box_office.recharge(user, Money::whole(500)?).await?;
//! box_office.pay(user, held.id, held.price).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//! - `box_office`: the handle.
//! - `batch`: group commit. Every write is a command in a lane: lock, decide, write.
//! - `queue`, `reservation`, `wallet`, `payment`, `user`: the domains; in each, `mod` has the types and the batch, `decide`
//!   the pure rules, `store` the SQL.
//! - `catalog`, `audit`, `figures`: reads over whole tables; `explain`: what happened to one thing.
//! - `private_db` (feature `private-db`): a MariaDB that the process starts, owns and stops.

#![warn(missing_docs)]

mod audit;
mod batch;
mod box_office;
mod caller;
mod catalog;
mod clock;
mod db;
mod error;
mod explain;
mod fact;
mod figures;
mod id;
mod jwt;
mod migrate;
#[cfg(test)]
mod model;
mod money;
mod page;
mod payment;
mod policy;
#[cfg(feature = "private-db")]
pub mod private_db;
mod queue;
mod reservation;
mod sql;
mod user;
mod wallet;

pub use secrecy::SecretString;

pub use crate::audit::Violation;
pub use crate::box_office::BoxOffice;
pub use crate::caller::{Caller, IdempotencyKey, Proof};
pub use crate::catalog::{ConcertDate, NewConcert, SeatView, Section};
pub use crate::clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use crate::error::Error;
pub use crate::explain::{Event, Explanation, Happening};
pub use crate::figures::{ConcertFigures, Figures, QueueFigures};
pub use crate::id::{ConcertId, OrderId, PaymentId, ReservationId, SeatNumber, TokenId, UserId, WalletEntryId};
pub use crate::jwt::{Credential, JwtKeys, QueueTicket, SHORTEST_SECRET};
pub use crate::money::{Change, Money};
pub use crate::page::{Page, Paged};
pub use crate::payment::{PaidOrder, Payment, PaymentStatus, PaymentView, Refund, RefundReason};
pub use crate::policy::Policy;
pub use crate::queue::{
    Admission, Follow, Joined, Operator, Pass, QueueChange, QueueToken, RerankReport, Standing, TokenStatus,
};
pub use crate::reservation::{Order, Reservation, ReservationStatus, SweepReport, Wanted};
pub use crate::user::{OpeningUser, Password, Session, User, Username};
pub use crate::wallet::{Recharged, WalletEntryKind, WalletEntryView};

/// Every SQL statement of the library, those over a list for one of one, two and the longest, for the test that prepares and
/// explains them on a real database. The places of values are open: `{name}`.
#[cfg(feature = "internals")]
#[doc(hidden)]
#[must_use]
pub fn statements() -> Vec<String> {
    let modules = [queue::STATEMENTS, reservation::STATEMENTS, wallet::STATEMENTS, payment::STATEMENTS].concat();
    let others = [user::STATEMENTS, catalog::STATEMENTS, figures::STATEMENTS, explain::STATEMENTS];
    let all = modules.into_iter().chain(others).flatten().copied().chain(audit::statements());
    let mut texts: Vec<_> =
        all.flat_map(|statement| [1, 2, sql::MAX_LIST].map(|length| statement.text(length))).collect();
    texts.dedup();
    texts
}

/// The positions of tickets among `waiting`, from the snapshot that polls are answered from: for the benchmark that
/// measures a rank alone.
#[cfg(feature = "internals")]
#[doc(hidden)]
pub fn positions(waiting: impl IntoIterator<Item = u64>) -> impl Fn(u64) -> Option<u64> {
    queue::positions(waiting)
}
