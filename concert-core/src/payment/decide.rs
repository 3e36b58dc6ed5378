//! The rules of paying, over rows that are locked.

use std::collections::HashMap;
use std::time::Duration;

use super::{Made, Pay, Payment};
use crate::batch::Attempt;
use crate::clock::{Timestamp, span};
use crate::error::Error;
use crate::id::{ReservationId, TokenId, UserId, WalletEntryId};
use crate::money::Money;
use crate::queue::{Token, require_active};
use crate::reservation::{Holder, Known, Reservation, Seat, SeatKey, total, why_not_held};
use crate::wallet::{Account, WalletEntry, WalletEntryKind};

/// The rows that a batch concerns.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Their status may be out of date; their seat knows.
    pub(crate) reservations: Known,
    pub(crate) tokens: HashMap<UserId, Token>,
    pub(crate) seats: HashMap<SeatKey, Seat>,
    /// How many seats those users hold unpaid whose turns may be cut short; the others are not counted.
    pub(crate) holds: HashMap<UserId, u32>,
    pub(crate) accounts: HashMap<UserId, Account>,
    /// Payments that commands of this batch made earlier: for repeated calls.
    pub(crate) made: Made,
}

/// What a batch changes.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Reservations that are paid, and their seats.
    pub(crate) sold: Vec<(ReservationId, SeatKey)>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) entries: Vec<WalletEntry>,
    /// Turns that end sooner, since their users have nothing left to pay.
    pub(crate) shortened: HashMap<TokenId, Timestamp>,
}

pub(crate) fn decide(
    mut rows: Rows,
    commands: &[Pay],
    attempt: &Attempt,
    after_payment_ttl: Duration,
) -> (Vec<Result<Vec<Payment>, Error>>, Effects) {
    let mut effects = Effects::default();
    let answers =
        commands.iter().map(|command| pay(&mut rows, &mut effects, command, attempt, after_payment_ttl)).collect();
    (answers, effects)
}

/// Refuses in this order: key reused, token not ACTIVE, no such reservation or order, not yours, nothing held (paid
/// already, given back, refunded or lapsed), wrong amount, too little balance.
fn pay(
    rows: &mut Rows,
    effects: &mut Effects,
    command: &Pay,
    attempt: &Attempt,
    after_payment_ttl: Duration,
) -> Result<Vec<Payment>, Error> {
    let (now, caller) = (attempt.now, &command.caller);
    if (caller.key.is_some() || attempt.recheck)
        && let Some(made) = paid_before(rows, command)
    {
        return made;
    }
    let token = require_active(caller, rows.tokens.get(&caller.user), now)?;
    let named = command.what.among(&rows.reservations)?;
    if named.iter().any(|reservation| reservation.user != caller.user) {
        return Err(Error::NotYours);
    }
    let due: Vec<_> = named.iter().filter(|one| rows.standing(one, now) == Standing::Held).copied().collect();
    if due.is_empty() {
        let sold = named.iter().any(|one| rows.standing(one, now) == Standing::Sold);
        return Err(why_not_held(&named, sold));
    }
    let price = total(due.iter().map(|reservation| reservation.price)).unwrap_or(Money::MAX);
    if command.amount != price {
        return Err(Error::WrongAmount { price, amount: command.amount });
    }
    let account = rows.accounts.get_mut(&caller.user).ok_or(Error::UserNotFound)?;
    if account.balance < price {
        return Err(Error::InsufficientBalance { balance: account.balance, price });
    }

    let mut payments = Vec::with_capacity(due.len());
    for reservation in due {
        let before = account.balance;
        let id = if payments.is_empty() { command.id } else { command.id_for(reservation.id) };
        account.entries += 1;
        account.balance = before.checked_sub(reservation.price).unwrap_or(Money::ZERO);
        if let Some(holder) = rows.seats.get_mut(&reservation.seat_key()).and_then(|seat| seat.holder.as_mut()) {
            holder.until = None;
        }
        effects.sold.push((reservation.id, reservation.seat_key()));
        effects.entries.push(WalletEntry {
            id: WalletEntryId::from_uuid(id.as_uuid()),
            user: caller.user,
            nth: account.entries,
            kind: WalletEntryKind::Payment,
            before,
            after: account.balance,
            payment: Some(id),
            created_at: now,
        });
        payments.push(Payment {
            id,
            user: caller.user,
            reservation: reservation.id,
            amount: reservation.price,
            paid_at: now,
        });
    }
    if let Some(holds) = rows.holds.get_mut(&caller.user) {
        *holds = holds.saturating_sub(payments.len() as u32);
        let until = now + span(after_payment_ttl);
        if until < token.expires_at && *holds == 0 {
            effects.shortened.insert(token.id, until);
        }
    }
    effects.payments.extend_from_slice(&payments);
    rows.made.extend(payments.iter().map(|payment| (payment.id, payment.clone())));
    Ok(payments)
}

/// The answer to a command that was carried out before, if it was.
fn paid_before(rows: &Rows, command: &Pay) -> Option<Result<Vec<Payment>, Error>> {
    let first = rows.made.get(&command.id)?;
    let made = match command.what.among(&rows.reservations) {
        Ok(named) => {
            let others = named.iter().filter_map(|one| rows.made.get(&command.id_for(one.id)));
            let first = named.iter().any(|one| one.id == first.reservation).then_some(first);
            first.into_iter().chain(others).cloned().collect()
        }
        Err(_) => Vec::new(),
    };
    let same = total(made.iter().map(|payment| payment.amount)) == Some(command.amount) && made.first() == Some(first);
    Some(if same { Ok(made) } else { Err(Error::IdempotencyKeyReused) })
}

/// How a reservation stands, as its seat knows.
#[derive(PartialEq, Eq)]
enum Standing {
    Held,
    Sold,
    Gone,
}

impl Rows {
    fn standing(&self, reservation: &Reservation, now: Timestamp) -> Standing {
        let seat = self.seats.get(&reservation.seat_key());
        match seat.and_then(|seat| seat.holder).filter(|holder| holder.reservation == reservation.id) {
            Some(Holder { until: None, .. }) => Standing::Sold,
            Some(holder) if holder.has_it(now) => Standing::Held,
            Some(_) | None => Standing::Gone,
        }
    }
}
