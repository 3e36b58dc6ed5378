//! `/api/v1/payments`, looking back.

use concert_core::PaymentId;
use serde_json::json;

use super::{Site, Transcript};
use crate::support::{PRICE, Shortcuts as _, money, seat};

const PATH: &str = "/api/v1/payments";

#[tokio::test]
async fn listing_and_looking_at_payments() {
    let site = Site::open().await;
    let concert = site.house.concert(4).await;
    let (user, token) = site.active_user(500).await;
    let (other, other_token) = site.active_user(500).await;
    for number in 1..=3 {
        site.house.advance(1);
        let held = site.house.office.hold_one(user, concert, seat(number)).await.expect("holds");
        site.house.office.pay(user, held.id, money(PRICE)).await.expect("pays");
    }
    let held = site.house.office.hold_one(other, concert, seat(4)).await.expect("holds");
    let others = site.house.office.pay(other, held.id, money(PRICE)).await.expect("pays").payments[0].id;
    let list = format!("{PATH}?userId={user}");
    let mut said = Transcript::default();

    let first = said.note("the newest two", site.get(&format!("{list}&limit=2")).bearer(&token)).await;
    let last = first.body["data"][1]["paymentId"].as_str().expect("an id").to_owned();
    let rest = format!("{list}&limit=2&startingAfter={last}");
    said.note("the rest", site.get(&rest).bearer(&token)).await;
    said.note("a page of nothing", site.get(&format!("{list}&limit=0")).bearer(&token)).await;
    said.note("a page too long", site.get(&format!("{list}&limit=101")).bearer(&token)).await;
    said.note("after no UUID", site.get(&format!("{list}&startingAfter=1")).bearer(&token)).await;
    let foreign = format!("{list}&startingAfter={others}");
    said.note("after another user's payment", site.get(&foreign).bearer(&token)).await;
    said.note("list without a token", site.get(&list)).await;
    said.note("another user's list", site.get(&list).bearer(&other_token)).await;
    said.note("list of nobody", site.get(PATH).bearer(&token)).await;
    let one = format!("{PATH}/{last}");
    said.note("one", site.get(&one).bearer(&token)).await;
    said.note("one without a token", site.get(&one)).await;
    said.note("another user's", site.get(&one).bearer(&other_token)).await;
    let none = PaymentId::generate();
    said.note("no such payment", site.get(&format!("{PATH}/{none}")).bearer(&token)).await;
    said.note("not a UUID", site.get(&format!("{PATH}/mine")).bearer(&token)).await;
    site.house.tamper("delete from users where username not like 'user-%'").await;
    let (gone, session) = site.logged_in("gone").await;
    site.house.tamper("delete from users where username = 'gone'").await;
    said.note("a user who is no more", site.get(&format!("{PATH}?userId={gone}")).bearer(&session)).await;
    said.check("payments_history");
    let all = site.get(&list).bearer(&token).send().await.expect(200, "");
    assert_eq!((all.body["data"].as_array().map(Vec::len), &all.body["hasMore"]), (Some(3), &false.into()));
}

#[tokio::test]
async fn the_entries_of_a_wallet() {
    let site = Site::open().await;
    let concert = site.house.concert(1).await;
    let (user, token) = site.active_user(100).await;
    let (_, other_token) = site.active_user(0).await;
    site.house.advance(1);
    site.house.office.recharge(user, "0.5".parse().expect("an amount")).await.expect("recharges");
    let held = site.house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    site.house.office.pay(user, held.id, money(PRICE)).await.expect("pays");
    let entries = format!("{PATH}/entries/{user}");
    let mut said = Transcript::default();

    let first = said.note("the newest two", site.get(&format!("{entries}?limit=2")).bearer(&token)).await;
    let last = first.body["data"][1]["entryId"].as_str().expect("an id").to_owned();
    said.note("the rest", site.get(&format!("{entries}?startingAfter={last}")).bearer(&token)).await;
    let nobodys = format!("{entries}?startingAfter={user}");
    said.note("after what is no entry", site.get(&nobodys).bearer(&token)).await;
    said.note("a page that is no number", site.get(&format!("{entries}?limit=all")).bearer(&token)).await;
    said.note("without a token", site.get(&entries)).await;
    said.note("another user's", site.get(&entries).bearer(&other_token)).await;
    said.note("not a UUID", site.get(&format!("{PATH}/entries/me")).bearer(&token)).await;
    said.check("payments_entries");
}

#[tokio::test]
async fn a_refund_shows_everywhere_at_once() {
    let site = Site::open().await;
    let concert = site.house.concert(1).await;
    let (user, token) = site.active_user(100).await;
    let held = site.house.office.hold_one(user, concert, seat(1)).await.expect("holds").id;
    let payment = site.house.office.pay(user, held, money(PRICE)).await.expect("pays").payments[0].id;
    let seats = format!("/api/v1/reservations/{concert}/seats");
    site.house.advance(1);
    assert_eq!(site.get(&seats).send().await.expect(200, "").body[0]["available"], false);
    site.house.office.operator("ann".parse().expect("a name")).refund(payment, None).await.expect("refunds");
    let mut said = Transcript::default();

    said.note("the seat", site.get(&seats)).await;
    said.note("the payment", site.get(&format!("{PATH}/{payment}")).bearer(&token)).await;
    said.note("the reservation", site.get(&format!("/api/v1/reservations/{held}")).bearer(&token)).await;
    said.note("the newest entry", site.get(&format!("{PATH}/entries/{user}?limit=1")).bearer(&token)).await;
    let again = json!({"reservationId": held, "amount": PRICE, "userId": user});
    said.note("paying again", site.post(&format!("{PATH}/process"), &again).bearer(&token)).await;
    said.check("payments_refund");
    site.house.assert_sound().await;
}
