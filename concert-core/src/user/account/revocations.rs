//! The access tokens that count no more, as a process knows them, so that a call with a token needs no query.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};
use tokio::sync::Mutex;

use super::Revocation;
use crate::clock::Timestamp;
use crate::db;
use crate::error::Error;
use crate::id::{SessionId, UserId};
use crate::sql::{execute, fetch_all, statements};

/// How old the list may be that a session is checked against: what was ended elsewhere is refused here this much later
/// at most. [`BoxOffice::run`](crate::BoxOffice::run) reads it more often.
const MAX_AGE: Duration = Duration::from_secs(2);
/// How many revocations one statement reads.
const PAGE: usize = 10_000;
/// How often what matters no more is dropped.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

statements! {
    READ_NEW {
        "select seq, user_id, session_id, generation, matters_until from revocations \
         where seq > {seen} order by seq limit {limit}"
    }
    RAISE_LIFE {
        "update revocation_gate set longest_life_seconds = {life} where id = 1 and longest_life_seconds < {life}"
    }
}

/// The revocations that matter.
pub(crate) struct Revocations {
    /// The longest life of an access token that this process gives.
    longest_life: Duration,
    /// The time of the box office when the newest reading began, in microseconds; 0: none yet. Calls read it without
    /// writing to memory that all cores share.
    read_at: AtomicI64,
    /// Whether there are any: mostly there are none.
    any: AtomicBool,
    known: RwLock<Known>,
    /// One reading at a time; the failure of the last one, and when that began.
    reading: Mutex<Option<(Instant, Error)>>,
}

#[derive(Default)]
struct Known {
    seen: u64,
    /// Per user: tokens of an earlier generation count no more. And until when that matters.
    generations: HashMap<UserId, (u32, Timestamp)>,
    sessions: HashMap<SessionId, Timestamp>,
    pruned_at: Option<Instant>,
}

impl Known {
    fn add(&mut self, revocation: &Revocation) {
        let Revocation { user, session, generation, matters_until, .. } = *revocation;
        match session {
            Some(session) => {
                self.sessions.insert(session, matters_until);
            }
            None => {
                let (newest, until) = self.generations.entry(user).or_insert((generation, matters_until));
                (*newest, *until) = (generation.max(*newest), matters_until.max(*until));
            }
        }
    }

    fn prune(&mut self, now: Timestamp) {
        if self.pruned_at.is_some_and(|at| at.elapsed() < PRUNE_EVERY) {
            return;
        }
        self.pruned_at = Some(Instant::now());
        self.sessions.retain(|_, until| *until > now);
        self.generations.retain(|_, (_, until)| *until > now);
    }
}

impl Revocations {
    pub(crate) fn new(longest_life: Duration) -> Self {
        Self {
            longest_life,
            read_at: AtomicI64::new(0),
            any: AtomicBool::new(false),
            known: RwLock::default(),
            reading: Mutex::default(),
        }
    }

