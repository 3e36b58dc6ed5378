//! How many event streams there may be, and which of a token's lives.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use concert_core::TokenId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::limits::Limits;

/// The most event streams on one connection of HTTP/2, where browsers put all of their tabs.
const MOST_ON_ONE_CONNECTION: usize = 16;

/// What ends the stream of a token, for each that has one.
type NewestStreams = Mutex<HashMap<TokenId, Arc<CancellationToken>>>;

/// The streams of a server: how many there may be, and when they end.
#[derive(Clone)]
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    most: usize,
    max_age: Duration,
    stopping: CancellationToken,
    newest: Arc<NewestStreams>,
}

impl Streams {
    /// As many and as old as the limits say, until `stopping` is cancelled.
    pub(crate) fn new(limits: Limits, stopping: CancellationToken) -> Self {
        let most = limits.max_streams.min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(most)),
            most,
            max_age: limits.max_connection_age,
            stopping,
            newest: Arc::default(),
        }
    }

    /// A place for one more; `None`: there are too many.
    pub(in crate::http) fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// A place for one more stream that anyone may open: half of the places are kept for those who wait in the queue.
    pub(in crate::http) fn enter_open(&self) -> Option<OwnedSemaphorePermit> {
        // Two that ask at once may both get in above the half: that bound is one of fairness, not of memory.
        (self.places.available_permits() * 2 > self.most).then(|| self.enter()).flatten()
    }

    /// How old a stream gets.
    pub(in crate::http) const fn max_age(&self) -> Duration {
        self.max_age
    }

    pub(in crate::http) const fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Makes a stream the one of `token`, and ends the one before.
    pub(super) fn replace(&self, token: TokenId) -> Newest {
        let replaced = Arc::new(CancellationToken::new());
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = newest.insert(token, Arc::clone(&replaced)) {
            before.cancel();
        }
        Newest { token, replaced, newest: Arc::clone(&self.newest) }
    }
}

/// The stream of a token, while no newer one takes its place.
pub(super) struct Newest {
    token: TokenId,
    replaced: Arc<CancellationToken>,
    newest: Arc<NewestStreams>,
}

impl Newest {
    /// Waits until a newer stream has taken its place.
    pub(super) async fn replaced(&self) {
        self.replaced.cancelled().await;
    }
}

impl Drop for Newest {
    fn drop(&mut self) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        // A newer stream may have put itself there, whose entry is not ours to remove.
        if newest.get(&self.token).is_some_and(|last| Arc::ptr_eq(last, &self.replaced)) {
            newest.remove(&self.token);
        }
    }
}

/// The event streams of one connection that carries several requests at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamsHere(Arc<AtomicUsize>);

impl StreamsHere {
    /// A place for one more; `None`: this connection has as many as one may have.
    pub(in crate::http) fn enter(&self) -> Option<PlaceHere> {
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
            (open < MOST_ON_ONE_CONNECTION).then_some(open + 1)
        });
        taken.is_ok().then(|| PlaceHere(Arc::clone(&self.0)))
    }
}

/// The place of a stream on its connection.
pub(in crate::http) struct PlaceHere(Arc<AtomicUsize>);

impl Drop for PlaceHere {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b5_the_newest_stream_of_a_token_wins() {
        let streams = Streams::new(Limits::default(), CancellationToken::new());
        let (token, another) = (TokenId::generate(), TokenId::generate());
        let (first, other) = (streams.replace(token), streams.replace(another));
        let second = streams.replace(token);
        assert!(first.replaced.is_cancelled() && !second.replaced.is_cancelled() && !other.replaced.is_cancelled());
        drop(first);
        let third = streams.replace(token);
        assert!(second.replaced.is_cancelled(), "the end of an old one does not hide the newer");
        drop((second, third, other));
        assert!(streams.newest.lock().expect("no panic").is_empty());
    }

    #[test]
    fn b5_a_connection_has_so_many_streams() {
        let here = StreamsHere::default();
        let mut places: Vec<_> = (0..MOST_ON_ONE_CONNECTION).map(|_| here.enter().expect("has a place")).collect();
        assert!(here.enter().is_none());
        places.pop();
        assert!(here.enter().is_some());
    }
}
