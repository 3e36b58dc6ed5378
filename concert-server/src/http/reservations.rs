//! `/api/v1/reservations`: holding seats, extending the hold, and giving them back.

mod bodies;
pub(super) mod limits;

use concert_core::{ConcertId, OrderId, OrderRef, Page, ReservationId, ReservationList, SeatNumber, UserId, Wanted};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warp::Reply as _;
use warp::http::header::LINK;
use warp::http::{HeaderValue, StatusCode};

pub(super) use self::bodies::OrderBody;
use self::bodies::ReservationBody;
use super::auth;
use super::body::{
    Moment, created, if_there, json, object_if_there, parsed, parsed_if_there, seat_if_there, seats_if_there,
};
use super::call::Call;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, delete, get, post};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post("/api/v1/reservations", reserve),
        get("/api/v1/reservations", list),
        get("/api/v1/reservations/{reservationId}", look),
        delete("/api/v1/reservations/{reservationId}", give_back),
        post("/api/v1/reservations/{reservationId}/extend", extend),
        get("/api/v1/reservations/{concertId}/limits", limits::limits),
    ]
}

/// Exactly one of `seatNumber`, `seatNumbers` and `bestAvailable` says which seats.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReserveRequest {
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    /// This seat.
    #[serde(default, deserialize_with = "seat_if_there")]
    #[schema(value_type = i32, minimum = 1, required = false)]
    seat_number: Option<SeatNumber>,
    /// These seats, all of them or none.
    #[serde(default, deserialize_with = "seats_if_there")]
    #[schema(value_type = Vec<i32>, min_items = 1, required = false)]
    seat_numbers: Option<Vec<SeatNumber>>,
    /// The best free seats, all of them or none.
    #[serde(default, deserialize_with = "object_if_there")]
    #[schema(required = false, nullable = false)]
    best_available: Option<BestAvailable>,
    /// Who reserves: the user of the access token.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
}

/// Next to each other in one row where possible, and without leaving a single seat over where that can be avoided.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BestAvailable {
    /// How many.
    #[schema(minimum = 1, example = 2)]
    count: usize,
    /// Only seats of this section; any seats if it is left out.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(value_type = String, required = false)]
    section: Option<String>,
    /// Whether a party that cannot sit side by side, with no aisle between, is refused rather than split.
    #[serde(default)]
    together: bool,
}

