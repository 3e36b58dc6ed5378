//! The same changes over REST.

use concert_core::{ConcertId, Role};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::http::Site;
use crate::support::{Shortcuts as _, seat};

#[tokio::test]
async fn operators_change_a_hall_over_rest() {
    let site = Site::open().await;
    let house = &site.house;
    let concert = house.hall(1, 6).await;
    let made = house.office.back_office().make_key(&"ann".parse().expect("a name"), Role::Operator).await;
    let key = made.expect("makes a key").secret.expose_secret().to_owned();
    let path = |rest: &str| format!("/api/v1/admin/concerts/{concert}/seats{rest}");
    let post = |rest: &str, body: Value| site.post(&path(rest), &body).bearer(&key);
    let (user, _) = site.active_user(1_000).await;
    house.office.hold(user, concert, seat(6)).await.expect("holds");

    let said = post("/block", json!({"seatNumbers": [5, 6, 9], "reason": "camera"})).send().await.expect(200, "").body;
    let expected = json!({
        "changed": 1, "seatNumbers": [5], "version": 2,
        "refused": [{"seatNumber": 6, "code": "SEAT_ALREADY_RESERVED"}, {"seatNumber": 9, "code": "SEAT_NOT_FOUND"}],
    });
    assert_eq!(said, expected);
    let said = post("/price", json!({"seats": "1-3, 6", "price": 0})).send().await.expect(200, "").body;
    assert_eq!((&said["changed"], &said["reserved"]), (&json!(4), &json!([6])));
    let said = post("/unblock", json!({"seatNumbers": [5]})).send().await.expect(200, "").body;
    assert_eq!((&said["changed"], &said["version"]), (&json!(1), &json!(4)));
    let dry = post("/block", json!({"seatNumbers": [5, 6], "reason": "camera", "dryRun": true}));
    let said = dry.send().await.expect(200, "").body;
    assert_eq!((&said["changed"], &said["dryRun"], &said["version"]), (&json!(1), &json!(true), &json!(4)));
    let dry = post("/swap", json!({"seatNumbers": [6, 1], "dryRun": true})).send().await.expect(200, "").body;
    assert_eq!((&dry["moved"][0]["to"], &dry["dryRun"]), (&json!(1), &json!(true)));
    let row = json!({"seats": "7-9", "price": 50, "section": "Hall", "row": "1", "places": [8, 9, 10],
        "marks": ["accessible"]});
    assert_eq!(post("", row).send().await.expect(200, "").body["changed"], 3);
    let said =
        post("/swap", json!({"seatNumbers": [6, 1], "reason": "a broken seat"})).send().await.expect(200, "").body;
    assert_eq!((&said["moved"][0]["from"], &said["moved"][0]["to"]), (&json!(6), &json!(1)));
    post("/swap", json!({"seatNumbers": [2, 3]})).send().await.expect(409, "SEATS_NOT_RESERVED");
    for (rest, body) in [
        ("/block", json!({"seatNumbers": [1]})),
        ("/block", json!({"seatNumbers": [], "reason": "camera"})),
        ("/block", json!({"seatNumbers": [0], "reason": "camera"})),
        ("/block", json!({"seatNumbers": [1], "seats": "1", "reason": "camera"})),
        ("/block", json!({"reason": "camera"})),
        ("/price", json!({"seatNumbers": [1], "price": -1})),
        ("/price", json!({"seatNumbers": [1], "price": 0.001})),
        ("/swap", json!({"seatNumbers": [1]})),
        ("/swap", json!({"seatNumbers": [1, 1]})),
        ("", json!({"seatNumbers": [20], "places": [1, 2], "price": 1})),
    ] {
        post(rest, body).send().await.expect(400, "INVALID_REQUEST");
    }
    let listed = site.get(&path("")).bearer(&key).send().await.expect(200, "").body;
    let listed = listed["data"].as_array().or_else(|| listed["seats"].as_array()).expect("a list").clone();
    let seven = listed.iter().find(|seat| seat["seatNumber"] == 7).expect("seat 7");
    assert_eq!(seven["marks"], json!(["ACCESSIBLE"]));
    // A whole hall may be named by its numbers.
    let large = house.hall(50, 100).await;
    let (numbers, block) = ((1..=5_000).collect::<Vec<_>>(), format!("/api/v1/admin/concerts/{large}/seats/block"));
    let blocked = site.post(&block, &json!({"seatNumbers": numbers, "reason": "rebuilt"})).bearer(&key).send().await;
    assert_eq!(blocked.expect(200, "").body["changed"], 5_000);
    let nowhere = format!("/api/v1/admin/concerts/{}/seats/block", ConcertId::generate());
    let blocked = site.post(&nowhere, &json!({"seatNumbers": [1], "reason": "camera"})).bearer(&key).send().await;
    blocked.expect(404, "CONCERT_NOT_FOUND");
    let log = site.get("/api/v1/admin/log").bearer(&key).send().await.expect(200, "").body;
    let acts: Vec<_> =
        log["data"].as_array().expect("a list").iter().skip(2).take(5).map(|entry| entry["act"].clone()).collect();
    assert_eq!(acts, ["SEAT_SWAP", "SEAT_ADD", "SEAT_UNBLOCK", "SEAT_PRICE", "SEAT_BLOCK"]);
    assert_eq!((&log["data"][2]["by"], &log["data"][2]["requestId"]), (&json!("ann"), &json!("test")));
    house.assert_sound().await;
}
