//! Whatever state an application's pool is in, and whatever the server prefers, the answers are the same and nothing
//! stays locked.

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use concert_core::{BoxOffice, ConcertId, ManualClock, Money, NewConcert, Pass, Section, Username, Wanted};
use sqlx::MySqlPool;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};

use crate::host::{assert_nothing_is_locked, assert_sound, drop_transactions, pool_with};
use crate::support::{OwnServer, Shortcuts as _, fresh_database, policy, seat};

/// What an application's connections may begin with.
const STATES: [&str; 8] = [
    "do 0",
    "set autocommit = 0",
    "set names latin1",
    "set time_zone = '+09:00'",
    "set session transaction isolation level serializable",
    "set sql_mode = ''",
    "set session transaction read only",
    "set autocommit = 0, time_zone = '-11:00', sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES', group_concat_max_len = 4, \
     div_precision_increment = 0, sql_select_limit = 1, sql_safe_updates = 1, completion_type = 2, unique_checks = 0",
];

fn cents(cents: i64) -> Money {
    Money::new(concert_core::rust_decimal::Decimal::new(cents, 2)).expect("an amount")
}

/// A visit with all that the settings of a session could change; what it was answered, without ids.
async fn answers(pool: &MySqlPool) -> Vec<String> {
    let noon = chrono::DateTime::from_timestamp(1_803_902_400, 123_456_000).expect("a time");
    let clock = Arc::new(ManualClock::new(noon));
    let office = BoxOffice::new(pool.clone(), policy(), clock.clone()).expect("works");
    office.migrate().await.expect("migrates");
    let mut said = Vec::new();
    let concert = ConcertId::generate();
    let sections = vec![Section::in_rows(2, 5, cents(1_05)).with_name("Párterre 석 🎫")];
    let date = NaiveDate::from_ymd_opt(2027, 3, 1).expect("a date");
    let new = NewConcert::new("봄 Frühling 🎵", date, sections).with_id(concert);
    office.back_office().add_concert(&new).await.expect("adds a concert");
    let user = office.sign_up("안나 é".parse::<Username>().expect("a name")).await.expect("registers");
    said.push(format!("{} {}", user.username, user.created_at));
    for amount in [50, 50, 1, 9_99] {
        let recharged = office.recharge(user.id, cents(amount)).await.expect("recharges");
        said.push(format!("{} {}", recharged.before, recharged.after));
    }
    let joined = office.issue_token(user.id).await.expect("joins");
    said.push(format!("{:?}", joined.token.standing));
    let best = Wanted::BestAvailable { count: 3, section: Some("Párterre 석 🎫".to_owned()) };
    let order = office.hold(user.id, concert, best).await.expect("holds");
    said.push(format!(
        "{} {} {:?}",
        order.total,
        order.expires_at,
        order.reservations.iter().map(|held| held.seat).collect::<Vec<_>>()
    ));
    clock.advance(Duration::from_secs(1));
    office.pay(user.id, order.id, order.total).await.expect("pays");
    said.push(format!("{:?}", office.hold_one(user.id, concert, seat(99)).await.map(drop)));
    said.push(format!("{:?}", office.seats(concert).await.expect("reads")));
    for date in office.concert_dates().await.expect("reads") {
        said.push(format!("{} {}", date.name, date.date));
    }
    said.push(office.balance(user.id).await.expect("reads").to_string());
    assert!(office.acquire_pass(Pass::Rerank, Duration::from_secs(10)).await.expect("takes it"));
    said.push(format!("{:?}", office.rerank_queue().await.expect("reranks")));
    clock.advance(Duration::from_secs(3600));
    said.push(format!("{:?}", office.sweep_expired().await.expect("sweeps")));
    let figures = office.back_office().figures().await.expect("reads");
    said.push(format!("{} {}", figures.payments, figures.revenue));
    assert_sound(&office).await;
    said
}

#[tokio::test]
async fn b10_the_answers_are_the_same_in_whatever_state_the_applications_pool_is() {
    let mut usual: Option<Vec<String>> = None;
    for state in STATES {
        let database = fresh_database().await;
        let pool = pool_with(database.clone(), state).await;
        let said = answers(&pool).await;
        assert_eq!(usual.get_or_insert_with(|| said.clone()), &said, "{state}");
        assert_nothing_is_locked(&database).await;
    }
    let usual = usual.expect("said something");
    assert!(usual.contains(&"1.00 1.01".to_owned()) || usual.contains(&"1 1.01".to_owned()), "{usual:#?}");
}

#[tokio::test]
async fn b10_options_of_the_applications_pool_change_no_answer() {
    let usual = answers(&pool_with(fresh_database().await, "do 0").await).await;
    let options = fresh_database().await.charset("latin1").timezone("+05:00".to_owned()).pipes_as_concat(true);
    assert_eq!(usual, answers(&MySqlPoolOptions::new().connect_lazy_with(options)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b10_ten_thousand_dropped_transactions_of_the_application_lose_and_lock_nothing() {
    let database = fresh_database().await;
    let pool = pool_with(database.clone(), "do 0").await;
    let dropping = async {
        for _ in 0..10_000_usize.div_ceil(64) {
            drop_transactions(&pool).await;
        }
    };
    let ((), said) = tokio::join!(dropping, answers(&pool));
    assert_nothing_is_locked(&database).await;
    assert_eq!(said, answers(&pool_with(fresh_database().await, "do 0").await).await);
}

/// A server whose defaults are as unlike ours as they can be, and that changes each connection of such an account.
#[tokio::test]
async fn b6_no_setting_of_the_server_changes_an_answer() {
    let usual = answers(&pool_with(fresh_database().await, "do 0").await).await;
    let server = OwnServer::start(&[
        "--div-precision-increment=0",
        "--group-concat-max-len=4",
        "--autocommit=0",
        "--character-set-server=latin1",
        "--collation-server=latin1_general_cs",
        "--sql-mode=",
        "--transaction-isolation=SERIALIZABLE",
        "--default-time-zone=+05:30",
        "--completion-type=2",
        "--innodb-lock-wait-timeout=1000",
        "--init-connect=set autocommit = 0, sql_select_limit = 1, sql_safe_updates = 1, unique_checks = 0, names latin1",
    ])
    .await;
    let root = server.database().await;
    assert_eq!(usual, answers(&MySqlPoolOptions::new().connect_lazy_with(root)).await);
    server.run("create database boxes; create user box@localhost; grant all on boxes.* to box@localhost; commit").await;
    let account: MySqlConnectOptions = server.database().await.username("box").database("boxes");
    assert_eq!(usual, answers(&MySqlPoolOptions::new().connect_lazy_with(account)).await);
}
