//! One connection: what it is answered, and when it ends.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use warp::http::header::CONNECTION;
use warp::http::{HeaderValue, Request, Version};

use super::Phase;
use super::activity::{Activity, Protocol, Tracked};
use super::patient::Patient;
use crate::http::{Refusal, Router};
use crate::limits::Limits;

/// How long a connection beyond the limit has for the head of its one request.
const REFUSAL_HEAD_DEADLINE: Duration = Duration::from_secs(2);
/// And for all of it: health may have to ask the database.
const REFUSAL_DEADLINE: Duration = Duration::from_secs(4);
/// The most requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// How often a silent HTTP/2 connection is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// The most bytes of a request's head; also what is kept of an answer that its client reads slowly.
const MAX_HEAD: usize = 16 * 1024;
/// The most bytes that are kept of each answer on an HTTP/2 connection that its client reads slowly.
const MAX_UNSENT: usize = 64 * 1024;
/// The most bytes of requests that an HTTP/2 client may send ahead, per request and in all. Our bodies are small.
const STREAM_WINDOW: u32 = 32 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// Answers requests until the client leaves, is idle for too long, does not read, or the server stops.
pub(super) async fn served(
    router: Router,
    limits: Limits,
    stream: TcpStream,
    peer: SocketAddr,
    mut phase: watch::Receiver<Phase>,
) {
    let activity = Arc::new(Activity::new());
    let service = {
        let activity = Arc::clone(&activity);
        service_fn(move |mut request: Request<Incoming>| {
            let version = request.version();
            let in_flight = activity.begin(version);
            // The handler of a stream counts it per connection, which it does not see otherwise.
            if let Some(event_streams) = in_flight.event_streams() {
                request.extensions_mut().insert(event_streams);
            }
            let (answering, activity) = (router.answer(request, peer), Arc::clone(&activity));
            async move {
                let mut response = answering.await;
                // HTTP/2 says it with a GOAWAY, which the graceful end sends.
                if activity.is_retired() && version != Version::HTTP_2 {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response.map(|body| Tracked::new(body, in_flight)))
            }
        })
    };
    let io = TokioIo::new(Patient::new(stream, limits.write_timeout));
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(io, service));
    let end = {
        // A set, since it polls what it has only when that was woken, and not with each request.
        let mut ends = FuturesUnordered::from_iter([end(&activity, &limits, &mut phase)]);
        tokio::select! {
            biased;
            ended = &mut connection => return report(peer, ended),
            Some(end) = ends.next() => end,
        }
    };
    tracing::debug!(%peer, ?end, "a connection is ended");
    let patience = match end {
        // Without a good-bye: there is nobody who would read it.
        End::Cut => return,
        // Until the server cuts it.
        End::Stopping => Duration::MAX,
        // Nothing is in flight: all that takes time is the client's side of the good-bye.
        End::Idle if activity.protocol() == Some(Protocol::Http2) => limits.write_timeout,
        // HTTP/1 has no good-bye, and what was not yet read of the last answer is watched over as ever.
        End::Idle => limits.max_connection_age,
        // An event stream that began a moment ago gets as old as any.
        End::Old => limits.max_connection_age + limits.shutdown_deadline,
    };
    // What is in flight is answered still; a request that comes later goes to another connection.
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        ended = &mut connection => report(peer, ended),
        _ = phase.wait_for(|phase| *phase == Phase::Cutting) => {}
        () = after(patience) => {}
    }
}

fn report(peer: SocketAddr, ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(%peer, error, "a connection failed");
    }
}

/// Why a connection is ended from this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The server stops.
    Stopping,
    /// There is nothing to wait for: the first request did not come, or an answer is not read.
    Cut,
    Idle,
    Old,
}

/// Waits for a reason to end the connection. The age of HTTP/1 is told with an answer, so that no request meets a closed
/// connection.
///
/// One timer does for all limits, and is set anew only when it fires. hyper's own for HTTP/1 is made and dropped for each
/// request (see docs/src/performance.md, Polls).
async fn end(activity: &Activity, limits: &Limits, phase: &mut watch::Receiver<Phase>) -> End {
    let began = activity.began();
    let old_at = began + jittered(limits.max_connection_age);
    // An event stream that began just before may live for one age more.
    let last_moment = old_at + limits.max_connection_age + limits.shutdown_deadline;
    // The first look comes when the first limit can have passed; each look says when the next one is due.
    let mut look_at = old_at.min(began + limits.idle_timeout.min(limits.write_timeout));
    loop {
        tokio::select! {
            _ = phase.wait_for(|phase| *phase != Phase::Serving) => return End::Stopping,
            () = tokio::time::sleep_until(look_at) => {}
        }
        let now = Instant::now();
        // What was heard of an unfinished head counts as nothing.
        let idle_at = activity.quiet_since().map(|since| since + limits.idle_timeout);
        let is_idle = idle_at.is_some_and(|at| at <= now);
        look_at = match activity.protocol() {
            None if is_idle => return End::Cut,
            Some(Protocol::Http1) if now >= last_moment => return End::Cut,
            Some(Protocol::Http2) if now >= old_at => return End::Old,
            Some(Protocol::Http2) if activity.is_stalled(limits.write_timeout) => return End::Cut,
            Some(_) if is_idle => return End::Idle,
            _ => {
                // Only an answer can say `Connection: close`. Cutting between two answers might meet a request on its way.
                let is_old = now >= old_at;
                if is_old {
                    activity.retire();
                }
                let ends_at = if is_old { last_moment } else { old_at };
                // Something is in flight: what may come next is that its client stops reading, or falls silent.
                ends_at.min(idle_at.unwrap_or(now + limits.write_timeout.min(limits.idle_timeout)))
            }
        };
    }
}

/// `age` give or take a tenth, so that connections that were opened together do not end together.
fn jittered(age: Duration) -> Duration {
    let random = u32::from(uuid::Uuid::new_v4().as_bytes()[0]);
    age.mul_f64(0.9 + f64::from(random) / 255.0 * 0.2)
}

/// Waits; for ever, if it is longer than the clock goes.
async fn after(patience: Duration) {
    match Instant::now().checked_add(patience) {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Answers one request at a full door.
pub(super) async fn refusal(
    router: Router,
    why: Refusal,
    stream: TcpStream,
    peer: SocketAddr,
    mut phase: watch::Receiver<Phase>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move { Ok::<_, Infallible>(router.answer_at_full_door(request, peer, why).await) }
    });
    // HTTP/2 would let one connection ask many times.
    let mut builder = builder().http1_only();
    // One request only: at a full door nobody keeps a place.
    builder.http1().keep_alive(false).header_read_timeout(REFUSAL_HEAD_DEADLINE);
    let io = TokioIo::new(Patient::new(stream, REFUSAL_HEAD_DEADLINE));
    tokio::select! {
        // However slowly the client reads, the place is free again after this.
        _ = tokio::time::timeout(REFUSAL_DEADLINE, builder.serve_connection(io, service)) => {}
        _ = phase.wait_for(|phase| *phase == Phase::Cutting) => {}
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        // The bound that HTTP/1 has by its buffer.
        .max_header_list_size(MAX_HEAD as u32)
        .max_send_buf_size(MAX_UNSENT)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_EVERY);
    builder
}
