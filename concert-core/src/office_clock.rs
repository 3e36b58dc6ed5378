//! One clock for all processes: the database's.
//!
//! Each process measures how far the database's clock is from its own, as NTP does (Mills, RFC 5905): of the last readings,
//! the one with the shortest round trip is the most exact. Between two readings it counts on by the monotonic clock, so
//! that a system clock that is set changes nothing. No act waits for a reading but the first, and one after a pause.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta};
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use crate::clock::{Clock, Timestamp};
use crate::db::{self, Failure, within};
use crate::error::Error;
use crate::id::SaleId;
use crate::sql::{Script, fetch_one, statements};

/// How often a process that makes the passes reads the database's clock.
pub(crate) const READ_EVERY: Duration = Duration::from_secs(2);
/// A reading is good for so long: by then the two clocks may have drifted apart by a millisecond.
const FRESH_FOR: Duration = Duration::from_secs(10);
/// How many readings are kept, and how many are made one after the other at the start.
const KEPT: usize = 8;
const AT_THE_START: usize = 5;
/// By how much two clocks drift apart in a second, at most, in millionths: quartz is better.
const DRIFT: i64 = 100;
/// Two readings that differ by more than this and their errors: a clock was set.
const JUMP: i64 = 100_000;
/// A clock that is ahead by no more than this stands still until it is right. One that is further ahead is set back.
const LONGEST_STANDSTILL: i64 = 1_000_000;
/// How far another process may have written ahead of this process's node.
const MOST_BEHIND: i64 = 1_000_000;
/// How long a readiness check waits for a reading.
const PATIENCE: Duration = Duration::from_millis(500);

statements! {
    READ_CLOCK { "select utc_timestamp(6) as told" }
    /// Also the newest moments that any process has written, by the clock of its node.
    READ_CLOCK_AND_GATE {
        "select utc_timestamp(6) as told, last_rerank_at, last_sweep_at from queue_gate where sale_id = {default_sale}"
    }
}

/// The clock of a box office: the one that was given, or the database's where that one follows it.
pub(crate) struct OfficeClock {
    given: Arc<dyn Clock>,
    database: Option<DatabaseTime>,
}

/// The database's time, in microseconds.
struct DatabaseTime {
    begun: Instant,
    /// What the database's clock showed at `begun`. Readers load it first.
    at_begin: AtomicI64,
    /// The time never goes back behind this.
    floor: AtomicI64,
    /// When it was read last, and when that was tried, in microseconds since `begun`; 0: never.
    read_at: AtomicU64,
    tried_at: AtomicU64,
    /// How far others have written ahead of this node.
    behind: AtomicI64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    readings: VecDeque<Reading>,
    /// How far the database is ahead of the system's clock, by the last reading.
    offset: Option<i64>,
}

/// One reading of the database's clock.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// What the database's clock showed at `begun`.
    at_begin: i64,
    round_trip: i64,
    /// Since `begun`.
    taken_at: i64,
}

impl Reading {
    /// By how much it may be wrong at `now`.
    const fn error(&self, now: i64) -> i64 {
        self.round_trip / 2 + (now - self.taken_at) * DRIFT / 1_000_000
    }
}

impl Clock for OfficeClock {
    fn now(&self) -> Timestamp {
        let told = self.database.as_ref().and_then(|time| time.now(Instant::now()));
        told.unwrap_or_else(|| self.given.now())
    }
}

impl OfficeClock {
    pub(crate) fn new(given: Arc<dyn Clock>) -> Self {
        let database = given.follows_database().then(DatabaseTime::new);
        Self { given, database }
    }

    /// Reads the database's clock a few times.
    pub(crate) async fn read_at_start(&self, connection: &mut MySqlConnection) -> Result<(), Failure> {
        for _ in 0..AT_THE_START {
            self.read_on(connection).await?;
        }
        Ok(())
    }

    /// Reads the database's clock, unless it was read lately.
    pub(crate) async fn keep_fresh(&self, connection: &mut MySqlConnection) -> Result<(), Failure> {
        match &self.database {
            Some(time) if time.is_stale(Instant::now()) => self.read_on(connection).await,
            _ => Ok(()),
        }
    }

