//! The lane of holds: its commands, and how a batch of them is locked, decided, assumed and written.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use hashbrown::HashMap;
use sqlx::MySqlConnection;
use uuid::Uuid;

use super::{
    HallLayouts, OrderRef, RecentHolds, Reservation, SeatChanges, SeatKey, SeatingCache, TakenSeats, UnpaidHolds,
    Wanted, decide, eligibility, lock, rows, store,
};
use crate::batch::{Attempt, Batch, Decision};
use crate::caller::Caller;
use crate::clock::{Timestamp, span};
use crate::db::Failure;
use crate::fact::{Assumed, Assumptions};
use crate::id::{ConcertId, ReservationId};
use crate::queue::{QueueViews, Turns};
use crate::sql::Script;
use crate::time_zone::TimeZone;

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
    pub(super) const fn caller(&self) -> &Caller {
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
    pub(super) fn longest_turn(&self) -> TimeDelta {
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
            known: assumptions.unread_rows(rows::MADE, HashMap::with_capacity(commands.len())),
            seats: HashMap::with_capacity(commands.len()),
            halls: HashMap::new(),
            holds: HashMap::with_capacity(commands.len()),
            taken: TakenSeats::default(),
            users: HashMap::with_capacity(commands.len()),
            concerts: HashMap::new(),
            extensions: HashMap::new(),
        };
        for command in commands {
            // Whatever gives back, extends or seeks the best seats needs rows that no process can know.
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
                // A seat that the layout lacks sends the batch to be locked: only rows refuse.
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
