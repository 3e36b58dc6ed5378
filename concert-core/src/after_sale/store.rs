//! The SQL of what a batch changes.

use std::collections::BTreeMap;

use super::cancelling::CALLED_OFF;
use super::rows::{Effects, Moved, Refunded};
use crate::clock::Timestamp;
use crate::id::{PaymentId, ReservationId};
use crate::operator::{Reason, write_log};
use crate::reservation::{ReservationStatus, SeatKey};
use crate::sql::{Keyword, Part, Script, Text, grouped, statements};
use crate::void_reason::VoidReason;
use crate::wallet::write_entries;

/// A reservation and its seat, which nobody has from now on; what becomes of both follows.
macro_rules! leave_seats {
    ($($set:literal),+) => {
        concat!(
            "update reservations r force index (primary) straight_join seats s force index (primary) \
             on s.concert_id = r.concert_id and s.seat_number = r.seat_number and s.reservation_id = r.id \
             set s.reservation_id = null, s.reserved_by = null, s.reserved_until = null, ", $($set),+
        )
    };
}

statements! {
    CALL_OFF {
        "update concerts set status = 'CANCELLED', cancel_reason = {reason}, cancelled_by = {by}, \
         cancelled_at = {now}, version = version + 1 where {guard}status <> 'CANCELLED' and id = {concert}"
    }
    /// Two rows each, as in all that follow: the reservation and its seat.
    RETURN_SEATS {
        leave_seats!(
            "s.is_reserved = 0, r.status = 'REFUNDED', r.last_updated_at = {now} \
             where {guard}r.status = 'CONFIRMED' and r.id in ({reservations})"
        )
    }
    KEEP_SEATS {
        leave_seats!(
            "s.is_reserved = 1, s.blocked_reason = {reason}, r.status = 'REFUNDED', r.last_updated_at = {now} \
             where {guard}r.status = 'CONFIRMED' and r.id in ({reservations})"
        )
    }
    END_HOLDS {
        leave_seats!(
            "s.is_reserved = 1, s.blocked_reason = {reason}, r.status = {status}, r.last_updated_at = {now} \
             where {guard}r.status = 'HELD' and r.id in ({reservations})"
        )
    }
    BLOCK {
        "update seats s force index (primary) set s.is_reserved = 1, \
         s.blocked_reason = coalesce(s.blocked_reason, {reason}) where {guard}s.reservation_id is null and ({each})",
        each Part { text: "(s.concert_id = {concert} and s.seat_number in ({seats}))", between: " or " }
    }
    REFUND {
        "update payments force index (primary) set payment_status = 'REFUNDED', refunded_at = {at}, refunded_by = {by}, \
         refund_reason = {reason} where {guard}payment_status = 'SUCCESS' and id in ({payments})"
    }
    /// The seat and the reservation.
    MOVE_SEAT {
        "update reservations r force index (primary) straight_join seats s force index (primary) \
         on s.concert_id = r.concert_id and s.seat_number = r.seat_number and s.reservation_id = r.id \
         set s.reserved_by = {to_user}, r.user_id = {to_user}, r.order_id = null, r.last_updated_at = {now} \
         where {guard}s.reserved_until is null and r.status = 'CONFIRMED' and r.user_id = {user} and r.id = {id}"
    }
    NAME_ORDER {
        "update reservations force index (primary) set order_id = {order_id} where {guard}user_id = {user} and id in ({ids})"
    }
    /// For gates without the network. Once the moves are there, which tell the version.
    VOID_REFUNDED {
        "insert into void_tickets (concert_id, voided_at, ticket_id, version, reason) \
         select r.concert_id, {at}, r.id, \
         1 + (select count(*) from ticket_moves m force index (primary) where m.ticket_id = r.id), 'REFUNDED' \
         from reservations r force index (primary) where r.id in ({reservations})"
    }
    VOID_MOVED {
        insert "void_tickets" (concert_id, voided_at, ticket_id, version, reason)
    }
    INSERT_MOVES {
        insert "ticket_moves" (ticket_id, nth, from_user, to_user, moved_at, moved_by, reason, entry_id)
    }
}

