//! What every test starts from.

pub mod process;
pub mod proxy;
pub mod ways;

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, NaiveDate};
use concert_core::private_db::{PrivateDatabase, Settings};
use concert_core::{
    AdmissionChange, BackOffice, BoxOffice, Caller, ConcertId, Error, IdempotencyKey, JwtKeys, ManualClock, Money,
    NewConcert, OpeningUser, Operator, Policy, Reservation, SeatNumber, SecretString, Section, UserId,
};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};
use tokio::sync::OnceCell;

use self::ways::Watch;

/// What access tokens are signed with in tests.
pub const SECRET: &str = "a secret of the tests, thirty-two bytes and more";
/// What a seat costs unless a test says otherwise.
pub const PRICE: u32 = 100;

static SERVER: OnceCell<PrivateDatabase> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A box office on a database of its own, at noon on 2027-03-01.
pub struct House {
    pub office: BoxOffice,
    pub clock: Arc<ManualClock>,
    pub database: MySqlConnectOptions,
    /// In tests that look which ways batches go.
    _watch: Option<Watch>,
}

impl House {
    pub async fn open() -> Self {
        Self::open_with(|policy| policy).await
    }

    pub async fn open_with(change: impl FnOnce(Policy) -> Policy) -> Self {
        Self::on(fresh_database().await, change(policy())).await
    }

    pub async fn on(database: MySqlConnectOptions, policy: Policy) -> Self {
        let noon = DateTime::from_timestamp(1_803_902_400, 0).expect("2027-03-01T12:00:00Z");
        let clock = Arc::new(ManualClock::new(noon));
        let office = BoxOffice::connect_with(database.clone(), policy, clock.clone()).await.expect("connects");
        office.migrate().await.expect("migrates");
        Self { office, clock, database, _watch: None }
    }

    /// With the ways of batches watched, on the test's thread; one writer a lane.
    pub async fn watched(change: impl FnOnce(Policy) -> Policy) -> Self {
        let watch = Watch::start();
        let house = Self::open_with(|policy| change(policy.with_writers_per_lane(1))).await;
        Self { _watch: Some(watch), ..house }
    }

    /// Another process's box office, as far as the database can tell.
    pub async fn another_office(&self) -> BoxOffice {
        let policy = self.office.policy().clone();
        BoxOffice::connect_with(self.database.clone(), policy, self.clock.clone()).await.expect("connects")
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// A concert a month from now with `seats` seats at `PRICE`.
    pub async fn concert(&self, seats: u32) -> ConcertId {
        let date = NaiveDate::from_ymd_opt(2027, 4, 1).expect("a date");
        self.concert_on(date, seats).await
    }

    pub async fn concert_on(&self, date: NaiveDate, seats: u32) -> ConcertId {
        self.concert_in(date, vec![Section::plain(seats, money(PRICE))]).await
    }

    /// A concert of yesterday, which was added then.
    pub async fn concert_of_yesterday(&self, seats: u32) -> ConcertId {
        let (now, day) = (self.office.now(), chrono::TimeDelta::days(1));
        self.clock.set(now - day);
        let concert = self.concert_on((now - day).date_naive(), seats).await;
        self.clock.set(now);
        concert
    }

    /// A concert a month from now in a hall with rows: one section, "Hall", at `PRICE`.
    pub async fn hall(&self, rows: u32, seats_per_row: u32) -> ConcertId {
        let date = NaiveDate::from_ymd_opt(2027, 4, 1).expect("a date");
        self.concert_in(date, vec![section("Hall", rows, seats_per_row, PRICE)]).await
    }

    pub async fn concert_in(&self, date: NaiveDate, sections: Vec<Section>) -> ConcertId {
        let id = ConcertId::generate();
        let new = NewConcert::new("Spring", date, sections).with_id(id);
        self.office.back_office().add_concert(&new).await.expect("adds a concert");
        id
    }

    /// Users without passwords, each with `balance`.
    pub async fn users(&self, count: usize, balance: u32) -> Vec<UserId> {
        let users: Vec<_> = (0..count)
            .map(|_| {
                let id = UserId::generate();
                let username = format!("user-{id}").parse().expect("a name");
                OpeningUser::new(username).with_id(id).with_balance(money(balance))
            })
            .collect();
        self.office.back_office().add_users(&users).await.expect("adds users");
        users.into_iter().map(|user| user.id).collect()
    }

    pub async fn user(&self, balance: u32) -> UserId {
        self.users(1, balance).await[0]
    }

    /// Users who are all ACTIVE.
    pub async fn active_users(&self, count: usize, balance: u32) -> Vec<UserId> {
        self.office.set_max_active(count as u32 + 10).await.expect("sets the cap");
        let users = self.users(count, balance).await;
        for user in &users {
            self.office.issue_token(*user).await.expect("joins");
        }
        users
    }

    /// Every invariant holds.
    pub async fn assert_sound(&self) {
        let violations = self.office.back_office().audit().await.expect("audits");
        assert!(violations.is_empty(), "{violations:#?}");
    }

    /// Runs a statement behind the box office's back.
    pub async fn tamper(&self, statement: &'static str) -> u64 {
        sqlx::query(statement).execute(self.office.pool()).await.expect("runs").rows_affected()
    }

    /// The one number that a statement selects.
    pub async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(self.office.pool()).await.expect("counts")
    }
}

