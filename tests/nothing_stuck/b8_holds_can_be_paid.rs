//! A hold can be paid until its deadline, and holds nothing up once its user has gone.

use std::time::Duration;

use chrono::TimeDelta;
use concert_core::{BoxOffice, Caller, ConcertId, Error, EventKind, ReservationStatus, Timestamp, TokenStatus, UserId};
use serde_json::json;
use sqlx::{ConnectOptions as _, Executor as _};

use crate::http::{Site, reservation};
use crate::support::ways::{ASSUMED, LOCKED, tried_and_locked, ways};
use crate::support::{House, PRICE, Shortcuts as _, money, seat};

async fn turn_end(office: &BoxOffice, user: UserId) -> Timestamp {
    office.token_status(user).await.expect("is in").standing.expires_at.expect("has a turn")
}

async fn assert_free(house: &House, concert: ConcertId, number: i64) {
    let seats = house.office.seats(concert).await.expect("lists");
    assert!(seats.iter().any(|one| one.number == seat(number) && one.available), "seat {number} is free");
}

#[tokio::test]
async fn b8_a_hold_made_after_a_payment_cut_the_turn_can_be_paid_in_its_last_moment() {
    let house = House::open().await;
    let concert = house.concert(3).await;
    let user = house.active_users(1, 500).await[0];
    let first = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    house.office.pay(user, first.id, first.price).await.expect("pays");
    assert_eq!(turn_end(&house.office, user).await, house.office.now() + TimeDelta::seconds(60), "the cut");
    let second = house.office.hold_one(user, concert, seat(2)).await.expect("holds in the minute that is left");
    assert_eq!(turn_end(&house.office, user).await, second.expires_at);
    house.clock.set(second.expires_at - TimeDelta::microseconds(1));
    assert_eq!(house.office.rerank_queue().await.expect("reranks").expired, 0);
    house.office.pay(user, second.id, second.price).await.expect("pays in the last moment");
    house.assert_sound().await;
}

#[tokio::test]
async fn b8_no_payment_cuts_a_turn_short_of_what_is_still_held() {
    let house = House::open().await;
    let concert = house.concert(3).await;
    let user = house.active_users(1, 500).await[0];
    house.advance(595);
    let first = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    let second = house.office.hold_one(user, concert, seat(2)).await.expect("holds");
    house.advance(10);
    house.office.pay(user, first.id, first.price).await.expect("pays after the ten minutes of the turn");
    assert_eq!(turn_end(&house.office, user).await, second.expires_at);
    house.office.pay(user, second.id, second.price).await.expect("pays");
    assert_eq!(turn_end(&house.office, user).await, house.office.now() + TimeDelta::seconds(60));
    house.assert_sound().await;
}

/// Holds the next seats for both users, one call each, which all go `way`; they end in five minutes.
async fn hold_for(house: &House, concert: ConcertId, users: [UserId; 2], from: i64, way: &str) {
    for (user, number) in users.into_iter().zip(from..) {
        // An office that knows nothing of the hall locks its first batch.
        let office = if way == ASSUMED { house.office.clone() } else { house.another_office().await };
        let held = office.hold_one(user, concert, seat(number)).await.expect("holds");
        assert_eq!(held.expires_at, house.office.now() + TimeDelta::minutes(5));
    }
    assert_eq!(ways("reservation"), [way; 2]);
    house.assert_sound().await;
}

