//! What a connection is doing: which HTTP it speaks, what is in flight, since when it is quiet.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;
use warp::http::Version;

use crate::http::StreamsHere;

const NO_REQUEST_YET: u8 = 0;
const HTTP_1: u8 = 1;
const HTTP_2: u8 = 2;

/// The HTTP of a connection, known from its first request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// What one connection is doing.
#[derive(Debug)]
pub(super) struct Activity {
    began: Instant,
    protocol: AtomicU8,
    in_flight: AtomicUsize,
    /// The requests of HTTP/2 so far.
    streams: AtomicU64,
    /// Requests of HTTP/2 whose client has yet to take what its answer has last given, and since when.
    unread: Mutex<Vec<(u64, Instant)>>,
    /// When the last request came or the last answer ended, in milliseconds after the beginning.
    last_moved: AtomicU64,
    event_streams: StreamsHere,
    retired: AtomicBool,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            protocol: AtomicU8::new(NO_REQUEST_YET),
            in_flight: AtomicUsize::new(0),
            streams: AtomicU64::new(0),
            unread: Mutex::default(),
            last_moved: AtomicU64::new(0),
            event_streams: StreamsHere::default(),
            retired: AtomicBool::new(false),
        }
    }

    pub(super) const fn began(&self) -> Instant {
        self.began
    }

    /// Notes a request; it is in flight until what this returns is dropped.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> InFlight {
        let is_stream = version == Version::HTTP_2;
        self.protocol.store(if is_stream { HTTP_2 } else { HTTP_1 }, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.touch();
        let stream = is_stream.then(|| self.streams.fetch_add(1, Ordering::Relaxed));
        InFlight { activity: Arc::clone(self), stream }
    }

    pub(super) fn protocol(&self) -> Option<Protocol> {
        match self.protocol.load(Ordering::Relaxed) {
            HTTP_1 => Some(Protocol::Http1),
            HTTP_2 => Some(Protocol::Http2),
            _ => None,
        }
    }

    /// Since when nothing is in flight; `None`: something is.
    pub(super) fn quiet_since(&self) -> Option<Instant> {
        let quiet = self.in_flight.load(Ordering::Relaxed) == 0;
        quiet.then(|| self.began + Duration::from_millis(self.last_moved.load(Ordering::Relaxed)))
    }

    /// Whether a client has not taken the next part of its answer for as long as `patience`. On HTTP/2 it need not block
    /// the socket for that: it can withhold the window of one stream.
    pub(super) fn is_stalled(&self, patience: Duration) -> bool {
        self.unread().iter().any(|(_, since)| since.elapsed() >= patience)
    }

    fn unread(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Instant)>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next answer is the last: for HTTP/1, whose clients learn it from the answer.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }

    fn touch(&self) {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_moved.store(elapsed, Ordering::Relaxed);
    }
}

/// A request that is not answered in full.
pub(super) struct InFlight {
    activity: Arc<Activity>,
    /// Its number among those of HTTP/2; `None`: it is of HTTP/1, where a client that does not read blocks the socket.
    stream: Option<u64>,
}

impl InFlight {
    /// The event streams of the connection; `None`: it carries one request at a time.
    pub(super) fn event_streams(&self) -> Option<StreamsHere> {
        self.stream.map(|_| self.activity.event_streams.clone())
    }

    /// The answer has given a part, and more will follow.
    fn gave(&self) {
        if let Some(number) = self.stream {
            self.activity.unread().push((number, Instant::now()));
        }
    }

    /// The part was taken.
    fn taken(&self) {
        if let Some(number) = self.stream {
            self.activity.unread().retain(|(unread, _)| *unread != number);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.taken();
        self.activity.touch();
        self.activity.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body whose request is in flight until the body ends.
pub(super) struct Tracked<B> {
    body: B,
    in_flight: InFlight,
}

impl<B> Tracked<B> {
    pub(super) const fn new(body: B, in_flight: InFlight) -> Self {
        Self { body, in_flight }
    }
}

impl<B: Body + Unpin> Body for Tracked<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.in_flight.taken();
        // hyper asks for a frame when there is room for it, so the one before has been taken by now.
        let frame = Pin::new(&mut self.body).poll_frame(context);
        // After the last frame nobody asks again, so nothing would mark it as taken.
        if frame.is_ready() && !self.body.is_end_stream() {
            self.in_flight.gave();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
