//! A user who holds a seat, lets it go and holds it again cannot keep it from everybody.

use std::time::Duration;

use concert_core::{BoxOffice, ConcertId, Error, SeatNumber, UserId, Wanted};
use serde_json::json;

use crate::http::{Site, reservation};
use crate::support::{House, Shortcuts as _, seat};

/// Holds these seats and gives them back, until it is refused: how often it went well, and why no more.
async fn walk(office: &BoxOffice, user: UserId, concert: ConcertId, seats: &[SeatNumber]) -> (usize, Error) {
    for times in 0..20 {
        match office.hold(user, concert, seats.to_vec()).await {
            Ok(order) => office.cancel(user, order.id).await.expect("gives back"),
            Err(error) => return (times, error),
        }
    }
    panic!("one user held {seats:?} twenty times in a row");
}

#[tokio::test]
async fn b12_seats_that_one_user_holds_and_gives_back_and_holds_again_come_to_others() {
    let house = House::open().await;
    let concert = house.concert(4).await;
    let walker_and_rival = house.active_users(2, 1_000).await;
    let [walker, rival] = walker_and_rival[..] else { panic!("two users") };
    let four = [1, 2, 3, 4].map(seat);
    let (times, refusal) = walk(&house.office, walker, concert, &four).await;
    assert_eq!(times, 3);
    let Error::SeatHeldTooOften { seat: first, times, wait } = refusal else { panic!("{refusal}") };
    assert_eq!((first, times, wait), (four[0], 3, Duration::from_secs(60)));
    for number in four {
        house.office.hold_one(walker, concert, number).await.expect_err("each of them is left to others");
    }
    house.office.hold(rival, concert, four.to_vec()).await.expect("others come first");
    house.assert_sound().await;
}

#[tokio::test]
async fn b12_the_pause_holds_on_every_server_and_then_ends() {
    let house = House::open().await;
    let concert = house.concert(1).await;
    let user = house.active_users(1, 1_000).await[0];
    let offices = [&house.office, &house.another_office().await];
    for office in offices.into_iter().cycle().take(3) {
        let held = office.hold_one(user, concert, seat(1)).await.expect("free");
        office.cancel(user, held.id).await.expect("gives back");
    }
    house.advance(59);
    for office in offices {
        let refusal = office.hold_one(user, concert, seat(1)).await.expect_err("too often");
        assert!(matches!(refusal, Error::SeatHeldTooOften { wait, .. } if wait.as_secs() == 1), "{refusal}");
    }
    house.advance(1);
    let held = offices[1].hold_one(user, concert, seat(1)).await.expect("nobody else wanted it");
    offices[1].pay(user, held.id, held.price).await.expect("pays");
    house.assert_sound().await;
}

#[tokio::test]
async fn b12_holds_that_lapse_count_swept_or_not() {
    for sweeps in [false, true] {
        let house = House::open_with(|policy| policy.with_active_ttl(Duration::from_secs(7_200))).await;
        let concert = house.concert(1).await;
        let users = house.active_users(2, 1_000).await;
        for _ in 0..3 {
            house.office.hold_one(users[0], concert, seat(1)).await.expect("free");
            house.advance(300);
            if sweeps {
                house.office.sweep_expired().await.expect("sweeps");
            }
        }
        let refusal = house.office.hold_one(users[0], concert, seat(1)).await.expect_err("too often");
        assert_eq!(refusal.code(), "SEAT_HELD_TOO_OFTEN", "swept: {sweeps}");
        let held = house.office.hold_one(users[1], concert, seat(1)).await.expect("others come first");
        house.office.cancel(users[1], held.id).await.expect("gives back");
        house.office.hold_one(users[0], concert, seat(1)).await.expect("somebody else had it in between");
        house.assert_sound().await;
    }
}

#[tokio::test]
async fn b12_leaving_the_queue_with_a_hold_lets_it_go_as_well() {
    let house = House::open().await;
    let concert = house.concert(1).await;
    let user = house.active_users(1, 1_000).await[0];
    for _ in 0..3 {
        house.office.hold_one(user, concert, seat(1)).await.expect("free");
        house.office.leave_queue(user).await.expect("leaves");
        house.office.issue_token(user).await.expect("joins again");
    }
    let refusal = house.office.hold_one(user, concert, seat(1)).await.expect_err("too often");
    assert_eq!(refusal.code(), "SEAT_HELD_TOO_OFTEN");
}

#[tokio::test]
async fn b12_the_best_seats_are_others_while_these_are_left_to_others() {
    let house = House::open().await;
    let concert = house.hall(2, 2).await;
    let users = house.active_users(2, 1_000).await;
    let two = || Wanted::BestAvailable { count: 2, section: None };
    walk(&house.office, users[0], concert, &[1, 2].map(seat)).await;
    let held = house.office.hold(users[0], concert, two()).await.expect("the second row is free");
    assert_eq!(held.reservations.iter().map(|held| held.seat.get()).collect::<Vec<_>>(), [3, 4]);
    let refusal = house.office.hold(users[0], concert, two()).await.expect_err("no others are free");
    assert_eq!(refusal.code(), "SEAT_HELD_TOO_OFTEN");
    house.office.hold(users[1], concert, two()).await.expect("free for others");
    let refusal = house.office.hold(users[0], concert, two()).await.expect_err("all are taken");
    assert_eq!(refusal.code(), "NOT_ENOUGH_SEATS");
}

#[tokio::test]
async fn b12_clients_are_told_when_it_is_possible_again() {
    let site = Site::open_with(|policy| policy.with_max_holds_in_a_row(1)).await;
    let concert = site.house.concert(2).await;
    let (user, token) = site.active_user(1_000).await;
    let held = site.post("/api/v1/reservations", &reservation(concert, 1, user)).bearer(&token).send().await;
    let held = held.expect(201, "").body["reservationId"].as_str().expect("an id").to_owned();
    site.delete(&format!("/api/v1/reservations/{held}")).bearer(&token).send().await.expect(204, "");
    site.house.advance(18);
    let both = json!({"concertId": concert, "seatNumbers": [1, 2], "userId": user});
    let refused = site.post("/api/v1/reservations", &both).bearer(&token).send().await;
    let refused = refused.expect(409, "SEAT_HELD_TOO_OFTEN");
    assert_eq!(refused.headers["retry-after"], "42");
    assert!(refused.text.contains("seat 1 was let go 1 times in a row by this user; others come first for 42 s"));
    let metrics = site.get("/metrics").send().await.text;
    assert!(metrics.contains(r#"concert_holds_unpaid_total{ended="given_back"}"#), "{metrics}");
    site.post("/api/v1/reservations", &reservation(concert, 2, user)).bearer(&token).send().await.expect(201, "");
}
