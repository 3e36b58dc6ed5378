//! `/api/v1/reservations/{concertId}/plan`: a drawing of the hall, kept by clients for ever, and beside it the states of its seats
//! in two bits each. Open to everyone.

mod document;
mod live;
mod states;

use std::sync::Arc;

use concert_core::{ConcertId, Error, HallPlan};
use serde::Deserialize;
use utoipa::IntoParams;
use warp::http::HeaderValue;
use warp::http::header::{CACHE_CONTROL, HeaderName, VARY};

use self::document::PlanBody;
pub(super) use self::document::PlanPage;
pub(super) use self::live::LiveHalls;
use self::states::StatesBody;
pub(super) use self::states::{Delta, read_states};
use super::accept;
use super::board::CachedPage;
use super::call::Call;
use super::catalog;
use super::problem::Problem;
use super::representation::Representation;
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
    let mut response = plan.body.answer(call.headers())?;
    response.headers_mut().insert(CACHE_CONTROL, if version.is_some() { FOR_EVER } else { FOR_NOW });
    response.headers_mut().insert(PLAN_VERSION, plan.version.into());
    Ok(response)
}

#[utoipa::path(
    get, path = "/api/v1/reservations/{concertId}/plan/state", tag = "catalogue", operation_id = "planState",
    summary = "Which seats of the hall can be had",
    description = "Two bits a seat, in the order of the plan: seat n is in byte n / 4, in the bits (n % 4) * 2 and the next. 0 free, 1 held, 2 \
                   sold, 3 blocked (not on sale; so are all free seats while the concert is closed). \
                   X-Plan-Version names the plan. Accept chooses the form, by its whole type: bytes, which are sent where none is named; JSON, \
                   with the bytes in base64; or server-sent events. Those are `state` (what the JSON form says; first, and whenever the plan has another version) and `delta` \
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
    let form = accept::choose(call.headers(), &FORMS);
    if form == Form::Events {
        return live::stream(call).await;
    }
    let cached = call.app.board.states(call.box_office(), call.id()?).await?;
    let body = if form == Form::Bytes { &cached.body } else { &cached.json };
    let mut response = catalog::send(&call, &cached, body.as_ref())?;
    response.headers_mut().insert(PLAN_VERSION, version_of(&cached).into());
    // One address, three forms: a cache must not hand bytes to whoever wants JSON.
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    Ok(response)
}

/// A hall at one moment.
pub(crate) struct HallNow {
    /// What tells it from the same hall at another moment.
    pub(crate) tag: String,
    pub(crate) plan: Arc<HallPlan>,
    bits: Arc<Representation>,
}

impl HallNow {
    /// Whether each seat can be had, in the order of the plan.
    pub(crate) fn free(&self) -> Vec<bool> {
        let bits = self.bits.content();
        (0..self.plan.seats().count()).map(|nth| states::is_free(&bits, nth)).collect()
    }
}

impl Call {
    /// The hall of a concert for its page, from the board: the page's script, and all others who look, share the reading.
    /// Scripts ask for what has changed since.
    pub(crate) async fn hall_now(&self, concert: ConcertId) -> Result<HallNow, Problem> {
        let cached = self.app.board.recent_states(self.box_office(), concert).await?;
        let (plan, bits) = cached.plan.zip(cached.body).ok_or(Error::ConcertNotFound)?;
        Ok(HallNow { tag: tag_of(&plan, &bits), plan: Arc::clone(&plan.plan), bits })
    }
}

/// What tells the states of a hall from those of another moment, and of another plan.
fn tag_of(plan: &PlanPage, bits: &Representation) -> String {
    format!("{}-{}", plan.version, bits.tag())
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

/// Bytes where the client names none.
const FORMS: [(&str, Form); 3] =
    [("application/octet-stream", Form::Bytes), ("application/json", Form::Json), ("text/event-stream", Form::Events)];
