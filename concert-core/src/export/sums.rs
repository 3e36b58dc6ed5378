//! What exports add up to, counted by the database: the sums that the audit and the figures go by.

use rust_decimal::Decimal;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row as _};

use super::ExportTotals;
use crate::id::ConcertId;
use crate::sql::{fetch_one, statements};

// All at once, by the column that is null once a payment was refunded: grouping by the status took half as long again.
macro_rules! paid {
    ($from:literal) => {
        concat!(
            "select count(*) as payments, coalesce(sum(p.amount), 0) as amount, \
             coalesce(sum(if(p.successful is null, p.amount, 0)), 0) as refunded, \
             count(*) - count(p.successful) as refunds from ",
            $from
        )
    };
}

statements! {
    PAYMENTS { paid!("payments p") }
    PAYMENTS_OF {
        paid!(
            "reservations r force index (reservations_seat_live) straight_join payments p \
             force index (payments_reservation_successful) on p.reservation_id = r.id where r.concert_id = {concert}"
        )
    }
    SEATS { "select count(*) as counted from seats" }
    SEATS_OF { "select count(*) as counted from seats force index (primary) where concert_id = {concert}" }
    SOLD { "select count(*) as counted, coalesce(sum(price), 0) as amount from reservations where status = 'CONFIRMED'" }
    SOLD_OF {
        "select count(*) as counted, coalesce(sum(price), 0) as amount from reservations \
         force index (reservations_seat_live) where concert_id = {concert} and status = 'CONFIRMED'"
    }
    ENTRIES { "select count(*) as counted from wallet_entries" }
    BALANCES { "select count(*) as counted, coalesce(sum(balance), 0) as amount from users" }
}

pub(super) async fn of_payments(
    connection: &mut MySqlConnection,
    concert: Option<ConcertId>,
) -> Result<ExportTotals, sqlx::Error> {
    let Paid { payments, amount, refunded, .. } = paid(connection, concert).await?;
    Ok(ExportTotals { rows: payments, amount, refunded })
}

/// What those that are sold have cost is what their reservations say, whatever the seats say.
pub(super) async fn of_seats(
    connection: &mut MySqlConnection,
    concert: Option<ConcertId>,
) -> Result<ExportTotals, sqlx::Error> {
    let sold = of_attendees(&mut *connection, concert).await?;
    let row = match concert {
        Some(concert) => fetch_one(connection, &SEATS_OF, |params| params.bind("concert", concert)).await?,
        None => fetch_one(connection, &SEATS, |params| params).await?,
    };
    Ok(ExportTotals { rows: count(&row, "counted")?, ..sold })
}

pub(super) async fn of_attendees(
    connection: &mut MySqlConnection,
    concert: Option<ConcertId>,
) -> Result<ExportTotals, sqlx::Error> {
    let row = match concert {
        Some(concert) => fetch_one(connection, &SOLD_OF, |params| params.bind("concert", concert)).await?,
        None => fetch_one(connection, &SOLD, |params| params).await?,
    };
    Ok(ExportTotals { rows: count(&row, "counted")?, amount: row.try_get("amount")?, refunded: Decimal::ZERO })
}

/// Of the house: every balance is the sum of its entries. Of a concert: each payment took its amount once, and each
/// refund returned it.
pub(super) async fn of_entries(
    connection: &mut MySqlConnection,
    concert: Option<ConcertId>,
) -> Result<ExportTotals, sqlx::Error> {
    let refunded = Decimal::ZERO;
    if concert.is_some() {
        let of_concert = paid(connection, concert).await?;
        // A payment has one entry that takes its amount, and another one that returns it once it is refunded.
        let rows = of_concert.payments + of_concert.refunds;
        return Ok(ExportTotals { rows, amount: of_concert.refunded - of_concert.amount, refunded });
    }
    let rows = count(&fetch_one(&mut *connection, &ENTRIES, |params| params).await?, "counted")?;
    // Balances and entries are two records of the same money: the audit and this compare them.
    let balances = fetch_one(connection, &BALANCES, |params| params).await?;
    Ok(ExportTotals { rows, amount: balances.try_get("amount")?, refunded })
}

/// What was paid, refunded or not, and what of it was refunded.
pub(crate) struct Paid {
    pub(crate) payments: u64,
    pub(crate) amount: Decimal,
    pub(crate) refunds: u64,
    pub(crate) refunded: Decimal,
}

/// Of one concert, or of all.
pub(crate) async fn paid(connection: &mut MySqlConnection, concert: Option<ConcertId>) -> Result<Paid, sqlx::Error> {
    let row = match concert {
        Some(concert) => fetch_one(connection, &PAYMENTS_OF, |params| params.bind("concert", concert)).await?,
        None => fetch_one(connection, &PAYMENTS, |params| params).await?,
    };
    Ok(Paid {
        payments: count(&row, "payments")?,
        amount: row.try_get("amount")?,
        refunds: count(&row, "refunds")?,
        refunded: row.try_get("refunded")?,
    })
}

fn count(row: &MySqlRow, column: &str) -> Result<u64, sqlx::Error> {
    Ok(row.try_get::<i64, _>(column)?.max(0) as u64)
}