#[tokio::test]
async fn b8_both_ways_of_holding_move_the_end_of_a_turn_and_only_of_one_that_is_too_short() {
    let house = House::watched(|policy| policy).await;
    let concert = house.concert(9).await;
    let users = house.active_users(3, 500).await;
    let (both, begin) = ([users[0], users[1]], house.office.now());
    let ends = async || {
        let mut ends = Vec::new();
        for user in &users {
            ends.push((turn_end(&house.office, *user).await - begin).num_seconds());
        }
        ends
    };
    house.office.hold_one(users[2], concert, seat(9)).await.expect("holds");
    assert_eq!(ways("reservation"), [LOCKED], "the hall is not known yet");
    house.advance(200);
    hold_for(&house, concert, both, 1, ASSUMED).await;
    assert_eq!(ends().await, [600, 600, 600], "long enough");
    house.advance(200);
    hold_for(&house, concert, both, 3, LOCKED).await;
    assert_eq!(ends().await, [700, 700, 600]);
    house.advance(150);
    hold_for(&house, concert, both, 5, ASSUMED).await;
    assert_eq!(ends().await, [850, 850, 600]);
    // Near the longest turn, the assumption that it can last longer is false.
    for (from, now) in [(7, 830), (1, 910)] {
        house.clock.set(begin + TimeDelta::seconds(now));
        if now < 900 {
            hold_for(&house, concert, both, from, ASSUMED).await;
            continue;
        }
        let held = house.office.hold_one(users[0], concert, seat(from)).await.expect("holds");
        assert_eq!(held.expires_at, begin + TimeDelta::seconds(1200));
        assert_eq!(ways("reservation"), tried_and_locked("guard"));
    }
    house.assert_sound().await;
}

#[tokio::test]
async fn b8_a_turn_is_never_longer_than_its_time_and_twice_that_of_a_hold() {
    let house = House::open().await;
    let concert = house.concert(9).await;
    let user = house.active_users(1, 1_000).await[0];
    let longest = house.office.now() + TimeDelta::minutes(20);
    // Each hold in the last second of the turn, while that lasts.
    for number in 1..=4 {
        let end = turn_end(&house.office, user).await;
        if end == longest {
            break;
        }
        house.clock.set(end - TimeDelta::seconds(1));
        let held = house.office.hold_one(user, concert, seat(number)).await.expect("holds");
        assert!(held.expires_at <= longest);
        assert_eq!(turn_end(&house.office, user).await, held.expires_at);
    }
    assert_eq!(turn_end(&house.office, user).await, longest);
    let last = house.office.hold_one(user, concert, seat(9)).await.expect("holds");
    assert_eq!(last.expires_at, longest, "a shorter hold, which can be paid as long as it lasts");
    assert!(matches!(house.office.extend_hold(user, last.id).await, Err(Error::HoldOutlastsTurn)));
    house.clock.set(longest - TimeDelta::microseconds(1));
    house.office.pay(user, last.id, last.price).await.expect("pays");
    house.clock.set(longest);
    assert_eq!(house.office.rerank_queue().await.expect("reranks").expired, 1);
    house.assert_sound().await;
}

#[tokio::test]
async fn b8_extending_a_hold_moves_the_end_of_the_turn_too() {
    let house = House::open().await;
    let concert = house.concert(3).await;
    let user = house.active_users(1, 500).await[0];
    house.advance(400);
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    let until = house.office.extend_hold(user, held.id).await.expect("extends past the end of the turn");
    assert_eq!(until, held.expires_at + TimeDelta::minutes(2));
    assert_eq!(turn_end(&house.office, user).await, until);
    house.clock.set(until - TimeDelta::microseconds(1));
    house.office.pay(user, held.id, held.price).await.expect("pays");
    house.assert_sound().await;
}

#[tokio::test]
async fn b8_leaving_gives_all_holds_back_at_once() {
    let site = Site::open().await;
    let house = &site.house;
    let concert = house.concert(4).await;
    let (user, token) = site.active_user(500).await;
    let other = house.active_users(1, 500).await[0];
    let held =
        site.post("/api/v1/reservations", &reservation(concert, 1, user)).bearer(&token).send().await.expect(201, "");
    let pair = house.office.hold(user, concert, vec![seat(2), seat(3)]).await.expect("holds");
    house.office.pay(user, pair.reservations[1].id, money(PRICE)).await.expect("pays");
    let theirs = house.office.hold_one(other, concert, seat(4)).await.expect("holds");

    site.delete(&format!("/api/v1/tokens/{user}")).bearer(&token).send().await.expect(204, "");
    for number in [1, 2] {
        assert_free(house, concert, number).await;
    }
    let mine = house.office.reservations_of(Caller::verified(user)).await.expect("lists");
    let status = |number| mine.iter().find(|one| one.seat == seat(number)).expect("is there").status;
    assert_eq!([1, 2].map(status), [ReservationStatus::Cancelled; 2]);
    assert_eq!(status(3), ReservationStatus::Confirmed, "what is paid is paid");
    let id = held.body["reservationId"].as_str().expect("an id").parse::<concert_core::ReservationId>().expect("an id");
    let told = house.office.back_office().explain(id).await.expect("explains");
    assert!(told.events.iter().any(|event| event.what == EventKind::GivenBack), "{told:?}");
    house.office.hold(other, concert, vec![seat(1), seat(2)]).await.expect("others can have them now");
    house.office.pay(other, theirs.id, theirs.price).await.expect("nobody else lost anything");
    house.assert_sound().await;
}

