//! Halls that are sold out: filled straight into the tables, since paying one by one is a row of its own.

use concert_core::BoxOffice;

use crate::Failure;
use crate::world::PRICE;

/// Sells so many seats to each user, in the order of concerts and seats; every concert has `hall` seats. The rows are as sales
/// make them: ids are in the order of time, and users come in any order.
pub async fn sell(office: &BoxOffice, hall: u32, seats_per_user: u32) -> Result<(), Failure> {
    let mut connection = office.pool().acquire().await?.detach();
    let price = format!("{PRICE}.00");
    // A sale of a thousand seats a second, until now.
    let at = "@begun + interval s.n * 1000 microsecond";
    let id = "unhex(concat(lpad(hex(s.n), 12, '0'), '70008000000000000001'))";
    for statement in [
        "set session max_statement_time = 0".to_owned(),
        format!(
            "create temporary table sold (n int unsigned primary key, user_id binary(16), nth int unsigned, key (user_id)) \
             select cast(row_number() over (order by md5(u.id), q.seq) as unsigned) as n, u.id as user_id, q.seq as nth \
             from users u join seq_1_to_{seats_per_user} q"
        ),
        "set @begun = utc_timestamp(6) - interval (select count(*) from sold) * 1000 microsecond".to_owned(),
        "create temporary table halls (h int unsigned primary key) \
         select cast(row_number() over (order by id) as unsigned) as h, id as concert_id, sale_id from concerts"
            .to_owned(),
        format!(
            "insert into reservations (id, user_id, concert_id, seat_number, sale_id, status, price, performance_date, \
             reserved_at, expires_at, last_updated_at) \
             select {id}, s.user_id, h.concert_id, (s.n - 1) mod {hall} + 1, h.sale_id, \
             'CONFIRMED', {price}, c.date, {at}, {at} + interval 5 minute, {at} \
             from sold s join halls h on h.h = (s.n - 1) div {hall} + 1 join concerts c on c.id = h.concert_id"
        ),
        format!(
            "insert into payments (id, user_id, reservation_id, amount, payment_status, paid_at) \
             select {id}, s.user_id, {id}, {price}, 'SUCCESS', {at} from sold s"
        ),
        format!(
            "insert into wallet_entries (id, user_id, nth, kind, amount, balance_after, payment_id, created_at) \
             select {id}, s.user_id, s.nth + 1, 'PAYMENT', -{price}, u.balance - {price} * s.nth, \
             {id}, {at} from sold s join users u on u.id = s.user_id"
        ),
        format!("update users set balance = balance - {price} * {seats_per_user}, entries = 1 + {seats_per_user}"),
        "update seats s join reservations r on r.concert_id = s.concert_id and r.seat_number = s.seat_number \
         set s.is_reserved = 1, s.reserved_by = r.user_id, s.reservation_id = r.id"
            .to_owned(),
        "update sweep_state set swept_until = utc_timestamp(6) - interval 1 second".to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    Ok(())
}
