//! Acts of operators that come again with the key of the first: one act, one answer.

use concert_core::{ConcertId, Page, Role, UserId};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::cancel::{ann, buy};
use crate::http::{Answer, Site};
use crate::support::{House, Shortcuts as _, money, seat};

/// A site, the key of an operator, and a concert of six seats.
async fn stage() -> (Site, String, ConcertId) {
    let site = Site::open().await;
    let made = site.house.office.back_office().make_key(&ann(), Role::Operator).await.expect("makes a key");
    let concert = site.house.hall(1, 6).await;
    (site, made.secret.expose_secret().to_owned(), concert)
}

/// Sends the same request twice with one key, with something in between, and returns the answer that both got.
async fn twice(
    site: &Site,
    (path, body): (&str, Value),
    operator: &str,
    in_between: impl AsyncFnOnce(&Site),
) -> Answer {
    let send = || site.post(path, &body).bearer(operator).key("k").send();
    let first = send().await.expect(200, "");
    in_between(site).await;
    let again = send().await.expect(200, "");
    assert_eq!(again.body, first.body, "{path}");
    again
}

async fn acts(site: &Site, act: &str) -> usize {
    let log = site.house.office.back_office().log(Page::default()).await.expect("lists").data;
    log.iter().filter(|entry| entry.act == act).count()
}

async fn seats_of(house: &House, user: UserId) -> Vec<i32> {
    house.office.reservations_of(user).await.expect("lists").iter().map(|one| one.seat.get()).collect()
}

#[tokio::test]
async fn a_repeated_swap_does_not_swap_back() {
    let (site, operator, concert) = stage().await;
    let (user, _) = site.active_user(1_000).await;
    site.house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    let path = format!("/api/v1/admin/concerts/{concert}/seats/swap");
    let body = json!({"seatNumbers": [1, 2], "reason": "a broken seat"});
    let said = twice(&site, (&path, body), &operator, async |site| {
        assert_eq!(seats_of(&site.house, user).await, [2]);
        // Even where the seat has been passed on meanwhile.
        let back_office = site.house.office.back_office();
        back_office.swap_seats(concert, [seat(2), seat(5)], None).await.expect("swaps");
    });
    assert_eq!(said.await.body["moved"][0]["to"], 2);
    assert_eq!((seats_of(&site.house, user).await, acts(&site, "SEAT_SWAP").await), (vec![5], 2));
    for other in [json!({"seatNumbers": [1, 2]}), json!({"seatNumbers": [3, 5], "reason": "a broken seat"})] {
        site.post(&path, &other).bearer(&operator).key("k").send().await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    }
    assert_eq!(seats_of(&site.house, user).await, [5]);
    site.house.assert_sound().await;
}

/// Each on an office of its own, as two servers have them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_swap_at_two_servers_at_once_is_one() {
    let house = House::open().await;
    let (concert, user) = (house.hall(1, 6).await, house.active_users(1, 0).await[0]);
    house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    let swap = |office: concert_core::BoxOffice| {
        tokio::spawn(async move {
            let hall = office.operator(ann()).hall(concert).with_key("k".parse().ok());
            hall.swap([seat(1), seat(2)], None).await.expect("swaps, or did")
        })
    };
    let (one, other) = tokio::join!(swap(house.office.clone()), swap(house.another_office().await));
    assert_eq!(one.expect("runs"), other.expect("runs"));
    assert_eq!(seats_of(&house, user).await, [2]);
    house.assert_sound().await;
}

#[tokio::test]
async fn a_repeated_refund_answers_as_the_first() {
    let (site, operator, concert) = stage().await;
    let (user, _) = site.active_user(1_000).await;
    buy(&site.house.office, user, concert, 1..=2).await;
    let payments = site.house.office.payments_of(user, Page::default()).await.expect("reads").data;
    let [path, other] = [0, 1].map(|nth: usize| format!("/api/v1/admin/payments/{}/refund", payments[nth].id));
    let body = json!({"reason": "a broken chair", "seat": "OFF_SALE"});
    let said = twice(&site, (&path, body.clone()), &operator, async |site| {
        site.house.office.recharge(user, money(7)).await.expect("recharges");
    });
    let said = said.await.body;
    assert_eq!((&said["balance"], &said["seat"]), (&json!(900), &json!("OFF_SALE")));
    assert_eq!(acts(&site, "REFUND").await, 1);
    let reused = |path: &str, body: Value| site.post(path, &body).bearer(&operator).key("k").send();
    reused(&other, body.clone()).await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    reused(&path, json!({"reason": "a mistake", "seat": "OFF_SALE"})).await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    site.post(&path, &body).bearer(&operator).send().await.expect(409, "ALREADY_REFUNDED");
    // Both in one batch.
    let both = tokio::join!(
        site.post(&other, &body).bearer(&operator).key("l").send(),
        site.post(&other, &body).bearer(&operator).key("l").send()
    );
    assert_eq!(both.0.expect(200, "").body, both.1.expect(200, "").body);
    site.house.assert_sound().await;
}

