//! `/api/v1/payments`, the history: payments and wallet entries, in pages.

use concert_core::{
    BalanceChange, ConcertId, Money, Page, Paged, PaymentId, PaymentView, Reference, ReservationId, SeatNumber, UserId,
    WalletEntryId, WalletEntryKind, WalletEntryView,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warp::http::StatusCode;

use super::auth;
use super::body::{Moment, called_off, json, parsed, parsed_if_there};
use super::call::Call;
use super::routing::{Answer, Endpoint, get};
use super::words;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/api/v1/payments", payments),
        get("/api/v1/payments/entries/{userId}", entries),
        get("/api/v1/payments/{paymentId}", payment),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PaymentsQuery {
    /// Whose: the user of the access token.
    #[serde(deserialize_with = "parsed")]
    #[param(value_type = uuid::Uuid)]
    user_id: UserId,
    /// The most payments of the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The last payment of the page before.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[param(value_type = Option<uuid::Uuid>)]
    starting_after: Option<PaymentId>,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EntriesQuery {
    /// The most entries of the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The last entry of the page before.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[param(value_type = Option<uuid::Uuid>)]
    starting_after: Option<WalletEntryId>,
}

/// A page of payments.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PaymentsBody {
    data: Vec<PastPaymentBody>,
    /// Whether older ones follow; `startingAfter` the last of these shows them.
    has_more: bool,
}

/// A payment and its state.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PastPaymentBody {
    #[schema(value_type = uuid::Uuid)]
    payment_id: PaymentId,
    #[schema(value_type = uuid::Uuid)]
    reservation_id: ReservationId,
    #[schema(value_type = uuid::Uuid)]
    concert_id: ConcertId,
    concert_name: String,
    /// CANCELLED where the concert was called off.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = words::CalledOff, required = false)]
    concert_status: Option<&'static str>,
    #[schema(value_type = i32)]
    seat_number: SeatNumber,
    #[schema(value_type = f64, example = 120)]
    amount: Money,
    /// success or refunded.
    #[schema(value_type = words::PaymentStatus)]
    status: String,
    paid_at: Moment,
    /// Null unless refunded.
    refunded_at: Option<Moment>,
}

impl From<PaymentView> for PastPaymentBody {
    fn from(found: PaymentView) -> Self {
        Self {
            payment_id: found.id,
            reservation_id: found.reservation,
            concert_id: found.concert,
            concert_name: found.concert_name,
            concert_status: called_off(found.concert_status),
            seat_number: found.seat,
            amount: found.amount,
            // In small letters, as the answer of a payment has it.
            status: found.status.as_str().to_ascii_lowercase(),
            paid_at: Moment(found.paid_at),
            refunded_at: found.refunded_at.map(Moment),
        }
    }
}

/// A page of wallet entries.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EntriesBody {
    data: Vec<EntryBody>,
    /// Whether older ones follow; `startingAfter` the last of these shows them.
    has_more: bool,
}

/// A change of a balance.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EntryBody {
    #[schema(value_type = uuid::Uuid)]
    entry_id: WalletEntryId,
    /// RECHARGE, PAYMENT or REFUND.
    #[schema(value_type = words::WalletEntryKind)]
    kind: WalletEntryKind,
    /// The amount added to the balance: below 0 for a payment.
    #[schema(value_type = f64, example = -120)]
    amount: BalanceChange,
    /// The balance after it.
    #[schema(value_type = f64, example = 30.5)]
    balance_after: Money,
    /// The payment that was made or refunded; null for a recharge.
    #[schema(value_type = Option<uuid::Uuid>)]
    payment_id: Option<PaymentId>,
    /// The payment from outside that a recharge stands for; null where none was named.
    #[schema(value_type = Option<String>)]
    reference: Option<Reference>,
    created_at: Moment,
}

impl From<WalletEntryView> for EntryBody {
    fn from(found: WalletEntryView) -> Self {
        Self {
            entry_id: found.id,
            kind: found.kind,
            amount: found.amount,
            balance_after: found.balance_after,
            payment_id: found.payment,
            reference: found.reference,
            created_at: Moment(found.created_at),
        }
    }
}

#[utoipa::path(
    get, path = "/api/v1/payments", tag = "payments", operation_id = "listPayments",
    summary = "The caller's payments",
    params(PaymentsQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, body = PaymentsBody, description = "A page of payments, newest first"),
        (status = 400, description = "The query is not valid, or startingAfter is not a payment of this user"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "No such user"),
    )
)]
async fn payments(mut call: Call) -> Answer {
    let credential = call.credential().await?;
    let PaymentsQuery { user_id, limit, starting_after } = call.query()?;
    let caller = auth::caller(credential, user_id)?;
    let Paged { data, has_more, .. } = call.box_office().payments_of(caller, Page::new(limit, starting_after)?).await?;
    json(StatusCode::OK, &PaymentsBody { data: data.into_iter().map(PastPaymentBody::from).collect(), has_more })
}

#[utoipa::path(
    get, path = "/api/v1/payments/{paymentId}", tag = "payments", operation_id = "payment",
    summary = "One payment",
    params(("paymentId" = uuid::Uuid, Path)),
    security(("bearer" = [])),
    responses(
        (status = 200, body = PastPaymentBody, description = "The payment"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "No such payment"),
    )
)]
async fn payment(mut call: Call) -> Answer {
    let caller = call.credential().await?.caller();
    let found = call.box_office().payment(caller, call.id()?).await?;
    json(StatusCode::OK, &PastPaymentBody::from(found))
}

#[utoipa::path(
    get, path = "/api/v1/payments/entries/{userId}", tag = "payments", operation_id = "walletEntries",
    summary = "The changes of the caller's balance",
    params(("userId" = uuid::Uuid, Path), EntriesQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, body = EntriesBody, description = "A page of wallet entries, newest first"),
        (status = 400, description = "Not a UUID, the query is not valid, or startingAfter is not a wallet entry of this user"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "No such user"),
    )
)]
async fn entries(mut call: Call) -> Answer {
    let caller = auth::caller(call.credential().await?, call.id()?)?;
    let EntriesQuery { limit, starting_after } = call.query()?;
    let Paged { data, has_more, .. } =
        call.box_office().wallet_entries(caller, Page::new(limit, starting_after)?).await?;
    json(StatusCode::OK, &EntriesBody { data: data.into_iter().map(EntryBody::from).collect(), has_more })
}