/// What tests do often.
pub trait Shortcuts {
    /// Holds one seat.
    async fn hold_one(
        &self,
        caller: impl Into<Caller>,
        concert: ConcertId,
        seat: SeatNumber,
    ) -> Result<Reservation, Error>;

    /// Sets the cap on ACTIVE tokens, as the application.
    async fn set_max_active(&self, max_active: u32) -> Result<bool, Error>;

    /// The back office, entered by [`operator`].
    fn back_office(&self) -> BackOffice;
}

impl Shortcuts for BoxOffice {
    async fn hold_one(
        &self,
        caller: impl Into<Caller>,
        concert: ConcertId,
        seat: SeatNumber,
    ) -> Result<Reservation, Error> {
        self.hold(caller, concert, seat).await.map(|mut order| order.reservations.remove(0))
    }

    async fn set_max_active(&self, max_active: u32) -> Result<bool, Error> {
        self.operator(Operator::application()).set_admission(AdmissionChange::new().with_max_active(max_active)).await
    }

    fn back_office(&self) -> BackOffice {
        self.operator(operator())
    }
}

pub fn policy() -> Policy {
    Policy::new(JwtKeys::new(&SecretString::from(SECRET)).expect("long enough"))
}

/// The user, with an idempotency key.
pub fn keyed(user: UserId, key: &str) -> Caller {
    Caller::from(user).with_key(key.parse::<IdempotencyKey>().expect("a key"))
}

/// Somebody who steers the queue.
pub fn operator() -> Operator {
    "ann@box-office".parse().expect("a name")
}

pub fn money(amount: u32) -> Money {
    Money::whole(amount).expect("in range")
}

pub fn seat(number: i64) -> SeatNumber {
    SeatNumber::new(number).expect("in range")
}

pub fn section(name: &str, rows: u32, seats_per_row: u32, price: u32) -> Section {
    Section::in_rows(rows, seats_per_row, money(price)).with_name(name)
}

/// An empty database on the private server of this test run, or on the server that `CONCERT_TEST_DATABASE_URL` names: a
/// MySQL, or another version of MariaDB.
pub async fn fresh_database() -> MySqlConnectOptions {
    let name = format!("test_{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
    let Ok(url) = std::env::var("CONCERT_TEST_DATABASE_URL") else {
        return server().await.database(&name).await.expect("makes a database");
    };
    let options: MySqlConnectOptions = url.parse().expect("a URL");
    let mut connection = options.connect().await.expect("connects");
    let create = format!("create database {name} default character set utf8mb4 collate utf8mb4_unicode_ci");
    connection.execute(AssertSqlSafe(create)).await.expect("makes a database");
    options.database(&name)
}

async fn server() -> &'static PrivateDatabase {
    SERVER
        .get_or_init(|| async {
            let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
            remove_abandoned(parent);
            let folder = parent.join(format!("mariadb-{}", std::process::id()));
            let server_options = std::env::var("CONCERT_TEST_SERVER_OPTIONS").unwrap_or_default();
            let server_options = server_options.split_whitespace().map(str::to_owned).collect();
            PrivateDatabase::open(&folder, &Settings { durable: false, server_options }).await.expect("starts")
        })
        .await
}

/// A run's server ends with it; its folder is removed by the next run.
fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let lock = entry.path().join("owner.lock");
        if File::open(lock).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A private server of the test's own, with these options, that it may freeze, kill or set up otherwise.
pub struct OwnServer {
    pub private: PrivateDatabase,
    pub folder: tempfile::TempDir,
}

impl OwnServer {
    pub async fn start(server_options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server_options = server_options.iter().map(|option| (*option).to_owned()).collect();
        let settings = Settings { durable: false, server_options };
        Self { private: PrivateDatabase::open(folder.path(), &settings).await.expect("starts"), folder }
    }

    pub async fn database(&self) -> MySqlConnectOptions {
        self.private.database("concert").await.expect("makes a database")
    }

    /// A house on it.
    pub async fn house(&self) -> House {
        House::on(self.database().await, policy()).await
    }

    /// Runs a statement as its root.
    pub async fn run(&self, statement: &str) {
        let mut connection = self.database().await.connect().await.expect("connects");
        connection.execute(AssertSqlSafe(statement.to_owned())).await.expect("runs");
    }

    pub fn process_id(&self) -> u32 {
        let file = self.folder.path().join("mariadb/mariadb.pid");
        fs::read_to_string(file).expect("is there").trim().parse().expect("a number")
    }
}