    async fn read_on(&self, connection: &mut MySqlConnection) -> Result<(), Failure> {
        let Some(time) = &self.database else { return Ok(()) };
        let mut script = Script::default();
        let told = script.select(&READ_CLOCK, |params| params);
        let sent = Instant::now();
        let answer = script.run(connection).await?;
        time.take_over(sent, Instant::now(), answer.one(&told)?.try_get("told")?, &*self.given);
        Ok(())
    }

    /// Reads the database's clock and what others have written by theirs.
    pub(crate) async fn read(&self, pool: &MySqlPool) -> Result<(), Error> {
        let Some(time) = &self.database else { return Ok(()) };
        time.note_try();
        let (sent, row) = db::read(|| async {
            let sent = Instant::now();
            fetch_one(pool, &READ_CLOCK_AND_GATE, |params| params.bind("default_sale", SaleId::DEFAULT))
                .await
                .map(|row| (sent, row))
        })
        .await?;
        let received = Instant::now();
        let (told, written) = read_row(&row).map_err(db::to_error)?;
        time.take_over(sent, received, told, &*self.given);
        time.note_others(told, written);
        Ok(())
    }

    /// The time, and whether a reading is due that nobody makes: its caller is the only one who is told so for a second.
    pub(crate) fn look(&self) -> (Timestamp, bool) {
        let Some(time) = &self.database else { return (self.given.now(), false) };
        let at = Instant::now();
        (time.now(at).unwrap_or_else(|| self.given.now()), time.should_read(at))
    }

    /// Succeeds if the time is that of the database, and that of other nodes.
    pub(crate) async fn check(&self, pool: &MySqlPool) -> Result<(), Error> {
        let Some(time) = &self.database else { return Ok(()) };
        if time.is_stale(Instant::now()) {
            let read = async { self.read(pool).await.map_err(|error| sqlx::Error::Protocol(error.to_string())) };
            within(PATIENCE, read).await.map_err(db::to_error)?;
        }
        let behind = time.behind.load(Ordering::Relaxed);
        if behind > MOST_BEHIND {
            let text = format!(
                "the clock of this server's database node is {:.1} s behind another's: nodes need NTP",
                seconds(behind)
            );
            // As if the database were away: with a time of its own, this process would end holds and turns of others
            // too late.
            return Err(Failure::Lost(sqlx::Error::Protocol(text)).into_error());
        }
        Ok(())
    }
}

fn read_row(row: &MySqlRow) -> Result<(Timestamp, Option<Timestamp>), sqlx::Error> {
    let written: [Option<Timestamp>; 2] = [row.try_get("last_rerank_at")?, row.try_get("last_sweep_at")?];
    Ok((row.try_get("told")?, written.into_iter().flatten().max()))
}

