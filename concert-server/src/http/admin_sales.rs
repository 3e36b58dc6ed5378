//! `/api/v1/admin/sales`: sales as operators run them, with an operator key.

use concert_core::{AdmissionChange, EntryOrder, Error, NewSale, PerMinute, Role, Sale, SaleChange, SaleId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::body::{Instant, change, created, if_there, json, parsed_if_there};
use super::call::Call;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, get, patch, post};
use super::sales::SaleBody;
use super::version::with_version;
use super::words;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/api/v1/admin/sales", list),
        post("/api/v1/admin/sales", add),
        get("/api/v1/admin/sales/{saleId}", look),
        patch("/api/v1/admin/sales/{saleId}", change_sale),
        post("/api/v1/admin/sales/{saleId}/draw", name_public_value),
    ]
}

/// What is set about a sale. What is left out stays as it is; null takes a bound away.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SaleChangeRequest {
    /// 1 to 255 characters that no other sale has.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// When joining begins.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<Instant>)]
    doors_at: Option<Option<Instant>>,
    /// When people are let in.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<Instant>)]
    opens_at: Option<Option<Instant>>,
    /// When it ends.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<Instant>)]
    closes_at: Option<Option<Instant>>,
    /// Who comes first at the opening: arrival or draw.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[schema(value_type = Option<words::EntryOrder>, nullable = false)]
    order: Option<EntryOrder>,
    /// The cap on ACTIVE tokens.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(nullable = false, minimum = 1)]
    max_active: Option<u32>,
    /// The most users to let in within any 60 seconds.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    per_minute: Option<Option<u32>>,
    /// How many seats one user may have, held and sold together.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    max_seats_per_user: Option<Option<u32>>,
    /// Whether nobody is let in.
    #[serde(default, deserialize_with = "if_there")]
    #[schema(nullable = false)]
    paused: Option<bool>,
}

impl SaleChangeRequest {
    fn settings(self) -> SaleChange {
        let mut admission = AdmissionChange::new();
        if let Some(max_active) = self.max_active {
            admission = admission.with_max_active(max_active);
        }
        if let Some(per_minute) = self.per_minute {
            admission = admission.with_per_minute(per_minute.map_or(PerMinute::Unlimited, PerMinute::AtMost));
        }
        let mut change = SaleChange::new().with_admission(admission);
        if let Some(name) = self.name {
            change = change.with_name(name);
        }
        if let Some(at) = self.doors_at {
            change = change.with_doors_at(at.map(|Instant(at)| at));
        }
        if let Some(at) = self.opens_at {
            change = change.with_opens_at(at.map(|Instant(at)| at));
        }
        if let Some(at) = self.closes_at {
            change = change.with_closes_at(at.map(|Instant(at)| at));
        }
        if let Some(order) = self.order {
            change = change.with_order(order);
        }
        if let Some(seats) = self.max_seats_per_user {
            change = change.with_max_seats_per_user(seats);
        }
        if let Some(paused) = self.paused {
            change = change.with_paused(paused);
        }
        change
    }
}

/// A sale, with what is set about it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AdminSaleBody {
    #[serde(flatten)]
    sale: SaleBody,
    /// How many are ACTIVE.
    active: u32,
    /// The cap on them.
    max_active: u32,
    /// The most users that are let in within any 60 seconds; null: no such limit.
    per_minute: Option<u32>,
    /// Whether nobody is let in.
    paused: bool,
    /// Raised by every change; the ETag.
    version: u32,
}

impl From<Sale> for AdminSaleBody {
    fn from(sale: Sale) -> Self {
        Self {
            active: sale.active,
            max_active: sale.admission.max_active,
            per_minute: sale.admission.per_minute,
            paused: sale.admission.paused,
            version: sale.version,
            sale: sale.into(),
        }
    }
}

#[utoipa::path(
    get, path = "/api/v1/admin/sales", tag = "operators", operation_id = "salesForOperators",
    summary = "All sales, with what is set about them",
    description = "Takes the role viewer.",
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, body = [AdminSaleBody], description = "The sales, in the order in which they were made"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
    )
)]
async fn list(mut call: Call) -> Answer {
    // Asked for its refusal alone: what the library says of sales needs no operator.
    call.back_office(Role::Viewer).await?;
    let sales = call.box_office().sales().await?;
    json(StatusCode::OK, &sales.into_iter().map(AdminSaleBody::from).collect::<Vec<_>>())
}

