//! B16, over HTTP: answers at once, paths behind a prefix, and refusals that pages of other origins can read.

use std::time::{Duration, Instant};

use concert_server::{App, Limits};
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::http::Site;
use crate::support::House;

#[tokio::test]
async fn b16_a_body_that_will_be_too_long_is_refused_before_it_is_sent() {
    let site = Site::open().await;
    for path in ["/api/v1/users", "/api/v1/users/login", "/api/v1/tokens", "/api/v1/queue"] {
        let mut socket = TcpStream::connect(site.url.trim_start_matches("http://")).await.expect("connects");
        let head = format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n");
        let head = format!("{head}content-length: 100000000\r\n\r\n");
        let begun = Instant::now();
        socket.write_all(head.as_bytes()).await.expect("is sent");
        let mut answer = vec![0; 1_024];
        let length = socket.read(&mut answer).await.expect("is answered");
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("PAYLOAD_TOO_LARGE"), "{path}: {answer}");
        assert!(begun.elapsed() < Duration::from_secs(5), "at once: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn b16_the_api_page_works_behind_a_prefix() {
    let site = Site::open().await;
    let redirect = site.get("/docs").send().await;
    assert_eq!((redirect.status.as_u16(), &redirect.headers["location"]), (308, &"docs/".parse().expect("a value")));
    let starter = site.get("/docs/swagger-initializer.js").send().await.expect(200, "").text;
    assert!(starter.contains(r#""../api-docs/openapi.json""#), "{starter}");
    assert!(!starter.contains(r#""/api-docs"#), "{starter}");
    let page = site.get("/docs/").send().await.expect(200, "").text;
    assert!(!page.contains("=\"/"), "nothing is loaded from the root: {page}");
    let document = site.get("/api-docs/openapi.json").send().await.expect(200, "").body;
    assert_eq!(document["servers"][0]["url"], "..", "calls from the page go to the same prefix");
}

#[tokio::test]
async fn b16_a_refusal_at_the_door_has_the_headers_that_pages_of_other_origins_need() {
    let house = House::open().await;
    let origin = "https://tickets.example";
    let app = App::new(house.office.clone()).with_cors(vec![origin.parse().expect("an origin")]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let site = Site::serve_on(listener, house, app, Limits { max_connections: 1, ..Limits::default() });
    // Takes the one place.
    let mut first = TcpStream::connect(site.url.trim_start_matches("http://")).await.expect("connects");
    first.write_all(b"GET /health/live HTTP/1.1\r\nhost: test\r\n\r\n").await.expect("is sent");
    first.read_u8().await.expect("is answered");

    let refused = site.get("/api/v1/reservations/dates").header("origin", origin).send().await;
    let refused = refused.expect(503, "TOO_MANY_CONNECTIONS");
    assert_eq!(refused.headers["access-control-allow-origin"], origin);
    assert_eq!(refused.headers["retry-after"], "1");
    assert!(refused.headers["access-control-expose-headers"].to_str().expect("text").contains("retry-after"));
    // Or the page would never see it.
    let preflight = reqwest::Client::new()
        .request(Method::OPTIONS, format!("{}/api/v1/tokens", site.url))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .send()
        .await
        .expect("is answered");
    assert!(preflight.status().is_success());
    assert_eq!(preflight.headers()["access-control-allow-origin"], origin);
    let alive = site.get("/health/live").header("origin", origin).send().await.expect(200, "");
    assert_eq!(alive.body["status"], "up");
    drop(first);
}
