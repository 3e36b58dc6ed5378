//! Connections: accepting them, bounding them, and letting them finish.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use warp::http::Request;

use crate::http::{App, Router, Streams};
use crate::limits::Limits;
use crate::telemetry;

/// The most connections at once that are answered with 503; further ones are closed.
const MAX_REFUSALS: usize = 256;
/// How long a connection beyond the limit has for its one request.
const REFUSAL_DEADLINE: Duration = Duration::from_secs(2);
/// The pause after a failed accept, which most likely means that file handles have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The most requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// How often a silent HTTP/2 connection is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How often metrics are condensed, so that they do not pile up if nobody scrapes them.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Serves `app` on `listener` until `shutdown` is cancelled, and then until the requests in flight are answered or
/// [`Limits::shutdown_deadline`] has passed.
///
/// Periodic passes are not part of it: see [`BoxOffice::run`](concert_core::BoxOffice::run).
pub async fn serve(listener: TcpListener, app: App, limits: Limits, shutdown: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let cut = CancellationToken::new();
    // Event streams end only with their tokens, so a graceful end would wait for them.
    let app = app.with_streams(Streams::new(limits.max_streams, shutdown.clone()));
    let doorman = Doorman {
        router: Router::new(&app),
        limits,
        places: Arc::new(Semaphore::new(limits.max_connections)),
        refusals: Arc::new(Semaphore::new(MAX_REFUSALS)),
        cut: cut.clone(),
        connections: TaskTracker::new(),
    };
    let upkeep = tokio::spawn(upkeep(app, shutdown.clone()));
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => doorman.admit(stream, peer, graceful.watcher()),
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tracing::info!(connections = graceful.count(), "stopping: finishing the requests in flight");
    if tokio::time::timeout(limits.shutdown_deadline, graceful.shutdown()).await.is_err() {
        tracing::warn!("the deadline has passed: aborting the requests still in flight");
    }
    cut.cancel();
    doorman.connections.close();
    doorman.connections.wait().await;
    let _ = upkeep.await;
}

/// Condenses the metrics until `shutdown`.
async fn upkeep(app: App, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(UPKEEP_EVERY);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        app.metrics().run_upkeep();
        app.brakes().forget_unused();
    }
}

/// Accepts connections and bounds their number.
struct Doorman {
    router: Router,
    limits: Limits,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    /// Ends all connections at once.
    cut: CancellationToken,
    connections: TaskTracker,
}

impl Doorman {
    fn admit(&self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        // Answers are small and written at once: waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let io = TokioIo::new(stream);
        let cut = self.cut.clone();
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            let connection = connection(self.router.clone(), self.limits.idle_timeout, io, peer, watcher);
            self.connections.spawn(async {
                telemetry::connection_opened();
                run(connection, cut, place).await;
                telemetry::connection_closed();
            });
        } else if let Ok(place) = Arc::clone(&self.refusals).try_acquire_owned() {
            let refusal = refusal(self.router.clone(), io, peer);
            self.connections.spawn(run(refusal, cut, place));
        }
    }
}

async fn run(connection: impl Future<Output = ()>, cut: CancellationToken, place: OwnedSemaphorePermit) {
    cut.run_until_cancelled(connection).await;
    drop(place);
}

/// Answers requests until the client leaves, idles too long, or the server stops.
async fn connection(
    router: Router,
    idle_timeout: Duration,
    io: TokioIo<TcpStream>,
    peer: SocketAddr,
    watcher: Watcher,
) {
    let asked = Arc::new(AtomicBool::new(false));
    let service = {
        let asked = Arc::clone(&asked);
        service_fn(move |request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            let router = router.clone();
            async move { Ok::<_, Infallible>(router.answer(request, peer).await) }
        })
    };
    let builder = builder(idle_timeout);
    let served = watcher.watch(builder.serve_connection(io, service).into_owned());
    // hyper's own limit starts after it has detected the version of HTTP. Until then ours holds.
    let silent = async {
        tokio::time::sleep(idle_timeout).await;
        if asked.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        ended = served => if let Err(error) = ended {
            tracing::debug!(%peer, error, "a connection failed");
        },
        () = silent => tracing::debug!(%peer, "a connection sent no request"),
    }
}

/// Answers one request: too many connections.
async fn refusal(router: Router, io: TokioIo<TcpStream>, peer: SocketAddr) {
    let service = service_fn(move |request: Request<Incoming>| {
        std::future::ready(Ok::<_, Infallible>(router.refuse(&request, peer)))
    });
    let mut builder = builder(REFUSAL_DEADLINE).http1_only();
    builder.http1().keep_alive(false);
    let _ = tokio::time::timeout(REFUSAL_DEADLINE, builder.serve_connection(io, service)).await;
}

fn builder(idle_timeout: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(idle_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_EVERY);
    builder
}
