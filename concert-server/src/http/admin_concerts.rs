//! `/api/v1/admin/concerts`: concerts as operators make, change and close them, with an operator key.

mod bodies;
mod hall;

use concert_core::{ConcertId, Page, Paged, Role};
use serde::Deserialize;
use utoipa::IntoParams;
use warp::http::StatusCode;

use self::bodies::{
    ConcertBody, ConcertChangeRequest, ConcertListBody, ConcertPageBody, ConcertPreviewBody, NewConcertRequest,
};
pub(super) use self::hall::read_marks;
use super::body::{created, json, parsed_if_there};
use super::call::Call;
use super::routing::{Answer, Endpoint, get, patch, post};
use super::version::with_version;

/// The largest concert that is read, in bytes: a stadium of 100 000 seats, each with its number, place and point.
const LARGEST_CONCERT: usize = 4 << 20;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/api/v1/admin/concerts", list),
        post("/api/v1/admin/concerts", add),
        get("/api/v1/admin/concerts/{concertId}", look),
        patch("/api/v1/admin/concerts/{concertId}", change_concert),
    ]
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ConcertsQuery {
    /// The most concerts of the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The last concert of the page before.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[param(value_type = Option<uuid::Uuid>)]
    starting_after: Option<ConcertId>,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DryRunQuery {
    /// Change nothing, and say what would change.
    #[serde(default)]
    dry_run: bool,
}

#[utoipa::path(
    get, path = "/api/v1/admin/concerts", tag = "operators", operation_id = "concertsForOperators",
    summary = "All concerts, the last date first",
    description = "Takes the role viewer.",
    params(ConcertsQuery),
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, body = ConcertPageBody, description = "A page of the concerts"),
        (status = 400, description = "The query is not valid, or startingAfter is no concert"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
    )
)]
async fn list(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Viewer).await?;
    let ConcertsQuery { limit, starting_after } = call.query()?;
    let Paged { data, has_more, .. } = back_office.concerts(Page::new(limit, starting_after)?).await?;
    let data = data.into_iter().map(ConcertListBody::from).collect();
    json(StatusCode::OK, &ConcertPageBody { data, has_more })
}

#[utoipa::path(
    get, path = "/api/v1/admin/concerts/{concertId}", tag = "operators", operation_id = "concertForOperators",
    summary = "A concert, and how many seats of each section are free, held, sold and blocked",
    description = "Takes the role viewer.",
    params(("concertId" = uuid::Uuid, Path)),
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, body = ConcertBody, description = "The concert",
            headers(("ETag" = String, description = "Its version"))),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
    )
)]
async fn look(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Viewer).await?;
    let found = back_office.concert(call.id()?).await?;
    let version = found.concert.version;
    with_version(json(StatusCode::OK, &ConcertBody::from(found)), version)
}

#[utoipa::path(
    post, path = "/api/v1/admin/concerts", tag = "operators", operation_id = "addConcert",
    summary = "Put a concert on sale, all of it or nothing",
    description = "Takes the role operator. Seats are numbered from 1, through all rows of all sections in their order, \
                   where they have no numbers of their own. With an Idempotency-Key, a repeated request makes no second \
                   one.",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = NewConcertRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 201, body = ConcertBody, description = "The concert", headers(
            ("ETag" = String, description = "Its version"),
            ("Location" = String, description = "Where it is"),
        )),
        (status = 400, description = "The body is not valid, or the hall contradicts itself"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such sale"),
        (status = 409, description = "The concert is there already"),
        (status = 422, description = "The idempotency key came with another request"),
    )
)]
async fn add(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let key = call.idempotency_key()?;
    let request: NewConcertRequest = call.large_json(LARGEST_CONCERT).await?;
    let new = request.concert(call.box_office().policy().time_zone())?;
    let id = match key {
        Some(key) => back_office.add_concert_once(new, &key).await?,
        None => {
            back_office.add_concert(&new).await?;
            new.id
        }
    };
    // As it stands now: a repeated request finds what the first one made.
    let made = back_office.concert(id).await?;
    let version = made.concert.version;
    with_version(created(&format!("/api/v1/admin/concerts/{id}"), &ConcertBody::from(made)), version)
}

#[utoipa::path(
    patch, path = "/api/v1/admin/concerts/{concertId}", tag = "operators", operation_id = "changeConcert",
    summary = "Change a concert, live; close it, or put it on sale again",
    description = "Takes the role operator. With If-Match, only if it still has that version. Holds that are there may be \
                   paid after it was closed. A concert is called off at its own route.",
    params(
        ("concertId" = uuid::Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag of the concert that the client has seen"),
        DryRunQuery,
    ),
    request_body = ConcertChangeRequest,
    security(("operatorKey" = ["operator"])),
    responses(
        (status = 200, body = ConcertBody, description = "The concert as it is now; of a dry run, what would change",
            headers(("ETag" = String, description = "Its version"))),
        (status = 400, description = "Not a UUID, or the body is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
        (status = 409, description = "It was called off"),
        (status = 412, description = "It has changed since"),
    )
)]
async fn change_concert(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Operator).await?;
    let (id, version): (ConcertId, _) = (call.id()?, call.if_version()?);
    let DryRunQuery { dry_run } = call.query()?;
    let request: ConcertChangeRequest = call.json().await?;
    // A start as an instant is one of the date and the zone that the concert then has.
    let before = back_office.concert(id).await?.concert;
    let change = request.change(&before, call.box_office().policy().time_zone())?;
    if dry_run {
        let would_be = back_office.preview_concert_change(id, &change, version).await?;
        let version = would_be.before.version;
        return with_version(json(StatusCode::OK, &ConcertPreviewBody::from(would_be)), version);
    }
    back_office.change_concert(id, &change, version).await?;
    let changed = back_office.concert(id).await?;
    let version = changed.concert.version;
    with_version(json(StatusCode::OK, &ConcertBody::from(changed)), version)
}
