//! `/api/v1/orders`, `/api/v1/tickets`: what a buyer has.

use std::sync::Arc;

use chrono::NaiveDate;
use concert_core::{ConcertId, Money, OrderId, OwnTicket, Page, Paged, PaymentId, ReservationId, SeatNumber, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warp::http::StatusCode;

use super::auth;
use super::body::{Moment, called_off, json, parsed, parsed_if_there};
use super::call::Call;
use super::problem::Problem;
use super::reservations::OrderBody;
use super::routing::{Answer, Endpoint, get};
use super::words;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![get("/api/v1/orders", orders), get("/api/v1/orders/{orderId}", order), get("/api/v1/tickets", tickets)]
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

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TicketsQuery {
    /// Whose: the user of the access token.
    #[serde(deserialize_with = "parsed")]
    #[param(value_type = uuid::Uuid)]
    user_id: UserId,
    /// The most tickets of the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The last ticket of the page before.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[param(value_type = Option<uuid::Uuid>)]
    starting_after: Option<ReservationId>,
}

/// A page of orders.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrdersBody {
    data: Vec<OrderBody>,
    /// Whether older ones follow; `startingAfter` the last of these shows them.
    has_more: bool,
}

/// A page of tickets.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TicketsBody {
    data: Vec<TicketBody>,
    /// Whether older ones follow; `startingAfter` the last of these shows them.
    has_more: bool,
}

/// A seat that its owner has bought.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TicketBody {
    /// The reservation's id.
    #[schema(value_type = uuid::Uuid)]
    ticket_id: ReservationId,
    #[schema(value_type = uuid::Uuid)]
    order_id: OrderId,
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    concert_name: String,
    /// CANCELLED where the concert was called off, until the ticket is refunded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = words::CalledOff, required = false)]
    concert_status: Option<&'static str>,
    /// In the zone of the venue.
    date: NaiveDate,
    /// When it begins, by the clocks of the venue; null where that is not said.
    #[schema(example = "20:00")]
    starts_at: Option<String>,
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
    /// What is special about the seat.
    #[schema(example = json!(["ACCESSIBLE"]))]
    marks: Vec<String>,
    /// What it cost.
    #[schema(value_type = f64, example = 120)]
    price: Money,
    #[schema(value_type = Option<uuid::Uuid>)]
    payment_id: Option<PaymentId>,
    paid_at: Option<Moment>,
}

impl From<OwnTicket> for TicketBody {
    fn from(found: OwnTicket) -> Self {
        let bought = found.reservation;
        let marks = found.marks.as_deref().unwrap_or_default();
        Self {
            ticket_id: bought.id,
            order_id: bought.order(),
            concert_id: bought.concert,
            concert_name: found.concert_name.to_string(),
            concert_status: called_off(bought.concert_status),
            date: found.date,
            starts_at: found.starts_at.map(|time| time.format("%H:%M").to_string()),
            seat_number: bought.seat,
            section: bought.section,
            row: bought.row,
            marks: marks.split(',').filter(|mark| !mark.is_empty()).map(str::to_owned).collect(),
            price: bought.price,
            payment_id: found.payment,
            paid_at: found.paid_at.map(Moment),
        }
    }
}

#[utoipa::path(
    get, path = "/api/v1/orders", tag = "reservations", operation_id = "listOrders",
    summary = "The caller's orders, or those that are open",
    description = "An order is what was held in one call. `status` is HELD as long as anything of it can be paid, and \
                   `total` is what that costs.",
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

#[utoipa::path(
    get, path = "/api/v1/tickets", tag = "reservations", operation_id = "listTickets",
    summary = "The seats that the caller has bought",
    description = "Those that were refunded are left out.",
    params(TicketsQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, body = TicketsBody, description = "A page of tickets, newest first"),
        (status = 400, description = "The query is not valid, or startingAfter is not a ticket of this user"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "No such user"),
    )
)]
async fn tickets(mut call: Call) -> Answer {
    let credential = call.credential().await?;
    let TicketsQuery { user_id, limit, starting_after } = call.query()?;
    let (caller, page) = (auth::caller(credential, user_id)?, Page::new(limit, starting_after)?);
    let Paged { data, has_more, .. } = call.box_office().tickets_of(caller, page).await?;
    json(StatusCode::OK, &TicketsBody { data: data.into_iter().map(TicketBody::from).collect(), has_more })
}
