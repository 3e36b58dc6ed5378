//! What the audit checks of wallets.

use super::{Check, check};

pub(super) const CHECKS: &[Check] = &[
    check(
        3,
        "a balance is not the sum of its wallet entries",
        "select concat('user ', hex(u.id), ': balance ', max(u.balance), ', entries ', coalesce(sum(e.amount), 0)) \
             from users u force index (primary) \
             left join wallet_entries e force index (wallet_entries_user_nth) on e.user_id = u.id \
             group by u.id having max(u.balance) <> coalesce(sum(e.amount), 0) limit {limit}",
    ),
    check(
        3,
        "a balance is negative",
        "select concat('user ', hex(id), ': balance ', balance) from users where balance < 0 limit {limit}",
    ),
    check(
        3,
        "the entries of a wallet are not numbered without a gap",
        "select concat('user ', hex(u.id), ': ', max(u.entries), ' counted, ', count(distinct e.nth), ' numbers from ', \
             coalesce(min(e.nth), 0), ' to ', coalesce(max(e.nth), 0), ' on ', count(e.nth), ' entries') \
             from users u force index (primary) \
             left join wallet_entries e force index (wallet_entries_user_nth) on e.user_id = u.id \
             group by u.id having max(u.entries) <> count(e.nth) or max(u.entries) <> count(distinct e.nth) \
             or max(u.entries) <> coalesce(max(e.nth), 0) or min(e.nth) < 1 limit {limit}",
    ),
    // Each entry is compared with the one before it: a sum over a long history for each entry would take hours.
    check(
        3,
        "an entry's balance is not that of the entry before it and its amount",
        "select concat('entry ', hex(e.id), ' of user ', hex(e.user_id), ': balance ', e.balance_after, ', before it ', \
             coalesce(p.balance_after, 0), ', amount ', e.amount) from wallet_entries e \
             left join wallet_entries p force index (wallet_entries_user_nth) on p.user_id = e.user_id and p.nth = cast(e.nth as signed) - 1 and p.nth > 0 \
             where e.balance_after <> coalesce(p.balance_after, 0) + e.amount limit {limit}",
    ),
    check(
        3,
        "a wallet entry belongs to no user",
        "select concat('entry ', hex(e.id), ' of user ', hex(e.user_id)) from wallet_entries e \
             left join users u force index (primary) on u.id = e.user_id where u.id is null limit {limit}",
    ),
    // A payment has an entry that takes its amount and, once it is refunded, one that returns it. Both sides are grouped
    // together: entries have no index by payment, and a join without one would go by the server's statistics. Sorted, since a
    // table of groups, which the server makes unasked, took five times as long: 26 s a million payments.
    check(
        3,
        "a payment and its wallet entries disagree",
        "select sql_big_result concat('payment ', hex(id), ' over ', sum(due), ' ', if(sum(refunded) > 0, 'REFUNDED', 'SUCCESS'), ': ', \
             sum(takes), ' payments over ', sum(taken), ', ', sum(returns), ' refunds over ', sum(returned)) from \
             (select id, user_id, amount as due, payment_status = 'REFUNDED' as refunded, 1 as payments, \
             0 as takes, 0 as taken, 0 as returns, 0 as returned from payments union all \
             select payment_id, user_id, 0, 0, 0, kind = 'PAYMENT', case when kind = 'PAYMENT' then amount else 0 end, \
             kind = 'REFUND', case when kind = 'REFUND' then amount else 0 end \
             from wallet_entries where payment_id is not null) both_sides group by id, user_id \
             having sum(payments) > 0 and (sum(takes) <> 1 or sum(taken) <> -sum(due) or sum(returns) <> sum(refunded) \
             or sum(returned) <> if(sum(refunded) > 0, sum(due), 0)) limit {limit}",
    ),
    check(
        3,
        "a wallet entry names no payment of its user, or should name none",
        "select concat('entry ', hex(e.id), ' ', e.kind, ' of payment ', coalesce(hex(e.payment_id), 'none')) \
             from wallet_entries e left join payments p force index (primary) on p.id = e.payment_id and p.user_id = e.user_id \
             where (e.kind = 'RECHARGE' and e.payment_id is not null) or (e.kind <> 'RECHARGE' and p.id is null) \
             or e.kind not in ('RECHARGE', 'PAYMENT', 'REFUND') limit {limit}",
    ),
    check(
        3,
        "a reference was not credited by an entry of its user, or an entry's reference is not kept",
        "select concat('user ', hex(n.user_id), ', reference ', n.reference, ': entries ', n.entries, ', kept ', n.kept) \
             from (select sql_big_result user_id, reference, sum(entries) as entries, sum(kept) as kept from ( \
             select user_id, reference, 1 as entries, 0 as kept from wallet_entries \
             where reference is not null and kind = 'RECHARGE' \
             union all select user_id, reference, 0, 1 from recharge_references) each_one group by user_id, reference) n \
             where n.entries <> 1 or n.kept <> 1 limit {limit}",
    ),
];
