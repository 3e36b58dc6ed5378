//! One clock decides for all servers: the database's.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};
use concert_core::{BoxOffice, Clock, ConcertId, Error, NewConcert, Pass, Section, SystemClock, Timestamp, UserId};

use crate::support::{House, Shortcuts as _, fresh_database, money, policy, seat};

/// The clock of a machine that is wrong by so many seconds.
struct WrongClock(i64);

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + TimeDelta::seconds(self.0)
    }

    fn follows_database(&self) -> bool {
        true
    }
}

/// Offices on one database whose machines' clocks are wrong by so many seconds; holds last a minute.
async fn offices<const N: usize>(wrong_by: [i64; N]) -> [BoxOffice; N] {
    let database = fresh_database().await;
    let policy = policy().with_hold_ttl(Duration::from_secs(60)).with_active_ttl(Duration::from_secs(60));
    let mut offices = Vec::new();
    for seconds in wrong_by {
        let clock = Arc::new(WrongClock(seconds));
        offices.push(BoxOffice::connect_with(database.clone(), policy.clone(), clock).await.expect("connects"));
    }
    offices[0].migrate().await.expect("migrates");
    offices.try_into().unwrap_or_else(|_| unreachable!("as many as were asked for"))
}

async fn concert(office: &BoxOffice) -> ConcertId {
    let id = ConcertId::generate();
    let date = NaiveDate::from_ymd_opt(2100, 4, 1).expect("a date");
    let new = NewConcert::new("Spring", date, vec![Section::plain(4, money(10))]).with_id(id);
    office.back_office().add_concert(&new).await.expect("adds a concert");
    id
}

async fn buyer(office: &BoxOffice, name: &str) -> UserId {
    let user = office.sign_up(name.parse::<concert_core::Username>().expect("a name")).await.expect("registers").id;
    office.recharge(user, money(100)).await.expect("recharges");
    office.issue_token(user).await.expect("joins");
    user
}

#[tokio::test]
async fn b9_a_server_whose_clock_is_ahead_sells_no_held_seat_and_ends_no_turn() {
    let [right, ahead, late] = offices([0, 90, -90]).await;
    let concert = concert(&right).await;
    let (holder, rival) = (buyer(&right, "anna").await, buyer(&right, "berta").await);
    let held = right.hold_one(holder, concert, seat(1)).await.expect("holds for a minute");
    for office in [&ahead, &late] {
        assert!((office.now() - right.now()).abs() < TimeDelta::seconds(1), "{} {}", office.now(), right.now());
        let taken = office.hold_one(rival, concert, seat(1)).await;
        assert!(matches!(taken, Err(Error::SeatAlreadyReserved { .. })), "{taken:?}");
        assert_eq!(office.rerank_queue().await.expect("reranks").expired, 0);
        assert_eq!(office.sweep_expired().await.expect("sweeps").released, 0);
    }
    // The deadline of a hold is the same, whoever makes it.
    let theirs = late.hold_one(rival, concert, seat(2)).await.expect("holds");
    assert!((theirs.expires_at - held.expires_at).abs() < TimeDelta::seconds(30), "{theirs:?} {held:?}");
    late.pay(holder, held.id, held.price).await.expect("pays");
    ahead.pay(rival, theirs.id, theirs.price).await.expect("pays");
    assert!(right.back_office().audit().await.expect("audits").is_empty());
}

/// An application may give a pool, and never make the passes.
#[tokio::test]
async fn b9_an_office_that_never_connected_reads_the_clock_before_its_first_act() {
    let database = fresh_database().await;
    let pool = sqlx::mysql::MySqlPoolOptions::new().connect_with(database).await.expect("connects");
    let office = BoxOffice::new(pool, policy(), Arc::new(WrongClock(3_600))).expect("works");
    office.migrate().await.expect("migrates");
    let user = buyer(&office, "anna").await;
    let until = office.token_status(user).await.expect("is in").standing.expires_at.expect("has a turn");
    let ten_minutes = SystemClock.now() + TimeDelta::minutes(10);
    assert!((until - ten_minutes).abs() < TimeDelta::seconds(30), "{until}, the database's clock says {ten_minutes}");
}

