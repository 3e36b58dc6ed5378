//! The board: a cache of the HTTP bodies of the dates, and of the seats, the plans and the states of the seats of concerts.
//!
//! A crowd looks at one hall. So its seats are read, written as JSON and compressed once for all requests within a
//! short time, and so are the dates. The cache is here and not in the library because the library's answers are exact.

mod page;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use concert_core::{BoxOffice, ConcertId, Error};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use self::page::Page;
pub(super) use self::page::{CachedPage, Content};
use super::plan::PlanPage;
use super::problem::Problem;
use super::representation::Superseded;

/// How old an answer may be, unless the configuration says otherwise.
pub(crate) const MAX_AGE: Duration = Duration::from_millis(500);
/// The shortest time between two readings of one concert that this process's own sales cause. Requests in between wait
/// for the second one. It bounds the cost of a sell-out, and is too short to be noticed.
const PAUSE_BETWEEN_SALES: Duration = Duration::from_millis(100);
/// A reading that takes longer is followed by a pause of this many times as long, up to the age at which it is old anyway.
/// A large hall that sells by the hundred seats a second would otherwise be read all the time.
const HALL_READING_SHARE: u32 = 4;
/// The list of dates stays fresh for this many times as long as its reading took. Halls that are sold out are read as a
/// whole, so a reading may take long; this bounds its share of one connection.
const DATES_READING_SHARE: u32 = 10;
/// The most concerts in the cache, existing or not. The least recently used make room.
const MOST_CONCERTS: usize = 1_000;
/// The most bytes in the cache: some sixty halls of 50 000 seats, with sections and rows.
const MOST_BYTES: usize = 256 << 20;
/// The most bytes of pages that were read anew and are still being sent to clients that read slowly. With halls of 50 000
/// seats and ten changes a second, a client has some forty seconds for one.
const MOST_SUPERSEDED_BYTES: usize = 128 << 20;

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
    superseded: Superseded,
}

impl Board {
    pub(super) fn new(max_age: Duration) -> Self {
        Self(Arc::new(Inner {
            max_age,
            looks: AtomicU64::new(0),
            slots: Mutex::default(),
            superseded: Superseded::new(MOST_SUPERSEDED_BYTES),
        }))
    }

    pub(super) fn max_age(&self) -> Duration {
        self.0.max_age
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

    /// The states of the seats of `concert`, and its plan: as fresh as [`Board::seats`].
    pub(super) async fn states(&self, office: &BoxOffice, concert: ConcertId) -> Result<CachedPage, Problem> {
        self.page(office, Page::States(concert)).await
    }

    /// The same, if it is no older than it may be, though this process may have sold some since: so a crowd that loads a page
    /// waits for no reading.
    pub(super) async fn recent_states(&self, office: &BoxOffice, concert: ConcertId) -> Result<CachedPage, Problem> {
        match self.known(Page::States(concert)).filter(|cached| is_young(cached, office)) {
            Some(cached) => Ok(cached),
            None => self.states(office, concert).await,
        }
    }

    /// The plan of `concert`: that of `version` if it is at hand, else the present one.
    pub(super) async fn plan(
        &self,
        office: &BoxOffice,
        concert: ConcertId,
        version: Option<u32>,
    ) -> Result<Arc<PlanPage>, Problem> {
        // However old it is: the plan of one version never changes.
        let known = self.known(Page::States(concert)).and_then(|cached| cached.plan);
        if let Some(plan) = known.filter(|plan| version == Some(plan.version)) {
            return Ok(plan);
        }
        self.states(office, concert).await?.plan.ok_or_else(|| Error::ConcertNotFound.into())
    }

    /// A page as it was read last, however old.
    fn known(&self, page: Page) -> Option<CachedPage> {
        let slot = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner).get(&page).cloned()?;
        slot.used.store(self.0.looks.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        slot.cached()
    }

    async fn page(&self, office: &BoxOffice, page: Page) -> Result<CachedPage, Problem> {
        // Before anything is waited for: a reading that begins after this moment is new enough.
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
            let pause = PAUSE_BETWEEN_SALES.max(before.took * HALL_READING_SHARE).min(self.0.max_age);
            // From the beginning of the last reading, so that a hall that is seldom asked for is read at once.
            tokio::time::sleep_until(before.begun + pause).await;
        }
        // All three from before the reading: what happens meanwhile makes the page look old, never new.
        let (begun, changes, read_at) = (Instant::now(), page.changes(&office), office.now());
        let content = match page.read(&office, before.clone()).await {
            Ok(content) => content,
            Err(problem) => {
                self.forget_unread(page, &slot);
                return Err(slot.fail(begun, problem));
            }
        };
        let max_age = match page {
            Page::Dates if !self.0.max_age.is_zero() => self.0.max_age.max(begun.elapsed() * DATES_READING_SHARE),
            Page::Dates | Page::Seats(_) | Page::States(_) => self.0.max_age,
        };
        let (body, json, plan) =
            content.map_or((None, None, None), |content| (Some(content.body), content.json, content.plan));
        let cached = CachedPage { body, json, plan, read_at, max_age, changes, begun, took: begun.elapsed() };
        slot.bytes.store(cached.bytes(), Ordering::Relaxed);
        *slot.cached.write().unwrap_or_else(PoisonError::into_inner) = Some(cached.clone());
        // Those who waited go on now; making room need not hold them up.
        drop(reading);
        // Once the new page is in its place, so that nobody begins to send what may be withdrawn.
        before.iter().flat_map(|before| before.superseded_by(&cached)).for_each(|old| self.0.superseded.add(old));
        self.keep(page, slot);
        Ok(cached)
    }

