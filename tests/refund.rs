//! Refunds: money and seat come back together, once.

use chrono::NaiveDate;
use concert_core::{
    BoxOffice, ConcertId, Error, Operator, Page, PaymentId, PaymentStatus, ReservationStatus, UserId, WalletEntryKind,
};
use tokio::task::JoinSet;

use crate::support::{House, PRICE, Shortcuts as _, money, seat};

fn ann() -> Operator {
    "ann".parse().expect("a name")
}

async fn buy(office: &BoxOffice, user: UserId, concert: ConcertId, number: i64) -> PaymentId {
    let held = office.hold_one(user, concert, seat(number)).await.expect("holds");
    office.pay(user, held.id, money(PRICE)).await.expect("pays").payments[0].id
}

#[tokio::test]
async fn money_and_seat_come_back_and_both_can_be_used_again() {
    let house = House::open().await;
    let concert = house.concert(2).await;
    let users = house.active_users(2, 100).await;
    let payment = buy(&house.office, users[0], concert, 1).await;
    let changes = house.office.seat_changes(concert);
    house.advance(1);

    let reason = "the singer is ill".parse().expect("a reason");
    let refund = house.office.operator(ann()).refund(payment, Some(reason)).await.expect("refunds");
    assert_eq!(
        (refund.user, refund.seat, refund.amount, refund.balance),
        (users[0], seat(1), money(PRICE), money(100))
    );
    assert!(house.office.seat_changes(concert) > changes, "boards of this process are read anew");
    assert!(house.office.seats(concert).await.expect("lists")[0].available);
    assert_eq!(house.office.balance(users[0]).await.expect("reads"), money(100));
    let found = house.office.payment(users[0], payment).await.expect("reads");
    assert_eq!((found.status, found.refunded_at), (PaymentStatus::Refunded, Some(refund.refunded_at)));
    let ended = house.office.order(users[0], found.reservation).await.expect("reads");
    assert_eq!(ended.reservations[0].status, ReservationStatus::Refunded);
    let entries = house.office.wallet_entries(users[0], Page::default()).await.expect("reads").data;
    let newest = &entries[0];
    assert_eq!(
        (newest.kind, newest.payment, newest.balance_after),
        (WalletEntryKind::Refund, Some(payment), money(100))
    );
    let recorded = "select count(*) from payments where refunded_by = 'ann' and refund_reason = 'the singer is ill'";
    assert_eq!(house.count(recorded).await, 1);
    let figures = house.office.back_office().figures().await.expect("reads");
    assert_eq!((figures.payments, figures.revenue), (0, 0.into()));
    house.assert_sound().await;

    let again = buy(&house.office, users[0], concert, 1).await;
    house.assert_sound().await;
    house.office.operator(ann()).refund(again, None).await.expect("refunds");
    buy(&house.office, users[1], concert, 1).await;
    assert!(!house.office.seats(concert).await.expect("lists")[0].available);
    assert!(matches!(house.office.operator(ann()).refund(payment, None).await, Err(Error::AlreadyRefunded)));
    assert!(!house.office.seats(concert).await.expect("lists")[0].available, "the seat is its new owner's");
    house.assert_sound().await;
}

#[tokio::test]
async fn refunding_is_refused_for_the_reason_that_holds() {
    let house = House::open().await;
    let today = house.concert_on(NaiveDate::from_ymd_opt(2027, 3, 1).expect("a date"), 2).await;
    let users = house.active_users(2, PRICE).await;
    let (first, second) = (buy(&house.office, users[0], today, 1).await, buy(&house.office, users[1], today, 2).await);
    let most = "99999999.99".parse().expect("the limit");
    house.office.recharge(users[1], most).await.expect("recharges");

    let none = house.office.operator(ann()).refund(PaymentId::generate(), None).await;
    assert!(matches!(none, Err(Error::PaymentNotFound)));
    let full = house.office.operator(ann()).refund(second, None).await;
    assert!(matches!(full, Err(Error::BalanceLimit { balance }) if balance == most));
    house.advance(3 * 24 * 3_600);
    house.office.operator(ann()).refund(first, None).await.expect("refunds a concert that is over");
    assert!(matches!(house.office.operator(ann()).refund(first, None).await, Err(Error::AlreadyRefunded)));
    assert!(matches!("".parse::<concert_core::RefundReason>(), Err(Error::InvalidInput(_))));
    assert!(matches!("a\nb".parse::<concert_core::RefundReason>(), Err(Error::InvalidInput(_))));
    house.assert_sound().await;
}

