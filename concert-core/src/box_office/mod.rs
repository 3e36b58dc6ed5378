//! The handle: one method per operation, one file per kind of them.

mod accounts;
mod after_sale;
mod back_office;
mod belongings;
mod catalog;
mod codes;
mod concerts;
mod connections;
mod ending;
mod export;
mod follow;
mod halls;
mod history;
mod keys;
mod money;
mod openings;
mod orders;
mod passes;
mod plan;
mod queue;
mod rules;
mod sales;
#[cfg(feature = "jwt")]
mod session_watch;
mod steering;
mod tickets;
mod users;

use std::sync::Arc;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::{MySqlConnection, MySqlPool};
use tokio::sync::{OnceCell, Semaphore};

pub use self::after_sale::ClearedSoFar;
pub use self::back_office::BackOffice;
pub use self::follow::Follow;
pub use self::halls::HallDesk;
#[cfg(feature = "jwt")]
pub use self::session_watch::SessionWatch;
use crate::after_sale::AfterSaleBatch;
use crate::batch::{Lane, RareLane};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::db::{self, Cluster, Failure, Reader, Room};
use crate::error::Error;
use crate::export::MOST_AT_ONCE;
use crate::hall::{HallBatch, SwapBatch};
use crate::migrate;
use crate::office_clock::OfficeClock;
use crate::operator::KeyRing;
use crate::payment::PaymentBatch;
use crate::policy::Policy;
use crate::probe::Probe;
use crate::queue::{QueueBatch, QueueViews};
use crate::reservation::{HallLayouts, RecentHolds, ReservationBatch, SeatChanges, SeatingCache, SweepBatch};
use crate::ticket::{CheckInBatch, TicketKeys};
use crate::user::UserBatch;
use crate::visit::VisitBatch;
use crate::wallet::WalletBatch;

/// A box office over a MySQL database. Cheap to clone; all clones share their lanes.
///
/// # Cancel safety
/// Every write runs in a task of the box office. A future that is dropped leaves an act done or not done, never half
/// done, and no transaction open. Reads can be dropped at any point.
///
/// # Errors
/// Every operation can fail with [`Error::Unavailable`] (the database), every write with [`Error::Overloaded`] (too
/// much is waiting) and [`Error::ShutDown`]. The other refusals are named at each operation, in the order in which they
/// are checked.
#[derive(Clone)]
pub struct BoxOffice {
    inner: Arc<Inner>,
}

struct Inner {
    /// How to reach the server where the schema is still missing.
    host: MySqlConnectOptions,
    /// For reads; its options are also those of the writers.
    pool: MySqlPool,
    /// One of the readers' connections, for figures that are asked for all the time: a crowd of other reads must not hide
    /// how the box office is.
    scrapes: MySqlPool,
    probe: Probe,
    /// Asked for when it first matters.
    cluster: OnceCell<Cluster>,
    policy: Policy,
    clock: Arc<OfficeClock>,
    views: Arc<QueueViews>,
    seat_changes: Arc<SeatChanges>,
    #[cfg(feature = "jwt")]
    revocations: Arc<crate::user::Revocations>,
    #[cfg(feature = "password")]
    passwords: crate::user::Passwords,
    queue: Lane<VisitBatch>,
    reservations: Lane<ReservationBatch>,
    sweeps: Lane<SweepBatch>,
    wallets: Lane<WalletBatch>,
    payments: Lane<PaymentBatch>,
    refunds: Lane<AfterSaleBatch>,
    check_ins: Lane<CheckInBatch>,
    users: Lane<UserBatch>,
    halls: RareLane<HallBatch>,
    swaps: RareLane<SwapBatch>,
    keys: KeyRing,
    ticket_keys: TicketKeys,
    /// One permit for each export that may be made at once.
    exports: Arc<Semaphore>,
}

impl BoxOffice {
    /// A box office on the database that `pool` connects to, or on [`Policy::with_schema`] beside it. Only the pool's
    /// options are used, never its connections, which may be in any state: the box office opens up to 16 of its own for
    /// reads and one for each writer, when they are first needed, or at once: [`BoxOffice::open_connections`]. Must be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a policy that cannot work, and where neither pool nor policy names a database.
    pub fn new(pool: MySqlPool, policy: Policy, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::start(&pool.connect_options(), policy, Arc::new(OfficeClock::new(clock)), Room::UNKNOWN)
    }

