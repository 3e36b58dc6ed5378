//! B5: no connection, stream, header or hall is held without a bound.

use std::time::Duration;

use concert_core::UserId;
use concert_server::{App, Limits};
use h2::client::SendRequest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::http::Site;
use crate::support::{House, Shortcuts as _};

/// What a test waits at most for a connection to end.
const PATIENCE: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(400);

/// One connection of HTTP/2.
struct Wire {
    requests: SendRequest<std::io::Cursor<Vec<u8>>>,
    ended: JoinHandle<()>,
}

impl Wire {
    async fn open(site: &Site, window: u32) -> Self {
        let socket = TcpStream::connect(site.url.trim_start_matches("http://")).await.expect("connects");
        let (requests, connection) =
            h2::client::Builder::new().initial_window_size(window).handshake(socket).await.expect("shakes hands");
        let ended = tokio::spawn(async move {
            let _ = connection.await;
        });
        Self { requests, ended }
    }

    /// The head of the answer to a GET.
    async fn get(&mut self, url: &str, bearer: &str) -> Result<(u16, h2::RecvStream), h2::Error> {
        let request = hyper::Request::get(url).header("authorization", format!("Bearer {bearer}"));
        self.requests = self.requests.clone().ready().await?;
        let (answer, _) = self.requests.send_request(request.body(()).expect("a request"), true)?;
        let answer = answer.await?;
        Ok((answer.status().as_u16(), answer.into_body()))
    }

    async fn ends(self) {
        tokio::time::timeout(PATIENCE, self.ended).await.expect("the server ends it").expect("no panic");
    }
}

async fn site(limits: Limits) -> Site {
    Site::serve(House::open().await, limits).await
}

fn events(user: UserId) -> String {
    format!("/api/v1/tokens/{user}/events")
}

#[tokio::test]
async fn b5_an_idle_connection_of_http2_is_ended() {
    let site = site(Limits { idle_timeout: SHORT, ..Limits::default() }).await;
    let silent = Wire::open(&site, 65_535).await;
    let mut polite = Wire::open(&site, 65_535).await;
    let (status, _) = polite.get(&format!("{}/health/live", site.url), "").await.expect("is answered");
    assert_eq!(status, 200);
    polite.ends().await;
    silent.ends().await;
}

#[tokio::test]
async fn b5_a_connection_of_http1_is_ended_once_no_request_comes_and_not_while_one_is_answered() {
    let site = site(Limits { idle_timeout: SHORT, ..Limits::default() }).await;
    let connect = async || TcpStream::connect(site.url.trim_start_matches("http://")).await.expect("connects");
    let ask = b"GET /health/live HTTP/1.1\r\nhost: test\r\n\r\n";

    let silent = connect().await;
    let mut polite = connect().await;
    polite.write_all(ask).await.expect("is sent");
    // Both send a head without an end, byte by byte: one as its first request, one as its second.
    let (mut slow, mut slow_later) = (connect().await, connect().await);
    slow_later.write_all(ask).await.expect("is sent");
    let trickle = async |socket: &mut TcpStream| {
        socket.write_all(b"GET /health/live HTTP/1.1\r\nx: ").await.expect("is sent");
        while socket.write_all(b"y").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let ends = async |mut socket: TcpStream| {
        // A reset says as much as an end.
        let _ = socket.read_to_end(&mut Vec::new()).await;
    };
    let all = async { tokio::join!(ends(silent), ends(polite), trickle(&mut slow), trickle(&mut slow_later)) };
    tokio::time::timeout(PATIENCE, all).await.expect("the server ends them");

    // A request that takes longer than that leaves the connection as it was: another one is answered on it.
    let mut busy = connect().await;
    busy.write_all(b"POST /api/v1/tokens HTTP/1.1\r\nhost: test\r\ncontent-length: 2\r\n\r\n").await.expect("is sent");
    tokio::time::sleep(3 * SHORT).await;
    busy.write_all(b"{}").await.expect("is sent");
    for (asks, status) in [(&b""[..], "400"), (ask, "200")] {
        busy.write_all(asks).await.expect("is sent");
        let mut answer = vec![0; 4_096];
        let length = busy.read(&mut answer).await.expect("is answered");
        let answer = String::from_utf8_lossy(&answer[..length]);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && !answer.contains("connection: close"), "{answer}");
    }

    let (user, token) = site.active_user(0).await;
    let mut follows = connect().await;
    let ask = format!("GET {} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\r\n", events(user));
    follows.write_all(ask.as_bytes()).await.expect("is sent");
    let ended = tokio::time::timeout(4 * SHORT, follows.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_err(), "an answer that goes on is not idle: {ended:?}");
}

