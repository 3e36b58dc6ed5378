//! Polling: the standing of a ticket, from a snapshot that each process keeps and refreshes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use roaring::RoaringTreemap;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};
use tokio::sync::{Mutex, watch};

use super::change_times::ChangeTimes;
use super::rows::Effects;
use super::snapshot::{Refresh, Snapshot, TicketPlace, TicketTurn, TokenChange};
use super::{RerankReport, Standing, Token, TokenStatus, pause, reads, store};
use crate::caller::QueueTicket;
use crate::clock::{Clock, Timestamp, seconds_until};
use crate::db;
use crate::error::Error;
use crate::sql::{fetch_all, fetch_each, fetch_one};

/// A poll refreshes a snapshot that is older than this: for applications that do not run the passes.
const STALE_AFTER: Duration = Duration::from_secs(2);
/// A turn is claimed a second time after this, unless the snapshot shows it as claimed by then: the first try may have
/// failed.
const CLAIM_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// The most tickets that are remembered as over. Tickets are dense, so this is 1 MB as a bitmap and 16 MB at worst.
const MOST_ENDED: u64 = 8_000_000;

/// This process's view of the queue.
pub(crate) struct QueueView {
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
}

impl QueueView {
    pub(crate) fn new(active_ttl: Duration, max_polls_per_second: u32, clock: Arc<dyn Clock>) -> Self {
        Self {
            active_ttl,
            max_polls_per_second,
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

    /// Reads the gate for the first time, so that this process knows what happens from now on. Where that fails, the next
    /// reading is the first.
    pub(crate) async fn look_at_gate(&self, pool: &MySqlPool, now: Timestamp) {
        if let Ok(row) = fetch_one(pool, &reads::READ_GATE, |params| params).await
            && let Ok(gate) = store::read_gate(&row)
        {
            self.times.note(now, gate.change_seq);
        }
    }

    /// What a rerank pass of this process would do.
    pub(crate) async fn preview_rerank(&self, pool: &MySqlPool, now: Timestamp) -> Result<RerankReport, Error> {
        let since = self.times.last_minute();
        db::read(|| reads::preview_rerank(pool, since, now)).await
    }

    /// Signals each refresh that found the queue moved: about once a second, however many batches that was.
    pub(crate) fn moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// The standing of a ticket that the snapshot has known before; `None`: it has ended.
    pub(crate) fn known_standing(&self, ticket: u64, now: Timestamp) -> Option<Standing> {
        // One look: polls take this lock more often than anything else.
        let standing = |snapshot: &Snapshot| match snapshot.place(ticket, now) {
            TicketPlace::Unknown => None,
            place => Some(self.standing_in(Some(snapshot), place, now)),
        };
        self.look(standing).flatten()
    }

    /// The standing of the holder of a queue token. Asks the database only about tickets that the snapshot does not
    /// know.
    pub(crate) async fn poll(&self, pool: &MySqlPool, ticket: &QueueTicket, now: Timestamp) -> Result<Standing, Error> {
        self.keep_fresh(pool, now).await?;
        if let Some(standing) = self.known_standing(ticket.ticket, now) {
            return Ok(standing);
        }
        if self.ended.read().unwrap_or_else(PoisonError::into_inner).contains(ticket.ticket) {
            return Err(Error::TokenExpired);
        }
        let token = self.latest_token(pool, ticket.user, now).await?;
        if token.as_ref().is_some_and(|token| is_over(ticket, token, now)) {
            self.remember_ended(ticket.ticket);
        }
        let token = token.filter(|token| token.id == ticket.token).ok_or(Error::TokenExpired)?;
        self.standing_of(&token, now)
    }

    /// The newest token of a user; the snapshot is at least as new as the answer.
    pub(crate) async fn latest_token(
        &self,
        pool: &MySqlPool,
        user: crate::id::UserId,
        now: Timestamp,
    ) -> Result<Option<Token>, Error> {
        let Some((token, change_seq)) = db::read(|| reads::latest_token(pool, user)).await? else {
            return Ok(None);
        };
        // Or a token that another process has just made would be WAITING without a position.
        if self.look(Snapshot::change_seq).is_none_or(|seen| seen < change_seq) {
            self.refresh(pool, now).await?;
        }
        Ok(Some(token))
    }

    /// The standing of `token`, which [`QueueView::latest_token`] has found.
    pub(crate) fn standing_of(&self, token: &Token, now: Timestamp) -> Result<Standing, Error> {
        if !token.is_live(now) {
            return Err(Error::TokenExpired);
        }
        match (token.status, self.place(token.ticket, now)) {
            (TokenStatus::Active, _) => Ok(self.standing(TicketPlace::Active { until: token.expires_at }, now)),
            // It ended between the two reads.
            (_, TicketPlace::Unknown) => Err(Error::TokenExpired),
            (_, place) => Ok(self.standing(place, now)),
        }
    }

    /// The standing of a token that has just been made at `position`.
    pub(crate) fn standing_at(&self, token: &Token, position: u64, now: Timestamp) -> Standing {
        let place = match token.status {
            TokenStatus::Waiting => TicketPlace::Waiting { position },
            TokenStatus::Active | TokenStatus::Expired => TicketPlace::Active { until: token.expires_at },
        };
        self.standing(place, now)
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
        if let Some(snapshot) = self.snapshot.write().unwrap_or_else(PoisonError::into_inner).as_mut() {
            snapshot.apply(effects);
        }
    }

    /// Brings the snapshot up to date: in full the first time, then by the rows that changed.
    pub(crate) async fn refresh(&self, pool: &MySqlPool, now: Timestamp) -> Result<(), Error> {
        let _refreshing = self.refreshing.lock().await;
        self.read_changes(pool, now).await
    }

    /// Whether the snapshot may be served without a refresh.
    fn is_fresh(&self) -> bool {
        let at = self.refreshed_at.load(Ordering::Acquire);
        at > 0 && self.millis().saturating_sub(at) < STALE_AFTER.as_millis() as u64
    }

    /// Milliseconds since `begun`, from 1.
    fn millis(&self) -> u64 {
        self.begun.elapsed().as_millis() as u64 + 1
    }

    async fn keep_fresh(&self, pool: &MySqlPool, now: Timestamp) -> Result<(), Error> {
        if self.is_fresh() {
            return Ok(());
        }
        let known = self.look(|_| ()).is_some();
        let _refreshing = match self.refreshing.try_lock() {
            Ok(refreshing) => refreshing,
            // Another poll refreshes it. The old snapshot serves until then: polls must not queue up behind a slow
            // database.
            Err(_) if known => return Ok(()),
            Err(_) => self.refreshing.lock().await,
        };
        if self.is_fresh() {
            return Ok(());
        }
        match self.read_changes(pool, now).await {
            // A position that is some seconds old is better than an error.
            Err(error) if known => tracing::warn!(%error, "the queue's snapshot is out of date"),
            refreshed => refreshed?,
        }
        Ok(())
    }

    async fn read_changes(&self, pool: &MySqlPool, now: Timestamp) -> Result<(), Error> {
        let read_gate = || async { store::read_gate(&fetch_one(pool, &reads::READ_GATE, |params| params).await?) };
        // The first snapshot is not published before it is complete: it still lacks the ACTIVE tickets.
        let mut first = None;
        let seen = match self.look(Snapshot::change_seq) {
            Some(seen) => seen,
            None => {
                let gate = db::read(read_gate).await?;
                let waiting = db::read(|| read_waiting(pool)).await?;
                first = Some(Snapshot::new(&gate, waiting));
                gate.change_seq
            }
        };
        // Invariant: changes, then gate, then ACTIVE tokens. Each is then at least as new as the one before, as
        // `absorb` needs it.
        let changes = db::read(|| read_changed(pool, seen)).await?;
        let gate = db::read(read_gate).await?;
        self.times.note(now, gate.change_seq);
        let active = db::read(|| read_active(pool)).await?;
        let pace = db::read(|| reads::read_pace(pool)).await?;
        let moved = {
            // Locked only now, for memory alone: polls read it all the time.
            let mut snapshot = self.snapshot.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(first) = first {
                *snapshot = Some(first);
            }
            match snapshot.as_mut() {
                Some(snapshot) => {
                    let moved = snapshot.absorb(Refresh { changes, gate, active, pace }, now);
                    self.forget_claimed(snapshot);
                    moved
                }
                None => false,
            }
        };
        self.refreshed_at.store(self.millis(), Ordering::Release);
        if moved {
            self.moved.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    fn place(&self, ticket: u64, now: Timestamp) -> TicketPlace {
        self.look(|snapshot| snapshot.place(ticket, now)).unwrap_or(TicketPlace::Unknown)
    }

    fn standing(&self, place: TicketPlace, now: Timestamp) -> Standing {
        let snapshot = self.snapshot.read().unwrap_or_else(PoisonError::into_inner);
        self.standing_in(snapshot.as_ref(), place, now)
    }

    /// `snapshot` is `None` before the first refresh.
    fn standing_in(&self, snapshot: Option<&Snapshot>, place: TicketPlace, now: Timestamp) -> Standing {
        let (status, queue_position, remaining_seconds, expires_at) = match place {
            TicketPlace::Active { until } => (TokenStatus::Active, 0, seconds_until(until, now), Some(until)),
            TicketPlace::Waiting { position } => {
                let wait = snapshot.map(|snapshot| snapshot.wait_seconds(position, self.active_ttl));
                let wait = wait.unwrap_or_else(|| position.saturating_mul(self.active_ttl.as_secs()));
                (TokenStatus::Waiting, position, wait, None)
            }
            TicketPlace::Unknown => (TokenStatus::Expired, 0, 0, None),
        };
        let poll_after_seconds = match status {
            TokenStatus::Waiting => {
                let waiting = snapshot.map(Snapshot::waiting).unwrap_or_default();
                pause::pause_at(queue_position, waiting, self.max_polls_per_second)
            }
            TokenStatus::Active | TokenStatus::Expired => pause::SHORTEST_PAUSE,
        };
        Standing { status, queue_position, remaining_seconds, expires_at, poll_after_seconds }
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

async fn read_waiting(pool: &MySqlPool) -> Result<RoaringTreemap, sqlx::Error> {
    let mut waiting = RoaringTreemap::new();
    let add = |row: MySqlRow| {
        waiting.insert(row.try_get("ticket")?);
        Ok(())
    };
    fetch_each(pool, &reads::READ_WAITING, |params| params, add).await?;
    Ok(waiting)
}

async fn read_changed(pool: &MySqlPool, seen: u64) -> Result<Vec<TokenChange>, sqlx::Error> {
    let rows = fetch_all(pool, &reads::READ_CHANGES, |params| params.bind("seen", seen)).await?;
    rows.iter()
        .map(|row| {
            Ok(TokenChange {
                ticket: row.try_get("ticket")?,
                status: TokenStatus::from_column(row.try_get("status")?)?,
                change_seq: row.try_get("change_seq")?,
            })
        })
        .collect()
}

async fn read_active(pool: &MySqlPool) -> Result<HashMap<u64, TicketTurn>, sqlx::Error> {
    let rows = fetch_all(pool, &reads::READ_ACTIVE, |params| params).await?;
    let turn = |row: &MySqlRow| {
        let turn = TicketTurn { until: row.try_get("expires_at")?, claimed: row.try_get("claimed")? };
        Ok((row.try_get("ticket")?, turn))
    };
    rows.iter().map(turn).collect()
}
