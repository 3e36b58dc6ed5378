//! Reservations: holding a seat for a while, and giving it back.

mod best;
mod by_seat;
mod changes;
mod decide;
mod eligibility;
mod ending;
mod giving_back;
mod lane;
mod layout;
mod let_go;
mod limits;
mod list;
mod lock;
mod logged;
mod newest_first;
mod order;
mod order_list;
mod recent_holds;
mod rows;
mod seat;
mod seating;
mod store;
mod sweep;
mod tickets;
mod user_seats;

use std::sync::Arc;

use chrono::NaiveDate;
use hashbrown::HashMap;
use serde::Serialize;

pub(crate) use changes::SeatChanges;
pub(crate) use eligibility::{UnpaidHolds, Users, in_time, unpaid};
pub use ending::HoldEnding;
pub(crate) use ending::endings;
pub(crate) use giving_back::{GivenBack, UnpaidSeats};
pub(crate) use lane::{Answer, Command, HoldRules, ReservationBatch};
pub(crate) use layout::HallLayouts;
pub(crate) use let_go::MOST_COUNTED as MOST_HOLDS_IN_A_ROW;
pub(crate) use limits::{AddedSeats, LimitOf, SeatLimit, TakenSeats};
pub use list::ReservationList;
pub(crate) use list::{holds_of, reservations_of};
pub(crate) use order::{Best, refusal_for, total};
pub use order::{Order, OrderRef, Wanted};
pub(crate) use order_list::{open_orders_of, orders_of};
pub(crate) use recent_holds::RecentHolds;
pub(crate) use seat::{HoldState, Seat, SeatKey, lock_seats, lock_with_seats, read_seats, sell_seats, strike_sold};
pub(crate) use seating::SeatingCache;
pub(crate) use store::{
    concert_status, order, read_reservation, read_reservations, reservation, reservation_columns, sale_of,
    select_reservations,
};
pub(crate) use sweep::{SweepBatch, SweepFrom, holds, lapsed_holds};
pub use tickets::OwnTicket;
pub(crate) use tickets::{ticket_of, tickets_of};
pub(crate) use user_seats::user_seats;
pub use user_seats::{SeatCount, UserSeats};

/// The statements of this folder.
#[cfg(any(test, feature = "internals"))]
pub(crate) const STATEMENTS: &[&[crate::sql::Statement]] = &[
    store::STATEMENTS,
    seat::STATEMENTS,
    seating::STATEMENTS,
    eligibility::STATEMENTS,
    ending::STATEMENTS,
    giving_back::STATEMENTS,
    layout::STATEMENTS,
    limits::STATEMENTS,
    list::STATEMENTS,
    order_list::STATEMENTS,
    tickets::STATEMENTS,
    sweep::STATEMENTS,
    user_seats::STATEMENTS,
];

use crate::caller::Fingerprint;
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::id::{ConcertId, OrderId, ReservationId, SaleId, SeatNumber, UserId};
use crate::money::Money;

/// What the model of the rules needs to see.
#[cfg(test)]
pub(crate) mod model {
    pub(crate) use super::best::{Hall, HallSeat};
    pub(crate) use super::layout::Concert;
    pub(crate) use super::limits::{LimitOf, TakenSeats, asked};
    pub(crate) use super::rows::{Effects, Rows};
    pub(crate) use super::{Answer, Command};
}

/// The state of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum ReservationStatus {
    /// The seat is kept until the deadline.
    Held,
    /// Paid: the seat is sold.
    Confirmed,
    /// The deadline passed.
    Expired,
    /// Given back, or ended because the concert was called off.
    Cancelled,
    /// Paid, and the money was given back.
    Refunded,
}

impl ReservationStatus {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Held, Self::Confirmed, Self::Expired, Self::Cancelled, Self::Refunded];

    /// The status as the database and the JSON write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "HELD",
            Self::Confirmed => "CONFIRMED",
            Self::Expired => "EXPIRED",
            Self::Cancelled => "CANCELLED",
            Self::Refunded => "REFUNDED",
        }
    }

    pub(crate) fn from_column(text: &str) -> Result<Self, sqlx::Error> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| sqlx::Error::Decode(format!("{text} is no status of a reservation").into()))
    }
}

/// A hold on a seat, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reservation {
    /// Its id.
    pub id: ReservationId,
    /// Whose it is.
    pub user: UserId,
    /// The concert.
    pub concert: ConcertId,
    /// The concert's sale.
    pub sale: SaleId,
    /// The concert's status: CANCELLED once it is called off.
    pub concert_status: ConcertStatus,
    /// The seat.
    pub seat: SeatNumber,
    /// The section that the seat is in, if the hall has sections.
    pub section: Option<Arc<str>>,
    /// The row that the seat is in, if the hall has rows.
    pub row: Option<Arc<str>>,
    /// Its state. A hold whose deadline is past reads as EXPIRED, swept or not.
    pub status: ReservationStatus,
    /// What paying for it costs.
    pub price: Money,
    /// The date of the concert.
    pub performance_date: NaiveDate,
    /// When the seat was held.
    pub reserved_at: Timestamp,
    /// The deadline for paying.
    pub expires_at: Timestamp,
    /// When the deadline was moved, if it was.
    pub extended_at: Option<Timestamp>,
    /// Whether an operator held it without a turn of the user's.
    pub bypassed_queue: bool,
    /// The order that it shares with others; `None`: it is an order of its own. [`Reservation::order`] gives it for
    /// both.
    pub shared_order: Option<OrderId>,
    /// What the request asked for, on the first reservation that a request with a key made.
    pub(crate) fingerprint: Option<Fingerprint>,
}

impl Reservation {
    /// The order that it belongs to.
    #[must_use]
    pub fn order(&self) -> OrderId {
        self.shared_order.unwrap_or(OrderId::from(self.id))
    }

    pub(crate) fn is_held(&self) -> bool {
        self.status == ReservationStatus::Held
    }

    /// The reservation as it is at `now`. The deadline decides whether a hold still counts, not the sweep.
    pub(crate) fn at_time(mut self, now: Timestamp) -> Self {
        self.status = self.status_at(now);
        self
    }

    pub(crate) fn status_at(&self, now: Timestamp) -> ReservationStatus {
        match self.status {
            ReservationStatus::Held if self.expires_at <= now => ReservationStatus::Expired,
            status => status,
        }
    }

    pub(crate) const fn seat_key(&self) -> SeatKey {
        SeatKey { concert: self.concert, seat: self.seat }
    }
}

/// What a sweep did, or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SweepReport {
    /// Lapsed holds whose seats were given back.
    pub released: u64,
}

/// Reservations by id.
pub(crate) type Known = HashMap<ReservationId, Reservation>;
/// How many seats each user holds unpaid.
pub(crate) type Holds = HashMap<UserId, UnpaidHolds>;
