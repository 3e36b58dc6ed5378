//! The sweep: lapsed holds give their seats back. It only tidies up, since a lapsed hold counts for nobody anyway.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, MySqlPool, Row as _};
use uuid::Uuid;

use super::rows::Effects;
use super::{ReservationStatus, Seat, SeatChanges, SeatKey, lock_seats, read_seats, store};
use crate::batch::{Attempt, Batch, Decision, Failure};
use crate::clock::Timestamp;
use crate::id::ReservationId;
use crate::sql::Script;

/// The most holds that one batch releases: few enough that buyers hardly wait for its locks.
pub(crate) const SWEEP_LIMIT: usize = 128;

pub(super) const LAPSED: &str = "select reservation_id as id, concert_id, seat_number from seats force index (seats_state) \
     where is_reserved = 1 and reserved_until <= ? order by reserved_until limit ?";
pub(super) const COUNT_HELD: &str =
    "select count(*) from seats force index (seats_state) where is_reserved = 1 and reserved_until > ?";
pub(super) const COUNT_LAPSED: &str =
    "select count(*) from seats force index (seats_state) where is_reserved = 1 and reserved_until <= ?";

/// Releases up to `SWEEP_LIMIT` holds and answers how many.
pub(crate) struct SweepBatch {
    pub(crate) changes: Arc<SeatChanges>,
}

pub(crate) struct Lapsed {
    holds: Vec<(ReservationId, SeatKey)>,
    seats: HashMap<SeatKey, Seat>,
}

impl Batch for SweepBatch {
    const NAME: &'static str = "sweep";
    type Command = ();
    type Answer = u64;
    type Rows = Lapsed;
    type Effects = Effects;

    fn key((): &()) -> Uuid {
        Uuid::nil()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        _commands: &[()],
        attempt: &Attempt,
    ) -> Result<Lapsed, Failure> {
        let mut script = Script::default();
        let lapsed = script.select(LAPSED, |blanks| blanks.put(attempt.now).put(SWEEP_LIMIT));
        let selected = script.run(connection).await?;
        let read = |row: &MySqlRow| {
            let key = SeatKey { concert: row.try_get("concert_id")?, seat: row.try_get("seat_number")? };
            Ok((row.try_get("id")?, key))
        };
        let holds = selected.rows(&lapsed).map(read).collect::<Result<Vec<_>, sqlx::Error>>()?;
        let mut script = Script::default();
        let seats = lock_seats(&mut script, holds.iter().map(|(_, key)| *key));
        let selected = script.run(connection).await?;
        Ok(Lapsed { holds, seats: read_seats(&selected, &seats)? })
    }

    fn decide(&self, rows: Lapsed, commands: &[()], attempt: &Attempt) -> Decision<Self> {
        let Lapsed { holds, mut seats } = rows;
        let mut effects = Effects::default();
        for (id, key) in holds {
            let Some(seat) = seats.get_mut(&key) else { continue };
            // Since it was looked up, somebody may have paid it, given it back or taken the seat over.
            let still = seat.holder.is_some_and(|holder| holder.reservation == id && !holder.has_it(attempt.now));
            if still {
                effects.closed.push((id, ReservationStatus::Expired));
                effects.pass(key, seat, None);
            }
        }
        let released = effects.closed.len() as u64;
        Decision { answers: commands.iter().map(|()| Ok(released)).collect(), effects }
    }

    fn write(&self, effects: &Effects, attempt: &Attempt) -> Script {
        store::write(effects, attempt.now)
    }

    fn committed(&self, effects: Effects) {
        effects.seats.keys().for_each(|key| self.changes.note(key.concert));
    }
}

/// How many lapsed holds there are.
pub(crate) async fn lapsed_holds(pool: &MySqlPool, now: Timestamp) -> Result<u64, sqlx::Error> {
    sqlx::query_scalar::<_, i64>(COUNT_LAPSED).bind(now).fetch_one(pool).await.map(|count| count.max(0) as u64)
}

/// How many seats are held unpaid.
pub(crate) async fn holds(pool: &MySqlPool, now: Timestamp) -> Result<u64, sqlx::Error> {
    sqlx::query_scalar::<_, i64>(COUNT_HELD).bind(now).fetch_one(pool).await.map(|count| count.max(0) as u64)
}
