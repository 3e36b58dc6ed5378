//! What the audit checks of the queue.

use super::{Check, check};

pub(super) const CHECKS: &[Check] = &[
    check(
        4,
        "a user has more than one live token of a sale",
        "select concat('user ', hex(user_id), ', sale ', hex(sale_id), ': ', count(*), ' live tokens') from tokens \
             where status in ('WAITING', 'ACTIVE') group by user_id, sale_id having count(*) > 1 limit {limit}",
    ),
    check(
        4,
        "the gate's counts are not those of the tokens",
        "select concat('sale ', hex(g.sale_id), ', gate: ', g.active, ' active, ', g.waiting, ' waiting; tokens: ', \
             coalesce(t.active, 0), ', ', coalesce(t.waiting, 0)) from queue_gate g left join \
             (select sale_id, sum(status = 'ACTIVE') as active, sum(status = 'WAITING') as waiting \
             from tokens where status in ('ACTIVE', 'WAITING') group by sale_id) t on t.sale_id = g.sale_id \
             where g.active <> coalesce(t.active, 0) or g.waiting <> coalesce(t.waiting, 0) limit {limit}",
    ),
    // Of any time: a turn that has ended keeps its end, and whoever leaves gives all holds back.
    check(
        4,
        "a hold outlasts its user's turn",
        "select concat('reservation ', hex(r.id), ' until ', r.expires_at, ' of user ', hex(r.user_id)) \
             from reservations r where r.status = 'HELD' and r.bypassed_queue = 0 and not exists (select 1 \
             from tokens t force index (tokens_user_live) where t.user_id = r.user_id and t.sale_id = r.sale_id \
             and t.claimed_at <= r.reserved_at and t.expires_at >= r.expires_at \
             and coalesce(t.ended_reason, 'LAPSED') = 'LAPSED') limit {limit}",
    ),
    check(
        4,
        "a hold past the queue is not counted as one, or something else is",
        "select concat('reservation ', hex(id), ': ', held, ' held past the queue, ', counted, ' counted') from \
             (select id, sum(held) as held, sum(counted) as counted from (select id, sale_id, 1 as held, 0 as counted \
             from reservations where bypassed_queue = 1 union all select reservation_id, sale_id, 0, 1 from queue_bypasses) both_sides \
             group by id, sale_id) n where held <> 1 or counted <> 1 limit {limit}",
    ),
    // A cap that was lowered applies to tokens that are admitted from then on: the gate keeps how many may still be in.
    check(
        4,
        "there are more ACTIVE tokens than the cap allows",
        "select concat('sale ', hex(g.sale_id), ', cap ', g.max_active, ', ', g.most_active, ' may be in, ACTIVE ', t.active) \
             from queue_gate g join (select sale_id, count(*) as active from tokens where status = 'ACTIVE' \
             group by sale_id) t on t.sale_id = g.sale_id where t.active > greatest(g.max_active, g.most_active) limit {limit}",
    ),
    check(
        4,
        "the gate's count of no-shows is not that of the tokens",
        "select concat('sale ', hex(g.sale_id), ', gate: ', g.no_shows, ' no-shows; tokens: ', coalesce(t.no_shows, 0)) \
             from queue_gate g left join (select sale_id, count(*) as no_shows from tokens where ended_reason = 'NO_SHOW' \
             group by sale_id) t on t.sale_id = g.sale_id where g.no_shows <> coalesce(t.no_shows, 0) limit {limit}",
    ),
    check(
        4,
        "a turn was claimed that never began",
        "select concat('token ', hex(id), ' ', status) from tokens where claimed_at is not null and admitted_at is null limit {limit}",
    ),
    check(
        4,
        "tickets are not dense",
        "select concat('sale ', hex(g.sale_id), ', next ticket ', g.next_ticket, ', tokens ', coalesce(t.tokens, 0), \
             ', highest ticket ', coalesce(t.highest, 0)) from queue_gate g left join (select sale_id, count(*) as tokens, \
             count(distinct ticket) as tickets, max(ticket) as highest from tokens group by sale_id) t on t.sale_id = g.sale_id \
             where coalesce(t.tokens, 0) <> g.next_ticket - 1 or coalesce(t.highest, 0) <> g.next_ticket - 1 \
             or t.tickets <> t.tokens limit {limit}",
    ),
    check(
        4,
        "a token or a concert belongs to no sale with a queue",
        "select concat(n.what, ' ', hex(n.id), ' of sale ', hex(n.sale_id)) from \
             (select 'token' as what, id, sale_id from tokens union all select 'concert', id, sale_id from concerts \
             union all select 'sale', id, id from sales) n left join queue_gate g force index (primary) on g.sale_id = n.sale_id \
             left join sales s force index (primary) on s.id = n.sale_id where g.sale_id is null or s.id is null limit {limit}",
    ),
];
