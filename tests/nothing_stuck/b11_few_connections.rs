//! Few connections, and a database that is set up wrong.

use std::time::Duration;

use concert_core::{BoxOffice, Error};
use sqlx::ConnectOptions as _;
use sqlx::mysql::MySqlSslMode;
use tokio::task::JoinSet;

use crate::support::process::{self, refused_start};
use crate::support::{House, OwnServer, Shortcuts as _, policy, seat};

#[tokio::test]
async fn b11_readers_leave_the_writers_their_connections() {
    const HOLDS: usize = 60;
    let house = House::open().await;
    let needed = house.office.connections_needed();
    drop(house);
    // No more than one box office needs: for another account than root, which has one connection more.
    let server = OwnServer::start(&[&format!("--max-connections={needed}")]).await;
    let house = server.house().await;
    let concert = house.concert(HOLDS as u32).await;
    let users = house.active_users(HOLDS, 0).await;
    let database = house.database.clone();
    drop(house);
    server.run("create user box@localhost identified by 'secret'").await;
    server.run("grant select, insert, update, delete on concert.* to box@localhost").await;
    let clock = std::sync::Arc::new(concert_core::SystemClock);
    let options = database.username("box").password("secret");
    let office =
        BoxOffice::connect_with(options, policy().with_active_ttl(Duration::from_secs(366 * 24 * 3600)), clock);
    let office = office.await.expect("connects");
    office.open_connections().await.expect("there are just enough");
    let mut callers = JoinSet::new();
    for _ in 0..12 {
        let office = office.clone();
        callers.spawn(async move {
            loop {
                let _ = office.concert_dates().await;
                let _ = office.seats(concert).await;
            }
        });
    }
    for (nth, user) in users.into_iter().enumerate() {
        let _ = office.issue_token(user).await;
        match office.hold_one(user, concert, seat(nth as i64 + 1)).await {
            Ok(_) | Err(Error::TokenNotActive { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    callers.shutdown().await;
}

#[tokio::test]
async fn b11_a_server_that_would_not_get_its_connections_refuses_to_start_and_names_the_number() {
    let house = House::open().await;
    let needed = house.office.connections_needed();
    let server = OwnServer::start(&["--max-connections=10"]).await;
    let office = server.house().await.office;
    let refused = office.open_connections().await;
    let Err(Error::Setup(text)) = &refused else { panic!("{refused:?}") };
    assert_eq!(text, &format!("a box office needs {needed} connections, and max_connections is 10"));
    drop(office);
    let (code, said) = refused_start(server.database().await.to_url_lossy().as_str()).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("needs {needed} connections")), "{said}");

    let number = format!("{needed} connections");
    let help = process::help().await.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains(&number), "--help says it: {help}");
    let readme = include_str!("../../README.md").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(&number), "so does the README");
}

#[tokio::test]
async fn b11_a_table_in_another_engine_is_an_error_at_start_and_in_the_audit() {
    let house = House::open().await;
    house.tamper("alter table wallet_entries engine = MyISAM").await;
    let refused = house.another_office().await.migrate().await;
    let Err(Error::Setup(text)) = refused else { panic!("{refused:?}") };
    assert!(text.contains("the table wallet_entries is in MyISAM"), "{text}");
    let violations = house.office.back_office().audit().await.expect("audits");
    assert!(
        violations.iter().any(|violation| violation.row.contains("wallet_entries is in MyISAM")),
        "{violations:#?}"
    );
}

#[tokio::test]
async fn b11_a_server_without_the_tls_that_was_asked_for_is_named() {
    let server = OwnServer::start(&["--skip-ssl"]).await;
    let options = server.database().await.ssl_mode(MySqlSslMode::Required);
    let refused = BoxOffice::connect_with(options, policy(), std::sync::Arc::new(concert_core::SystemClock)).await;
    assert!(matches!(&refused, Err(Error::Setup(text)) if text.contains("ssl-mode")), "{refused:?}");
}