#[tokio::test]
async fn a_refunded_reservation_can_neither_be_paid_nor_given_back_again() {
    let house = House::open().await;
    let concert = house.concert(1).await;
    let user = house.active_users(1, 500).await[0];
    let payment = buy(&house.office, user, concert, 1).await;
    let reservation = house.office.payment(user, payment).await.expect("reads").reservation;
    house.office.operator(ann()).refund(payment, None).await.expect("refunds");
    let paid = house.office.pay(user, reservation, money(PRICE)).await;
    assert!(matches!(paid, Err(Error::AlreadyRefunded)), "{paid:?}");
    house.office.cancel(user, reservation).await.expect("is gone already");
    house.advance(600);
    house.office.sweep_expired().await.expect("sweeps");
    let ended = house.office.order(user, reservation).await.expect("reads");
    assert_eq!(ended.reservations[0].status, ReservationStatus::Refunded);
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_refunds_of_one_payment_give_the_money_back_once() {
    let house = House::open().await;
    let concert = house.concert(1).await;
    let offices = [house.office.clone(), house.another_office().await];
    let user = house.active_users(1, 1_000).await[0];
    let payment = buy(&house.office, user, concert, 1).await;
    let mut refunds = JoinSet::new();
    for nth in 0..50 {
        let office = offices[nth % 2].clone();
        refunds.spawn(async move { office.operator(ann()).refund(payment, None).await });
    }
    let answers = refunds.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Err(Error::AlreadyRefunded))).count(), 49);
    assert_eq!(house.office.balance(user).await.expect("reads"), money(1_000));
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_seat_that_is_refunded_while_others_want_it_has_one_owner() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(20)).await;
    let concert = house.concert(20).await;
    let users = house.active_users(3, 10_000).await;
    let other = house.another_office().await;
    let mut payments = Vec::new();
    for number in 1..=20 {
        payments.push(buy(&house.office, users[0], concert, number).await);
    }
    let mut race = JoinSet::new();
    for (number, payment) in (1..).zip(payments) {
        let (office, other) = (house.office.clone(), other.clone());
        let (seller, buyers) = (users[0], [users[1], users[2]]);
        race.spawn(async move {
            let attempt = async |office: &BoxOffice, buyer| {
                let held = office.hold_one(buyer, concert, seat(number)).await?;
                office.pay(buyer, held.id, money(PRICE)).await.map(|_| ())
            };
            let (ours, theirs) = (office.operator(ann()), other.operator(ann()));
            let (refund, first, second, again, recharged) = tokio::join!(
                ours.refund(payment, None),
                attempt(&office, buyers[0]),
                attempt(&other, buyers[1]),
                theirs.refund(payment, None),
                other.recharge(seller, money(1)),
            );
            recharged.expect("recharges");
            (refund.is_ok() as u8 + again.is_ok() as u8, first.is_ok() as u8 + second.is_ok() as u8)
        });
    }
    for (refunded, bought) in race.join_all().await {
        assert_eq!(refunded, 1);
        assert!(bought <= 1);
    }
    assert_eq!(house.office.balance(users[0]).await.expect("reads"), money(10_020));
    house.assert_sound().await;
}

/// Whoever pays and is refunded in the same moments locks seats before users, like everyone.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refunds_among_purchases_of_the_same_users_lose_nothing() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(100)).await;
    let concert = house.concert(80).await;
    let users = house.active_users(4, 10_000).await;
    let other = house.another_office().await;
    let mut buying = JoinSet::new();
    for number in 1..=80_usize {
        let (office, other, user) = (house.office.clone(), other.clone(), users[number % 4]);
        buying.spawn(async move {
            let payment = buy(&office, user, concert, number as i64).await;
            if number % 2 == 0 {
                other.operator(ann()).refund(payment, None).await.expect("refunds");
            }
        });
    }
    buying.join_all().await;
    for (nth, user) in users.into_iter().enumerate() {
        let kept = if nth % 2 == 0 { 0 } else { 20 };
        assert_eq!(house.office.balance(user).await.expect("reads"), money(10_000 - kept * PRICE));
    }
    assert_eq!(house.count("select count(*) from seats where is_reserved = 1").await, 40);
    house.assert_sound().await;
}

#[tokio::test]
async fn the_hold_of_a_refunded_seat_cannot_be_extended_whatever_became_of_the_rest_of_its_order() {
    let house = House::open().await;
    let (concert, user) = (house.concert(2).await, house.active_users(1, 1_000).await[0]);
    let order = house.office.hold(user, concert, vec![seat(1), seat(2)]).await.expect("holds");
    let payments = house.office.pay(user, order.id, order.total).await.expect("pays").payments;
    for payment in payments {
        let extend =
            async || house.office.extend_hold(user, payment.reservation).await.expect_err("is not held").code();
        assert_eq!(extend().await, "ALREADY_PAID");
        house.office.operator(ann()).refund(payment.id, None).await.expect("refunds");
        assert_eq!(extend().await, "ALREADY_REFUNDED");
    }
}
