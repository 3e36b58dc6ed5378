//! `/api/v1/tokens/{userId}/events`: the caller's standing, pushed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use concert_core::{Error, Follow, QueueTicket, Standing};
use futures_util::{Stream, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use warp::Reply as _;
use warp::http::{HeaderName, HeaderValue};
use warp::sse::Event;

use super::call::Call;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, get};
use super::tokens::{self, TokenBody};
use crate::telemetry::OpenStream;

/// How often an idle stream sends a sign of life, which also detects clients that are gone.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The shortest time between two events of one stream. Changes in between are in the second event.
const PAUSE_BETWEEN_EVENTS: Duration = Duration::from_millis(500);
/// The time over which clients of a server that stops reconnect to others, spread by their tickets.
const SOONEST_RETRY: u64 = 1_000;
const RETRY_SPREAD: u64 = 4_000;
/// Asks proxies (nginx) to pass events on at once.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![get("/api/v1/tokens/{userId}/events", events)]
}

/// The streams of a server: how many there may be, and when they end.
#[derive(Clone)]
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    stopping: CancellationToken,
}

impl Streams {
    /// Up to `most` at once, until `stopping` is cancelled.
    pub(crate) fn new(most: usize, stopping: CancellationToken) -> Self {
        Self { places: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))), stopping }
    }
}

#[utoipa::path(
    get, path = "/api/v1/tokens/{userId}/events", tag = "queue", operation_id = "tokenEvents",
    summary = "The caller's standing in the queue, pushed",
    description = "Server-sent events. `token` comes at once and whenever the position, the status or the end of the \
                   turn has changed; its data is what polling answers. `end` is the last one when the token has ended; \
                   its data is `{\"code\":\"TOKEN_EXPIRED\"}`. A stream that ends without it may be opened again: the \
                   server is stopping. Comments come every 15 s while nothing changes.",
    params(("userId" = uuid::Uuid, Path)),
    security(("bearer" = [])),
    responses(
        (status = 200, body = TokenBody<'_>, content_type = "text/event-stream", description = "The stream"),
        (status = 400, description = "Not a UUID"),
        (status = 401, description = "No valid access token"),
        (status = 403, description = "It belongs to another user"),
        (status = 404, description = "Never joined"),
        (status = 410, description = "The token has ended; join again"),
        (status = 503, description = "Too many streams are open: poll instead"),
    )
)]
async fn events(mut call: Call) -> Answer {
    let (ticket, token) = tokens::ticket(&mut call).await?;
    let streams = &call.app.streams;
    let place = Arc::clone(&streams.places).try_acquire_owned().map_err(|_| Problem::too_many_streams())?;
    let follow = call.box_office().follow(ticket).await?;
    let talk = Talk {
        follow,
        token,
        ticket,
        greeted: false,
        last_event: Instant::now(),
        over: false,
        stopping: streams.stopping.clone(),
        _open: OpenStream::new(),
        _place: place,
    };
    let mut response = warp::sse::reply(talk.into_stream()).into_response();
    response.headers_mut().insert(BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

/// One stream.
struct Talk {
    follow: Follow,
    token: String,
    ticket: QueueTicket,
    greeted: bool,
    last_event: Instant,
    over: bool,
    stopping: CancellationToken,
    _open: OpenStream,
    _place: OwnedSemaphorePermit,
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
            let retry = SOONEST_RETRY + self.ticket.ticket % RETRY_SPREAD;
            return Some(self.event(self.follow.standing()).retry(Duration::from_millis(retry)));
        }
        let earliest = self.last_event + PAUSE_BETWEEN_EVENTS;
        let news = async {
            tokio::time::sleep_until(earliest).await;
            self.follow.changed().await.map(|_| ())
        };
        let news = tokio::select! {
            biased;
            () = self.stopping.cancelled() => return None,
            news = news => news,
            () = tokio::time::sleep(HEARTBEAT) => return Some(Event::default().comment("")),
        };
        self.last_event = Instant::now();
        match news {
            Ok(()) => Some(self.event(self.follow.standing())),
            Err(error) => {
                self.over = true;
                Some(end(&error))
            }
        }
    }

    fn event(&self, standing: &Standing) -> Event {
        let body = TokenBody::new(&self.token, standing);
        Event::default().event("token").data(serde_json::to_string(&body).unwrap_or_default())
    }
}

fn end(error: &Error) -> Event {
    Event::default().event("end").data(format!("{{\"code\":\"{}\"}}", error.code()))
}
