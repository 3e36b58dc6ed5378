//! The box office inside an application: its pool in any state, its tables beside ours, several box offices on one server.

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use concert_core::{BoxOffice, ConcertId, Error, NewConcert, Pass, Section, SystemClock, UserId};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{ConnectOptions as _, Executor as _, MySqlPool};

use crate::support::{Shortcuts as _, fresh_database, money, policy, seat};

/// The application's pool, each of whose connections begins with `state`.
pub async fn pool_with(database: MySqlConnectOptions, state: &'static str) -> MySqlPool {
    let options = MySqlPoolOptions::new().max_connections(4);
    let options =
        options.after_connect(move |connection, _| Box::pin(async move { connection.execute(state).await.map(drop) }));
    options.connect_with(database).await.expect("connects")
}

fn office_in(pool: &MySqlPool, schema: Option<&str>) -> BoxOffice {
    let policy = policy().with_schema(schema.map(str::to_owned));
    BoxOffice::new(pool.clone(), policy, Arc::new(SystemClock)).expect("works")
}

/// A name for a schema that no other test uses.
fn beside(database: &MySqlConnectOptions, suffix: &str) -> String {
    format!("{}_{suffix}", database.get_database().expect("has a name"))
}

async fn concert(office: &BoxOffice) -> ConcertId {
    let id = ConcertId::generate();
    let date = NaiveDate::from_ymd_opt(2100, 4, 1).expect("a date");
    let new = NewConcert::new("Spring", date, vec![Section::plain(4, money(10))]).with_id(id);
    office.back_office().add_concert(&new).await.expect("adds a concert");
    id
}

async fn buyer(office: &BoxOffice, name: &str) -> UserId {
    office.sign_up(name.parse::<concert_core::Username>().expect("a name")).await.expect("registers").id
}

/// A whole purchase.
async fn buy(office: &BoxOffice, user: UserId, concert: ConcertId, number: i64) {
    office.issue_token(user).await.expect("joins");
    let held = office.hold_one(user, concert, seat(number)).await.expect("holds");
    office.recharge(user, held.price).await.expect("recharges");
    office.pay(user, held.id, held.price).await.expect("pays");
}

pub async fn assert_sound(office: &BoxOffice) {
    let violations = office.back_office().audit().await.expect("audits");
    assert!(violations.is_empty(), "{violations:#?}");
}

/// Every row can be locked at once.
pub async fn assert_nothing_is_locked(database: &MySqlConnectOptions) {
    let mut connection = database.connect().await.expect("connects");
    for table in ["queue_gate", "tokens", "users", "seats", "reservations", "concerts", "sweep_state"] {
        let lock = sqlx::AssertSqlSafe(format!("select 1 from {table} for update nowait"));
        sqlx::query(lock).fetch_all(&mut connection).await.unwrap_or_else(|error| panic!("{table}: {error}"));
    }
}

#[tokio::test]
async fn a_pool_without_autocommit_leaves_nothing_locked() {
    let database = fresh_database().await;
    let pool = pool_with(database.clone(), "set autocommit = 0").await;
    let office = office_in(&pool, None);
    office.migrate().await.expect("migrates");
    let (concert, user) = (concert(&office).await, buyer(&office, "anna").await);
    assert!(office.acquire_pass(Pass::Rerank, Duration::from_secs(10)).await.expect("takes it"));
    assert_nothing_is_locked(&database).await;
    buy(&office, user, concert, 1).await;
    assert_eq!(office.seats(concert).await.expect("reads").len(), 4);
    office.rerank_queue().await.expect("reranks");
    assert!(office.acquire_pass(Pass::Sweep, Duration::from_secs(60)).await.expect("takes it"));
    office.sweep_expired().await.expect("sweeps");
    assert!(office.token_status(user).await.is_ok());
    assert_nothing_is_locked(&database).await;
    assert_sound(&office).await;
}

