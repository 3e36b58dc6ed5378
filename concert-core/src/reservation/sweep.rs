//! The sweep releases lapsed holds. It only tidies up, since a lapsed hold already counts as free.
//!
//! One index has the deadlines of all holds ever made. A deadline passes once, so a pass continues where the last one
//! ended.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, MySqlPool, Row as _};
use uuid::Uuid;

use super::rows::Effects;
use super::{HoldState, ReservationStatus, Seat, SeatChanges, SeatKey, lock_seats, read_seats, store};
use crate::batch::{Attempt, Batch, Decision};
use crate::clock::{Timestamp, span};
use crate::db::Failure;
use crate::id::ReservationId;
use crate::sql::{Script, fetch_one, statements};

/// The most holds that one batch releases: few enough that buyers hardly wait for its locks.
const MOST_RELEASED: usize = 64;
/// How many deadlines are looked at together; those of paid seats are among them.
const PAGE_SIZE: usize = 64;
/// The most pages that one batch looks at.
const MOST_PAGES: usize = 16;
/// How late a hold may be committed, by its own clock: an attempt takes some seconds, which the database's limits
/// ensure, and clocks of servers differ by seconds. A hold that comes later counts as free once it lapses, and stays
/// unswept until its seat is taken.
const LATE: Duration = Duration::from_secs(60);

statements! {
    /// From where the last pass ended.
    PAGE {
        "select r.id, r.concert_id, r.seat_number, r.status, r.expires_at from sweep_state w \
         straight_join reservations r force index (reservations_expires_at) on r.expires_at >= w.swept_until \
         where w.id = 1 and r.expires_at <= {now} order by r.expires_at, r.id limit {limit}"
    }
    /// Two ranges, so that the index finds the start. Many holds may share one deadline, and a filter on the id would
    /// read all of them again for each page.
    NEXT_PAGE {
        "select r.id, r.concert_id, r.seat_number, r.status, r.expires_at \
         from reservations r force index (reservations_expires_at) where (r.expires_at = {deadline} and r.id > {id}) \
         or (r.expires_at > {deadline} and r.expires_at <= {now}) order by r.expires_at, r.id limit {limit}"
    }
    ADVANCE { "update sweep_state set swept_until = {until} where id = 1" }
    COUNT_HELD {
        "select count(*) from reservations force index (reservations_expires_at) \
         where expires_at > {now} and status = 'HELD'"
    }
    COUNT_LAPSED {
        "select count(*) from sweep_state w \
         straight_join reservations r force index (reservations_expires_at) on r.expires_at >= w.swept_until \
         where w.id = 1 and r.expires_at <= {now} and r.status = 'HELD'"
    }
}

/// A hold's position in the order of deadlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline {
    deadline: Timestamp,
    id: ReservationId,
}

/// Releases some lapsed holds: those after a position or, without one, from where the last pass ended.
#[derive(Debug)]
pub(crate) struct SweepFrom(pub(crate) Option<Deadline>);

#[derive(Debug)]
pub(crate) struct Swept {
    pub(crate) released: u64,
    /// Where to go on; `None`: there are no more.
    pub(crate) next: Option<Deadline>,
}

/// The lane's batch.
pub(crate) struct SweepBatch {
    pub(crate) changes: Arc<SeatChanges>,
}

pub(crate) struct Lapsed {
    holds: Vec<(ReservationId, SeatKey)>,
    seats: HashMap<SeatKey, Seat>,
    next: Option<Deadline>,
}

pub(crate) struct SweepEffects {
    holds: Effects,
    swept_until: Timestamp,
}

impl Batch for SweepBatch {
    const NAME: &'static str = "sweep";
    type Command = SweepFrom;
    type Answer = Swept;
    type Rows = Lapsed;
    type Effects = SweepEffects;