#[utoipa::path(
    get, path = "/api/v1/admin/sales/{saleId}", tag = "operators", operation_id = "saleForOperators",
    summary = "A sale, with what is set about it",
    description = "Takes the role viewer.",
    params(("saleId" = uuid::Uuid, Path)),
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, body = AdminSaleBody, description = "The sale", headers(("ETag" = String, description = "Its version"))),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such sale"),
    )
)]
async fn look(mut call: Call) -> Answer {
    call.back_office(Role::Viewer).await?;
    shown(call.box_office().sale(call.id()?).await?)
}

#[utoipa::path(
    post, path = "/api/v1/admin/sales", tag = "operators", operation_id = "addSale",
    summary = "Make a sale and its queue",
    description = "Takes the role operator. Concerts are put into it when they are made. With an Idempotency-Key, a repeated \
                   request makes no second one.",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = SaleChangeRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 201, body = AdminSaleBody, description = "The sale", headers(
            ("ETag" = String, description = "Its version"),
            ("Location" = String, description = "Where it is"),
        )),
        (status = 400, description = "The body is not valid: without a name, or with instants that do not follow each other"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 409, description = "There is a sale of this name"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn add(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let mut request: SaleChangeRequest = call.json().await?;
    // Sales are made and changed by one kind of body, in which a change need not have the name.
    let name = request.name.take().ok_or_else(|| Problem::invalid("the body: missing field `name`"))?;
    let new = NewSale::new(name).with_settings(request.settings()).with_key(call.idempotency_key()?);
    let sale = back_office.add_sale(&new).await?;
    let (location, version) = (format!("/api/v1/sales/{}", sale.id), sale.version);
    with_version(created(&location, &AdminSaleBody::from(sale)), version)
}

#[utoipa::path(
    patch, path = "/api/v1/admin/sales/{saleId}", tag = "operators", operation_id = "changeSale",
    summary = "Change a sale, live",
    description = "Takes the role operator. It counts at once on this server, and within a second on the others. With \
                   If-Match, only if nobody has changed it since.",
    params(
        ("saleId" = uuid::Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag of the sale as the client has seen it"),
    ),
    request_body = SaleChangeRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = AdminSaleBody, description = "The sale", headers(("ETag" = String, description = "Its version"))),
        (status = 400, description = "The body is not valid, or instants do not follow each other"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such sale"),
        (status = 409, description = "There is a sale of this name; the draw is made and depends on it; or people have joined, so that the order stays"),
        (status = 412, description = "It has changed since; the version that it has is in the body"),
    )
)]
async fn change_sale(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let (id, if_version): (SaleId, _) = (call.id()?, call.if_version()?);
    let request: SaleChangeRequest = call.json().await?;
    shown(back_office.set_sale(id, request.settings(), if_version).await?)
}

/// What was drawn in public.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PublicValueRequest {
    /// 1 to 255 characters, as it is mixed into the draw.
    #[schema(example = "4 8 15 16 23 42")]
    public_value: String,
}

#[utoipa::path(
    post, path = "/api/v1/admin/sales/{saleId}/draw", tag = "operators", operation_id = "namePublicValue",
    summary = "Name what was drawn in public, for the draw of a sale",
    description = "Takes the role operator. Something that nobody knew when the doors opened, such as the numbers of a \
                   lottery. The draw at the opening mixes it in, so that nobody who knows the secret can choose the order. \
                   Until the opening it can be corrected; the log keeps each value.",
    params(("saleId" = uuid::Uuid, Path)),
    request_body = PublicValueRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = AdminSaleBody, description = "The sale", headers(("ETag" = String, description = "Its version"))),
        (status = 400, description = "The body is not valid, or the sale is ordered by arrival"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such sale"),
        (status = 409, description = "The doors are not open yet, or the draw is made"),
    )
)]
async fn name_public_value(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let id: SaleId = call.id()?;
    let request: PublicValueRequest = call.json().await?;
    let value = request.public_value.parse().map_err(Error::from)?;
    shown(back_office.name_public_value(id, value).await?)
}

fn shown(sale: Sale) -> Answer {
    let version = sale.version;
    with_version(json(StatusCode::OK, &AdminSaleBody::from(sale)), version)
}
