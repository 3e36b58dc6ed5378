//! What the audit checks of payments.

use super::{Check, check};

/// Reservations of a status that have no payment of theirs. The user who paid is the first owner: of a ticket that was
/// moved, the one whom the first move took it from.
macro_rules! unpaid {
    ($status:literal, $is_theirs:literal) => {
        concat!(
            "select concat('reservation ', hex(r.id), ' over ', r.price) from reservations r \
             left join payments p force index (payments_reservation_successful) on p.reservation_id = r.id and ",
            $is_theirs,
            " and p.amount = r.price \
             and p.user_id = coalesce((select m.from_user from ticket_moves m force index (primary) where m.ticket_id = r.id and m.nth = 1), r.user_id) \
             where r.status = '",
            $status,
            "' and p.id is null limit {limit}"
        )
    };
}

/// Payments whose reservation is missing or of another status than theirs.
macro_rules! without_reservation {
    ($status:literal, $is_theirs:literal) => {
        concat!(
            "select concat('payment ', hex(p.id), ' of reservation ', hex(p.reservation_id), ': ', coalesce(r.status, 'missing')) \
             from payments p left join reservations r force index (primary) on r.id = p.reservation_id where ",
            $is_theirs,
            " and not (r.status <=> '",
            $status,
            "') limit {limit}"
        )
    };
}

pub(super) const CHECKS: &[Check] = &[
    check(
        2,
        "a CONFIRMED reservation has no successful payment of its price by its user",
        unpaid!("CONFIRMED", "p.successful = 1"),
    ),
    check(
        2,
        "a successful payment has no CONFIRMED reservation",
        without_reservation!("CONFIRMED", "p.successful = 1"),
    ),
    check(
        2,
        "a reservation has more than one successful payment",
        "select concat('reservation ', hex(reservation_id), ': ', count(*), ' payments') from payments \
             where successful = 1 group by reservation_id having count(*) > 1 limit {limit}",
    ),
    check(
        2,
        "a REFUNDED reservation has no refunded payment of its price by its user",
        unpaid!("REFUNDED", "p.payment_status = 'REFUNDED'"),
    ),
    check(
        2,
        "a refunded payment has no REFUNDED reservation",
        without_reservation!("REFUNDED", "p.payment_status = 'REFUNDED'"),
    ),
    check(
        2,
        "a payment is half refunded",
        "select concat('payment ', hex(id), ' ', payment_status, ': refunded at ', coalesce(refunded_at, 'no time'), \
             ' by ', coalesce(refunded_by, 'nobody')) from payments \
             where payment_status not in ('SUCCESS', 'REFUNDED') or (payment_status = 'REFUNDED') <> (refunded_at is not null) \
             or (refunded_at is null) <> (refunded_by is null) limit {limit}",
    ),
    check(
        2,
        "the moves of a ticket do not lead from the user who paid to its owner",
        "select concat('ticket ', hex(m.ticket_id), ' move ', m.nth, ' from ', hex(m.from_user), ' to ', hex(m.to_user)) \
             from ticket_moves m left join ticket_moves b force index (primary) on b.ticket_id = m.ticket_id and b.nth = cast(m.nth as signed) - 1 \
             left join ticket_moves a force index (primary) on a.ticket_id = m.ticket_id and a.nth = m.nth + 1 \
             left join reservations r force index (primary) on r.id = m.ticket_id \
             where (m.nth > 1 and not (b.to_user <=> m.from_user)) \
             or (a.nth is null and not (r.user_id <=> m.to_user)) limit {limit}",
    ),
    check(
        2,
        "a concert that was called off and cleared has a successful payment",
        "select concat('concert ', hex(c.id), ' payment ', hex(p.id), ' over ', p.amount) from concerts c \
             straight_join reservations r force index (reservations_seat_live) on r.concert_id = c.id \
             straight_join payments p force index (payments_reservation_successful) on p.reservation_id = r.id \
             where c.cleared_at is not null and p.successful = 1 limit {limit}",
    ),
    check(
        2,
        "a concert is half called off",
        "select concat('concert ', hex(id), ' ', status, ': called off at ', coalesce(cancelled_at, 'no time'), ' by ', \
             coalesce(cancelled_by, 'nobody')) from concerts \
             where (status = 'CANCELLED') <> (cancelled_at is not null) or (cancelled_at is null) <> (cancelled_by is null) \
             or (cancelled_at is null) <> (cancel_reason is null) or (cleared_at is not null and cancelled_at is null) limit {limit}",
    ),
];
