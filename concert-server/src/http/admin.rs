//! `/api/v1/admin`: what operators do, with an operator key.

use concert_core::{LogEntry, LogEntryId, Money, OperatorKeyId, Page, Paged, Reference, Role, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use warp::http::StatusCode;

use super::body::{Moment, amount, json, parsed, parsed_if_there};
use super::call::Call;
use super::payments::BalanceBody;
use super::routing::{Answer, Endpoint, get, post};
use super::words;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/api/v1/admin/key", key),
        get("/api/v1/admin/log", log),
        post("/api/v1/admin/users/{userId}/recharge", recharge),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LogQuery {
    /// The most entries of the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The last entry of the page before.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[param(value_type = Option<uuid::Uuid>)]
    starting_after: Option<LogEntryId>,
}

/// What comes into a wallet.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreditRequest {
    /// More than 0, at most two decimal places.
    #[serde(deserialize_with = "amount")]
    #[schema(value_type = f64, example = 100.5)]
    amount: Money,
    /// The payment that it stands for, as its sender or provider calls it: 1 to 128 printable ASCII characters.
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = String, example = "INV-2027-0042")]
    reference: Reference,
}

/// A page of the log.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LogBody {
    data: Vec<LogEntryBody>,
    /// Whether older ones follow; `startingAfter` the last of these shows them.
    has_more: bool,
}

/// An act of an operator.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LogEntryBody {
    #[schema(value_type = uuid::Uuid)]
    entry_id: LogEntryId,
    at: Moment,
    /// Who: the name that the operator acted under.
    by: String,
    /// The operator key that was shown; null from the command line or an application.
    #[schema(value_type = Option<uuid::Uuid>)]
    key_id: Option<OperatorKeyId>,
    /// What was done.
    #[schema(example = "RECHARGE")]
    act: String,
    /// What kind of thing it was done to.
    #[schema(example = "user")]
    subject: String,
    /// The thing's id, if it has one.
    subject_id: Option<Uuid>,
    /// What the act changed, as it was before.
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// What the act changed, as it is after it.
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
    /// The id of the request, if it was one.
    request_id: Option<String>,
}

impl From<LogEntry> for LogEntryBody {
    fn from(found: LogEntry) -> Self {
        Self {
            entry_id: found.id,
            at: Moment(found.at),
            by: found.by,
            key_id: found.key,
            act: found.act,
            subject: found.subject,
            subject_id: found.subject_id,
            before: found.before,
            after: found.after,
            request_id: found.request_id,
        }
    }
}

/// What an operator key is.
#[derive(Serialize, ToSchema)]
struct KeyBody {
    /// What it may do.
    #[schema(value_type = words::OperatorRole)]
    role: &'static str,
}

#[utoipa::path(
    get, path = "/api/v1/admin/key", tag = "operators", operation_id = "ownKey",
    summary = "What the operator key may do that is shown",
    description = "Takes the role viewer, as every key has it at least.",
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, body = KeyBody, description = "Its role"),
        (status = 401, description = "No valid operator key"),
    )
)]
async fn key(call: Call) -> Answer {
    let role = call.box_office().role_of_key(call.operator_key()?).await?;
    json(StatusCode::OK, &KeyBody { role: role.as_str() })
}

#[utoipa::path(
    get, path = "/api/v1/admin/log", tag = "operators", operation_id = "operatorLog",
    summary = "What operators did",
    description = "Takes the role viewer.",
    params(LogQuery),
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, body = LogBody, description = "A page of the log, newest first"),
        (status = 400, description = "The query is not valid, or startingAfter is not an entry of the log"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
    )
)]
async fn log(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Viewer).await?;
    let LogQuery { limit, starting_after } = call.query()?;
    let Paged { data, has_more, .. } = back_office.log(Page::new(limit, starting_after)?).await?;
    json(StatusCode::OK, &LogBody { data: data.into_iter().map(LogEntryBody::from).collect(), has_more })
}

#[utoipa::path(
    post, path = "/api/v1/admin/users/{userId}/recharge", tag = "operators", operation_id = "rechargeUser",
    summary = "Recharge a user's wallet for a payment that came in",
    description = "Takes the role operator. A payment is credited to a user once: the same reference again is 409, with \
        what was credited. With an Idempotency-Key, the same request gets its first answer again.",
    params(("userId" = uuid::Uuid, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = CreditRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = BalanceBody, description = "Recharged"),
        (status = 400, description = "The body or the amount is not valid, or the balance would pass its limit"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this, or the user is disabled"),
        (status = 404, description = "No such user, or its person was forgotten"),
        (status = 409, description = "The reference was credited to this user already"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn recharge(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let user: UserId = call.id()?;
    let CreditRequest { amount, reference } = call.json().await?;
    let caller = back_office.acting_for(user).with_key(call.idempotency_key()?);
    // The way of a user who recharges; that the caller is signed makes it an act of the operator.
    let recharged = call.box_office().recharge_for(caller, amount, reference).await?;
    json(StatusCode::OK, &BalanceBody::from(recharged))
}
