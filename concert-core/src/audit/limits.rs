//! What the audit checks of limits: seats per person, and uses of codes.

use super::{Check, check};

/// Whoever got a seat under the limit in force has no more than that. `newest` is when a user got the last one: what was
/// held in time then, or is sold, was counted then. Whoever had more before the limit was changed may keep it; clocks of
/// servers may differ by a second.
macro_rules! more_seats_than {
    ($what:literal, $limited:literal, $seats:literal) => {
        concat!(
            "select concat('",
            $what,
            " ', hex(n.id), ' user ', hex(n.user_id), ': ', count(*), ' seats, limit ', n.most) from \
             (select l.id, l.max_seats_per_user as most, l.limit_changed_at, r.user_id, r.status, r.expires_at, \
             max(greatest(r.reserved_at, coalesce((select max(m.moved_at) from ticket_moves m force index (primary) \
             where m.ticket_id = r.id), r.reserved_at))) over (partition by l.id, r.user_id) as newest from ",
            $limited,
            " l ",
            $seats,
            " where l.max_seats_per_user is not null and r.live = 1) n \
             where (n.status = 'CONFIRMED' or n.expires_at > n.newest) \
             and (n.limit_changed_at is null or n.newest > n.limit_changed_at + interval 1 second) \
             group by n.id, n.user_id, n.most having count(*) > n.most limit {limit}"
        )
    };
}

pub(super) const CHECKS: &[Check] = &[
    check(
        1,
        "a user has more seats of a concert than its limit",
        more_seats_than!(
            "concert",
            "concerts",
            "straight_join reservations r force index (reservations_seat_live) on r.concert_id = l.id"
        ),
    ),
    check(
        1,
        "a user has more seats of a sale than its limit",
        more_seats_than!(
            "sale",
            "sales",
            "straight_join concerts c force index (concerts_sale) on c.sale_id = l.id \
             straight_join reservations r force index (reservations_seat_live) on r.concert_id = c.id"
        ),
    ),
    check(
        4,
        "a code was not redeemed as often as its uses say",
        "select concat('code ', hex(c.id), ': ', c.uses, ' uses, ', c.uses_left, ' left, redeemed ', c.redeemed) from \
             (select id, uses, uses_left, (select count(*) from code_redemptions r force index (code_redemptions_code) \
             where r.code_id = access_codes.id) as redeemed from access_codes) c \
             where cast(c.uses as signed) - c.uses_left <> c.redeemed limit {limit}",
    ),
    check(
        4,
        "a redemption is of no code and token of its sale",
        "select concat('token ', hex(r.token_id), ', code ', hex(r.code_id), ', sale ', hex(r.sale_id)) from code_redemptions r \
             left join access_codes c force index (primary) on c.id = r.code_id and c.sale_id = r.sale_id \
             left join tokens t force index (primary) on t.id = r.token_id and t.sale_id = r.sale_id and t.ticket = r.ticket \
             where c.id is null or t.id is null limit {limit}",
    ),
];
