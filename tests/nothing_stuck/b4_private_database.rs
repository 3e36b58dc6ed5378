//! A private MariaDB that dies is started again by its owner.

use std::sync::Arc;
use std::time::Duration;

use concert_core::{BoxOffice, Error, SystemClock};

use crate::support::process::signal;
use crate::support::{OwnServer, Shortcuts as _, money, policy};

/// Waits until the office is ready, or is not.
async fn until(office: &BoxOffice, is_ready: bool) {
    while office.ping().await.is_ok() != is_ready {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn until_owned(server: &OwnServer) {
    while !server.private.is_owner() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn b4_a_private_database_that_dies_is_started_again_by_its_owner() {
    let server = OwnServer::start(&["--innodb-flush-log-at-trx-commit=1"]).await;
    let office =
        BoxOffice::connect_with(server.database().await, policy(), Arc::new(SystemClock)).await.expect("connects");
    office.migrate().await.expect("migrates");
    let user = office.sign_up("anna".parse::<concert_core::Username>().expect("a name")).await.expect("registers").id;
    office.recharge(user, money(1)).await.expect("recharges");
    for times in 1..=2 {
        let process = server.process_id();
        signal(process, "KILL");
        let gone = until(&office, false);
        tokio::time::timeout(Duration::from_secs(5), gone).await.expect("readiness says no meanwhile");
        let back = until(&office, true);
        tokio::time::timeout(Duration::from_secs(30), back).await.expect("it is started again");
        // It answers a moment before its owner has seen that it does.
        let owned = until_owned(&server);
        tokio::time::timeout(Duration::from_secs(5), owned).await.expect("its owner has it again");
        assert_ne!(server.process_id(), process);
        office.recharge(user, money(1)).await.expect("recharges");
        assert_eq!(office.balance(user).await.expect("reads"), money(1 + times));
    }
    let violations = office.back_office().audit().await.expect("audits");
    assert!(violations.is_empty(), "{violations:#?}");
    server.private.stop().await.expect("stops, and nobody starts it again");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(matches!(office.ping().await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn b16_a_data_folder_may_have_any_name() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("a space, 'quotes' and $(touch x) ünïcode");
    let settings = concert_core::private_db::Settings { durable: false, ..Default::default() };
    let private = concert_core::private_db::PrivateDatabase::open(&folder, &settings).await.expect("starts");
    private.database("concert").await.expect("makes a database");
    private.stop().await.expect("stops");
}
