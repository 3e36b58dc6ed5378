//! Bringing snapshots up to date.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use hashbrown::HashMap;
use roaring::RoaringTreemap;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::QueueView;
use crate::clock::Timestamp;
use crate::db;
use crate::error::Error;
use crate::id::SaleId;
use crate::queue::draw::Places;
use crate::queue::front::{FrontPlace, READ_FRONT, READ_NEW_IN_FRONT};
use crate::queue::line::DrawnLines;
use crate::queue::rows::Gate;
use crate::queue::snapshot::{Refresh, Snapshot, TicketTurn, TokenChange};
use crate::queue::views::read_gates_of;
use crate::queue::{TokenStatus, reads};
use crate::sql::{Part, fetch_all, fetch_each, statements};

/// A poll refreshes a snapshot that is older than this: for applications that do not run the passes.
const STALE_AFTER: Duration = Duration::from_secs(2);

statements! {
    READ_WAITING { "select ticket from tokens where sale_id = {sale} and status = 'WAITING'" }
    READ_CHANGES {
        "select sale_id, ticket, status, change_seq from tokens force index (tokens_change_seq) where {each}",
        each Part { text: "(sale_id = {sale} and change_seq > {seen})", between: " or " }
    }
    READ_ACTIVE {
        "select sale_id, ticket, user_id, expires_at, claimed_at is not null as claimed \
         from tokens force index (tokens_status_ticket) where sale_id in ({sales}) and status = 'ACTIVE'"
    }
}

impl QueueView {
    /// Brings the snapshot up to date.
    pub(crate) async fn refresh(&self, pool: &MySqlPool, now: Timestamp) -> Result<(), Error> {
        let _refreshing = self.refreshing.lock().await;
        read_changes(pool, &[self], now).await
    }

