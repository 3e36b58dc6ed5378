//! Orders over HTTP: several seats at once.

use concert_core::{ConcertId, UserId};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Site, Transcript};
use crate::support::PRICE;

const RESERVATIONS: &str = "/api/v1/reservations";
const PROCESS: &str = "/api/v1/payments/process";

fn these(concert: ConcertId, seats: &[i64], user: UserId) -> Value {
    json!({"concertId": concert, "seatNumbers": seats, "userId": user})
}

fn best(concert: ConcertId, wanted: &Value, user: UserId) -> Value {
    json!({"concertId": concert, "bestAvailable": wanted, "userId": user})
}

fn order(id: &Value, amount: u32, user: UserId) -> Value {
    json!({"orderId": id, "amount": amount, "userId": user})
}

#[tokio::test]
async fn holding_several_seats() {
    let site = Site::open().await;
    let concert = site.house.hall(2, 5).await;
    let (user, token) = site.active_user(0).await;
    let (other, other_token) = site.active_user(0).await;
    let (third, third_token) = site.active_user(0).await;
    let post = |body: &Value, token: &str| site.post(RESERVATIONS, body).bearer(token);
    let mut said = Transcript::default();

    said.note("these", post(&these(concert, &[4, 3], user), &token)).await;
    said.note("some of them are taken", post(&these(concert, &[2, 3, 4], other), &other_token)).await;
    said.note("more than one may hold", post(&these(concert, &[6, 7, 8], user), &token)).await;
    said.note("more than anyone may hold", post(&best(concert, &json!({"count": 5}), user), &token)).await;
    said.note("one is not there", post(&these(concert, &[10, 11], user), &token)).await;
    said.note("the best", post(&best(concert, &json!({"count": 2}), user), &token)).await;
    let hall = json!({"count": 1, "section": "Hall"});
    said.note("the best of a section", post(&best(concert, &hall, other), &other_token)).await;
    let moon = json!({"count": 1, "section": "Moon"});
    said.note("no such section", post(&best(concert, &moon, other), &other_token)).await;
    let nowhere = ConcertId::generate();
    said.note("no such concert", post(&best(nowhere, &json!({"count": 1}), other), &other_token)).await;
    post(&best(concert, &json!({"count": 2}), other), &other_token).send().await.expect(201, "");
    said.note("not so many are free", post(&best(concert, &json!({"count": 4}), third), &third_token)).await;
    said.note("two ways at once", {
        let mut both = these(concert, &[1], user);
        both["seatNumber"] = json!(1);
        post(&both, &token)
    })
    .await;
    said.note("without a token", site.post(RESERVATIONS, &these(concert, &[1, 2], third))).await;
    said.check("orders_hold");
    site.house.assert_sound().await;
}

#[tokio::test]
async fn paying_extending_and_giving_back_an_order() {
    let site = Site::open().await;
    let concert = site.house.hall(2, 5).await;
    let (user, token) = site.active_user(2 * PRICE).await;
    let (_, other_token) = site.active_user(0).await;
    let hold = async |seats: &[i64]| {
        let held = site.post(RESERVATIONS, &these(concert, seats, user)).bearer(&token).send().await;
        held.expect(201, "").body
    };
    let pay = |id: &Value, amount| site.post(PROCESS, &order(id, amount, user)).bearer(&token);
    let path = |id: &Value, rest: &str| format!("{RESERVATIONS}/{}{rest}", id.as_str().expect("an id"));
    let extend = |id: &Value| site.ask(Method::POST, &path(id, "/extend")).bearer(&token);
    let mut said = Transcript::default();

    let first = hold(&[1, 2]).await;
    let id = &first["orderId"];
    said.note("extended", extend(id)).await;
    said.note("extended already, by another of its seats", extend(&first["seats"][1]["reservationId"])).await;
    said.note("another user's", site.ask(Method::POST, &path(id, "/extend")).bearer(&other_token)).await;
    said.note("one of the order", site.get(&path(&first["seats"][1]["reservationId"], "")).bearer(&token)).await;
    said.note("another amount than the sum", pay(id, PRICE)).await;
    said.note("paid", pay(id, 2 * PRICE)).await;
    said.note("paid already", pay(id, 2 * PRICE)).await;
    said.note("extending what is paid", extend(id)).await;
    said.note("giving back what is paid", site.delete(&path(id, "?order=true")).bearer(&token)).await;
    let nothing = json!("00000000-0000-0000-0000-000000000000");
    said.note("no such order", pay(&nothing, PRICE)).await;
    said.note("no such order to give back", site.delete(&path(&nothing, "?order=true")).bearer(&token)).await;
    said.note("nothing to extend", extend(&nothing)).await;
    site.join(user).await;
    let second = hold(&[3, 4, 5]).await;
    let id = &second["orderId"];
    said.note("the balance is too small", pay(id, 3 * PRICE)).await;
    said.note("the first of them is given back alone", site.delete(&path(id, "?order=false")).bearer(&token)).await;
    said.note("and all the others", site.delete(&path(id, "?order=true")).bearer(&token)).await;
    said.note("given back already", site.delete(&path(id, "?order=true")).bearer(&token)).await;
    said.note("paying what is given back", pay(id, 3 * PRICE)).await;
    said.check("orders_pay");
    site.house.assert_sound().await;
}

#[tokio::test]
async fn repeated_orders_and_payments_with_their_keys_are_carried_out_once() {
    let site = Site::open().await;
    let concert = site.house.hall(2, 5).await;
    let (user, token) = site.active_user(1_000).await;
    let hold = |wanted: Value| site.post(RESERVATIONS, &best(concert, &wanted, user)).bearer(&token).key("k");
    let first = hold(json!({"count": 3})).send().await.expect(201, "");
    assert_eq!(first.body, hold(json!({"count": 3})).send().await.expect(201, "").body);
    hold(json!({"count": 2})).send().await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    let pay = || site.post(PROCESS, &order(&first.body["orderId"], 3 * PRICE, user)).bearer(&token).key("k");
    let paid = pay().send().await.expect(200, "");
    assert_eq!(paid.body, pay().send().await.expect(200, "").body);
    assert_eq!(paid.body["payments"].as_array().map(Vec::len), Some(3));
    assert_eq!(first.body, hold(json!({"count": 3})).send().await.expect(201, "").body, "the first answer");
    site.house.assert_sound().await;
}
