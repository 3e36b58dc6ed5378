//! `/api/v1/tokens/{userId}/events`: the caller's standing, pushed.

mod places;

use std::convert::Infallible;
use std::time::Duration;

use concert_core::{Error, Follow, QueueTicket, SessionWatch, Standing};
use futures_util::{Stream, stream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use warp::Reply as _;
use warp::http::header::CONTENT_TYPE;
use warp::http::{HeaderName, HeaderValue};
use warp::reply::Response;
use warp::sse::Event;

use self::places::Newest;
pub(super) use self::places::PlaceHere;
pub(crate) use self::places::{Streams, StreamsHere};
use super::call::Call;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, get};
use super::tokens::{self, TokenBody};
use super::words;
use crate::telemetry::OpenStream;

/// How often an idle stream sends a sign of life, which also detects clients that are gone.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);
/// The shortest time between two events of one stream. Changes in between are in the second event.
pub(super) const PAUSE_BETWEEN_EVENTS: Duration = Duration::from_millis(500);
/// The time over which clients of a server that stops reconnect to others, spread by their tickets.
const SOONEST_RETRY: u64 = 1_000;
const RETRY_SPREAD: u64 = 4_000;
/// The data of the last event of a stream whose token has opened a newer one.
const REPLACED: &str = r#"{"code":"STREAM_REPLACED"}"#;
/// Asks proxies (nginx) to pass events on at once.
pub(super) const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![get("/api/v1/tokens/{userId}/events", events)]
}

/// An event of the stream: its name, and its data as JSON.
#[derive(ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "camelCase")]
#[expect(dead_code, reason = "it documents what `Talk` writes")]
enum TokenEvent<'a> {
    /// The place in the queue, as polling answers it.
    Token(TokenBody<'a>),
    /// The last event: the token has ended.
    End(EndBody),
    /// The last event: a newer stream of the token has taken over. Do not open this one again.
    Replaced(ReplacedBody),
}

/// Why a stream ended: TOKEN_EXPIRED, or the problem that it met.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it documents what `end` writes")]
struct EndBody {
    code: words::ProblemCode,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "it documents `REPLACED`")]
struct ReplacedBody {
    code: words::StreamReplaced,
}

#[utoipa::path(
    get, path = "/api/v1/tokens/{userId}/events", tag = "queue", operation_id = "tokenEvents",
    summary = "The caller's standing in the queue, pushed",
    description = "Server-sent events. `token` comes at once and whenever the position, the status or the end of the \
                   turn has changed; its data is what polling answers. `end` is the last one when the token has ended \
                   (its data is `{\"code\":\"TOKEN_EXPIRED\"}`) or the session (`UNAUTHENTICATED`; `TOKEN_ENDED` where a queue \
                   token was shown). A token has one stream, the newest: an older one \
                   ends with `replaced` and `{\"code\":\"STREAM_REPLACED\"}`; do not open it again. A stream that \
                   ends without either may be opened again: the server is stopping, or the stream was old. Comments \
                   come every 15 s while nothing changes.",
    params(("userId" = uuid::Uuid, Path), ("saleId" = Option<uuid::Uuid>, Query, description = "With a session: the sale")),
    security(("bearer" = [])),
    responses(
        (status = 200, body = TokenEvent<'_>, content_type = "text/event-stream", description = "The stream; the schema is that of each event"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "Never joined"),
        (status = 410, description = "The token has ended; join again"),
        (status = 503, description = "Too many streams are open: poll instead"),
    )
)]
async fn events(mut call: Call) -> Answer {
    let credential = call.credential().await?;
    let (ticket, token) = tokens::ticket(&mut call, credential).await?;
    // Looking at what there is must not end the stream that runs.
    if call.is_head() {
        let mut response = Response::default();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        return Ok(response);
    }
    // The connection's own limit first: a browser with many tabs must not use up the places of the server.
    let here = call.place_here()?;
    let streams = &call.app.streams;
    let place = streams.enter().ok_or_else(Problem::too_many_streams)?;
    let follow = call.box_office().follow(ticket).await?;
    let talk = Talk {
        follow,
        token,
        ticket,
        session: call.box_office().watch(&credential),
        greeted: false,
        last_event: Instant::now(),
        over: false,
        // Only now that it can begin: a stream that cannot must not end the one that runs.
        newest: streams.replace(ticket.token),
        ends_at: Instant::now() + streams.max_age(),
        stopping: streams.stopping().clone(),
        _open: OpenStream::new(),
        _places: (place, here),
    };
    let mut response = warp::sse::reply(talk.into_stream()).into_response();
    response.headers_mut().insert(BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

/// What a stream waits for.
enum Heard {
    News,
    /// Long enough for a sign of life.
    Nothing,
}

/// One stream.
struct Talk {
    follow: Follow,
    token: String,
    ticket: QueueTicket,
    /// Nobody is told anything by a session that has ended meanwhile.
    session: SessionWatch,
    greeted: bool,
    last_event: Instant,
    over: bool,
    newest: Newest,
    ends_at: Instant,
    stopping: CancellationToken,
    _open: OpenStream,
    _places: (OwnedSemaphorePermit, Option<PlaceHere>),
}

impl Talk {
    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> + Send + Sync + 'static {
        stream::unfold(self, |mut talk| async move { talk.next().await.map(|event| (Ok(event), talk)) })
    }

    async fn next(&mut self) -> Option<Event> {
        if self.over {
            return None;
        }
        if !self.greeted {
            self.greeted = true;
            // By the ticket and not by chance, so that any crowd spreads evenly.
            let retry = SOONEST_RETRY + self.ticket.ticket % RETRY_SPREAD;
            return Some(self.event(self.follow.standing()).retry(Duration::from_millis(retry)));
        }
        let earliest = self.last_event + PAUSE_BETWEEN_EVENTS;
        let news = async {
            // Before the change is waited for: several changes in this time become one event, with the last of them.
            tokio::time::sleep_until(earliest).await;
            self.follow.changed().await.map(|_| Heard::News)
        };
        let quiet_until = self.ends_at.min(Instant::now() + HEARTBEAT);
        let news = tokio::select! {
            biased;
            // Without a last event: the browser opens the stream again, at a server that runs.
            () = self.stopping.cancelled() => return None,
            () = self.newest.replaced() => {
                self.over = true;
                return Some(Event::default().event("replaced").data(REPLACED));
            }
            news = news => news,
            () = tokio::time::sleep_until(quiet_until) => {
                if quiet_until >= self.ends_at {
                    return None;
                }
                Ok(Heard::Nothing)
            }
        };
        match self.session.check().and(news) {
            Ok(Heard::Nothing) => Some(Event::default().comment("")),
            Ok(Heard::News) => {
                self.last_event = Instant::now();
                Some(self.event(self.follow.standing()))
            }
            Err(error) => {
                self.over = true;
                Some(end(&error))
            }
        }
    }

    fn event(&self, standing: &Standing) -> Event {
        let body = TokenBody::new(&self.token, self.ticket.sale, standing);
        Event::default().event("token").data(serde_json::to_string(&body).unwrap_or_default())
    }
}

fn end(error: &Error) -> Event {
    Event::default().event("end").data(format!("{{\"code\":\"{}\"}}", error.code()))
}
