//! What may be tried again is tried again or answered with 503, never with 500.

use concert_core::{BoxOffice, Error, ErrorKind};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};

use crate::support::{House, OwnServer, PRICE, Shortcuts as _, money, policy, seat};

/// One act in each lane, a read and a readiness check; what became of each.
async fn all_kinds(house: &House, office: &BoxOffice, nth: i64) -> Vec<(&'static str, Result<(), Error>)> {
    let user = house.active_users(1, 500).await[0];
    let concert = house.concert(4).await;
    let name = format!("anna-{nth}").parse::<concert_core::Username>().expect("a name");
    let mut kinds = vec![
        ("recharge", office.recharge(user, money(5)).await.map(drop)),
        ("sign-up", office.sign_up(name).await.map(drop)),
        ("read", office.balance(user).await.map(drop)),
        ("ready", office.ping().await),
        ("rerank", office.rerank_queue().await.map(drop)),
        ("sweep", office.sweep_expired().await.map(drop)),
    ];
    match office.hold_one(user, concert, seat(1)).await {
        Ok(held) => kinds.push(("pay", office.pay(user, held.id, money(PRICE)).await.map(drop))),
        Err(error) => kinds.push(("hold", Err(error))),
    }
    kinds.push(("leave", office.leave_queue(user).await));
    kinds
}

#[tokio::test]
async fn b3_connections_that_the_server_closed_while_idle_cost_nobody_an_answer() {
    let house = House::open().await;
    let office = house.another_office().await;
    for (kind, done) in all_kinds(&house, &office, 0).await {
        done.unwrap_or_else(|error| panic!("{kind}: {error:?}"));
    }
    // The server closes what is idle for a second; MySQL says so with 4031.
    for _ in 0..8 {
        sqlx::raw_sql("set session wait_timeout = 1").execute(office.pool()).await.expect("sets");
    }
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let user = house.user(7).await;
    assert_eq!(office.balance(user).await.expect("reads"), money(7));
    // It closes all connections on this database.
    let mut killer = house.database.clone().connect().await.expect("connects");
    let others =
        "select cast(id as signed) from information_schema.processlist where db = database() and id <> connection_id()";
    for id in sqlx::query_scalar::<_, i64>(others).fetch_all(&mut killer).await.expect("lists") {
        let _ = killer.execute(AssertSqlSafe(format!("kill {id}"))).await;
    }
    // The house's own connections were closed as well.
    for (kind, done) in all_kinds(&house, &office, 1).await {
        done.unwrap_or_else(|error| panic!("{kind}: {error:?}"));
    }
    house.assert_sound().await;
}

/// An account with rights on rows alone.
async fn account(server: &OwnServer, limit: &str) -> MySqlConnectOptions {
    server.run(&format!("create user box@localhost identified by 'secret' {limit}")).await;
    server.run("grant select, insert, update, delete on concert.* to box@localhost").await;
    server.database().await.username("box").password("secret")
}

#[tokio::test]
async fn b3_a_read_only_server_is_a_503_and_no_500() {
    let server = OwnServer::start(&[]).await;
    let house = server.house().await;
    let options = account(&server, "").await;
    let office = BoxOffice::connect_with(options, policy(), house.clock.clone()).await.expect("connects");
    for (kind, done) in all_kinds(&house, &office, 0).await {
        done.unwrap_or_else(|error| panic!("{kind}: {error:?}"));
    }
    // The house's root may write all the same.
    server.run("set global read_only = 1").await;
    for (kind, done) in all_kinds(&house, &office, 1).await {
        match done {
            Ok(()) => assert_eq!(kind, "read"),
            Err(error) => assert!(matches!(error, Error::Unavailable(_)), "{kind}: {error:?}"),
        }
    }
    server.run("set global read_only = 0").await;
    for (kind, done) in all_kinds(&house, &office, 2).await {
        done.unwrap_or_else(|error| panic!("{kind}: {error:?}"));
    }
}

#[tokio::test]
async fn b3_an_account_that_has_no_connection_left_is_a_503_and_no_500() {
    let server = OwnServer::start(&[]).await;
    let house = server.house().await;
    let options = account(&server, "with max_user_connections 3").await;
    let office = BoxOffice::connect_with(options, policy(), house.clock.clone()).await.expect("connects");
    let mut told = 0;
    for nth in 0..2 {
        for (kind, done) in all_kinds(&house, &office, nth).await {
            if let Err(error) = done {
                assert_eq!(error.kind(), ErrorKind::TryAgain, "{kind}: {error:?}");
                told += 1;
            }
        }
    }
    assert!(told > 0, "three connections are too few for all lanes");
}

#[tokio::test]
async fn b3_an_account_that_is_let_in_no_more_is_a_503_while_the_box_office_runs() {
    let server = OwnServer::start(&[]).await;
    let house = server.house().await;
    let options = account(&server, "").await;
    let office = BoxOffice::connect_with(options.clone(), policy(), house.clock.clone()).await.expect("connects");
    server.run("alter user box@localhost identified by 'another'").await;
    for (kind, done) in all_kinds(&house, &office, 0).await {
        // A connection that was made before goes on.
        assert!(matches!(done, Err(Error::Unavailable(_))) || kind == "read" && done.is_ok(), "{kind}: {done:?}");
    }
    let refused = BoxOffice::connect_with(options, policy(), house.clock.clone()).await;
    assert!(matches!(&refused, Err(Error::Setup(text)) if text.contains("Access denied")), "{refused:?}");
}
