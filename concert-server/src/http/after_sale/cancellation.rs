//! Concerts that are called off, and how far it is with that.

use std::time::Duration;

use concert_core::rust_decimal::Decimal;
use concert_core::{BackOffice, Cancellation, ConcertId, Error, Reason, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::http::StatusCode;

use crate::http::body::{Moment, json, parsed};
use crate::http::call::Call;
use crate::http::problem::Problem;
use crate::http::routing::Answer;
use crate::http::words;

/// How long the call that calls a concert off waits for what follows: small halls are cleared by then.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

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
pub(in crate::http) async fn cancel(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let concert: ConcertId = call.id()?;
    let CancelRequest { reason, dry_run } = call.json().await?;
    let found = back_office.cancellation(concert).await?;
    if dry_run {
        return json(StatusCode::OK, &CancellationBody::from(found));
    }
    // Before all is done, asking again is how an operator has it go on.
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
    // When the wait is over the task goes on: a handle that is dropped stops nothing.
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
pub(in crate::http) async fn cancellation(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Viewer).await?;
    json(StatusCode::OK, &CancellationBody::from(back_office.cancellation(call.id()?).await?))
}