/// Begins transactions and drops them while BEGIN is on its way and not yet answered: the pool has open ones then.
#[expect(clippy::disallowed_methods, reason = "an application may call it, and drop what it returns")]
pub async fn drop_transactions(pool: &MySqlPool) {
    for pauses in 0..64 {
        let give_way = async {
            for _ in 0..pauses {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = pool.begin() => {}
            () = give_way => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_drops_its_transactions_loses_and_locks_nothing_of_ours() {
    const BUYERS: usize = 20;
    let database = fresh_database().await;
    let pool = pool_with(database.clone(), "do 0").await;
    let office = office_in(&pool, None);
    office.migrate().await.expect("migrates");
    office.set_max_active(BUYERS as u32).await.expect("sets the cap");
    let mut users = Vec::new();
    for nth in 0..BUYERS {
        let user = buyer(&office, &format!("buyer-{nth}")).await;
        drop_transactions(&pool).await;
        assert!(office.acquire_pass(Pass::Rerank, Duration::ZERO).await.is_ok());
        assert_nothing_is_locked(&database).await;
        tokio::join!(drop_transactions(&pool), async {
            office.issue_token(user).await.expect("joins");
            office.recharge(user, money(7)).await.expect("recharges");
            office.rerank_queue().await.expect("reranks");
        });
        users.push(user);
    }
    assert_nothing_is_locked(&database).await;
    // As another process sees it.
    let another = office_in(&pool_with(database, "do 0").await, None);
    for user in users {
        assert_eq!(another.balance(user).await.expect("reads"), money(7));
        assert!(another.token_status(user).await.is_ok());
    }
    assert_sound(&another).await;
}

#[tokio::test]
async fn the_pool_of_the_application_is_not_used() {
    let database = fresh_database().await;
    let pool = pool_with(database, "do 0").await;
    let office = office_in(&pool, None);
    pool.close().await;
    office.migrate().await.expect("migrates");
    let (concert, user) = (concert(&office).await, buyer(&office, "anna").await);
    buy(&office, user, concert, 1).await;
    assert_sound(&office).await;
}

#[tokio::test]
async fn two_box_offices_with_schemas_of_their_own_share_a_pool() {
    let database = fresh_database().await;
    let pool = pool_with(database.clone(), "do 0").await;
    let offices = ["north", "south"].map(|suffix| office_in(&pool, Some(&beside(&database, suffix))));
    for office in &offices {
        assert!(matches!(office.ping().await, Err(Error::Setup(_))));
        office.migrate().await.expect("makes the schema");
        office.ping().await.expect("is ready");
        let (concert, user) = (concert(office).await, buyer(office, "anna").await);
        buy(office, user, concert, 1).await;
    }
    let [north, south] = offices;
    let (concert, user) = (concert(&north).await, buyer(&north, "ben").await);
    assert!(matches!(south.user(user).await, Err(Error::UserNotFound)));
    assert!(matches!(south.seats(concert).await, Err(Error::ConcertNotFound)));
    assert_sound(&north).await;
    assert_sound(&south).await;
    let tables = "select count(*) from information_schema.tables where table_schema = database()";
    assert_eq!(sqlx::query_scalar::<_, i64>(tables).fetch_one(&pool).await.expect("counts"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_who_make_the_same_schema_at_once_succeed() {
    let database = fresh_database().await;
    let pool = pool_with(database.clone(), "do 0").await;
    let schema = beside(&database, "shared");
    let mut migrating = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let office = office_in(&pool, Some(&schema));
        migrating.spawn(async move { office.migrate().await.map(|()| office) });
    }
    for migrated in migrating.join_all().await {
        migrated.expect("migrates").ping().await.expect("is ready");
    }
}

#[tokio::test]
async fn an_application_with_a_table_of_users_has_the_box_office_beside_it() {
    let database = fresh_database().await;
    let pool = pool_with(database.clone(), "do 0").await;
    let theirs =
        "create table users (id int primary key, email varchar(50)); insert into users values (1, 'a@example.org')";
    sqlx::raw_sql(theirs).execute(&pool).await.expect("runs");
    assert!(matches!(office_in(&pool, None).migrate().await, Err(Error::Setup(_))));
    let schema = beside(&database, "tickets");
    let office = office_in(&pool, Some(&schema));
    office.migrate().await.expect("migrates");
    let (concert, user) = (concert(&office).await, buyer(&office, "anna").await);
    buy(&office, user, concert, 1).await;
    // The same from options, as the server opens it.
    let policy = policy().with_schema(schema);
    let served = BoxOffice::connect_with(database, policy, Arc::new(SystemClock)).await.expect("connects");
    assert_eq!(served.user(user).await.expect("is there").id, user);
    assert_sound(&served).await;
    let email: String = sqlx::query_scalar("select email from users").fetch_one(&pool).await.expect("is as it was");
    assert_eq!(email, "a@example.org");
}

#[tokio::test]
async fn a_schema_that_would_have_to_be_quoted_or_is_the_servers_own_is_refused() {
    let pool = pool_with(fresh_database().await, "do 0").await;
    let names = ["", "with space", "a`b", "a.b", "naïve", "mysql", "SYS"].map(str::to_owned);
    for name in names.into_iter().chain(["x".repeat(65)]) {
        let policy = policy().with_schema(name.clone());
        let refused = BoxOffice::new(pool.clone(), policy, Arc::new(SystemClock));
        assert!(matches!(refused, Err(Error::InvalidInput(_))), "{name}");
    }
}
