//! Tickets at the door: their codes, the keys that these are signed with, and who is in.
//!
//! A ticket is a sold seat and has the id of its reservation, so a payment makes it without writing anything more. Its
//! version is how many owners it has had, which its moves tell. A check-in locks the reservation, as a refund and a move
//! do: whichever comes first counts.

mod check_in;
mod decide;
mod keys;
mod lists;
mod payload;
mod store;

pub(crate) use check_in::CheckInTicket;
pub use check_in::{CheckIn, Gate, PresentedTicket, VerifiedTicket};
pub use keys::TicketKey;
pub(crate) use keys::{TicketKeys, all_keys, make_key, retire_key, signer};
pub use lists::{VoidTicket, VoidTickets};
pub(crate) use lists::{check_in_of, check_ins, concert_status, void_tickets};
pub use payload::{PublicKey, TicketClaims};

use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::batch::{Attempt, Batch, Decision};
use crate::db::Failure;
use crate::sql::Script;

/// The statements of this folder.
#[cfg(any(test, feature = "internals"))]
pub(crate) const STATEMENTS: &[&[crate::sql::Statement]] = &[keys::STATEMENTS, lists::STATEMENTS, store::STATEMENTS];

/// The lane of check-ins.
pub(crate) struct CheckInBatch;

impl Batch for CheckInBatch {
    const NAME: &'static str = "check_in";
    type Command = CheckInTicket;
    type Answer = CheckIn;
    type Rows = decide::Rows;
    type Effects = decide::Effects;

    fn key(command: &CheckInTicket) -> Uuid {
        command.claims.ticket.as_uuid()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[CheckInTicket],
        _attempt: &Attempt,
    ) -> Result<decide::Rows, Failure> {
        store::lock(connection, commands).await
    }

    fn decide(&self, rows: decide::Rows, commands: &[CheckInTicket], attempt: &Attempt) -> Decision<Self> {
        let (answers, effects) = decide::decide(rows, commands, attempt.now);
        Decision { answers, effects }
    }

    fn write(&self, script: &mut Script, effects: &decide::Effects, _attempt: &Attempt) {
        store::write(script, effects);
    }
}

/// What the model of the rules needs to see.
#[cfg(test)]
pub(crate) mod model {
    pub(crate) use super::check_in::CheckInTicket;
    pub(crate) use super::decide::{Effects, Rows, Sold};
}
