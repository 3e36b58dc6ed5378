//! `/api/v1/tokens/{userId}/events`: pushed as it happens, and over when it must be.

use std::time::Duration;

use concert_core::UserId;
use concert_server::Limits;
use serde_json::{Value, json};

use super::{Ask, Site};
use crate::support::{House, Shortcuts as _};

/// What a test waits for something to be pushed, at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open stream.
pub struct Listener {
    response: reqwest::Response,
    text: String,
}

impl Listener {
    pub async fn open(ask: Ask<'_>) -> Self {
        let response = ask.open().await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"text/event-stream".parse().expect("a value"))
        );
        Self { response, text: String::new() }
    }

    /// The next event: its name and data; `None` at the end.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let found = field("event:").zip(field("data:"));
                self.text = rest.to_owned();
                if let Some((name, data)) = found {
                    return Some((name, serde_json::from_str(&data).expect("JSON")));
                }
            }
            let chunk =
                tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("in time").expect("no break")?;
            self.text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    async fn position(&mut self) -> u64 {
        let (name, data) = self.next().await.expect("an event");
        assert_eq!(name, "token", "{data}");
        data["queuePosition"].as_u64().expect("a number")
    }
}

fn path(user: UserId) -> String {
    format!("/api/v1/tokens/{user}/events")
}

