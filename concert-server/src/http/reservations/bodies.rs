//! What routes about reservations answer.

use std::sync::Arc;

use chrono::NaiveDate;
use concert_core::{ConcertId, Money, Order, OrderId, Reservation, ReservationId, SeatNumber};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::body::{Moment, called_off};
use super::super::problem::Problem;
use super::super::words;

/// A hold on a seat, and its state.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReservationBody {
    #[schema(value_type = uuid::Uuid)]
    reservation_id: ReservationId,
    /// What was held in one call has one order.
    #[schema(value_type = uuid::Uuid)]
    order_id: OrderId,
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    #[schema(value_type = i32)]
    seat_number: SeatNumber,
    /// If the hall has sections.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    section: Option<Arc<str>>,
    /// If the hall has rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    row: Option<Arc<str>>,
    /// HELD, CONFIRMED (paid), EXPIRED, CANCELLED or REFUNDED.
    #[schema(value_type = words::ReservationStatus)]
    status: &'static str,
    /// CANCELLED where the concert was called off.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = words::CalledOff, required = false)]
    concert_status: Option<&'static str>,
    /// What paying for it costs.
    #[schema(value_type = f64, example = 120)]
    price: Money,
    performance_date: NaiveDate,
    reserved_at: Moment,
    /// The deadline for paying.
    expires_at: Moment,
}

impl From<Reservation> for ReservationBody {
    fn from(found: Reservation) -> Self {
        Self {
            reservation_id: found.id,
            order_id: found.order(),
            concert_id: found.concert,
            seat_number: found.seat,
            section: found.section,
            row: found.row,
            status: found.status.as_str(),
            concert_status: called_off(found.concert_status),
            price: found.price,
            performance_date: found.performance_date,
            reserved_at: Moment(found.reserved_at),
            expires_at: Moment(found.expires_at),
        }
    }
}

/// Seats that are held, as one order.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct OrderBody {
    /// The id of its first reservation.
    #[schema(value_type = uuid::Uuid)]
    order_id: OrderId,
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    #[schema(value_type = words::ReservationStatus)]
    status: &'static str,
    /// By number.
    seats: Vec<HeldSeat>,
    /// What paying for all of them costs.
    #[schema(value_type = f64, example = 240)]
    total: Money,
    performance_date: NaiveDate,
    reserved_at: Moment,
    /// The deadline for paying.
    expires_at: Moment,
    /// The reservation, if it is of one seat.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = uuid::Uuid, required = false)]
    reservation_id: Option<ReservationId>,
    /// The seat, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i32, required = false)]
    seat_number: Option<SeatNumber>,
    /// The price of the seat, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = f64, required = false, example = 120)]
    price: Option<Money>,
}

/// A seat that is held.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeldSeat {
    #[schema(value_type = uuid::Uuid)]
    reservation_id: ReservationId,
    #[schema(value_type = i32)]
    seat_number: SeatNumber,
    /// If the hall has sections.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    section: Option<Arc<str>>,
    /// If the hall has rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    row: Option<Arc<str>>,
    #[schema(value_type = f64, example = 120)]
    price: Money,
}

impl OrderBody {
    pub(in super::super) fn of(order: Order) -> Result<Self, Problem> {
        let first = order.reservations.first().ok_or_else(|| Problem::internal("an order without a seat"))?;
        let alone = (order.reservations.len() == 1).then_some(first);
        Ok(Self {
            order_id: order.id,
            concert_id: order.concert,
            status: order.status().as_str(),
            total: order.total,
            performance_date: first.performance_date,
            reserved_at: Moment(first.reserved_at),
            expires_at: Moment(order.expires_at),
            reservation_id: alone.map(|reservation| reservation.id),
            seat_number: alone.map(|reservation| reservation.seat),
            price: alone.map(|reservation| reservation.price),
            seats: order.reservations.into_iter().map(HeldSeat::from).collect(),
        })
    }
}

impl From<Reservation> for HeldSeat {
    fn from(held: Reservation) -> Self {
        Self {
            reservation_id: held.id,
            seat_number: held.seat,
            section: held.section,
            row: held.row,
            price: held.price,
        }
    }
}
