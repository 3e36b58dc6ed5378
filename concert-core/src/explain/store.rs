//! The SQL of explanations: reads only, by key, in small numbers.

use chrono::NaiveDate;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::MOST_TOLD;
use crate::catalog::Bookable;
use crate::clock::Timestamp;
use crate::id::{ConcertId, PaymentId, ReservationId, SaleId, SeatNumber, TokenId, UserId};
use crate::money::Money;
use crate::operator::ActSubject;
use crate::phase::SaleTimes;
use crate::queue::{
    Admission, EndedReason, Token, read_admission, read_times, read_token, times_columns, token_columns,
};
use crate::reservation::{Reservation, concert_status, read_reservation, reservation_columns};
use crate::sql::{fetch_all, fetch_one, fetch_optional, statements};
use crate::time_zone::TimeZone;

macro_rules! tokens {
    ($which:literal) => {
        concat!(
            "select ",
            token_columns!(""),
            ", admitted_at, last_updated_at, \
             ended_reason, (select max(p.paid_at) from payments p where p.user_id = tokens.user_id \
             and p.paid_at between tokens.claimed_at and tokens.expires_at) as paid_at from tokens ",
            $which
        )
    };
}

macro_rules! reservations {
    ($which:literal) => {
        concat!(
            "select ", reservation_columns!("r."), ", ", concert_status!("r."), ", null as section, null as seat_row, r.last_updated_at, \
             c.concert_name, p.id as payment_id, p.amount, p.paid_at, p.refunded_at, p.refunded_by, p.refund_reason, \
             k.checked_in_at, k.gate, k.checked_in_by \
             from reservations r straight_join concerts c on c.id = r.concert_id \
             left join payments p force index (payments_reservation_successful) on p.reservation_id = r.id \
             left join check_ins k force index (primary) on k.ticket_id = r.id ",
            $which
        )
    };
}

statements! {
    TOKEN { tokens!("where id = {id}") }
    TOKENS_OF_USER {
        tokens!("force index (tokens_user_live) where user_id = {user} order by created_at desc, id desc limit {limit}")
    }
    AHEAD { "select count(*) from tokens where sale_id = {sale} and status = 'WAITING' and ticket <= {ticket}" }
    GATE {
        concat!(
            "select g.waiting, g.paused, g.max_active, g.per_minute, ", times_columns!("s."),
            " from queue_gate g straight_join sales s force index (primary) on s.id = g.sale_id where g.sale_id = {sale}"
        )
    }
    PAUSED {
        "select logged_at, operator from operator_log force index (operator_log_subject) \
         where subject = 'queue' and subject_id <=> {subject_id} and act in ('QUEUE_PAUSE', 'QUEUE_RESUME') \
         order by logged_at desc, id desc limit 1"
    }
    RESERVATION { reservations!("where r.id = {id}") }
    RESERVATIONS_OF_SEAT {
        reservations!(
            "where r.concert_id = {concert} and r.seat_number = {seat} \
             order by r.reserved_at desc, r.id desc limit {limit}"
        )
    }
    RESERVATIONS_OF_USER {
        reservations!("where r.user_id = {user} order by r.reserved_at desc, r.id desc limit {limit}")
    }
    SEAT {
        "select c.concert_name, c.date, c.time_zone, c.status, s.price, s.reservation_id, s.reserved_until, \
         s.blocked_reason \
         from seats s straight_join concerts c on c.id = s.concert_id \
         where s.concert_id = {concert} and s.seat_number = {seat}"
    }
}

/// All that a row of `tokens` records.
pub(super) struct TokenRow {
    pub(super) token: Token,
    pub(super) admitted_at: Option<Timestamp>,
    /// When the end was recorded, of a token that has ended.
    pub(super) last_updated_at: Timestamp,
    pub(super) ended: Option<EndedReason>,
    /// When its user last paid during the turn: a turn ends soon after.
    pub(super) paid_at: Option<Timestamp>,
}

/// All that is recorded of a reservation.
pub(super) struct ReservationRow {
    pub(super) reservation: Reservation,
    pub(super) concert_name: String,
    /// When its status was written.
    pub(super) last_updated_at: Timestamp,
    pub(super) payment: Option<PaymentRow>,
    pub(super) check_in: Option<CheckInRow>,
}

pub(super) struct CheckInRow {
    pub(super) at: Timestamp,
    pub(super) gate: String,
    pub(super) by: String,
}

pub(super) struct PaymentRow {
    pub(super) id: PaymentId,
    pub(super) amount: Money,
    pub(super) paid_at: Timestamp,
    pub(super) refund: Option<RefundRow>,
}

pub(super) struct RefundRow {
    pub(super) at: Timestamp,
    pub(super) by: String,
    pub(super) reason: Option<String>,
}

/// A seat, and who has it.
pub(super) struct SeatRow {
    pub(super) concert_name: String,
    pub(super) date: NaiveDate,
    pub(super) bookable: Bookable,
    pub(super) price: Money,
    pub(super) reservation: Option<ReservationId>,
    /// The deadline of a hold; `None` with a reservation: sold.
    pub(super) until: Option<Timestamp>,
    /// Why it is not on sale; `None`: it is.
    pub(super) blocked: Option<String>,
}

/// The queue, for a token that waits in it.
pub(super) struct QueueRow {
    pub(super) waiting: u64,
    pub(super) admission: Admission,
    pub(super) times: SaleTimes,
}

