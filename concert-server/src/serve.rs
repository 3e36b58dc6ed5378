//! Listeners: who accepts connections, and how they end together.

mod activity;
mod connection;
mod door;
mod patient;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::door::{Door, PerAddress};
use crate::http::{App, Router, Streams};
use crate::limits::Limits;
use crate::pages;

/// The most connections at once at the operators' listener.
const MAX_ADMIN_CONNECTIONS: usize = 256;
/// The most connections at once that are answered at a full door; further ones are closed.
const MAX_REFUSALS: usize = 256;
/// The most of them that come from one address.
const MAX_REFUSALS_PER_ADDRESS: usize = 16;
/// The pause after a failed accept, which most likely means that file handles have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The shortest time between two lines about it.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);
/// How often metrics are condensed, so that they do not pile up if nobody scrapes them.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Where a server listens.
#[derive(Debug)]
pub struct Listeners {
    /// For everybody.
    pub public: TcpListener,
    /// For operators: it answers every route, and those for operators are answered here alone. `None`: the public
    /// listener answers all.
    pub admin: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(public: TcpListener) -> Self {
        Self { public, admin: None }
    }
}

/// What a server is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    /// Requests in flight are answered.
    Finishing,
    /// Connections end at once.
    Cutting,
}

/// Serves `app` on the listeners until `shutdown` is cancelled, and then until the requests in flight are answered or
/// [`Limits::shutdown_deadline`] has passed.
///
/// Periodic passes are not part of it: see [`BoxOffice::run`](concert_core::BoxOffice::run).
pub async fn serve(listeners: impl Into<Listeners>, app: App, limits: Limits, shutdown: CancellationToken) {
    let Listeners { public, admin } = listeners.into();
    // Event streams end only with their tokens, so a graceful end would wait for them.
    let app = app.with_streams(Streams::new(limits, shutdown.clone()));
    // A watch and not a cancellation token: connections have to tell a graceful end from an immediate one.
    let (phase, watched) = watch::channel(Phase::Serving);
    let connections = TaskTracker::new();
    let door = |router, places| Door {
        router,
        limits,
        places: Arc::new(Semaphore::new(places)),
        refusals: Arc::new(Semaphore::new(MAX_REFUSALS)),
        visitors: PerAddress::new(limits.max_connections_per_address),
        refused: PerAddress::new(MAX_REFUSALS_PER_ADDRESS),
        phase: watched.clone(),
        connections: connections.clone(),
    };
    let app = if app.has_pages() { app.showing_problems_by(pages::show_problem) } else { app };
    let pages = || if app.has_pages() { pages::endpoints() } else { Vec::new() };
    // With a listener of their own, the routes for operators are not even known at the public one: it answers 404.
    let front_router = if admin.is_some() { Router::public(pages(), &app) } else { Router::with(pages(), &app) };
    // A semaphore panics beyond its own maximum, and limits may be any number.
    let front = door(front_router, limits.max_connections.min(Semaphore::MAX_PERMITS));
    let back = admin.map(|listener| (listener, door(Router::with(pages(), &app), MAX_ADMIN_CONNECTIONS)));
    let upkeep = tokio::spawn(upkeep(app, shutdown.clone()));
    let at_the_back = async {
        if let Some((listener, door)) = back {
            accept(listener, door, &shutdown).await;
        }
    };
    // Both return once the shutdown begins, and close their listeners: a balancer of loads sees it at once.
    tokio::join!(accept(public, front, &shutdown), at_the_back);
    tracing::info!(connections = connections.len(), "stopping: finishing the requests in flight");
    // A tracker that is not closed waits for ever, also without any task.
    connections.close();
    phase.send_replace(Phase::Finishing);
    if tokio::time::timeout(limits.shutdown_deadline, connections.wait()).await.is_err() {
        tracing::warn!("the deadline has passed: aborting the requests still in flight");
    }
    phase.send_replace(Phase::Cutting);
    connections.wait().await;
    let _ = upkeep.await;
}

async fn accept(listener: TcpListener, door: Door, shutdown: &CancellationToken) {
    let mut complaints = Complaints::default();
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => door.admit(stream, peer),
            // One connection failed before it was accepted, which says nothing about the next.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if let Some(unsaid) = complaints.about(Instant::now()) {
                    tracing::warn!(%error, unsaid, "accepting a connection failed");
                }
                // Trying again at once would take a whole core until a file handle is free.
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Condenses the metrics until `shutdown`.
async fn upkeep(app: App, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(UPKEEP_EVERY);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        app.metrics().run_upkeep();
        app.brakes().forget_unused();
    }
}

/// Failures that come many times a second, and are logged once in a while.
#[derive(Default)]
struct Complaints {
    last: Option<Instant>,
    unsaid: u64,
}

impl Complaints {
    /// Counts a failure. If it is to be logged: how many were not since the last one that was.
    fn about(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.duration_since(last) < COMPLAIN_EVERY) {
            self.unsaid += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b16_failed_accepts_are_logged_once_in_a_while_and_counted() {
        let (start, mut complaints) = (Instant::now(), Complaints::default());
        let said: Vec<_> = (0..250).filter_map(|nth| complaints.about(start + ACCEPT_PAUSE * nth)).collect();
        assert_eq!(said, [0, 99, 99], "at once, then every ten seconds");
    }
}
