//! What this process remembers of a concert holds for one version of its row, which every change of the concert raises.

use concert_core::{ConcertId, Error, Reservation, UserId};

use super::assert_refused_on_both_ways;
use crate::support::ways::{ASSUMED, LOCKED, tried_and_locked, ways};
use crate::support::{House, PRICE, Shortcuts as _, money, seat};

const LANE: &str = "reservation";

/// A concert whose hall the process remembers, and users with turns.
async fn remembered_hall() -> (House, ConcertId, Vec<UserId>) {
    let house = House::watched(|policy| policy).await;
    let concert = house.concert(20).await;
    let users = house.active_users(8, 500).await;
    hold(&house, concert, users[7], 20).await;
    hold(&house, concert, users[6], 19).await;
    assert_eq!(ways(LANE), [LOCKED, ASSUMED], "the first reads the hall");
    (house, concert, users)
}

async fn hold(house: &House, concert: ConcertId, user: UserId, number: i64) -> Reservation {
    house.office.hold_one(user, concert, seat(number)).await.expect("holds")
}

/// What was remembered is found out to be old once, and what was read instead is assumed again as soon as the writer tries to.
async fn assert_read_again(house: &House, concert: ConcertId, users: &[UserId]) {
    assert_eq!(ways(LANE), tried_and_locked("guard"));
    for (user, number) in users.iter().zip(10..) {
        hold(house, concert, *user, number).await;
    }
    assert_eq!(ways(LANE), [LOCKED, LOCKED, ASSUMED, ASSUMED], "after two batches of backoff");
    house.assert_sound().await;
}

#[tokio::test]
async fn a_new_price_is_the_price_of_the_next_hold() {
    let (house, concert, users) = remembered_hall().await;
    house.tamper("update seats set price = 150").await;
    house.tamper("update seat_runs set price = 150").await;
    house.tamper("update concerts set version = version + 1").await;
    assert_eq!(hold(&house, concert, users[0], 1).await.price, money(150));
    assert_read_again(&house, concert, &users[1..5]).await;
    let prices = "select count(*) from reservations where price = 150";
    assert_eq!(house.count(prices).await, 5);
    assert_eq!(house.count("select count(*) from reservations").await, 7, "the holds before keep theirs");
    assert_ne!(PRICE, 150);
}

#[tokio::test]
async fn a_section_that_was_named_anew_is_named_so_in_the_next_hold() {
    let (house, concert, users) = remembered_hall().await;
    house.tamper("update seats set section = 'Stalls', seat_row = 'A'").await;
    house.tamper("update seat_runs set section = 'Stalls', seat_row = 'A'").await;
    house.tamper("update concerts set version = version + 1").await;
    let held = hold(&house, concert, users[0], 1).await;
    assert_eq!((held.section.as_deref(), held.row.as_deref()), (Some("Stalls"), Some("A")));
    assert_read_again(&house, concert, &users[1..5]).await;
    let assumed = hold(&house, concert, users[5], 2).await;
    assert_eq!((assumed.section.as_deref(), assumed.row.as_deref()), (Some("Stalls"), Some("A")));
    assert_eq!(ways(LANE), [ASSUMED]);
}

#[tokio::test]
async fn a_hall_that_grew_has_its_new_seats_held() {
    let (house, concert, users) = remembered_hall().await;
    house.tamper("insert into seats (concert_id, seat_number, price) select id, 21, 70 from concerts").await;
    house
        .tamper("insert into seat_runs (concert_id, first_seat, last_seat, price) select id, 21, 21, 70 from concerts")
        .await;
    house.tamper("update concerts set version = version + 1").await;
    assert_eq!(hold(&house, concert, users[0], 21).await.price, money(70));
    assert_eq!(ways(LANE), [LOCKED], "it is in no hall that is remembered");
    assert_eq!(hold(&house, concert, users[1], 1).await.price, money(PRICE));
    assert_eq!(hold(&house, concert, users[2], 2).await.price, money(PRICE));
    assert_eq!(ways(LANE), [LOCKED, ASSUMED], "the one that was remembered is forgotten, and the next is read");
}

#[tokio::test]
async fn a_concert_that_was_moved_to_a_day_that_is_over_is_not_booked() {
    let (house, concert, users) = remembered_hall().await;
    house.tamper("update concerts set date = '2027-02-28', version = version + 1").await;
    let over = |error: &Error| matches!(error, Error::ConcertOver);
    assert_refused_on_both_ways(LANE, house.office.hold_one(users[0], concert, seat(1)).await, over);
    house.tamper("update concerts set date = '2027-05-01', version = version + 1").await;
    assert_eq!(hold(&house, concert, users[0], 1).await.performance_date.to_string(), "2027-05-01");
    assert_eq!(ways(LANE), [LOCKED], "the writer is in its backoff");
    for (number, way) in [(2, LOCKED), (3, ASSUMED)] {
        assert_eq!(hold(&house, concert, users[1], number).await.performance_date.to_string(), "2027-05-01");
        assert_eq!(ways(LANE), [way]);
    }
}

#[tokio::test]
async fn a_date_that_was_changed_without_a_new_version_is_seen() {
    let (house, concert, users) = remembered_hall().await;
    house.tamper("update concerts set date = '2027-05-01'").await;
    assert_eq!(hold(&house, concert, users[0], 1).await.performance_date.to_string(), "2027-05-01");
    assert_read_again(&house, concert, &users[1..5]).await;
}

#[tokio::test]
async fn a_concert_that_changes_leaves_what_is_remembered_of_others() {
    let (house, concert, users) = remembered_hall().await;
    let other = house.concert(5).await;
    hold(&house, other, users[0], 1).await;
    ways(LANE);
    let raise = sqlx::query("update concerts set version = version + 1 where id = ?");
    raise.bind(concert).execute(house.office.pool()).await.expect("raises");
    hold(&house, other, users[1], 2).await;
    assert_eq!(ways(LANE), [ASSUMED]);
    hold(&house, concert, users[2], 1).await;
    assert_eq!(ways(LANE), tried_and_locked("guard"));
}
