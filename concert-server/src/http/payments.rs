//! `/api/v1/payments`: the wallet, and paying for holds.

use concert_core::{
    Money, OrderId, OrderRef, PaidOrder, Payment, PaymentId, Recharged, Reference, ReservationId, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::auth;
use super::body::{Moment, amount, json, parsed, parsed_if_there};
use super::call::Call;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, get, post};
use super::words;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post("/api/v1/payments/recharge", recharge),
        get("/api/v1/payments/balance/{userId}", balance),
        post("/api/v1/payments/process", pay),
    ]
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RechargeRequest {
    /// Whose wallet: that of the user of the access token.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
    /// More than 0, at most two decimal places.
    #[serde(deserialize_with = "amount")]
    #[schema(value_type = f64, example = 100.5)]
    amount: Money,
    /// The payment that it stands for, as its sender or provider calls it: 1 to 128 printable ASCII characters.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = String, required = false)]
    reference: Option<Reference>,
}

/// Exactly one of `reservationId` and `orderId` says for what.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PayRequest {
    /// For this reservation.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = uuid::Uuid, required = false)]
    reservation_id: Option<ReservationId>,
    /// For all that is held of this order, at once or not at all.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = uuid::Uuid, required = false)]
    order_id: Option<OrderId>,
    /// The price of the reservation, or the sum of what is held of the order.
    #[serde(deserialize_with = "amount")]
    #[schema(value_type = f64, example = 120)]
    amount: Money,
    /// Who pays: the user of the access token.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
}

/// A wallet's balance.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BalanceBody {
    /// The balance now.
    #[schema(value_type = f64, example = 150.5)]
    new_balance: Money,
    /// The balance before the recharge; the balance now when nothing was recharged.
    #[schema(value_type = f64, example = 50)]
    current_balance: Money,
}

impl From<Recharged> for BalanceBody {
    fn from(Recharged { before, after }: Recharged) -> Self {
        Self { new_balance: after, current_balance: before }
    }
}

/// A successful payment of a reservation or of an order.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PaymentBody {
    /// Of an order: the first of its payments.
    #[schema(value_type = uuid::Uuid)]
    payment_id: PaymentId,
    #[schema(value_type = words::PaidStatus)]
    status: &'static str,
    /// The reservation, if one was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = uuid::Uuid, required = false)]
    reservation_id: Option<ReservationId>,
    /// The order, if one was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = uuid::Uuid, required = false)]
    order_id: Option<OrderId>,
    /// All that was paid.
    #[schema(value_type = f64, example = 120)]
    amount: Money,
    /// One for each seat, if an order was paid.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    payments: Vec<PartBody>,
    paid_at: Moment,
}

/// What one seat of an order cost.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PartBody {
    #[schema(value_type = uuid::Uuid)]
    payment_id: PaymentId,
    #[schema(value_type = uuid::Uuid)]
    reservation_id: ReservationId,
    #[schema(value_type = f64, example = 120)]
    amount: Money,
}

impl PaymentBody {
    fn of(what: OrderRef, paid: PaidOrder) -> Result<Self, Problem> {
        let first = paid.payments.first().ok_or_else(|| Problem::internal("a payment of nothing"))?;
        let body = Self {
            // Clients that pay for one seat know one payment; those of an order find the others below.
            payment_id: first.id,
            status: "success",
            reservation_id: None,
            order_id: None,
            amount: paid.total,
            payments: Vec::new(),
            paid_at: Moment(first.paid_at),
        };
        Ok(match what {
            OrderRef::Reservation(id) => Self { reservation_id: Some(id), ..body },
            OrderRef::Order(id) => {
                Self { order_id: Some(id), payments: paid.payments.into_iter().map(PartBody::from).collect(), ..body }
            }
        })
    }
}

impl From<Payment> for PartBody {
    fn from(paid: Payment) -> Self {
        Self { payment_id: paid.id, reservation_id: paid.reservation, amount: paid.amount }
    }
}

#[utoipa::path(
    post, path = "/api/v1/payments/recharge", tag = "payments", operation_id = "recharge",
    summary = "Recharge the caller's wallet",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = RechargeRequest,
    security(("bearer" = [])),
    responses(
        (status = 200, body = BalanceBody, description = "Recharged"),
        (status = 400, description = "The body or the amount is not valid, or the balance would pass its limit"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user, or only operators recharge wallets here"),
        (status = 404, description = "No such user"),
        (status = 409, description = "The reference was credited to this user already"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn recharge(mut call: Call) -> Answer {
    let credential = call.credential().await?;
    let sent: RechargeRequest = call.json().await?;
    // After the body: only that says whose wallet it is.
    let caller = auth::caller(credential, sent.user_id)?.with_key(call.idempotency_key()?);
    let recharged = call.box_office().recharge_for(caller, sent.amount, sent.reference).await?;
    json(StatusCode::OK, &BalanceBody::from(recharged))
}

#[utoipa::path(
    get, path = "/api/v1/payments/balance/{userId}", tag = "payments", operation_id = "balance",
    summary = "The caller's balance",
    params(("userId" = uuid::Uuid, Path)),
    security(("bearer" = [])),
    responses(
        (status = 200, body = BalanceBody, description = "The balance, in both fields"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "No such user"),
    )
)]
async fn balance(mut call: Call) -> Answer {
    let caller = auth::caller(call.credential().await?, call.id()?)?;
    let balance = call.box_office().balance(caller).await?;
    // The shape of a recharge, as the contract has it: nothing came between the two.
    json(StatusCode::OK, &BalanceBody { new_balance: balance, current_balance: balance })
}

#[utoipa::path(
    post, path = "/api/v1/payments/process", tag = "payments", operation_id = "pay",
    summary = "Pay for a held seat, or for all that is held of an order",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = PayRequest,
    security(("bearer" = [])),
    responses(
        (status = 200, body = PaymentBody, description = "Paid: what was held is sold"),
        (status = 400, description = "The body is not valid, or the amount is not the price"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "The queue token is not ACTIVE, or the reservation belongs to another user"),
        (status = 404, description = "No such reservation or order"),
        (status = 409, description = "Already paid, too little balance, or the hold has lapsed"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn pay(mut call: Call) -> Answer {
    let credential = call.credential().await?;
    let sent: PayRequest = call.json().await?;
    let caller = auth::caller(credential, sent.user_id)?.with_key(call.idempotency_key()?);
    let what = match (sent.reservation_id, sent.order_id) {
        (Some(reservation), None) => OrderRef::from(reservation),
        (None, Some(order)) => OrderRef::from(order),
        _ => return Err(Problem::invalid("name exactly one of reservationId and orderId")),
    };
    let paid = call.box_office().pay(caller, what, sent.amount).await?;
    json(StatusCode::OK, &PaymentBody::of(what, paid)?)
}
