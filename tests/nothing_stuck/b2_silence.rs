//! A connection that goes silent, and a database that freezes, hold nobody up for long.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use concert_core::{BoxOffice, ConcertId, Error};
use serde_json::json;

use crate::http::Site;
use crate::support::process::signal;
use crate::support::proxy::{Keeps, Proxy};
use crate::support::{House, OwnServer, PRICE, Shortcuts as _, money, policy, seat};

/// One round trip that gets no answer, and the connections that are tried after it.
const BOUND: Duration = Duration::from_secs(20);

async fn behind(proxy: &Proxy, house: &House) -> BoxOffice {
    let office = BoxOffice::connect_with(proxy.options(&house.database), policy(), house.clock.clone());
    office.await.expect("connects")
}

#[tokio::test]
async fn b2_connections_that_fall_silent_are_replaced_and_every_act_is_done_once() {
    let house = House::open().await;
    let proxy = Proxy::start(&house.database);
    let office = behind(&proxy, &house).await;
    office.open_connections().await.expect("opens");
    let concert = house.concert(4).await;
    let users = house.active_users(4, 500).await;
    let held = office.hold_one(users[3], concert, seat(4)).await.expect("holds");
    office.balance(users[0]).await.expect("reads");

    proxy.silence();
    let begun = Instant::now();
    let (joined, recharged, hold, paid, signed_up, read, ready) = tokio::join!(
        office.leave_queue(users[2]),
        office.recharge(users[0], money(50)),
        office.hold_one(users[1], concert, seat(1)),
        office.pay(users[3], held.id, money(PRICE)),
        office.sign_up("anna".parse::<concert_core::Username>().expect("a name")),
        office.balance(users[1]),
        async {
            let asked = Instant::now();
            while office.ping().await.is_err() {}
            asked.elapsed()
        },
    );
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    assert!(ready < Duration::from_secs(4), "{ready:?}: a new connection is tried at once");
    joined.expect("leaves");
    assert_eq!(recharged.expect("recharges").after, money(550));
    hold.expect("holds");
    paid.expect("pays");
    signed_up.expect("registers");
    read.expect("reads on another connection");
    assert_eq!(house.count("select count(*) from reservations").await, 2);
    assert_eq!(house.count("select count(*) from payments").await, 1);
    house.assert_sound().await;
}

#[tokio::test]
async fn b2_a_script_that_arrives_after_its_writer_gave_up_changes_nothing() {
    let house = House::open().await;
    let proxy = Proxy::start(&house.database);
    let office = behind(&proxy, &house).await;
    let concert = house.concert(1).await;
    let users = house.active_users(2, 500).await;
    let [slow, quick] = users[..] else { panic!("two users") };
    let late = proxy.keep_back(Keeps::Question, &["insert into reservations", "commit"]);
    let (refused, ()) = tokio::join!(office.hold_one(slow, concert, seat(1)), async {
        late.caught().await;
        house.office.hold_one(quick, concert, seat(1)).await.expect("is quicker");
    });
    assert!(matches!(refused, Err(Error::SeatAlreadyReserved { .. })), "{refused:?}");
    let hold = house.office.reservations_of(quick).await.expect("reads").remove(0);
    house.office.cancel(quick, hold.id).await.expect("gives back");
    // Now nothing but its lateness keeps the script from holding the seat for somebody who was refused.
    late.release();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(house.count("select count(*) from seats where is_reserved = 1").await, 0);
    assert_eq!(house.count("select count(*) from reservations").await, 1);
    house.assert_sound().await;
}

#[tokio::test]
async fn b2_while_the_database_is_frozen_all_are_answered_in_bounded_time() {
    let server = OwnServer::start(&[]).await;
    let site = Site::serve(server.house().await, concert_server::Limits::default()).await;
    let office = &site.house.office;
    office.open_connections().await.expect("opens");
    let (user, token) = site.active_user(100).await;
    site.get("/health/ready").send().await.expect(200, "");
    // What was just asked may be answered from memory for a while.
    tokio::time::sleep(Duration::from_millis(1_100)).await;

    signal(server.process_id(), "STOP");
    let begun = Instant::now();
    let ready = async {
        site.get("/health/ready").send().await.expect(503, "DATABASE_UNAVAILABLE");
        begun.elapsed()
    };
    let seats = async {
        let path = format!("/api/v1/reservations/{}/seats", ConcertId::generate());
        site.get(&path).send().await.expect(503, "DATABASE_UNAVAILABLE");
        begun.elapsed()
    };
    let recharge = async {
        let body = json!({"userId": user, "amount": 1});
        let asked = site.post("/api/v1/payments/recharge", &body).bearer(&token);
        asked.send().await.expect(503, "DATABASE_UNAVAILABLE");
        begun.elapsed()
    };
    let (ready, seats, recharge) = tokio::join!(ready, seats, recharge);
    signal(server.process_id(), "CONT");
    assert!(ready < Duration::from_secs(2), "{ready:?}");
    assert!(seats < Duration::from_secs(12), "{seats:?}");
    assert!(recharge < BOUND, "{recharge:?}");

    let back = async {
        while office.ping().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), back).await.expect("it goes on by itself");
    // The recharge that got no answer was done or not; asked again with no key it is another one.
    office.recharge(user, money(10)).await.expect("recharges");
    site.house.assert_sound().await;
}

#[tokio::test]
async fn b2_a_database_that_is_read_only_is_not_ready() {
    let server = OwnServer::start(&[]).await;
    let house = server.house().await;
    house.office.ping().await.expect("is ready");
    server.run("set global read_only = 1").await;
    let refused = house.office.ping().await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    server.run("set global read_only = 0").await;
    house.office.ping().await.expect("is ready again");
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let name = entry.file_name().expect("a name").to_string_lossy().into_owned();
        if entry.is_dir() {
            sources(&entry, found);
        } else if !name.contains("tests") {
            found.push(entry);
        }
    }
}

/// Nobody waits for the database but through what bounds the wait.
#[test]
fn b2_every_wait_for_the_database_has_a_bound() {
    const WAITS: [&str; 8] = [
        ".execute(",
        ".fetch_all(",
        ".fetch_one(",
        ".fetch_optional(",
        ".fetch_many(",
        ".fetch(",
        ".connect()",
        ".ping()",
    ];
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../concert-core/src");
    let mut files = Vec::new();
    sources(&library, &mut files);
    let mut unbounded = Vec::new();
    for file in files {
        let path = file.strip_prefix(&library).expect("is in it").to_string_lossy().into_owned();
        // Its waits run within `Script::run` and `read::run`, and connecting within `session::connect`.
        if ["sql/script.rs", "sql/read.rs", "db/session.rs"].contains(&path.as_str()) || path.contains("failure_tests")
        {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("reads");
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let waits = |line: &&str| WAITS.iter().any(|wait| line.contains(wait)) && !line.trim_start().starts_with("//");
        // Methods of ours of the same names.
        let waits = |line: &&str| waits(line) && !line.contains("self.ping()") && !line.contains("self.connect()");
        unbounded.extend(
            code.lines().filter(waits).filter(|line| !line.contains("within(")).map(|line| format!("{path}: {line}")),
        );
    }
    assert!(unbounded.is_empty(), "{unbounded:#?}");
}
