//! What the audit checks of seats and reservations.

use super::{Check, check};

pub(super) const CHECKS: &[Check] = &[
    check(
        1,
        "a seat has more than one live reservation",
        "select concat('concert ', hex(concert_id), ' seat ', seat_number, ': ', count(*), ' live reservations') \
             from reservations where status in ('HELD', 'CONFIRMED') \
             group by concert_id, seat_number having count(*) > 1 limit {limit}",
    ),
    check(
        1,
        // Seat and reservation name each other: this looks from the seat, the next check from the reservation.
        "a seat disagrees with the reservation it names",
        "select concat('concert ', hex(s.concert_id), ' seat ', s.seat_number, ': reservation ', hex(s.reservation_id), \
             ' is ', coalesce(r.status, 'missing')) \
             from seats s left join reservations r force index (primary) on r.id = s.reservation_id and r.concert_id = s.concert_id \
             and r.seat_number = s.seat_number and r.user_id = s.reserved_by \
             and ((s.reserved_until is null and r.status = 'CONFIRMED') \
             or (s.reserved_until = r.expires_at and r.status = 'HELD')) \
             where s.reservation_id is not null and r.id is null limit {limit}",
    ),
    check(
        1,
        "a live reservation does not have its seat",
        "select concat('reservation ', hex(r.id), ' ', r.status, ': seat ', r.seat_number, ' of concert ', hex(r.concert_id), \
             ' has ', coalesce(hex(s.reservation_id), 'none')) \
             from reservations r left join seats s force index (primary) on s.concert_id = r.concert_id and s.seat_number = r.seat_number \
             where r.status in ('HELD', 'CONFIRMED') and not (s.reservation_id <=> r.id) limit {limit}",
    ),
    check(
        1,
        "a seat is half reserved",
        "select concat('concert ', hex(concert_id), ' seat ', seat_number, ': is_reserved ', is_reserved) from seats \
             where is_reserved <> (reservation_id is not null or blocked_reason is not null) \
             or (reserved_by is null) <> (reservation_id is null) \
             or (reservation_id is null and reserved_until is not null) limit {limit}",
    ),
    check(
        1,
        "a seat that is not on sale is held or sold",
        "select concat('concert ', hex(concert_id), ' seat ', seat_number, ': reservation ', hex(reservation_id)) \
             from seats force index (seats_blocked) where blocked_reason is not null and reservation_id is not null limit {limit}",
    ),
    check(
        1,
        "two seats of a row have the same place",
        "select concat('concert ', hex(concert_id), ' section ', coalesce(section, ''), ' row ', seat_row, ' place ', place) \
             from seats where place is not null and seat_row is not null \
             group by concert_id, section, seat_row, place having count(*) > 1 limit {limit}",
    ),
    check(
        1,
        "an order is of more than one user or concert, or its holds have different deadlines",
        "select concat('order ', hex(order_id), ': ', count(*), ' reservations') from reservations \
             where order_id is not null group by order_id \
             having count(distinct user_id) > 1 or count(distinct concert_id) > 1 \
             or count(distinct case when status = 'HELD' then expires_at end) > 1 limit {limit}",
    ),
    // While it is being cleared, it may have all of these. Once it is cleared, none.
    check(
        1,
        "a concert that was called off and cleared has a seat that is on sale, held or sold",
        "select concat('concert ', hex(c.id), ' seat ', s.seat_number, ': is_reserved ', s.is_reserved, ', reservation ', \
             coalesce(hex(s.reservation_id), 'none')) from concerts c \
             straight_join seats s force index (primary) on s.concert_id = c.id \
             where c.cleared_at is not null and not (s.is_reserved = 1 and s.reservation_id is null) limit {limit}",
    ),
    check(
        1,
        "a concert that was called off and cleared has a hold or a sold seat",
        "select concat('concert ', hex(c.id), ' reservation ', hex(r.id), ': ', r.status) from concerts c \
             straight_join reservations r force index (reservations_seat_live) on r.concert_id = c.id \
             where c.cleared_at is not null and r.live = 1 limit {limit}",
    ),
    check(
        1,
        "a reservation is of another sale than its concert",
        "select concat('reservation ', hex(r.id), ' of concert ', hex(r.concert_id)) from reservations r \
             join concerts c force index (primary) on c.id = r.concert_id where r.sale_id <> c.sale_id limit {limit}",
    ),
];