#[tokio::test]
async fn a_repeated_move_moves_no_further_and_names_no_refusal() {
    let (site, operator, concert) = stage().await;
    let [owner, friend, third] = site.house.active_users(3, 1_000).await[..] else { panic!("three users") };
    buy(&site.house.office, owner, concert, 1..=2).await;
    let tickets: Vec<_> =
        site.house.office.reservations_of(owner).await.expect("lists").iter().map(|one| one.id).collect();
    let [path, other] = [0, 1].map(|nth: usize| format!("/api/v1/admin/tickets/{}/move", tickets[nth]));
    let body = json!({"userId": friend, "reason": "the buyer is ill"});
    let moved = twice(&site, (&path, body.clone()), &operator, async |_| {}).await.body;
    assert_eq!((&moved["userId"], moved["moves"].as_array().map(Vec::len)), (&json!(friend), Some(1)));
    let back_office = site.house.office.back_office();
    back_office.move_ticket(tickets[0], third, "ill, too".parse().expect("a reason")).await.expect("moves on");
    let send = |path: &str, body: &Value| site.post(path, body).bearer(&operator).key("k").send();
    let again = send(&path, &body).await.expect(200, "").body;
    assert_eq!((&again["userId"], &again["version"]), (&json!(third), &json!(3)), "as it is now");
    send(&other, &body).await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    send(&path, &json!({"userId": owner, "reason": "the buyer is ill"})).await.expect(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(acts(&site, "TICKET_MOVE").await, 2);
    site.house.assert_sound().await;
}

#[tokio::test]
async fn repeated_changes_of_a_hall_answer_as_the_first_seat_by_seat() {
    let (site, operator, concert) = stage().await;
    let (user, _) = site.active_user(1_000).await;
    site.house.office.hold_one(user, concert, seat(6)).await.expect("holds");
    let path = |rest: &str| format!("/api/v1/admin/concerts/{concert}/seats{rest}");
    let row = json!({"seats": "5-8", "price": 50, "section": "Hall", "row": "1", "places": [60, 61, 62, 1]});
    let add = path("");
    let added = twice(&site, (&add, row), &operator, async |site| {
        // Sold or not, they were added.
        site.house.office.hold_one(user, concert, seat(7)).await.expect("holds");
    });
    let refused = json!([
        {"seatNumber": 5, "code": "SEAT_EXISTS"}, {"seatNumber": 6, "code": "SEAT_EXISTS"},
        {"seatNumber": 8, "code": "PLACE_TAKEN"}
    ]);
    let added = added.await.body;
    assert_eq!((&added["seatNumbers"], &added["refused"]), (&json!([7]), &refused));
    site.post(&path("/block"), &json!({"seats": "1", "reason": "camera"}))
        .bearer(&operator)
        .key("k")
        .send()
        .await
        .expect(422, "IDEMPOTENCY_KEY_REUSED");
    let send = |rest: &str, body: Value, key: &str| site.post(&path(rest), &body).bearer(&operator).key(key).send();
    for (rest, body) in [
        ("/block", json!({"seats": "1-2, 6, 9", "reason": "camera"})),
        ("/price", json!({"seats": "1-3, 6", "price": 500.5})),
        ("/unblock", json!({"seats": "2, 6"})),
    ] {
        let first = send(rest, body.clone(), rest).await.expect(200, "").body;
        assert_ne!(first["changed"], 0);
        send("/price", json!({"seats": "4", "price": first["version"]}), &format!("{rest}+")).await.expect(200, "");
        assert_eq!(send(rest, body.clone(), rest).await.expect(200, "").body, first, "{rest}");
        let mut dry = body;
        dry["dryRun"] = json!(true);
        assert_eq!(
            send(rest, dry, rest).await.expect(200, "").body["changed"],
            0,
            "a dry run looks at the hall of now"
        );
    }
    site.house.assert_sound().await;
}
