//! The door: who gets in, and who is told that it is full.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;

use super::Phase;
use super::connection::{refusal, served};
use crate::http::{Refusal, Router};
use crate::limits::Limits;
use crate::telemetry;

/// Takes connections in and bounds their number.
pub(super) struct Door {
    pub(super) router: Router,
    pub(super) limits: Limits,
    pub(super) places: Arc<Semaphore>,
    pub(super) refusals: Arc<Semaphore>,
    pub(super) visitors: PerAddress,
    pub(super) refused: PerAddress,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) connections: TaskTracker,
}

impl Door {
    pub(super) fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        // Answers are small and written at once: waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        // The address first: one that is at its limit must not take a place that others could have.
        let Some(visitor) = self.visitors.enter(self.router.brakes().connection(peer.ip())) else {
            return self.refuse(stream, peer, Refusal::TooManyFromAddress);
        };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return self.refuse(stream, peer, Refusal::TooMany);
        };
        let connection = served(self.router.clone(), self.limits, stream, peer, self.phase.clone());
        self.connections.spawn(async move {
            telemetry::connection_opened();
            connection.await;
            telemetry::connection_closed();
            // They moved into the task, so that both are given back when the connection ends, however it ends.
            drop((visitor, place));
        });
    }

    /// Answers one request, if there is room for that. Health is answered as ever.
    fn refuse(&self, stream: TcpStream, peer: SocketAddr, why: Refusal) {
        let places = self
            .refused
            .enter(self.router.brakes().connection(peer.ip()))
            .zip(Arc::clone(&self.refusals).try_acquire_owned().ok());
        // Even refusals have their limit. The stream is dropped here, which closes the connection without a word.
        let Some(places) = places else { return };
        let refusal = refusal(self.router.clone(), why, stream, peer, self.phase.clone());
        self.connections.spawn(async move {
            refusal.await;
            drop(places);
        });
    }
}

type Counts = Mutex<HashMap<IpAddr, usize>>;

/// Counts by address, up to a limit.
pub(super) struct PerAddress {
    most: usize,
    counts: Arc<Counts>,
}

impl PerAddress {
    pub(super) fn new(most: usize) -> Self {
        Self { most, counts: Arc::default() }
    }

    /// Counts one more from `address` until what this returns is dropped; `None`: there are too many. Who has no address
    /// is exempt.
    pub(super) fn enter(&self, address: Option<IpAddr>) -> Option<Visitor> {
        let Some(network) = address else { return Some(Visitor(None)) };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Visitor(Some((Arc::clone(&self.counts), network))))
    }
}

/// One that is counted.
pub(super) struct Visitor(Option<(Arc<Counts>, IpAddr)>);

impl Drop for Visitor {
    fn drop(&mut self) {
        let Some((counts, network)) = &self.0 else { return };
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = counts.entry(*network) {
            *count.get_mut() -= 1;
            // A map that kept addresses without connections would grow with every visitor there ever was.
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brakes::{BrakeClock, BrakeOptions, Brakes};

    #[test]
    fn b5_connections_are_counted_by_address_and_forgotten_when_they_end() {
        let visitors = PerAddress::new(2);
        let trusted =
            BrakeOptions { trust_proxy: vec!["10.0.0.0/8".parse().expect("a network")], ..BrakeOptions::default() };
        let brakes = Brakes::new(trusted, &BrakeClock::system());
        let enter = |address: &str| visitors.enter(brakes.connection(address.parse().expect("an address")));
        let first = (enter("192.0.2.7"), enter("::ffff:192.0.2.7"));
        assert!(first.0.is_some() && first.1.is_some());
        assert!(enter("192.0.2.7").is_none(), "both forms of an address are one");
        assert!(enter("192.0.2.8").is_some());
        let neighbours = (enter("2001:db8::1"), enter("2001:db8::2:0:0:1"));
        assert!(neighbours.0.is_some() && neighbours.1.is_some());
        assert!(enter("2001:db8::3").is_none(), "a /64 is one");
        assert!(enter("2001:db8:0:1::3").is_some());
        let local: Vec<_> = (0..9).map(|_| enter("127.0.0.1").zip(enter("10.0.0.5"))).collect();
        assert!(local.iter().all(Option::is_some), "neither this machine nor a trusted proxy is counted");
        drop((first, neighbours));
        assert!(enter("192.0.2.7").is_some());
        assert!(visitors.counts.lock().expect("no panic").is_empty(), "nothing is left of those who went");
    }
}
