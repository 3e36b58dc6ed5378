//! The SQL of refunds.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::RefundPayment;
use super::decide::{Effects, Paid};
use crate::batch::{Attempt, Failure};
use crate::clock::Timestamp;
use crate::id::{PaymentId, WalletEntryId};
use crate::money::Money;
use crate::reservation::SeatKey;
use crate::sql::{Listed, Reading, Script, Selected, Statement, Text};
use crate::wallet::write_entries;

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[Statement] =
    &[Statement::Listed(&PAID), Statement::Listed(&MADE), Statement::Listed(&RETURN_SEATS), Statement::Fixed(REFUND)];

/// Unlocked: what is selected never changes.
const PAID: Listed = Listed::of_keys(
    "select p.id, p.user_id, p.reservation_id, p.amount, r.concert_id, r.seat_number \
     from payments p straight_join reservations r on r.id = p.reservation_id where p.id in ({})",
);
const MADE: Listed = Listed::of_keys("select id, balance_after, created_at from wallet_entries where id in ({})");
/// Two rows each: the reservation and its seat.
const RETURN_SEATS: Listed = Listed::of_keys(
    "update reservations r force index (primary) straight_join seats s force index (primary) \
     on s.concert_id = r.concert_id and s.seat_number = r.seat_number and s.reservation_id = r.id \
     set s.is_reserved = 0, s.reservation_id = null, s.reserved_by = null, s.reserved_until = null, \
     r.status = 'REFUNDED', r.last_updated_at = ? where r.status = 'CONFIRMED' and r.id in ({})",
);
const REFUND: &str = "update payments set payment_status = 'REFUNDED', refunded_at = ?, refunded_by = ?, refund_reason = ? \
     where payment_status = 'SUCCESS' and id = ?";

pub(super) fn select_paid(script: &mut Script, commands: &[RefundPayment]) -> Reading {
    script.select_keys(&PAID, commands.iter().map(|command| command.payment).collect())
}

pub(super) fn read_paid(selected: &Selected, reading: &Reading) -> Result<HashMap<PaymentId, Paid>, Failure> {
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
    let made = commands.iter().filter(|_| attempt.recheck).map(|command| command.entry);
    script.select_keys(&MADE, made.collect())
}

/// When each was made, and the balance with it.
pub(super) fn read_entries(
    selected: &Selected,
    reading: &Reading,
) -> Result<HashMap<WalletEntryId, (Timestamp, Money)>, Failure> {
    let read = |row: &MySqlRow| Ok((row.try_get("id")?, (row.try_get("created_at")?, row.try_get("balance_after")?)));
    selected.rows(reading).map(read).collect()
}

pub(super) fn write(effects: &Effects, now: Timestamp) -> Script {
    let mut script = Script::default();
    let ended = effects.refunds.iter().map(|refund| refund.reservation).collect();
    script.update_all("returning seats", 2, &RETURN_SEATS, ended, |blanks, list| blanks.put(now).list(list));
    write_entries(&mut script, &effects.entries);
    for refund in &effects.refunds {
        let reason = refund.reason.as_ref().map(|reason| Text(reason.as_str()));
        script.change("refunding a payment", 1, REFUND, |blanks| {
            blanks.put(now).put(Text(refund.by.as_str())).put(reason).put(refund.payment)
        });
    }
    script
}
