//! What the database has at the end, read row by row.

use std::collections::HashMap;

use concert_core::{ConcertId, PaymentId, ReservationId, UserId};
use rust_decimal::Decimal;
use sqlx::{MySqlPool, Row as _};

use crate::Failure;
use crate::stage::Stage;

/// A reservation, as far as it is compared.
#[derive(Debug, Clone)]
pub struct There {
    pub user: UserId,
    pub concert: ConcertId,
    pub seat: i32,
    pub price: Decimal,
    pub status: String,
}

/// A payment, as far as it is compared.
#[derive(Debug, Clone)]
pub struct PaidThere {
    pub user: UserId,
    pub reservation: ReservationId,
    pub amount: Decimal,
    pub is_refunded: bool,
}

#[derive(Debug, Default)]
pub struct Found {
    /// Of all who came.
    pub balances: HashMap<UserId, Decimal>,
    pub reservations: HashMap<ReservationId, There>,
    pub payments: HashMap<PaymentId, PaidThere>,
    /// How often the leaked code was redeemed.
    pub leaked: u32,
}

impl Found {
    pub async fn read(stage: &Stage, concerts: [ConcertId; 2], leaked: uuid::Uuid) -> Result<Self, Failure> {
        let pool = stage.office.pool();
        let mut found = Self { balances: balances(pool, &stage.users).await?, ..Self::default() };
        let of_concerts = "select id, user_id, concert_id, seat_number, price, status from reservations \
                           where concert_id in (?, ?)";
        for row in sqlx::query(of_concerts).bind(concerts[0]).bind(concerts[1]).fetch_all(pool).await? {
            let there = There {
                user: row.try_get("user_id")?,
                concert: row.try_get("concert_id")?,
                seat: row.try_get("seat_number")?,
                price: row.try_get("price")?,
                status: row.try_get("status")?,
            };
            found.reservations.insert(row.try_get("id")?, there);
        }
        let payments = "select p.id, p.user_id, p.reservation_id, p.amount, p.refunded_at is not null as is_refunded \
                        from payments p join reservations r on r.id = p.reservation_id where r.concert_id in (?, ?)";
        for row in sqlx::query(payments).bind(concerts[0]).bind(concerts[1]).fetch_all(pool).await? {
            let paid = PaidThere {
                user: row.try_get("user_id")?,
                reservation: row.try_get("reservation_id")?,
                amount: row.try_get("amount")?,
                is_refunded: row.try_get("is_refunded")?,
            };
            found.payments.insert(row.try_get("id")?, paid);
        }
        let redeemed = "select count(*) from code_redemptions where code_id = ?";
        let redeemed: i64 = sqlx::query_scalar(redeemed).bind(leaked).fetch_one(pool).await?;
        found.leaked = u32::try_from(redeemed)?;
        Ok(found)
    }
}

/// Those who came have nothing unless a row says otherwise.
async fn balances(pool: &MySqlPool, users: &[UserId]) -> Result<HashMap<UserId, Decimal>, Failure> {
    let mut balances: HashMap<_, _> = users.iter().map(|user| (*user, Decimal::ZERO)).collect();
    for row in sqlx::query("select id, balance from users where balance <> 0").fetch_all(pool).await? {
        if let Some(balance) = balances.get_mut(&row.try_get("id")?) {
            *balance = row.try_get("balance")?;
        }
    }
    Ok(balances)
}
