//! Refunds by operators.

use concert_core::{
    ConcertId, Money, PaymentId, Reason, Refund, ReservationId, Role, SeatAfterRefund, SeatNumber, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::http::StatusCode;

use crate::http::body::{Moment, json, parsed};
use crate::http::call::Call;
use crate::http::routing::Answer;
use crate::http::words;

/// A refund.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RefundRequest {
    /// Why, for the record: 1 to 255 characters.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = String, example = "a broken chair")]
    reason: Reason,
    /// Where the seat goes: TO_SALE or OFF_SALE (it is blocked).
    #[serde(default, deserialize_with = "parsed")]
    #[schema(value_type = words::SeatAfterRefund, required = false)]
    seat: SeatAfterRefund,
}

/// A payment that was refunded.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RefundBody {
    #[schema(value_type = uuid::Uuid)]
    payment_id: PaymentId,
    /// Who has the money back: the user who paid.
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
    #[schema(value_type = uuid::Uuid)]
    reservation_id: ReservationId,
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    #[schema(value_type = i32)]
    seat_number: SeatNumber,
    /// TO_SALE or OFF_SALE. Seats of a concert that was called off stay off sale.
    #[schema(value_type = words::SeatAfterRefund)]
    seat: &'static str,
    #[schema(value_type = f64, example = 120)]
    amount: Money,
    /// The balance with it.
    #[schema(value_type = f64, example = 150.5)]
    balance: Money,
    /// `refunded`.
    #[schema(value_type = words::RefundedStatus)]
    status: &'static str,
    refunded_at: Moment,
}

impl From<Refund> for RefundBody {
    fn from(done: Refund) -> Self {
        Self {
            payment_id: done.payment,
            user_id: done.user,
            reservation_id: done.reservation,
            concert_id: done.concert,
            seat_number: done.seat,
            seat: done.seat_goes.as_str(),
            amount: done.amount,
            balance: done.balance,
            status: "refunded",
            refunded_at: Moment(done.refunded_at),
        }
    }
}

#[utoipa::path(
    post, path = "/api/v1/admin/payments/{paymentId}/refund", tag = "operators", operation_id = "refundPayment",
    summary = "Give a payment back to the wallet that paid",
    description = "Takes the role operator. The seat is for sale again, or blocked. A payment is refunded once.",
    params(("paymentId" = uuid::Uuid, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = RefundRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = RefundBody, description = "Refunded"),
        (status = 400, description = "The body is not valid, or the balance would pass its limit"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such payment"),
        (status = 409, description = "It was refunded already"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
pub(in crate::http) async fn refund(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let (payment, key): (PaymentId, _) = (call.id()?, call.idempotency_key()?);
    let RefundRequest { reason, seat } = call.json().await?;
    // The library lets a refund go without a reason; over HTTP there always is somebody to give one.
    let done = back_office.refund_once(payment, Some(reason), seat, key.as_ref()).await?;
    json(StatusCode::OK, &RefundBody::from(done))
}
