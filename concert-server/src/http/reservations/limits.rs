//! `/api/v1/reservations/{concertId}/limits`: how many seats the caller has and may have.

use concert_core::{ConcertId, SaleId, SeatCount, UserId, UserSeats};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warp::http::StatusCode;

use crate::http::auth;
use crate::http::body::{json, parsed};
use crate::http::call::Call;
use crate::http::routing::Answer;

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LimitsQuery {
    /// Whose: the user of the access token.
    #[serde(deserialize_with = "parsed")]
    #[param(value_type = uuid::Uuid)]
    user_id: UserId,
}

/// How many seats of a concert a user has and may have.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LimitsBody {
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
    /// How many more seats of this concert the user may have, by its limit and by that of its sale; null: neither has one.
    left: Option<u32>,
    /// How many seats of it one user may have, held and sold together; null: it has no limit of its own.
    max_seats_per_user: Option<u32>,
    /// How many the user holds, and has not paid yet.
    held: u32,
    /// How many the user has paid.
    sold: u32,
    /// The same for all concerts of its sale together.
    sale: SaleLimitsBody,
    /// How many seats the user holds unpaid, of all concerts.
    unpaid: u32,
    /// How many one user may hold unpaid at once.
    max_holds_per_user: u32,
}

/// How many seats of a sale a user has and may have.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SaleLimitsBody {
    #[schema(value_type = uuid::Uuid)]
    sale_id: SaleId,
    /// How many more seats of the sale the user may have; null: the sale has no limit.
    left: Option<u32>,
    /// How many one user may have, held and sold together.
    max_seats_per_user: Option<u32>,
    held: u32,
    sold: u32,
}

impl From<UserSeats> for LimitsBody {
    fn from(found: UserSeats) -> Self {
        let SeatCount { held, sold, max_seats_per_user, .. } = found.of_sale;
        let (sale_id, left) = (found.sale, found.of_sale.left());
        Self {
            concert_id: found.concert,
            user_id: found.user,
            left: found.left,
            max_seats_per_user: found.of_concert.max_seats_per_user,
            held: found.of_concert.held,
            sold: found.of_concert.sold,
            sale: SaleLimitsBody { sale_id, left, max_seats_per_user, held, sold },
            unpaid: found.unpaid,
            max_holds_per_user: found.max_holds_per_user,
        }
    }
}

#[utoipa::path(
    get, path = "/api/v1/reservations/{concertId}/limits", tag = "reservations", operation_id = "seatLimits",
    summary = "How many seats of a concert the caller has, and how many more are allowed",
    params(("concertId" = uuid::Uuid, Path), LimitsQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, body = LimitsBody, description = "Held and sold seats count; a limit is null where none is set"),
        (status = 400, description = "Not a UUID, or the query is not valid"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "No such concert or user"),
    )
)]
pub(in crate::http) async fn limits(mut call: Call) -> Answer {
    let credential = call.credential().await?;
    let LimitsQuery { user_id } = call.query()?;
    let caller = auth::caller(credential, user_id)?;
    json(StatusCode::OK, &LimitsBody::from(call.box_office().user_seats(caller, call.id()?).await?))
}
