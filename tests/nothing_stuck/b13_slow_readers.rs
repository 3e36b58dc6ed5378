//! B13: clients that do not read end, and health is reachable beside a full door.

use std::time::{Duration, Instant};

use concert_server::Limits;
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::Site;
use crate::support::House;

/// What a test waits at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// A new connection's answer to a GET.
async fn status_of(url: &str) -> StatusCode {
    reqwest::Client::new().get(url).send().await.expect("is answered").status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b13_who_pipelines_and_never_reads_does_not_keep_the_door_full() {
    let limits = Limits { max_connections: 30, write_timeout: Duration::from_secs(1), ..Limits::default() };
    let site = Site::serve(House::open().await, limits).await;
    let concert = site.house.concert(3_000).await;
    let hall = format!("/api/v1/reservations/{concert}/seats");
    let address = site.url.trim_start_matches("http://").to_owned();
    let asks = format!("GET {hall} HTTP/1.1\r\nhost: test\r\n\r\n").repeat(300);
    let begun = Instant::now();
    let mut deaf = Vec::new();
    for _ in 0..32 {
        let mut socket = TcpStream::connect(&address).await.expect("connects");
        socket.write_all(asks.as_bytes()).await.expect("is sent");
        deaf.push(socket);
    }
    let in_time = begun.elapsed() < limits.write_timeout;
    let (live, ready) = (format!("{}/health/live", site.url), format!("{}/health/ready", site.url));
    let dates = format!("{}/api/v1/reservations/dates", site.url);
    let mut refused = 0;
    loop {
        assert_eq!((status_of(&live).await, status_of(&ready).await), (StatusCode::OK, StatusCode::OK));
        match status_of(&dates).await {
            StatusCode::OK => break,
            status => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE),
        }
        refused += 1;
        assert!(begun.elapsed() < PATIENCE, "the door was full for {PATIENCE:?}");
    }
    assert!(refused > 0 || !in_time, "the door was full at first");
    // All of them are cut, not some: there are thirty places again.
    let places = async {
        loop {
            let clients: Vec<_> = (0..30).map(|_| reqwest::Client::new()).collect();
            let mut answers = Vec::new();
            for client in &clients {
                answers.push(client.get(&dates).send().await.expect("is answered").status());
            }
            if answers.iter().all(|status| *status == StatusCode::OK) {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, places).await.expect("every connection has ended");
    drop(deaf);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b13_who_reads_slowly_is_served_whole() {
    let limits = Limits { write_timeout: Duration::from_millis(500), ..Limits::default() };
    let site = Site::serve(House::open().await, limits).await;
    let concert = site.house.concert(3_000).await;
    let hall = format!("/api/v1/reservations/{concert}/seats");
    let whole = site.get(&hall).send().await.expect(200, "").text.len();
    let address = site.url.trim_start_matches("http://").to_owned();
    let mut socket = TcpStream::connect(&address).await.expect("connects");
    // So many that they fit into no buffer of the system, and the last one says that it is.
    const ASKS: usize = 60;
    let ask = |more: &str| format!("GET {hall} HTTP/1.1\r\nhost: test\r\n{more}\r\n");
    let asks = ask("").repeat(ASKS - 1) + &ask("connection: close\r\n");
    socket.write_all(asks.as_bytes()).await.expect("is sent");
    let (mut read, mut chunk) = (0, vec![0; 256 * 1024]);
    loop {
        match socket.read(&mut chunk).await.expect("is not cut") {
            0 => break,
            some => read += some,
        }
        // Slower than the server writes, faster than its patience.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(read > whole * ASKS, "{read} bytes of {ASKS} halls of {whole}");
}
