//! What operators ask of a large database: whether the books are right, and how the sale goes.

use std::time::Instant;

use concert_core::{BoxOffice, Operator};

use crate::report::{Row, Target};
use crate::world::{self, PRICE, World};
use crate::{Failure, Opts};

/// How many seats each concert has.
const HALL: u32 = 50_000;
/// One in so many seats is sold, each to a user of its own.
const SEATS_PER_USER: u32 = 5;
/// How often the figures are read; the median counts.
const READINGS: usize = 5;

/// The audit and the figures where millions of seats and users are in the tables.
pub async fn books(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let office = world.office("books").await?;
    for _ in 0..opts.seats.div_ceil(HALL) {
        world::concert(&office, HALL).await?;
    }
    let users = opts.seats / SEATS_PER_USER;
    world::users(&office, users as usize).await?;
    sell(&office).await?;
    let operator = office.operator(Operator::application());
    let mut readings = Vec::with_capacity(READINGS);
    let mut payments = 0;
    for _ in 0..READINGS {
        let begun = Instant::now();
        payments = operator.figures().await?.payments;
        readings.push(begun.elapsed().as_secs_f64());
    }
    if payments != u64::from(users) {
        return Err(format!("{payments} payments are counted instead of {users}").into());
    }
    readings.sort_by(f64::total_cmp);
    let begun = Instant::now();
    world::close(office).await?;
    let (audited, read) = (begun.elapsed().as_secs_f64(), readings[READINGS / 2]);
    let over = format!("{} seats, {users} users and payments", opts.seats);
    Ok(vec![
        Row::figure(format!("audit, {over}"), format!("{audited:.1} s"), audited, "s", Target::AtMost(60.0)),
        Row::figure(format!("figures of `status`, {over}"), format!("{read:.2} s"), read, "s", Target::AtMost(1.0))
            .note(format!("median of {READINGS} readings")),
    ])
}

/// Sells each user a seat, straight into the tables: paying one by one is another row.
async fn sell(office: &BoxOffice) -> Result<(), Failure> {
    let mut connection = office.pool().acquire().await?.detach();
    let price = format!("{PRICE}.00");
    for statement in [
        "set session max_statement_time = 0".to_owned(),
        "create temporary table sold (n int unsigned primary key, user_id binary(16), key (user_id)) \
         select cast(row_number() over (order by id) as unsigned) as n, id as user_id from users"
            .to_owned(),
        "create temporary table halls (h int unsigned primary key) \
         select cast(row_number() over (order by id) as unsigned) as h, id as concert_id, sale_id from concerts"
            .to_owned(),
        format!(
            "insert into reservations (id, user_id, concert_id, seat_number, sale_id, status, price, performance_date, \
             reserved_at, expires_at, last_updated_at) \
             select unhex(md5(concat('r', s.n))), s.user_id, h.concert_id, (s.n - 1) mod {HALL} + 1, h.sale_id, \
             'CONFIRMED', {price}, c.date, now(6), now(6) + interval 5 minute, now(6) \
             from sold s join halls h on h.h = (s.n - 1) div {HALL} + 1 join concerts c on c.id = h.concert_id"
        ),
        format!(
            "insert into payments (id, user_id, reservation_id, amount, payment_status, paid_at) \
             select unhex(md5(concat('p', n))), user_id, unhex(md5(concat('r', n))), {price}, 'SUCCESS', now(6) from sold"
        ),
        format!(
            "insert into wallet_entries (id, user_id, nth, kind, amount, balance_after, payment_id, created_at) \
             select unhex(md5(concat('w', s.n))), s.user_id, 2, 'PAYMENT', -{price}, u.balance - {price}, \
             unhex(md5(concat('p', s.n))), now(6) from sold s join users u on u.id = s.user_id"
        ),
        format!("update users set balance = balance - {price}, entries = 2"),
        "update seats s join reservations r on r.concert_id = s.concert_id and r.seat_number = s.seat_number \
         set s.is_reserved = 1, s.reserved_by = r.user_id, s.reservation_id = r.id"
            .to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    Ok(())
}