#[tokio::test]
async fn a_stream_says_at_once_where_one_stands_then_each_change_and_last_that_it_is_over() {
    let site = Site::open().await;
    let office = &site.house.office;
    office.set_max_active(1).await.expect("sets the cap");
    let (first, _) = site.active_user(0).await;
    let (second, _) = site.active_user(0).await;
    let (third, token) = site.active_user(0).await;
    let mut stream = Listener::open(site.get(&path(third)).bearer(&token)).await;
    let (name, data) = stream.next().await.expect("an event");
    let polled = site.get(&format!("/api/v1/tokens/{third}")).bearer(&token).send().await.expect(200, "").body;
    assert_eq!((name.as_str(), &data), ("token", &polled), "what polling answers");
    assert_eq!(data["queuePosition"], 2);
    assert!(stream.text.is_empty() && data["token"] == token.as_str());

    office.refresh_queue().await.expect("refreshes");
    office.leave_queue(second).await.expect("leaves");
    office.refresh_queue().await.expect("refreshes");
    assert_eq!(stream.position().await, 1, "one change, one event");
    office.leave_queue(first).await.expect("leaves");
    office.rerank_queue().await.expect("reranks");
    let (_, data) = stream.next().await.expect("an event");
    assert_eq!((data["status"].as_str(), data["queuePosition"].as_u64()), (Some("ACTIVE"), Some(0)));

    site.house.advance(600);
    office.refresh_queue().await.expect("refreshes");
    let (name, data) = stream.next().await.expect("an event");
    assert_eq!((name.as_str(), data["code"].as_str()), ("end", Some("TOKEN_EXPIRED")));
    assert!(stream.next().await.is_none(), "and it closes");
    site.get(&path(third)).bearer(&token).send().await.expect(410, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_stream_is_ones_own() {
    let site = Site::open().await;
    let (user, token) = site.active_user(0).await;
    let (_, another) = site.active_user(0).await;
    let (member, session) = site.logged_in("anna").await;
    site.get(&path(user)).send().await.expect(401, "UNAUTHENTICATED");
    site.get(&path(user)).bearer(&another).send().await.expect(403, "NOT_YOURS");
    site.get("/api/v1/tokens/me/events").bearer(&token).send().await.expect(400, "INVALID_REQUEST");
    site.get(&path(member)).bearer(&session).send().await.expect(404, "TOKEN_NOT_FOUND");
    let token = site.join(member).await;
    let mut stream = Listener::open(site.get(&path(member)).bearer(&session)).await;
    let (_, data) = stream.next().await.expect("an event");
    assert_eq!(data["token"], token.as_str(), "a session learns its queue token");
}

#[tokio::test]
async fn to_ask_for_the_head_of_a_stream_leaves_the_stream_alone() {
    let site = Site::open().await;
    let (user, token) = site.active_user(0).await;
    let mut stream = Listener::open(site.get(&path(user)).bearer(&token)).await;
    stream.next().await.expect("the first event");
    let head = site.ask(reqwest::Method::HEAD, &path(user)).bearer(&token).send().await.expect(200, "");
    assert_eq!(head.headers["content-type"], "text/event-stream");
    site.house.advance(600);
    site.house.office.rerank_queue().await.expect("reranks");
    site.house.office.refresh_queue().await.expect("refreshes");
    let (name, _) = stream.next().await.expect("an event");
    assert_eq!(name, "end", "and not that it was replaced");
}

#[tokio::test]
async fn streams_are_bounded_and_a_closed_one_makes_room() {
    let limits = Limits { max_streams: 1, ..Limits::default() };
    let site = Site::serve(House::open().await, limits).await;
    let (user, token) = site.active_user(0).await;
    let mut stream = Listener::open(site.get(&path(user)).bearer(&token)).await;
    stream.position().await;
    let refused = site.get(&path(user)).bearer(&token).send().await.expect(503, "TOO_MANY_STREAMS");
    assert_eq!(refused.headers["retry-after"], "1");
    drop(stream);
    let again = async {
        while site.get(&path(user)).bearer(&token).open().await.status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("the place is free again");
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams_at_once() {
    let house = House::open().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let stop = tokio_util::sync::CancellationToken::new();
    let app = concert_server::App::new(house.office.clone());
    let server = tokio::spawn(concert_server::serve(listener, app, Limits::default(), stop.clone()));
    let user = house.user(0).await;
    let token = house.office.issue_token(user).await.expect("joins").token.jwt.expect("is signed");
    let request = reqwest::Client::new().get(format!("{url}{}", path(user))).bearer_auth(token);
    let mut stream = Listener { response: request.send().await.expect("is answered"), text: String::new() };
    stream.position().await;
    stop.cancel();
    assert!(stream.next().await.is_none(), "no event, so that the client comes back elsewhere");
    tokio::time::timeout(Duration::from_secs(5), server).await.expect("long before the deadline").expect("ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_streams_hear_of_one_change_without_asking_the_database() {
    const CROWD: usize = 300;
    let site = Site::open().await;
    let office = &site.house.office;
    office.set_max_active(1).await.expect("sets the cap");
    let (first, _) = site.active_user(0).await;
    let mut streams = Vec::new();
    for user in site.house.users(CROWD, 0).await {
        let token = site.join(user).await;
        let mut stream = Listener::open(site.get(&path(user)).bearer(&token)).await;
        assert_eq!(stream.position().await, streams.len() as u64 + 1);
        streams.push(stream);
    }
    office.leave_queue(first).await.expect("leaves");
    office.rerank_queue().await.expect("reranks");
    // From here on there is nobody to ask.
    office.pool().close().await;
    for (position, stream) in streams.iter_mut().enumerate() {
        assert_eq!(stream.position().await, position as u64, "all move up by one");
    }
}

#[tokio::test]
async fn a_stream_whose_session_has_ended_says_so_and_never_that_it_is_a_turn() {
    let site = Site::open().await;
    let office = &site.house.office;
    office.set_max_active(1).await.expect("sets the cap");
    let (first, _) = site.active_user(0).await;
    let (anna, _) = site.logged_in("anna").await;
    let (ben, session) = site.logged_in("ben").await;
    let token = site.join(anna).await;
    site.join(ben).await;
    let mut streams = Vec::new();
    for (user, shown, code) in [(anna, &token, "TOKEN_ENDED"), (ben, &session, "UNAUTHENTICATED")] {
        let mut stream = Listener::open(site.get(&path(user)).bearer(shown)).await;
        assert_eq!(stream.next().await.expect("an event").0, "token");
        office.back_office().end_sessions(user).await.expect("ends them");
        streams.push((stream, code));
    }
    office.leave_queue(first).await.expect("leaves");
    office.rerank_queue().await.expect("reranks");
    office.refresh_queue().await.expect("refreshes");
    for (mut stream, code) in streams {
        assert_eq!(stream.next().await, Some(("end".to_owned(), json!({"code": code}))));
        assert_eq!(stream.next().await, None);
    }
}
