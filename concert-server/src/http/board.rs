//! The board: a cache of the HTTP bodies of the dates and of the seats of concerts.
//!
//! A crowd looks at one hall. So its seats are read, written as JSON and compressed once for all requests within a
//! short time, and so are the dates. The cache is here and not in the library because the library's answers are exact.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use concert_core::{BoxOffice, ConcertId, Error, Timestamp};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use super::catalog::{DateBody, SeatBody};
use super::problem::Problem;

/// How old an answer may be, unless the configuration says otherwise.
pub(crate) const MAX_AGE: Duration = Duration::from_millis(500);
/// The shortest time between two readings of one concert that this process's own sales cause. Requests in between wait
/// for the second one. It bounds the cost of a sell-out, and is too short to be noticed.
const PAUSE_BETWEEN_SALES: Duration = Duration::from_millis(100);
/// The list of dates stays fresh for this many times as long as its reading took. Halls that are sold out are read as a
/// whole, so a reading may take long; this bounds its share of one connection.
const DATES_READING_SHARE: u32 = 10;
/// The most concerts in the cache, existing or not. The least recently used make room.
const MOST_CONCERTS: usize = 1_000;
/// The most bytes in the cache: some sixty halls of 50 000 seats, with sections and rows.
const MOST_BYTES: usize = 256 << 20;

/// A page of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Page {
    Dates,
    Seats(ConcertId),
}

/// A page as it was read.
#[derive(Clone)]
pub(super) struct CachedPage {
    /// `None`: there is no such concert.
    pub(super) body: Option<Arc<Body>>,
    /// When it was read, by the box office's clock.
    pub(super) read_at: Timestamp,
    /// The age up to which it is fresh.
    pub(super) max_age: Duration,
    /// [`BoxOffice::seat_changes`] from before it was read.
    changes: u64,
    /// When the reading began, by the system.
    begun: Instant,
}

/// The body of an answer, plain and compressed. Equal pages have equal tags on every server.
pub(super) struct Body {
    pub(super) json: Bytes,
    pub(super) gzip: Bytes,
    /// The ETag: half of the content's SHA-256, in hexadecimal.
    pub(super) tag: String,
}

#[derive(Default)]
struct Slot {
    cached: RwLock<Option<CachedPage>>,
    /// The last reading that failed, and when it began.
    failed: Mutex<Option<(Instant, Problem)>>,
    /// Locked while the page is read.
    reading: Arc<tokio::sync::Mutex<()>>,
    used: AtomicU64,
    bytes: AtomicUsize,
}

impl Slot {
    fn cached(&self) -> Option<CachedPage> {
        self.cached.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The problem of a reading that began after `asked` and failed. So a crowd that waits for an unavailable database
    /// fails together, not one after the other.
    fn failed_since(&self, asked: Instant) -> Option<Problem> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.as_ref().filter(|(begun, _)| *begun >= asked).map(|(_, problem)| problem.clone())
    }

    fn fail(&self, begun: Instant, problem: Problem) -> Problem {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some((begun, problem.clone()));
        problem
    }
}

/// The dates, and the seats of all concerts that are looked at. Cheap to clone.
#[derive(Clone)]
pub(super) struct Board(Arc<Inner>);

struct Inner {
    max_age: Duration,
    looks: AtomicU64,
    slots: Mutex<HashMap<Page, Arc<Slot>>>,
}

impl Board {
    pub(super) fn new(max_age: Duration) -> Self {
        Self(Arc::new(Inner { max_age, looks: AtomicU64::new(0), slots: Mutex::default() }))
    }

    /// The seats of `concert`: at most [`CachedPage::max_age`] old, and never from before a sale that this process has
    /// answered for.
    pub(super) async fn seats(&self, office: &BoxOffice, concert: ConcertId) -> Result<CachedPage, Problem> {
        self.page(office, Page::Seats(concert)).await
    }

    /// The concerts that can be booked: at most [`CachedPage::max_age`] old.
    pub(super) async fn dates(&self, office: &BoxOffice) -> Result<CachedPage, Problem> {
        self.page(office, Page::Dates).await
    }

    async fn page(&self, office: &BoxOffice, page: Page) -> Result<CachedPage, Problem> {
        let asked = Instant::now();
        let slot = self.slot(page);
        if let Some(cached) = slot.cached().filter(|cached| is_fresh(cached, office, page, asked)) {
            return Ok(cached);
        }
        // One request reads; the others wait here and then find the result.
        let reading = Arc::clone(&slot.reading).lock_owned().await;
        if let Some(cached) = slot.cached().filter(|cached| is_fresh(cached, office, page, asked)) {
            return Ok(cached);
        }
        if let Some(problem) = slot.failed_since(asked) {
            return Err(problem);
        }
        // In a task of its own: a client that disconnects must not cancel the reading for the others.
        let reader = self.clone().read(office.clone(), page, slot, reading);
        tokio::spawn(reader).await.map_err(Problem::internal)?
    }

