//! The pages of the board: what each reads, and what is kept of it.

use std::sync::Arc;
use std::time::Duration;

use concert_core::{BoxOffice, ConcertId, Error, Timestamp};
use flate2::Compression;
use serde::Serialize;
use tokio::time::Instant;
use warp::http::HeaderMap;

use crate::http::catalog::{DateBody, SeatBody};
use crate::http::plan::{PlanPage, read_states};
use crate::http::problem::Problem;
use crate::http::representation::Representation;

/// A page of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Page {
    Dates,
    Seats(ConcertId),
    /// The states of the seats, and the plan that they belong to.
    States(ConcertId),
}

impl Page {
    /// A count that moves whenever this process has changed what the page must show at once.
    pub(super) fn changes(self, office: &BoxOffice) -> u64 {
        match self {
            Self::Dates => office.concert_changes(),
            Self::Seats(concert) | Self::States(concert) => office.seat_changes(concert),
        }
    }

    /// Reads the page and makes its body, or returns `before` if the content is the same. `None`: there is no such
    /// concert.
    pub(super) async fn read(self, office: &BoxOffice, before: Option<CachedPage>) -> Result<Option<Content>, Problem> {
        let body = before.as_ref().and_then(|before| before.body.clone());
        match self {
            Self::States(concert) => read_states(office, concert, before).await,
            Self::Dates => {
                let dates = office.concert_dates().await?;
                metrics::counter!("concert_dates_readings_total").increment(1);
                written(dates, DateBody::from, body).await.map(Some)
            }
            Self::Seats(concert) => {
                let seats = match office.seats(concert).await {
                    Ok(seats) => seats,
                    // Kept as any page: asking again for what is not there reads nothing.
                    Err(Error::ConcertNotFound) => return Ok(None),
                    Err(error) => return Err(error.into()),
                };
                metrics::counter!("concert_seats_readings_total").increment(1);
                written(seats, SeatBody::from, body).await.map(Some)
            }
        }
    }
}

/// What a page says.
pub(in crate::http) struct Content {
    pub(in crate::http) body: Arc<Representation>,
    /// Of [`Page::States`]: the same as JSON.
    pub(in crate::http) json: Option<Arc<Representation>>,
    /// Of [`Page::States`].
    pub(in crate::http) plan: Option<Arc<PlanPage>>,
}

/// A page as it was read.
#[derive(Clone)]
pub(in crate::http) struct CachedPage {
    /// `None`: there is no such concert.
    pub(in crate::http) body: Option<Arc<Representation>>,
    /// Of the states of seats: the same as JSON.
    pub(in crate::http) json: Option<Arc<Representation>>,
    /// Of the states of seats: the plan that has these seats.
    pub(in crate::http) plan: Option<Arc<PlanPage>>,
    /// When it was read, by the box office's clock.
    pub(in crate::http) read_at: Timestamp,
    /// The age up to which it is fresh.
    pub(in crate::http) max_age: Duration,
    /// [`BoxOffice::seat_changes`] from before it was read.
    pub(super) changes: u64,
    /// When the reading began, by the system.
    pub(super) begun: Instant,
    pub(super) took: Duration,
}

impl CachedPage {
    pub(super) fn bytes(&self) -> usize {
        let bodies = self.body.iter().chain(&self.json).map(|body| body.bytes()).sum::<usize>();
        bodies + self.plan.as_ref().map_or(0, |plan| plan.bytes())
    }

    /// Whether the client has what the page says, in one form or another.
    pub(in crate::http) fn has_known_body(&self, asked: &HeaderMap) -> bool {
        self.body.iter().chain(&self.json).any(|body| body.is_known(asked))
    }

    pub(super) fn contents(&self) -> impl Iterator<Item = &Arc<Representation>> {
        self.body.iter().chain(&self.json).chain(self.plan.iter().map(|plan| &plan.body))
    }

    /// What of it `newer` no longer has.
    pub(super) fn superseded_by(&self, newer: &Self) -> impl Iterator<Item = Arc<Representation>> {
        let is_kept = |old: &&Arc<Representation>| newer.contents().any(|new| Arc::ptr_eq(old, new));
        self.contents().filter(move |old| !is_kept(old)).cloned()
    }
}

/// A list in JSON. A large one takes tens of milliseconds to write and compress.
async fn written<R: Send + 'static, B: Serialize + 'static>(
    rows: Vec<R>,
    body: fn(R) -> B,
    before: Option<Arc<Representation>>,
) -> Result<Content, Problem> {
    // To compress a large hall takes longer than a thread that answers others may be away.
    let writing = tokio::task::spawn_blocking(move || {
        let list: Vec<_> = rows.into_iter().map(body).collect();
        let json = serde_json::to_vec(&list).unwrap_or_default();
        let body = Representation::new("application/json", &json, Compression::fast(), before);
        Content { body, json: None, plan: None }
    });
    writing.await.map_err(Problem::internal)
}
