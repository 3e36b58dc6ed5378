//! The operator keys as a process knows them, so that a call with a key needs no query.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::MySqlPool;

use super::Operator;
use super::keys::{Holder, KeyHash, Role, keys_in_force};
use crate::clock::{Timestamp, span};
use crate::db;
use crate::error::Error;

/// How old the keys may be that a call is checked against: a key that was revoked elsewhere is refused here this much
/// later.
const MAX_AGE: Duration = Duration::from_secs(1);
const NO_GOOD: Error = Error::Unauthenticated("the operator key is not valid");

/// The keys in force, read at most once a second where only known ones are shown.
#[derive(Default)]
pub(crate) struct KeyRing {
    keys: Mutex<Option<Arc<Keys>>>,
    /// One reading at a time: a flood of made-up keys keeps one connection busy, no more.
    reading: tokio::sync::Mutex<()>,
}

struct Keys {
    /// The time of the box office when the reading began.
    read_at: Timestamp,
    /// The same by a clock that nobody sets.
    begun: Instant,
    in_force: Vec<(KeyHash, Holder)>,
}

impl Keys {
    fn holder(&self, hash: &KeyHash) -> Option<&Holder> {
        self.in_force.iter().find(|(known, _)| known.is(hash)).map(|(_, holder)| holder)
    }

    /// A clock that was set back makes them old at once.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.read_at <= now && now < self.read_at + span(MAX_AGE)
    }
}

impl KeyRing {
    /// Who shows `key`. A key that was made a moment ago by any process is known.
    pub(crate) async fn holder(&self, pool: &MySqlPool, key: &str, now: Timestamp) -> Result<(Operator, Role), Error> {
        let asked = Instant::now();
        let hash = KeyHash::of(key).ok_or(NO_GOOD)?;
        let known = self.known();
        // A key that is not among the known ones may be a new one: it is looked for in the database, however fresh the
        // list is.
        if let Some(holder) = known.filter(|keys| keys.is_fresh(now)).and_then(|keys| keys.holder(&hash).cloned()) {
            return Ok((holder.operator, holder.role));
        }
        let _alone = self.reading.lock().await;
        // Whoever waited for the lock may use what was read meanwhile.
        // Begun after this call: an earlier reading may have missed a key that was made before the call.
        let keys = match self.known().filter(|keys| keys.begun >= asked && keys.is_fresh(now)) {
            Some(keys) => keys,
            None => {
                let begun = Instant::now();
                let in_force = db::read(|| keys_in_force(pool)).await?;
                let keys = Arc::new(Keys { read_at: now, begun, in_force });
                *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&keys));
                keys
            }
        };
        let holder = keys.holder(&hash).cloned().ok_or(NO_GOOD)?;
        Ok((holder.operator, holder.role))
    }

    /// Forgets the keys: this process has just changed them.
    pub(crate) fn forget(&self) {
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn known(&self) -> Option<Arc<Keys>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