    /// The slot of a page. A new one makes room first, so that there are never more than [`MOST_CONCERTS`].
    fn slot(&self, page: Page) -> Arc<Slot> {
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MOST_CONCERTS && !slots.contains_key(&page) {
            self.remove_least(&mut slots);
        }
        let slot = Arc::clone(slots.entry(page).or_default());
        slot.used.store(self.0.looks.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        slot
    }

    /// Forgets a page that was never read: while the database is away, clients can ask for any number of them.
    fn forget_unread(&self, page: Page, slot: &Arc<Slot>) {
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.cached().is_none() && slots.get(&page).is_some_and(|ours| Arc::ptr_eq(ours, slot)) {
            slots.remove(&page);
        }
    }

    /// Keeps a page that was read, also if its slot had to go meanwhile, and makes room for its bytes.
    fn keep(&self, page: Page, slot: Arc<Slot>) {
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.bytes.load(Ordering::Relaxed) > 0 && !slots.contains_key(&page) {
            if slots.len() >= MOST_CONCERTS {
                self.remove_least(&mut slots);
            }
            slots.insert(page, slot);
        }
        let mut bytes: usize = slots.values().map(|slot| slot.bytes.load(Ordering::Relaxed)).sum();
        // One page always stays, or a hall larger than the cache would be read for every request.
        while bytes > MOST_BYTES && slots.len() > 1 {
            bytes -= self.remove_least(&mut slots).min(bytes);
        }
    }

    /// Removes one page and returns its bytes. Concerts that do not exist go first: clients can make up any number of
    /// them.
    fn remove_least(&self, slots: &mut HashMap<Page, Arc<Slot>>) -> usize {
        let worth = |slot: &Slot| (slot.bytes.load(Ordering::Relaxed) > 0, slot.used.load(Ordering::Relaxed));
        let least = slots.iter().min_by_key(|(_, slot)| worth(slot)).map(|(page, _)| *page);
        let Some(slot) = least.and_then(|page| slots.remove(&page)) else { return 0 };
        if let Some(cached) = slot.cached() {
            cached.contents().cloned().for_each(|content| self.0.superseded.add(content));
        }
        slot.bytes.load(Ordering::Relaxed)
    }
}

fn is_fresh(cached: &CachedPage, office: &BoxOffice, page: Page, asked: Instant) -> bool {
    // A reading that began after the request is never too old, however long it took.
    if cached.begun >= asked {
        return true;
    }
    // What this process has sold is seen at once; what others have, once the page is old enough.
    cached.changes == page.changes(office) && is_young(cached, office)
}

fn is_young(cached: &CachedPage, office: &BoxOffice) -> bool {
    (office.now() - cached.read_at).to_std().is_ok_and(|age| age < cached.max_age)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;

    use super::*;
    use crate::http::representation::Representation;

    #[tokio::test]
    async fn b5_concerts_that_are_not_there_leave_nothing_behind() {
        let board = Board::new(MAX_AGE);
        let hall = Page::Seats(ConcertId::generate());
        let slot = board.slot(hall);
        let body = Representation::new("application/json", b"[1]", Compression::fast(), None);
        slot.bytes.store(body.bytes(), Ordering::Relaxed);
        let (begun, read_at) = (Instant::now(), concert_core::Clock::now(&concert_core::SystemClock));
        let cached = CachedPage {
            body: Some(body),
            json: None,
            plan: None,
            read_at,
            max_age: MAX_AGE,
            changes: 0,
            begun,
            took: Duration::ZERO,
        };
        *slot.cached.write().expect("no panic") = Some(cached);
        board.keep(hall, slot);
        let known = |page| board.0.slots.lock().expect("no panic").contains_key(&page);
        let count = || board.0.slots.lock().expect("no panic").len();

        // While the database is away, and then while it answers that they are not there.
        let begun = Instant::now();
        for _ in 0..100_000 {
            let page = Page::Seats(ConcertId::generate());
            let slot = board.slot(page);
            board.forget_unread(page, &slot);
        }
        assert_eq!(count(), 1, "what failed is forgotten");
        for _ in 0..20_000 {
            let page = Page::Seats(ConcertId::generate());
            let slot = board.slot(page);
            board.keep(page, slot);
        }
        assert!(count() <= MOST_CONCERTS && known(hall), "a hall that exists stays");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn b5_a_hall_that_had_to_go_while_it_was_read_comes_back() {
        let board = Board::new(MAX_AGE);
        let page = Page::Seats(ConcertId::generate());
        let slot = board.slot(page);
        for _ in 0..=MOST_CONCERTS {
            board.slot(Page::Seats(ConcertId::generate()));
        }
        assert!(!board.0.slots.lock().expect("no panic").contains_key(&page), "there was no room");
        slot.bytes.store(7, Ordering::Relaxed);
        board.keep(page, slot);
        let slots = board.0.slots.lock().expect("no panic");
        assert!(slots.contains_key(&page) && slots.len() <= MOST_CONCERTS);
    }
}
