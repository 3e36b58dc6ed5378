//! The handle: one method per operation, one file per kind of them.

mod back_office;
mod catalog;
mod history;
mod money;
mod orders;
mod passes;
mod queue;
mod users;

use std::sync::Arc;

use sqlx::MySqlPool;
use sqlx::mysql::MySqlConnectOptions;

pub use self::back_office::BackOffice;
use crate::batch::Lane;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::db;
use crate::error::Error;
use crate::migrate;
use crate::payment::{PaymentBatch, RefundBatch};
use crate::policy::Policy;
use crate::queue::{QueueBatch, QueueView};
use crate::reservation::{HallLayouts, RecentHolds, ReservationBatch, Rules, SeatChanges, SweepBatch};
use crate::user::UserBatch;
use crate::wallet::WalletBatch;

/// A box office over a MySQL database. Cheap to clone; all clones share their lanes.
///
/// # Cancel safety
/// Every write runs in a task of the box office. A future that is dropped leaves an act done or not done, never half
/// done, and no transaction open. Reads can be dropped at any point.
///
/// # Errors
/// Every operation can fail with [`Error::Unavailable`] (the database), every write with [`Error::Overloaded`] (too much
/// is waiting) and [`Error::ShutDown`]. The other refusals are named at each operation, in the order in which they are checked.
#[derive(Clone)]
pub struct BoxOffice {
    inner: Arc<Inner>,
}

struct Inner {
    pool: MySqlPool,
    policy: Policy,
    clock: Arc<dyn Clock>,
    view: Arc<QueueView>,
    seat_changes: Arc<SeatChanges>,
    #[cfg(feature = "password")]
    passwords: crate::user::Passwords,
    queue: Lane<QueueBatch>,
    reservations: Lane<ReservationBatch>,
    sweeps: Lane<SweepBatch>,
    wallets: Lane<WalletBatch>,
    payments: Lane<PaymentBatch>,
    refunds: Lane<RefundBatch>,
    users: Lane<UserBatch>,
}

impl BoxOffice {
    /// A box office on `pool`. Reads borrow from the pool; each writer opens a connection of its own with the pool's
    /// options when it first needs one. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a policy that cannot work.
    pub fn new(pool: MySqlPool, policy: Policy, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        policy.check()?;
        let view = Arc::new(QueueView::new(policy.active_ttl, policy.max_polls_per_second));
        let (writers, capacity) = (policy.writers_per_lane, policy.lane_capacity);
        let queue_rules = crate::queue::Rules {
            active_ttl: policy.active_ttl,
            claim_window: policy.claim_window,
            waiting_ttl: policy.waiting_ttl,
        };
        let queue = QueueBatch::new(queue_rules, Arc::clone(&view));
        let rules = Rules {
            hold_ttl: policy.hold_ttl,
            hold_extension: policy.hold_extension,
            max_holds_per_user: policy.max_holds_per_user,
        };
        let (seat_changes, recent) = (Arc::new(SeatChanges::new()), Arc::new(RecentHolds::default()));
        let payments = PaymentBatch {
            after_payment_ttl: policy.after_payment_ttl,
            active_ttl: policy.active_ttl,
            recent: Arc::clone(&recent),
        };
        let reservations =
            ReservationBatch { layouts: HallLayouts::default(), recent, rules, changes: Arc::clone(&seat_changes) };
        let sweeps = SweepBatch { changes: Arc::clone(&seat_changes) };
        let refunds = RefundBatch { changes: Arc::clone(&seat_changes) };
        let inner = Inner {
            queue: Lane::start(queue, 1, capacity, &pool, &clock),
            reservations: Lane::start(reservations, writers, capacity, &pool, &clock),
            sweeps: Lane::start(sweeps, 1, capacity, &pool, &clock),
            wallets: Lane::start(WalletBatch, writers, capacity, &pool, &clock),
            payments: Lane::start(payments, writers, capacity, &pool, &clock),
            refunds: Lane::start(refunds, 1, capacity, &pool, &clock),
            users: Lane::start(UserBatch, 1, capacity, &pool, &clock),
            #[cfg(feature = "password")]
            passwords: crate::user::Passwords::new(policy.password_hashes_at_once),
            view,
            seat_changes,
            pool,
            policy,
            clock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A box office with a pool of its own, set up well (READ COMMITTED, UTC, strict, bounded), and the system's clock.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a URL that is not `mysql://user:password@host:3306/name`.
    pub async fn connect(url: &str, policy: Policy) -> Result<Self, Error> {
        Self::new(db::connect(url).await?, policy, Arc::new(SystemClock))
    }

    /// The same, from options instead of a URL: for a unix socket, for one.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for options that name no database.
    pub async fn connect_with(
        options: MySqlConnectOptions,
        policy: Policy,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Self::new(db::connect_with(options).await?, policy, clock)
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &MySqlPool {
        &self.inner.pool
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }

    /// The box office's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Brings the schema up to date. Any number of processes may do so at once.
    ///
    /// # Errors
    /// [`Error::Setup`] when the schema cannot be brought up to date.
    pub async fn migrate(&self) -> Result<(), Error> {
        migrate::migrate(self.pool()).await
    }

    /// Answers once the database does, with a schema that this library works with: for readiness.
    ///
    /// # Errors
    /// [`Error::Setup`] before [`BoxOffice::migrate`].
    pub async fn ping(&self) -> Result<(), Error> {
        match db::read(|| migrate::is_current(self.pool())).await? {
            true => Ok(()),
            false => Err(Error::Setup("its schema is missing or out of date: migrate it".to_owned())),
        }
    }
}

impl std::fmt::Debug for BoxOffice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BoxOffice").field("policy", &self.inner.policy).finish_non_exhaustive()
    }
}

fn wrong_answer() -> Error {
    Error::internal(std::io::Error::other("a lane answered another command"))
}
