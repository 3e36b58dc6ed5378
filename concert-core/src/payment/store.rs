//! The SQL of payments.

use sqlx::Row as _;

use super::decide::Effects;
use super::{Made, Pay, Payment};
use crate::batch::{Attempt, Failure};
use crate::clock::Timestamp;
use crate::id::ReservationId;
use crate::reservation::{Named, SeatKey, sell_seats};
use crate::sql::{Listed, Reading, Script, Selected, Statement, grouped};
use crate::wallet::{spend, write_entries};

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[Statement] = &[
    Statement::Listed(&BY_IDS),
    Statement::Listed(&OF_ORDERS),
    Statement::Listed(&CONFIRM),
    Statement::Listed(&INSERT),
    Statement::Listed(&SHORTEN),
    Statement::Listed(&SHORTEN_OF_PAID_UP),
];

const BY_IDS: Listed =
    Listed::of_keys("select id, user_id, reservation_id, amount, paid_at from payments where id in ({})");
const OF_ORDERS: Listed = Listed::of_keys(
    "select p.id, p.user_id, p.reservation_id, p.amount, p.paid_at \
     from reservations n straight_join reservations r force index (reservations_user_deadline) \
     on r.user_id = n.user_id and (r.id = n.id or r.order_id = n.order_id) \
     straight_join payments p force index (payments_reservation_successful) \
     on p.reservation_id = r.id where n.id in ({})",
);
const CONFIRM: Listed = Listed::of_keys(
    "update reservations force index (primary) set status = 'CONFIRMED', last_updated_at = ? \
     where status = 'HELD' and id in ({})",
);
const INSERT: Listed = Listed::of_rows(
    "insert into payments (id, user_id, reservation_id, amount, payment_status, paid_at) values {}",
    "(?,?,?,?,'SUCCESS',?)",
);
const SHORTEN: Listed = Listed::of_keys(
    "update tokens t force index (primary) set t.expires_at = ?, t.last_updated_at = ? \
     where t.status = 'ACTIVE' and t.id in ({})",
);

const SHORTEN_OF_PAID_UP: Listed = Listed::of_keys(
    "update tokens t force index (tokens_user_live) set t.expires_at = ?, t.last_updated_at = ? \
     where t.live = 1 and t.user_id in ({}) and t.expires_at > ? \
     and (select count(*) from reservations r force index (reservations_user_deadline) \
     where r.user_id = t.user_id and r.status = 'HELD' and r.expires_at > ?) = 0",
);

/// Those of an order are found by its reservations, in a second reading.
pub(super) fn payments_made_earlier(script: &mut Script, commands: &[Pay], attempt: &Attempt) -> [Reading; 2] {
    let repeatable = || commands.iter().filter(|command| attempt.recheck || command.caller.key.is_some());
    let orders = repeatable().filter_map(|command| match command.what {
        Named::Reservation(_) => None,
        Named::Order(order) => Some(ReservationId::from(order)),
    });
    [
        script.select_keys(&BY_IDS, repeatable().map(|command| command.id).collect()),
        script.select_keys(&OF_ORDERS, orders.collect()),
    ]
}

pub(super) fn read_payments(selected: &Selected, readings: &[Reading; 2]) -> Result<Made, Failure> {
    let mut made = Made::new();
    for row in readings.iter().flat_map(|reading| selected.rows(reading)) {
        let payment = Payment {
            id: row.try_get("id")?,
            user: row.try_get("user_id")?,
            reservation: row.try_get("reservation_id")?,
            amount: row.try_get("amount")?,
            paid_at: row.try_get("paid_at")?,
        };
        made.insert(payment.id, payment);
    }
    Ok(made)
}

pub(super) fn write(effects: &Effects, now: Timestamp) -> Script {
    let mut script = Script::default();
    for (until, tokens) in grouped(effects.shortened.iter().map(|(token, until)| (*until, *token))) {
        script
            .update_all("shortening turns", 1, &SHORTEN, tokens, |blanks, list| blanks.put(until).put(now).list(list));
    }
    sell(&mut script, &effects.sold, now);
    write_entries(&mut script, &effects.entries);
    insert(&mut script, &effects.payments);
    script
}

/// The payments of users who may act, each of whom is there once, for seats that they hold; or nothing, if any of that is
/// not so, or a wallet has too little. Who has nothing left to pay has a turn until `cut_to` at most.
pub(super) fn write_unread(
    script: &mut Script,
    sold: &[(ReservationId, SeatKey)],
    payments: &[Payment],
    now: Timestamp,
    cut_to: Option<Timestamp>,
) {
    sell(script, sold, now);
    insert(script, payments);
    spend(script, payments);
    if let Some(until) = cut_to {
        let users: Vec<_> = payments.iter().map(|payment| payment.user).collect();
        script.change_any_listed(&SHORTEN_OF_PAID_UP, |blanks| {
            blanks.put(until).put(now).list(users).put(until).put(now)
        });
    }
}

/// Whose reservation is HELD has its seat, if that has a deadline to come.
fn sell(script: &mut Script, sold: &[(ReservationId, SeatKey)], now: Timestamp) {
    let (reservations, seats) = sold.iter().copied().unzip();
    sell_seats(script, seats, now);
    script.update_all("confirming", 1, &CONFIRM, reservations, |blanks, list| blanks.put(now).list(list));
}

fn insert(script: &mut Script, payments: &[Payment]) {
    script.insert(&INSERT, payments, |blanks, payment| {
        blanks.put(payment.id).put(payment.user).put(payment.reservation).put(payment.amount).put(payment.paid_at)
    });
}
