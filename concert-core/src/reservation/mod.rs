//! Reservations: holding a seat for a while, and giving it back.

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
pub(crate) use seat::{Holder, Seat, SeatKey, count_holds, lock_seats, read_holds, read_seats};
pub(crate) use store::{
    STATEMENTS, read_reservation, read_reservations, reservation, reservations_of, select_reservations,
};
pub(crate) use sweep::{SWEEP_LIMIT, SweepBatch, holds, lapsed_holds};

use crate::batch::{Attempt, Batch, Decision, Failure};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::id::{ConcertId, ReservationId, SeatNumber, UserId};
use crate::money::Money;
use crate::sql::Script;

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
    /// Paid, and the money was given back: the seat is for sale again.
    Refunded,
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
            Self::Refunded => "REFUNDED",
        }
    }

    pub(crate) fn from_column(text: &str) -> Result<Self, sqlx::Error> {
        [Self::Held, Self::Confirmed, Self::Expired, Self::Cancelled, Self::Refunded]
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

    const fn asks_for(&self) -> Option<SeatKey> {
        match self {
            Self::Reserve { concert, seat, .. } => Some(SeatKey { concert: *concert, seat: *seat }),
            Self::Cancel { .. } => None,
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
        let mut script = Script::default();
        let users = commands.iter().map(|command| command.caller().user).collect();
        let tokens = crate::queue::lock_live_tokens(&mut script, users);
        let known = store::select_known(&mut script, commands, attempt);
        let holders = commands.iter().filter_map(|command| match command {
            Command::Reserve { caller, .. } => Some(caller.user),
            Command::Cancel { .. } => None,
        });
        let holds = count_holds(&mut script, holders.collect(), attempt.now);
        let asked = commands.iter().filter_map(Command::asks_for);
        // Which seats are given back stands in their reservations; without any, all seats are known now.
        let cancels = commands.iter().any(|command| matches!(command, Command::Cancel { .. }));
        let all_asked = (!cancels).then(|| lock_seats(&mut script, asked.clone().collect()));
        let selected = script.run(connection).await?;
        let tokens = crate::queue::read_live_tokens(&selected, &tokens)?;
        let known = store::read_reservations(&selected, &known)?;
        let holds = read_holds(&selected, &holds)?;
        let seats = match all_asked {
            Some(seats) => read_seats(&selected, &seats)?,
            None => {
                let given_back = commands.iter().filter_map(|command| match command {
                    Command::Reserve { .. } => None,
                    Command::Cancel { reservation, .. } => known.get(reservation).map(Reservation::seat_key),
                });
                let mut script = Script::default();
                let seats = lock_seats(&mut script, asked.clone().chain(given_back).collect());
                read_seats(&script.run(connection).await?, &seats)?
            }
        };
        let missing = asked.filter(|key| !seats.contains_key(key)).map(|key| key.concert);
        let concerts = store::existing_concerts(connection, missing.collect()).await?;
        Ok(decide::Rows { tokens, known, seats, holds, concerts })
    }

    fn decide(&self, rows: decide::Rows, commands: &[Command], attempt: &Attempt) -> Decision<Self> {
        let (answers, effects) = decide::decide(rows, commands, attempt, self.rules);
        Decision { answers, effects }
    }

    fn write(&self, effects: &decide::Effects, attempt: &Attempt) -> Script {
        store::write(effects, attempt.now)
    }

    fn committed(&self, effects: decide::Effects) {
        effects.seats.keys().for_each(|key| self.changes.note(key.concert));
    }
}

/// How many seats each user holds unpaid.
pub(crate) type Holds = HashMap<UserId, u32>;
