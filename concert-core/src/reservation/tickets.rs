//! The seats that a user has bought, newest first, in pages.

use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::newest_first::NewestFirst;
use super::{Reservation, ReservationStatus, concert_status, read_reservation, reservation_columns};
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::id::{PaymentId, ReservationId, UserId};
use crate::page::{Page, Paged};
use crate::sql::{fetch_optional, statements};
use crate::void_reason::VoidReason;

macro_rules! tickets {
    ($index:literal, $which:expr) => {
        concat!(
            "select ", reservation_columns!("r."), ", ", concert_status!("r."), ", s.section, s.seat_row, s.marks, c.concert_name, c.date, c.start_time, \
             p.id as payment_id, p.paid_at, k.checked_in_at, k.gate, \
             (select cast(coalesce(max(m.nth), 0) as signed) from ticket_moves m force index (primary) where m.ticket_id = r.id) as moves \
             from reservations r force index (", $index, ") straight_join concerts c on c.id = r.concert_id \
             left join seats s on s.concert_id = r.concert_id and s.seat_number = r.seat_number \
             left join payments p force index (payments_reservation_successful) on p.reservation_id = r.id and p.successful = 1 \
             left join check_ins k force index (primary) on k.ticket_id = r.id where ",
            $which
        )
    };
}

macro_rules! of_user {
    ($which:literal) => {
        tickets!(
            "reservations_user_deadline",
            concat!(
                "r.user_id = {user} and r.status = 'CONFIRMED'",
                $which,
                " order by r.reserved_at desc, r.id desc limit {limit}"
            )
        )
    };
}

statements! {
    NEWEST { of_user!("") }
    OLDER { of_user!(" and (r.reserved_at < {reserved_at} or (r.reserved_at = {reserved_at} and r.id < {id}))") }
    ONE { tickets!("primary", "r.id = {id} and r.status in ('CONFIRMED', 'REFUNDED')") }
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
    /// How many owners it has had: codes of earlier versions are void.
    pub version: u32,
    /// Why it counts no more; `None`: it counts.
    pub void: Option<VoidReason>,
    /// What is shown at the door, as a QR code, while the ticket counts: `v1.<key id>.<ticket>.<signature>`.
    pub payload: Option<String>,
    /// When it was checked in, and at which gate; `None`: nobody is in with it.
    pub checked_in: Option<(Timestamp, String)>,
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

/// A ticket, whoever owns it; `None`: nobody has bought this.
pub(crate) async fn ticket_of(pool: &MySqlPool, id: ReservationId) -> Result<Option<OwnTicket>, sqlx::Error> {
    fetch_optional(pool, &ONE, |params| params.bind("id", id)).await?.as_ref().map(read).transpose()
}

fn read(row: &MySqlRow) -> Result<OwnTicket, sqlx::Error> {
    let reservation = read_reservation(row)?;
    let (moves, at): (i64, Option<Timestamp>) = (row.try_get("moves")?, row.try_get("checked_in_at")?);
    let void = match (reservation.concert_status, reservation.status) {
        (ConcertStatus::Cancelled, _) => Some(VoidReason::Cancelled),
        (_, ReservationStatus::Refunded) => Some(VoidReason::Refunded),
        _ => None,
    };
    Ok(OwnTicket {
        // Its first owner has version 1.
        version: moves as u32 + 1,
        void,
        payload: None,
        checked_in: at.zip(row.try_get("gate")?),
        reservation,
        concert_name: row.try_get::<&str, _>("concert_name")?.into(),
        date: row.try_get("date")?,
        starts_at: row.try_get("start_time")?,
        marks: row.try_get("marks")?,
        payment: row.try_get("payment_id")?,
        paid_at: row.try_get("paid_at")?,
    })
}
