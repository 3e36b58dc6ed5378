//! Who of the WAITING is still there: what this process has seen, and what the others tell.

use std::sync::Arc;
use std::time::Duration;

use sqlx::MySqlPool;

use super::QueueView;
use crate::clock::{Timestamp, span};
use crate::db;
use crate::error::Error;
use crate::queue::line::Line;
use crate::queue::presence::presence_after;
use crate::queue::rows::Effects;
use crate::queue::seen::{self, SHORTEST_GRACE, SeenByAny, SeenRow};
use crate::queue::snapshot::Snapshot;
use crate::queue::{DrawnHeads, RERANK_LIMIT, SeenHeads, Standing, TokenStatus, pause};

/// The last time that this process told the others.
#[derive(Debug, Default)]
pub(super) struct Told {
    at: Option<Timestamp>,
    /// Whether it said anything, so that it must be taken back.
    somebody: bool,
}

impl QueueView {
    /// Notes that the holder of a ticket has asked for its standing, and was told this.
    pub(crate) fn note_poll(&self, ticket: u64, told: &Standing, now: Timestamp) {
        if told.status == TokenStatus::Waiting {
            self.presence.note_poll(ticket, told.poll_after_seconds, now);
        }
    }

    /// Notes who has joined by a batch that this process has committed.
    pub(super) fn note_joined(&self, effects: &Effects) {
        let waiting = effects.gate.waiting;
        let pause = pause::pause_at(waiting, waiting, self.max_polls_per_second);
        for token in effects.joined.iter().filter(|token| token.status == TokenStatus::Waiting) {
            self.presence.note_join(token.ticket, pause, token.created_at);
        }
    }

    /// Counts a ticket as seen until what is returned is dropped.
    pub(crate) fn follow(self: &Arc<Self>, ticket: u64) -> Followed {
        self.presence.follow(ticket);
        Followed { view: Arc::clone(self), ticket }
    }

    /// Tells the other processes whom this one has seen, and learns whom they have seen, if the last time is a period
    /// ago.
    pub(crate) async fn exchange_seen_if_due(&self, pool: &MySqlPool, now: Timestamp) {
        // Somebody else is at it.
        let Ok(mut told) = self.told.try_lock() else { return };
        // A little less than the period, since timers come early or late. A time in the future means that the clock was
        // set back.
        let period = span(self.exchange_every.mul_f64(0.9));
        if told.at.is_some_and(|at| at <= now && now < at + period) {
            return;
        }
        if let Err(error) = self.exchange_seen(pool, &mut told, now).await {
            tracing::debug!(%error, "who was seen could not be exchanged");
        }
    }

    /// The same, now: before a pass. Returns whether it succeeded; if not, nobody should be passed over.
    pub(crate) async fn exchange_seen_now(&self, pool: &MySqlPool, now: Timestamp) -> bool {
        let mut told = self.told.lock().await;
        match self.exchange_seen(pool, &mut told, now).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "whom the other processes have seen is not known: nobody is passed over");
                false
            }
        }
    }

    async fn exchange_seen(&self, pool: &MySqlPool, told: &mut Told, now: Timestamp) -> Result<(), Error> {
        // Noted before it is tried: a failure is not tried again until the next period.
        told.at = Some(now);
        let Some(waiting) = self.look(Snapshot::waiting) else { return Ok(()) };
        let known_to = waiting.max().map_or(0, |newest| newest + 1);
        let here = self.presence.seen_of(&waiting, now);
        let own = SeenRow {
            since: self.presence.since(),
            watched_from: self.presence.watched_from(),
            known_to,
            polled: here.polled,
            tickets: here.tickets,
        };
        let somebody = !own.tickets.is_empty();
        if somebody || told.somebody {
            match seen::write(pool, self.sale, self.process, &own, now).await {
                Ok(()) => told.somebody = somebody,
                // The others go by what was told before, for a while.
                Err(error) => tracing::debug!(%error, "whom this process has seen could not be told"),
            }
        }
        if waiting.is_empty() {
            self.set_seen(waiting, known_to, false);
            return Ok(());
        }
        let others = db::read(|| seen::read(pool, self.sale, self.process, now)).await?;
        let any = SeenByAny::of(others.into_iter().chain([own]), self.grace(waiting.len()), now);
        let passes_over = any.polled;
        self.set_seen(any.among(&waiting), known_to, passes_over);
        Ok(())
    }

    fn set_seen(&self, seen: roaring::RoaringTreemap, known_to: u64, passes_over: bool) {
        // Put in order before polls have to wait.
        let seen = Line::new(seen, self.look(Snapshot::places).flatten());
        self.change(|snapshot| snapshot.set_seen(seen, known_to, passes_over));
    }

    /// How long a process looks before it says that somebody is gone who had joined before: a few poll intervals at the
    /// back of the queue.
    fn grace(&self, waiting: u64) -> Duration {
        let pause = pause::pause_at(waiting, waiting, self.max_polls_per_second);
        presence_after(pause).max(SHORTEST_GRACE)
    }

    /// The first who are to be let in, before those who were not seen.
    pub(crate) fn first_seen(&self, now: Timestamp) -> Option<SeenHeads> {
        self.look(|snapshot| snapshot.first_seen(RERANK_LIMIT, self.max_polls_per_second, now)).flatten()
    }

    /// The first who were drawn, and of them the first who were seen: both as of one moment.
    pub(crate) fn first_drawn(&self) -> Option<DrawnHeads> {
        self.look(|snapshot| snapshot.first_drawn(RERANK_LIMIT)).flatten()
    }

    /// Whether this process does not know yet in which order the WAITING are.
    pub(crate) fn awaits_draw(&self) -> bool {
        self.look(Snapshot::awaits_draw).unwrap_or_default()
    }

    /// Whether the snapshot is as of `change_seq`.
    pub(crate) fn is_as_of(&self, change_seq: u64) -> bool {
        self.look(Snapshot::change_seq) == Some(change_seq)
    }

    /// How many of `waiting` count as seen.
    pub(crate) async fn count_seen(&self, pool: &MySqlPool, waiting: u64, now: Timestamp) -> Result<u64, Error> {
        match self.look(Snapshot::seen) {
            Some(seen) => Ok(seen.min(waiting)),
            None => db::read(|| seen::count(pool, self.sale, waiting, self.grace(waiting), now)).await,
        }
    }
}

/// A ticket that counts as seen as long as this lives.
pub(crate) struct Followed {
    view: Arc<QueueView>,
    ticket: u64,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.view.presence.unfollow(self.ticket);
    }
}
