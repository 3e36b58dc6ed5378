//! Polling: the standing of a ticket, from a snapshot that each process keeps and refreshes.

mod attendance;
mod refresh;
mod standing;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use roaring::RoaringTreemap;
use sqlx::MySqlPool;
use tokio::sync::{Mutex, MutexGuard, watch};
use uuid::Uuid;

pub(crate) use self::attendance::Followed;
use self::attendance::Told;
#[cfg(any(test, feature = "internals"))]
pub(super) use self::refresh::STATEMENTS;
pub(super) use self::refresh::read_changes;

use super::change_times::ChangeTimes;
use super::presence::Presence;
use super::rows::Effects;
use super::snapshot::{Snapshot, TicketPlace};
use super::{RerankReport, Standing, Token, TokenStatus, reads};
use crate::caller::QueueTicket;
use crate::clock::{Clock, Timestamp};
use crate::db;
use crate::error::Error;
use crate::id::{SaleId, UserId};
use crate::phase::{SalePhase, SaleTimes};

/// A turn is claimed a second time after this, unless the snapshot shows it as claimed by then: the first try may have
/// failed.
const CLAIM_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// The most tickets that are remembered as over. Tickets are dense, so this is 1 MB as a bitmap and 16 MB at worst.
const MOST_ENDED: u64 = 8_000_000;

/// How often processes tell each other whom they have seen: as often as the queue moves, within these bounds. Whoever
/// counts as seen does so for longer than the longest.
const SHORTEST_EXCHANGE: Duration = Duration::from_secs(1);
const LONGEST_EXCHANGE: Duration = Duration::from_secs(10);

/// The part of the policy that the view obeys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ViewRules {
    pub(crate) active_ttl: Duration,
    pub(crate) max_polls_per_second: u32,
    pub(crate) rerank_every: Duration,
}

/// This process's view of the queue of a sale.
pub(crate) struct QueueView {
    sale: SaleId,
    active_ttl: Duration,
    max_polls_per_second: u32,
    /// `None` until the first refresh.
    snapshot: RwLock<Option<Snapshot>>,
    /// Locked while a refresh runs.
    refreshing: Mutex<()>,
    /// Since when refreshes are dated, and when the last one was, in milliseconds after it; 0: none yet. Polls read it
    /// without writing to memory that all cores share, as a lock would.
    begun: Instant,
    refreshed_at: AtomicU64,
    /// Counts the refreshes that found the queue moved.
    moved: watch::Sender<u64>,
    /// Tickets whose turns this process is claiming, and since when: of many polls, one claims.
    claiming: std::sync::Mutex<HashMap<u64, Instant>>,
    /// Tickets whose rows said that they are over. Nothing brings them back, so the next poll need not ask again.
    ended: RwLock<RoaringTreemap>,
    times: ChangeTimes,
    presence: Presence,
    /// The name under which this process tells the others whom it has seen.
    process: Uuid,
    exchange_every: Duration,
    told: Mutex<Told>,
    /// Whether there were people in the last pass of this process.
    had_people: AtomicBool,
}

impl QueueView {
    pub(super) fn new(sale: SaleId, rules: ViewRules, process: Uuid, clock: Arc<dyn Clock>) -> Self {
        Self {
            sale,
            active_ttl: rules.active_ttl,
            max_polls_per_second: rules.max_polls_per_second,
            presence: Presence::new(clock.now()),
            process,
            exchange_every: rules.rerank_every.clamp(SHORTEST_EXCHANGE, LONGEST_EXCHANGE),
            told: Mutex::default(),
            had_people: AtomicBool::new(false),
            snapshot: RwLock::new(None),
            refreshing: Mutex::default(),
            begun: Instant::now(),
            refreshed_at: AtomicU64::new(0),
            moved: watch::Sender::new(0),
            claiming: std::sync::Mutex::default(),
            ended: RwLock::default(),
            times: ChangeTimes::new(clock),
        }
    }

    /// When the gate's changes were, as far as this process knows.
    pub(super) const fn times(&self) -> &ChangeTimes {
        &self.times
    }

    pub(crate) const fn sale(&self) -> SaleId {
        self.sale
    }

    /// Takes note of whether there are people, for the next pass; whether there were in the last one.
    pub(super) fn note_people(&self, there_are: bool) -> bool {
        self.had_people.swap(there_are, Ordering::Relaxed)
    }

