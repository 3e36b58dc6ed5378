//! Explains what happened to a token, a seat, a reservation or a user, when and why, and what will happen next. For
//! support desks. It only reads, and tells no more than the database records.

mod passing;
mod reservation;
mod seat;
mod store;
mod token;
mod user;

use std::fmt;

use chrono::{SecondsFormat, TimeDelta};
use serde::Serialize;

pub(crate) use reservation::explain as reservation;
pub(crate) use seat::explain as seat;
#[cfg(any(test, feature = "internals"))]
pub(crate) use store::STATEMENTS;
pub(crate) use token::{TurnRules, explain as token};
pub(crate) use user::explain as user;

use crate::clock::Timestamp;
use crate::id::{ConcertId, ReservationId, SeatNumber, TokenId, UserId};

/// The most tokens, reservations and wallet entries of which an explanation tells.
const MOST_TOLD: u32 = 100;

/// The subject of an explanation. The ids convert into it, and so does `(concert, seat)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// A visit to the queue.
    Token(TokenId),
    /// A seat of a concert.
    Seat(ConcertId, SeatNumber),
    /// A reservation.
    Reservation(ReservationId),
    /// A user: account, queue, seats and money.
    User(UserId),
}

impl From<TokenId> for Subject {
    fn from(id: TokenId) -> Self {
        Self::Token(id)
    }
}

impl From<(ConcertId, SeatNumber)> for Subject {
    fn from((concert, seat): (ConcertId, SeatNumber)) -> Self {
        Self::Seat(concert, seat)
    }
}

impl From<ReservationId> for Subject {
    fn from(id: ReservationId) -> Self {
        Self::Reservation(id)
    }
}

impl From<UserId> for Subject {
    fn from(id: UserId) -> Self {
        Self::User(id)
    }
}

/// The story of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Explanation {
    /// What it is about.
    pub subject: String,
    /// How it stands now.
    pub now: String,
    /// What happened to it, in order.
    pub events: Vec<Event>,
    /// Whether older events are left out: an explanation tells of the newest 100 tokens, reservations and wallet
    /// entries.
    pub older_left_out: bool,
    /// What will happen next.
    pub next: Vec<String>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: EventKind,
    /// Why, and whatever else is known of it.
    pub detail: String,
}

impl Event {
    fn new(at: Timestamp, what: EventKind, detail: impl Into<String>) -> Self {
        Self { at, what, detail: detail.into() }
    }
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum EventKind {
    /// A user was made.
    SignedUp,
    /// A user joined the queue.
    Joined,
    /// A token became ACTIVE.
    LetIn,
    /// A user who was let in claimed the turn, by polling or acting.
    PickedUp,
    /// A turn was not claimed within the claim window.
    NotPickedUp,
    /// The time of a turn was up.
    TurnOver,
    /// The longest wait that is allowed was up.
    WaitOver,
    /// A user left the queue.
    Left,
    /// An operator ended a token.
    EndedByOperator,
    /// A seat was held.
    Held,
    /// The deadline of a hold was moved.
    Extended,
    /// A held seat was paid.
    Paid,
    /// The deadline of a hold passed.
    Lapsed,
    /// A hold was given back.
    GivenBack,
    /// A ticket was checked in.
    CheckedIn,
    /// A payment was refunded, and the seat came back.
    Refunded,
    /// A balance changed.
    BalanceChanged,
    /// A seat was taken off sale.
    Blocked,
    /// A seat was put on sale again.
    Unblocked,
    /// A seat got another price.
    Priced,
    /// A seat was added to its hall.
    Added,
    /// A seat and another changed places.
    Swapped,
    /// A ticket got another owner.
    Moved,
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SignedUp => "signed up",
            Self::Joined => "joined the queue",
            Self::LetIn => "let in",
            Self::PickedUp => "turn claimed",
            Self::NotPickedUp => "turn not claimed",
            Self::TurnOver => "turn over",
            Self::WaitOver => "wait over",
            Self::Left => "left the queue",
            Self::EndedByOperator => "ended by an operator",
            Self::Held => "seat held",
            Self::Paid => "seat paid",
            Self::Lapsed => "hold lapsed",
            Self::Extended => "hold extended",
            Self::GivenBack => "hold given back",
            Self::CheckedIn => "checked in",
            Self::Refunded => "refunded",
            Self::BalanceChanged => "balance changed",
            Self::Blocked => "taken off sale",
            Self::Unblocked => "on sale again",
            Self::Priced => "price set",
            Self::Added => "added",
            Self::Swapped => "places swapped",
            Self::Moved => "ticket moved",
        })
    }
}

/// A moment in a sentence, to the second.
fn moment(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// How long something lasted, in a sentence, to the second.
fn lasting(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let told: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n} {unit}")).collect();
    if told.is_empty() { "0 s".to_owned() } else { told.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_the_units_that_it_has() {
        for (seconds, told) in [(-5, "0 s"), (0, "0 s"), (59, "59 s"), (600, "10 min"), (3_661, "1 h 1 min 1 s")] {
            assert_eq!(lasting(TimeDelta::seconds(seconds)), told);
        }
    }
}
