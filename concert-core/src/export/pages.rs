//! Exports a page at a time, by index: payments, seats and attendees.

use std::sync::Arc;

use rust_decimal::Decimal;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use super::columns::Columns;
use super::read::{read_attendee, read_payment, read_seat};
use super::rows::{ExportedAttendee, ExportedPayment, ExportedPlace, ExportedSeat, SeatStatus};
use super::{ExportTotals, ExportedConcert, sums};
use crate::clock::Timestamp;
use crate::id::{ConcertId, PaymentId, SeatNumber, UserId};
use crate::money::Money;
use crate::page::{Page, Paged};
use crate::payment::PaymentStatus;
use crate::sql::{Source, fetch_all, fetch_optional, statements};
use crate::time_zone::TimeZone;

/// How many rows a page has, or how many seats its rows are about.
pub(super) const PAGE: u32 = 1_000;
/// The last number that a seat can have.
pub(super) const LAST_SEAT: i32 = i32::MAX;

/// The payments for a part of a hall, in the order of the seats.
macro_rules! payments_between {
    ($columns:literal) => {
        concat!(
            "select p.id, p.user_id, r.seat_number, ",
            $columns,
            " from reservations r force index (reservations_seat_live) \
             straight_join payments p force index (payments_reservation_successful) on p.reservation_id = r.id \
             left join users u on u.id = p.user_id \
             left join seats s on s.concert_id = r.concert_id and s.seat_number = r.seat_number \
             where r.concert_id = {concert} and r.seat_number > {seat} and r.seat_number <= {last_seat} \
             order by r.seat_number, p.paid_at, p.id"
        )
    };
}
pub(super) use payments_between;

statements! {
    /// The last of the next seats; none: there are fewer.
    PAGE_END {
        "select seat_number from seats force index (primary) where concert_id = {concert} and seat_number > {seat} \
         order by seat_number limit {limit}, 1"
    }
    PAYMENTS {
        payments_between!(
            "r.id as reservation_id, r.order_id, s.section, s.seat_row, u.username, p.amount, p.payment_status, p.paid_at, \
             p.refunded_at, p.refunded_by, p.refund_reason"
        )
    }
    SEATS {
        "select s.seat_number, s.section, s.seat_row, s.place, s.marks, s.price, s.blocked_reason, s.reservation_id, s.reserved_by, \
         s.reserved_until, (s.reserved_until > {now}) as is_held, u.username, r.price as taken_at_price \
         from seats s force index (primary) left join users u on u.id = s.reserved_by \
         left join reservations r on r.id = s.reservation_id \
         where s.concert_id = {concert} and s.seat_number > {seat} order by s.seat_number limit {limit}"
    }
    ATTENDEES {
        "select r.id, r.seat_number, r.order_id, r.user_id, r.price, s.section, s.seat_row, s.marks, u.username, p.paid_at, \
         k.checked_in_at, k.gate \
         from reservations r force index (reservations_seat_live) \
         left join payments p force index (payments_reservation_successful) on p.reservation_id = r.id and p.successful = 1 \
         left join users u on u.id = r.user_id \
         left join seats s on s.concert_id = r.concert_id and s.seat_number = r.seat_number \
         left join check_ins k force index (primary) on k.ticket_id = r.id \
         where r.concert_id = {concert} and r.seat_number > {seat} and r.live = 1 and r.status = 'CONFIRMED' \
         order by r.seat_number limit {limit}"
    }
}

/// How far an export has come within a concert, or among the wallets.
#[derive(Debug)]
pub struct Cursor {
    /// The zone of the house.
    pub(super) house: TimeZone,
    pub(super) seat: i32,
    /// The owner of the last entry, and its number.
    pub(super) entry: Option<(UserId, u32)>,
    /// Payments of the page whose entries are still to be read.
    pub(super) payments: Vec<(PaymentId, UserId, SeatNumber)>,
}

impl Cursor {
    pub(super) const fn of(house: TimeZone) -> Self {
        Self { house, seat: 0, entry: None, payments: Vec::new() }
    }
}

/// How the rows of a kind are read.
pub trait Pages: Columns + Sized + Send + Sync + 'static {
    /// Whether an export of the whole house is one of each concert.
    const BELONGS_TO_CONCERTS: bool = true;

    /// The next rows of the concert; `None`: there are no more. A page may be empty all the same.
    fn page(
        connection: &mut MySqlConnection,
        concert: Option<&Arc<ExportedConcert>>,
        cursor: &mut Cursor,
    ) -> impl Future<Output = Result<Option<Vec<Self>>, sqlx::Error>> + Send;

    /// What all rows add up to, of a concert or of the house.
    fn expected(
        connection: &mut MySqlConnection,
        concert: Option<ConcertId>,
    ) -> impl Future<Output = Result<ExportTotals, sqlx::Error>> + Send;

    /// What a row adds to the totals: its amount, and how much of that was given back.
    fn amounts(&self) -> (Decimal, Decimal);
}