    /// Waits until no refresh runs; none begins until what is returned is dropped.
    pub(super) async fn refreshing(&self) -> MutexGuard<'_, ()> {
        self.refreshing.lock().await
    }

    /// What a rerank pass of this process would do.
    pub(crate) async fn preview_rerank(&self, pool: &MySqlPool, now: Timestamp) -> Result<RerankReport, Error> {
        let since = self.times.last_minute();
        let mut report = db::read(|| reads::preview_rerank(pool, self.sale, since, now)).await?;
        if self.phase(now) != SalePhase::Open {
            report.admitted = 0;
        }
        Ok(report)
    }

    /// Refuses who comes before the doors open, or after the close, where nobody is in the queue.
    pub(crate) fn refuse_early(&self, now: Timestamp) -> Result<(), Error> {
        let of_empty = |snapshot: &Snapshot| snapshot.is_empty().then(|| snapshot.times().require_doors_open(now));
        self.look(of_empty).flatten().unwrap_or(Ok(()))
    }

    /// The wait at a position, in seconds, as far as it is known.
    pub(crate) fn estimate(&self, position: u64) -> Option<u64> {
        self.look(|snapshot| snapshot.wait_seconds(position, self.active_ttl))
    }

    /// The phase of the sale, as of the last refresh.
    pub(crate) fn phase(&self, now: Timestamp) -> SalePhase {
        self.look(|snapshot| snapshot.times().phase(now)).unwrap_or(SaleTimes::ALWAYS_OPEN.phase(now))
    }

    /// Signals each refresh that found the queue moved: about once a second, however many batches that was.
    pub(crate) fn moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// The standing of the holder of a queue token. Asks the database only about tickets that the snapshot does not
    /// know.
    pub(crate) async fn poll(&self, pool: &MySqlPool, ticket: &QueueTicket, now: Timestamp) -> Result<Standing, Error> {
        self.keep_fresh(pool, now).await?;
        if let Some(standing) = self.known_standing(ticket.ticket, now) {
            self.note_poll(ticket.ticket, &standing, now);
            return Ok(standing);
        }
        if self.has_ended(ticket.ticket) {
            return Err(Error::TokenExpired);
        }
        let token = Box::pin(self.latest_token(pool, ticket.user, now)).await?;
        if token.as_ref().is_some_and(|token| is_over(ticket, token, now)) {
            self.remember_ended(ticket.ticket);
        }
        let token = token.filter(|token| token.id == ticket.token).ok_or(Error::TokenExpired)?;
        let standing = self.standing_of(&token, now)?;
        self.note_poll(ticket.ticket, &standing, now);
        Ok(standing)
    }

    /// Whether a ticket is known to have ended, for good.
    pub(crate) fn has_ended(&self, ticket: u64) -> bool {
        self.ended.read().unwrap_or_else(PoisonError::into_inner).contains(ticket)
    }

    /// The newest token of a user. Whoever waits has a position in the snapshot, which may be a refresh old.
    pub(crate) async fn latest_token(
        &self,
        pool: &MySqlPool,
        user: UserId,
        now: Timestamp,
    ) -> Result<Option<Token>, Error> {
        let Some((token, change_seq)) = db::read(|| reads::latest_token(pool, self.sale, user)).await? else {
            return Ok(None);
        };
        // Another process has just made it. Nobody else waits for a refresh: a crowd whose turns are over asks here.
        let is_new = token.status == TokenStatus::Waiting && self.place(token.ticket, now) == TicketPlace::Unknown;
        if is_new && token.is_live(now) {
            self.catch_up(pool, change_seq, now).await?;
        }
        Ok(Some(token))
    }

    /// Whether the caller should claim the turn of `ticket` now. Reads memory only; at most one caller is told yes at a
    /// time.
    pub(crate) fn should_claim(&self, ticket: u64) -> bool {
        if !self.look(|snapshot| snapshot.is_unclaimed(ticket)).unwrap_or_default() {
            return false;
        }
        let mut claiming = self.claiming.lock().unwrap_or_else(PoisonError::into_inner);
        if claiming.get(&ticket).is_some_and(|since| since.elapsed() < CLAIM_AGAIN_AFTER) {
            return false;
        }
        claiming.insert(ticket, Instant::now());
        true
    }

    fn remember_ended(&self, ticket: u64) {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        if ended.len() >= MOST_ENDED {
            ended.clear();
        }
        ended.insert(ticket);
    }

    fn forget_claimed(&self, snapshot: &Snapshot) {
        let mut claiming = self.claiming.lock().unwrap_or_else(PoisonError::into_inner);
        claiming.retain(|ticket, _| snapshot.is_unclaimed(*ticket));
    }

    /// Takes over a batch that this process has committed.
    pub(super) fn apply(&self, effects: &Effects) {
        self.note_joined(effects);
        self.change(|snapshot| snapshot.apply(effects));
    }

    /// Takes over turns that this process has made last longer. Mostly they last as long anyway, which needs no lock that
    /// polls would wait for.
    pub(super) fn lengthen(&self, turns: &[(UserId, Timestamp)]) {
        let ends_before = |snapshot: &Snapshot| turns.iter().any(|(user, until)| snapshot.ends_before(*user, *until));
        if self.look(ends_before).unwrap_or_default() {
            self.change(|snapshot| turns.iter().for_each(|(user, until)| snapshot.lengthen(*user, *until)));
        }
    }

    fn place(&self, ticket: u64, now: Timestamp) -> TicketPlace {
        self.look(|snapshot| snapshot.place(ticket, now)).unwrap_or(TicketPlace::Unknown)
    }

    fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        if let Some(snapshot) = self.snapshot.write().unwrap_or_else(PoisonError::into_inner).as_mut() {
            change(snapshot);
        }
    }

    fn look<T>(&self, look: impl FnOnce(&Snapshot) -> T) -> Option<T> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }
}

/// Whether `latest`, the newest token of the user that could be read, shows that `ticket` is over. An older one shows
/// nothing: the node that was asked may be behind. If a turn was made longer meanwhile, the next refresh shows it as
/// ACTIVE, which counts first.
fn is_over(ticket: &QueueTicket, latest: &Token, now: Timestamp) -> bool {
    if latest.id == ticket.token { !latest.is_live(now) } else { latest.ticket > ticket.ticket }
}
