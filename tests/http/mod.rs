//! The REST contract: every route with every code, over a real socket, as clients see it.

mod bad_credentials;
mod bad_input;
mod catalog;
pub mod documented;
pub mod events;
mod heads;
mod history;
mod ops;
mod orders;
mod payments;
mod reservations;
mod seats;
mod shutdown;
mod tokens;
mod users;

use std::fmt::Write as _;

use concert_core::{Caller, ConcertId, Policy, SignUp, UserId};
use concert_server::{App, Limits, Listeners, serve};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::House;

/// A server on a port of its own, over a house of its own.
pub struct Site {
    pub house: House,
    pub url: String,
    client: reqwest::Client,
    shutdown: CancellationToken,
}

impl Site {
    pub async fn open() -> Self {
        Self::open_with(|policy| policy).await
    }

    pub async fn open_with(change: impl FnOnce(Policy) -> Policy) -> Self {
        Self::serve(House::open_with(change).await, Limits::default()).await
    }

    pub async fn serve(house: House, limits: Limits) -> Self {
        let app = App::new(house.office.clone());
        Self::serve_app(house, app, limits).await
    }

    pub async fn serve_app(house: House, app: App, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        Self::serve_on(listener, house, app, limits)
    }

    pub fn serve_on(listeners: impl Into<Listeners>, house: House, app: App, limits: Limits) -> Self {
        let listeners = listeners.into();
        let url = format!("http://{}", listeners.public.local_addr().expect("has an address"));
        let shutdown = CancellationToken::new();
        tokio::spawn(serve(listeners, app, limits, shutdown.clone()));
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        // Compressed bodies are looked at as they come.
        Self { house, url, client: client.build().expect("a client"), shutdown }
    }

    pub fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        let request = self.client.request(method.clone(), format!("{}{path}", self.url));
        let request = request.header("x-request-id", "test");
        Ask { site: self, line: format!("{method} {path}"), request, note: String::new() }
    }

    pub fn get(&self, path: &str) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    pub fn post(&self, path: &str, body: &Value) -> Ask<'_> {
        self.post_text(path, &body.to_string())
    }

    pub fn post_text(&self, path: &str, body: &str) -> Ask<'_> {
        let mut ask = self.ask(Method::POST, path).header("content-type", "application/json");
        ask.note = format!("\n{body}");
        ask.request = ask.request.body(body.to_owned());
        ask
    }

    pub fn patch(&self, path: &str, body: &Value) -> Ask<'_> {
        let text = body.to_string();
        let mut ask = self.ask(Method::PATCH, path).header("content-type", "application/json");
        ask.note = format!("\n{text}");
        ask.request = ask.request.body(text);
        ask
    }

    pub fn delete(&self, path: &str) -> Ask<'_> {
        self.ask(Method::DELETE, path)
    }

    /// A user who is ACTIVE, and the user's queue token.
    pub async fn active_user(&self, balance: u32) -> (UserId, String) {
        let user = self.house.user(balance).await;
        (user, self.join(user).await)
    }

    /// The queue token of a user, from joining or resuming.
    pub async fn join(&self, user: UserId) -> String {
        self.house.office.issue_token(Caller::verified(user)).await.expect("joins").token.jwt.expect("is signed")
    }

    /// A user who signed up and logged in: the id and the session's token.
    pub async fn logged_in(&self, name: &str) -> (UserId, String) {
        let password = || "correct horse".parse().expect("a password");
        let user =
            self.house.office.sign_up(SignUp::new(name.parse().expect("a name")).with_password(password())).await;
        let user = user.expect("registers").id;
        (user, self.house.office.log_in(name, &password()).await.expect("logs in").access_token.expect("is signed"))
    }

    pub fn shut_down(&self) {
        self.shutdown.cancel();
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A request in the making.
pub struct Ask<'a> {
    site: &'a Site,
    line: String,
    request: reqwest::RequestBuilder,
    note: String,
}

impl Ask<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// Opens a stream.
    pub async fn open(self) -> reqwest::Response {
        self.request.send().await.expect("is answered")
    }

    pub async fn send(self) -> Answer {
        let response = self.request.send().await.expect("is answered");
        let (status, headers) = (response.status(), response.headers().clone());
        assert_eq!(headers["x-request-id"], "test", "{}", self.line);
        let text = response.text().await.expect("a body");
        let problem = headers.get("content-type").is_some_and(|kind| kind == "application/problem+json");
        assert_eq!(problem, !status.is_success() && !status.is_redirection(), "{}: {status} {text}", self.line);
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        if problem {
            assert_eq!(body["status"], status.as_u16());
            assert_eq!(body["requestId"], "test");
        }
        documented::check(&self.line, status.as_u16(), body["code"].as_str().filter(|_| problem));
        let _ = self.site;
        Answer { asked: self.line + &self.note, status, headers, body, text }
    }
}

/// What came back.
pub struct Answer {
    asked: String,
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// The code of a problem; empty for a success.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub fn expect(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status.as_u16(), self.code()), (status, code), "{}\n{}", self.asked, self.text);
        self
    }
}

/// Requests and answers in a row, to be compared with the snapshot of a route.
#[derive(Default)]
pub struct Transcript(String);

impl Transcript {
    pub async fn note(&mut self, claim: &str, ask: Ask<'_>) -> Answer {
        let answer = ask.send().await;
        let _ = writeln!(self.0, "# {claim}\n{}\n-> {}", answer.asked, answer.status);
        for name in ["retry-after", "www-authenticate", "location"] {
            if let Some(value) = answer.headers.get(name) {
                let _ = writeln!(self.0, "{name}: {}", value.to_str().expect("text"));
            }
        }
        if !answer.body.is_null() {
            let _ = writeln!(self.0, "{:#}", answer.body);
        }
        self.0.push('\n');
        answer
    }

    /// Compares with the snapshot: ids and tokens redacted, times as the clock of the test has them.
    pub fn check(&self, name: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_snapshot_path("../snapshots");
        settings.add_filter(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "[jwt]");
        settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[uuid]");
        settings.bind(|| insta::assert_snapshot!(name, self.0));
    }
}

/// The body of a reservation.
pub fn reservation(concert: ConcertId, seat: i64, user: UserId) -> Value {
    json!({"concertId": concert, "seatNumber": seat, "userId": user})
}
