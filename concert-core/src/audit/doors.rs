//! What the audit checks of the doors.

use super::{Check, check};

pub(super) const CHECKS: &[Check] = &[
    check(
        6,
        "a ticket is checked in that was never sold, or at the door of another concert",
        "select concat('check-in ', hex(k.ticket_id), ' concert ', hex(k.concert_id), ' gate ', k.gate, ': ', \
             coalesce(r.status, 'missing')) \
             from check_ins k left join reservations r force index (primary) on r.id = k.ticket_id and r.concert_id = k.concert_id \
             and r.status in ('CONFIRMED', 'REFUNDED') where r.id is null limit {limit}",
    ),
    check(
        6,
        "a ticket is checked in with a version that it never had",
        "select concat('check-in ', hex(k.ticket_id), ' version ', k.version) from check_ins k \
             where k.version < 1 or k.version > 1 + (select count(*) from ticket_moves m force index (primary) \
             where m.ticket_id = k.ticket_id) limit {limit}",
    ),
    check(
        6,
        "a check-in is not in the operators' log",
        "select concat('check-in ', hex(k.ticket_id), ' entry ', hex(k.entry_id)) from check_ins k \
             left join operator_log l force index (primary) on l.id = k.entry_id and l.act = 'CHECK_IN' \
             and l.subject_id = k.ticket_id where l.id is null limit {limit}",
    ),
    check(
        6,
        "a refunded ticket is not among the void ones",
        "select concat('ticket ', hex(r.id)) from payments p \
             straight_join reservations r force index (primary) on r.id = p.reservation_id and r.status = 'REFUNDED' \
             left join void_tickets v force index (primary) on v.concert_id = r.concert_id and v.voided_at = p.refunded_at \
             and v.ticket_id = r.id where p.payment_status = 'REFUNDED' and v.ticket_id is null limit {limit}",
    ),
    check(
        6,
        "an earlier version of a moved ticket is not among the void ones",
        "select concat('ticket ', hex(m.ticket_id), ' version ', m.nth) from ticket_moves m \
             straight_join reservations r force index (primary) on r.id = m.ticket_id \
             left join void_tickets v force index (primary) on v.concert_id = r.concert_id and v.voided_at = m.moved_at \
             and v.ticket_id = m.ticket_id and v.version = m.nth where v.ticket_id is null limit {limit}",
    ),
];
