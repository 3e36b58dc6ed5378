//! How far it is with concerts that are called off. All of it is derived from the rows of seats, reservations and
//! payments, so it survives any process.

use std::time::Duration;

use rust_decimal::Decimal;
use sqlx::{MySqlPool, Row as _};

use super::Cancellation;
use crate::clock::{Timestamp, span};
use crate::concert_status::ConcertStatus;
use crate::id::{ConcertId, SeatNumber};
use crate::sql::{execute, fetch_all, fetch_optional, statements};

/// Whoever clears a concert says so this often, at least. Without it for so long, another process goes on.
pub(crate) const LEASE: Duration = Duration::from_secs(5);

/// A seat `s` that is cleared: off sale, and nobody's. It stays so.
macro_rules! cleared {
    () => {
        "s.is_reserved = 1 and s.reservation_id is null"
    };
}

statements! {
    CONCERT {
        "select concert_name, status, cancel_reason, cancelled_by, cancelled_at, cleared_at from concerts \
         where id = {concert}"
    }
    /// Those that were refunded before the concert was called off are not counted.
    PAYMENTS {
        "select count(*) as payments, coalesce(sum(p.amount), 0) as amount, \
         coalesce(sum(p.payment_status = 'REFUNDED'), 0) as refunded, \
         coalesce(sum(case when p.payment_status = 'REFUNDED' then p.amount else 0 end), 0) as amount_refunded \
         from concerts c straight_join reservations r force index (reservations_seat_live) on r.concert_id = c.id \
         straight_join payments p force index (payments_reservation_successful) on p.reservation_id = r.id \
         where c.id = {concert} and (p.payment_status = 'SUCCESS' or p.refunded_at >= c.cancelled_at)"
    }
    HOLDS {
        "select coalesce(sum(r.status = 'HELD' and r.expires_at > {now}), 0) as holds, \
         coalesce(sum(r.status = 'CANCELLED' and r.last_updated_at >= c.cancelled_at), 0) as released \
         from concerts c straight_join reservations r force index (reservations_seat_live) on r.concert_id = c.id \
         where c.id = {concert}"
    }
    SEATS {
        concat!(
            "select s.seat_number from seats s force index (primary) where s.concert_id = {concert} \
             and s.seat_number > {last} and not (", cleared!(), ") order by s.seat_number limit {limit}"
        )
    }
    RENEW { "update concerts set clearing_at = {at} where id = {concert}" }
    FINISH {
        concat!(
            "update concerts c set c.cleared_at = {now} where c.id = {concert} \
             and c.status = 'CANCELLED' and c.cleared_at is null and not exists (select 1 from seats s \
             force index (primary) where s.concert_id = c.id and not (", cleared!(), "))"
        )
    }
    UNFINISHED {
        "select id from concerts force index (concerts_to_clear) where status = 'CANCELLED' and cleared_at is null \
         and (clearing_at is null or clearing_at <= {at}) limit {limit}"
    }
}

/// How far it is; of a concert that is not called off, what it would come to. `None`: there is no such concert.
pub(crate) async fn cancellation(
    pool: &MySqlPool,
    concert: ConcertId,
    now: Timestamp,
) -> Result<Option<Cancellation>, sqlx::Error> {
    let Some(row) = fetch_optional(pool, &CONCERT, |params| params.bind("concert", concert)).await? else {
        return Ok(None);
    };
    let found = Cancellation {
        concert,
        concert_name: row.try_get("concert_name")?,
        status: ConcertStatus::from_column(row.try_get("status")?)?,
        reason: row.try_get("cancel_reason")?,
        cancelled_at: row.try_get("cancelled_at")?,
        cancelled_by: row.try_get("cancelled_by")?,
        payments: 0,
        refunded: 0,
        amount: Decimal::ZERO,
        amount_refunded: Decimal::ZERO,
        holds: 0,
        holds_released: 0,
        stuck: Vec::new(),
        done: row.try_get::<Option<Timestamp>, _>("cleared_at")?.is_some(),
    };
    let count = |number: Decimal| u64::try_from(number).map_err(|error| sqlx::Error::Decode(error.into()));
    let (payments, holds) = (
        fetch_optional(pool, &PAYMENTS, |params| params.bind("concert", concert)).await?,
        fetch_optional(pool, &HOLDS, |params| params.bind("now", now).bind("concert", concert)).await?,
    );
    let (Some(payments), Some(holds)) = (payments, holds) else { return Ok(None) };
    Ok(Some(Cancellation {
        payments: payments.try_get::<i64, _>("payments")?.max(0) as u64,
        refunded: count(payments.try_get("refunded")?)?,
        amount: payments.try_get("amount")?,
        amount_refunded: payments.try_get("amount_refunded")?,
        holds: count(holds.try_get("holds")?)?,
        holds_released: count(holds.try_get("released")?)?,
        ..found
    }))
}

/// The next seats that are not cleared, by number.
pub(crate) async fn next_seats(
    pool: &MySqlPool,
    concert: ConcertId,
    after: Option<SeatNumber>,
    most: usize,
) -> Result<Vec<SeatNumber>, sqlx::Error> {
    let rows = fetch_all(pool, &SEATS, |params| {
        params.bind("concert", concert).bind("last", after.map_or(0, SeatNumber::get)).bind("limit", most)
    });
    rows.await?.iter().map(|row| row.try_get("seat_number")).collect()
}

/// Says that this process clears the concert at this moment; `None`: that it leaves it to whoever looks next.
pub(crate) async fn renew(pool: &MySqlPool, concert: ConcertId, at: Option<Timestamp>) -> Result<(), sqlx::Error> {
    execute(pool, &RENEW, |params| params.bind("at", at).bind("concert", concert)).await.map(drop)
}

/// Records that the concert is cleared, if every seat is.
pub(crate) async fn finish(pool: &MySqlPool, concert: ConcertId, now: Timestamp) -> Result<(), sqlx::Error> {
    execute(pool, &FINISH, |params| params.bind("now", now).bind("concert", concert)).await.map(drop)
}

/// Concerts that are called off, not cleared, and that no process clears now; a few of them.
pub(crate) async fn unfinished(pool: &MySqlPool, now: Timestamp) -> Result<Vec<ConcertId>, sqlx::Error> {
    const MOST: u32 = 8;
    let rows = fetch_all(pool, &UNFINISHED, |params| params.bind("at", now - span(LEASE)).bind("limit", MOST)).await?;
    rows.iter().map(|row| row.try_get("id")).collect()
}