#[tokio::test]
async fn b8_an_operator_who_ends_a_turn_gives_its_holds_back() {
    let house = House::open().await;
    let concert = house.concert(2).await;
    let users = house.active_users(2, 500).await;
    let held = house.office.hold_one(users[0], concert, seat(1)).await.expect("holds");
    house.office.back_office().expire_token(users[0]).await.expect("ends it");
    house.office.hold_one(users[1], concert, seat(1)).await.expect("holds what is free again");
    let order = house.office.order(Caller::verified(users[0]), held.id).await.expect("reads");
    assert_eq!(order.reservations[0].status, ReservationStatus::Cancelled);
    house.assert_sound().await;
}

#[tokio::test]
async fn b8_many_leave_in_one_batch_and_a_hold_that_has_lapsed_stays_lapsed() {
    let house = House::open().await;
    let concert = house.concert(40).await;
    let users = house.active_users(20, 500).await;
    for (nth, user) in users.iter().enumerate() {
        house.office.hold_one(*user, concert, seat(nth as i64 + 1)).await.expect("holds");
    }
    house.advance(301);
    for (nth, user) in users.iter().enumerate().skip(10) {
        house.office.hold_one(*user, concert, seat(nth as i64 + 11)).await.expect("holds");
    }
    let mut leaving = tokio::task::JoinSet::new();
    for user in users {
        let office = house.office.clone();
        leaving.spawn(async move { office.leave_queue(user).await });
    }
    assert!(leaving.join_all().await.iter().all(Result::is_ok));
    let given_back = "select count(*) from reservations where status = 'CANCELLED'";
    assert_eq!(house.count(given_back).await, 10);
    assert_eq!(house.office.sweep_expired().await.expect("sweeps").released, 20);
    assert_eq!(house.count("select count(*) from seats where is_reserved = 1").await, 0);
    house.assert_sound().await;
}

#[tokio::test]
async fn b8_polls_show_the_new_end_at_once_and_elsewhere_after_the_next_refresh() {
    let house = House::open().await;
    let concert = house.concert(2).await;
    let user = house.active_users(1, 500).await[0];
    let ticket = house.office.token_status(user).await.expect("is in").ticket;
    let other = house.another_office().await;
    let shown = async |office: &BoxOffice| office.poll(&ticket).await.expect("polls").expires_at.expect("has a turn");
    for office in [&house.office, &other] {
        office.refresh_queue().await.expect("refreshes");
        assert_eq!(shown(office).await, house.office.now() + TimeDelta::minutes(10));
    }
    house.advance(599);
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    assert_eq!(shown(&house.office).await, held.expires_at, "at once");
    other.refresh_queue().await.expect("refreshes");
    assert_eq!(shown(&other).await, held.expires_at, "with the next refresh");
    // A follower hears of it.
    let mut following = other.follow(ticket).await.expect("follows");
    house.office.extend_hold(user, held.id).await.expect("extends");
    other.refresh_queue().await.expect("refreshes");
    let told = tokio::time::timeout(Duration::from_secs(5), following.changed()).await.expect("soon").expect("goes on");
    assert_eq!(told.expires_at, Some(held.expires_at + TimeDelta::minutes(2)));
}

