//! Payments as buyers and operators look back on them.

use serde::Serialize;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::id::{ConcertId, PaymentId, ReservationId, SeatNumber, UserId};
use crate::money::Money;
use crate::page::{Page, Paged};
use crate::sql::{fetch_all, fetch_optional, statements};

macro_rules! payments {
    ($which:literal) => {
        concat!(
            "select p.id, p.user_id, p.reservation_id, r.concert_id, c.concert_name, c.status as concert_status, r.seat_number, p.amount, \
             p.payment_status, p.paid_at, p.refunded_at from payments p straight_join reservations r \
             on r.id = p.reservation_id straight_join concerts c on c.id = r.concert_id ",
            $which
        )
    };
}

statements! {
    BY_ID { payments!("where p.id = {id}") }
    NEWEST { payments!("where p.user_id = {user} order by p.paid_at desc, p.id desc limit {limit}") }
    OLDER {
        payments!(
            "where p.user_id = {user} and (p.paid_at < {paid_at} or (p.paid_at = {paid_at} and p.id < {id})) \
             order by p.paid_at desc, p.id desc limit {limit}"
        )
    }
    PAGE_START { "select paid_at from payments where id = {id} and user_id = {user}" }
}

/// The state of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum PaymentStatus {
    /// The seat is paid.
    Success,
    /// The money went back to the wallet.
    Refunded,
}

impl PaymentStatus {
    /// Every state.
    pub const ALL: [Self; 2] = [Self::Success, Self::Refunded];

    /// The status as the database writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Refunded => "REFUNDED",
        }
    }

    pub(crate) fn from_column(text: &str) -> Result<Self, sqlx::Error> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| sqlx::Error::Decode(format!("{text} is no status of a payment").into()))
    }
}

/// A payment with its seat and its state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaymentView {
    /// Its id.
    pub id: PaymentId,
    /// Who paid.
    pub user: UserId,
    /// For which reservation.
    pub reservation: ReservationId,
    /// The concert.
    pub concert: ConcertId,
    /// Its name.
    pub concert_name: String,
    /// Its status: CANCELLED once it is called off.
    pub concert_status: ConcertStatus,
    /// The seat.
    pub seat: SeatNumber,
    /// How much.
    pub amount: Money,
    /// Its state.
    pub status: PaymentStatus,
    /// When it was paid.
    pub paid_at: Timestamp,
    /// When it was refunded, if it was.
    pub refunded_at: Option<Timestamp>,
}

pub(crate) async fn payment(pool: &MySqlPool, id: PaymentId) -> Result<Option<PaymentView>, sqlx::Error> {
    let row = fetch_optional(pool, &BY_ID, |params| params.bind("id", id)).await?;
    row.as_ref().map(read_payment).transpose()
}

/// A page of a user's payments; `None`: the page starts after something that is not a payment of this user.
pub(crate) async fn payments_of(
    pool: &MySqlPool,
    user: UserId,
    page: &Page<PaymentId>,
) -> Result<Option<Paged<PaymentView>>, sqlx::Error> {
    let rows = match page.starting_after() {
        None => fetch_all(pool, &NEWEST, |params| params.bind("user", user).bind("limit", page.rows())).await?,
        Some(last) => {
            let start = fetch_optional(pool, &PAGE_START, |params| params.bind("id", last).bind("user", user)).await?;
            let Some(start) = start else { return Ok(None) };
            let paid_at: Timestamp = start.try_get("paid_at")?;
            let older = fetch_all(pool, &OLDER, |params| {
                let params = params.bind("user", user).bind("paid_at", paid_at).bind("paid_at", paid_at);
                params.bind("id", last).bind("limit", page.rows())
            });
            older.await?
        }
    };
    Ok(Some(page.of(rows.iter().map(read_payment).collect::<Result<_, _>>()?)))
}

fn read_payment(row: &MySqlRow) -> Result<PaymentView, sqlx::Error> {
    Ok(PaymentView {
        id: row.try_get("id")?,
        user: row.try_get("user_id")?,
        reservation: row.try_get("reservation_id")?,
        concert: row.try_get("concert_id")?,
        concert_name: row.try_get("concert_name")?,
        concert_status: ConcertStatus::from_column(row.try_get("concert_status")?)?,
        seat: row.try_get("seat_number")?,
        amount: row.try_get("amount")?,
        status: PaymentStatus::from_column(row.try_get("payment_status")?)?,
        paid_at: row.try_get("paid_at")?,
        refunded_at: row.try_get("refunded_at")?,
    })
}
