//! Sold seats as operators see them, and those that get another owner.

use concert_core::{
    ConcertId, Money, PaymentId, Reason, ReservationId, Role, SeatNumber, TicketMove, TicketView, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::http::StatusCode;

use crate::http::body::{Moment, json, parsed};
use crate::http::call::Call;
use crate::http::routing::Answer;
use crate::http::words;

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
pub(in crate::http) async fn ticket(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Viewer).await?;
    json(StatusCode::OK, &TicketBody::from(back_office.ticket(call.id()?).await?))
}

#[utoipa::path(
    post, path = "/api/v1/admin/tickets/{ticketId}/move", tag = "operators", operation_id = "moveTicket",
    summary = "Give a sold seat to another owner",
    description = "Takes the role operator. The seat counts for the limits of the new owner. The payment stays with the \
        user who paid: a refund goes there. With an Idempotency-Key, a repeated request moves nothing and shows the ticket \
        as it is.",
    params(("ticketId" = uuid::Uuid, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = MoveRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = TicketBody, description = "Moved"),
        (status = 400, description = "The body is not valid, or the user has the ticket already"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this, or the user is disabled"),
        (status = 404, description = "No such ticket, or no such user: nobody has it, or its person was forgotten"),
        (status = 409, description = "The ticket is void, the concert is called off, or the user has as many seats as one may"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
pub(in crate::http) async fn move_ticket(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let (ticket, key): (ReservationId, _) = (call.id()?, call.idempotency_key()?);
    let MoveRequest { user_id, reason } = call.json().await?;
    back_office.move_ticket_once(ticket, user_id, reason, key.as_ref()).await?;
    // Read once more: the answer has all moves, this one among them.
    json(StatusCode::OK, &TicketBody::from(back_office.ticket(ticket).await?))
}