pub(super) fn write(script: &mut Script, effects: &Effects, now: Timestamp) {
    for called_off in &effects.called_off {
        script.change("calling a concert off", Some(1), &CALL_OFF, |params| {
            let params = params.bind("reason", Text(called_off.reason.as_str())).bind("by", Text(&called_off.by));
            params.bind("now", called_off.at).bind("concert", called_off.concert)
        });
    }
    // Before the refunds, which may be of the same tickets: a ticket that was refunded is not moved.
    effects.moves.iter().for_each(|moved| move_seat(script, moved, now));
    return_seats(script, &effects.refunds, now);
    end_holds(script, &effects.released, now);
    let blocked = effects.blocked.iter().copied().map(SeatKey::pair).collect();
    script.change_keys("blocking seats", 1, &BLOCK, blocked, |params, seats| {
        params.bind("reason", Text(CALLED_OFF)).each_group(seats, ["concert", "seats"])
    });
    write_entries(script, &effects.entries);
    refund_payments(script, &effects.refunds);
    script.insert(&INSERT_MOVES, &effects.moves, |row, Moved { change, .. }| {
        let row = row.bind("ticket_id", change.ticket).bind("nth", change.nth);
        let row = row.bind("from_user", change.from).bind("to_user", change.to).bind("moved_at", change.moved_at);
        row.bind("moved_by", Text(&change.moved_by)).bind("reason", Text(&change.reason)).bind("entry_id", change.entry)
    });
    void_tickets(script, effects);
    // After the tickets have their new owners: it counts them.
    effects.added.write(script, now);
    write_log(script, &effects.log);
}

fn return_seats(script: &mut Script, refunds: &[Refunded], now: Timestamp) {
    let mut kept: BTreeMap<Option<&str>, Vec<ReservationId>> = BTreeMap::new();
    for refund in refunds {
        kept.entry(refund.off_sale.as_deref()).or_default().push(refund.reservation);
    }
    for (reason, reservations) in kept {
        match reason {
            None => script.change_keys("returning seats", 2, &RETURN_SEATS, reservations, |params, ids| {
                params.bind("now", now).list("reservations", ids)
            }),
            Some(reason) => script.change_keys("keeping seats", 2, &KEEP_SEATS, reservations, |params, ids| {
                params.bind("reason", Text(reason)).bind("now", now).list("reservations", ids)
            }),
        }
    }
}

/// Before a move a ticket had as many owners as the move's number says.
fn void_tickets(script: &mut Script, effects: &Effects) {
    script.insert(&VOID_MOVED, &effects.moves, |row, Moved { change, seat, .. }| {
        let row = row.bind("concert_id", seat.concert).bind("voided_at", change.moved_at);
        let row = row.bind("ticket_id", change.ticket).bind("version", change.nth);
        row.bind("reason", Keyword::new(VoidReason::Moved.as_str()))
    });
    for (at, tickets) in grouped(effects.refunds.iter().map(|refund| (refund.at, refund.reservation))) {
        script.change_keys("voiding tickets", 1, &VOID_REFUNDED, tickets, |params, ids| {
            params.bind("at", at).list("reservations", ids)
        });
    }
}

fn end_holds(script: &mut Script, released: &[(ReservationId, ReservationStatus)], now: Timestamp) {
    for status in [ReservationStatus::Cancelled, ReservationStatus::Expired] {
        let holds = released.iter().filter(|(_, as_what)| *as_what == status).map(|(id, _)| *id).collect();
        script.change_keys("ending holds", 2, &END_HOLDS, holds, |params, ids| {
            let params = params.bind("reason", Text(CALLED_OFF)).bind("status", Keyword::new(status.as_str()));
            params.bind("now", now).list("reservations", ids)
        });
    }
}

/// Those of a concert that was called off have all the same record, and so one statement.
fn refund_payments(script: &mut Script, refunds: &[Refunded]) {
    let alike = |refund: &Refunded| (refund.at, refund.by.clone(), refund.reason.clone());
    for ((at, by, reason), payments) in grouped(refunds.iter().map(|refund| (alike(refund), refund.payment))) {
        let payments: Vec<PaymentId> = payments;
        script.change_keys("refunding payments", 1, &REFUND, payments, |params, ids| {
            let reason = reason.as_ref().map(|reason: &Reason| Text(reason.as_str()));
            params.bind("at", at).bind("by", Text(&by)).bind("reason", reason).list("payments", ids)
        });
    }
}

fn move_seat(script: &mut Script, Moved { change, left_behind, order, .. }: &Moved, now: Timestamp) {
    script.change("moving a ticket", Some(2), &MOVE_SEAT, |params| {
        let params = params.bind("to_user", change.to).bind("to_user", change.to).bind("now", now);
        params.bind("user", change.from).bind("id", change.ticket)
    });
    script.change_keys("naming an order", 1, &NAME_ORDER, left_behind.clone(), |params, ids| {
        params.bind("order_id", order).bind("user", change.from).list("ids", ids)
    });
}
