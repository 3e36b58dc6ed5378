//! A concert that is called off over REST.

use concert_core::{ConcertId, Role};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{ann, buy};
use crate::http::{Site, reservation};
use crate::support::{PRICE, Shortcuts as _};

#[tokio::test]
async fn over_rest_an_operator_calls_a_concert_off_and_buyers_see_it() {
    let site = Site::open().await;
    let made = site.house.office.back_office().make_key(&ann(), Role::Operator).await.expect("makes a key");
    let key = made.secret.expose_secret();
    let concert = site.house.concert(5).await;
    let (user, token) = site.active_user(1_000).await;
    buy(&site.house.office, user, concert, 1..=2).await;
    let held = site.post("/api/v1/reservations", &reservation(concert, 3, user)).bearer(&token).send().await;
    let held = held.expect(201, "").body["reservationId"].clone();
    let path = format!("/api/v1/admin/concerts/{concert}/cancel");

    let dry = site.post(&path, &json!({"reason": "no singer", "dryRun": true})).bearer(key).send().await;
    let dry = dry.expect(200, "").body;
    assert_eq!((&dry["payments"], &dry["amount"], &dry["done"]), (&json!(2), &json!(200), &json!(false)));
    assert_eq!(site.get(&path).bearer(key).send().await.expect(200, "").body["status"], "ON_SALE");
    site.post(&path, &json!({})).bearer(key).send().await.expect(400, "INVALID_REQUEST");
    let nowhere = format!("/api/v1/admin/concerts/{}/cancel", ConcertId::generate());
    site.post(&nowhere, &json!({"reason": "no singer"})).bearer(key).send().await.expect(404, "CONCERT_NOT_FOUND");

    let done = site.post(&path, &json!({"reason": "no singer"})).bearer(key).send().await.expect(202, "").body;
    assert_eq!((&done["payments"], &done["refunded"]), (&json!(2), &json!(2)));
    assert_eq!((&done["amount"], &done["holdsReleased"], &done["done"]), (&json!(200), &json!(1), &json!(true)));
    assert_eq!(site.get(&path).bearer(key).send().await.expect(200, "").body["done"], true);
    site.post(&path, &json!({"reason": "no singer"})).bearer(key).send().await.expect(409, "CONCERT_CANCELLED");

    let seats = site.get(&format!("/api/v1/reservations/{concert}/seats")).send().await.expect(200, "").body;
    assert!(seats.as_array().expect("a list").iter().all(|seat| seat["available"] == false));
    let paying = json!({"reservationId": held, "amount": PRICE, "userId": user});
    site.post("/api/v1/payments/process", &paying).bearer(&token).send().await.expect(409, "CONCERT_CANCELLED");
    let hold = reservation(concert, 5, user);
    site.post("/api/v1/reservations", &hold).bearer(&token).send().await.expect(409, "CONCERT_CANCELLED");
    let own = site.get(&format!("/api/v1/reservations?userId={user}")).bearer(&token).send().await.expect(200, "").body;
    let statuses: Vec<_> = own.as_array().expect("a list").iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, ["CANCELLED", "REFUNDED", "REFUNDED"]);
    assert!(own.as_array().expect("a list").iter().all(|one| one["concertStatus"] == "CANCELLED"));
    let paid = site.get(&format!("/api/v1/payments?userId={user}")).bearer(&token).send().await.expect(200, "").body;
    assert_eq!(
        (&paid["data"][0]["status"], &paid["data"][0]["concertStatus"]),
        (&json!("refunded"), &json!("CANCELLED"))
    );
    let log = site.get("/api/v1/admin/log").bearer(key).send().await.expect(200, "").body;
    assert_eq!(
        (&log["data"][0]["act"], &log["data"][0]["after"]["reason"]),
        (&json!("CONCERT_CANCEL"), &json!("no singer"))
    );
    site.house.assert_sound().await;
}
