//! New prices, while seats are held and paid at the old ones.

use concert_core::{Money, Section, Wanted};

use super::{all, available, best, buy, price, seats};
use crate::support::ways::{tried_and_locked, ways};
use crate::support::{House, PRICE, Shortcuts as _, money, seat, section};

#[tokio::test]
async fn a_hold_costs_what_its_seat_did_when_it_was_held() {
    let house = House::watched(|policy| policy).await;
    let (office, concert) = (&house.office, house.hall(2, 4).await);
    let users = house.active_users(3, 2_000).await;
    let held = office.hold(users[0], concert, best(2)).await.expect("holds");
    buy(office, users[1], concert, 8).await;
    // It is known now, and held without reading it.
    office.hold(users[2], concert, seat(5)).await.expect("holds");
    ways("reservation");

    let done = price(office, concert, "1-8", money(150)).await;
    assert_eq!((done.changed, done.refused.len()), (8, 0));
    let reserved: Vec<_> = held.reservations.iter().map(|one| one.seat).chain([seat(5), seat(8)]).collect();
    assert_eq!(done.reserved, reserved);
    let listed = office.seats(concert).await.expect("lists");
    assert!(listed.iter().all(|seat| seat.price == money(150)));
    assert_eq!(house.count("select count(*) from seat_runs").await, 2, "a run of each row");

    assert_eq!(office.pay(users[0], held.id, money(300)).await.expect_err("is another price").code(), "WRONG_AMOUNT");
    let paid = office.pay(users[0], held.id, held.total).await.expect("the price of the hold");
    assert_eq!(paid.total, money(2 * PRICE));
    // What was remembered of the hall counts no more.
    let order = office.hold(users[2], concert, seat(6)).await.expect("holds");
    assert_eq!((order.total, ways("reservation")), (money(150), tried_and_locked("guard").to_vec()));
    house.assert_sound().await;

    // One seat of a row: the run is split, and joined again.
    price(office, concert, "3", money(99)).await;
    assert_eq!(house.count("select count(*) from seat_runs").await, 4);
    price(office, concert, "3", money(150)).await;
    assert_eq!(house.count("select count(*) from seat_runs").await, 2);
    house.assert_sound().await;
}

#[tokio::test]
async fn seats_that_cost_nothing_are_held_paid_and_refunded() {
    let house = House::open().await;
    let free = Section::in_rows(1, 3, Money::ZERO).with_name("Guests");
    let date = house.office.now().date_naive();
    let concert = house.concert_in(date, vec![free, section("Hall", 1, 2, PRICE)]).await;
    let (office, user) = (&house.office, house.active_users(1, 0).await[0]);
    let order = office.hold(user, concert, Wanted::Seats(seats("1, 2"))).await.expect("holds");
    assert_eq!(order.total, Money::ZERO);
    assert_eq!(office.pay(user, order.id, money(1)).await.expect_err("costs nothing").code(), "WRONG_AMOUNT");
    let paid = office.pay(user, order.id, Money::ZERO).await.expect("pays nothing");
    assert_eq!((paid.payments.len(), paid.total), (2, Money::ZERO));
    let refund = office.back_office().refund(paid.payments[0].id, None).await.expect("refunds");
    assert_eq!(refund.amount, Money::ZERO);
    price(office, concert, "4", Money::ZERO).await;
    assert_eq!(available(office, concert).await, [1, 3, 4, 5]);
    assert_eq!(office.balance(user).await.expect("reads"), Money::ZERO);
    house.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_new_price_and_a_hold_of_one_moment_each_hold_has_one_of_the_prices_and_is_paid_at_it() {
    let house = House::open().await;
    let concert = house.hall(10, 12).await;
    let offices = [house.office.clone(), house.another_office().await];
    let users = house.active_users(120, 1_000).await;
    let prices = all((1..=8_u32).map(|nth| {
        let office = offices[nth as usize % 2].clone();
        async move { price(&office, concert, "1-120", money(100 + nth)).await.changed }
    }));
    let holds = all(users.into_iter().enumerate().map(|(nth, user)| {
        let office = offices[nth % 2].clone();
        async move {
            let order = office.hold(user, concert, seat(nth as i64 + 1)).await.expect("holds");
            assert!((money(100)..=money(108)).contains(&order.total), "{}", order.total);
            office.pay(user, order.id, order.total).await.expect("pays").total
        }
    }));
    let (changed, paid) = tokio::join!(prices, holds);
    assert!(changed.iter().all(|changed| *changed == 120), "{changed:?}");
    assert_eq!(paid.len(), 120);
    house.assert_sound().await;
    assert_eq!(house.count("select count(distinct price) from seats").await, 1, "the last price is that of all");
}
