//! The columns of exports, and what stands in them.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::rows::{ExportedAttendee, ExportedEntry, ExportedPayment, ExportedPlace, ExportedSeat};
use crate::clock::Timestamp;
use crate::id::{PaymentId, ReservationId, SeatNumber, UserId};
use crate::money::Money;
use crate::time_zone::TimeZone;
use crate::wallet::Reference;

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'r> {
    /// There is none.
    Nothing,
    /// Text that somebody chose.
    Text(&'r str),
    /// A word of ours.
    Word(&'static str),
    Id(Uuid),
    Number(i64),
    Amount(Decimal),
    Date(NaiveDate),
    /// In the zone of the venue.
    Moment(Timestamp),
    /// The same moment in UTC.
    MomentInUtc(Timestamp),
}

/// What makes a table of rows.
pub trait Columns {
    /// The names of the columns.
    const COLUMNS: &'static [&'static str];

    /// A value for each column.
    fn cells(&self) -> Vec<Cell<'_>>;

    /// The zone that moments are in.
    fn time_zone(&self) -> TimeZone;
}

fn id<I: Into<Uuid>>(id: Option<I>) -> Cell<'static> {
    id.map_or(Cell::Nothing, |id| Cell::Id(id.into()))
}

fn text(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Nothing, Cell::Text)
}

fn moments(at: Option<Timestamp>) -> [Cell<'static>; 2] {
    at.map_or([Cell::Nothing; 2], |at| [Cell::Moment(at), Cell::MomentInUtc(at)])
}

fn amount(amount: Option<Money>) -> Cell<'static> {
    amount.map_or(Cell::Nothing, |amount| Cell::Amount(amount.as_decimal()))
}

fn seat(seat: Option<SeatNumber>) -> Cell<'static> {
    seat.map_or(Cell::Nothing, |seat| Cell::Number(seat.get().into()))
}

/// The columns of a place.
macro_rules! with_place {
    ($($column:literal),+ $(,)?) => {
        &["concertId", "concertName", "date", "startsAt", "timeZone", "seatNumber", "section", "row", $($column),+]
    };
}

impl ExportedPlace {
    fn cells(&self) -> Vec<Cell<'_>> {
        let concert = &self.concert;
        vec![
            Cell::Id(concert.id.as_uuid()),
            Cell::Text(&concert.name),
            Cell::Date(concert.date),
            text(concert.starts_at.as_deref()),
            Cell::Word(concert.time_zone.name()),
            seat(Some(self.seat)),
            text(self.section.as_deref()),
            text(self.row.as_deref()),
        ]
    }
}

impl Columns for ExportedPayment {
    const COLUMNS: &'static [&'static str] = with_place![
        "paymentId",
        "reservationId",
        "orderId",
        "userId",
        "username",
        "amount",
        "status",
        "paidAt",
        "paidAtUtc",
        "refundedAt",
        "refundedAtUtc",
        "refundedBy",
        "refundReason",
    ];

    fn cells(&self) -> Vec<Cell<'_>> {
        let mut cells = self.place.cells();
        cells.extend([
            Cell::Id(self.payment.as_uuid()),
            Cell::Id(self.reservation.as_uuid()),
            Cell::Id(self.order.as_uuid()),
            Cell::Id(self.user.as_uuid()),
            text(self.username.as_deref()),
            amount(Some(self.amount)),
            Cell::Word(self.status.as_str()),
        ]);
        cells.extend(moments(Some(self.paid_at)));
        cells.extend(moments(self.refunded_at));
        cells.extend([text(self.refunded_by.as_deref()), text(self.refund_reason.as_deref())]);
        cells
    }

    fn time_zone(&self) -> TimeZone {
        self.place.concert.time_zone
    }
}

impl Columns for ExportedSeat {
    const COLUMNS: &'static [&'static str] = with_place![
        "place",
        "marks",
        "price",
        "status",
        "blockedReason",
        "reservationId",
        "userId",
        "username",
        "takenAtPrice",
        "heldUntil",
        "heldUntilUtc",
    ];

    fn cells(&self) -> Vec<Cell<'_>> {
        let mut cells = self.place.cells();
        cells.extend([
            self.place_in_row.map_or(Cell::Nothing, |place| Cell::Number(place.into())),
            text(self.marks.as_deref()),
            amount(Some(self.price)),
            Cell::Word(self.status.as_str()),
            text(self.blocked_reason.as_deref()),
            id(self.reservation.map(ReservationId::as_uuid)),
            id(self.user.map(UserId::as_uuid)),
            text(self.username.as_deref()),
            amount(self.taken_at_price),
        ]);
        cells.extend(moments(self.held_until));
        cells
    }

    fn time_zone(&self) -> TimeZone {
        self.place.concert.time_zone
    }
}

impl Columns for ExportedEntry {
    const COLUMNS: &'static [&'static str] = &[
        "entryId",
        "userId",
        "username",
        "number",
        "kind",
        "amount",
        "balanceAfter",
        "paymentId",
        "concertId",
        "concertName",
        "seatNumber",
        "reference",
        "createdAt",
        "createdAtUtc",
        "timeZone",
    ];

    fn cells(&self) -> Vec<Cell<'_>> {
        let mut cells = vec![
            Cell::Id(self.entry.as_uuid()),
            Cell::Id(self.user.as_uuid()),
            text(self.username.as_deref()),
            Cell::Number(self.number.into()),
            Cell::Word(self.kind.as_str()),
            Cell::Amount(self.amount.as_decimal()),
            amount(Some(self.balance_after)),
            id(self.payment.map(PaymentId::as_uuid)),
            id(self.concert.as_ref().map(|concert| concert.id.as_uuid())),
            text(self.concert.as_ref().map(|concert| &*concert.name)),
            seat(self.seat),
            text(self.reference.as_ref().map(Reference::as_str)),
        ];
        cells.extend(moments(Some(self.created_at)));
        cells.push(Cell::Word(self.time_zone.name()));
        cells
    }

    fn time_zone(&self) -> TimeZone {
        self.time_zone
    }
}

impl Columns for ExportedAttendee {
    const COLUMNS: &'static [&'static str] = with_place![
        "marks",
        "ticketId",
        "orderId",
        "userId",
        "username",
        "price",
        "paidAt",
        "paidAtUtc",
        "checkedInAt",
        "checkedInAtUtc",
        "gate",
    ];

    fn cells(&self) -> Vec<Cell<'_>> {
        let mut cells = self.place.cells();
        cells.extend([
            text(self.marks.as_deref()),
            Cell::Id(self.ticket.as_uuid()),
            Cell::Id(self.order.as_uuid()),
            Cell::Id(self.user.as_uuid()),
            text(self.username.as_deref()),
            amount(Some(self.price)),
        ]);
        cells.extend(moments(self.paid_at));
        cells.extend(moments(self.checked_in_at));
        cells.push(text(self.gate.as_deref()));
        cells
    }

    fn time_zone(&self) -> TimeZone {
        self.place.concert.time_zone
    }
}
