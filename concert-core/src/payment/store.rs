//! The SQL of payments.

use sqlx::{MySqlConnection, Row as _};

use super::decide::Effects;
use super::{Made, Pay, Payment};
use crate::batch::{Attempt, Failure};
use crate::clock::Timestamp;
use crate::sql::{Listed, Statement, expect_rows, grouped, pieces, select_all, update_all};
use crate::wallet::write_entries;

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[Statement] =
    &[Statement::Listed(&BY_IDS), Statement::Listed(&SELL), Statement::Listed(&INSERT), Statement::Listed(&SHORTEN)];

const BY_IDS: Listed =
    Listed::of_keys("select id, user_id, reservation_id, amount, paid_at from payments where id in ({})");
/// Two rows each: the reservation and its seat.
const SELL: Listed = Listed::of_keys(
    "update reservations r straight_join seats s force index (primary) \
     on s.concert_id = r.concert_id and s.seat_number = r.seat_number and s.reservation_id = r.id \
     set s.reserved_until = null, r.status = 'CONFIRMED', r.last_updated_at = ? \
     where s.reserved_until > ? and r.status = 'HELD' and r.id in ({})",
);
const INSERT: Listed = Listed {
    text: "insert into payments (id, user_id, reservation_id, amount, payment_status, paid_at) values {}",
    row: "(?,?,?,?,'SUCCESS',?)",
};
const SHORTEN: Listed = Listed::of_keys(
    "update tokens t force index (primary) set t.expires_at = ?, t.last_updated_at = ? \
     where t.status = 'ACTIVE' and t.id in ({})",
);

pub(super) async fn payments_made_earlier(
    connection: &mut MySqlConnection,
    commands: &[Pay],
    attempt: &Attempt,
) -> Result<Made, Failure> {
    let repeatable = commands.iter().filter(|command| attempt.recheck || command.caller.key.is_some());
    let ids = repeatable.map(|command| command.id).collect();
    let mut made = Made::new();
    for row in select_all(connection, &BY_IDS, |query| query, ids).await? {
        let payment = Payment {
            id: row.try_get("id")?,
            user: row.try_get("user_id")?,
            reservation: row.try_get("reservation_id")?,
            amount: row.try_get("amount")?,
            paid_at: row.try_get("paid_at")?,
        };
        made.insert(payment.id, payment);
    }
    Ok(made)
}

pub(super) async fn write(connection: &mut MySqlConnection, effects: &Effects, now: Timestamp) -> Result<(), Failure> {
    for (until, tokens) in grouped(effects.shortened.iter().map(|(token, until)| (*until, *token))) {
        update_all(connection, &SHORTEN, |query| query.bind(until).bind(now), tokens, 1, "shortening turns").await?;
    }
    update_all(connection, &SELL, |query| query.bind(now).bind(now), effects.sold.clone(), 2, "selling seats").await?;
    write_entries(connection, &effects.entries).await?;
    for piece in pieces(&effects.payments) {
        let mut query = sqlx::query(INSERT.text(piece.len()));
        for payment in piece {
            query = query
                .bind(payment.id)
                .bind(payment.user)
                .bind(payment.reservation)
                .bind(payment.amount)
                .bind(payment.paid_at);
        }
        expect_rows(&query.execute(&mut *connection).await?, piece.len(), "adding payments")?;
    }
    Ok(())
}
