//! Following a ticket: its standing now, and each time it changes.

use std::time::Duration;

use tokio::sync::watch;

use super::BoxOffice;
use crate::caller::QueueTicket;
use crate::error::Error;
use crate::queue::{Followed, Standing, TokenStatus};

/// One ticket, followed from memory; from [`BoxOffice::follow`].
///
/// All followers of a process wait for one signal, which a refresh gives if the queue has moved. Each then ranks its
/// ticket in the snapshot. After the first standing, the database is used only twice: to claim the turn, and to see that
/// it has ended.
pub struct Follow {
    box_office: BoxOffice,
    ticket: QueueTicket,
    moved: watch::Receiver<u64>,
    last: Standing,
    _followed: Followed,
}

impl Follow {
    pub(crate) const fn new(
        box_office: BoxOffice,
        ticket: QueueTicket,
        moved: watch::Receiver<u64>,
        last: Standing,
        followed: Followed,
    ) -> Self {
        Self { box_office, ticket, moved, last, _followed: followed }
    }

    /// The latest standing.
    #[must_use]
    pub const fn standing(&self) -> &Standing {
        &self.last
    }

    /// Waits until the position, the status or the end of the turn has changed.
    ///
    /// Cancel safety: the next call returns a change that a cancelled call has missed.
    ///
    /// # Errors
    /// [`Error::TokenExpired`] when the token has ended.
    pub async fn changed(&mut self) -> Result<&Standing, Error> {
        loop {
            // A second at least: a turn that has just ended would otherwise be asked for again and again, without a
            // pause.
            let turn_ends = self.last.expires_at.map(|_| Duration::from_secs(self.last.remaining_seconds.max(1)));
            tokio::select! {
                // Cannot fail: `self.office` keeps the sender of the signal.
                _ = self.moved.changed() => {}
                () = sleep(turn_ends) => {}
            }
            let was_active = self.last.status == TokenStatus::Active;
            let standing = match self.box_office.known_standing(&self.ticket) {
                // A follower claims its turn.
                Some(standing) if standing.status == TokenStatus::Active && !was_active => self.poll().await?,
                Some(standing) => standing,
                // Another process may have made the turn last longer since the last refresh.
                None if was_active => self.poll().await?,
                None => return Err(Error::TokenExpired),
            };
            let changed = differs(&self.last, &standing);
            self.last = standing;
            if changed {
                return Ok(&self.last);
            }
        }
    }

    /// In a task, so that followers can be shared between threads, as streams of HTTP servers must be.
    async fn poll(&self) -> Result<Standing, Error> {
        let (office, ticket) = (self.box_office.clone(), self.ticket);
        // A follower that is dropped meanwhile leaves a claim that goes on to its end.
        let poll = tokio::spawn(async move { office.poll(&ticket).await });
        poll.await.map_err(Error::internal)?
    }
}

/// For ever, without a duration.
async fn sleep(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}

/// The time, the estimated wait and the pause between polls change all the time, so they do not count as changes.
fn differs(last: &Standing, now: &Standing) -> bool {
    let what_counts = |standing: &Standing| {
        let Standing { status, queue_position, expires_at, phase, opens_at, awaits_draw, .. } = *standing;
        (status, queue_position, expires_at, phase, opens_at, awaits_draw)
    };
    what_counts(last) != what_counts(now)
}
