//! The SQL of exports: a page at a time, by index.

use std::collections::HashMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use super::rows::{Columns, ExportedAttendee, ExportedEntry, ExportedPayment, ExportedPlace, ExportedSeat, SeatStatus};
use super::{ExportTotals, ExportedConcert, sums};
use crate::clock::Timestamp;
use crate::id::{ConcertId, OrderId, PaymentId, ReservationId, SeatNumber, UserId};
use crate::money::Money;
use crate::page::{Page, Paged};
use crate::payment::PaymentStatus;
use crate::sql::{MAX_LIST, Source, fetch_all, fetch_optional, statements};
use crate::time_zone::TimeZone;
use crate::wallet::{Reference, WalletEntryKind};

/// How many rows a page has, or how many seats its rows are about.
const PAGE: u32 = 1_000;
/// The last number that a seat can have.
const LAST_SEAT: i32 = i32::MAX;

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

macro_rules! entries {
    ($which:literal) => {
        concat!(
            "select e.id, e.user_id, e.nth, e.kind, e.amount, e.balance_after, e.payment_id, e.reference, e.created_at, u.username \
             from wallet_entries e force index (wallet_entries_user_nth) left join users u on u.id = e.user_id where ",
            $which
        )
    };
}

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
    PAYERS { payments_between!("u.username") }
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
    /// Few for each user, through the index of users: entries have none by payment.
    ENTRIES_OF_PAYMENTS { entries!("e.user_id in ({users}) and e.payment_id in ({payments}) order by e.user_id, e.nth") }
    ENTRIES_OF_USER { entries!("e.user_id = {user} and e.nth > {sequence} order by e.nth limit {limit}") }
    ENTRIES_AFTER { entries!("e.user_id > {user} order by e.user_id, e.nth limit {limit}") }
    ENTRIES_FROM_START { entries!("e.user_id >= x'00000000000000000000000000000000' order by e.user_id, e.nth limit {limit}") }
}

/// How far an export has come within a concert, or among the wallets.
#[derive(Debug)]
pub struct Cursor {
    /// The zone of the house.
    pub(super) house: TimeZone,
    seat: i32,
    /// The owner of the last entry, and its number.
    entry: Option<(UserId, u32)>,
    /// Payments of the page whose entries are still to be read.
    payments: Vec<(PaymentId, UserId, SeatNumber)>,
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

impl Pages for ExportedEntry {
    const BELONGS_TO_CONCERTS: bool = false;

    async fn page(
        connection: &mut MySqlConnection,
        concert: Option<&Arc<ExportedConcert>>,
        cursor: &mut Cursor,
    ) -> Result<Option<Vec<Self>>, sqlx::Error> {
        match concert {
            Some(concert) => entries_of_concert(connection, concert, cursor).await,
            None => entries_of_house(connection, cursor).await,
        }
    }

    async fn expected(
        connection: &mut MySqlConnection,
        concert: Option<ConcertId>,
    ) -> Result<ExportTotals, sqlx::Error> {
        sums::of_entries(connection, concert).await
    }

