//! The states of seats, pushed. One task for each hall that anybody follows looks for changes; all streams of the hall send what it
//! found.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use concert_core::{ConcertId, Error};
use futures_util::{Stream, stream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use warp::Reply as _;
use warp::http::HeaderValue;
use warp::http::header::CACHE_CONTROL;
use warp::sse::Event;

use super::states::{Delta, StatesBody};
use super::{PlanPage, tag_of};
use crate::http::App;
use crate::http::board::CachedPage;
use crate::http::call::Call;
use crate::http::events::{BUFFERING, HEARTBEAT, PAUSE_BETWEEN_EVENTS, PlaceHere};
use crate::http::problem::Problem;
use crate::http::routing::Answer;
use crate::telemetry::OpenStream;

/// What a browser sends that opens a stream again: the id of the last event.
const LAST_EVENT_ID: &str = "last-event-id";

/// The states at one moment.
struct Shown {
    plan: Arc<PlanPage>,
    bits: Vec<u8>,
    /// What tells them from others: the id of their event.
    tag: String,
    /// The event that leads here from the states before, and their tag.
    from: Option<(String, String)>,
}

impl Shown {
    fn of(cached: &CachedPage) -> Option<Self> {
        let (body, plan) = (cached.body.as_ref()?, cached.plan.as_ref()?);
        Some(Self { plan: Arc::clone(plan), bits: body.content(), tag: tag_of(plan, body), from: None })
    }

    /// The same, with the event that leads to it from `before`.
    fn after(self, before: &Self) -> Self {
        // Most streams are exactly one reading behind: their delta is made here, once for all of them.
        let from = (before.plan.version == self.plan.version).then(|| (before.tag.clone(), self.delta(before)));
        Self { from, ..self }
    }

    fn delta(&self, before: &Self) -> String {
        let delta = Delta::between(self.plan.version, &before.bits, &self.bits);
        serde_json::to_string(&delta).unwrap_or_default()
    }

    fn whole(&self) -> Event {
        let body = StatesBody::of(&self.plan, &self.bits);
        self.event("state", serde_json::to_string(&body).unwrap_or_default())
    }

    /// The event for whoever was sent `before`.
    fn since(&self, before: &Self) -> Event {
        match &self.from {
            // Seats have other places in another plan, where a difference would mean nothing.
            _ if before.plan.version != self.plan.version => self.whole(),
            Some((tag, delta)) if *tag == before.tag => self.event("delta", delta.clone()),
            _ => self.event("delta", self.delta(before)),
        }
    }

    fn event(&self, name: &str, data: String) -> Event {
        Event::default().event(name).id(self.tag.clone()).data(data)
    }
}

type Sender = watch::Sender<Arc<Shown>>;

/// The halls that are followed.
#[derive(Clone, Default)]
pub(in crate::http) struct LiveHalls(Arc<Mutex<HashMap<ConcertId, Arc<Sender>>>>);

impl LiveHalls {
    /// Follows a hall, from `first` on if nobody does so yet.
    fn follow(&self, app: &Arc<App>, concert: ConcertId, first: Arc<Shown>) -> watch::Receiver<Arc<Shown>> {
        let mut halls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = halls.get(&concert) {
            return sender.subscribe();
        }
        let (sender, receiver) = watch::channel(first);
        let sender = Arc::new(sender);
        halls.insert(concert, Arc::clone(&sender));
        tokio::spawn(self.clone().look_on(Arc::clone(app), concert, sender));
        receiver
    }

    /// Sends what changes, until nobody follows.
    async fn look_on(self, app: Arc<App>, concert: ConcertId, sender: Arc<Sender>) {
        while !self.is_left(concert, &sender) {
            tokio::select! {
                () = app.streams.stopping().cancelled() => return,
                () = tokio::time::sleep(PAUSE_BETWEEN_EVENTS) => {}
            }
            // While the database is away, the streams stay as they are.
            let Ok(cached) = app.board.states(&app.box_office, concert).await else { continue };
            let Some(shown) = Shown::of(&cached) else { continue };
            // Nobody is woken by a reading that has found nothing new.
            sender.send_if_modified(|last| {
                let changed = last.tag != shown.tag;
                if changed {
                    *last = Arc::new(shown.after(last));
                }
                changed
            });
        }
    }

    /// Whether nobody follows any more; then the hall is forgotten.
    fn is_left(&self, concert: ConcertId, sender: &Arc<Sender>) -> bool {
        let mut halls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock in which one begins to follow: nobody can do so in between and be forgotten.
        let is_left = sender.receiver_count() == 0;
        if is_left {
            halls.remove(&concert);
        }
        is_left
    }
}

/// Answers with the stream of a hall.
pub(super) async fn stream(call: Call) -> Answer {
    let concert = call.id()?;
    let cached = call.app.board.states(call.box_office(), concert).await?;
    let first = Arc::new(Shown::of(&cached).ok_or(Error::ConcertNotFound)?);
    let here = call.place_here()?;
    let streams = &call.app.streams;
    let place = streams.enter_open().ok_or_else(Problem::too_many_streams)?;
    let last_id = call.headers().get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    // Whoever comes back with these very states is sent no whole hall again.
    let is_known = last_id == Some(&first.tag) || cached.has_known_body(call.headers());
    let talk = Talk {
        sent: is_known.then(|| Arc::clone(&first)),
        changes: call.app.live.follow(&call.app, concert, first),
        ends_at: Instant::now() + streams.max_age(),
        stopping: streams.stopping().clone(),
        _open: OpenStream::new(),
        _places: (place, here),
    };
    let mut response = warp::sse::reply(talk.into_stream()).into_response();
    response.headers_mut().insert(BUFFERING, HeaderValue::from_static("no"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// One stream.
struct Talk {
    /// What the client has.
    sent: Option<Arc<Shown>>,
    changes: watch::Receiver<Arc<Shown>>,
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
        loop {
            // Only the newest: a stream that was slow is not sent what was in between.
            let shown = Arc::clone(&self.changes.borrow_and_update());
            let event = match &self.sent {
                None => Some(shown.whole()),
                Some(sent) if sent.tag != shown.tag => Some(shown.since(sent)),
                Some(_) => None,
            };
            if event.is_some() {
                self.sent = Some(shown);
                return event;
            }
            let quiet_until = self.ends_at.min(Instant::now() + HEARTBEAT);
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => return None,
                changed = self.changes.changed() => changed.ok()?,
                () = tokio::time::sleep_until(quiet_until) => {
                    return (quiet_until < self.ends_at).then(|| Event::default().comment(""));
                }
            }
        }
    }
}
