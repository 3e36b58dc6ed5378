//! The SQL of payments.

use std::collections::BTreeSet;

use hashbrown::HashMap;
use rust_decimal::Decimal;
use sqlx::Row as _;

use super::decide::{CALLED_OFF, Effects, MADE};
use super::{Pay, Payment};
use crate::batch::Attempt;
use crate::caller::Fingerprint;
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::fact::{Assumed, Lookup, Test, Value};
use crate::id::{PaymentId, ReservationId, UserId};
use crate::operator::write_log;
use crate::queue::{LongerTurns, guard_turns};
use crate::reservation::{OrderRef, SeatKey, sell_seats, strike_sold, unpaid};
use crate::sql::{ByKey, Keyword, MAX_LIST, Part, Reading, ResultSet, Script, grouped, statements};
use crate::wallet::{BalanceChange, change_balances, entry_columns, strike_balances};

statements! {
    COUNT_CONCERTS {
        "select count(*) from concerts force index (primary) where id in ({concerts}) and status <> 'CANCELLED'"
    }
    BY_IDS { "select id, user_id, reservation_id, amount, paid_at, fingerprint from payments where id in ({ids})" }
    OF_ORDERS {
        "select p.id, p.user_id, p.reservation_id, p.amount, p.paid_at, p.fingerprint \
         from reservations n straight_join reservations r force index (reservations_user_deadline) \
         on r.user_id = n.user_id and (r.id = n.id or r.order_id = n.order_id) \
         straight_join payments p force index (payments_reservation_successful) \
         on p.reservation_id = r.id where n.id in ({ids})"
    }
    /// With the seats, which an operator may have swapped since this process remembered the reservations: as many
    /// reservations as seats, each at one of them, have these seats and no others.
    CONFIRM {
        "update reservations force index (primary) set status = 'CONFIRMED', last_updated_at = {now} \
         where {guard}status = 'HELD' and id in ({ids}) and ({each})",
        each Part { text: "(concert_id = {concert} and seat_number in ({seats}))", between: " or " }
    }
    INSERT { insert "payments" (id, user_id, reservation_id, amount, payment_status, paid_at, fingerprint) }
    /// The wallet entries of payments, computed from the balances after the batch, so that no balance need be read
    /// before. An entry has the id of its payment. For each entry, newer payments of the batch from the same wallet are
    /// subtracted.
    ENTER_PAYMENTS {
        concat!(
            "insert into wallet_entries (", entry_columns!(), ") select p.id, p.user_id, u.entries - {newer}, 'PAYMENT', \
             -p.amount, u.balance + {newer_sum}, p.id, p.paid_at \
             from payments p force index (primary) straight_join users u force index (primary) on u.id = p.user_id \
             where {guard}p.id in ({payments})"
        )
    }
    /// Shortens the turns of users who hold nothing else in them. What is held past the queue needs no turn.
    SHORTEN_TURNS_OF_PAID_UP {
        concat!(
            "update tokens t force index (tokens_user_live) set t.expires_at = {until}, t.last_updated_at = {now} \
             where t.live = 1 and t.user_id in ({users}) and t.sale_id = {sale} and t.expires_at > {until} \
             and (select count(*) from reservations r force index (reservations_user_deadline) \
             where r.user_id = t.user_id and r.sale_id = t.sale_id and r.bypassed_queue = 0 and ", unpaid!("r."), ") = 0"
        )
    }
}

/// Payments of repeated calls. Those of an order are found through its reservations, in a second reading.
pub(super) fn payments_made_earlier(script: &mut Script, commands: &[Pay], attempt: &Attempt) -> [Reading; 2] {
    let repeatable = || commands.iter().filter(|command| attempt.may_have_committed || command.caller.key.is_some());
    let orders = repeatable().filter_map(|command| match command.what {
        OrderRef::Reservation(_) => None,
        OrderRef::Order(order) => Some(ReservationId::from(order)),
    });
    let ids = repeatable().map(|command| command.id).collect();
    [
        script.select_keys(&BY_IDS, ids, |params, ids| params.list("ids", ids)),
        script.select_keys(&OF_ORDERS, orders.collect(), |params, ids| params.list("ids", ids)),
    ]
}

pub(super) fn read_payments(
    selected: &ResultSet,
    readings: &[Reading; 2],
) -> Result<Lookup<PaymentId, Payment>, Failure> {
    let mut made = HashMap::new();
    for row in readings.iter().flat_map(|reading| selected.rows(reading)) {
        let payment = Payment {
            id: row.try_get("id")?,
            user: row.try_get("user_id")?,
            reservation: row.try_get("reservation_id")?,
            amount: row.try_get("amount")?,
            paid_at: row.try_get("paid_at")?,
            fingerprint: Fingerprint::from_column(row.try_get("fingerprint")?),
        };
        made.insert(payment.id, payment);
    }
    Ok(Lookup::read(made))
}

