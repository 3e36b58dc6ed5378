//! B16: keys of holds and extensions, long lists, erased users.

use concert_core::{Error, Reservation};
use reqwest::Method;
use serde_json::json;

use crate::http::{Site, reservation};
use crate::support::{House, PRICE, Shortcuts as _, keyed, money, seat};

const PATH: &str = "/api/v1/reservations";

#[tokio::test]
async fn b16_a_hold_repeated_with_its_key_says_held_only_until_it_lapses() {
    let site = Site::open().await;
    let concert = site.house.concert(3).await;
    let (user, token) = site.active_user(500).await;
    let hold = |number| site.post(PATH, &reservation(concert, number, user)).bearer(&token).key(&format!("k{number}"));
    let first = hold(1).send().await.expect(201, "");
    assert_eq!(first.body["status"], "HELD");
    site.house.advance(299);
    assert_eq!(hold(1).send().await.expect(201, "").body, first.body, "the first answer until the deadline");
    let paid = hold(2).send().await.expect(201, "");
    let body = json!({"reservationId": paid.body["reservationId"], "amount": PRICE, "userId": user});
    site.post("/api/v1/payments/process", &body).bearer(&token).send().await.expect(200, "");
    site.house.advance(1);
    let lapsed = hold(1).send().await.expect(201, "");
    assert_eq!((&lapsed.body["status"], &lapsed.body["total"]), (&json!("EXPIRED"), &json!(0)));
    assert_eq!(lapsed.body["reservationId"], first.body["reservationId"]);
    site.house.office.sweep_expired().await.expect("sweeps");
    assert_eq!(hold(1).send().await.expect(201, "").body, lapsed.body, "swept or not");
    site.house.assert_sound().await;
}

#[tokio::test]
async fn b16_a_hold_that_was_paid_or_given_back_says_so_after_its_deadline() {
    let house = House::open().await;
    let concert = house.concert(2).await;
    let user = house.active_users(1, 500).await[0];
    let hold = |number: i64| house.office.hold_one(keyed(user, &number.to_string()), concert, seat(number));
    let (paid, given_back) = (hold(1).await.expect("holds"), hold(2).await.expect("holds"));
    house.office.pay(user, paid.id, money(PRICE)).await.expect("pays");
    house.office.cancel(user, given_back.id).await.expect("gives back");
    house.advance(301);
    let status = |answer: Result<Reservation, Error>| answer.expect("answers").status.as_str();
    assert_eq!((status(hold(1).await), status(hold(2).await)), ("CONFIRMED", "CANCELLED"));
}

#[tokio::test]
async fn b16_an_extension_repeated_with_its_key_answers_as_the_first() {
    let site = Site::open().await;
    let concert = site.house.concert(2).await;
    let (user, token) = site.active_user(500).await;
    let order = json!({"concertId": concert, "seatNumbers": [1, 2], "userId": user});
    let order = site.post(PATH, &order).bearer(&token).send().await.expect(201, "").body;
    let extend = |key: Option<&str>| {
        let path = format!("{PATH}/{}/extend", order["orderId"].as_str().expect("an id"));
        let ask = site.ask(Method::POST, &path).bearer(&token);
        if let Some(key) = key { ask.key(key) } else { ask }
    };
    let first = extend(Some("k")).send().await.expect(200, "");
    site.house.advance(10);
    assert_eq!(extend(Some("k")).send().await.expect(200, "").body, first.body);
    extend(None).send().await.expect(409, "HOLD_ALREADY_EXTENDED");
    extend(Some("other")).send().await.expect(409, "HOLD_ALREADY_EXTENDED");
    extend(Some("")).send().await.expect(400, "INVALID_REQUEST");
    let body = json!({"orderId": order["orderId"], "amount": 2 * PRICE, "userId": user});
    site.post("/api/v1/payments/process", &body).bearer(&token).send().await.expect(200, "");
    assert_eq!(extend(Some("k")).send().await.expect(200, "").body, first.body, "also once it is paid");
    site.house.assert_sound().await;
}

#[tokio::test]
async fn b16_an_extension_names_a_seat_that_was_given_back() {
    let house = House::open().await;
    let concert = house.concert(2).await;
    let user = house.active_users(1, 500).await[0];
    let order = house.office.hold(user, concert, vec![seat(1), seat(2)]).await.expect("holds");
    let [gone, _] = &order.reservations[..] else { panic!("two seats") };
    house.office.cancel(user, gone.id).await.expect("gives back");
    let extend = || house.office.extend_hold(keyed(user, "k"), gone.id);
    let until = extend().await.expect("extends what is held");
    assert!(until > order.expires_at);
    assert_eq!(extend().await.expect("the same"), until);
    house.assert_sound().await;
}
