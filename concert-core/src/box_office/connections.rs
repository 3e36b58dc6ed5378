//! The connections of a box office to its database.

use super::{BoxOffice, Inner};
use crate::db::{self, Room};
use crate::doctor::Crowd;
use crate::error::Error;
use crate::policy::Policy;

/// Lanes with one writer that is always connected, whatever the policy says: the queue, sweeps, refunds, check-ins, users.
const SINGLE_WRITERS: usize = 5;
/// Lanes with as many writers as the policy says: reservations, wallets, payments.
const LANES_OF_POLICY: usize = 3;

/// The most writers of the queue: with several sales, a busy one leaves the others to them.
const MOST_QUEUE_WRITERS: u32 = 4;

/// How many writers the queue has where the database leaves this room: with little of it, all sales share one. Those
/// beyond the first connect when several sales have commands at the same time.
pub(super) fn queue_writers(policy: &Policy, room: Room) -> usize {
    let spare = room.spare(writers(policy));
    // One always, since no sale can do without. More come only from what the database can spare.
    (1 + spare.min(MOST_QUEUE_WRITERS - 1)) as usize
}

/// How many writers of a box office of this policy are always connected.
pub(super) const fn writers(policy: &Policy) -> usize {
    SINGLE_WRITERS + LANES_OF_POLICY * policy.writers_per_lane
}

impl Inner {
    /// How many of its writers are.
    pub(super) fn writers(&self) -> usize {
        let Self { queue, reservations, sweeps, wallets, payments, refunds, check_ins, users, .. } = self;
        let once = queue.connected_writers() + sweeps.connected_writers() + refunds.connected_writers();
        let shared = reservations.connected_writers() + wallets.connected_writers() + payments.connected_writers();
        once + check_ins.connected_writers() + users.connected_writers() + shared
    }

    async fn connect_writers(&self) -> Result<(), sqlx::Error> {
        let Self { queue, reservations, sweeps, wallets, payments, refunds, check_ins, users, .. } = self;
        tokio::try_join!(
            queue.open_connections(),
            reservations.open_connections(),
            sweeps.open_connections(),
            wallets.open_connections(),
            payments.open_connections(),
            refunds.open_connections(),
            check_ins.open_connections(),
            users.open_connections(),
        )
        .map(drop)
    }
}

/// Connections.
impl BoxOffice {
    /// How many connections to the database this box office needs: one for each writer that is always connected, one for readiness, one for what
    /// takes long, and four for reads, one of them for [`BackOffice::queue_figures`](super::BackOffice::queue_figures). Where
    /// the database allows more, reads use up to 16, and queues of several sales up to three.
    #[must_use]
    pub fn connections_needed(&self) -> usize {
        db::needed(self.inner.writers())
    }

    /// How many connections processes of this policy take.
    pub(super) fn crowd(&self, servers: u32) -> Crowd {
        let needed = u32::try_from(self.connections_needed()).unwrap_or(u32::MAX);
        let at_most = needed.saturating_add(db::MORE_READERS);
        Crowd { servers: servers.max(1), needed, at_most }
    }

    /// Opens the connections of all writers and of readiness, and keeps them open, so that no crowd of readers can take
    /// their places. A server calls this when it starts, once the schema is there; without it they are opened when they
    /// are first needed.
    ///
    /// # Errors
    /// [`Error::Setup`] where the database allows fewer connections than [`BoxOffice::connections_needed`], or has none
    /// left, or before [`BoxOffice::migrate`]; [`Error::Unavailable`] where it cannot be connected to.
    pub async fn open_connections(&self) -> Result<(), Error> {
        let inner = &self.inner;
        let (room, connection) = db::try_connect(&inner.host, inner.policy.schema.as_deref()).await?;
        // Closed before the writers connect: it would take the place of one of them.
        db::close(connection).await;
        room.check(inner.writers())?;
        let refused = |error| match db::refusal_of_start(&inner.host, error) {
            Error::Setup(why) => {
                Error::Setup(format!("a box office needs {} connections; {why}", self.connections_needed()))
            }
            error => error,
        };
        inner.connect_writers().await.map_err(refused)?;
        match self.ping().await {
            // A database that cannot be written just now is no reason not to start: readiness says no until it can.
            Err(Error::Unavailable(error)) if !db::is_no_connection_left(&error) => Ok(()),
            Err(Error::Unavailable(_)) => Err(Error::Setup(format!(
                "a box office needs {} connections; one is missing",
                self.connections_needed()
            ))),
            ready => ready,
        }
    }
}