#[tokio::test]
async fn b5_an_old_connection_hands_over() {
    let site = site(Limits { max_connection_age: SHORT, ..Limits::default() }).await;
    let url = format!("{}/health/live", site.url);
    let mut busy = Wire::open(&site, 65_535).await;
    let handed_over = async {
        while let Ok((status, _)) = busy.get(&url, "").await {
            assert_eq!(status, 200, "no request is lost");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, handed_over).await.expect("the server says that it goes away");
    busy.ends().await;

    // HTTP/1 is told with an answer.
    let mut socket = TcpStream::connect(site.url.trim_start_matches("http://")).await.expect("connects");
    let mut answers = String::new();
    let told = async {
        while !answers.contains("connection: close") {
            let ask = b"GET /health/live HTTP/1.1\r\nhost: test\r\n\r\n";
            socket.write_all(ask).await.expect("is sent");
            let mut answer = vec![0; 4_096];
            let length = socket.read(&mut answer).await.expect("is answered");
            assert!(length > 0, "no request meets a closed connection");
            answers = String::from_utf8_lossy(&answer[..length]).into_owned();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("the server says that it closes");
    assert_eq!(socket.read(&mut [0; 16]).await.expect("ends"), 0);
}

#[tokio::test]
async fn b5_who_withholds_the_window_of_a_stream_is_cut() {
    let site = site(Limits { write_timeout: SHORT, ..Limits::default() }).await;
    let mut wire = Wire::open(&site, 1_000).await;
    let url = format!("{}/docs/swagger-ui-bundle.js", site.url);
    let (status, _body) = wire.get(&url, "").await.expect("is answered");
    assert_eq!(status, 200);
    // It goes on with other requests, so that it is not idle.
    let live = format!("{}/health/live", site.url);
    let cut = async {
        while wire.get(&live, "").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, cut).await.expect("the server ends it");
    wire.ends().await;
}

#[tokio::test]
async fn b5_a_connection_has_so_many_event_streams() {
    let site = site(Limits::default()).await;
    site.house.office.set_max_active(100).await.expect("sets the cap");
    let mut wire = Wire::open(&site, 65_535).await;
    let mut open = Vec::new();
    loop {
        let (user, token) = site.active_user(0).await;
        let (status, body) = wire.get(&format!("{}{}", site.url, events(user)), &token).await.expect("is answered");
        if status == 503 {
            break;
        }
        assert_eq!(status, 200);
        open.push(body);
        assert!(open.len() < 100, "there is a limit");
    }
    assert_eq!(open.len(), 16);
    let (user, token) = site.active_user(0).await;
    let elsewhere = site.get(&events(user)).bearer(&token).open().await;
    assert_eq!(elsewhere.status(), 200, "another connection has its own");
    // One that ends makes room.
    open.pop();
    let again = async {
        while wire.get(&format!("{}{}", site.url, events(user)), &token).await.expect("is answered").0 != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("there is room again");
}

#[tokio::test]
async fn b5_the_newest_stream_of_a_token_wins() {
    let site = site(Limits::default()).await;
    let (user, token) = site.active_user(0).await;
    let first = site.get(&events(user)).bearer(&token).open().await;
    assert_eq!(first.status(), 200);
    let mut second = site.get(&events(user)).bearer(&token).open().await;
    assert_eq!(second.status(), 200);
    let heard = tokio::time::timeout(PATIENCE, first.text()).await.expect("it ends").expect("whole");
    assert!(heard.contains("event:replaced") && heard.contains("STREAM_REPLACED"), "{heard}");
    assert!(!heard.contains("event:end"), "the token is not over: {heard}");
    let said = second.chunk().await.expect("is open").expect("an event");
    assert!(String::from_utf8_lossy(&said).contains("event:token"));
    site.house.office.leave_queue(user).await.expect("leaves");
    site.house.office.refresh_queue().await.expect("refreshes");
    let heard = tokio::time::timeout(PATIENCE, second.text()).await.expect("it ends").expect("whole");
    assert!(heard.contains("event:end"), "the newest one hears the end: {heard}");
}

#[tokio::test]
async fn b5_an_event_stream_gets_so_old() {
    let site = site(Limits { max_connection_age: SHORT, ..Limits::default() }).await;
    let (user, token) = site.active_user(0).await;
    let stream = site.get(&events(user)).bearer(&token).open().await;
    let heard = tokio::time::timeout(PATIENCE, stream.text()).await.expect("it ends").expect("and is whole");
    assert!(heard.contains("event:token") && !heard.contains("event:end"), "to be opened again: {heard}");
}

#[tokio::test]
async fn b5_the_head_of_a_request_is_bounded() {
    let site = site(Limits::default()).await;
    let mut socket = TcpStream::connect(site.url.trim_start_matches("http://")).await.expect("connects");
    let head = format!("GET /health/live HTTP/1.1\r\nhost: test\r\nx-long: {}", "x".repeat(40_000));
    let _ = socket.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("it ends");
    let answer = String::from_utf8_lossy(&answer);
    assert!(read.is_err() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn b5_one_address_has_so_many_connections() {
    // An address of this machine that is not the loopback's; where there is none, there is nothing to try.
    let probe = std::net::UdpSocket::bind("0.0.0.0:0").expect("binds");
    let Some(own) = probe.connect("192.0.2.1:9").ok().and_then(|()| probe.local_addr().ok()).map(|own| own.ip()) else {
        return;
    };
    if own.is_loopback() || own.is_unspecified() {
        return;
    }
    let house = House::open().await;
    let app = App::new(house.office.clone());
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("binds");
    let port = listener.local_addr().expect("an address").port();
    let limits = Limits { max_connections_per_address: 2, ..Limits::default() };
    let site = Site::serve_on(listener, house, app, limits);
    let ask = async |host: &str, path: &str| {
        let mut socket = TcpStream::connect(format!("{host}:{port}")).await.expect("connects");
        socket.write_all(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes()).await.expect("is sent");
        let mut answer = vec![0; 4_096];
        let length = socket.read(&mut answer).await.expect("is answered");
        (String::from_utf8_lossy(&answer[..length]).into_owned(), socket)
    };
    let (own, dates) = (own.to_string(), "/api/v1/reservations/dates");
    let first = [ask(&own, dates).await, ask(&own, dates).await];
    assert!(first.iter().all(|(answer, _)| answer.starts_with("HTTP/1.1 200")));
    let (refused, _) = ask(&own, dates).await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("from this address"), "{refused}");
    assert!(ask(&own, "/health/live").await.0.starts_with("HTTP/1.1 200"), "health is answered all the same");
    assert!(ask("127.0.0.1", dates).await.0.starts_with("HTTP/1.1 200"), "others are not concerned");
    drop((first, site));
}

#[tokio::test]
async fn b5_a_poll_of_an_ended_token_asks_the_database_once() {
    let site = site(Limits::default()).await;
    let (user, token) = site.active_user(0).await;
    let path = format!("/api/v1/tokens/{user}");
    site.get(&path).bearer(&token).send().await.expect(200, "");
    site.house.office.leave_queue(user).await.expect("leaves");
    site.get(&path).bearer(&token).send().await.expect(410, "TOKEN_EXPIRED");
    // From here on there is nobody to ask.
    site.house.office.pool().close().await;
    for _ in 0..3 {
        site.get(&path).bearer(&token).send().await.expect(410, "TOKEN_EXPIRED");
    }
}
