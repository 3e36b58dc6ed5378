//! `/api/v1/admin`: refunds, tickets that get another owner, concerts that are called off.

use std::time::Duration;

use concert_core::rust_decimal::Decimal;
use concert_core::{
    BackOffice, Cancellation, ConcertId, Error, Money, PaymentId, Reason, Refund, ReservationId, Role, SeatAfterRefund,
    SeatNumber, TicketMove, TicketView, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::body::{Moment, json, parsed};
use super::call::Call;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, get, post};
use super::words;

/// How long the call that calls a concert off waits for what follows: small halls are cleared by then.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post("/api/v1/admin/payments/{paymentId}/refund", refund),
        get("/api/v1/admin/tickets/{ticketId}", ticket),
        post("/api/v1/admin/tickets/{ticketId}/move", move_ticket),
        post("/api/v1/admin/concerts/{concertId}/cancel", cancel),
        get("/api/v1/admin/concerts/{concertId}/cancel", cancellation),
    ]
}

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

/// Who gets a ticket.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MoveRequest {
    /// The new owner.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
    /// Why, for the record: 1 to 255 characters.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = String, example = "the buyer is ill")]
    reason: Reason,
}

/// A sold seat, its owner and its payment.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SoldTicketBody)]
struct TicketBody {
    /// The id of its reservation.
    #[schema(value_type = uuid::Uuid)]
    ticket_id: ReservationId,
    /// VALID, or VOID: refunded.
    #[schema(value_type = words::TicketStatus)]
    status: &'static str,
    /// How many owners it has had.
    version: u32,
    /// Its owner.
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
    username: String,
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    concert_name: String,
    #[schema(value_type = words::ConcertStatus)]
    concert_status: &'static str,
    #[schema(value_type = i32)]
    seat_number: SeatNumber,
    section: Option<String>,
    row: Option<String>,
    #[schema(value_type = uuid::Uuid)]
    payment_id: PaymentId,
    /// Who paid, and has the money back where it is refunded.
    #[schema(value_type = uuid::Uuid)]
    paid_by: UserId,
    #[schema(value_type = f64, example = 120)]
    amount: Money,
    paid_at: Moment,
    refunded_at: Option<Moment>,
    /// When it was checked in, if it was.
    checked_in_at: Option<Moment>,
    /// At which gate.
    gate: Option<String>,
    /// From owner to owner, the first first.
    moves: Vec<MoveBody>,
}

/// How a ticket got another owner.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MoveBody {
    #[schema(value_type = uuid::Uuid)]
    from_user_id: UserId,
    #[schema(value_type = uuid::Uuid)]
    to_user_id: UserId,
    moved_at: Moment,
    /// The operator's name.
    moved_by: String,
    reason: String,
}

impl From<TicketMove> for MoveBody {
    fn from(moved: TicketMove) -> Self {
        let TicketMove { from, to, moved_at, moved_by, reason, .. } = moved;
        Self { from_user_id: from, to_user_id: to, moved_at: Moment(moved_at), moved_by, reason }
    }
}

impl From<TicketView> for TicketBody {
    fn from(found: TicketView) -> Self {
        Self {
            ticket_id: found.id,
            status: found.status.as_str(),
            version: found.version,
            user_id: found.user,
            username: found.username,
            concert_id: found.concert,
            concert_name: found.concert_name,
            concert_status: found.concert_status.as_str(),
            seat_number: found.seat,
            section: found.section,
            row: found.row,
            payment_id: found.payment,
            paid_by: found.paid_by,
            amount: found.amount,
            paid_at: Moment(found.paid_at),
            refunded_at: found.refunded_at.map(Moment),
            checked_in_at: found.check_in.as_ref().map(|made| Moment(made.checked_in_at)),
            gate: found.check_in.map(|made| made.gate.as_str().to_owned()),
            moves: found.moves.into_iter().map(MoveBody::from).collect(),
        }
    }
}

/// Calls a concert off.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CancelRequest {
    /// Why, for the record and for buyers: 1 to 255 characters.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = String, example = "the singer is ill")]
    reason: Reason,
    /// Only says what it would come to.
    #[serde(default)]
    dry_run: bool,
}

/// How far it is with calling a concert off.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CancellationBody {
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    concert_name: String,
    /// CANCELLED once it is called off.
    #[schema(value_type = words::ConcertStatus)]
    status: &'static str,
    reason: Option<String>,
    cancelled_at: Option<Moment>,
    cancelled_by: Option<String>,
    /// How many payments are to be refunded or were, since it was called off.
    payments: u64,
    refunded: u64,
    /// What the payments add up to.
    #[schema(value_type = f64, example = 143_880)]
    amount: Sum,
    #[schema(value_type = f64, example = 143_880)]
    amount_refunded: Sum,
    /// How many seats are still held unpaid.
    holds: u64,
    holds_released: u64,
    /// Whether every payment is refunded, every hold ended and every seat off sale.
    done: bool,
}

