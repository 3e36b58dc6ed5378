//! Payments: held seats become sold ones, and the money leaves the wallet, in one transaction.

mod decide;
mod history;
mod optimistic;
mod refund;
mod store;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::MySqlConnection;
use uuid::Uuid;

pub use history::{PaymentStatus, PaymentView};
pub(crate) use history::{STATEMENTS as READS, payment, payments_of};
pub use refund::{Refund, RefundReason};
pub(crate) use refund::{RefundBatch, RefundPayment, STATEMENTS as REFUNDS};
pub(crate) use store::STATEMENTS;

use crate::batch::{Attempt, Batch, Decision, Failure, Optimistic};
use crate::caller::Caller;
use crate::clock::{Timestamp, span};
use crate::id::{PaymentId, ReservationId, UserId};
use crate::money::Money;
use crate::reservation::{Known, Named, Recent, Reservation, Seat, SeatKey};
use crate::sql::{Reading, Script, Selected};
use crate::{queue, reservation, wallet};

/// What the model of the rules needs to see.
#[cfg(test)]
pub(crate) mod model {
    pub(crate) use super::Pay;
    pub(crate) use super::decide::{Effects, Rows, decide};
    pub(crate) use super::refund::model as refund;
}

/// A successful payment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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

/// What one call paid: all that was held of an order, or one reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaidOrder {
    /// A payment for each seat that was still to be paid, by number.
    pub payments: Vec<Payment>,
    /// The sum of their amounts.
    pub total: Money,
}

/// The lane's one command: paying a reservation, or all that is held of an order.
#[derive(Debug)]
pub(crate) struct Pay {
    pub(crate) caller: Caller,
    pub(crate) what: Named,
    pub(crate) amount: Money,
    /// The id of the first payment.
    pub(crate) id: PaymentId,
}

impl Pay {
    /// The id of a payment after the first: a repeated call finds its own.
    fn id_for(&self, reservation: ReservationId) -> PaymentId {
        PaymentId::from_uuid(Uuid::new_v5(&self.id.as_uuid(), reservation.as_uuid().as_bytes()))
    }
}

/// The lane's batch.
pub(crate) struct PaymentBatch {
    /// How long a turn still lasts after the last payment, if it would last longer.
    pub(crate) after_payment_ttl: Duration,
    pub(crate) active_ttl: Duration,
    pub(crate) recent: Arc<Recent>,
}

impl Batch for PaymentBatch {
    const NAME: &'static str = "payment";
    type Command = Pay;
    type Answer = Vec<Payment>;
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
        let users: Vec<_> = commands.iter().map(|command| command.caller.user).collect();
        let mut script = Script::default();
        let turns = queue::lock_live_tokens(&mut script, users.clone());
        let holds = self.cut_to(attempt.now).map(|_| reservation::select_holds(&mut script, users, attempt.now));
        let holders = (turns, holds);
        let alone: Option<Vec<_>> = commands.iter().map(|command| command.what.alone()).collect();
        if let Some(mut reservations) = alone.as_ref().and_then(|ids| self.recent.all(ids)) {
            let seats = reservation::lock_seats(&mut script, reservations.values().map(Reservation::seat_key));
            let rest = select_rest(&mut script, commands, attempt);
            let selected = script.run(connection).await?;
            let seats = reservation::read_seats(&selected, &seats)?;
            let gone = reservations.values().filter(|one| !has_its_seat(one, &seats)).map(|one| one.id).collect();
            reservations.extend(reservation::read_again(connection, gone).await?);
            return rows(reservations, seats, (&selected, &holders), (&selected, &rest));
        }
        if let Some(ids) = alone {
            let held = reservation::lock_with_seats(&mut script, ids);
            let rest = select_rest(&mut script, commands, attempt);
            let selected = script.run(connection).await?;
            let reservations = reservation::read_reservations(&selected, std::slice::from_ref(&held))?;
            let seats = reservation::read_seats(&selected, &held)?;
            return rows(reservations, seats, (&selected, &holders), (&selected, &rest));
        }
        // Which seats are an order's is known only once its reservations are read.
        let named = commands.iter().map(|command| command.what).collect();
        let reservations = reservation::select_reservations(&mut script, named);
        let first = script.run(connection).await?;
        let reservations = reservation::read_reservations(&first, &reservations)?;
        let mut script = Script::default();
        let seats = reservation::lock_seats(&mut script, reservations.values().map(Reservation::seat_key));
        let rest = select_rest(&mut script, commands, attempt);
        let second = script.run(connection).await?;
        let seats = reservation::read_seats(&second, &seats)?;
        rows(reservations, seats, (&first, &holders), (&second, &rest))
    }

    fn optimistic<'a>(&self, commands: &'a [Pay], attempt: &Attempt) -> Option<Optimistic<'a, Self>> {
        optimistic::pay(commands, attempt, &self.recent, self.cut_to(attempt.now))
    }

    fn decide(&self, rows: decide::Rows, commands: &[Pay], attempt: &Attempt) -> Decision<Self> {
        let (answers, effects) = decide::decide(rows, commands, attempt, self.after_payment_ttl);
        Decision { answers, effects }
    }

    fn write(&self, effects: &decide::Effects, attempt: &Attempt) -> Script {
        store::write(effects, attempt.now)
    }
}

impl PaymentBatch {
    /// When the turns of those end who pay all that they hold, if they would last longer; `None`: none lasts so long.
    fn cut_to(&self, now: Timestamp) -> Option<Timestamp> {
        (self.after_payment_ttl < self.active_ttl).then(|| now + span(self.after_payment_ttl))
    }
}

/// Whether the seat still names the reservation, in time or not.
fn has_its_seat(reservation: &Reservation, seats: &HashMap<SeatKey, Seat>) -> bool {
    let holder = seats.get(&reservation.seat_key()).and_then(|seat| seat.holder);
    holder.is_some_and(|holder| holder.reservation == reservation.id)
}

/// The turns, and what is held unpaid, if that matters.
type Holders = (Reading, Option<Reading>);

/// What is locked after the seats, and read with it: accounts, and payments made earlier.
type Rest = (Reading, [Reading; 2]);

fn select_rest(script: &mut Script, commands: &[Pay], attempt: &Attempt) -> Rest {
    let users = commands.iter().map(|command| command.caller.user).collect();
    (wallet::lock_accounts(script, users), store::payments_made_earlier(script, commands, attempt))
}

fn rows(
    reservations: Known,
    seats: HashMap<SeatKey, Seat>,
    (first, (turns, holds)): (&Selected, &Holders),
    (second, (accounts, made)): (&Selected, &Rest),
) -> Result<decide::Rows, Failure> {
    let holds = holds.as_ref().map(|holds| reservation::read_holds(first, holds));
    Ok(decide::Rows {
        reservations,
        tokens: queue::read_live_tokens(first, turns)?,
        seats,
        holds: holds.transpose()?.unwrap_or_default(),
        accounts: wallet::read_accounts(second, accounts)?,
        made: store::read_payments(second, made)?,
    })
}

/// Payments by id.
pub(crate) type Made = HashMap<PaymentId, Payment>;
