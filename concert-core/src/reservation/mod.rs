//! Reservations: holding a seat for a while, and giving it back.

mod best;
mod by_seat;
mod changes;
mod decide;
mod eligibility;
mod giving_back;
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

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;
use sqlx::MySqlConnection;
use uuid::Uuid;

pub(crate) use changes::SeatChanges;
pub(crate) use eligibility::{UnpaidHolds, Users, in_time, unpaid};
pub(crate) use giving_back::{GivenBack, UnpaidSeats};
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
    giving_back::STATEMENTS,
    layout::STATEMENTS,
    limits::STATEMENTS,
    list::STATEMENTS,
    order_list::STATEMENTS,
    tickets::STATEMENTS,
    sweep::STATEMENTS,
    user_seats::STATEMENTS,
];

use crate::batch::{Attempt, Batch, Decision};
use crate::caller::{Caller, Fingerprint};
use crate::clock::{Timestamp, span};
use crate::concert_status::ConcertStatus;
use crate::db::Failure;
use crate::fact::{Assumed, Assumptions};
use crate::id::{ConcertId, OrderId, ReservationId, SaleId, SeatNumber, UserId};
use crate::money::Money;
use crate::queue::{QueueViews, Turns};
use crate::sql::Script;
use crate::time_zone::TimeZone;

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

/// The lane's commands.
#[derive(Debug)]
pub(crate) enum Command {
    /// Holds seats, with an id for each: the order that they make has the first.
    Hold { caller: Caller, concert: ConcertId, wanted: Wanted, ids: Vec<ReservationId> },
    /// Gives holds back.
    Cancel { caller: Caller, what: OrderRef },
    /// Moves the deadline of the order that a reservation belongs to. Only a call with a key has an id.
    Extend { caller: Caller, reservation: ReservationId, id: Option<Uuid> },
}

impl Command {
    const fn caller(&self) -> &Caller {
        match self {
            Self::Hold { caller, .. } | Self::Cancel { caller, .. } | Self::Extend { caller, .. } => caller,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// By seat.
    Held(Vec<Reservation>),
    Cancelled,
    /// Until then.
    Extended(Timestamp),
}

/// The lane's batch.
pub(crate) struct ReservationBatch {
    pub(crate) layouts: HallLayouts,
    pub(crate) seatings: SeatingCache,
    pub(crate) recent: Arc<RecentHolds>,
    pub(crate) rules: HoldRules,
    pub(crate) changes: Arc<SeatChanges>,
    pub(crate) views: Arc<QueueViews>,
}

/// The part of the policy that holds obey.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HoldRules {
    pub(crate) active_ttl: Duration,
    pub(crate) hold_ttl: Duration,
    pub(crate) hold_extension: Duration,
    pub(crate) max_holds_per_user: u32,
    pub(crate) max_holds_in_a_row: u32,
    pub(crate) seat_pause: Duration,
    /// Of the house.
    pub(crate) time_zone: TimeZone,
}

impl HoldRules {
    /// The longest time from the begin of a turn to its end, however much is held in it.
    fn longest_turn(&self) -> TimeDelta {
        span(self.active_ttl) + span(self.hold_ttl) * 2
    }
}

impl Batch for ReservationBatch {
    const NAME: &'static str = "reservation";
    type Command = Command;
    type Answer = Answer;
    type Rows = rows::Rows;
    type Effects = rows::Effects;

    fn key(command: &Command) -> Uuid {
        command.caller().user.as_uuid()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[Command],
        attempt: &Attempt,
    ) -> Result<rows::Rows, Failure> {
        lock::lock(connection, commands, attempt, self).await
    }

    fn decide(&self, rows: rows::Rows, commands: &[Command], attempt: &Attempt) -> Decision<Self> {
        let (answers, effects) = decide::decide(rows, commands, attempt, self.rules);
        Decision { answers, effects }
    }

    fn write(&self, script: &mut Script, effects: &rows::Effects, attempt: &Attempt) {
        store::write(script, effects, attempt.now);
    }

    /// Holds of seats by number, in halls that are remembered.
    fn assume(&self, commands: &[Command], assumptions: &Assumptions, _attempt: &Attempt) -> Option<rows::Rows> {
        let mut layouts = HashMap::new();
        let mut rows = rows::Rows {
            turns: Turns::default(),
            known: assumptions.unread_rows(rows::MADE, HashMap::new()),
            seats: HashMap::with_capacity(commands.len()),
            halls: HashMap::new(),
            holds: HashMap::with_capacity(commands.len()),
            taken: TakenSeats::default(),
            users: HashMap::with_capacity(commands.len()),
            concerts: HashMap::new(),
            extensions: HashMap::new(),
        };
        for command in commands {
            let Command::Hold {
                caller: Caller { user, bypasses_queue: false, .. },
                concert,
                wanted: Wanted::Seats(seats),
                ..
            } = command
            else {
                return None;
            };
            if !layouts.contains_key(concert) {
                let layout = self.layouts.get(*concert)?;
                rows.concerts.insert(*concert, layout.concert(*concert, assumptions));
                layouts.insert(*concert, layout);
            }
            for seat in seats {
                let key = SeatKey { concert: *concert, seat: *seat };
                rows.seats.insert(key, layouts[concert].unread_seat(key, assumptions)?);
            }
            for limit in rows.concerts[concert].limits(*concert) {
                rows.taken.assume(assumptions, *user, limit.of);
            }
            rows.turns.insert_unread(assumptions, *user, layouts[concert].sale());
            rows.users.entry(*user).or_insert_with(|| eligibility::unread_user(assumptions, *user));
            rows.holds.entry(*user).or_insert_with(|| UnpaidHolds::unread(assumptions, *user));
        }
        Some(rows)
    }

    fn guard(&self, script: &mut Script, assumed: &mut Assumed, effects: &rows::Effects, attempt: &Attempt) {
        store::guard(script, assumed, effects, attempt.now);
    }

    fn committed(&self, effects: rows::Effects) {
        effects.seats.keys().for_each(|key| self.changes.note(key.concert));
        effects.count_unpaid_ends();
        self.views.lengthen(&effects.turns);
        self.recent.remember(effects.made);
    }
}

/// Reservations by id.
pub(crate) type Known = HashMap<ReservationId, Reservation>;
/// How many seats each user holds unpaid.
pub(crate) type Holds = HashMap<UserId, UnpaidHolds>;
