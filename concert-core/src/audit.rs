//! The audit: checks the invariants on the live database.

mod limits;

use serde::Serialize;
use sqlx::{MySqlPool, Row as _};
use uuid::Uuid;

use crate::db;
use crate::error::Error;
use crate::migrate;
use crate::queue;
#[cfg(any(test, feature = "internals"))]
use crate::sql::Statement;
use crate::sql::{SqlTemplate, fetch_all};

/// The most offending rows that one check shows.
const MOST_ROWS: u32 = 100;

/// What is wrong in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Violation {
    /// The number of the invariant: 1 seats, 2 payments, 3 wallets, 4 queue, 5 tables, 6 doors.
    pub invariant: u8,
    /// What does not hold.
    pub what: &'static str,
    /// The offending row: its keys and what disagrees.
    pub row: String,
}

struct Check {
    invariant: u8,
    what: &'static str,
    /// Selects one text per offending row; `limit` at most.
    statement: SqlTemplate,
}

/// Every statement, for the test that prepares and explains them.
#[cfg(any(test, feature = "internals"))]
pub(crate) fn statements() -> impl Iterator<Item = Statement> {
    CHECKS.iter().chain(limits::CHECKS).map(|check| Statement::Template(&check.statement))
}

const fn check(invariant: u8, what: &'static str, select: &'static str) -> Check {
    Check { invariant, what, statement: SqlTemplate::new(select, None) }
}

