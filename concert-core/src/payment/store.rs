//! The SQL of payments.

use serde::Serialize;
use sqlx::{MySqlConnection, Row as _};

use super::decide::Effects;
use super::{Made, Pay, Payment};
use crate::batch::{Attempt, Failure};
use crate::clock::Timestamp;
use crate::id::SeatNumber;
use crate::sql::{At, Hex, expect_rows, json};
use crate::wallet::write_entries;

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[&str] = &[BY_IDS, SELL_SEATS, CONFIRM, INSERT, SHORTEN];

const BY_IDS: &str = "select p.id, p.user_id, p.reservation_id, p.amount, p.paid_at \
     from json_table(?, '$[*]' columns (id varchar(32) path '$')) j \
     straight_join payments p on p.id = unhex(j.id)";
/// The seat and its reservation are two statements, so that each says how many rows it must hit.
const SELL_SEATS: &str = "update json_table(?, '$[*]' columns (concert_id varchar(32) path '$.concert_id', \
     seat_number int path '$.seat_number', reservation_id varchar(32) path '$.reservation_id')) j \
     straight_join seats s force index (primary) on s.concert_id = unhex(j.concert_id) and s.seat_number = j.seat_number \
     set s.reserved_until = null where s.reservation_id = unhex(j.reservation_id) and s.reserved_until > ?";
const CONFIRM: &str = "update json_table(?, '$[*]' columns (id varchar(32) path '$.reservation_id')) j \
     straight_join reservations r force index (primary) on r.id = unhex(j.id) \
     set r.status = 'CONFIRMED', r.last_updated_at = ? where r.status = 'HELD'";
const INSERT: &str = "insert into payments (id, user_id, reservation_id, amount, payment_status, paid_at) \
     select unhex(j.id), unhex(j.user_id), unhex(j.reservation_id), j.amount, 'SUCCESS', j.paid_at \
     from json_table(?, '$[*]' columns (id varchar(32) path '$.id', user_id varchar(32) path '$.user_id', \
     reservation_id varchar(32) path '$.reservation_id', amount decimal(10, 2) path '$.amount', \
     paid_at datetime(6) path '$.paid_at')) j";
const SHORTEN: &str = "update json_table(?, '$[*]' columns (id varchar(32) path '$.id', expires_at datetime(6) path '$.expires_at')) j \
     straight_join tokens t force index (primary) on t.id = unhex(j.id) \
     set t.expires_at = j.expires_at, t.last_updated_at = ? where t.status = 'ACTIVE'";

pub(super) async fn payments_made_earlier(
    connection: &mut MySqlConnection,
    commands: &[Pay],
    attempt: &Attempt,
) -> Result<Made, Failure> {
    let repeatable = commands.iter().filter(|command| attempt.recheck || command.caller.key.is_some());
    let ids: Vec<Hex> = repeatable.map(|command| Hex(command.id.as_uuid())).collect();
    if ids.is_empty() {
        return Ok(Made::new());
    }
    let rows = sqlx::query(BY_IDS).bind(json(&ids)?).fetch_all(connection).await?;
    let payment = |row: &sqlx::mysql::MySqlRow| {
        let payment = Payment {
            id: row.try_get("id")?,
            user: row.try_get("user_id")?,
            reservation: row.try_get("reservation_id")?,
            amount: row.try_get("amount")?,
            paid_at: row.try_get("paid_at")?,
        };
        Ok((payment.id, payment))
    };
    Ok(rows.iter().map(payment).collect::<Result<_, sqlx::Error>>()?)
}

pub(super) async fn write(connection: &mut MySqlConnection, effects: &Effects, now: Timestamp) -> Result<(), Failure> {
    if effects.payments.is_empty() {
        return Ok(());
    }
    if !effects.shortened.is_empty() {
        let rows: Vec<_> = effects
            .shortened
            .iter()
            .map(|(id, until)| ShortenRow { id: Hex(id.as_uuid()), expires_at: At(*until) })
            .collect();
        let shortened = sqlx::query(SHORTEN).bind(json(&rows)?).bind(now).execute(&mut *connection).await?;
        expect_rows(&shortened, rows.len(), "shortening turns")?;
    }
    let rows: Vec<_> = effects
        .sold
        .iter()
        .map(|(key, reservation)| SoldRow {
            concert_id: Hex(key.concert.as_uuid()),
            seat_number: key.seat,
            reservation_id: Hex(reservation.as_uuid()),
        })
        .collect();
    let sold = json(&rows)?;
    let updated = sqlx::query(SELL_SEATS).bind(&sold).bind(now).execute(&mut *connection).await?;
    expect_rows(&updated, rows.len(), "selling seats")?;
    let confirmed = sqlx::query(CONFIRM).bind(&sold).bind(now).execute(&mut *connection).await?;
    expect_rows(&confirmed, rows.len(), "confirming reservations")?;
    write_entries(connection, &effects.entries).await?;

    let rows: Vec<_> = effects.payments.iter().map(PaymentRow::new).collect();
    let inserted = sqlx::query(INSERT).bind(json(&rows)?).execute(connection).await?;
    expect_rows(&inserted, rows.len(), "adding payments")
}

#[derive(Serialize)]
struct SoldRow {
    concert_id: Hex,
    seat_number: SeatNumber,
    reservation_id: Hex,
}

#[derive(Serialize)]
struct ShortenRow {
    id: Hex,
    expires_at: At,
}

#[derive(Serialize)]
struct PaymentRow {
    id: Hex,
    user_id: Hex,
    reservation_id: Hex,
    amount: String,
    paid_at: At,
}

impl PaymentRow {
    fn new(payment: &Payment) -> Self {
        Self {
            id: Hex(payment.id.as_uuid()),
            user_id: Hex(payment.user.as_uuid()),
            reservation_id: Hex(payment.reservation.as_uuid()),
            amount: payment.amount.to_string(),
            paid_at: At(payment.paid_at),
        }
    }
}
