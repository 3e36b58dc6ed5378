//! Credentials that do not hold, are over, or are those of somebody else: a refusal, and no row changes.

use concert_core::{ReservationId, UserId};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};

use super::bad_input::rows;
use super::{Site, reservation};
use crate::support::{SECRET, Shortcuts as _, seat};

fn forged(claims: &Value, algorithm: Algorithm, secret: &str) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).expect("signs")
}

/// A JWT with `alg: none` and no signature.
fn unsigned(token: &str) -> String {
    // {"typ":"JWT","alg":"none"}
    let claims = token.split('.').nth(1).expect("claims");
    format!("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.{claims}.")
}

#[tokio::test]
async fn tokens_that_do_not_hold() {
    let site = Site::open().await;
    let concert = site.house.concert(3).await;
    let (user, token) = site.active_user(500).await;
    let exp = 1_803_902_400 + 3_600;
    let good = json!({"iss": "concert", "aud": "concert-session", "sub": user, "iat": 0, "exp": exp});
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        forged(&claims, Algorithm::HS256, SECRET)
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().expect("an object").remove(name);
        forged(&claims, Algorithm::HS256, SECRET)
    };
    let balance = format!("/api/v1/payments/balance/{user}");
    site.get(&balance).bearer(&forged(&good, Algorithm::HS256, SECRET)).send().await.expect(200, "");

    let (head, tail) = token.rsplit_once('.').expect("a signature");
    let bad = [
        String::new(),
        "x".to_owned(),
        "a.b.c".to_owned(),
        format!("{head}."),
        format!("{head}.{}", tail.to_lowercase()),
        unsigned(&token),
        unsigned(&forged(&good, Algorithm::HS256, SECRET)),
        forged(&good, Algorithm::HS256, "another secret of thirty-two bytes and more"),
        forged(&good, Algorithm::HS512, SECRET),
        forged(&good, Algorithm::HS384, SECRET),
        with("aud", json!("somewhere-else")),
        with("aud", json!("concert-queue")),
        with("aud", json!(["concert-session"])),
        with("iss", json!("somebody")),
        with("sub", json!("anna")),
        with("sub", json!(7)),
        with("exp", json!(1_803_902_400)),
        with("exp", json!("tomorrow")),
        with("exp", json!(-1)),
        without("iss"),
        without("aud"),
        without("sub"),
        without("exp"),
    ];
    for token in &bad {
        site.get(&balance).bearer(token).send().await.expect(401, "UNAUTHENTICATED");
        let answer = site.post("/api/v1/reservations", &reservation(concert, 1, user)).bearer(token).send().await;
        let answer = answer.expect(401, "UNAUTHENTICATED");
        assert!(answer.headers["www-authenticate"].to_str().expect("text").starts_with("Bearer"));
    }
    for header in ["", "Basic YTpi", "Bearer", "bearer", "Bearer  ", "Token x"] {
        site.get(&balance).header("authorization", header).send().await.expect(401, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn the_queue_token_of_a_user_who_left_opens_nothing() {
    let site = Site::open().await;
    let concert = site.house.concert(3).await;
    let (user, token) = site.active_user(500).await;
    let held = site.house.office.hold_one(user, concert, seat(1)).await.expect("holds").id;
    site.house.office.leave_queue(user).await.expect("leaves");
    // Back in the queue with another token: the old one is still over.
    site.join(user).await;
    let before = rows(&site).await;

    let recharge = json!({"userId": user, "amount": 1});
    let pay = json!({"userId": user, "reservationId": held, "amount": 100});
    site.get(&format!("/api/v1/tokens/{user}")).bearer(&token).send().await.expect(410, "TOKEN_EXPIRED");
    site.get(&format!("/api/v1/payments/balance/{user}")).bearer(&token).send().await.expect(401, "TOKEN_ENDED");
    site.get(&format!("/api/v1/reservations?userId={user}")).bearer(&token).send().await.expect(401, "TOKEN_ENDED");
    site.get(&format!("/api/v1/reservations/{held}")).bearer(&token).send().await.expect(401, "TOKEN_ENDED");
    site.get(&format!("/api/v1/payments?userId={user}")).bearer(&token).send().await.expect(401, "TOKEN_ENDED");
    site.get(&format!("/api/v1/payments/{held}")).bearer(&token).send().await.expect(401, "TOKEN_ENDED");
    site.get(&format!("/api/v1/payments/entries/{user}")).bearer(&token).send().await.expect(401, "TOKEN_ENDED");
    site.delete(&format!("/api/v1/reservations/{held}")).bearer(&token).send().await.expect(401, "TOKEN_ENDED");
    let whole = format!("/api/v1/reservations/{held}?order=true");
    site.delete(&whole).bearer(&token).send().await.expect(401, "TOKEN_ENDED");
    let extend = format!("/api/v1/reservations/{held}/extend");
    site.ask(Method::POST, &extend).bearer(&token).send().await.expect(403, "TOKEN_NOT_ACTIVE");
    site.post("/api/v1/payments/recharge", &recharge).bearer(&token).send().await.expect(401, "TOKEN_ENDED");
    site.post("/api/v1/payments/process", &pay).bearer(&token).send().await.expect(403, "TOKEN_NOT_ACTIVE");
    let reserve = reservation(concert, 2, user);
    site.post("/api/v1/reservations", &reserve).bearer(&token).send().await.expect(403, "TOKEN_NOT_ACTIVE");
    site.post("/api/v1/tokens", &json!({"userId": user})).bearer(&token).send().await.expect(409, "ALREADY_IN_QUEUE");
    assert_eq!(rows(&site).await, before);
}

#[tokio::test]
async fn another_users_ids_are_refused_everywhere() {
    let site = Site::open().await;
    let concert = site.house.concert(3).await;
    let (user, _) = site.active_user(500).await;
    let (_, thief) = site.active_user(500).await;
    let held = site.house.office.hold_one(user, concert, seat(1)).await.expect("holds").id;
    let before = rows(&site).await;
    let stranger: UserId = UserId::generate();
    for victim in [user, stranger] {
        let asks = [
            site.get(&format!("/api/v1/tokens/{victim}")),
            site.delete(&format!("/api/v1/tokens/{victim}")),
            site.post("/api/v1/tokens", &json!({"userId": victim})),
            site.get(&format!("/api/v1/payments/balance/{victim}")),
            site.get(&format!("/api/v1/payments/entries/{victim}")),
            site.get(&format!("/api/v1/payments?userId={victim}")),
            site.get(&format!("/api/v1/reservations?userId={victim}")),
            site.post("/api/v1/reservations", &reservation(concert, 2, victim)),
            site.post("/api/v1/payments/recharge", &json!({"userId": victim, "amount": 1})),
            site.post("/api/v1/payments/process", &json!({"userId": victim, "reservationId": held, "amount": 100})),
            site.post("/api/v1/payments/process", &json!({"userId": victim, "orderId": held, "amount": 100})),
        ];
        for ask in asks {
            ask.bearer(&thief).send().await.expect(403, "NOT_YOURS");
        }
    }
    site.get(&format!("/api/v1/reservations/{held}")).bearer(&thief).send().await.expect(403, "NOT_YOURS");
    site.delete(&format!("/api/v1/reservations/{held}")).bearer(&thief).send().await.expect(403, "NOT_YOURS");
    site.delete(&format!("/api/v1/reservations/{held}?order=true"))
        .bearer(&thief)
        .send()
        .await
        .expect(403, "NOT_YOURS");
    let extend = format!("/api/v1/reservations/{held}/extend");
    site.ask(Method::POST, &extend).bearer(&thief).send().await.expect(403, "NOT_YOURS");
    let none = ReservationId::generate();
    site.delete(&format!("/api/v1/reservations/{none}"))
        .bearer(&thief)
        .send()
        .await
        .expect(404, "RESERVATION_NOT_FOUND");
    assert_eq!(rows(&site).await, before);
}