    async fn read(
        self,
        office: BoxOffice,
        page: Page,
        slot: Arc<Slot>,
        reading: OwnedMutexGuard<()>,
    ) -> Result<CachedPage, Problem> {
        let before = slot.cached();
        if let Some(before) = &before {
            tokio::time::sleep_until(before.begun + PAUSE_BETWEEN_SALES.min(self.0.max_age)).await;
        }
        let (begun, changes, read_at) = (Instant::now(), page.changes(&office), office.now());
        let before = before.and_then(|before| before.body);
        let body = match page.read(&office, before).await {
            Ok(body) => body,
            Err(problem) => return Err(slot.fail(begun, problem)),
        };
        slot.bytes.store(body.as_ref().map_or(0, |body| body.json.len() + body.gzip.len()), Ordering::Relaxed);
        let max_age = match page {
            Page::Dates if !self.0.max_age.is_zero() => self.0.max_age.max(begun.elapsed() * DATES_READING_SHARE),
            Page::Dates | Page::Seats(_) => self.0.max_age,
        };
        let cached = CachedPage { body, read_at, max_age, changes, begun };
        *slot.cached.write().unwrap_or_else(PoisonError::into_inner) = Some(cached.clone());
        drop(reading);
        self.make_room();
        Ok(cached)
    }

    fn slot(&self, page: Page) -> Arc<Slot> {
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = Arc::clone(slots.entry(page).or_default());
        slot.used.store(self.0.looks.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        slot
    }

    /// Concerts that do not exist go first: clients can make up any number of them.
    fn make_room(&self) {
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes: usize = slots.values().map(|slot| slot.bytes.load(Ordering::Relaxed)).sum();
        while slots.len() > MOST_CONCERTS || (bytes > MOST_BYTES && slots.len() > 1) {
            let worth = |slot: &Slot| (slot.bytes.load(Ordering::Relaxed) > 0, slot.used.load(Ordering::Relaxed));
            let Some(least) = slots.iter().min_by_key(|(_, slot)| worth(slot)).map(|(page, _)| *page) else {
                return;
            };
            bytes -= slots.remove(&least).map_or(0, |slot| slot.bytes.load(Ordering::Relaxed)).min(bytes);
        }
    }
}

fn is_fresh(cached: &CachedPage, office: &BoxOffice, page: Page, asked: Instant) -> bool {
    // A reading that began after the request is never too old, however long it took.
    if cached.begun >= asked {
        return true;
    }
    let age = (office.now() - cached.read_at).to_std();
    cached.changes == page.changes(office) && age.is_ok_and(|age| age < cached.max_age)
}

impl Page {
    /// A count that moves whenever this process has changed what the page must show at once.
    fn changes(self, office: &BoxOffice) -> u64 {
        match self {
            Self::Dates => 0,
            Self::Seats(concert) => office.seat_changes(concert),
        }
    }

    /// Reads the page and makes its body, or returns `before` if the content is the same. `None`: there is no such
    /// concert.
    async fn read(self, office: &BoxOffice, before: Option<Arc<Body>>) -> Result<Option<Arc<Body>>, Problem> {
        match self {
            Self::Dates => {
                let dates = office.concert_dates().await?;
                metrics::counter!("concert_dates_readings_total").increment(1);
                Body::made(dates, DateBody::from, before).await.map(Some)
            }
            Self::Seats(concert) => {
                let seats = match office.seats(concert).await {
                    Ok(seats) => seats,
                    Err(Error::ConcertNotFound) => return Ok(None),
                    Err(error) => return Err(error.into()),
                };
                metrics::counter!("concert_seats_readings_total").increment(1);
                Body::made(seats, SeatBody::from, before).await.map(Some)
            }
        }
    }
}

impl Body {
    /// A list in JSON. A large one takes tens of milliseconds to write and compress.
    async fn made<R: Send + 'static, B: Serialize + 'static>(
        rows: Vec<R>,
        body: fn(R) -> B,
        before: Option<Arc<Self>>,
    ) -> Result<Arc<Self>, Problem> {
        let making = tokio::task::spawn_blocking(move || {
            let list: Vec<_> = rows.into_iter().map(body).collect();
            Self::new(serde_json::to_vec(&list).unwrap_or_default(), before)
        });
        making.await.map_err(Problem::internal)
    }

    /// Returns `before` if its content is the same.
    fn new(json: Vec<u8>, before: Option<Arc<Self>>) -> Arc<Self> {
        let hash = Sha256::digest(&json);
        let tag: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        if let Some(before) = before.filter(|before| before.tag == tag) {
            return before;
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        // Writing to memory does not fail.
        let _ = gzip.write_all(&json);
        Arc::new(Self { json: json.into(), gzip: gzip.finish().unwrap_or_default().into(), tag })
    }
}