    fn start(host: &MySqlConnectOptions, policy: Policy, clock: Arc<OfficeClock>, room: Room) -> Result<Self, Error> {
        policy.check()?;
        let readers = room.readers_beside(connections::writers(&policy));
        let options = db::own_options(host, policy.schema.as_deref())?;
        let scrapes = db::read_pool(options.clone(), 1);
        // One of the readers is the one for scrapes.
        let pool = db::read_pool(options, readers - 1);
        let views = Arc::new(QueueViews::new(rules::of_view(&policy), Arc::<OfficeClock>::clone(&clock)));
        let (writers, capacity) = (policy.writers_per_lane, policy.lane_capacity);
        // Shared by lanes: what changes a seat is counted in the first, payments look in the second before they read rows.
        let (seat_changes, recent) = (Arc::new(SeatChanges::new()), Arc::new(RecentHolds::default()));
        let queue = QueueBatch::new(rules::of_queue(&policy), Arc::clone(&views));
        let visits = VisitBatch { queue, changes: Arc::clone(&seat_changes) };
        let payments = PaymentBatch {
            after_payment_ttl: policy.after_payment_ttl,
            active_ttl: policy.active_ttl,
            recent: Arc::clone(&recent),
        };
        let rules = rules::of_holds(&policy);
        let (layouts, changes) = (HallLayouts::default(), Arc::clone(&seat_changes));
        let reservations = ReservationBatch {
            layouts,
            seatings: SeatingCache::default(),
            recent,
            rules,
            changes,
            views: Arc::clone(&views),
        };
        let sweeps = SweepBatch { changes: Arc::clone(&seat_changes) };
        let refunds = AfterSaleBatch { changes: Arc::clone(&seat_changes) };
        #[cfg(feature = "jwt")]
        let revocations = Arc::new(crate::user::Revocations::new(policy.longest_token_life()));
        let users = UserBatch {
            longest_life: policy.longest_token_life(),
            #[cfg(feature = "jwt")]
            revocations: Arc::clone(&revocations),
        };
        let inner = Inner {
            queue: Lane::start(visits, connections::queue_writers(&policy, room), capacity, &pool, &clock),
            reservations: Lane::start(reservations, writers, capacity, &pool, &clock),
            sweeps: Lane::start(sweeps, 1, capacity, &pool, &clock),
            wallets: Lane::start(WalletBatch, writers, capacity, &pool, &clock),
            payments: Lane::start(payments, writers, capacity, &pool, &clock),
            refunds: Lane::start(refunds, 1, capacity, &pool, &clock),
            check_ins: Lane::start(CheckInBatch, 1, capacity, &pool, &clock),
            users: Lane::start(users, 1, capacity, &pool, &clock),
            halls: RareLane::new(HallBatch { changes: Arc::clone(&seat_changes) }, &pool, &clock),
            swaps: RareLane::new(SwapBatch { changes: Arc::clone(&seat_changes) }, &pool, &clock),
            #[cfg(feature = "password")]
            passwords: crate::user::Passwords::new(policy.password_hashes_at_once),
            views,
            seat_changes,
            #[cfg(feature = "jwt")]
            revocations,
            keys: KeyRing::default(),
            ticket_keys: TicketKeys::default(),
            exports: Arc::new(Semaphore::new(MOST_AT_ONCE)),
            host: host.clone(),
            scrapes,
            probe: Probe::default(),
            cluster: OnceCell::new(),
            pool,
            policy,
            clock,
        };
        debug_assert_eq!(inner.writers(), connections::writers(&inner.policy), "a lane that is not counted");
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A box office on the database that a URL names, or on [`Policy::with_schema`] beside it, with the system's clock.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a URL that is not `mysql://user:password@host:3306/name`; [`Error::Setup`] or
    /// [`Error::Unavailable`] when the server cannot be connected to.
    pub async fn connect(url: &str, policy: Policy) -> Result<Self, Error> {
        Self::connect_with(db::parse_url(url)?, policy, Arc::new(SystemClock)).await
    }

    /// The same, from options instead of a URL: for a unix socket, for one.
    ///
    /// # Errors
    /// Those of [`BoxOffice::connect`].
    pub async fn connect_with(
        options: MySqlConnectOptions,
        policy: Policy,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        policy.check()?;
        let clock = Arc::new(OfficeClock::new(clock));
        let (room, mut first) = db::try_connect(&options, policy.schema.as_deref()).await?;
        // Before anything is decided: a process whose own clock is wrong must not begin with it.
        clock.read_at_start(&mut first).await.map_err(Failure::into_error)?;
        db::close(first).await;
        let office = Self::start(&options, policy, clock, room)?;
        office.inner.views.look_at_gates(office.pool(), office.now()).await;
        Ok(office)
    }

    /// The pool that the box office reads from: its own, not the application's.
    #[must_use]
    pub fn pool(&self) -> &MySqlPool {
        &self.inner.pool
    }

    /// Runs a read; where it finds that something is not there, runs it again once this node of a cluster has caught up
    /// with the others. That is one more query on a cluster, and none elsewhere.
    pub(crate) async fn caught_up<T, F>(&self, read: impl Fn() -> F + Send) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        match read().await {
            Err(refusal) if refusal.may_be_behind() => {
                if self.catch_up().await? {
                    read().await
                } else {
                    Err(refusal)
                }
            }
            done => done,
        }
    }

