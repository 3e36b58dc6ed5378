//! How many seats a user has of a concert and of its sale, and how many more the limits allow. Read, locking nothing.

use sqlx::{MySqlPool, Row as _};

use super::ReservationStatus;
use super::limits::taken;
use crate::clock::Timestamp;
use crate::id::{ConcertId, SaleId, UserId};
use crate::sql::{fetch_all, fetch_optional, statements};

statements! {
    LIMITS {
        "select c.sale_id, c.max_seats_per_user as of_concert, s.max_seats_per_user as of_sale \
         from concerts c force index (primary) left join sales s force index (primary) on s.id = c.sale_id \
         where c.id = {concert}"
    }
    OF_USER { concat!("select concert_id, sale_id, status from ", taken!("")) }
}

/// How many seats a user has of a concert and of its sale, and how many more the limits allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserSeats {
    /// The concert.
    pub concert: ConcertId,
    /// Whose they are.
    pub user: UserId,
    /// Of the concert.
    pub of_concert: SeatCount,
    /// How many more seats of the concert the user may have, by its limit and by that of its sale; `None`: neither has one.
    pub left: Option<u32>,
    /// The concert's sale.
    pub sale: SaleId,
    /// Of all concerts of the sale.
    pub of_sale: SeatCount,
    /// How many seats the user holds unpaid, of all concerts.
    pub unpaid: u32,
    /// How many one may hold unpaid at once: [`Policy::with_max_holds_per_user`](crate::Policy::with_max_holds_per_user).
    pub max_holds_per_user: u32,
}

/// Seats that a user has, and how many one user may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeatCount {
    /// Held and not paid yet.
    pub held: u32,
    /// Paid.
    pub sold: u32,
    /// How many one user may have, held and sold together; `None`: there is no limit.
    pub max_seats_per_user: Option<u32>,
}

impl SeatCount {
    /// How many more the user may have; `None`: there is no limit.
    #[must_use]
    pub fn left(&self) -> Option<u32> {
        self.max_seats_per_user.map(|most| most.saturating_sub(self.held + self.sold))
    }

    const fn add(&mut self, status: ReservationStatus) {
        match status {
            ReservationStatus::Confirmed => self.sold += 1,
            _ => self.held += 1,
        }
    }
}

/// `None`: there is no such concert.
pub(crate) async fn user_seats(
    pool: &MySqlPool,
    (user, concert): (UserId, ConcertId),
    max_holds_per_user: u32,
    now: Timestamp,
) -> Result<Option<UserSeats>, sqlx::Error> {
    let Some(limits) = fetch_optional(pool, &LIMITS, |params| params.bind("concert", concert)).await? else {
        return Ok(None);
    };
    let sale: SaleId = limits.try_get("sale_id")?;
    let limited = |max_seats_per_user| SeatCount { max_seats_per_user, ..SeatCount::default() };
    let mut of_concert = limited(limits.try_get("of_concert")?);
    let mut of_sale = limited(limits.try_get("of_sale")?);
    let mut unpaid = 0;
    for row in fetch_all(pool, &OF_USER, |params| params.list("users", [user]).bind("now", now)).await? {
        let status = ReservationStatus::from_column(row.try_get("status")?)?;
        unpaid += u32::from(status == ReservationStatus::Held);
        if row.try_get::<ConcertId, _>("concert_id")? == concert {
            of_concert.add(status);
        }
        if row.try_get::<SaleId, _>("sale_id")? == sale {
            of_sale.add(status);
        }
    }
    let left = [of_concert.left(), of_sale.left()].into_iter().flatten().min();
    Ok(Some(UserSeats { concert, user, of_concert, left, sale, of_sale, unpaid, max_holds_per_user }))
}
