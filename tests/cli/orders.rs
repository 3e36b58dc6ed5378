//! `hold`, `extend` and `pay`: a purchase at the desk.

use concert_core::OrderId;
use insta::assert_snapshot;
use serde_json::Value;

use super::desk::{CONCERT, Desk, Ran, USERS, redacted, user};
use crate::support::money;

/// The first two users are ACTIVE.
async fn open() -> Desk {
    let desk = Desk::seeded().await;
    desk.catch_up();
    for nth in 0..2 {
        desk.house.office.issue_token(user(nth)).await.expect("joins");
    }
    desk
}

fn hold(desk: &Desk, user: &str, which: &[&str]) -> Ran {
    desk.run(&[&["hold", user, "--concert", CONCERT], which].concat())
}

#[tokio::test]
async fn an_order_is_held_extended_and_paid() {
    let desk = open().await;
    let office = &desk.house.office;
    let poor = desk.house.user(0).await;
    office.issue_token(poor).await.expect("joins");
    let user_id = poor.to_string();
    let held = hold(&desk, &user_id, &["--seats", "3,2"]).ok();
    redacted(|| {
        assert_snapshot!(held, @"
     order id    [id]
     expires at  [time]
     total       240
    ┌──────┬─────────┬─────┬───────┬──────────────────────────────────────┐
    │ Seat ┆ Section ┆ Row ┆ Price ┆ Reservation id                       │
    ╞══════╪═════════╪═════╪═══════╪══════════════════════════════════════╡
    │    2 ┆ Middle  ┆ -   ┆   120 ┆ [id] │
    │    3 ┆ Middle  ┆ -   ┆   120 ┆ [id] │
    └──────┴─────────┴─────┴───────┴──────────────────────────────────────┘
    ");
    });
    let reservations = office.reservations_of(poor).await.expect("lists");
    let order = reservations[0].order().to_string();
    let extended = desk.run(&["extend", &user_id, "--order", &order]).ok();
    redacted(|| {
        assert_snapshot!(extended, @"
    order id    [id]
    expires at  [time]
    ");
    });
    assert_snapshot!(desk.run(&["extend", &user_id, "--order", &order]).refused(1), @"error: the deadline is already extended; that is possible only once (HOLD_ALREADY_EXTENDED)");
    let due = office.order(poor, order.parse::<OrderId>().expect("an id")).await.expect("reads").total;
    assert_snapshot!(desk.run(&["pay", &user_id, "--order", &order]).refused(1), @"error: the balance is 0 and the price is 240; recharge first (INSUFFICIENT_BALANCE)");
    office.recharge(poor, due).await.expect("recharges");
    let paid = desk.run(&["pay", &user_id, "--order", &order]).ok();
    redacted(|| {
        assert_snapshot!(paid, @"
     order id  [id]
     paid      240
    ┌──────┬──────┬──────────────────────────────────────┐
    │ Seat ┆ Paid ┆ Payment id                           │
    ╞══════╪══════╪══════════════════════════════════════╡
    │    2 ┆  120 ┆ [id] │
    │    3 ┆  120 ┆ [id] │
    └──────┴──────┴──────────────────────────────────────┘
    ");
    });
    assert_snapshot!(desk.run(&["pay", &user_id, "--order", &order]).refused(1), @"error: this reservation is already paid (ALREADY_PAID)");
    assert_eq!(office.balance(poor).await.expect("reads"), money(0));
    desk.house.assert_sound().await;
}

#[tokio::test]
async fn the_same_as_json() {
    let desk = open().await;
    let mut held = hold(&desk, USERS[0], &["--best", "2", "--output", "json"]).json();
    let order = held["orderId"].as_str().expect("an id").to_owned();
    let seats: Vec<Value> = held["seats"].as_array_mut().expect("seats").iter_mut().map(Value::take).collect();
    let of = |name: &str| seats.iter().map(|seat| seat[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("reservationId")[0], held["orderId"], "an order has the id of its first reservation");
    assert_eq!((of("seatNumber").len(), of("price").len()), (2, 2));
    let extended = desk.run(&["extend", USERS[0], "--order", &order, "--output", "json"]).json();
    assert_eq!(extended["orderId"], held["orderId"]);
    assert!(extended["expiresAt"].as_str() > held["expiresAt"].as_str());
    let paid = desk.run(&["pay", USERS[0], "--order", &order, "--output", "json"]).json();
    assert_eq!((&paid["orderId"], &paid["total"]), (&held["orderId"], &held["total"]));
    let payments = paid["payments"].as_array().expect("payments");
    assert_eq!(payments.iter().map(|paid| paid["seatNumber"].clone()).collect::<Vec<_>>(), of("seatNumber"));
    assert_eq!(payments.iter().map(|paid| paid["amount"].clone()).collect::<Vec<_>>(), of("price"));
    desk.house.assert_sound().await;
}

#[tokio::test]
async fn what_cannot_be_held_is_refused_whole() {
    let desk = open().await;
    hold(&desk, USERS[0], &["--best", "2"]).ok();
    let free = desk.house.office.seats(super::desk::concert()).await.expect("lists");
    let taken = free.iter().find(|seat| !seat.available).expect("one is taken").number.to_string();
    let refused = hold(&desk, USERS[1], &["--seats", &taken]).refused(1);
    assert!(refused.ends_with(&format!("seat {taken} is already reserved (SEAT_ALREADY_RESERVED)\n")), "{refused}");
    assert_snapshot!(hold(&desk, USERS[1], &["--best", "3"]).refused(1), @"error: only 2 seats are free (NOT_ENOUGH_SEATS)");
    assert_snapshot!(hold(&desk, USERS[1], &["--best", "1", "--section", "Moon"]).refused(1), @"error: this concert has no section \"Moon\" (SECTION_NOT_FOUND)");
    assert_snapshot!(hold(&desk, USERS[1], &["--best", "5"]).refused(1), @"error: at most 4 unpaid seats can be held at once; pay or give one back (TOO_MANY_HOLDS)");
    assert_snapshot!(hold(&desk, USERS[1], &["--seats", "1,1"]).refused(2), @"error: seat 1 is named more than once (INVALID_REQUEST)");
    for which in [
        &[][..],
        &["--seats", "1", "--best", "1"],
        &["--seats", "1", "--section", "Moon"],
        &["--section", "Moon"],
        &["--seats", "0"],
        &["--seats", "one"],
        &["--best", "-1"],
    ] {
        hold(&desk, USERS[1], which).refused(2);
    }
    desk.house.office.leave_queue(user(1)).await.expect("leaves");
    assert_snapshot!(hold(&desk, USERS[1], &["--best", "1"]).refused(1), @"error: an ACTIVE queue token is needed; this user has none: join the queue (TOKEN_NOT_ACTIVE)");
    let nothing = "00000000-0000-0000-0000-000000000000";
    assert_snapshot!(desk.run(&["pay", USERS[0], "--order", nothing]).refused(1), @"error: there is no such order (ORDER_NOT_FOUND)");
    assert_snapshot!(desk.run(&["extend", USERS[0], "--order", nothing]).refused(1), @"error: there is no such reservation (RESERVATION_NOT_FOUND)");
    assert_eq!(desk.house.count("select count(*) from reservations").await, 2);
    desk.house.assert_sound().await;
}
