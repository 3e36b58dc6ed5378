//! The rules of paying, over rows that are locked.

use std::collections::HashMap;
use std::time::Duration;

use super::{Made, Pay, Payment};
use crate::batch::Attempt;
use crate::clock::{Timestamp, span};
use crate::error::Error;
use crate::id::{ReservationId, TokenId, UserId, WalletEntryId};
use crate::queue::{Token, require_active};
use crate::reservation::{Reservation, ReservationStatus, Seat, SeatKey};
use crate::wallet::{Account, WalletEntry, WalletEntryKind};

/// The rows that a batch concerns.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Their status may be out of date; their seat knows.
    pub(crate) reservations: HashMap<ReservationId, Reservation>,
    pub(crate) tokens: HashMap<UserId, Token>,
    pub(crate) seats: HashMap<SeatKey, Seat>,
    /// How many seats each user holds unpaid; for turns that are cut short.
    pub(crate) holds: HashMap<UserId, u32>,
    pub(crate) accounts: HashMap<UserId, Account>,
    /// Payments that commands of this batch made earlier: for repeated calls.
    pub(crate) made: Made,
}

/// What a batch changes.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Reservations whose seats are sold now.
    pub(crate) sold: Vec<ReservationId>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) entries: Vec<WalletEntry>,
    /// Turns that end sooner, since their users have nothing left to pay.
    pub(crate) shortened: HashMap<TokenId, Timestamp>,
}

pub(crate) fn decide(
    mut rows: Rows,
    commands: &[Pay],
    attempt: &Attempt,
    shortened_turn: Option<Duration>,
) -> (Vec<Result<Payment, Error>>, Effects) {
    let mut effects = Effects::default();
    let answers =
        commands.iter().map(|command| pay(&mut rows, &mut effects, command, attempt, shortened_turn)).collect();
    (answers, effects)
}

/// Refuses in this order: key reused, token not ACTIVE, no such reservation, not yours, paid already, given back, refunded, lapsed,
/// wrong amount, too little balance.
fn pay(
    rows: &mut Rows,
    effects: &mut Effects,
    command: &Pay,
    attempt: &Attempt,
    shortened_turn: Option<Duration>,
) -> Result<Payment, Error> {
    let (now, caller) = (attempt.now, &command.caller);
    if (caller.key.is_some() || attempt.recheck)
        && let Some(made) = rows.made.get(&command.id)
    {
        let same = made.reservation == command.reservation && made.amount == command.amount;
        return if same { Ok(made.clone()) } else { Err(Error::IdempotencyKeyReused) };
    }
    let token = require_active(caller, rows.tokens.get(&caller.user), now)?;
    let reservation = rows.reservations.get(&command.reservation).ok_or(Error::ReservationNotFound)?;
    if reservation.user != caller.user {
        return Err(Error::NotYours);
    }
    let key = reservation.seat_key();
    let held = rows.seats.get_mut(&key).and_then(|seat| seat.holder.as_mut());
    let Some(holder) = held.filter(|holder| holder.reservation == reservation.id) else {
        return Err(match reservation.status {
            ReservationStatus::Cancelled => Error::HoldCancelled,
            ReservationStatus::Confirmed | ReservationStatus::Refunded => Error::AlreadyRefunded,
            _ => Error::HoldExpired,
        });
    };
    if holder.until.is_none() {
        return Err(Error::AlreadyPaid);
    }
    if !holder.has_it(now) {
        return Err(Error::HoldExpired);
    }
    if command.amount != reservation.price {
        return Err(Error::WrongAmount { price: reservation.price, amount: command.amount });
    }
    let account = rows.accounts.get_mut(&caller.user).ok_or(Error::UserNotFound)?;
    let before = account.balance;
    let Some(after) = before.checked_sub(reservation.price) else {
        return Err(Error::InsufficientBalance { balance: before, price: reservation.price });
    };

    account.balance = after;
    account.entries += 1;
    holder.until = None;
    effects.sold.push(reservation.id);
    let payment = Payment {
        id: command.id,
        user: caller.user,
        reservation: reservation.id,
        amount: reservation.price,
        paid_at: now,
    };
    effects.entries.push(WalletEntry {
        id: WalletEntryId::generate(),
        user: caller.user,
        nth: account.entries,
        kind: WalletEntryKind::Payment,
        before,
        after,
        payment: Some(payment.id),
        created_at: now,
    });
    let holds = rows.holds.entry(caller.user).or_default();
    *holds = holds.saturating_sub(1);
    if let Some(turn) = shortened_turn
        && *holds == 0
        && now + span(turn) < token.expires_at
    {
        effects.shortened.insert(token.id, now + span(turn));
    }
    effects.payments.push(payment.clone());
    rows.made.insert(payment.id, payment.clone());
    Ok(payment)
}
