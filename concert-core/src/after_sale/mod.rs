//! What operators do with seats after they were sold: refunds, tickets that get another owner, concerts that are called
//! off. A lane of its own, so that payments do not carry it.
//!
//! A concert is called off in two steps. One transaction marks it: from then on the rules refuse holds and payments, and
//! the guards of assumed ones fail. Then all its seats are cleared, some at a time: under its lock a hold ends, a
//! payment is refunded, and the seat goes off sale. A hold or a payment that was in flight when the mark was committed
//! had its seat's lock, or comes to a seat that is off sale. So once every seat was cleared nothing is held or sold, and
//! nothing can be any more; no time has to pass. How far it is stands in the rows alone, so any process can go on.

mod cancelling;
mod decide;
mod lock;
mod moves;
mod progress;
mod refund;
mod rows;
mod store;

use std::sync::Arc;

use hashbrown::HashSet;
use sqlx::MySqlConnection;
use uuid::Uuid;

pub use cancelling::Cancellation;
pub(crate) use cancelling::{CallOff, ClearSeats, Cleared};
pub(crate) use moves::ticket;
pub(crate) use moves::{GivenAway, MoveTicket, given_away_by, moves_of};
pub use moves::{TicketMove, TicketStatus, TicketView};
pub(crate) use progress::{LEASE, cancellation, finish, next_seats, renew, unfinished};
pub(crate) use refund::RefundPayment;
pub use refund::{Refund, RefundReason, SeatAfterRefund};

/// The statements of this folder.
#[cfg(any(test, feature = "internals"))]
pub(crate) const STATEMENTS: &[&[crate::sql::Statement]] =
    &[lock::STATEMENTS, moves::STATEMENTS, progress::STATEMENTS, store::STATEMENTS];

use crate::batch::{Attempt, Batch, Decision};
use crate::db::Failure;
use crate::operator::Signature;
use crate::reservation::SeatChanges;
use crate::sql::Script;

/// What the model of the rules needs to see.
#[cfg(test)]
pub(crate) mod model {
    pub(crate) use super::rows::{ConcertState, Effects, Paid, Rows, Ticket};
    pub(crate) use super::{Answer, CallOff, ClearSeats, Command, MoveTicket, RefundPayment};
    pub(crate) use crate::wallet::Recipient;
}

/// The lane's commands.
#[derive(Debug)]
pub(crate) enum Command {
    /// Refunds a payment.
    Refund(RefundPayment),
    /// Gives a sold seat to another owner.
    Move(MoveTicket),
    /// Marks a concert as called off.
    CallOff(CallOff),
    /// Clears seats of a concert that was called off.
    Clear(ClearSeats),
}

impl Command {
    /// Of what may come again. Whatever has been called off or cleared stays so.
    const fn signature(&self) -> Option<&Signature> {
        match self {
            Self::Refund(refund) => Some(&refund.by),
            Self::Move(ticket) => Some(&ticket.by),
            Self::CallOff(_) | Self::Clear(_) => None,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Refunded(Refund),
    Moved(TicketMove),
    CalledOff,
    Cleared(Cleared),
}

/// The lane's batch.
pub(crate) struct AfterSaleBatch {
    pub(crate) changes: Arc<SeatChanges>,
}

impl Batch for AfterSaleBatch {
    const NAME: &'static str = "refund";
    type Command = Command;
    type Answer = Answer;
    type Rows = rows::Rows;
    type Effects = rows::Effects;

    fn key(_command: &Command) -> Uuid {
        // All go to one writer: they are few.
        Uuid::nil()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[Command],
        attempt: &Attempt,
    ) -> Result<rows::Rows, Failure> {
        lock::lock(connection, commands, attempt).await
    }

    fn decide(&self, rows: rows::Rows, commands: &[Command], attempt: &Attempt) -> Decision<Self> {
        let (answers, effects) = decide::decide(rows, commands, attempt);
        Decision { answers, effects }
    }

    fn write(&self, script: &mut Script, effects: &rows::Effects, attempt: &Attempt) {
        store::write(script, effects, attempt.now);
    }

    fn committed(&self, effects: rows::Effects) {
        let refunded = effects.refunds.iter().map(|refund| refund.seat.concert);
        let cleared = effects.blocked.iter().map(|key| key.concert);
        let called_off = effects.called_off.iter().map(|called_off| called_off.concert);
        let changed: HashSet<_> = refunded.chain(cleared).chain(called_off).collect();
        changed.into_iter().for_each(|concert| self.changes.note(concert));
    }
}
