//! The rules of paying, over rows that are locked or assumed.

use hashbrown::HashMap;
use serde_json::json;

use super::{Pay, Payment};
use crate::batch::Attempt;
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::error::Error;
use crate::fact::{Assumptions, Column, Fact, Key, Lookup, Unread};
use crate::id::{ConcertId, PaymentId, ReservationId, SaleId, UserId};
use crate::money::Money;
use crate::operator::{Act, LogEntry};
use crate::queue::{Turns, require_active, require_shown_live};
use crate::reservation::{HoldState, Known, Reservation, Seat, SeatKey, refusal_for, total};
use crate::wallet::Account;

/// The rows that a batch concerns.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Their status may be out of date: the seat's row decides.
    pub(crate) reservations: Known,
    pub(crate) turns: Turns,
    /// Whether their concerts are called off.
    pub(crate) called_off: HashMap<ConcertId, Fact<bool>>,
    pub(crate) seats: HashMap<SeatKey, Seat>,
    pub(crate) accounts: HashMap<UserId, Account>,
    /// Payments that commands of this batch made earlier: for repeated calls.
    pub(crate) made: Lookup<PaymentId, Payment>,
}

/// May be assumed of a payment: it was not made before.
pub(super) const MADE: Column = Column("payments.id");
/// Whether a concert is called off.
pub(super) const CALLED_OFF: Column = Column("concerts called off");

pub(super) fn unread_concert(assumptions: &Assumptions, concert: ConcertId) -> Fact<bool> {
    assumptions.unread(CALLED_OFF, Key::row(concert.as_uuid()))
}

/// Whether the concerts of reservations that were read are called off.
pub(crate) fn called_off(reservations: &Known) -> HashMap<ConcertId, Fact<bool>> {
    let called_off = |one: &Reservation| (one.concert, Fact::read(one.concert_status == ConcertStatus::Cancelled));
    reservations.values().map(called_off).collect()
}

/// What a batch changes.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Reservations that are paid, and their seats.
    pub(crate) sold: Vec<(ReservationId, SeatKey)>,
    /// In the order in which they are taken from wallets. Each adds a wallet entry.
    pub(crate) payments: Vec<Payment>,
    /// Who pays, and in which sale the turn is.
    pub(crate) payers: Vec<(SaleId, UserId)>,
    pub(crate) log: Vec<LogEntry>,
}

pub(crate) fn decide(
    mut rows: Rows,
    commands: &[Pay],
    attempt: &Attempt,
) -> (Vec<Result<Vec<Payment>, Error>>, Effects) {
    let mut effects = Effects::default();
    let answers = commands.iter().map(|command| pay(&mut rows, &mut effects, command, attempt)).collect();
    (answers, effects)
}

/// Refuses in this order: key reused, token not ACTIVE (already paid, where that is so), no such reservation or order,
/// not yours, concert called off, nothing held (already paid, given back, refunded or lapsed), wrong amount, too little balance.
fn pay(rows: &mut Rows, effects: &mut Effects, command: &Pay, attempt: &Attempt) -> Result<Vec<Payment>, Error> {
    let (now, caller) = (attempt.now, &command.caller);
    // A repeated call gets its first answer, even if the turn is over. But a key is no credential, so a queue token that
    // was shown must still be in the queue. A call without a key is its own retry, and was proved before.
    if (caller.key.is_some() || attempt.may_have_committed)
        && let Some(made) = paid_before(rows, command)
        && (caller.key.is_none() || require_shown_live(caller, rows.turns.shown_by(caller), now).is_ok())
    {
        return made;
    }
    let named = named(rows, command);
    let past_queue = is_past_queue(&named);
    if let Err(inactive) = require_turn(rows, command, past_queue, now) {
        // Whoever has paid learns so, in time or not.
        let due = named.and_then(|named| due(rows, &named, now));
        return Err(if matches!(due, Err(Error::AlreadyPaid)) { Error::AlreadyPaid } else { inactive });
    }
    let named = named?;
    for reservation in &named {
        if !rows.called_off.get_mut(&reservation.concert).ok_or(Unread)?.equals(false) {
            return Err(Error::ConcertCancelled);
        }
    }
    let due = due(rows, &named, now)?;
    // A client that saw another price, or another part of the order, learns so before it pays.
    let price = total(due.iter().map(|reservation| reservation.price)).unwrap_or(Money::MAX);
    if command.amount != price {
        return Err(Error::WrongAmount { price, amount: command.amount });
    }
    let account = rows.accounts.get_mut(&caller.user).ok_or(Error::UserNotFound)?;
    if !account.can_spend(price) {
        return Err(Error::InsufficientBalance { balance: account.balance()?, price });
    }

    // Nothing is refused from here on. The rows change as well, for the next command of the batch.
    account.spend(price);
    let mut payments = Vec::with_capacity(due.len());
    for reservation in due {
        // Ids derive from the command's, so that a repeated call finds each payment.
        let is_first = payments.is_empty();
        let id = if is_first { command.id } else { command.id_for(reservation.id) };
        if let Some(seat) = rows.seats.get_mut(&reservation.seat_key()) {
            seat.pass_to(Some(reservation.id), None);
        }
        effects.sold.push((reservation.id, reservation.seat_key()));
        if !past_queue {
            effects.payers.push((reservation.sale, caller.user));
        }
        let (user, reservation, amount) = (caller.user, reservation.id, reservation.price);
        let payment = Payment {
            id,
            user,
            reservation,
            amount,
            paid_at: now,
            fingerprint: caller.fingerprint.filter(|_| is_first),
        };
        rows.made.insert(id, payment.clone());
        payments.push(payment);
    }
    effects.payments.extend_from_slice(&payments);
    if let Some(signature) = &caller.signature {
        let ids: Vec<_> = payments.iter().map(|payment| payment.id).collect();
        let after = json!({"userId": caller.user, "amount": price, "paymentIds": ids});
        effects.log.push(signature.entry(Act::Pay, command.what.into(), now).with_after(after));
    }
    Ok(payments)
}

