//! Payments: a held seat becomes a sold one, and the money leaves the wallet, in one transaction.

mod decide;
mod store;

use std::collections::HashMap;
use std::time::Duration;

use sqlx::MySqlConnection;
use uuid::Uuid;

pub(crate) use store::STATEMENTS;

use crate::batch::{Attempt, Batch, Decision, Failure};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::id::{PaymentId, ReservationId, UserId};
use crate::money::Money;
use crate::reservation::Reservation;
use crate::{queue, reservation, wallet};

/// What the model of the rules needs to see.
#[cfg(test)]
pub(crate) mod model {
    pub(crate) use super::Pay;
    pub(crate) use super::decide::{Effects, Rows, decide};
}

/// A successful payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// Who paid.
    pub user: UserId,
    /// For what.
    pub reservation: ReservationId,
    /// How much.
    pub amount: Money,
    /// When.
    pub paid_at: Timestamp,
}

/// The lane's one command: paying a reservation.
#[derive(Debug)]
pub(crate) struct Pay {
    pub(crate) caller: Caller,
    pub(crate) reservation: ReservationId,
    pub(crate) amount: Money,
    pub(crate) id: PaymentId,
}

/// The lane's batch.
pub(crate) struct PaymentBatch {
    pub(crate) after_payment_ttl: Duration,
    pub(crate) active_ttl: Duration,
}

impl PaymentBatch {
    /// How long a turn still lasts after the last payment; `None`: it is not cut short.
    fn shortened_turn(&self) -> Option<Duration> {
        (self.after_payment_ttl < self.active_ttl).then_some(self.after_payment_ttl)
    }
}

impl Batch for PaymentBatch {
    const NAME: &'static str = "payment";
    type Command = Pay;
    type Answer = Payment;
    type Rows = decide::Rows;
    type Effects = decide::Effects;

    fn key(command: &Pay) -> Uuid {
        command.caller.user.as_uuid()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[Pay],
        attempt: &Attempt,
    ) -> Result<decide::Rows, Failure> {
        let reservations = commands.iter().map(|command| command.reservation).collect();
        let reservations = reservation::reservations_by_id(connection, reservations).await?;
        let users: Vec<_> = commands.iter().map(|command| command.caller.user).collect();
        let tokens = queue::lock_live_tokens(connection, users.clone()).await?;
        let wanted = reservations.values().map(Reservation::seat_key).collect();
        let seats = reservation::lock_seats(connection, wanted).await?;
        let holds = match self.shortened_turn() {
            Some(_) => reservation::count_holds(connection, users.clone(), attempt.now).await?,
            None => HashMap::new(),
        };
        let accounts = wallet::lock_accounts(connection, users, attempt.now).await?;
        let made = store::payments_made_earlier(connection, commands, attempt).await?;
        Ok(decide::Rows { reservations, tokens, seats, holds, accounts, made })
    }

    fn decide(&self, rows: decide::Rows, commands: &[Pay], attempt: &Attempt) -> Decision<Self> {
        let (answers, effects) = decide::decide(rows, commands, attempt, self.shortened_turn());
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
}

/// Payments by id.
pub(crate) type Made = HashMap<PaymentId, Payment>;