impl DatabaseTime {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            at_begin: AtomicI64::new(0),
            floor: AtomicI64::new(i64::MIN),
            read_at: AtomicU64::new(0),
            tried_at: AtomicU64::new(0),
            behind: AtomicI64::new(0),
            state: Mutex::default(),
        }
    }

    /// `None` before the first reading.
    fn now(&self, at: Instant) -> Option<Timestamp> {
        match self.read_at.load(Ordering::Acquire) {
            0 => None,
            _ => DateTime::from_timestamp_micros(self.micros_at(at)),
        }
    }

    fn micros_at(&self, at: Instant) -> i64 {
        // In this order: whoever sees that the clock was set back also sees the floor.
        let at_begin = self.at_begin.load(Ordering::Acquire);
        (at_begin + self.since(at)).max(self.floor.load(Ordering::Relaxed))
    }

    fn since(&self, at: Instant) -> i64 {
        at.saturating_duration_since(self.begun).as_micros() as i64
    }

    fn age(&self, of: &AtomicU64, at: Instant) -> Option<Duration> {
        match of.load(Ordering::Acquire) {
            0 => None,
            then => Some(Duration::from_micros((self.since(at) as u64).saturating_sub(then))),
        }
    }

    fn is_stale(&self, at: Instant) -> bool {
        self.age(&self.read_at, at).is_none_or(|age| age > FRESH_FOR)
    }

    fn should_read(&self, at: Instant) -> bool {
        self.is_stale(at) && self.age(&self.tried_at, at).is_none_or(|age| age > Duration::from_secs(1)) && {
            self.note_try();
            true
        }
    }

    fn note_try(&self) {
        self.tried_at.store(self.since(Instant::now()).max(1) as u64, Ordering::Release);
    }

    /// Takes over a reading: the database answered `told` between `sent` and `received`.
    fn take_over(&self, sent: Instant, received: Instant, told: Timestamp, system: &dyn Clock) {
        let (sent, received) = (self.since(sent), self.since(received));
        let reading = Reading {
            // As if the clock was read halfway: that is wrong by half the round trip at most.
            at_begin: told.timestamp_micros() - i64::midpoint(sent, received),
            round_trip: received - sent,
            taken_at: received,
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.add(reading);
        let best = state.best(received);
        // `at_begin` is 0 then, which is no time to compare with.
        let is_first = self.read_at.load(Ordering::Acquire) == 0;
        self.set(best.at_begin, is_first);
        // Last, and never 0: from now on readers take the database's time.
        self.read_at.store(received.max(1) as u64, Ordering::Release);
        let offset = self.micros_at(Instant::now()) - system.now().timestamp_micros();
        // Between two readings clocks drift apart by far less, so one of them was set.
        if let Some(before) = state.offset.replace(offset)
            && (offset - before).abs() > JUMP
        {
            tracing::warn!(
                "the database's clock or this machine's was set: they were {:.3} s apart and are {:.3} s now",
                seconds(before),
                seconds(offset)
            );
        }
        metrics::gauge!("concert_clock_offset_seconds").set(seconds(offset));
        metrics::gauge!("concert_clock_error_seconds").set(seconds(best.error(received)));
    }

    /// Sets the clock: forward at once, back by standing still, and far back at once.
    fn set(&self, at_begin: i64, is_first: bool) {
        let back = self.at_begin.load(Ordering::Acquire) - at_begin;
        if is_first || back <= 0 || back > LONGEST_STANDSTILL {
            if back > 0 {
                // Or the old floor would hold the clock up where it was wrong.
                self.floor.store(i64::MIN, Ordering::Relaxed);
            }
        } else {
            // Before `at_begin`: readers load that first, so none of them can see the time go back.
            self.floor.store(self.micros_at(Instant::now()), Ordering::Relaxed);
        }
        self.at_begin.store(at_begin, Ordering::Release);
    }

    fn note_others(&self, told: Timestamp, written: Option<Timestamp>) {
        let behind = written.map_or(TimeDelta::zero(), |written| written - told);
        // Mostly others have written in the past, which says nothing.
        let behind = behind.num_microseconds().unwrap_or(i64::MAX).max(0);
        self.behind.store(behind, Ordering::Relaxed);
        metrics::gauge!("concert_clock_behind_seconds").set(seconds(behind));
    }
}

impl State {
    fn add(&mut self, reading: Reading) {
        let now = reading.taken_at;
        let is_at_odds =
            |other: &Reading| (other.at_begin - reading.at_begin).abs() > JUMP + other.error(now) + reading.error(now);
        // A clock was set: what was read before says nothing about it.
        if self.readings.iter().any(is_at_odds) {
            self.readings.clear();
        }
        if self.readings.len() == KEPT {
            self.readings.pop_front();
        }
        self.readings.push_back(reading);
    }

    /// The most exact reading.
    fn best(&self, now: i64) -> Reading {
        let best = self.readings.iter().min_by_key(|reading| reading.error(now));
        // There always is one: whoever asks has just added it.
        best.copied().unwrap_or(Reading { at_begin: 0, round_trip: 0, taken_at: now })
    }
}

fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests;