    async fn catch_up(&self) -> Result<bool, Error> {
        // A single server is never behind itself.
        if self.inner.cluster.get() == Some(&Cluster::Single) {
            return Ok(false);
        }
        let caught_up = async {
            let mut reader = Reader::acquire(self.pool()).await?;
            let done = self.catch_up_on(reader.connection()?).await;
            reader.end(&done, self.pool());
            done
        };
        caught_up.await.map_err(db::to_error)
    }

    async fn catch_up_on(&self, connection: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
        let cluster = match self.inner.cluster.get() {
            Some(cluster) => *cluster,
            None => {
                let found = Cluster::of(connection).await?;
                // Two callers may both have asked. The first answer stays, and both go on with it.
                *self.inner.cluster.get_or_init(|| async { found }).await
            }
        };
        cluster.catch_up(connection).await
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }

    /// The box office's time: that of the database, for every process the same, where the [`Clock`] follows it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let (now, reading_is_due) = self.inner.clock.look();
        if reading_is_due
            // Callers outside a runtime get the time as it was read last.
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let office = self.clone();
            runtime.spawn(async move { office.read_clock().await });
        }
        now
    }

    async fn read_clock(&self) -> Result<(), Error> {
        self.inner.clock.read(self.pool()).await
    }

    /// Brings the schema up to date, and creates [`Policy::with_schema`] if it is missing. Any number of processes may
    /// do so at once, also on different nodes of a cluster. If the schema is up to date, nothing is written, so a
    /// database user with rights on rows alone is enough.
    ///
    /// # Errors
    /// [`Error::Setup`] when the schema cannot be brought up to date. Nothing is changed where another application has
    /// a table under a name that the box office needs, nor where the schema is that of a version before the first
    /// release.
    pub async fn migrate(&self) -> Result<(), Error> {
        migrate::migrate(&self.inner.pool, &self.inner.host).await
    }

    /// Succeeds if the database can be read and written, and its schema is one that this library works with: for
    /// readiness checks. It has a connection of its own and answers within 1.5 s, whatever the database does.
    ///
    /// # Errors
    /// [`Error::Setup`] before [`BoxOffice::migrate`]; [`Error::Unavailable`] where the database does not answer or is
    /// read-only, its node is without a quorum, its clock was not read lately, or is a second behind another node's.
    pub async fn ping(&self) -> Result<(), Error> {
        match self.inner.probe.ask(self.pool()).await? {
            true => self.inner.clock.check(self.pool()).await,
            false => Err(Error::Setup("its schema is missing or out of date".to_owned())),
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