/// What an operator held past the queue needs no turn.
fn is_past_queue(named: &Result<Vec<Reservation>, Error>) -> bool {
    matches!(named, Ok(named) if named.iter().all(|one| one.bypassed_queue))
}

/// The turn must be one in the sale. Where nothing is found that is to be paid, any turn will do to learn that.
fn require_turn(rows: &mut Rows, command: &Pay, past_queue: bool, now: Timestamp) -> Result<(), Error> {
    let caller = &command.caller;
    if past_queue {
        return require_shown_live(caller, rows.turns.shown_by(caller), now);
    }
    let named = command.what.among(&rows.reservations).ok();
    let turn = match named.and_then(|named| Some(named.first()?.sale)) {
        Some(sale) => rows.turns.in_sale(caller.user, sale),
        None => rows.turns.any_of(caller, now),
    };
    require_active(caller, turn, now)
}

/// The reservations that a command names, all of its caller.
fn named(rows: &Rows, command: &Pay) -> Result<Vec<Reservation>, Error> {
    let named: Vec<_> = command.what.among(&rows.reservations)?.into_iter().cloned().collect();
    let others = named.iter().any(|reservation| reservation.user != command.caller.user);
    if others { Err(Error::NotYours) } else { Ok(named) }
}

/// Those that are held. Refuses if none is.
fn due(rows: &mut Rows, named: &[Reservation], now: Timestamp) -> Result<Vec<Reservation>, Error> {
    let (mut due, mut sold) = (Vec::with_capacity(named.len()), false);
    // The seat decides, not the reservation's status: only the seat is locked.
    for reservation in named {
        match hold_state(&mut rows.seats, reservation, now) {
            HoldState::Held => due.push(reservation.clone()),
            HoldState::Sold => sold = true,
            HoldState::Lapsed | HoldState::Gone => {}
        }
    }
    if due.is_empty() { Err(refusal_for(named, sold)) } else { Ok(due) }
}

/// The answer to a repeated command; `None`: it was not carried out before.
fn paid_before(rows: &Rows, command: &Pay) -> Option<Result<Vec<Payment>, Error>> {
    let first = rows.made.get(command.id)?;
    // The same key with another reservation, order or amount is another request.
    if first.fingerprint != command.caller.fingerprint {
        return Some(Err(Error::IdempotencyKeyReused));
    }
    let named = command.what.among(&rows.reservations).unwrap_or_default();
    // The first payment has the id of the command, so nothing is found under the id that derives from its reservation.
    let others = named.iter().filter_map(|one| rows.made.get(command.id_for(one.id)));
    Some(Ok(std::iter::once(first).chain(others).cloned().collect()))
}

fn hold_state(seats: &mut HashMap<SeatKey, Seat>, reservation: &Reservation, now: Timestamp) -> HoldState {
    let seat = seats.get_mut(&reservation.seat_key());
    seat.map_or(HoldState::Gone, |seat| seat.hold_state(reservation.id, now))
}