    fn amounts(&self) -> (Decimal, Decimal) {
        (self.amount.as_decimal(), Decimal::ZERO)
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
async fn page_end(connection: &mut MySqlConnection, concert: ConcertId, after: i32) -> Result<i32, sqlx::Error> {
    let row = fetch_optional(connection, &PAGE_END, |params| {
        params.bind("concert", concert).bind("seat", after).bind("limit", PAGE - 1)
    });
    row.await?.map_or(Ok(LAST_SEAT), |row| row.try_get("seat_number"))
}

/// Where the next page begins. A page that is not full is the last one.
fn after_last(last: Option<&ExportedPlace>, rows: usize) -> i32 {
    last.filter(|_| rows == PAGE as usize).map_or(LAST_SEAT, |place| place.seat.get())
}

/// The entries of the payments for a part of the hall.
async fn entries_of_concert(
    connection: &mut MySqlConnection,
    concert: &Arc<ExportedConcert>,
    cursor: &mut Cursor,
) -> Result<Option<Vec<ExportedEntry>>, sqlx::Error> {
    if cursor.payments.is_empty() {
        if cursor.seat == LAST_SEAT {
            return Ok(None);
        }
        let last = page_end(connection, concert.id, cursor.seat).await?;
        let rows = fetch_all(&mut *connection, &PAYERS, |params| {
            params.bind("concert", concert.id).bind("seat", cursor.seat).bind("last_seat", last)
        });
        let read = |row: &MySqlRow| Ok((row.try_get("id")?, row.try_get("user_id")?, row.try_get("seat_number")?));
        cursor.payments = rows.await?.iter().map(read).collect::<Result<_, sqlx::Error>>()?;
        cursor.seat = last;
    }
    let payments: Vec<_> = cursor.payments.drain(..cursor.payments.len().min(MAX_LIST)).collect();
    if payments.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let mut users: Vec<_> = payments.iter().map(|(_, user, _)| *user).collect();
    users.sort_unstable();
    users.dedup();
    let rows = fetch_all(connection, &ENTRIES_OF_PAYMENTS, |params| {
        params.list("users", users).list("payments", payments.iter().map(|(payment, ..)| *payment))
    });
    let rows = rows.await?;
    let nth: HashMap<PaymentId, usize> = payments.iter().enumerate().map(|(nth, (id, ..))| (*id, nth)).collect();
    let mut entries = rows.iter().map(|row| read_entry(row, concert.time_zone)).collect::<Result<Vec<_>, _>>()?;
    // In the order of the payments; a refund after what it refunds.
    entries.sort_by_key(|entry| (entry.payment.and_then(|payment| nth.get(&payment)).copied(), entry.number));
    for entry in &mut entries {
        let payment = entry.payment.and_then(|payment| payments.get(*nth.get(&payment)?));
        entry.concert = Some(Arc::clone(concert));
        entry.seat = payment.map(|(.., seat)| *seat);
    }
    Ok(Some(entries))
}

/// The next entries of all wallets, wallet by wallet.
async fn entries_of_house(
    connection: &mut MySqlConnection,
    cursor: &mut Cursor,
) -> Result<Option<Vec<ExportedEntry>>, sqlx::Error> {
    let rows = match cursor.entry {
        None => fetch_all(&mut *connection, &ENTRIES_FROM_START, |params| params.bind("limit", PAGE)).await?,
        Some((user, sequence)) => {
            let rest = fetch_all(&mut *connection, &ENTRIES_OF_USER, |params| {
                params.bind("user", user).bind("sequence", sequence).bind("limit", PAGE)
            });
            match rest.await? {
                rest if !rest.is_empty() => rest,
                _ => {
                    fetch_all(connection, &ENTRIES_AFTER, |params| params.bind("user", user).bind("limit", PAGE))
                        .await?
                }
            }
        }
    };
    let entries = rows.iter().map(|row| read_entry(row, cursor.house)).collect::<Result<Vec<_>, _>>()?;
    let Some(last) = entries.last() else { return Ok(None) };
    cursor.entry = Some((last.user, last.number));
    Ok(Some(entries))
}

fn read_place(row: &MySqlRow, concert: &Arc<ExportedConcert>) -> Result<ExportedPlace, sqlx::Error> {
    Ok(ExportedPlace {
        concert: Arc::clone(concert),
        seat: row.try_get("seat_number")?,
        section: row.try_get("section")?,
        row: row.try_get("seat_row")?,
    })
}

fn read_order(row: &MySqlRow, first: ReservationId) -> Result<OrderId, sqlx::Error> {
    Ok(row.try_get::<Option<OrderId>, _>("order_id")?.unwrap_or(first.into()))
}

fn read_payment(row: &MySqlRow, concert: &Arc<ExportedConcert>) -> Result<ExportedPayment, sqlx::Error> {
    let reservation = row.try_get("reservation_id")?;
    Ok(ExportedPayment {
        payment: row.try_get("id")?,
        place: read_place(row, concert)?,
        reservation,
        order: read_order(row, reservation)?,
        user: row.try_get("user_id")?,
        username: row.try_get("username")?,
        amount: row.try_get("amount")?,
        status: PaymentStatus::from_column(row.try_get("payment_status")?)?,
        paid_at: row.try_get("paid_at")?,
        refunded_at: row.try_get("refunded_at")?,
        refunded_by: row.try_get("refunded_by")?,
        refund_reason: row.try_get("refund_reason")?,
    })
}

/// A lapsed hold counts as free, released or not.
fn read_seat(row: &MySqlRow, concert: &Arc<ExportedConcert>) -> Result<ExportedSeat, sqlx::Error> {
    let reservation: Option<ReservationId> = row.try_get("reservation_id")?;
    let blocked_reason: Option<String> = row.try_get("blocked_reason")?;
    let status = match (row.try_get::<Option<bool>, _>("is_held")?, reservation) {
        _ if blocked_reason.is_some() => SeatStatus::Blocked,
        (Some(true), Some(_)) => SeatStatus::Held,
        (None, Some(_)) => SeatStatus::Sold,
        _ => SeatStatus::Free,
    };
    let taken = matches!(status, SeatStatus::Held | SeatStatus::Sold);
    Ok(ExportedSeat {
        place: read_place(row, concert)?,
        place_in_row: row.try_get("place")?,
        marks: row.try_get("marks")?,
        price: row.try_get("price")?,
        status,
        blocked_reason,
        reservation: reservation.filter(|_| taken),
        user: row.try_get::<Option<UserId>, _>("reserved_by")?.filter(|_| taken),
        username: row.try_get::<Option<String>, _>("username")?.filter(|_| taken),
        taken_at_price: row.try_get::<Option<_>, _>("taken_at_price")?.filter(|_| taken),
        held_until: row.try_get::<Option<_>, _>("reserved_until")?.filter(|_| taken),
    })
}

fn read_attendee(row: &MySqlRow, concert: &Arc<ExportedConcert>) -> Result<ExportedAttendee, sqlx::Error> {
    let ticket = row.try_get("id")?;
    Ok(ExportedAttendee {
        place: read_place(row, concert)?,
        marks: row.try_get("marks")?,
        ticket,
        order: read_order(row, ticket)?,
        user: row.try_get("user_id")?,
        username: row.try_get("username")?,
        price: row.try_get("price")?,
        paid_at: row.try_get("paid_at")?,
        checked_in_at: row.try_get("checked_in_at")?,
        gate: row.try_get("gate")?,
    })
}

fn read_entry(row: &MySqlRow, time_zone: TimeZone) -> Result<ExportedEntry, sqlx::Error> {
    Ok(ExportedEntry {
        entry: row.try_get("id")?,
        user: row.try_get("user_id")?,
        username: row.try_get("username")?,
        number: row.try_get("nth")?,
        kind: WalletEntryKind::from_column(row.try_get("kind")?)?,
        amount: row.try_get("amount")?,
        balance_after: row.try_get("balance_after")?,
        payment: row.try_get("payment_id")?,
        concert: None,
        seat: None,
        reference: row.try_get::<Option<_>, _>("reference")?.map(Reference::known),
        created_at: row.try_get("created_at")?,
        time_zone,
    })
}
