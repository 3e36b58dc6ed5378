//! `/api/v1/reservations`: holding a seat, and giving it back.

use chrono::NaiveDate;
use concert_core::{ConcertId, Money, Reservation, ReservationId, SeatNumber, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warp::Reply as _;
use warp::http::StatusCode;

use super::auth;
use super::body::{Moment, json, parsed, seat_number};
use super::call::Call;
use super::routing::{Answer, Endpoint, delete, get, post};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post("/api/v1/reservations", reserve),
        get("/api/v1/reservations", list),
        get("/api/v1/reservations/{reservationId}", look),
        delete("/api/v1/reservations/{reservationId}", give_back),
    ]
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReserveRequest {
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    #[serde(deserialize_with = "seat_number")]
    #[schema(value_type = i32, minimum = 1)]
    seat_number: SeatNumber,
    /// Who reserves: the user of the access token.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Whose: the user of the access token.
    #[serde(deserialize_with = "parsed")]
    #[param(value_type = uuid::Uuid)]
    user_id: UserId,
}

/// A hold on a seat, and what became of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReservationBody {
    #[schema(value_type = uuid::Uuid)]
    reservation_id: ReservationId,
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    #[schema(value_type = i32)]
    seat_number: SeatNumber,
    /// HELD, CONFIRMED (paid), EXPIRED, CANCELLED or REFUNDED.
    #[schema(example = "HELD")]
    status: &'static str,
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
            concert_id: found.concert,
            seat_number: found.seat,
            status: found.status.as_str(),
            price: found.price,
            performance_date: found.performance_date,
            reserved_at: Moment(found.reserved_at),
            expires_at: Moment(found.expires_at),
        }
    }
}

#[utoipa::path(
    post, path = "/api/v1/reservations", tag = "reservations", operation_id = "reserve",
    summary = "Hold a seat",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = ReserveRequest,
    security(("bearer" = [])),
    responses(
        (status = 201, body = ReservationBody, description = "Held until expiresAt"),
        (status = 400, description = "Not such a body"),
        (status = 401, description = "No access token, or one that does not hold"),
        (status = 403, description = "The queue token is not ACTIVE, or another user's"),
        (status = 404, description = "No such concert or seat"),
        (status = 409, description = "The seat is taken, the concert over, or too many seats are held"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn reserve(mut call: Call) -> Answer {
    let credential = call.credential()?;
    let sent: ReserveRequest = call.json().await?;
    let caller = auth::caller(credential, sent.user_id)?.with_key(call.idempotency_key()?);
    let held = call.box_office().reserve(caller, sent.concert_id, sent.seat_number).await?;
    json(StatusCode::CREATED, &ReservationBody::from(held))
}

#[utoipa::path(
    get, path = "/api/v1/reservations", tag = "reservations", operation_id = "listReservations",
    summary = "One's reservations",
    params(ListQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, body = [ReservationBody], description = "The reservations, newest first"),
        (status = 400, description = "Not such a query"),
        (status = 401, description = "No access token, or one that does not hold"),
        (status = 403, description = "Another user's"),
        (status = 404, description = "No such user"),
    )
)]
async fn list(call: Call) -> Answer {
    let credential = call.credential()?;
    let ListQuery { user_id } = call.query()?;
    let found = call.box_office().reservations_of(auth::caller(credential, user_id)?).await?;
    json(StatusCode::OK, &found.into_iter().map(ReservationBody::from).collect::<Vec<_>>())
}

#[utoipa::path(
    get, path = "/api/v1/reservations/{reservationId}", tag = "reservations", operation_id = "reservation",
    summary = "One reservation",
    params(("reservationId" = uuid::Uuid, Path)),
    security(("bearer" = [])),
    responses(
        (status = 200, body = ReservationBody, description = "The reservation"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No access token, or one that does not hold"),
        (status = 403, description = "Another user's"),
        (status = 404, description = "No such reservation"),
    )
)]
async fn look(call: Call) -> Answer {
    let caller = call.credential()?.caller();
    let found = call.box_office().reservation(caller, call.id()?).await?;
    json(StatusCode::OK, &ReservationBody::from(found))
}

#[utoipa::path(
    delete, path = "/api/v1/reservations/{reservationId}", tag = "reservations", operation_id = "cancelReservation",
    summary = "Give a hold back",
    params(("reservationId" = uuid::Uuid, Path)),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "Given back, or gone already"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No access token, or one that does not hold"),
        (status = 403, description = "Another user's"),
        (status = 404, description = "No such reservation"),
        (status = 409, description = "Paid already"),
    )
)]
async fn give_back(call: Call) -> Answer {
    let caller = call.credential()?.caller();
    call.box_office().cancel_reservation(caller, call.id()?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
