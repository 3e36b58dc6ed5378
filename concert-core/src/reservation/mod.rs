//! Reservations: holding a seat for a while, and giving it back.

#[cfg_attr(not(test), expect(dead_code, reason = "the lane has no command for it yet"))]
mod best;
mod changes;
mod decide;
mod seat;
mod store;
mod sweep;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::MySqlConnection;
use uuid::Uuid;

pub(crate) use changes::SeatChanges;
pub(crate) use seat::{Holder, Seat, SeatKey, count_holds, lock_seats};
pub(crate) use store::{STATEMENTS, reservation, reservations_by_id, reservations_of};
pub(crate) use sweep::{SWEEP_LIMIT, SweepBatch, holds, lapsed_holds};

use crate::batch::{Attempt, Batch, Decision, Failure};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::id::{ConcertId, ReservationId, SeatNumber, UserId};
use crate::money::Money;

/// What the model of the rules needs to see.
#[cfg(test)]
pub(crate) mod model {
    pub(crate) use super::decide::{Rows, decide};
    pub(crate) use super::{Answer, Command};
}

/// What has become of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReservationStatus {
    /// The seat is kept until the deadline.
    Held,
    /// Paid: the seat is sold.
    Confirmed,
    /// The deadline passed.
    Expired,
    /// Given back.
    Cancelled,
}

impl ReservationStatus {
    /// The status as the database and the JSON write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "HELD",
            Self::Confirmed => "CONFIRMED",
            Self::Expired => "EXPIRED",
            Self::Cancelled => "CANCELLED",
        }
    }

    pub(crate) fn from_column(text: &str) -> Result<Self, sqlx::Error> {
        [Self::Held, Self::Confirmed, Self::Expired, Self::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| sqlx::Error::Decode(format!("{text} is no status of a reservation").into()))
    }
}

/// A hold on a seat, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Its id.
    pub id: ReservationId,
    /// Whose it is.
    pub user: UserId,
    /// The concert.
    pub concert: ConcertId,
    /// The seat.
    pub seat: SeatNumber,
    /// What has become of it. A hold whose deadline is past reads as EXPIRED, swept or not.
    pub status: ReservationStatus,
    /// What paying for it costs.
    pub price: Money,
    /// The date of the concert.
    pub performance_date: NaiveDate,
    /// When the seat was held.
    pub reserved_at: Timestamp,
    /// The deadline for paying.
    pub expires_at: Timestamp,
}

impl Reservation {
    /// The reservation as it is at `now`: whether a hold still counts is its deadline's matter, not the sweep's.
    pub(crate) fn at_time(mut self, now: Timestamp) -> Self {
        if self.status == ReservationStatus::Held && self.expires_at <= now {
            self.status = ReservationStatus::Expired;
        }
        self
    }

    pub(crate) const fn seat_key(&self) -> SeatKey {
        SeatKey { concert: self.concert, seat: self.seat }
    }
}

/// What a sweep did, or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepReport {
    /// Lapsed holds whose seats were given back.
    pub released: u64,
}

/// The lane's commands.
#[derive(Debug)]
pub(crate) enum Command {
    Reserve { caller: Caller, concert: ConcertId, seat: SeatNumber, id: ReservationId },
    Cancel { caller: Caller, reservation: ReservationId },
}

impl Command {
    const fn caller(&self) -> &Caller {
        match self {
            Self::Reserve { caller, .. } | Self::Cancel { caller, .. } => caller,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Held(Reservation),
    Cancelled,
}

/// The lane's batch.
pub(crate) struct ReservationBatch {
    pub(crate) rules: Rules,
    pub(crate) changes: Arc<SeatChanges>,
}

/// The part of the policy that holds obey.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) hold_ttl: std::time::Duration,
    pub(crate) max_holds_per_user: u32,
}

impl Batch for ReservationBatch {
    const NAME: &'static str = "reservation";
    type Command = Command;
    type Answer = Answer;
    type Rows = decide::Rows;
    type Effects = decide::Effects;

    fn key(command: &Command) -> Uuid {
        command.caller().user.as_uuid()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[Command],
        attempt: &Attempt,
    ) -> Result<decide::Rows, Failure> {
        let users = commands.iter().map(|command| command.caller().user).collect();
        let tokens = crate::queue::lock_live_tokens(connection, users).await?;
        let known = store::known_reservations(connection, commands, attempt).await?;
        let wanted = commands.iter().filter_map(|command| match command {
            Command::Reserve { concert, seat, .. } => Some(SeatKey { concert: *concert, seat: *seat }),
            Command::Cancel { reservation, .. } => known.get(reservation).map(Reservation::seat_key),
        });
        let seats = lock_seats(connection, wanted.collect()).await?;
        let holders = commands.iter().filter_map(|command| match command {
            Command::Reserve { caller, .. } => Some(caller.user),
            Command::Cancel { .. } => None,
        });
        let holds = count_holds(connection, holders.collect(), attempt.now).await?;
        let missing = commands.iter().filter_map(|command| match command {
            Command::Reserve { concert, seat, .. } => {
                (!seats.contains_key(&SeatKey { concert: *concert, seat: *seat })).then_some(*concert)
            }
            Command::Cancel { .. } => None,
        });
        let concerts = store::existing_concerts(connection, missing.collect()).await?;
        Ok(decide::Rows { tokens, known, seats, holds, concerts })
    }

    fn decide(&self, rows: decide::Rows, commands: &[Command], attempt: &Attempt) -> Decision<Self> {
        let (answers, effects) = decide::decide(rows, commands, attempt, self.rules);
        Decision { answers, effects }
    }

    async fn write(
        &self,
        connection: &mut MySqlConnection,
        effects: &decide::Effects,
        attempt: &Attempt,
    ) -> Result<(), Failure> {
        store::write(connection, effects, attempt.now).await
    }

    fn committed(&self, effects: decide::Effects) {
        effects.seats.keys().for_each(|key| self.changes.note(key.concert));
    }
}

/// How many seats each user holds unpaid.
pub(crate) type Holds = HashMap<UserId, u32>;
