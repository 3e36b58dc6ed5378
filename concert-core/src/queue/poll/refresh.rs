//! Bringing the snapshot up to date.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use roaring::RoaringTreemap;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::QueueView;
use crate::clock::Timestamp;
use crate::db;
use crate::error::Error;
use crate::queue::snapshot::{Refresh, Snapshot, TicketTurn, TokenChange};
use crate::queue::{TokenStatus, reads, store};
use crate::sql::{fetch_all, fetch_each, fetch_one};

/// A poll refreshes a snapshot that is older than this: for applications that do not run the passes.
const STALE_AFTER: Duration = Duration::from_secs(2);

impl QueueView {
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

    pub(super) async fn keep_fresh(&self, pool: &MySqlPool, now: Timestamp) -> Result<(), Error> {
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
            refreshed => {
                refreshed?;
                self.exchange_seen_if_due(pool, now).await;
            }
        }
        Ok(())
    }

    async fn read_changes(&self, pool: &MySqlPool, now: Timestamp) -> Result<(), Error> {
        self.change(Snapshot::begin_reading);
        let read_gate = || async { store::read_gate(&fetch_one(pool, &reads::READ_GATE, |params| params).await?) };
        // The first snapshot is not published before it is complete: it still lacks the ACTIVE tickets.
        let mut first = None;
        let seen = match self.look(Snapshot::change_seq) {
            Some(seen) => seen,
            None => {
                let gate = db::read(read_gate).await?;
                let waiting = db::read(|| read_waiting(pool)).await?;
                self.presence.watch_from(gate.next_ticket);
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
        let (user, until) = (row.try_get("user_id")?, row.try_get("expires_at")?);
        Ok((row.try_get("ticket")?, TicketTurn { user, until, claimed: row.try_get("claimed")? }))
    };
    rows.iter().map(turn).collect()
}