/// A join names its index, and the table before it is read in full: on tables that have just been filled the server has
/// no statistics yet, and would rather compare every row with every other.
const CHECKS: &[Check] = &[
    check(
        1,
        "a seat has more than one live reservation",
        "select concat('concert ', hex(concert_id), ' seat ', seat_number, ': ', count(*), ' live reservations') \
             from reservations where status in ('HELD', 'CONFIRMED') \
             group by concert_id, seat_number having count(*) > 1 limit {limit}",
    ),
    check(
        1,
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
    check(
        2,
        "a CONFIRMED reservation has no successful payment of its price by its user",
        "select concat('reservation ', hex(r.id), ' over ', r.price) from reservations r \
             left join payments p force index (payments_reservation_successful) on p.reservation_id = r.id and p.successful = 1 and p.amount = r.price \
             and p.user_id = coalesce((select m.from_user from ticket_moves m force index (primary) where m.ticket_id = r.id and m.nth = 1), r.user_id) \
             where r.status = 'CONFIRMED' and p.id is null limit {limit}",
    ),
    check(
        2,
        "a successful payment has no CONFIRMED reservation",
        "select concat('payment ', hex(p.id), ' of reservation ', hex(p.reservation_id), ': ', coalesce(r.status, 'missing')) \
             from payments p left join reservations r force index (primary) on r.id = p.reservation_id \
             where p.successful = 1 and not (r.status <=> 'CONFIRMED') limit {limit}",
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
        "select concat('reservation ', hex(r.id), ' over ', r.price) from reservations r \
             left join payments p force index (payments_reservation_successful) on p.reservation_id = r.id and p.payment_status = 'REFUNDED' and p.amount = r.price \
             and p.user_id = coalesce((select m.from_user from ticket_moves m force index (primary) where m.ticket_id = r.id and m.nth = 1), r.user_id) \
             where r.status = 'REFUNDED' and p.id is null limit {limit}",
    ),
    check(
        2,
        "a refunded payment has no REFUNDED reservation",
        "select concat('payment ', hex(p.id), ' of reservation ', hex(p.reservation_id), ': ', coalesce(r.status, 'missing')) \
             from payments p left join reservations r force index (primary) on r.id = p.reservation_id \
             where p.payment_status = 'REFUNDED' and not (r.status <=> 'REFUNDED') limit {limit}",
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
    check(
        3,
        "a balance is not the sum of its wallet entries",
        "select concat('user ', hex(u.id), ': balance ', u.balance, ', entries ', u.total) from \
             (select id, balance, (select coalesce(sum(e.amount), 0) from wallet_entries e force index (wallet_entries_user_nth) \
             where e.user_id = users.id) as total from users) u where u.balance <> u.total limit {limit}",
    ),
    check(
        3,
        "a balance is negative",
        "select concat('user ', hex(id), ': balance ', balance) from users where balance < 0 limit {limit}",
    ),
    check(
        3,
        "the entries of a wallet are not numbered without a gap",
        "select concat('user ', hex(u.id), ': ', u.entries, ' counted, ', u.numbered, ' numbered, the highest ', u.highest) from \
             (select id, entries, (select count(*) from wallet_entries e force index (wallet_entries_user_nth) \
             where e.user_id = users.id and e.nth > 0) as numbered, \
             (select count(distinct e.nth) from wallet_entries e force index (wallet_entries_user_nth) \
             where e.user_id = users.id and e.nth > 0) as numbers, \
             (select coalesce(max(e.nth), 0) from wallet_entries e force index (wallet_entries_user_nth) \
             where e.user_id = users.id) as highest from users) u \
             where u.entries <> u.highest or u.entries <> u.numbered or u.entries <> u.numbers limit {limit}",
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
    // together: entries have no index by payment, and a join without one would go by the server's statistics.
    check(
        3,
        "a payment and its wallet entries disagree",
        "select concat('payment ', hex(id), ' over ', sum(due), ' ', if(sum(refunded) > 0, 'REFUNDED', 'SUCCESS'), ': ', \
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
             from (select user_id, reference, sum(entries) as entries, sum(kept) as kept from ( \
             select user_id, reference, 1 as entries, 0 as kept from wallet_entries \
             where reference is not null and kind = 'RECHARGE' \
             union all select user_id, reference, 0, 1 from recharge_references) each_one group by user_id, reference) n \
             where n.entries <> 1 or n.kept <> 1 limit {limit}",
    ),
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
    check(
        1,
        "a reservation is of another sale than its concert",
        "select concat('reservation ', hex(r.id), ' of concert ', hex(r.concert_id)) from reservations r \
             join concerts c force index (primary) on c.id = r.concert_id where r.sale_id <> c.sale_id limit {limit}",
    ),
    Check { invariant: 5, what: "a table is in another engine than InnoDB", statement: migrate::OTHER_ENGINES },
];

/// Runs every check on one snapshot of the database, so that a sale in progress does not disturb it. `progress` gets how
/// many checks are done, and how many there are.
pub(crate) async fn audit(pool: &MySqlPool, mut progress: impl FnMut(usize, usize)) -> Result<Vec<Violation>, Error> {
    let mut connection = db::unhurried_connection(pool).await?;
    db::start_snapshot(&mut connection).await.map_err(db::to_error)?;
    let mut violations = Vec::new();
    let checks = || CHECKS.iter().chain(limits::CHECKS);
    for (done, check) in checks().enumerate() {
        progress(done, checks().count());
        let rows = fetch_all(&mut connection, &check.statement, |params| params.bind("limit", MOST_ROWS)).await;
        let rows = rows.map_err(db::to_error)?;
        for row in rows {
            let row: String = row.try_get(0).map_err(db::to_error)?;
            let row = with_hyphens(&row);
            violations.push(Violation { invariant: check.invariant, what: check.what, row });
        }
    }
    let draws = queue::audit_draws(&mut connection).await.map_err(db::to_error)?;
    let what = "a draw is not that of its tokens";
    violations.extend(draws.into_iter().map(|row| Violation { invariant: 4, what, row }));
    progress(checks().count(), checks().count());
    db::close(connection).await;
    Ok(violations)
}

/// How many digits an id has.
const ID_DIGITS: usize = 32;

/// The text with its ids in the form that everything takes that asks for one. The database writes them as digits in a
/// row, in capitals.
fn with_hyphens(text: &str) -> String {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte);
    let (mut written, mut rest) = (String::with_capacity(text.len() + 4), text);
    while let Some(start) = rest.bytes().position(|byte| is_digit(&byte)) {
        let end = start + rest.bytes().skip(start).take_while(u8::is_ascii_alphanumeric).count();
        let word = &rest[start..end];
        written.push_str(&rest[..start]);
        let stands_alone = !rest[..start].ends_with(|before: char| before.is_ascii_alphanumeric());
        match Uuid::try_parse(word) {
            Ok(id) if stands_alone && word.len() == ID_DIGITS && word.bytes().all(|byte| is_digit(&byte)) => {
                written.push_str(&id.hyphenated().to_string());
            }
            _ => written.push_str(word),
        }
        rest = &rest[end..];
    }
    written + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_everything_takes_them() {
        let id = "019DD2C10C5E7000800000000000000A";
        let told = "019dd2c1-0c5e-7000-8000-00000000000a";
        assert_eq!(
            with_hyphens(&format!("concert {id} seat 7: reservation {id}")),
            format!("concert {told} seat 7: reservation {told}")
        );
        for text in ["CONFIRMED 12.50", "FEED", "X019DD2C10C5E7000800000000000000A", "서울 019dd2c1", ""] {
            assert_eq!(with_hyphens(text), text);
        }
    }
}
