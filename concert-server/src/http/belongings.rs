//! `/api/v1/orders`: what a buyer has held and paid.

use concert_core::{OrderId, Page, Paged, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warp::http::StatusCode;

use super::auth;
use super::body::{json, parsed, parsed_if_there};
use super::call::Call;
use super::problem::Problem;
use super::reservations::OrderBody;
use super::routing::{Answer, Endpoint, get};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![get("/api/v1/orders", orders), get("/api/v1/orders/{orderId}", order)]
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OrdersQuery {
    /// Whose: the user of the access token.
    #[serde(deserialize_with = "parsed")]
    #[param(value_type = uuid::Uuid)]
    user_id: UserId,
    /// Only those of which something can still be paid: all of them, since they are few.
    #[serde(default)]
    open: bool,
    /// The most orders of the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The last order of the page before.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[param(value_type = Option<uuid::Uuid>)]
    starting_after: Option<OrderId>,
}

/// A page of orders.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrdersBody {
    data: Vec<OrderBody>,
    /// Whether older ones follow; `startingAfter` the last of these shows them.
    has_more: bool,
}

#[utoipa::path(
    get, path = "/api/v1/orders", tag = "reservations", operation_id = "listOrders",
    summary = "The caller's orders, or those that are open",
    description = "An order is what was held in one call. `status` is HELD as long as anything of it can be paid, and \
                   `total` is what that costs; else CONFIRMED as long as any seat of it is sold.",
    params(OrdersQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, body = OrdersBody, description = "A page of orders, newest first"),
        (status = 400, description = "The query is not valid, or startingAfter is not an order of this user"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "No such user"),
    )
)]
async fn orders(mut call: Call) -> Answer {
    let credential = call.credential().await?;
    let OrdersQuery { user_id, open, limit, starting_after } = call.query()?;
    let (caller, page) = (auth::caller(credential, user_id)?, Page::new(limit, starting_after)?);
    if open && starting_after.is_some() {
        return Err(Problem::invalid("open orders are all on one page: leave startingAfter out"));
    }
    let (data, has_more) = if open {
        // The limit of holds bounds them, so they fit on one page.
        (call.box_office().open_orders_of(caller).await?, false)
    } else {
        let Paged { data, has_more, .. } = call.box_office().orders_of(caller, page).await?;
        (data, has_more)
    };
    let data = data.into_iter().map(OrderBody::of).collect::<Result<_, _>>()?;
    json(StatusCode::OK, &OrdersBody { data, has_more })
}

#[utoipa::path(
    get, path = "/api/v1/orders/{orderId}", tag = "reservations", operation_id = "order",
    summary = "One order",
    params(("orderId" = uuid::Uuid, Path)),
    security(("bearer" = [])),
    responses(
        (status = 200, body = OrderBody, description = "The order as it is now"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "No such order"),
    )
)]
async fn order(mut call: Call) -> Answer {
    let caller = call.credential().await?.caller();
    let found = call.box_office().order(caller, call.id::<OrderId>()?).await?;
    json(StatusCode::OK, &OrderBody::of(found)?)
}