pub(super) async fn token(pool: &MySqlPool, id: TokenId) -> Result<Option<TokenRow>, sqlx::Error> {
    let row = fetch_optional(pool, &TOKEN, |params| params.bind("id", id)).await?;
    row.as_ref().map(read_token_row).transpose()
}

/// The newest tokens of a user, one more than are told of.
pub(super) async fn tokens_of(pool: &MySqlPool, user: UserId) -> Result<Vec<TokenRow>, sqlx::Error> {
    let rows = fetch_all(pool, &TOKENS_OF_USER, |params| params.bind("user", user).bind("limit", MOST_TOLD + 1));
    let rows = rows.await?;
    rows.iter().map(read_token_row).collect()
}

/// The place of a ticket among the WAITING, if it is one of them.
pub(super) async fn position(pool: &MySqlPool, sale: SaleId, ticket: u64) -> Result<u64, sqlx::Error> {
    let row = fetch_one(pool, &AHEAD, |params| params.bind("sale", sale).bind("ticket", ticket)).await?;
    // The token itself is counted with those before it, so the first in the queue has position 1.
    row.try_get::<i64, _>(0).map(|count| count.max(0) as u64)
}

pub(super) async fn queue(pool: &MySqlPool, sale: SaleId) -> Result<QueueRow, sqlx::Error> {
    let row = fetch_one(pool, &GATE, |params| params.bind("sale", sale)).await?;
    let (times, _) = read_times(&row)?;
    Ok(QueueRow { waiting: row.try_get("waiting")?, admission: read_admission(&row)?, times })
}

/// When the queue was last paused or resumed, and who did it.
pub(super) async fn last_pause(pool: &MySqlPool, sale: SaleId) -> Result<Option<(Timestamp, String)>, sqlx::Error> {
    let queue = ActSubject::Queue(sale).id();
    let row = fetch_optional(pool, &PAUSED, |params| params.bind("subject_id", queue)).await?;
    row.map(|row| Ok((row.try_get("logged_at")?, row.try_get("operator")?))).transpose()
}

pub(super) async fn reservation(pool: &MySqlPool, id: ReservationId) -> Result<Option<ReservationRow>, sqlx::Error> {
    let row = fetch_optional(pool, &RESERVATION, |params| params.bind("id", id)).await?;
    row.as_ref().map(read_reservation_row).transpose()
}

/// The newest reservations of a seat, one more than are told of.
pub(super) async fn reservations_of_seat(
    pool: &MySqlPool,
    concert: ConcertId,
    seat: SeatNumber,
) -> Result<Vec<ReservationRow>, sqlx::Error> {
    let rows = fetch_all(pool, &RESERVATIONS_OF_SEAT, |params| {
        params.bind("concert", concert).bind("seat", seat).bind("limit", MOST_TOLD + 1)
    });
    rows.await?.iter().map(read_reservation_row).collect()
}

/// The newest reservations of a user, one more than are told of.
pub(super) async fn reservations_of(pool: &MySqlPool, user: UserId) -> Result<Vec<ReservationRow>, sqlx::Error> {
    let rows = fetch_all(pool, &RESERVATIONS_OF_USER, |params| params.bind("user", user).bind("limit", MOST_TOLD + 1));
    rows.await?.iter().map(read_reservation_row).collect()
}

pub(super) async fn seat(
    pool: &MySqlPool,
    concert: ConcertId,
    seat: SeatNumber,
    house: TimeZone,
) -> Result<Option<SeatRow>, sqlx::Error> {
    let row = fetch_optional(pool, &SEAT, |params| params.bind("concert", concert).bind("seat", seat)).await?;
    row.map(|row| {
        Ok(SeatRow {
            concert_name: row.try_get("concert_name")?,
            date: row.try_get("date")?,
            bookable: Bookable::read(&row, house)?,
            price: row.try_get("price")?,
            reservation: row.try_get("reservation_id")?,
            until: row.try_get("reserved_until")?,
            blocked: row.try_get("blocked_reason")?,
        })
    })
    .transpose()
}

fn read_token_row(row: &MySqlRow) -> Result<TokenRow, sqlx::Error> {
    let ended: Option<String> = row.try_get("ended_reason")?;
    Ok(TokenRow {
        token: read_token(row)?,
        admitted_at: row.try_get("admitted_at")?,
        last_updated_at: row.try_get("last_updated_at")?,
        ended: ended.as_deref().map(EndedReason::from_column).transpose()?,
        paid_at: row.try_get("paid_at")?,
    })
}

fn read_reservation_row(row: &MySqlRow) -> Result<ReservationRow, sqlx::Error> {
    let payment = match row.try_get("payment_id")? {
        None => None,
        Some(id) => Some(PaymentRow {
            id,
            amount: row.try_get("amount")?,
            paid_at: row.try_get("paid_at")?,
            refund: match row.try_get("refunded_at")? {
                None => None,
                Some(at) => Some(RefundRow {
                    at,
                    by: row.try_get::<Option<_>, _>("refunded_by")?.unwrap_or_default(),
                    reason: row.try_get("refund_reason")?,
                }),
            },
        }),
    };
    Ok(ReservationRow {
        reservation: read_reservation(row)?,
        concert_name: row.try_get("concert_name")?,
        last_updated_at: row.try_get("last_updated_at")?,
        payment,
        check_in: match row.try_get("checked_in_at")? {
            None => None,
            Some(at) => Some(CheckInRow { at, gate: row.try_get("gate")?, by: row.try_get("checked_in_by")? }),
        },
    })
}
