//! Changes of a hall: seats that are taken off sale and put on sale again, their prices, seats that are added, and seats
//! that change places.
//!
//! Whoever changes a hall has its concert's row locked and raises its version, so changes of one hall come one after the
//! other, and what processes remember of it counts no more. A seat's row is locked as well: it decides between this and
//! a hold of the same moment.

mod add;
mod decide;
mod logged;
mod runs;
mod store;
mod swap;

use std::sync::Arc;

use hashbrown::HashMap;
use serde::Serialize;
use sqlx::MySqlConnection;
use uuid::Uuid;

pub use self::add::{NewSeat, NewSeats};
pub use self::swap::{MovedSeat, SeatsSwapped};
pub(crate) use self::swap::{SwapBatch, SwapSeats};
use crate::batch::{Attempt, Batch, Decision};
use crate::db::Failure;
use crate::error::Error;
use crate::id::{ConcertId, SeatNumber};
use crate::money::Money;
use crate::operator::{Reason, Signature};
use crate::reservation::SeatChanges;
use crate::sql::Script;

/// The statements of this folder.
#[cfg(any(test, feature = "internals"))]
pub(crate) const STATEMENTS: &[&[crate::sql::Statement]] = &[store::STATEMENTS, swap::STATEMENTS];

/// The most seats that one act changes: its locks last as long as it takes, a second or two.
const MOST_SEATS: usize = 65_536;

/// What became of the seats that an operator named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SeatsChanged {
    /// How many seats were changed. Those that were so already are neither changed nor refused.
    pub changed: usize,
    /// Those that were changed, by number.
    #[serde(rename = "seatNumbers")]
    pub seats: Vec<SeatNumber>,
    /// Those that stayed as they were, and why.
    pub refused: Vec<RefusedSeat>,
    /// Of a new price: those of the changed ones that are held or sold. Who has them pays, or has paid, what they cost
    /// when they were held.
    #[serde(rename = "reserved", skip_serializing_if = "Vec::is_empty")]
    pub reserved: Vec<SeatNumber>,
    /// The version of the concert now.
    pub version: u32,
    /// Whether this is what would be changed, and nothing was.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// A seat that stayed as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RefusedSeat {
    /// The seat.
    #[serde(rename = "seatNumber")]
    pub seat: SeatNumber,
    /// Why: one of [`RefusedSeat::CODES`].
    pub code: &'static str,
}

impl RefusedSeat {
    /// Why seats stay as they were, and what each means. The first three are also codes of an [`Error`].
    pub const CODES: [(&str, &str); 5] = [
        ("SEAT_NOT_FOUND", "The hall has no such seat."),
        ("SEAT_BLOCKED", "The seat is off sale already, for another reason."),
        ("SEAT_ALREADY_RESERVED", "The seat is held or sold."),
        (SEAT_EXISTS, "The hall has a seat of this number already."),
        (PLACE_TAKEN, "Another seat has this place in the row."),
    ];
}

const SEAT_EXISTS: &str = "SEAT_EXISTS";
const PLACE_TAKEN: &str = "PLACE_TAKEN";

/// What is done to seats.
#[derive(Debug)]
pub(crate) enum HallChange {
    /// Takes seats that nobody has off sale.
    Block {
        seats: Vec<SeatNumber>,
        reason: Reason,
    },
    /// Puts them on sale again.
    Unblock {
        seats: Vec<SeatNumber>,
        reason: Option<Reason>,
    },
    /// Sets what they cost whoever holds them next.
    Price {
        seats: Vec<SeatNumber>,
        price: Money,
    },
    Add(NewSeats),
}

impl HallChange {
    fn seats(&self) -> Vec<SeatNumber> {
        match self {
            Self::Block { seats, .. } | Self::Unblock { seats, .. } | Self::Price { seats, .. } => seats.clone(),
            Self::Add(new) => new.seats.iter().map(|seat| seat.number).collect(),
        }
    }

    /// What the seats cost from then on, where it says so.
    pub(crate) const fn price(&self) -> Option<Money> {
        match self {
            Self::Price { price, .. } => Some(*price),
            Self::Add(new) => Some(new.price),
            Self::Block { .. } | Self::Unblock { .. } => None,
        }
    }

    /// The same with every seat once; refuses none and too many.
    pub(crate) fn checked(mut self) -> Result<Self, Error> {
        match &mut self {
            Self::Block { seats, .. } | Self::Unblock { seats, .. } | Self::Price { seats, .. } => {
                seats.sort_unstable();
                seats.dedup();
            }
            Self::Add(new) => new.check()?,
        }
        let seats = self.seats().len();
        if !(1..=MOST_SEATS).contains(&seats) {
            return Err(Error::invalid(format!("name 1 to {MOST_SEATS} seats")));
        }
        Ok(self)
    }
}

/// The lane's one command.
#[derive(Debug)]
pub(crate) struct ChangeHall {
    /// Whether it only says what it would change.
    pub(crate) dry_run: bool,
    pub(crate) concert: ConcertId,
    pub(crate) change: HallChange,
    pub(crate) by: Signature,
}

/// The lane's batch.
pub(crate) struct HallBatch {
    pub(crate) changes: Arc<SeatChanges>,
}

impl Batch for HallBatch {
    const NAME: &'static str = "hall";
    type Command = ChangeHall;
    type Answer = SeatsChanged;
    type Rows = decide::Rows;
    type Effects = decide::Effects;

    fn key(command: &ChangeHall) -> Uuid {
        command.concert.as_uuid()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[ChangeHall],
        attempt: &Attempt,
    ) -> Result<decide::Rows, Failure> {
        let mut rows = decide::Rows { halls: HashMap::new() };
        for command in commands {
            // One hall after the other: a batch of this lane has one command.
            let hall = store::lock(connection, command, attempt).await?;
            rows.halls.entry(command.concert).or_insert(hall);
        }
        Ok(rows)
    }

    fn decide(&self, rows: decide::Rows, commands: &[ChangeHall], attempt: &Attempt) -> Decision<Self> {
        let (answers, effects) = decide::decide(rows, commands, attempt);
        Decision { answers, effects }
    }

    fn write(&self, script: &mut Script, effects: &decide::Effects, attempt: &Attempt) {
        store::write(script, effects, attempt.now);
    }

    fn committed(&self, effects: decide::Effects) {
        effects.halls.iter().for_each(|hall| self.changes.note(hall.concert));
    }
}
