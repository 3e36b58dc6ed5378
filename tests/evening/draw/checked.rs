//! A draw that anybody checks: what is public of it and when, and tampering that is found.

use concert_core::Role;
use concert_core::chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{UNTIL_OPENING, at_the_doors, join_all};
use crate::http::Site;
use crate::support::{House, Shortcuts as _};

#[tokio::test]
async fn the_audit_and_the_verification_find_every_tampering() {
    // Each with whether the verification sees it: it is of draws that are made.
    let cases: [&'static str; 6] = [
        "update queue_gate set draw_secret = reverse(draw_secret) where draw_secret is not null",
        "update queue_gate set draw_commitment = reverse(draw_commitment) where draw_secret is not null",
        "update queue_gate set draw_chain = reverse(draw_chain) where draw_secret is not null",
        "update queue_gate set draw_count = draw_count - 1 where draw_secret is not null",
        "update tokens set id = reverse(id) where ticket = 3",
        "delete from tokens where ticket = 4",
    ];
    for case in cases {
        let house = House::open().await;
        let sale = at_the_doors(&house).await;
        join_all(&house, sale, 6).await;
        house.advance(UNTIL_OPENING);
        house.office.rerank_queue().await.expect("reranks");
        house.assert_sound().await;
        assert_eq!(house.tamper(case).await, 1, "{case}");
        let found = house.office.back_office().audit().await.expect("audits");
        let of_draw = found.iter().any(|violation| violation.what == "a draw is not that of its tokens");
        assert!(of_draw, "{case}: {found:?}");
        let verified = house.office.back_office().verify_draw(sale, |_| {}).await.expect("verifies");
        assert!(!verified.agrees(), "{case}: {verified:?}");
    }
    // Two who change their tickets change the order; and at the doors the chain tells it already.
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    join_all(&house, sale, 6).await;
    house.tamper("update tokens set ticket = 100 where ticket = 2").await;
    house.tamper("update tokens set ticket = 2 where ticket = 5").await;
    house.tamper("update tokens set ticket = 5 where ticket = 100").await;
    let found = house.office.back_office().audit().await.expect("audits");
    assert!(found.iter().any(|violation| violation.row.contains("chain")), "{found:?}");
}

#[tokio::test]
async fn over_rest_the_commitment_is_public_first_and_all_of_it_after_the_opening() {
    let site = Site::open().await;
    let name = "ann".parse().expect("a name");
    let key = site.house.office.back_office().make_key(&name, Role::Operator).await.expect("makes a key").secret;
    let key = key.expose_secret();
    let opens_at = site.house.office.now() + TimeDelta::seconds(UNTIL_OPENING as i64);
    let body = json!({"name": "Friday", "opensAt": opens_at, "order": "draw", "maxActive": 1});
    let made = site.post("/api/v1/admin/sales", &body).bearer(key).send().await.expect(201, "").body;
    let sale = made["saleId"].as_str().expect("an id").to_owned();
    let (path, admin) = (format!("/api/v1/sales/{sale}"), format!("/api/v1/admin/sales/{sale}"));
    let draw = json!({"commitment": made["draw"]["commitment"], "secret": null, "chain": null, "publicValue": null, "count": null});
    assert_eq!(site.get(&path).send().await.expect(200, "").body["draw"], draw);
    assert!(site.get("/api/v1/sales").send().await.expect(200, "").body[0].get("draw").is_none());

    let users = site.house.users(5, 0).await;
    let mut tokens = Vec::new();
    for user in &users {
        let joined = site.post("/api/v1/tokens", &json!({"userId": user, "saleId": sale})).send().await;
        let joined = joined.expect(201, "").body;
        assert_eq!((&joined["queuePosition"], &joined["phase"]), (&json!(null), &json!("DOORS")), "{joined}");
        tokens.push(joined["token"].as_str().expect("a token").to_owned());
    }
    let draw_path = format!("{admin}/draw");
    for (body, code) in [(json!({}), 400), (json!({"publicValue": ""}), 400), (json!({"publicValue": "4 8"}), 200)] {
        let answer = site.post(&draw_path, &body).bearer(key).send().await;
        assert_eq!(answer.status.as_u16(), code, "{body}: {}", answer.text);
    }
    site.house.advance(UNTIL_OPENING);
    site.house.office.rerank_queue().await.expect("reranks");
    let draw = site.get(&path).send().await.expect(200, "").body["draw"].clone();
    assert_eq!((draw["count"].as_u64(), draw["publicValue"].as_str()), (Some(5), Some("4 8")));
    assert!(draw["secret"].as_str().is_some_and(|secret| secret.len() == 64), "{draw}");
    let mut positions = Vec::new();
    for (user, token) in users.iter().zip(&tokens) {
        let standing = site.get(&format!("/api/v1/tokens/{user}")).bearer(token).send().await.expect(200, "").body;
        positions.push(standing["queuePosition"].as_u64().expect("a position"));
    }
    positions.sort_unstable();
    assert_eq!(positions, [0, 1, 2, 3, 4]);
    site.post(&draw_path, &json!({"publicValue": "7"})).bearer(key).send().await.expect(409, "DRAW_MADE");
    site.patch(&admin, &json!({"order": "arrival"})).bearer(key).send().await.expect(409, "DRAW_MADE");
}