/// States the assumptions of a batch of payments: those about turns by locking them, all others by the changes
/// themselves.
pub(super) fn guard(script: &mut Script, assumed: &mut Assumed, effects: &Effects, now: Timestamp) {
    // Before the lock of the turns, which counts them.
    guard_concerts(script, assumed);
    guard_turns(script, assumed, &LongerTurns::default());
    strike_sold(assumed, &effects.sold, now);
    // The change of a balance fails below zero, which is all that the rules ask of it.
    strike_balances(assumed, &spent(&effects.payments));
    assumed.strike_missing(MADE, effects.payments.iter().map(|payment| payment.id));
}

/// States that concerts are not called off. Without a lock: a payment that is committed a moment after its concert was
/// called off is refunded with the others, since whoever clears its seat waits for the seat's lock.
fn guard_concerts(script: &mut Script, assumed: &mut Assumed) {
    let asked = assumed.take(CALLED_OFF);
    if asked.iter().any(|(_, test)| *test != Test::Equals(Value::Flag(false))) {
        return assumed.put_back(CALLED_OFF, asked);
    }
    let mut concerts: Vec<_> = asked.iter().map(|(concert, _)| concert.id()).collect();
    concerts.sort_unstable();
    concerts.dedup();
    if !concerts.is_empty() {
        script.require_count("looking for concerts", concerts.len(), &COUNT_CONCERTS, |params| {
            params.list("concerts", &concerts)
        });
    }
}

/// `paid_up_until`: the turns of users who hold nothing else end then at the latest.
pub(super) fn write(script: &mut Script, effects: &Effects, now: Timestamp, paid_up_until: Option<Timestamp>) {
    let Effects { sold, payments, log, .. } = effects;
    if payments.is_empty() {
        return;
    }
    // The order of statements is the global order of locks: seats, then users.
    sell_seats(script, sold.iter().map(|(_, seat)| *seat).collect(), now);
    confirm(script, sold, now);
    script.insert(&INSERT, payments, |row, payment| {
        let row = row.bind("id", payment.id).bind("user_id", payment.user);
        let row = row.bind("reservation_id", payment.reservation).bind("amount", payment.amount);
        row.bind("payment_status", Keyword::new("SUCCESS"))
            .bind("paid_at", payment.paid_at)
            .bind("fingerprint", payment.fingerprint)
    });
    change_balances(script, &spent(payments));
    // After the balances: the entries are computed from them.
    enter(script, payments);
    write_log(script, log);
    if let Some(until) = paid_up_until {
        let payers: BTreeSet<_> = effects.payers.iter().copied().collect();
        for (sale, users) in grouped(payers) {
            // Without the gate's lock: it only brings an end forward, and no count of the gate depends on that.
            script.change("shortening turns", None, &SHORTEN_TURNS_OF_PAID_UP, |params| {
                let params = params.bind("until", until).bind("now", now).list("users", users).bind("sale", sale);
                params.bind("until", until).bind("now", now)
            });
        }
    }
}

/// Invariant: a reservation is HELD as long as it has its seat. So this count also checks who has the seats.
fn confirm(script: &mut Script, sold: &[(ReservationId, SeatKey)], now: Timestamp) {
    let mut sold = sold.to_vec();
    sold.sort_unstable();
    for sold in sold.chunks(MAX_LIST) {
        let mut seats: Vec<_> = sold.iter().map(|(_, seat)| (seat.concert, seat.seat)).collect();
        seats.sort_unstable();
        script.change("confirming", Some(sold.len()), &CONFIRM, |params| {
            let params = params.bind("now", now).list("ids", sold.iter().map(|(id, _)| *id));
            params.each_group(&seats, ["concert", "seats"])
        });
    }
}

fn spent(payments: &[Payment]) -> HashMap<UserId, BalanceChange> {
    let mut spent: HashMap<UserId, BalanceChange> = HashMap::with_capacity(payments.len());
    for payment in payments {
        spent.entry(payment.user).or_default().add(-payment.amount.as_decimal());
    }
    spent
}

fn enter(script: &mut Script, payments: &[Payment]) {
    const RESERVATION: Keyword = Keyword::new("reservation_id");
    let mut newer: HashMap<UserId, BalanceChange> = HashMap::with_capacity(payments.len());
    let mut positions = HashMap::with_capacity(payments.len());
    // Backwards: `newer` then holds what the wallet pays after the payment at hand.
    for payment in payments.iter().rev() {
        let newer = newer.entry(payment.user).or_default();
        positions.insert(payment.id, (payment.reservation, *newer));
        newer.add(payment.amount.as_decimal());
    }
    let ids = payments.iter().map(|payment| payment.id).collect();
    script.change_keys("entering payments", 1, &ENTER_PAYMENTS, ids, |params, ids| {
        let newer: Vec<(_, u32)> = ids.iter().map(|id| (positions[id].0, positions[id].1.entries)).collect();
        let sums: Vec<(_, Decimal)> = ids.iter().map(|id| (positions[id].0, positions[id].1.sum)).collect();
        let params = params.bind("newer", ByKey(RESERVATION, &newer)).bind("newer_sum", ByKey(RESERVATION, &sums));
        params.list("payments", ids)
    });
}