/// A sum of amounts, as a JSON number.
#[derive(Serialize)]
#[serde(transparent)]
struct Sum(#[serde(serialize_with = "as_number")] Decimal);

fn as_number<S: serde::Serializer>(sum: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    let number: serde_json::Number = sum.normalize().to_string().parse().map_err(serde::ser::Error::custom)?;
    number.serialize(serializer)
}

impl From<Cancellation> for CancellationBody {
    fn from(found: Cancellation) -> Self {
        Self {
            concert_id: found.concert,
            concert_name: found.concert_name,
            status: found.status.as_str(),
            reason: found.reason,
            cancelled_at: found.cancelled_at.map(Moment),
            cancelled_by: found.cancelled_by,
            payments: found.payments,
            refunded: found.refunded,
            amount: Sum(found.amount),
            amount_refunded: Sum(found.amount_refunded),
            holds: found.holds,
            holds_released: found.holds_released,
            done: found.done,
        }
    }
}

#[utoipa::path(
    post, path = "/api/v1/admin/payments/{paymentId}/refund", tag = "operators", operation_id = "refundPayment",
    summary = "Give a payment back to the wallet that paid",
    description = "Takes the role operator. The seat is for sale again, or blocked. A payment is refunded once.",
    params(("paymentId" = uuid::Uuid, Path)),
    request_body = RefundRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = RefundBody, description = "Refunded"),
        (status = 400, description = "The body is not valid, or the balance would pass its limit"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such payment"),
        (status = 409, description = "It was refunded already"),
    )
)]
async fn refund(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let payment: PaymentId = call.id()?;
    let RefundRequest { reason, seat } = call.json().await?;
    json(StatusCode::OK, &RefundBody::from(back_office.refund_to(payment, Some(reason), seat).await?))
}

#[utoipa::path(
    get, path = "/api/v1/admin/tickets/{ticketId}", tag = "operators", operation_id = "ticket",
    summary = "A sold seat, its owner and its payment",
    description = "Takes the role viewer.",
    params(("ticketId" = uuid::Uuid, Path)),
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, body = TicketBody, description = "The ticket"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such ticket"),
    )
)]
async fn ticket(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Viewer).await?;
    json(StatusCode::OK, &TicketBody::from(back_office.ticket(call.id()?).await?))
}

#[utoipa::path(
    post, path = "/api/v1/admin/tickets/{ticketId}/move", tag = "operators", operation_id = "moveTicket",
    summary = "Give a sold seat to another owner",
    description = "Takes the role operator. The seat counts for the limits of the new owner. The payment stays with the \
        user who paid: a refund goes there.",
    params(("ticketId" = uuid::Uuid, Path)),
    request_body = MoveRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = TicketBody, description = "Moved"),
        (status = 400, description = "The body is not valid, or the user has the ticket already"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this, or the user is disabled"),
        (status = 404, description = "No such ticket, or no such user: nobody has it, or its person was forgotten"),
        (status = 409, description = "The ticket is void, the concert is called off, or the user has as many seats as one may"),
    )
)]
async fn move_ticket(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let ticket: ReservationId = call.id()?;
    let MoveRequest { user_id, reason } = call.json().await?;
    back_office.move_ticket(ticket, user_id, reason).await?;
    json(StatusCode::OK, &TicketBody::from(back_office.ticket(ticket).await?))
}

#[utoipa::path(
    post, path = "/api/v1/admin/concerts/{concertId}/cancel", tag = "operators", operation_id = "cancelConcert",
    summary = "Call a concert off",
    description = "Takes the role operator. From the answer on nothing of it is held or paid. Its holds end and its \
        payments are refunded by this server or, if it ends, by any other; GET the same says how far it is. Called off \
        again before it is done, it goes on.",
    params(("concertId" = uuid::Uuid, Path)),
    request_body = CancelRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 202, body = CancellationBody, description = "Called off"),
        (status = 200, body = CancellationBody, description = "What it would come to: it was a dry run"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
        (status = 409, description = "It was called off before, and all is done"),
    )
)]
async fn cancel(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let concert: ConcertId = call.id()?;
    let CancelRequest { reason, dry_run } = call.json().await?;
    let found = back_office.cancellation(concert).await?;
    if dry_run {
        return json(StatusCode::OK, &CancellationBody::from(found));
    }
    if found.done {
        return Err(Problem::from(Error::ConcertCancelled));
    }
    back_office.cancel_concert(concert, reason).await?;
    finish_for_a_while(&back_office, concert).await;
    json(StatusCode::ACCEPTED, &CancellationBody::from(back_office.cancellation(concert).await?))
}

/// Clears the concert in a task of its own, and waits a little for it. Whatever becomes of it, the passes of every server
/// go on with the rest.
async fn finish_for_a_while(back_office: &BackOffice, concert: ConcertId) {
    let back_office = back_office.clone();
    let clearing = tokio::spawn(async move {
        if let Err(error) = back_office.finish_cancellation(concert, |_| {}).await {
            tracing::warn!(%concert, code = error.code(), %error, "clearing a concert broke off; a pass goes on with it");
        }
    });
    let _ = tokio::time::timeout(LONGEST_WAIT, clearing).await;
}

#[utoipa::path(
    get, path = "/api/v1/admin/concerts/{concertId}/cancel", tag = "operators", operation_id = "cancellation",
    summary = "How far it is with calling a concert off",
    description = "Takes the role viewer. Of a concert that is not called off: what it would come to.",
    params(("concertId" = uuid::Uuid, Path)),
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, body = CancellationBody, description = "How far it is"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
    )
)]
async fn cancellation(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Viewer).await?;
    json(StatusCode::OK, &CancellationBody::from(back_office.cancellation(call.id()?).await?))
}
