//! A1: a repeated call is answered to whoever proves to be the user, as the first one was. A key proves nothing.

use serde_json::json;

use crate::http::{Site, reservation};
use crate::support::{PRICE, money};

#[tokio::test]
async fn a1_a_known_key_gives_nobody_the_token_of_a_user_with_a_password() {
    let site = Site::open().await;
    let (anna, session) = site.logged_in("anna").await;
    let (ben, bens_session) = site.logged_in("ben").await;
    let (_, bens_token) = (ben, site.join(ben).await);
    let body = json!({"userId": anna});
    for path in ["/api/v1/tokens", "/api/v1/queue"] {
        let ask = || site.post(path, &body).key("a key that leaked");
        let first = ask().bearer(&session).send().await.expect(201, "");
        ask().send().await.expect(401, "LOGIN_REQUIRED");
        ask().bearer("nonsense").send().await.expect(401, "UNAUTHENTICATED");
        ask().bearer(&bens_session).send().await.expect(403, "NOT_YOURS");
        ask().bearer(&bens_token).send().await.expect(403, "NOT_YOURS");
        let token = first.body["token"].as_str().expect("a token").to_owned();
        for proof in [&session, &token] {
            assert_eq!(ask().bearer(proof).send().await.expect(201, "").body, first.body);
        }
    }
    let ended = site.join(anna).await;
    site.delete(&format!("/api/v1/tokens/{anna}")).bearer(&ended).send().await.expect(204, "");
    let again = site.post("/api/v1/tokens", &body).key("a key that leaked").bearer(&ended);
    again.send().await.expect(401, "LOGIN_REQUIRED");
}

/// What the docs say: where a user has no password, the key is the only secret that a repeated bare join shows.
#[tokio::test]
async fn a1_a_bare_join_is_repeated_by_its_key_alone_where_bare_joins_are_on() {
    let site = Site::open().await;
    let body = json!({"userId": site.house.user(0).await});
    let ask = |key: &str| site.post("/api/v1/tokens", &body).key(key);
    let first = ask("a secret").send().await.expect(201, "");
    assert_eq!(ask("a secret").send().await.expect(201, "").body, first.body);
    ask("a guess").send().await.expect(409, "ALREADY_IN_QUEUE");
}

#[tokio::test]
async fn a1_a_known_key_and_an_ended_queue_token_get_nothing_of_holds_payments_recharges_and_extensions() {
    let site = Site::open().await;
    let concert = site.house.concert(3).await;
    let (user, token) = site.active_user(500).await;
    let hold = || site.post("/api/v1/reservations", &reservation(concert, 1, user)).key("k");
    let held = hold().bearer(&token).send().await.expect(201, "").body["reservationId"].clone();
    let extend = || {
        let path = format!("/api/v1/reservations/{}/extend", held.as_str().expect("an id"));
        site.ask(reqwest::Method::POST, &path).key("k")
    };
    extend().bearer(&token).send().await.expect(200, "");
    let pay = || {
        let body = json!({"reservationId": held, "amount": PRICE, "userId": user});
        site.post("/api/v1/payments/process", &body).key("k")
    };
    pay().bearer(&token).send().await.expect(200, "");
    let recharge = || site.post("/api/v1/payments/recharge", &json!({"userId": user, "amount": 5})).key("k");
    recharge().bearer(&token).send().await.expect(200, "");
    for answer in [hold().send(), extend().send(), pay().send(), recharge().send()] {
        answer.await.expect(401, "UNAUTHENTICATED");
    }

    let (_, other) = site.active_user(0).await;
    hold().bearer(&other).send().await.expect(403, "NOT_YOURS");
    extend().bearer(&other).send().await.expect(403, "NOT_YOURS");
    pay().bearer(&other).send().await.expect(403, "NOT_YOURS");
    recharge().bearer(&other).send().await.expect(403, "NOT_YOURS");

    site.house.office.leave_queue(user).await.expect("leaves");
    hold().bearer(&token).send().await.expect(403, "TOKEN_NOT_ACTIVE");
    extend().bearer(&token).send().await.expect(403, "TOKEN_NOT_ACTIVE");
    let refused = pay().bearer(&token).send().await;
    assert!(refused.status.is_client_error() && refused.body["paymentId"].is_null(), "{}", refused.text);
    recharge().bearer(&token).send().await.expect(401, "TOKEN_ENDED");
    site.house.assert_sound().await;
}

/// The turn is over, and the caller proves to be the user in another way.
#[tokio::test]
async fn a1_a_repeated_call_with_a_proof_is_answered_after_the_turn() {
    let site = Site::open().await;
    let concert = site.house.concert(1).await;
    let (anna, session) = site.logged_in("anna").await;
    site.join(anna).await;
    site.house.office.recharge(anna, money(PRICE)).await.expect("recharges");
    let hold = || site.post("/api/v1/reservations", &reservation(concert, 1, anna)).key("k").bearer(&session);
    let held = hold().send().await.expect(201, "");
    let body = json!({"reservationId": held.body["reservationId"], "amount": PRICE, "userId": anna});
    let pay = || site.post("/api/v1/payments/process", &body).key("k").bearer(&session);
    let paid = pay().send().await.expect(200, "");
    site.house.office.leave_queue(anna).await.expect("leaves");
    assert_eq!(pay().send().await.expect(200, "").body, paid.body);
    assert_eq!(hold().send().await.expect(201, "").body, held.body);
}
