//! The SQL of refunds.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::RefundPayment;
use super::decide::{Effects, Paid};
use crate::batch::Attempt;
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::id::{PaymentId, WalletEntryId};
use crate::money::Money;
use crate::operator::write_log;
use crate::reservation::SeatKey;
use crate::sql::{Reading, ResultSet, Script, Text, statements};
use crate::wallet::write_entries;

statements! {
    /// Unlocked: what is selected never changes.
    PAID {
        "select p.id, p.user_id, p.reservation_id, p.amount, r.concert_id, r.seat_number \
         from payments p straight_join reservations r on r.id = p.reservation_id where p.id in ({payments})"
    }
    MADE { "select id, balance_after, created_at from wallet_entries where id in ({entries})" }
    /// Two rows each: the reservation and its seat.
    RETURN_SEATS {
        "update reservations r force index (primary) straight_join seats s force index (primary) \
         on s.concert_id = r.concert_id and s.seat_number = r.seat_number and s.reservation_id = r.id \
         set s.is_reserved = 0, s.reservation_id = null, s.reserved_by = null, s.reserved_until = null, \
         r.status = 'REFUNDED', r.last_updated_at = {now} where {guard}r.status = 'CONFIRMED' and r.id in ({reservations})"
    }
    REFUND {
        "update payments set payment_status = 'REFUNDED', refunded_at = {now}, refunded_by = {by}, \
         refund_reason = {reason} where {guard}payment_status = 'SUCCESS' and id = {payment}"
    }
}

pub(super) fn select_paid(script: &mut Script, commands: &[RefundPayment]) -> Reading {
    let payments = commands.iter().map(|command| command.payment).collect();
    script.select_keys(&PAID, payments, |params, payments| params.list("payments", payments))
}

pub(super) fn read_paid(selected: &ResultSet, reading: &Reading) -> Result<HashMap<PaymentId, Paid>, Failure> {
    let read = |row: &MySqlRow| {
        let paid = Paid {
            user: row.try_get("user_id")?,
            reservation: row.try_get("reservation_id")?,
            seat: SeatKey { concert: row.try_get("concert_id")?, seat: row.try_get("seat_number")? },
            amount: row.try_get("amount")?,
        };
        Ok((row.try_get("id")?, paid))
    };
    selected.rows(reading).map(read).collect()
}

pub(super) fn entries_made_earlier(script: &mut Script, commands: &[RefundPayment], attempt: &Attempt) -> Reading {
    let made = commands.iter().filter(|_| attempt.may_have_committed).map(|command| command.entry);
    script.select_keys(&MADE, made.collect(), |params, entries| params.list("entries", entries))
}

/// When each was made, and the balance with it.
pub(super) fn read_entries(
    selected: &ResultSet,
    reading: &Reading,
) -> Result<HashMap<WalletEntryId, (Timestamp, Money)>, Failure> {
    let read = |row: &MySqlRow| Ok((row.try_get("id")?, (row.try_get("created_at")?, row.try_get("balance_after")?)));
    selected.rows(reading).map(read).collect()
}

pub(super) fn write(script: &mut Script, effects: &Effects, now: Timestamp) {
    let ended = effects.refunds.iter().map(|refund| refund.reservation).collect();
    script.change_keys("returning seats", 2, &RETURN_SEATS, ended, |params, reservations| {
        params.bind("now", now).list("reservations", reservations)
    });
    write_entries(script, &effects.entries);
    for refund in &effects.refunds {
        let reason = refund.reason.as_ref().map(|reason| Text(reason.as_str()));
        script.change("refunding a payment", Some(1), &REFUND, |params| {
            let params = params.bind("now", now).bind("by", Text(&refund.by)).bind("reason", reason);
            params.bind("payment", refund.payment)
        });
    }
    write_log(script, &effects.log);
}
