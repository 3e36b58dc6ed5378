//! Refunds of a concert that is called off: any office goes on with them, and each is made once.

use std::time::Duration;

use concert_core::BoxOffice;

use super::{ann, buy, call_off, many};
use crate::support::{House, Shortcuts as _, money};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_is_stopped_any_office_goes_on_and_each_payment_is_refunded_once() {
    let house = House::open_with(many).await;
    let concert = house.concert(1_500).await;
    let users = house.active_users(2, 200_000).await;
    buy(&house.office, users[0], concert, 1..=700).await;
    buy(&house.office, users[1], concert, 701..=1_400).await;
    let other = house.another_office().await;
    let reason = "the singer is ill".parse().expect("a reason");
    house.office.operator(ann()).cancel_concert(concert, reason).await.expect("calls it off");
    // Dropped in the middle, again and again; and two at once.
    for nth in 0..6 {
        let office = if nth % 2 == 0 { house.office.clone() } else { other.clone() };
        let some = async move { office.back_office().finish_cancellation(concert, |_| {}).await };
        let _ = tokio::time::timeout(Duration::from_millis(20), some).await;
    }
    let finish = |office: &BoxOffice| {
        let back_office = office.back_office();
        async move { back_office.finish_cancellation(concert, |_| {}).await.expect("clears it") }
    };
    let (ours, theirs) = tokio::join!(finish(&house.office), finish(&other));
    assert!(ours.done || theirs.done);
    let done = other.back_office().cancellation(concert).await.expect("reads");
    assert_eq!((done.payments, done.refunded, done.done), (1_400, 1_400, true));
    assert_eq!(house.count("select count(*) from wallet_entries where kind = 'REFUND'").await, 1_400);
    for user in users {
        assert_eq!(house.office.balance(user).await.expect("reads"), money(200_000));
    }
    house.assert_sound().await;
}

#[tokio::test]
async fn the_passes_of_any_office_go_on_with_what_nobody_finished() {
    let house = House::open_with(many).await;
    let concert = house.concert(300).await;
    let user = house.active_users(1, 50_000).await[0];
    buy(&house.office, user, concert, 1..=250).await;
    let reason = "the singer is ill".parse().expect("a reason");
    house.office.operator(ann()).cancel_concert(concert, reason).await.expect("calls it off");
    let other = house.another_office().await;
    let back_office = other.back_office();
    let done = async {
        while !back_office.cancellation(concert).await.expect("reads").done {
            tokio::task::yield_now().await;
        }
    };
    other.run(done).await;
    assert_eq!(house.office.balance(user).await.expect("reads"), money(50_000));
    house.assert_sound().await;
}

#[tokio::test]
async fn a_payment_that_its_wallet_cannot_take_is_named_and_taken_back_later() {
    let house = House::open().await;
    let concert = house.concert(3).await;
    let users = house.active_users(2, 1_000).await;
    buy(&house.office, users[0], concert, 1..=1).await;
    buy(&house.office, users[1], concert, 2..=2).await;
    let full = "99999000".parse().expect("an amount");
    house.office.recharge(users[0], full).await.expect("recharges");
    house.office.recharge(users[0], money(50)).await.expect("recharges");
    let stopped = call_off(&house.office, concert).await;
    assert_eq!((stopped.payments, stopped.refunded, stopped.stuck.len(), stopped.done), (2, 1, 1, false));
    house.assert_sound().await;
    let elsewhere = house.concert(1).await;
    buy(&house.office, users[0], elsewhere, 1..=1).await;
    let done = call_off(&house.office, concert).await;
    assert_eq!((done.refunded, done.stuck.len(), done.done), (2, 0, true));
    house.assert_sound().await;
}