    fn key(_: &SweepFrom) -> Uuid {
        Uuid::nil()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[SweepFrom],
        attempt: &Attempt,
    ) -> Result<Lapsed, Failure> {
        // Sweeps that run together begin at the earliest position, so that nothing is left out.
        // `None`, where the last pass ended, is before any position.
        let from = commands.iter().map(|SweepFrom(from)| *from).min();
        let (mut next, mut holds) = (from.flatten(), Vec::new());
        for _ in 0..MOST_PAGES {
            next = look(connection, next, attempt.now, &mut holds).await?;
            if next.is_none() || holds.len() == MOST_RELEASED {
                break;
            }
        }
        let mut script = Script::default();
        let seats = lock_seats(&mut script, holds.iter().map(|(_, key)| *key));
        let selected = script.run(connection).await?;
        Ok(Lapsed { holds, seats: read_seats(&selected, &seats)?, next })
    }

    fn decide(&self, rows: Lapsed, commands: &[SweepFrom], attempt: &Attempt) -> Decision<Self> {
        let Lapsed { holds, mut seats, next } = rows;
        let mut effects = Effects::default();
        for (id, key) in holds {
            let Some(seat) = seats.get_mut(&key) else { continue };
            // It may have been paid, given back or taken over since it was read.
            if seat.hold_state(id, attempt.now) == HoldState::Lapsed && effects.pass(key, seat, None, None).is_ok() {
                effects.closed.push((id, ReservationStatus::Expired));
            }
        }
        let released = effects.closed.len() as u64;
        let swept_until = next.map_or(attempt.now - span(LATE), |place| place.deadline);
        Decision {
            answers: commands.iter().map(|_| Ok(Swept { released, next })).collect(),
            effects: SweepEffects { holds: effects, swept_until },
        }
    }

    fn write(&self, script: &mut Script, effects: &SweepEffects, attempt: &Attempt) {
        store::write(script, &effects.holds, attempt.now);
        // Last, so that nobody waits for a seat while holding this row. Any number of rows: it may have this value
        // already.
        script.change("advancing the sweep", None, &ADVANCE, |params| params.bind("until", effects.swept_until));
    }

    fn committed(&self, effects: SweepEffects) {
        effects.holds.seats.keys().for_each(|key| self.changes.note(key.concert));
        effects.holds.count_unpaid_ends();
    }
}

/// Reads a page of deadlines, adds the holds among them, and returns where it ended; `None`: at the last one.
async fn look(
    connection: &mut MySqlConnection,
    from: Option<Deadline>,
    now: Timestamp,
    holds: &mut Vec<(ReservationId, SeatKey)>,
) -> Result<Option<Deadline>, Failure> {
    let mut script = Script::default();
    let page = match from {
        None => script.select(&PAGE, |params| params.bind("now", now).bind("limit", PAGE_SIZE)),
        Some(Deadline { deadline, id }) => script.select(&NEXT_PAGE, |params| {
            let params = params.bind("deadline", deadline).bind("id", id).bind("deadline", deadline);
            params.bind("now", now).bind("limit", PAGE_SIZE)
        }),
    };
    let selected = script.run(connection).await?;
    for (index, row) in selected.rows(&page).enumerate() {
        let place = Deadline { deadline: row.try_get("expires_at")?, id: row.try_get("id")? };
        if row.try_get::<&str, _>("status")? == ReservationStatus::Held.as_str() {
            holds.push((place.id, SeatKey { concert: row.try_get("concert_id")?, seat: row.try_get("seat_number")? }));
        }
        if holds.len() == MOST_RELEASED || index + 1 == PAGE_SIZE {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// How many lapsed holds there are.
pub(crate) async fn lapsed_holds(pool: &MySqlPool, now: Timestamp) -> Result<u64, sqlx::Error> {
    count(fetch_one(pool, &COUNT_LAPSED, |params| params.bind("now", now)).await?)
}

/// How many seats are held unpaid.
pub(crate) async fn holds(pool: &MySqlPool, now: Timestamp) -> Result<u64, sqlx::Error> {
    count(fetch_one(pool, &COUNT_HELD, |params| params.bind("now", now)).await?)
}

fn count(row: MySqlRow) -> Result<u64, sqlx::Error> {
    row.try_get::<i64, _>(0).map(|count| count.max(0) as u64)
}
