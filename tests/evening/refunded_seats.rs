//! Where the seat of a refund goes: to sale, or off sale.

use concert_core::{Error, Page, Role, SeatAfterRefund};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::cancel::{ann, buy, call_off};
use crate::http::Site;
use crate::support::{House, Shortcuts as _, money, seat};

#[tokio::test]
async fn the_seat_of_a_refund_goes_where_the_operator_says() {
    let house = House::open().await;
    let concert = house.concert(3).await;
    let users = house.active_users(2, 1_000).await;
    buy(&house.office, users[0], concert, 1..=3).await;
    let payments = house.office.payments_of(users[0], Page::default()).await.expect("reads").data;
    let back_office = house.office.operator(ann());
    let of = |number| payments.iter().find(|payment| payment.seat == seat(number)).expect("is paid").id;
    let preview = back_office.preview_refund(of(1), SeatAfterRefund::OffSale).await.expect("looks");
    assert_eq!(preview.seat_goes, SeatAfterRefund::OffSale);
    let reason = || Some("a broken chair".parse().expect("a reason"));
    back_office.refund_to(of(1), reason(), SeatAfterRefund::OffSale).await.expect("refunds");
    back_office.refund_to(of(2), reason(), SeatAfterRefund::ToSale).await.expect("refunds");
    let free: Vec<_> = house.office.seats(concert).await.expect("lists").iter().map(|seat| seat.available).collect();
    assert_eq!(free, [false, true, false]);
    let held = house.office.hold_one(users[1], concert, seat(1)).await;
    assert!(matches!(held, Err(Error::SeatBlocked { .. })), "{held:?}");
    let why = "select count(*) from seats where blocked_reason = 'a broken chair' and reservation_id is null";
    assert_eq!(house.count(why).await, 1);
    buy(&house.office, users[1], concert, 2..=2).await;
    assert_eq!(house.office.balance(users[0]).await.expect("reads"), money(900));
    house.assert_sound().await;

    // Of a concert that was called off, no seat goes on sale.
    let reason = "the singer is ill".parse().expect("a reason");
    back_office.cancel_concert(concert, reason).await.expect("calls it off");
    let refund = back_office.refund_to(of(3), None, SeatAfterRefund::ToSale).await.expect("refunds");
    assert_eq!(refund.seat_goes, SeatAfterRefund::OffSale);
    call_off(&house.office, concert).await;
    house.assert_sound().await;
}

#[tokio::test]
async fn over_rest_a_refund_says_where_the_seat_goes() {
    let site = Site::open().await;
    let made = site.house.office.back_office().make_key(&ann(), Role::Operator).await.expect("makes a key");
    let key = made.secret.expose_secret();
    let concert = site.house.concert(2).await;
    let (user, _) = site.active_user(1_000).await;
    buy(&site.house.office, user, concert, 1..=2).await;
    let payments = site.house.office.payments_of(user, Page::default()).await.expect("reads").data;
    let path = format!("/api/v1/admin/payments/{}/refund", payments[0].id);
    site.post(&path, &json!({"reason": "a", "seat": "AWAY"})).bearer(key).send().await.expect(400, "INVALID_REQUEST");
    site.post(&path, &json!({"seat": "TO_SALE"})).bearer(key).send().await.expect(400, "INVALID_REQUEST");
    let asked = json!({"reason": "a broken chair", "seat": "OFF_SALE"});
    let done = site.post(&path, &asked).bearer(key).send().await.expect(200, "").body;
    assert_eq!((&done["seat"], &done["amount"], &done["balance"]), (&json!("OFF_SALE"), &json!(100), &json!(900)));
    site.post(&path, &asked).bearer(key).send().await.expect(409, "ALREADY_REFUNDED");
    let path = format!("/api/v1/admin/payments/{}/refund", payments[1].id);
    let done = site.post(&path, &json!({"reason": "a mistake"})).bearer(key).send().await.expect(200, "").body;
    assert_eq!(done["seat"], "TO_SALE");
    site.house.assert_sound().await;
}