#[tokio::test]
async fn b8_a_process_that_has_not_heard_of_the_new_end_does_not_send_the_user_away() {
    let house = House::open().await;
    let concert = house.concert(2).await;
    let user = house.active_users(1, 500).await[0];
    let ticket = house.office.token_status(user).await.expect("is in").ticket;
    let other = house.another_office().await;
    other.refresh_queue().await.expect("refreshes");
    house.advance(599);
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    house.advance(1);
    let standing = other.poll(&ticket).await.expect("is still in, which only the row tells");
    assert_eq!((standing.status, standing.expires_at), (TokenStatus::Active, Some(held.expires_at)));
    other.pay(user, held.id, held.price).await.expect("pays there");
    house.assert_sound().await;
}

#[tokio::test]
async fn b8_whoever_pays_again_after_the_turn_learns_that_it_is_paid() {
    let site = Site::open().await;
    let house = &site.house;
    let concert = house.concert(3).await;
    let (user, token) = site.active_user(500).await;
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    let lapsing = house.office.hold_one(user, concert, seat(2)).await.expect("holds");
    let pay = |id| json!({"reservationId": id, "amount": PRICE, "userId": user});
    site.post("/api/v1/payments/process", &pay(held.id)).bearer(&token).send().await.expect(200, "");
    house.advance(700);
    for reranked in [false, true] {
        if reranked {
            house.office.rerank_queue().await.expect("ends the turn");
        }
        let again = site.post("/api/v1/payments/process", &pay(held.id)).bearer(&token);
        again.send().await.expect(409, "ALREADY_PAID");
        let late = site.post("/api/v1/payments/process", &pay(lapsing.id)).bearer(&token);
        late.send().await.expect(403, "TOKEN_NOT_ACTIVE");
    }
    let stranger = house.user(500).await;
    let theirs = house.office.pay(stranger, held.id, held.price).await;
    assert!(matches!(theirs, Err(Error::TokenNotActive { status: None })), "nobody else is told: {theirs:?}");
    house.assert_sound().await;
}

/// A rerank has read that a turn is over; before it locks the token, a hold that came in time is committed.
#[tokio::test]
async fn b8_a_rerank_ends_no_turn_that_a_hold_made_longer_since_it_looked() {
    let house = House::open().await;
    let user = house.active_users(1, 500).await[0];
    let mut holding = house.database.connect().await.expect("connects");
    holding.execute("start transaction").await.expect("begins");
    holding.execute("select 1 from tokens for update").await.expect("locks the token, as a hold does");
    house.advance(600);
    let rerank = tokio::spawn({
        let office = house.office.clone();
        async move { office.rerank_queue().await }
    });
    // The rerank has looked once it waits for the lock.
    let waiting = "select count(*) from information_schema.innodb_trx where trx_state = 'LOCK WAIT'";
    let deadline = std::time::Instant::now() + Duration::from_secs(2);
    while house.count(waiting).await == 0 {
        assert!(std::time::Instant::now() < deadline, "the rerank waits for the token");
        // The server looks anew only if the last look was a tenth of a second ago.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    let lengthen = "update tokens set expires_at = expires_at + interval 5 minute";
    holding.execute(lengthen).await.expect("lengthens the turn");
    holding.execute("commit").await.expect("commits");
    assert_eq!(rerank.await.expect("runs").expect("reranks").expired, 0);
    assert_eq!(turn_end(&house.office, user).await, house.office.now() + TimeDelta::minutes(5));
    house.assert_sound().await;
}

#[tokio::test]
async fn b8_the_audit_finds_a_hold_that_outlasts_its_turn() {
    let house = House::open_with(|policy| policy.with_active_ttl(Duration::from_secs(120))).await;
    let concert = house.concert(2).await;
    let user = house.active_users(1, 500).await[0];
    house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    house.assert_sound().await;
    house.tamper("update tokens set expires_at = expires_at - interval 1 second").await;
    let violations = house.office.back_office().audit().await.expect("audits");
    assert!(violations.iter().any(|one| one.what == "a hold outlasts its user's turn"), "{violations:?}");
}