#[tokio::test]
async fn b9_a_server_on_a_node_whose_clock_is_behind_is_not_ready() {
    let [office] = offices([0]).await;
    office.acquire_pass(Pass::Rerank, Duration::from_secs(10)).await.expect("acquires");
    office.ping().await.expect("is ready");
    // What a server on another node has written, by the clock of that node.
    let write = "update queue_gate set last_sweep_at = utc_timestamp(6) + interval 3 second";
    sqlx::query(write).execute(office.pool()).await.expect("writes");
    office.run(tokio::time::sleep(Duration::from_millis(300))).await;
    let refused = office.ping().await;
    let text = |error: &Error| std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    assert!(matches!(&refused, Err(error) if text(error).contains("behind")), "{refused:?}");
}

#[tokio::test]
async fn b9_a_clock_that_is_given_for_tests_stays_as_it_is() {
    let house = House::open().await;
    assert_eq!(house.office.now(), house.clock.now());
    house.advance(3_600);
    let user = house.user(0).await;
    house.office.issue_token(user).await.expect("joins");
    assert_eq!(house.office.now(), house.clock.now());
}

/// A real server that believes to live in another time.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    /// `None` where libfaketime is not installed.
    async fn start(folder: &std::path::Path, ahead: &str) -> Option<Self> {
        let program = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("../debug/concert-server");
        let library = std::fs::read_dir("/usr/lib").ok()?.flatten();
        let library =
            library.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1")).find(|file| file.exists())?;
        if !program.exists() {
            return None;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("binds").local_addr().expect("has one").port();
        // Loaded here, not by the program `faketime`, which would leave the server running.
        let process = Command::new(program)
            .env("LD_PRELOAD", library)
            .env("FAKETIME", ahead)
            .args(["--listen", &format!("127.0.0.1:{port}"), "--hold-ttl", "60s", "--data-dir"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let server = Self { process, url: format!("http://127.0.0.1:{port}") };
        for _ in 0..100 {
            if server.get("/health/ready").await.is_some_and(|(status, _)| status == 200) {
                return Some(server);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server is not ready");
    }

    /// How far the database's clock is ahead of the server's.
    async fn offset(&self) -> f64 {
        for _ in 0..100 {
            let (_, metrics) = self.get("/metrics").await.expect("answers");
            let offset = metrics.lines().find_map(|line| line.strip_prefix("concert_clock_offset_seconds "));
            if let Some(offset) = offset {
                return offset.parse().expect("a number");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the metric is missing");
    }

    async fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = reqwest::get(format!("{}{path}", self.url)).await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn b9_a_real_server_in_another_time_tells_by_how_much_its_clock_is_wrong() {
    use concert_core::private_db::{DATABASE, PrivateDatabase, Settings};

    let folder = tempfile::tempdir().expect("a folder");
    let private = PrivateDatabase::open(folder.path(), &Settings::default()).await.expect("starts");
    let options = private.database(DATABASE).await.expect("is there");
    let policy = policy().with_hold_ttl(Duration::from_secs(60));
    let office = BoxOffice::connect_with(options, policy, Arc::new(SystemClock)).await.expect("connects");
    office.migrate().await.expect("migrates");
    let concert = concert(&office).await;
    let holder = buyer(&office, "anna").await;
    let held = office.hold_one(holder, concert, seat(1)).await.expect("holds for a minute");

    let Some(server) = Server::start(folder.path(), "+90s").await else {
        eprintln!("not tried: faketime or the server's program is missing");
        return;
    };
    // Its passes have begun with the server: none has ended the turn or released the hold.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (_, seats) = server.get(&format!("/api/v1/reservations/{concert}/seats")).await.expect("answers");
    assert!(seats.contains(r#""seatNumber":1,"available":false"#), "{seats}");
    let offset = server.offset().await;
    assert!((offset + 90.0).abs() < 1.0, "{offset}");
    office.pay(holder, held.id, held.price).await.expect("pays");
    drop(server);
    office.pool().close().await;
}
