//! The desk holds seats past the queue.

use concert_core::{Error, Wanted};
use serde_json::json;
use sqlx::{ConnectOptions as _, Executor as _};

use crate::http::Site;
use crate::races::until_somebody_waits;
use crate::support::{House, PRICE, Shortcuts as _, money, seat};

#[tokio::test]
async fn a_hold_past_the_queue_needs_no_turn_and_neither_does_paying_it() {
    let house = House::open().await;
    let (office, concert) = (&house.office, house.hall(2, 5).await);
    office.set_max_active(1).await.expect("sets the cap");
    let (waiting, stranger) = (house.user(1_000).await, house.user(1_000).await);
    for user in [house.user(0).await, waiting] {
        office.issue_token(user).await.expect("joins");
    }
    let desk = office.back_office();
    let acting = desk.acting_for(waiting);
    assert_eq!(office.hold(acting, concert, seat(1)).await.expect_err("waits").code(), "TOKEN_NOT_ACTIVE");
    let mut orders = Vec::new();
    for user in [waiting, stranger] {
        let pair = Wanted::BestAvailable { count: 2, section: None };
        let order = office.hold(desk.bypassing_queue_for(user), concert, pair).await.expect("holds");
        assert!(order.reservations.iter().all(|one| one.bypassed_queue));
        orders.push(order);
    }
    house.assert_sound().await;
    let figures = desk.queue_figures().await.expect("counts");
    assert_eq!((figures.bypassed, figures.active, figures.waiting), (4, 1, 1));
    let log = desk.log(concert_core::Page::default()).await.expect("lists").data;
    let entry = log.iter().find(|entry| entry.act == "HOLD").expect("is logged").after.clone().expect("is told");
    assert_eq!((&entry["bypassQueue"], &entry["userId"]), (&json!(true), &json!(stranger)));

    // Leaving the queue does not give it back; the user pays, moves the deadline, or gives it back, without a turn.
    office.leave_queue(waiting).await.expect("leaves");
    house.assert_sound().await;
    office.extend_hold(waiting, orders[0].id).await.expect("moves the deadline");
    office.pay(waiting, orders[0].id, orders[0].total).await.expect("pays");
    let part = orders[1].reservations[0].id;
    assert_eq!(office.pay(waiting, part, money(PRICE)).await.expect_err("another's").code(), "TOKEN_NOT_ACTIVE");
    office.pay(desk.acting_for(stranger), part, money(PRICE)).await.expect("is paid at the desk");
    office.cancel(stranger, orders[1].id).await.expect("gives the other back");
    house.assert_sound().await;
    assert_eq!(office.balance(waiting).await.expect("reads"), money(1_000 - 2 * PRICE));
}

#[tokio::test]
async fn all_other_rules_hold_past_the_queue() {
    let house = House::open().await;
    let (office, concert) = (&house.office, house.hall(2, 6).await);
    let (user, desk) = (house.user(1_000).await, office.back_office());
    let hold = async |number| office.hold(desk.bypassing_queue_for(user), concert, seat(number)).await;
    for number in 1..=4 {
        hold(number).await.expect("holds");
    }
    assert!(matches!(hold(5).await, Err(Error::TooManyHolds { limit: 4, .. })));
    desk.block_seats(concert, [seat(7)], "camera".parse().expect("a reason")).await.expect("blocks");
    assert_eq!(hold(7).await.expect_err("is not on sale").code(), "SEAT_BLOCKED");
    assert_eq!(hold(1).await.expect_err("is taken").code(), "SEAT_ALREADY_RESERVED");
    // It lapses as any other.
    house.advance(301);
    assert_eq!(office.sweep_expired().await.expect("sweeps").released, 4);
    hold(1).await.expect("holds");
    house.assert_sound().await;
    desk.disable_user(user).await.expect("disables");
    assert_eq!(hold(2).await.expect_err("is disabled").code(), "USER_DISABLED");
    desk.forget_user(user).await.expect("forgets");
    assert_eq!(hold(2).await.expect_err("is no more").code(), "USER_NOT_FOUND");
    let nobody = concert_core::UserId::generate();
    let refused = office.hold(desk.bypassing_queue_for(nobody), concert, seat(9)).await.expect_err("is refused");
    assert_eq!(refused.code(), "USER_NOT_FOUND");
}

#[tokio::test]
async fn who_is_disabled_while_the_desk_waits_for_the_row_holds_nothing() {
    let house = House::open().await;
    let (concert, user) = (house.concert(2).await, house.user(0).await);
    let mut other = house.database.connect().await.expect("connects");
    other.execute("start transaction").await.expect("begins");
    let disable = sqlx::query("update users set disabled_at = '2027-03-01 12:00:00' where id = ?").bind(user);
    disable.execute(&mut other).await.expect("disables");
    let hold = house.office.hold(house.office.back_office().bypassing_queue_for(user), concert, seat(1));
    let meanwhile = async {
        until_somebody_waits(&house).await;
        other.execute("commit").await.expect("commits");
    };
    let (held, ()) = tokio::join!(hold, meanwhile);
    assert_eq!(held.expect_err("is disabled by now").code(), "USER_DISABLED");
    house.assert_sound().await;
}

/// Two desks hold for one user who is in no queue: never more than one user may hold.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_desks_together_keep_to_the_limit_of_unpaid_holds() {
    let house = House::open().await;
    let concert = house.hall(4, 10).await;
    let offices = [house.office.clone(), house.another_office().await];
    let user = house.user(0).await;
    let mut holds = tokio::task::JoinSet::new();
    for nth in 0..32_usize {
        let office = offices[nth % 2].clone();
        holds.spawn(async move {
            let caller = office.back_office().bypassing_queue_for(user);
            office.hold(caller, concert, seat(nth as i64 + 1)).await.is_ok()
        });
    }
    let held = holds.join_all().await.into_iter().filter(|held| *held).count();
    assert_eq!(held, 4);
    assert_eq!(house.count("select count(*) from reservations where status = 'HELD'").await, 4);
    house.assert_sound().await;
}

#[tokio::test]
async fn holds_past_the_queue_are_counted_in_the_metrics() {
    let site = Site::open().await;
    let (office, concert) = (&site.house.office, site.house.concert(3).await);
    let user = site.house.user(0).await;
    office.hold(office.back_office().bypassing_queue_for(user), concert, seat(1)).await.expect("holds");
    let metrics = site.get("/metrics").send().await.expect(200, "").text;
    assert!(metrics.contains("concert_queue_bypassed_total"), "{metrics}");
}
