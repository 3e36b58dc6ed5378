//! `/api/v1/users`.

use serde_json::json;

use super::{Site, Transcript};

#[tokio::test]
async fn signing_up_and_logging_in() {
    let site = Site::open().await;
    let anna = json!({"username": "anna", "password": "correct horse"});
    let mut said = Transcript::default();

    said.note("a new user", site.post("/api/v1/users", &anna)).await;
    said.note("the name is taken", site.post("/api/v1/users", &anna)).await;
    let short = json!({"username": "bela", "password": "short"});
    said.note("a short password", site.post("/api/v1/users", &short)).await;
    let blank = json!({"username": " ", "password": "correct horse"});
    said.note("no name", site.post("/api/v1/users", &blank)).await;
    said.note("no password", site.post("/api/v1/users", &json!({"username": "bela"}))).await;

    said.note("log-in", site.post("/api/v1/users/login", &anna)).await;
    let wrong = json!({"username": "anna", "password": "wrong horse"});
    let wrong = said.note("a wrong password", site.post("/api/v1/users/login", &wrong)).await;
    let unknown = json!({"username": "nobody", "password": "wrong horse"});
    let unknown = said.note("an unknown name answers alike", site.post("/api/v1/users/login", &unknown)).await;
    assert_eq!(wrong.body, unknown.body);
    said.note("no name to log in", site.post("/api/v1/users/login", &json!({"password": "x"}))).await;
    said.check("users");
}

#[tokio::test]
async fn a_repeated_sign_up_with_its_key_makes_one_user() {
    let site = Site::open().await;
    let anna = json!({"username": "anna", "password": "correct horse"});
    let first = site.post("/api/v1/users", &anna).key("k").send().await.expect(201, "");
    let again = site.post("/api/v1/users", &anna).key("k").send().await.expect(201, "");
    assert_eq!(first.body, again.body);
    let bela = json!({"username": "bela", "password": "correct horse"});
    site.post("/api/v1/users", &bela).key("k").send().await.expect(201, "");
    let other = json!({"username": "anna", "password": "another horse"});
    site.post("/api/v1/users", &other).key("k").send().await.expect(422, "IDEMPOTENCY_KEY_REUSED");
}
