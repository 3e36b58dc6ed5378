//! The sweep: lapsed holds give their seats back. It only tidies up, since a lapsed hold counts for nobody anyway.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::{MySqlConnection, MySqlPool, Row as _};
use uuid::Uuid;

use super::decide::Effects;
use super::{ReservationStatus, Seat, SeatChanges, SeatKey, lock_seats, store};
use crate::batch::{Attempt, Batch, Decision, Failure};
use crate::clock::Timestamp;
use crate::id::ReservationId;

/// The most holds that one batch releases: few enough that buyers hardly wait for its locks.
pub(crate) const SWEEP_LIMIT: usize = 128;

pub(super) const LAPSED: &str = "select id, concert_id, seat_number from reservations \
     where status = 'HELD' and expires_at <= ? order by expires_at limit ?";
pub(super) const COUNT_HELD: &str = "select count(*) from reservations where status = 'HELD' and expires_at > ?";
pub(super) const COUNT_LAPSED: &str = "select count(*) from reservations where status = 'HELD' and expires_at <= ?";

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
        let rows = sqlx::query(LAPSED).bind(attempt.now).bind(SWEEP_LIMIT as u64).fetch_all(&mut *connection).await?;
        let mut holds = Vec::with_capacity(rows.len());
        let mut wanted = Vec::with_capacity(rows.len());
        for row in &rows {
            let key = SeatKey { concert: row.try_get("concert_id")?, seat: row.try_get("seat_number")? };
            holds.push((row.try_get("id")?, key));
            wanted.push(key);
        }
        let seats = lock_seats(connection, wanted).await?;
        Ok(Lapsed { holds, seats })
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

    async fn write(
        &self,
        connection: &mut MySqlConnection,
        effects: &Effects,
        attempt: &Attempt,
    ) -> Result<(), Failure> {
        store::write(connection, effects, attempt.now).await
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