impl ReserveRequest {
    fn wanted(&mut self) -> Result<Wanted, Problem> {
        match (self.seat_number.take(), self.seat_numbers.take(), self.best_available.take()) {
            (Some(seat), None, None) => Ok(seat.into()),
            (None, Some(seats), None) => Ok(seats.into()),
            (None, None, Some(BestAvailable { count, section, together: true })) => {
                Ok(Wanted::BestTogether { count, section })
            }
            (None, None, Some(BestAvailable { count, section, .. })) => Ok(Wanted::BestAvailable { count, section }),
            _ => Err(Problem::invalid("name exactly one of seatNumber, seatNumbers and bestAvailable")),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct GiveBackQuery {
    /// Whether the id is an order's, and all that is held of it goes back.
    #[serde(default)]
    order: bool,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Whose: the user of the access token.
    #[serde(deserialize_with = "parsed")]
    #[param(value_type = uuid::Uuid)]
    user_id: UserId,
    /// The most reservations of the page.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The last reservation of the page before: what its Link header says.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[param(value_type = Option<uuid::Uuid>)]
    starting_after: Option<ReservationId>,
}

/// A deadline that was moved.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExtendedBody {
    /// The deadline for paying now, of all that is held of the order.
    expires_at: Moment,
}

#[utoipa::path(
    post, path = "/api/v1/reservations", tag = "reservations", operation_id = "reserve",
    summary = "Hold seats: one, several, or the best available; all of them or none",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = ReserveRequest,
    security(("bearer" = [])),
    responses(
        (status = 201, body = OrderBody, description = "Held until expiresAt"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "The queue token is not ACTIVE, or belongs to another user"),
        (status = 404, description = "No such concert, section or seat"),
        (status = 409, description = "A seat is taken, not on sale, or was let go too often in a row (Retry-After); too \
                                      few are free, or not beside each other where that was wanted; the concert is over, too many seats are held, or one user \
                                      may have no more (SEAT_LIMIT)"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn reserve(mut call: Call) -> Answer {
    let credential = call.credential().await?;
    // Holding and giving back in turn keeps seats from others without a payment: it is braked as such.
    call.brake_hold(credential.user())?;
    let mut sent: ReserveRequest = call.json().await?;
    let caller = auth::caller(credential, sent.user_id)?.with_key(call.idempotency_key()?);
    let wanted = sent.wanted()?;
    let held = call.box_office().hold(caller, sent.concert_id, wanted).await?;
    created(&format!("/api/v1/reservations/{}", held.id), &OrderBody::of(held)?)
}

#[utoipa::path(
    get, path = "/api/v1/reservations", tag = "reservations", operation_id = "listReservations",
    summary = "The caller's reservations",
    description = "In pages, of 1 000 without a limit. Where older ones follow, a Link header names the next page (rel=next). \
                   The first page has all holds that can still be paid, however old.",
    params(ListQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, body = [ReservationBody], description = "The reservations, newest first",
            headers(("Link" = String, description = "The next page, if there is one"))),
        (status = 400, description = "The query is not valid, or startingAfter is not a reservation of this user"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "No such user"),
    )
)]
async fn list(mut call: Call) -> Answer {
    let credential = call.credential().await?;
    let ListQuery { user_id, limit, starting_after } = call.query()?;
    let (caller, page) = (auth::caller(credential, user_id)?, Page::new(limit, starting_after)?);
    let ReservationList { reservations, next, .. } = call.box_office().reservations_page(caller, page).await?;
    let mut response = json(StatusCode::OK, &reservations.into_iter().map(ReservationBody::from).collect::<Vec<_>>())?;
    if let Some(last) = next {
        let limit = limit.map(|limit| format!("&limit={limit}")).unwrap_or_default();
        // Relative, so that it holds behind any prefix.
        let link = format!("<?userId={user_id}{limit}&startingAfter={last}>; rel=\"next\"");
        response.headers_mut().insert(LINK, HeaderValue::try_from(link).map_err(Problem::internal)?);
    }
    Ok(response)
}

#[utoipa::path(
    get, path = "/api/v1/reservations/{reservationId}", tag = "reservations", operation_id = "reservation",
    summary = "One reservation",
    params(("reservationId" = uuid::Uuid, Path)),
    security(("bearer" = [])),
    responses(
        (status = 200, body = ReservationBody, description = "The reservation"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "No such reservation"),
    )
)]
async fn look(mut call: Call) -> Answer {
    let caller = call.credential().await?.caller();
    let found = call.box_office().order(caller, call.id::<ReservationId>()?).await?;
    let alone = found.reservations.into_iter().next().ok_or_else(|| Problem::internal("an order without a seat"))?;
    json(StatusCode::OK, &ReservationBody::from(alone))
}

#[utoipa::path(
    delete, path = "/api/v1/reservations/{reservationId}", tag = "reservations", operation_id = "cancelReservation",
    summary = "Give a hold back, or all that is held of an order",
    params(("reservationId" = uuid::Uuid, Path), GiveBackQuery),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "Given back, or already gone"),
        (status = 400, description = "Not a UUID, or the query is not valid"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "No such reservation or order"),
        (status = 409, description = "Already paid"),
    )
)]
async fn give_back(mut call: Call) -> Answer {
    let caller = call.credential().await?.caller();
    let GiveBackQuery { order } = call.query()?;
    let what: OrderRef = if order { call.id::<OrderId>()?.into() } else { call.id::<ReservationId>()?.into() };
    let user = caller.user();
    call.box_office().cancel(caller, what).await?;
    // Only after it has succeeded: trying to give back what one does not have costs nobody a seat.
    call.gave_back(user);
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[utoipa::path(
    post, path = "/api/v1/reservations/{reservationId}/extend", tag = "reservations", operation_id = "extendHold",
    summary = "Move the deadline of an order, once",
    params(
        ("reservationId" = uuid::Uuid, Path, description = "The order, or a reservation in it"),
        ("Idempotency-Key" = Option<String>, Header),
    ),
    security(("bearer" = [])),
    responses(
        (status = 200, body = ExtendedBody, description = "Held until expiresAt; the turn lasts as long"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "The queue token is not ACTIVE, or the reservation belongs to another user"),
        (status = 404, description = "No such reservation"),
        (status = 409, description = "Already extended, paid, given back, lapsed, or held until the end of the longest turn anyway"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn extend(mut call: Call) -> Answer {
    let caller = call.credential().await?.caller().with_key(call.idempotency_key()?);
    let expires_at = call.box_office().extend_hold(caller, call.id::<ReservationId>()?).await?;
    json(StatusCode::OK, &ExtendedBody { expires_at: Moment(expires_at) })
}
