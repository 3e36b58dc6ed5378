//! A7 over REST: keys, roles, the log.

use concert_core::Role;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::http::Site;
use crate::support::Shortcuts as _;

/// A key of this role.
async fn key(site: &Site, role: Role) -> String {
    let name = format!("{role} 1").parse().expect("a name");
    let made = site.house.office.back_office().make_key(&name, role).await.expect("makes a key");
    made.secret.expose_secret().to_owned()
}

#[tokio::test]
async fn a7_the_log_is_read_with_any_operator_key_and_with_nothing_else() {
    let site = Site::open().await;
    let log = || site.get("/api/v1/admin/log");
    let (_, session) = site.logged_in("minji").await;
    let (_, queue_token) = site.active_user(0).await;
    log().send().await.expect(401, "UNAUTHENTICATED");
    for other in [&session, &queue_token, &format!("concert_{}", "0".repeat(64))] {
        log().bearer(other).send().await.expect(401, "UNAUTHENTICATED");
    }
    for role in [Role::Viewer, Role::Gate, Role::Operator] {
        log().bearer(&key(&site, role).await).send().await.expect(200, "");
    }
    let viewer = key(&site, Role::Viewer).await;
    let first = log().bearer(&viewer).send().await.body;
    let newest = &first["data"][0];
    assert_eq!(
        (&newest["by"], &newest["act"], &newest["subject"], &newest["keyId"], &newest["after"]),
        (
            &json!("ann@box-office"),
            &json!("KEY_MAKE"),
            &json!("key"),
            &json!(null),
            &json!({"name": "viewer 1", "role": "viewer"})
        )
    );
    let after = first["data"][0]["entryId"].as_str().expect("an id");
    let path = format!("/api/v1/admin/log?limit=1&startingAfter={after}");
    let page = site.get(&path).bearer(&viewer).send().await.expect(200, "").body;
    assert_eq!((&page["data"][0], &page["hasMore"]), (&first["data"][1], &json!(true)));
    for bad in
        ["limit=0", "limit=101", "startingAfter=7", "page=2", "startingAfter=018f7d0e-0000-7000-8000-000000000000"]
    {
        site.get(&format!("/api/v1/admin/log?{bad}")).bearer(&viewer).send().await.expect(400, "INVALID_REQUEST");
    }
    site.ask(Method::POST, "/api/v1/admin/log").bearer(&viewer).send().await.expect(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn a7_an_operators_key_joins_a_user_where_bare_joins_are_off() {
    let site = Site::open_with(|policy| policy.with_bare_joins(false)).await;
    let user = site.house.user(0).await;
    let join = || site.post("/api/v1/tokens", &json!({"userId": user}));
    join().send().await.expect(401, "LOGIN_REQUIRED");
    join().bearer(&format!("concert_{}", "0".repeat(64))).send().await.expect(401, "UNAUTHENTICATED");
    for role in [Role::Viewer, Role::Gate] {
        join().bearer(&key(&site, role).await).send().await.expect(403, "ROLE_NOT_ALLOWED");
    }
    let operator = key(&site, Role::Operator).await;
    let joined = join().bearer(&operator).key("k").send().await.expect(201, "").body;
    assert_eq!(join().bearer(&operator).key("k").send().await.expect(201, "").body["token"], joined["token"]);
    assert_eq!(join().bearer(&operator).send().await.expect(200, "").body["token"], joined["token"], "is in already");
    let token = joined["token"].as_str().expect("a token");
    site.get(&format!("/api/v1/tokens/{user}")).bearer(token).send().await.expect(200, "");
    let (with_password, _) = site.logged_in("minji").await;
    let in_queue = site.post("/api/v1/queue", &json!({"userId": with_password}));
    in_queue.bearer(&operator).send().await.expect(201, "");
    let log = site.get("/api/v1/admin/log").bearer(&operator).send().await.body;
    let joins: Vec<_> =
        log["data"].as_array().expect("a page").iter().filter(|entry| entry["act"] == "TOKEN_ISSUE").collect();
    assert_eq!(joins.len(), 2, "one for each place that was given: {log}");
    assert_eq!((&joins[1]["subjectId"], &joins[1]["by"]), (&json!(user), &json!("operator 1")));
}

#[tokio::test]
async fn a7_an_operators_key_is_nobodys_access_token() {
    let site = Site::open().await;
    let user = site.house.user(100).await;
    let operator = key(&site, Role::Operator).await;
    for path in [
        format!("/api/v1/tokens/{user}"),
        format!("/api/v1/payments/balance/{user}"),
        format!("/api/v1/payments/entries/{user}"),
        format!("/api/v1/reservations?userId={user}"),
    ] {
        let refused = site.get(&path).bearer(&operator).send().await.expect(401, "UNAUTHENTICATED");
        assert!(refused.text.contains("/api/v1/admin"), "it says where keys are taken: {}", refused.text);
    }
    let recharge = json!({"userId": user, "amount": 1});
    site.post("/api/v1/payments/recharge", &recharge).bearer(&operator).send().await.expect(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn a7_a_revoked_key_is_refused_over_rest() {
    let site = Site::open().await;
    let ann = site.house.office.back_office();
    let made = ann.make_key(&"bob".parse().expect("a name"), Role::Viewer).await.expect("makes a key");
    let log = || site.get("/api/v1/admin/log").bearer(made.secret.expose_secret());
    log().send().await.expect(200, "");
    ann.revoke_key(made.key.id).await.expect("revokes");
    log().send().await.expect(401, "UNAUTHENTICATED");
}
