//! Refunds: the money goes back to the wallet and the seat is for sale again, in one transaction. An operator's act, in
//! a lane of its own, so that payments do not carry it.

mod decide;
mod store;

use std::sync::Arc;

use serde::Serialize;
use sqlx::MySqlConnection;
use uuid::Uuid;

#[cfg(any(test, feature = "internals"))]
pub(crate) use store::STATEMENTS;

use crate::batch::{Attempt, Batch, Decision};
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::id::{ConcertId, PaymentId, ReservationId, SeatNumber, UserId, WalletEntryId};
use crate::money::Money;
use crate::operator::{Reason, Signature};
use crate::reservation::{SeatChanges, lock_seats, read_seats};
use crate::sql::Script;
use crate::wallet::{lock_accounts, read_accounts};

/// What the model of the rules needs to see.
#[cfg(test)]
pub(crate) mod model {
    pub(crate) use super::RefundPayment;
    pub(crate) use super::decide::{Effects, Paid, Rows};
}

/// Why a payment is refunded.
pub type RefundReason = Reason;

/// A payment that was refunded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Refund {
    /// The payment.
    #[serde(rename = "paymentId")]
    pub payment: PaymentId,
    /// Who has the money back.
    #[serde(rename = "userId")]
    pub user: UserId,
    /// The reservation that ended.
    #[serde(rename = "reservationId")]
    pub reservation: ReservationId,
    /// The concert.
    #[serde(rename = "concertId")]
    pub concert: ConcertId,
    /// The seat that is for sale again.
    #[serde(rename = "seatNumber")]
    pub seat: SeatNumber,
    /// How much.
    pub amount: Money,
    /// The balance with it.
    pub balance: Money,
    /// When.
    pub refunded_at: Timestamp,
}

/// The lane's one command.
#[derive(Debug)]
pub(crate) struct RefundPayment {
    pub(crate) payment: PaymentId,
    pub(crate) by: Signature,
    pub(crate) reason: Option<RefundReason>,
    /// The id of the wallet entry that it makes. An attempt finds by it whether an earlier attempt was committed.
    pub(crate) entry: WalletEntryId,
}

/// The lane's batch.
pub(crate) struct RefundBatch {
    pub(crate) changes: Arc<SeatChanges>,
}

impl Batch for RefundBatch {
    const NAME: &'static str = "refund";
    type Command = RefundPayment;
    type Answer = Refund;
    type Rows = decide::Rows;
    type Effects = decide::Effects;

    fn key(_command: &RefundPayment) -> Uuid {
        Uuid::nil()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[RefundPayment],
        attempt: &Attempt,
    ) -> Result<decide::Rows, Failure> {
        let mut script = Script::default();
        let paid = store::select_paid(&mut script, commands);
        let payments = store::read_paid(&script.run(connection).await?, &paid)?;

        // Seats and wallets are known only after the payments are read.
        let mut script = Script::default();
        let seats = lock_seats(&mut script, payments.values().map(|paid| paid.seat));
        let users = payments.values().map(|paid| paid.user).collect();
        let accounts = lock_accounts(&mut script, users);
        let made = store::entries_made_earlier(&mut script, commands, attempt);
        let selected = script.run(connection).await?;
        Ok(decide::Rows {
            payments,
            seats: read_seats(&selected, &seats)?,
            accounts: read_accounts(&selected, &accounts)?,
            made: store::read_entries(&selected, &made)?,
        })
    }

    fn decide(&self, rows: decide::Rows, commands: &[RefundPayment], attempt: &Attempt) -> Decision<Self> {
        let (answers, effects) = decide::decide(rows, commands, attempt);
        Decision { answers, effects }
    }

    fn write(&self, script: &mut Script, effects: &decide::Effects, attempt: &Attempt) {
        store::write(script, effects, attempt.now);
    }

    fn committed(&self, effects: decide::Effects) {
        effects.refunds.iter().for_each(|refund| self.changes.note(refund.concert));
    }
}
