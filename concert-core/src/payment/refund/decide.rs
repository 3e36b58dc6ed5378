//! The rules of refunding, over rows that are locked.

use std::collections::HashMap;

use serde_json::json;

use super::{Refund, RefundPayment, RefundReason};
use crate::batch::Attempt;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{ConcertId, PaymentId, ReservationId, UserId, WalletEntryId};
use crate::money::Money;
use crate::operator::{Act, ActSubject, LogEntry};
use crate::payment::PaymentStatus;
use crate::reservation::{Seat, SeatKey};
use crate::wallet::{Account, WalletEntry, WalletEntryKind};

/// The part of a payment that never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paid {
    pub(crate) user: UserId,
    pub(crate) reservation: ReservationId,
    pub(crate) seat: SeatKey,
    pub(crate) amount: Money,
}

/// The rows that a batch concerns.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) payments: HashMap<PaymentId, Paid>,
    /// They tell whether a payment is refunded: its reservation then no longer has its seat.
    pub(crate) seats: HashMap<SeatKey, Seat>,
    pub(crate) accounts: HashMap<UserId, Account>,
    /// Entries that commands of this batch made in an earlier attempt: when, and the balance with them.
    pub(crate) made: HashMap<WalletEntryId, (Timestamp, Money)>,
}

/// What a batch changes.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) refunds: Vec<Refunded>,
    pub(crate) entries: Vec<WalletEntry>,
    pub(crate) log: Vec<LogEntry>,
}

/// A payment to refund, with the operator and the reason for the record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refunded {
    pub(crate) payment: PaymentId,
    pub(crate) reservation: ReservationId,
    pub(crate) concert: ConcertId,
    /// The operator's name.
    pub(crate) by: String,
    pub(crate) reason: Option<RefundReason>,
}

pub(crate) fn decide(
    mut rows: Rows,
    commands: &[RefundPayment],
    attempt: &Attempt,
) -> (Vec<Result<Refund, Error>>, Effects) {
    let mut effects = Effects::default();
    let answers = commands.iter().map(|command| refund(&mut rows, &mut effects, command, attempt)).collect();
    (answers, effects)
}

/// Refuses in this order: no such payment, already refunded, balance too large. A payment for a past concert may be
/// refunded.
fn refund(rows: &mut Rows, effects: &mut Effects, command: &RefundPayment, attempt: &Attempt) -> Result<Refund, Error> {
    let Paid { user, reservation, seat: key, amount } =
        *rows.payments.get(&command.payment).ok_or(Error::PaymentNotFound)?;
    let refund = |refunded_at, balance| Refund {
        payment: command.payment,
        user,
        reservation,
        concert: key.concert,
        seat: key.seat,
        amount,
        balance,
        refunded_at,
    };
    if attempt.may_have_committed
        && let Some((at, balance)) = rows.made.get(&command.entry)
    {
        return Ok(refund(*at, *balance));
    }
    let seat = rows.seats.get_mut(&key).ok_or(Error::AlreadyRefunded)?;
    if seat.holder()? != Some(reservation) {
        return Err(Error::AlreadyRefunded);
    }
    let account = rows.accounts.get_mut(&user).ok_or(Error::UserNotFound)?;
    if !account.can_receive(amount) {
        return Err(Error::BalanceLimit { balance: account.balance()? });
    }

    let kind = (WalletEntryKind::Refund, Some(command.payment));
    effects.entries.push(account.receive(user, kind, command.entry, amount, attempt.now));
    seat.pass_to(None, None);
    effects.refunds.push(Refunded {
        payment: command.payment,
        reservation,
        concert: key.concert,
        by: command.by.name().to_owned(),
        reason: command.reason.clone(),
    });
    let entry = command.by.entry(Act::Refund, ActSubject::Payment(command.payment), attempt.now);
    let was = json!({"status": PaymentStatus::Success.as_str()});
    let becomes = json!({
        "status": PaymentStatus::Refunded.as_str(), "amount": amount, "userId": user, "reason": command.reason,
    });
    effects.log.push(entry.with_before(was).with_after(becomes));
    Ok(refund(attempt.now, account.balance()?))
}
