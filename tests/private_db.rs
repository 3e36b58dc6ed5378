//! The private database: joined by a second process, recovered after a crash.

use std::path::Path;
use std::time::Duration;

use concert_core::private_db::{PrivateDatabase, Settings};
use concert_core::{BoxOffice, Error, SystemClock};
use sqlx::{ConnectOptions as _, Executor as _};

use crate::support::policy;

async fn open(folder: &Path) -> PrivateDatabase {
    PrivateDatabase::open(folder, &Settings::default()).await.expect("starts")
}

#[tokio::test]
async fn a_second_opening_joins_and_the_data_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = open(folder.path()).await;
    let second = open(folder.path()).await;
    assert!(first.is_owner() && !second.is_owner());
    let options = second.database("kept").await.expect("makes a database");
    let mut connection = options.connect().await.expect("connects");
    connection.execute("create table kept (n int); insert into kept values (7)").await.expect("writes");
    first.jwt_secret().expect("is made");
    let kept = || std::fs::read_to_string(folder.path().join("jwt-secret")).expect("is kept");
    let secret = kept();
    second.jwt_secret().expect("is there");
    assert_eq!((secret.len(), kept()), (64, secret));
    second.stop().await.expect("leaves");
    connection.execute("select 1").await.expect("the owner's server still runs");
    first.stop().await.expect("stops");

    let again = open(folder.path()).await;
    assert!(again.is_owner());
    let mut connection = again.database("kept").await.expect("is there").connect().await.expect("connects");
    let kept: i32 = sqlx::query_scalar("select n from kept").fetch_one(&mut connection).await.expect("reads");
    assert_eq!(kept, 7);
    again.stop().await.expect("stops");
}

#[tokio::test]
async fn one_that_joined_takes_over_when_the_owner_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    let owner = open(folder.path()).await;
    let joined = open(folder.path()).await;
    let options = joined.database("kept").await.expect("makes a database");
    let office = BoxOffice::connect_with(options, policy(), std::sync::Arc::new(SystemClock)).await.expect("connects");
    office.migrate().await.expect("migrates");
    let user = office.sign_up("anna".parse::<concert_core::Username>().expect("a name")).await.expect("registers").id;
    let one = concert_core::Money::whole(1).expect("in range");
    office.recharge(user, one).await.expect("recharges");

    owner.stop().await.expect("stops");
    office.recharge(user, one).await.expect("the next attempt finds the new server");
    // The new server may answer the retry before the one that started it has looked.
    let taken_over = async {
        while !joined.is_owner() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), taken_over).await.expect("it is the owner now");
    assert_eq!(office.balance(user).await.expect("reads").to_string(), "2");
    joined.stop().await.expect("stops");
}

#[tokio::test]
async fn what_was_committed_survives_a_killed_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = open(folder.path()).await;
    let mut connection = first.database("kept").await.expect("makes a database").connect().await.expect("connects");
    connection.execute("create table kept (n int); insert into kept values (7)").await.expect("writes");
    // Dropping the owner kills its server with SIGKILL.
    drop(first);

    let again = open(folder.path()).await;
    let mut connection = again.database("kept").await.expect("is there").connect().await.expect("connects");
    let kept: i32 = sqlx::query_scalar("select n from kept").fetch_one(&mut connection).await.expect("reads");
    assert_eq!(kept, 7);
    again.stop().await.expect("stops");
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { server_options: vec!["--no-such-option".to_owned()], ..Settings::default() };
    match PrivateDatabase::open(folder.path(), &settings).await {
        Err(Error::Setup(text)) => assert!(text.contains("no-such-option"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_folder_whose_path_is_too_long_for_a_socket_serves_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let deep = folder.path().join("d".repeat(100));
    let first = open(&deep).await;
    let second = open(&deep).await;
    assert!(first.is_owner() && !second.is_owner());
    second.database("kept").await.expect("makes a database");
    second.stop().await.expect("leaves");
    first.stop().await.expect("stops");
}
