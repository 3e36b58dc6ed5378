//! `/api/v1/payments`.

use concert_core::{ReservationId, UserId};
use serde_json::{Value, json};

use super::{Site, Transcript};
use crate::support::{PRICE, Shortcuts as _, seat};

const PROCESS: &str = "/api/v1/payments/process";
const RECHARGE: &str = "/api/v1/payments/recharge";

fn payment(reservation: ReservationId, amount: u32, user: UserId) -> Value {
    json!({"reservationId": reservation, "amount": amount, "userId": user})
}

#[tokio::test]
async fn recharging() {
    let site = Site::open().await;
    let (user, token) = site.active_user(0).await;
    let (other, other_token) = site.active_user(0).await;
    let balance = format!("/api/v1/payments/balance/{user}");
    let body = |amount: &str| format!(r#"{{"userId":"{user}","amount":{amount}}}"#);
    let mut said = Transcript::default();

    said.note("whole", site.post_text(RECHARGE, &body("100")).bearer(&token)).await;
    said.note("with cents", site.post_text(RECHARGE, &body("0.5")).bearer(&token)).await;
    said.note("the balance", site.get(&balance).bearer(&token)).await;
    said.note("above the limit", site.post_text(RECHARGE, &body("99999999.99")).bearer(&token)).await;
    said.note("nothing", site.post_text(RECHARGE, &body("0")).bearer(&token)).await;
    said.note("three decimals", site.post_text(RECHARGE, &body("0.001")).bearer(&token)).await;
    said.note("without a token", site.post_text(RECHARGE, &body("1"))).await;
    said.note("another user's wallet", site.post_text(RECHARGE, &body("1")).bearer(&other_token)).await;
    said.note("balance without a token", site.get(&balance)).await;
    said.note("another user's balance", site.get(&balance).bearer(&other_token)).await;
    said.note("balance of no UUID", site.get("/api/v1/payments/balance/me").bearer(&token)).await;
    site.house.tamper("delete from users where username not like 'user-%'").await;
    let (gone, session) = site.logged_in("gone").await;
    site.house.tamper("delete from users where username = 'gone'").await;
    let missing = json!({"userId": gone, "amount": 1});
    said.note("a user who is no more", site.post(RECHARGE, &missing).bearer(&session)).await;
    said.note("and the balance", site.get(&format!("/api/v1/payments/balance/{gone}")).bearer(&session)).await;
    said.check("payments_recharge");
    site.get(&format!("/api/v1/payments/balance/{other}")).bearer(&other_token).send().await.expect(200, "");
    site.house.assert_sound().await;
}

#[tokio::test]
async fn paying() {
    let site = Site::open().await;
    let concert = site.house.concert(4).await;
    let (user, token) = site.active_user(2 * PRICE).await;
    let (other, other_token) = site.active_user(0).await;
    let mut held = Vec::new();
    for number in 1..=4 {
        held.push(site.house.office.hold_one(user, concert, seat(number)).await.expect("holds").id);
    }
    let pay = |nth: usize, amount| site.post(PROCESS, &payment(held[nth], amount, user)).bearer(&token);
    let mut said = Transcript::default();

    said.note("another amount than the price", pay(0, PRICE + 1)).await;
    said.note("paid", pay(0, PRICE)).await;
    said.note("paid already", pay(0, PRICE)).await;
    said.note("without a token", site.post(PROCESS, &payment(held[1], PRICE, user))).await;
    let foreign = payment(held[1], PRICE, other);
    said.note("another user's hold", site.post(PROCESS, &foreign).bearer(&other_token)).await;
    let posing = payment(held[1], PRICE, user);
    said.note("as another user", site.post(PROCESS, &posing).bearer(&other_token)).await;
    let missing = payment(ReservationId::generate(), PRICE, user);
    said.note("no such reservation", site.post(PROCESS, &missing).bearer(&token)).await;
    pay(1, PRICE).send().await.expect(200, "");
    said.note("too little balance", pay(2, PRICE)).await;
    site.house.office.cancel(user, held[3]).await.expect("gives back");
    said.note("given back", pay(3, PRICE)).await;
    site.house.advance(300);
    said.note("lapsed", pay(2, PRICE)).await;
    site.house.advance(300);
    said.note("the turn is over", pay(2, PRICE)).await;
    said.check("payments_process");
    site.house.assert_sound().await;
}

#[tokio::test]
async fn repeated_payments_and_recharges_with_their_keys_move_money_once() {
    let site = Site::open().await;
    let concert = site.house.concert(1).await;
    let (user, token) = site.active_user(0).await;
    let held = site.house.office.hold_one(user, concert, seat(1)).await.expect("holds").id;
    let recharge = |amount| site.post(RECHARGE, &json!({"userId": user, "amount": amount})).bearer(&token).key("k");
    let first = recharge(150).send().await.expect(200, "");
    assert_eq!(first.body, recharge(150).send().await.expect(200, "").body);
    recharge(151).send().await.expect(422, "IDEMPOTENCY_KEY_REUSED");

    let pay = || site.post(PROCESS, &payment(held, PRICE, user)).bearer(&token);
    let first = pay().key("k").send().await.expect(200, "");
    assert_eq!(first.body, pay().key("k").send().await.expect(200, "").body);
    pay().key("other").send().await.expect(409, "ALREADY_PAID");
    pay().send().await.expect(409, "ALREADY_PAID");
    let balance = site.get(&format!("/api/v1/payments/balance/{user}")).bearer(&token).send().await;
    assert_eq!(balance.body, json!({"newBalance": 50, "currentBalance": 50}));
    site.house.assert_sound().await;
}
