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
