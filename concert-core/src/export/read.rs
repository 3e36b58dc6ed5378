//! Reads the rows of payments, seats and attendees.

use std::sync::Arc;

use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::ExportedConcert;
use super::rows::{ExportedAttendee, ExportedPayment, ExportedPlace, ExportedSeat, SeatStatus};
use crate::id::{OrderId, ReservationId, UserId};
use crate::payment::PaymentStatus;

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

pub(super) fn read_payment(row: &MySqlRow, concert: &Arc<ExportedConcert>) -> Result<ExportedPayment, sqlx::Error> {
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
pub(super) fn read_seat(row: &MySqlRow, concert: &Arc<ExportedConcert>) -> Result<ExportedSeat, sqlx::Error> {
    let reservation: Option<ReservationId> = row.try_get("reservation_id")?;
    let blocked_reason: Option<String> = row.try_get("blocked_reason")?;
    let status = match (row.try_get::<Option<bool>, _>("is_held")?, reservation) {
        _ if blocked_reason.is_some() => SeatStatus::Blocked,
        (Some(true), Some(_)) => SeatStatus::Held,
        // Without a deadline: only holds have one.
        (None, Some(_)) => SeatStatus::Sold,
        _ => SeatStatus::Free,
    };
    // A lapsed hold that was not swept is still in the row. It is nobody's any more.
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

pub(super) fn read_attendee(row: &MySqlRow, concert: &Arc<ExportedConcert>) -> Result<ExportedAttendee, sqlx::Error> {
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
