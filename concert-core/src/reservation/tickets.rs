//! The seats that a user has bought, newest first, in pages.

use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::newest_first::NewestFirst;
use super::{Reservation, concert_status, read_reservation, reservation_columns};
use crate::clock::Timestamp;
use crate::id::{PaymentId, ReservationId, UserId};
use crate::page::{Page, Paged};
use crate::sql::statements;

macro_rules! tickets {
    ($which:literal) => {
        concat!(
            "select ", reservation_columns!("r."), ", ", concert_status!("r."), ", s.section, s.seat_row, s.marks, c.concert_name, c.date, c.start_time, \
             p.id as payment_id, p.paid_at from reservations r force index (reservations_user_deadline) \
             straight_join concerts c on c.id = r.concert_id \
             left join seats s on s.concert_id = r.concert_id and s.seat_number = r.seat_number \
             left join payments p force index (payments_reservation_successful) on p.reservation_id = r.id and p.successful = 1 \
             where r.user_id = {user} and r.status = 'CONFIRMED'",
            $which,
            " order by r.reserved_at desc, r.id desc limit {limit}"
        )
    };
}

statements! {
    NEWEST { tickets!("") }
    OLDER { tickets!(" and (r.reserved_at < {reserved_at} or (r.reserved_at = {reserved_at} and r.id < {id}))") }
    PAGE_START { "select reserved_at from reservations where id = {id} and user_id = {user}" }
}

/// The pages of the list.
const PAGES: NewestFirst = NewestFirst { newest: &NEWEST, older: &OLDER, start: &PAGE_START };

/// A seat that its user has bought.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnTicket {
    /// What was bought. Its id is the ticket's.
    pub reservation: Reservation,
    /// The name of the concert.
    pub concert_name: Arc<str>,
    /// Its date, in the zone of its venue.
    pub date: NaiveDate,
    /// When it begins, by the clocks of its venue; `None`: that is not said.
    pub starts_at: Option<NaiveTime>,
    /// What is special about the seat, with commas between.
    pub marks: Option<String>,
    /// The payment.
    pub payment: Option<PaymentId>,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
}

/// A page of a user's tickets; `None`: the page starts after something that is not a reservation of this user.
pub(crate) async fn tickets_of(
    pool: &MySqlPool,
    user: UserId,
    page: &Page<ReservationId>,
) -> Result<Option<Paged<OwnTicket>>, sqlx::Error> {
    let Some(rows) = PAGES.rows(pool, user, page).await? else { return Ok(None) };
    Ok(Some(page.of(rows.iter().map(read).collect::<Result<_, _>>()?)))
}

fn read(row: &MySqlRow) -> Result<OwnTicket, sqlx::Error> {
    Ok(OwnTicket {
        reservation: read_reservation(row)?,
        concert_name: row.try_get::<&str, _>("concert_name")?.into(),
        date: row.try_get("date")?,
        starts_at: row.try_get("start_time")?,
        marks: row.try_get("marks")?,
        payment: row.try_get("payment_id")?,
        paid_at: row.try_get("paid_at")?,
    })
}
