//! `/api/v1/reservations/{concertId}/plan`: a drawing of the hall, kept by clients for ever, and beside it the states of its seats
//! in two bits each. Open to everyone.

mod document;
mod live;
mod states;

use serde::Deserialize;
use utoipa::IntoParams;
use warp::http::HeaderValue;
use warp::http::header::{ACCEPT, CACHE_CONTROL, HeaderName, VARY};

use self::document::PlanBody;
pub(super) use self::document::PlanPage;
pub(super) use self::live::LiveHalls;
use self::states::StatesBody;
pub(super) use self::states::{Delta, read_states};
use super::board::CachedPage;
use super::call::Call;
use super::catalog;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, get};

/// The version of the plan that an answer is, or belongs to.
pub(super) const PLAN_VERSION: HeaderName = HeaderName::from_static("x-plan-version");
/// Of a version that is named: it never changes. A year is as long as caches go.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Of whichever version there is.
const FOR_NOW: HeaderValue = HeaderValue::from_static("public, max-age=5, must-revalidate");

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![get("/api/v1/reservations/{concertId}/plan", plan), get("/api/v1/reservations/{concertId}/plan/state", state)]
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PlanQuery {
    /// The version that is wanted, as the states name it; the answer to it never changes. Not there: the present one.
    #[serde(default)]
    #[param(minimum = 1)]
    version: Option<u32>,
}

#[utoipa::path(
    get, path = "/api/v1/reservations/{concertId}/plan", tag = "catalogue", operation_id = "plan",
    summary = "A drawing of the hall",
    description = "Sections, rows, seats, prices and marks, with points to draw them at; made from the rows where none were \
                   given. The version rises when seats are added or prices change. Under ?version= the answer is immutable; \
                   without it, it is kept for some seconds. Seats are counted from 0 on in the order of the \
                   document: section by section, row by row, run by run. The states of seats are in this order. Comes \
                   compressed (Accept-Encoding: gzip), and not at all to who has it (If-None-Match).",
    params(
        ("concertId" = uuid::Uuid, Path),
        PlanQuery,
        ("If-None-Match" = Option<String>, Header, description = "The ETag of the answer that the client has"),
    ),
    responses(
        (status = 200, body = PlanBody<'_>, description = "The plan", headers(
            ("ETag" = String, description = "Of the content: strong, and the same from every server"),
            ("Cache-Control" = String, description = "immutable where the version is named"),
            ("X-Plan-Version" = i64, description = "The version"),
        )),
        (status = 304, description = "As the client has it"),
        (status = 400, description = "Not a UUID, or the query is not valid"),
        (status = 404, description = "No such concert, or the plan no longer has this version: ask without one"),
    )
)]
pub(super) async fn plan(call: Call) -> Answer {
    let PlanQuery { version } = call.query()?;
    let plan = call.app.board.plan(call.box_office(), call.id()?, version).await?;
    // The answer to a version is kept for ever, so it must never be that of another one.
    if version.is_some_and(|version| version != plan.version) {
        return Err(Problem::plan_version_not_found(plan.version));
    }
    let mut response = plan.body.answer(&call.headers)?;
    response.headers_mut().insert(CACHE_CONTROL, if version.is_some() { FOR_EVER } else { FOR_NOW });
    response.headers_mut().insert(PLAN_VERSION, plan.version.into());
    Ok(response)
}

#[utoipa::path(
    get, path = "/api/v1/reservations/{concertId}/plan/state", tag = "catalogue", operation_id = "planState",
    summary = "Which seats of the hall can be had",
    description = "Two bits a seat, in the order of the plan: seat n is in byte n / 4, in the bits (n % 4) * 2 and the next. 0 free, 1 held, 2 \
                   sold, 3 blocked (not on sale; so are all free seats while the concert is closed). \
                   X-Plan-Version names the plan. Accept chooses the form: bytes; JSON, with the bytes in base64; or server-sent \
                   events. Those are `state` (what the JSON form says; first, and whenever the plan has another version) and `delta` \
                   (the seats that have changed since the event before, by their new state); their ids are ETags, and who \
                   sends the last one back as Last-Event-ID or If-None-Match is spared the first `state` if nothing has changed. Read once for all who look within a \
                   short time, which X-Max-Staleness-Ms states.",
    params(
        ("concertId" = uuid::Uuid, Path),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of the answer that the client has"),
    ),
    responses(
        (status = 200, description = "The states", content(
            (String = "application/octet-stream"), (StatesBody = "application/json"), (String = "text/event-stream")
        ), headers(
            ("ETag" = String, description = "Of the content: strong, and the same from every server"),
            ("X-Plan-Version" = i64, description = "The version of the plan that has these seats"),
            ("X-Max-Staleness-Ms" = i64, description = "The bound of staleness in milliseconds"),
        )),
        (status = 304, description = "As the client has them"),
        (status = 400, description = "Not a UUID"),
        (status = 404, description = "No such concert"),
        (status = 503, description = "Too many streams are open: poll instead"),
    )
)]
pub(super) async fn state(call: Call) -> Answer {
    match Form::wanted(&call) {
        Form::Events => live::stream(call).await,
        form => {
            let cached = call.app.board.states(call.box_office(), call.id()?).await?;
            let mut response = match form {
                Form::Json => states::json(&call, &cached)?,
                _ => catalog::send(&call, &cached)?,
            };
            response.headers_mut().insert(PLAN_VERSION, version_of(&cached).into());
            // One address, three forms: a cache must not hand bytes to whoever wants JSON.
            response.headers_mut().insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
            Ok(response)
        }
    }
}

fn version_of(cached: &CachedPage) -> u32 {
    cached.plan.as_ref().map_or(0, |plan| plan.version)
}

/// How the states are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Bytes,
    Json,
    Events,
}

impl Form {
    /// The first form that the client names; bytes where it names none.
    fn wanted(call: &Call) -> Self {
        let lines = call.headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
        Self::of(lines)
    }

    fn of<'l>(lines: impl Iterator<Item = &'l str>) -> Self {
        let form = |range: &str| match range.split(';').next().unwrap_or_default().trim() {
            "text/event-stream" => Some(Self::Events),
            "application/json" => Some(Self::Json),
            "application/octet-stream" | "application/*" | "*/*" => Some(Self::Bytes),
            _ => None,
        };
        lines.flat_map(|line| line.split(',')).find_map(form).unwrap_or(Self::Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_form_that_is_named_is_sent() {
        let form = |accept: &str| Form::of(std::iter::once(accept));
        assert_eq!(form("text/event-stream"), Form::Events);
        assert_eq!(form("text/html, application/json;q=0.9, */*"), Form::Json);
        assert_eq!([form("*/*"), form("image/png"), form("")], [Form::Bytes; 3]);
    }
}
