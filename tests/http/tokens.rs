//! `/api/v1/tokens` and `/api/v1/queue`.

use concert_core::UserId;
use serde_json::json;

use super::{Site, Transcript};
use crate::support::Shortcuts as _;

#[tokio::test]
async fn joining() {
    let site = Site::open().await;
    site.house.office.set_max_active(1).await.expect("sets the cap");
    let users = site.house.users(2, 0).await;
    let (member, session) = site.logged_in("anna").await;
    let body = |user: UserId| json!({"userId": user});
    let mut said = Transcript::default();

    said.note("the first is ACTIVE", site.post("/api/v1/tokens", &body(users[0]))).await;
    let waiting = said.note("the next waits", site.post("/api/v1/queue", &body(users[1]))).await;
    said.note("a bare id is refused the second time", site.post("/api/v1/tokens", &body(users[1]))).await;
    let token = waiting.body["token"].as_str().expect("a token").to_owned();
    said.note("its queue token resumes", site.post("/api/v1/tokens", &body(users[1])).bearer(&token)).await;
    said.note("a user with a password has to log in", site.post("/api/v1/tokens", &body(member))).await;
    said.note("a session joins", site.post("/api/v1/tokens", &body(member)).bearer(&session)).await;
    said.note("and resumes", site.post("/api/v1/queue", &body(member)).bearer(&session)).await;
    said.note("for oneself only", site.post("/api/v1/tokens", &body(users[0])).bearer(&session)).await;
    said.note("an unknown user", site.post("/api/v1/tokens", &body(UserId::generate()))).await;
    said.note("a token that is none", site.post("/api/v1/tokens", &body(member)).bearer("none")).await;
    said.note("no user", site.post("/api/v1/tokens", &json!({}))).await;
    said.check("tokens_join");
}

#[tokio::test]
async fn looking() {
    let site = Site::open().await;
    site.house.office.set_max_active(1).await.expect("sets the cap");
    let (active, token) = site.active_user(0).await;
    let (waiting, waiting_token) = site.active_user(0).await;
    let (member, session) = site.logged_in("anna").await;
    let path = |user: UserId| format!("/api/v1/tokens/{user}");
    let mut said = Transcript::default();

    said.note("ACTIVE", site.get(&path(active)).bearer(&token)).await;
    said.note("WAITING", site.get(&path(waiting)).bearer(&waiting_token)).await;
    said.note("without a token", site.get(&path(active))).await;
    said.note("another user's", site.get(&path(active)).bearer(&waiting_token)).await;
    said.note("not a UUID", site.get("/api/v1/tokens/me").bearer(&token)).await;
    said.note("never joined", site.get(&path(member)).bearer(&session)).await;
    site.join(member).await;
    said.note("with a session", site.get(&path(member)).bearer(&session)).await;
    site.house.advance(600);
    said.note("the turn is over", site.get(&path(active)).bearer(&token)).await;
    site.house.office.rerank_queue().await.expect("reranks");
    said.note("the next one's turn", site.get(&path(waiting)).bearer(&waiting_token)).await;
    said.check("tokens_look");
}

#[tokio::test]
async fn leaving() {
    let site = Site::open().await;
    let (user, token) = site.active_user(0).await;
    let (other, other_token) = site.active_user(0).await;
    let path = format!("/api/v1/tokens/{user}");
    let mut said = Transcript::default();

    said.note("without a token", site.delete(&path)).await;
    said.note("another user's", site.delete(&path).bearer(&other_token)).await;
    said.note("left", site.delete(&path).bearer(&token)).await;
    said.note("not in the queue any more", site.delete(&path).bearer(&token)).await;
    said.note("looking says it is over", site.get(&path).bearer(&token)).await;
    said.check("tokens_leave");
    site.get(&format!("/api/v1/tokens/{other}")).bearer(&other_token).send().await.expect(200, "");
}

#[tokio::test]
async fn a_repeated_join_with_its_key_answers_the_same() {
    let site = Site::open().await;
    let body = json!({"userId": site.house.user(0).await});
    let first = site.post("/api/v1/tokens", &body).key("k").send().await.expect(201, "");
    let again = site.post("/api/v1/tokens", &body).key("k").send().await.expect(201, "");
    assert_eq!(first.body, again.body);
    site.post("/api/v1/tokens", &body).key("other").send().await.expect(409, "ALREADY_IN_QUEUE");
    site.post("/api/v1/tokens", &body).key("").send().await.expect(400, "INVALID_REQUEST");
    site.post("/api/v1/tokens", &body).key(&"k".repeat(256)).send().await.expect(400, "INVALID_REQUEST");
}
