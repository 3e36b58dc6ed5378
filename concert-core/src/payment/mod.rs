//! Payments: held seats become sold ones, and the money leaves the wallet, in one transaction.

mod decide;
mod history;
mod store;

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use sqlx::MySqlConnection;
use uuid::Uuid;

pub use history::{PaymentStatus, PaymentView};
pub(crate) use history::{payment, payments_of};

/// The statements of this folder.
#[cfg(any(test, feature = "internals"))]
pub(crate) const STATEMENTS: &[&[crate::sql::Statement]] = &[store::STATEMENTS, history::STATEMENTS];

use crate::batch::{Attempt, Batch, Decision};
use crate::caller::{Caller, Fingerprint};
use crate::clock::{Timestamp, span};
use crate::db::Failure;
use crate::fact::{Assumed, Assumptions};
use crate::id::{PaymentId, ReservationId, UserId};
use crate::money::Money;
use crate::queue::{self, Turns};
use crate::reservation::{self, Known, OrderRef, RecentHolds, Reservation, Seat};
use crate::sql::{Reading, ResultSet, Script};
use crate::wallet::{self, Account};

/// What the model of the rules needs to see.
#[cfg(test)]
pub(crate) mod model {
    pub(crate) use super::Pay;
    pub(crate) use super::decide::{Effects, Rows, called_off};
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
    /// What the request asked for, on the first payment that a request with a key made.
    pub(crate) fingerprint: Option<Fingerprint>,
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
    pub(crate) what: OrderRef,
    pub(crate) amount: Money,
    /// The id of the first payment.
    pub(crate) id: PaymentId,
}

impl Pay {
    /// The id of a payment after the first, derived so that a repeated call finds it.
    fn id_for(&self, reservation: ReservationId) -> PaymentId {
        PaymentId::from_uuid(Uuid::new_v5(&self.id.as_uuid(), reservation.as_uuid().as_bytes()))
    }
}

/// The lane's batch.
pub(crate) struct PaymentBatch {
    /// How long a turn still lasts after the last payment, if it would last longer.
    pub(crate) after_payment_ttl: Duration,
    pub(crate) active_ttl: Duration,
    pub(crate) recent: Arc<RecentHolds>,
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
        let mut script = Script::default();
        let users = commands.iter().map(|command| command.caller.user).collect();
        // Tokens come before seats in the order of locks.
        let turns = queue::lock_live_tokens(&mut script, users);
        let alone: Option<Vec<_>> = commands.iter().map(|command| command.what.alone()).collect();
        if let Some(ids) = alone {
            // One round trip instead of two: a payment of a single seat names its reservation.
            let held = reservation::lock_with_seats(&mut script, ids);
            let rest = select_rest(&mut script, commands, attempt);
            let selected = script.run(connection).await?;
            let reservations = reservation::read_reservations(&selected, std::slice::from_ref(&held))?;
            return rows((&selected, &turns), reservations, (&selected, &held), &rest);
        }
        // The seats of an order are known only after its reservations are read.
        let named = commands.iter().map(|command| command.what).collect();
        let reservations = reservation::select_reservations(&mut script, named);
        let first = script.run(connection).await?;
        let reservations = reservation::read_reservations(&first, &reservations)?;
        let mut script = Script::default();
        let seats = reservation::lock_seats(&mut script, reservations.values().map(Reservation::seat_key));
        let rest = select_rest(&mut script, commands, attempt);
        let second = script.run(connection).await?;
        rows((&first, &turns), reservations, (&second, &seats), &rest)
    }

    fn decide(&self, rows: decide::Rows, commands: &[Pay], attempt: &Attempt) -> Decision<Self> {
        let (answers, effects) = decide::decide(rows, commands, attempt);
        Decision { answers, effects }
    }

    fn write(&self, script: &mut Script, effects: &decide::Effects, attempt: &Attempt) {
        store::write(script, effects, attempt.now, self.paid_up_until(attempt.now));
    }

    /// Payments of single holds that this process has made. Unread is only whether the holds and the turns still last,
    /// and whether the wallets have enough.
    fn assume(&self, commands: &[Pay], assumptions: &Assumptions, _attempt: &Attempt) -> Option<decide::Rows> {
        let held: Vec<_> = commands.iter().map(|command| command.what.alone()).collect::<Option<_>>()?;
        let reservations = self.recent.all(&held)?;
        let users = || commands.iter().map(|command| command.caller.user);
        let seat = |held: &Reservation| {
            let (key, names) = (held.seat_key(), [held.section.clone(), held.row.clone()]);
            (key, Seat::unread(assumptions, key, names, held.price))
        };
        let concerts = reservations.values().map(|held| held.concert);
        Some(decide::Rows {
            called_off: concerts.map(|concert| (concert, decide::unread_concert(assumptions, concert))).collect(),
            turns: turns_of(commands, &reservations, assumptions),
            seats: reservations.values().map(seat).collect(),
            accounts: users().map(|user| (user, Account::unread(assumptions, user))).collect(),
            made: assumptions.unread_rows(decide::MADE, HashMap::new()),
            reservations,
        })
    }

    fn guard(&self, script: &mut Script, assumed: &mut Assumed, effects: &decide::Effects, attempt: &Attempt) {
        store::guard(script, assumed, effects, attempt.now);
    }
}

impl PaymentBatch {
    /// The latest end of the turn of a user who has paid all holds. `None`: no turn lasts longer anyway.
    fn paid_up_until(&self, now: Timestamp) -> Option<Timestamp> {
        (self.after_payment_ttl < self.active_ttl).then(|| now + span(self.after_payment_ttl))
    }
}

/// The turns that payments of single holds need, unread.
fn turns_of(commands: &[Pay], reservations: &Known, assumptions: &Assumptions) -> Turns {
    let mut turns = Turns::default();
    for command in commands {
        if let Some(held) = command.what.alone().and_then(|id| reservations.get(&id)) {
            turns.insert_unread(assumptions, command.caller.user, held.sale);
        }
    }
    turns
}

/// The rows after the seats: accounts, locked, and payments made earlier.
type Rest = (Reading, [Reading; 2]);

fn select_rest(script: &mut Script, commands: &[Pay], attempt: &Attempt) -> Rest {
    let users = commands.iter().map(|command| command.caller.user).collect();
    (wallet::lock_accounts(script, users), store::payments_made_earlier(script, commands, attempt))
}

fn rows(
    (first, turns): (&ResultSet, &Reading),
    reservations: Known,
    (second, seats): (&ResultSet, &Reading),
    (accounts, made): &Rest,
) -> Result<decide::Rows, Failure> {
    Ok(decide::Rows {
        called_off: decide::called_off(&reservations),
        reservations,
        turns: queue::read_turns(first, turns)?,
        seats: reservation::read_seats(second, seats)?,
        accounts: wallet::read_accounts(second, accounts)?,
        made: store::read_payments(second, made)?,
    })
}
