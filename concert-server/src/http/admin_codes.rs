//! `/api/v1/admin/sales/{saleId}/codes`: access codes, with an operator key.

use concert_core::{AccessCodeId, CodeEntry, CodeKind, CodeRef, CodesToRevoke, NewCodes, Page, Paged, Role, SaleId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warp::http::StatusCode;

use super::body::{Moment, created, json, parsed, parsed_if_there};
use super::call::Call;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, get, post};
use super::words;

/// The largest body that names codes, in bytes: 1 000 of them.
const LARGEST_LIST: usize = 64 * 1024;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/api/v1/admin/sales/{saleId}/codes", list),
        post("/api/v1/admin/sales/{saleId}/codes", make),
        post("/api/v1/admin/sales/{saleId}/codes/revoke", revoke),
    ]
}

/// What codes to make.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewCodesRequest {
    /// How many.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 10_000, default = 1)]
    count: u32,
    /// How often each can be redeemed.
    #[serde(default = "one")]
    #[schema(minimum = 1, default = 1)]
    uses: u32,
    /// PRESALE (entry before the opening) or FRONT (a place in front).
    #[serde(deserialize_with = "parsed")]
    #[schema(value_type = words::CodeKind)]
    kind: CodeKind,
}

const fn one() -> u32 {
    1
}

/// New codes. They are shown here and never again.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MadeCodesBody {
    #[schema(value_type = uuid::Uuid)]
    sale_id: SaleId,
    #[schema(value_type = words::CodeKind)]
    kind: CodeKind,
    uses: u32,
    /// The codes, as they are typed.
    #[schema(example = json!(["K7QM-2X9D-0HVT-RB1E"]))]
    codes: Vec<String>,
    /// The ids under which they are listed, in the same order.
    #[schema(value_type = Vec<uuid::Uuid>)]
    code_ids: Vec<AccessCodeId>,
}

/// Which codes to revoke: exactly one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RevokeCodesRequest {
    /// These: each is a code, or the id of one.
    #[serde(default)]
    #[schema(required = false, min_items = 1, max_items = 1_000)]
    codes: Option<Vec<String>>,
    /// All of the sale.
    #[serde(default)]
    #[schema(required = false)]
    all: bool,
}

/// What was revoked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RevokedCodesBody {
    /// How many codes were in force until now.
    revoked: u64,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CodesQuery {
    /// The most codes of the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The last code of the page before.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[param(value_type = Option<uuid::Uuid>)]
    starting_after: Option<AccessCodeId>,
}

/// A page of codes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CodesBody {
    data: Vec<CodeBody>,
    /// Whether older ones follow; `startingAfter` the last of these shows them.
    has_more: bool,
}

/// A code, without the code itself.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CodeBody {
    #[schema(value_type = uuid::Uuid)]
    code_id: AccessCodeId,
    #[schema(value_type = words::CodeKind)]
    kind: CodeKind,
    /// How often it may be redeemed.
    uses: u32,
    /// How often it can still be.
    uses_left: u32,
    created_at: Moment,
    created_by: String,
    /// Null: it is in force.
    revoked_at: Option<Moment>,
}

impl From<CodeEntry> for CodeBody {
    fn from(found: CodeEntry) -> Self {
        Self {
            code_id: found.id,
            kind: found.kind,
            uses: found.uses,
            uses_left: found.uses_left,
            created_at: Moment(found.created_at),
            created_by: found.created_by,
            revoked_at: found.revoked_at.map(Moment),
        }
    }
}

#[utoipa::path(
    post, path = "/api/v1/admin/sales/{saleId}/codes", tag = "operators", operation_id = "makeCodes",
    summary = "Make access codes for a sale",
    description = "Takes the role operator. The codes are in the answer and nowhere else: the database has their hashes. So a \
                   repeated request makes others, but with an Idempotency-Key it is refused; revoke those of an answer that \
                   was lost.",
    params(("saleId" = uuid::Uuid, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = NewCodesRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 201, body = MadeCodesBody, description = "The codes, shown once"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such sale"),
        (status = 409, description = "Codes were made with this idempotency key already"),
    )
)]
async fn make(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let sale: SaleId = call.id()?;
    let NewCodesRequest { count, uses, kind } = call.json().await?;
    let new = NewCodes::new(kind, count)?.with_uses(uses)?.with_key(call.idempotency_key()?);
    let made = back_office.make_codes(sale, new).await?;
    // Told now and never again: the database has their hashes alone.
    let (code_ids, codes) = made.codes.iter().map(|(id, code)| (*id, code.to_string())).unzip();
    let body = MadeCodesBody { sale_id: sale, kind, uses, codes, code_ids };
    created(&format!("/api/v1/admin/sales/{sale}/codes"), &body)
}

#[utoipa::path(
    get, path = "/api/v1/admin/sales/{saleId}/codes", tag = "operators", operation_id = "listCodes",
    summary = "The access codes of a sale, without the codes themselves",
    description = "Takes the role viewer.",
    params(("saleId" = uuid::Uuid, Path), CodesQuery),
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, body = CodesBody, description = "A page of codes, newest first, revoked ones too"),
        (status = 400, description = "Not a UUID, the query is not valid, or startingAfter is not a code of this sale"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such sale"),
    )
)]
async fn list(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Viewer).await?;
    let CodesQuery { limit, starting_after } = call.query()?;
    let Paged { data, has_more, .. } = back_office.codes(call.id()?, Page::new(limit, starting_after)?).await?;
    json(StatusCode::OK, &CodesBody { data: data.into_iter().map(CodeBody::from).collect(), has_more })
}

#[utoipa::path(
    post, path = "/api/v1/admin/sales/{saleId}/codes/revoke", tag = "operators", operation_id = "revokeCodes",
    summary = "Revoke access codes for good",
    description = "Takes the role operator. Whoever has redeemed one keeps the place. Codes that are revoked stay so.",
    params(("saleId" = uuid::Uuid, Path)),
    request_body = RevokeCodesRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = RevokedCodesBody, description = "Revoked"),
        (status = 400, description = "The body is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such sale, or it has not all of these codes; then none is revoked"),
    )
)]
async fn revoke(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let sale: SaleId = call.id()?;
    let which = match call.large_json(LARGEST_LIST).await? {
        // An empty body must not revoke everything: `all` has to be said.
        RevokeCodesRequest { codes: None, all: true } => CodesToRevoke::All,
        RevokeCodesRequest { codes: Some(codes), all: false } => {
            CodesToRevoke::These(codes.iter().map(|code| code.parse::<CodeRef>()).collect::<Result<_, _>>()?)
        }
        RevokeCodesRequest { .. } => return Err(Problem::invalid("say either codes or all")),
    };
    json(StatusCode::OK, &RevokedCodesBody { revoked: back_office.revoke_codes(sale, which).await? })
}