impl Pages for ExportedPayment {
    async fn page(
        connection: &mut MySqlConnection,
        concert: Option<&Arc<ExportedConcert>>,
        cursor: &mut Cursor,
    ) -> Result<Option<Vec<Self>>, sqlx::Error> {
        let Some(concert) = concert.filter(|_| cursor.seat < LAST_SEAT) else { return Ok(None) };
        // By seats and not by payments: one seat may have several payments, and all of them must be on one page.
        let last = page_end(connection, concert.id, cursor.seat).await?;
        let rows = fetch_all(connection, &PAYMENTS, |params| {
            params.bind("concert", concert.id).bind("seat", cursor.seat).bind("last_seat", last)
        });
        let rows = rows.await?;
        cursor.seat = last;
        rows.iter().map(|row| read_payment(row, concert)).collect::<Result<_, _>>().map(Some)
    }

    async fn expected(
        connection: &mut MySqlConnection,
        concert: Option<ConcertId>,
    ) -> Result<ExportTotals, sqlx::Error> {
        sums::of_payments(connection, concert).await
    }

    fn amounts(&self) -> (Decimal, Decimal) {
        let amount = self.amount.as_decimal();
        (amount, if self.status == PaymentStatus::Refunded { amount } else { Decimal::ZERO })
    }
}

impl Pages for ExportedSeat {
    async fn page(
        connection: &mut MySqlConnection,
        concert: Option<&Arc<ExportedConcert>>,
        cursor: &mut Cursor,
    ) -> Result<Option<Vec<Self>>, sqlx::Error> {
        let Some(concert) = concert.filter(|_| cursor.seat < LAST_SEAT) else { return Ok(None) };
        let seats = seats(connection, concert, cursor.seat, PAGE).await?;
        cursor.seat = after_last(seats.last().map(|seat| &seat.place), seats.len());
        Ok(Some(seats))
    }

    async fn expected(
        connection: &mut MySqlConnection,
        concert: Option<ConcertId>,
    ) -> Result<ExportTotals, sqlx::Error> {
        sums::of_seats(connection, concert).await
    }

    fn amounts(&self) -> (Decimal, Decimal) {
        let sold = self.taken_at_price.filter(|_| self.status == SeatStatus::Sold);
        (sold.map_or(Decimal::ZERO, Money::as_decimal), Decimal::ZERO)
    }
}

impl Pages for ExportedAttendee {
    async fn page(
        connection: &mut MySqlConnection,
        concert: Option<&Arc<ExportedConcert>>,
        cursor: &mut Cursor,
    ) -> Result<Option<Vec<Self>>, sqlx::Error> {
        let Some(concert) = concert.filter(|_| cursor.seat < LAST_SEAT) else { return Ok(None) };
        let rows = fetch_all(connection, &ATTENDEES, |params| {
            params.bind("concert", concert.id).bind("seat", cursor.seat).bind("limit", PAGE)
        });
        let rows = rows.await?;
        let attendees = rows.iter().map(|row| read_attendee(row, concert)).collect::<Result<Vec<_>, _>>()?;
        cursor.seat = after_last(attendees.last().map(|attendee| &attendee.place), attendees.len());
        Ok(Some(attendees))
    }

    async fn expected(
        connection: &mut MySqlConnection,
        concert: Option<ConcertId>,
    ) -> Result<ExportTotals, sqlx::Error> {
        sums::of_attendees(connection, concert).await
    }

    fn amounts(&self) -> (Decimal, Decimal) {
        (self.price.as_decimal(), Decimal::ZERO)
    }
}

/// The seats of a concert that follow one, by number.
async fn seats<'s>(
    source: impl Into<Source<'s>>,
    concert: &Arc<ExportedConcert>,
    after: i32,
    most: u32,
) -> Result<Vec<ExportedSeat>, sqlx::Error> {
    let rows = fetch_all(source, &SEATS, |params| {
        params.bind("now", concert.read_at).bind("concert", concert.id).bind("seat", after).bind("limit", most)
    });
    rows.await?.iter().map(|row| read_seat(row, concert)).collect()
}

/// A page of a concert's seats, by number; `None`: there is no such concert.
pub(crate) async fn seats_page(
    pool: &MySqlPool,
    concert: ConcertId,
    page: &Page<SeatNumber>,
    now: Timestamp,
    house: TimeZone,
) -> Result<Option<Paged<ExportedSeat>>, sqlx::Error> {
    let Some(concert) = super::concert::find(pool, concert, now, house).await? else { return Ok(None) };
    let after = page.starting_after().map_or(0, |seat| seat.get());
    Ok(Some(page.of(seats(pool, &concert, after, page.rows()).await?)))
}

/// The last number of the seats that a page is about.
pub(super) async fn page_end(
    connection: &mut MySqlConnection,
    concert: ConcertId,
    after: i32,
) -> Result<i32, sqlx::Error> {
    let row = fetch_optional(connection, &PAGE_END, |params| {
        params.bind("concert", concert).bind("seat", after).bind("limit", PAGE - 1)
    });
    row.await?.map_or(Ok(LAST_SEAT), |row| row.try_get("seat_number"))
}

/// Where the next page begins. A page that is not full is the last one.
fn after_last(last: Option<&ExportedPlace>, rows: usize) -> i32 {
    // A page that is not full is the last, which saves a query that would find nothing.
    last.filter(|_| rows == PAGE as usize).map_or(LAST_SEAT, |place| place.seat.get())
}