    /// Makes the snapshot as new as `change_seq`. Of many who ask at once, one refreshes it for all.
    pub(super) async fn catch_up(&self, pool: &MySqlPool, change_seq: u64, now: Timestamp) -> Result<(), Error> {
        let is_behind = || self.look(Snapshot::change_seq).is_none_or(|seen| seen < change_seq);
        if !is_behind() {
            return Ok(());
        }
        let _refreshing = self.refreshing.lock().await;
        if is_behind() { read_changes(pool, &[self], now).await } else { Ok(()) }
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

    /// Refreshes a snapshot that is too old. Without an error there is one, unless there is no such sale.
    pub(crate) async fn keep_fresh(&self, pool: &MySqlPool, now: Timestamp) -> Result<(), Error> {
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
        // Whoever had the lock before may have refreshed it.
        if self.is_fresh() {
            return Ok(());
        }
        match Box::pin(read_changes(pool, &[self], now)).await {
            // A position that is some seconds old is better than an error.
            Err(error) if known => tracing::warn!(%error, "the queue's snapshot is out of date"),
            refreshed => {
                refreshed?;
                Box::pin(self.exchange_seen_if_due(pool, now)).await;
            }
        }
        Ok(())
    }

    /// Whether the gate shows that the snapshot lacks something. Ends of turns move without a trace in the gate, so who is
    /// ACTIVE is read all the time.
    pub(in crate::queue) fn is_behind(&self, gate: &Gate) -> bool {
        let lacks =
            |snapshot: &Snapshot| snapshot.change_seq() != gate.change_seq || gate.active > 0 || snapshot.has_active();
        self.look(lacks).unwrap_or(true)
    }

    /// The gate has been read, and the snapshot is as of that.
    pub(in crate::queue) fn note_unmoved(&self, gate: &Gate, now: Timestamp) {
        // Only where what happened lately is limited does it matter that nothing did.
        if gate.admission.per_minute.is_some() {
            self.times.note(now, gate.change_seq);
        }
        // What this process has committed is in the snapshot already, but its followers have not heard of it.
        if self.look(|snapshot| snapshot.is_settled(now)) == Some(false) {
            let mut moved = false;
            self.change(|snapshot| moved = snapshot.settle(now));
            if moved {
                self.signal();
            }
        }
        self.refreshed_at.store(self.millis(), Ordering::Release);
    }

    /// The lines in the order of a draw that the snapshot does not know yet; `first`: the snapshot, where there is none yet.
    async fn drawn_lines(&self, gate: &Gate, first: Option<&Snapshot>) -> Option<DrawnLines> {
        let draw = gate.draw.as_ref().filter(|draw| !draw.is_pending())?.shown();
        let (key, count) = (draw.key()?, draw.count?);
        let lines = |snapshot: &Snapshot| snapshot.places().is_none().then(|| snapshot.lines());
        let [waiting, seen] = first.map_or_else(|| self.look(lines).flatten(), lines)?;
        // Some 100 ms for a million.
        let made = tokio::task::spawn_blocking(move || {
            DrawnLines::new(waiting, seen, &Arc::new(Places::of_draw(&key, count)))
        });
        made.await.ok()
    }

    fn absorb(&self, first: Option<Snapshot>, read: Refresh, now: Timestamp) {
        let moved = {
            // Locked only now, for memory alone: polls read it all the time.
            let mut snapshot = self.snapshot.write().unwrap_or_else(PoisonError::into_inner);
            // Replaced whole: whoever reads sees no half of it.
            if let Some(first) = first {
                *snapshot = Some(first);
            }
            match snapshot.as_mut() {
                Some(snapshot) => {
                    let moved = snapshot.absorb(read, now);
                    self.forget_claimed(snapshot);
                    moved
                }
                None => false,
            }
        };
        self.refreshed_at.store(self.millis(), Ordering::Release);
        if moved {
            self.signal();
        }
    }

    fn signal(&self) {
        self.moved.send_modify(|count| *count += 1);
    }
}

/// Brings the snapshots of `views` up to date: in full the first time, then by the rows that changed. The caller has
/// locked each for that.
pub(in crate::queue) async fn read_changes(
    pool: &MySqlPool,
    views: &[&QueueView],
    now: Timestamp,
) -> Result<(), Error> {
    views.iter().for_each(|view| view.change(Snapshot::begin_reading));
    // First snapshots are not published before they are complete: they still lack the ACTIVE tickets.
    let mut first = read_first(pool, views).await?;
    let seen_by =
        |view: &QueueView| view.look(Snapshot::change_seq).or(first.get(&view.sale).map(Snapshot::change_seq));
    let seen: Vec<_> = views.iter().filter_map(|view| Some((view.sale, seen_by(view)?))).collect();
    let sales: Vec<_> = seen.iter().map(|(sale, _)| *sale).collect();
    if sales.is_empty() {
        return Ok(());
    }
    // Invariant: changes, then gates, then ACTIVE tokens. Each is then at least as new as the one before, as `absorb`
    // needs it.
    let mut changes = db::read(|| read_changed(pool, &seen)).await?;
    let gates = db::read(|| read_gates_of(pool, &sales)).await?;
    for gate in &gates {
        if let Some(view) = views.iter().find(|view| view.sale == gate.sale) {
            view.times.note(now, gate.change_seq);
        }
    }
    // After the changes, so that nobody who joined with a place in front waits without it.
    let in_use = gates.iter().filter(|gate| gate.redeemed > 0).map(|gate| gate.sale);
    let in_use: Vec<_> = in_use.filter_map(|sale| seen.iter().find(|(of, _)| *of == sale).copied()).collect();
    let mut in_front = db::read(|| read_new_in_front(pool, &in_use)).await?;
    let mut active = db::read(|| read_active(pool, &sales)).await?;
    let mut paces = db::read(|| reads::read_paces(pool, &sales)).await?;
    for gate in gates {
        let sale = gate.sale;
        let Some(view) = views.iter().find(|view| view.sale == sale) else { continue };
        let (changes, active) = (changes.remove(&sale).unwrap_or_default(), active.remove(&sale).unwrap_or_default());
        let (first, in_front) = (first.remove(&sale), in_front.remove(&sale).unwrap_or_default());
        let drawn = view.drawn_lines(&gate, first.as_ref()).await;
        let read = Refresh { changes, in_front, gate, active, pace: paces.remove(&sale), drawn };
        view.absorb(first, read, now);
    }
    Ok(())
}

/// What the views that have no snapshot begin with.
async fn read_first(pool: &MySqlPool, views: &[&QueueView]) -> Result<HashMap<SaleId, Snapshot>, Error> {
    let new: Vec<_> = views.iter().filter(|view| view.look(|_| ()).is_none()).copied().collect();
    let mut first = HashMap::new();
    if new.is_empty() {
        return Ok(first);
    }
    let sales: Vec<_> = new.iter().map(|view| view.sale).collect();
    for gate in db::read(|| read_gates_of(pool, &sales)).await? {
        let waiting = db::read(|| read_waiting(pool, gate.sale)).await?;
        if let Some(view) = new.iter().find(|view| view.sale == gate.sale) {
            view.presence.watch_from(gate.next_ticket);
        }
        let in_front = if gate.redeemed > 0 { db::read(|| read_front(pool, gate.sale)).await? } else { Vec::new() };
        first.insert(gate.sale, Snapshot::new(&gate, waiting, in_front));
    }
    Ok(first)
}

async fn read_waiting(pool: &MySqlPool, sale: SaleId) -> Result<RoaringTreemap, sqlx::Error> {
    let mut waiting = RoaringTreemap::new();
    let add = |row: MySqlRow| {
        waiting.insert(row.try_get("ticket")?);
        Ok(())
    };
    fetch_each(pool, &READ_WAITING, |params| params.bind("sale", sale), add).await?;
    Ok(waiting)
}

async fn read_front(pool: &MySqlPool, sale: SaleId) -> Result<Vec<(u64, FrontPlace)>, sqlx::Error> {
    let rows = fetch_all(pool, &READ_FRONT, |params| params.bind("sale", sale)).await?;
    rows.iter().map(|row| Ok((row.try_get("ticket")?, FrontPlace::read(row)?))).collect()
}

/// The places in front that were given since then.
async fn read_new_in_front(
    pool: &MySqlPool,
    seen: &[(SaleId, u64)],
) -> Result<HashMap<SaleId, Vec<(u64, FrontPlace)>>, sqlx::Error> {
    let mut in_front: HashMap<_, Vec<_>> = HashMap::new();
    if seen.is_empty() {
        return Ok(in_front);
    }
    let rows = fetch_all(pool, &READ_NEW_IN_FRONT, |params| {
        params.each(seen, |part, (sale, seen)| part.bind("sale", *sale).bind("seen", *seen))
    });
    for row in rows.await? {
        let place = (row.try_get("ticket")?, FrontPlace::read(&row)?);
        in_front.entry(row.try_get("sale_id")?).or_default().push(place);
    }
    Ok(in_front)
}

async fn read_changed(
    pool: &MySqlPool,
    seen: &[(SaleId, u64)],
) -> Result<HashMap<SaleId, Vec<TokenChange>>, sqlx::Error> {
    let rows = fetch_all(pool, &READ_CHANGES, |params| {
        params.each(seen, |part, (sale, seen)| part.bind("sale", *sale).bind("seen", *seen))
    });
    let mut changes: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows.await? {
        changes.entry(row.try_get("sale_id")?).or_default().push(TokenChange {
            ticket: row.try_get("ticket")?,
            status: TokenStatus::from_column(row.try_get("status")?)?,
            change_seq: row.try_get("change_seq")?,
        });
    }
    Ok(changes)
}

async fn read_active(
    pool: &MySqlPool,
    sales: &[SaleId],
) -> Result<HashMap<SaleId, HashMap<u64, TicketTurn>>, sqlx::Error> {
    let mut active: HashMap<_, HashMap<_, _>> = HashMap::new();
    for row in fetch_all(pool, &READ_ACTIVE, |params| params.list("sales", sales)).await? {
        let turn = TicketTurn {
            user: row.try_get("user_id")?,
            until: row.try_get("expires_at")?,
            claimed: row.try_get("claimed")?,
        };
        active.entry(row.try_get("sale_id")?).or_default().insert(row.try_get("ticket")?, turn);
    }
    Ok(active)
}