    /// The generation that tokens of this user must have, as far as this process knows.
    pub(crate) fn generation(&self, user: UserId) -> u32 {
        if !self.any.load(Ordering::Acquire) {
            return 0;
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.generations.get(&user).map_or(0, |(generation, _)| *generation)
    }

    /// Whether a session was ended by itself.
    pub(crate) fn has_ended(&self, session: SessionId) -> bool {
        self.any.load(Ordering::Acquire)
            && self.known.read().unwrap_or_else(PoisonError::into_inner).sessions.contains_key(&session)
    }

    /// Takes over what this process has committed. Reading it again later does no harm.
    pub(crate) fn add(&self, revocations: &[Revocation]) {
        if revocations.is_empty() {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // `seen` stays as it is: others may have committed before, and what they have is still to be read.
        revocations.iter().for_each(|revocation| known.add(revocation));
        self.any.store(true, Ordering::Release);
    }

    /// Reads what is new.
    pub(crate) async fn refresh(&self, pool: &MySqlPool, now: Timestamp) -> Result<(), Error> {
        let mut failed = self.reading.lock().await;
        self.read(pool, now, &mut failed).await
    }

    /// Sees to it that the list is fresh enough for sessions: fails if it cannot be read, since a session that may have
    /// been ended must not count.
    pub(crate) async fn require_fresh(&self, pool: &MySqlPool, now: Timestamp) -> Result<(), Error> {
        if self.is_fresh(now) {
            return Ok(());
        }
        let asked = Instant::now();
        let mut failed = self.reading.lock().await;
        if self.is_fresh(now) {
            return Ok(());
        }
        // A reading that began after this call and failed has failed for this call, too: nobody waits for more than two.
        match &*failed {
            Some((begun, error)) if *begun >= asked => Err(error.clone()),
            _ => Box::pin(self.read(pool, now, &mut failed)).await,
        }
    }

    /// The same for queue tokens, which are a place in the queue first: they go by an older list where the database
    /// does not answer, and nobody waits while another call reads.
    pub(crate) async fn keep_fresh(&self, pool: &MySqlPool, now: Timestamp) {
        if self.is_fresh(now) {
            return;
        }
        if let Ok(mut failed) = self.reading.try_lock()
            && !self.is_fresh(now)
            && failed.as_ref().is_none_or(|(begun, _)| begun.elapsed() >= MAX_AGE)
            && let Err(error) = Box::pin(self.read(pool, now, &mut failed)).await
        {
            tracing::warn!(%error, "the list of ended sessions is out of date");
        }
    }

    /// A clock that was set back makes it old at once.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let age = now.timestamp_micros() - self.read_at.load(Ordering::Acquire);
        (0..MAX_AGE.as_micros() as i64).contains(&age)
    }

    async fn read(&self, pool: &MySqlPool, now: Timestamp, failed: &mut Option<(Instant, Error)>) -> Result<(), Error> {
        let begun = Instant::now();
        let done = self.read_new(pool, now).await;
        *failed = done.as_ref().err().map(|error| (begun, error.clone()));
        if done.is_ok() {
            // The time at which it began: what was committed after that may be missing.
            self.read_at.store(now.timestamp_micros(), Ordering::Release);
        }
        done
    }

    async fn read_new(&self, pool: &MySqlPool, now: Timestamp) -> Result<(), Error> {
        if self.read_at.load(Ordering::Acquire) == 0 {
            self.record_life(pool).await?;
        }
        loop {
            let seen = self.known.read().unwrap_or_else(PoisonError::into_inner).seen;
            let new = db::read(|| read_page(pool, seen)).await?;
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            for revocation in new.iter().filter(|revocation| revocation.matters_until > now) {
                known.add(revocation);
            }
            known.seen = new.last().map_or(known.seen, |newest| newest.seq.max(known.seen));
            known.prune(now);
            self.any.store(!(known.sessions.is_empty() && known.generations.is_empty()), Ordering::Release);
            if new.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Whoever ends sessions must know how long this process's access tokens last.
    async fn record_life(&self, pool: &MySqlPool) -> Result<(), Error> {
        let life = u32::try_from(self.longest_life.as_secs()).unwrap_or(u32::MAX);
        let raised = execute(pool, &RAISE_LIFE, |params| params.bind("life", life).bind("life", life)).await;
        raised.map(drop).map_err(db::to_error)
    }
}

async fn read_page(pool: &MySqlPool, seen: u64) -> Result<Vec<Revocation>, sqlx::Error> {
    let rows = fetch_all(pool, &READ_NEW, |params| params.bind("seen", seen).bind("limit", PAGE)).await?;
    rows.iter().map(read_revocation).collect()
}

fn read_revocation(row: &MySqlRow) -> Result<Revocation, sqlx::Error> {
    Ok(Revocation {
        seq: row.try_get("seq")?,
        user: row.try_get("user_id")?,
        session: row.try_get("session_id")?,
        generation: row.try_get("generation")?,
        matters_until: row.try_get("matters_until")?,
    })
}
