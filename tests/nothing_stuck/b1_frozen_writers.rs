//! A writer that freezes between its round trips keeps no lock for long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use concert_core::{BoxOffice, Password, SignUp, SystemClock, UserId};
use serde_json::json;
use sqlx::ConnectOptions as _;

use crate::support::process::Server;
use crate::support::proxy::{Keeps, Proxy};
use crate::support::{House, money, policy};

/// The question that locks the gate.
const LOCKS_GATE: &[&str] = &["from queue_gate", "for update"];
/// The server ends the connection of a silent writer after 5 s, and whoever waits for its lock has it at the next try.
const SECONDS: Duration = Duration::from_secs(9);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b1_a_server_that_is_frozen_with_the_gate_locked_holds_up_the_others_for_seconds() {
    let house = House::open().await;
    let proxy = Proxy::start(&house.database);
    let url = proxy.options(&house.database).to_url_lossy();
    let frozen = Server::start(url.as_str()).await;
    // Another office on the system's time, as the server is.
    let other =
        BoxOffice::connect_with(house.database.clone(), policy(), Arc::new(SystemClock)).await.expect("connects");
    let users = house.users(2, 0).await;
    let password: Password = "correct horse".parse().expect("a password");
    let anna = SignUp::new("anna".parse().expect("a name")).with_password(password.clone());
    let anna = other.sign_up(anna).await.expect("signs up").id;
    let session = other.log_in("anna", &password).await.expect("logs in").access_token.expect("is signed");
    // The gate moves, so that the frozen one cannot assume it, and locks it.
    other.issue_token(users[0]).await.expect("joins");

    let caught = proxy.keep_back(Keeps::Answer, LOCKS_GATE);
    let join = json!({"userId": anna});
    let (joined, ()) = tokio::join!(frozen.post("/api/v1/tokens", Some(&session), &join), async {
        caught.caught().await;
        frozen.freeze();
        caught.release();
        let begun = Instant::now();
        let joined = other.issue_token(users[1]).await;
        let took = begun.elapsed();
        frozen.thaw();
        joined.expect("joins though a neighbour is frozen with the gate locked");
        assert!(took < SECONDS, "{took:?}");
    });
    assert_eq!(joined.0, 201, "the frozen one finds out and starts again: {}", joined.1);
    assert_eq!(house.count("select count(*) from tokens").await, 3);
    house.assert_sound().await;
}

#[tokio::test]
async fn b1_a_wallet_that_a_silent_neighbour_has_locked_is_free_within_seconds() {
    let house = House::open().await;
    let proxy = Proxy::start(&house.database);
    let silent = BoxOffice::connect_with(proxy.options(&house.database), policy(), house.clock.clone());
    let silent = silent.await.expect("connects");
    let users = house.users(2, 0).await;
    // A batch of two wallets is locked, not assumed.
    let caught = proxy.keep_back(Keeps::Answer, &["from users", "for update"]);
    let (first, second, (), ()) = tokio::join!(
        silent.recharge(users[0], money(1)),
        silent.recharge(users[1], money(2)),
        async {
            caught.caught().await;
            proxy.silence();
            caught.release();
        },
        async {
            wait_until_locked(&house, users[0]).await;
            let begun = Instant::now();
            while house.office.recharge(users[0], money(4)).await.is_err() {}
            assert!(begun.elapsed() < SECONDS, "{:?}", begun.elapsed());
        }
    );
    first.expect("the writer found out and started again");
    second.expect("the same");
    assert_eq!(house.office.balance(users[0]).await.expect("reads"), money(5));
    assert_eq!(house.office.balance(users[1]).await.expect("reads"), money(2));
    house.assert_sound().await;
}

/// Waits until somebody has the user's row locked.
async fn wait_until_locked(house: &House, user: UserId) {
    let lock = "select id from users where id = ? for update nowait";
    while sqlx::query(lock).bind(user).fetch_all(house.office.pool()).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
