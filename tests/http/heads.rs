//! Heads of requests as no client writes them.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Site;

/// Sends bytes as they are, and returns the status line and the problem that came back.
async fn raw(site: &Site, request: &[u8]) -> (u16, String, Value) {
    let mut socket = TcpStream::connect(site.url.trim_start_matches("http://")).await.expect("connects");
    socket.write_all(request).await.expect("is sent");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("is answered");
    let answer = String::from_utf8(answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, head.to_lowercase(), serde_json::from_str(body).unwrap_or_default())
}

#[tokio::test]
async fn a_request_that_does_not_name_its_host_once_is_400() {
    let site = Site::open().await;
    let ask = async |version: &str, hosts: &str| {
        let request = format!("GET /api/v1/sales HTTP/{version}\r\nconnection: close\r\n{hosts}\r\n");
        let (status, _, problem) = raw(&site, request.as_bytes()).await;
        (status, problem["code"].as_str().unwrap_or_default().to_owned())
    };
    let refused = (400, "INVALID_REQUEST".to_owned());
    assert_eq!(ask("1.1", "").await, refused);
    assert_eq!(ask("1.1", "host: a\r\nhost: b\r\n").await, refused);
    assert_eq!(ask("1.1", "host: a\r\n").await.0, 200);
    assert_eq!(ask("1.0", "").await.0, 200, "it had no such rule");
}

#[tokio::test]
async fn a_body_in_another_charset_or_a_content_coding_is_415() {
    let site = Site::open().await;
    let sign_up = |name: &str, header: (&str, &str)| {
        let ask = site.ask(Method::POST, "/api/v1/users");
        let body = json!({"username": name, "password": "correct horse"}).to_string();
        let ask = if header.0 == "content-type" { ask } else { ask.header("content-type", "application/json") };
        let ask = ask.header(header.0, header.1);
        super::Ask { request: ask.request.body(body), ..ask }
    };
    for header in [
        ("content-type", "application/json; charset=euc-kr"),
        ("content-type", "application/json;charset=\"UTF-16\""),
        ("content-encoding", "gzip"),
        ("content-encoding", "identity, br"),
    ] {
        let refused = sign_up("ann", header).send().await.expect(415, "UNSUPPORTED_MEDIA_TYPE");
        assert!(refused.body["detail"].as_str().is_some_and(|text| text.starts_with("a body is")), "{}", refused.text);
    }
    sign_up("ann", ("content-type", "application/json; charset=\"UTF-8\"")).send().await.expect(201, "");
    sign_up("ben", ("content-type", "application/problem+json;profile=x;charset=utf-8")).send().await.expect(201, "");
    sign_up("cem", ("content-encoding", "Identity")).send().await.expect(201, "");
}
