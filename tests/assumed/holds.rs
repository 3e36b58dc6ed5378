//! Holds of seats by number, in halls that this process remembers. Another process locks them.

use chrono::NaiveDate;
use concert_core::{
    BoxOffice, Caller, Clock as _, ConcertId, Error, Policy, Reservation, ReservationStatus, TokenStatus, UserId,
    Wanted,
};

use super::{assert_refused_locked, assert_refused_on_both_ways};
use crate::support::ways::{ASSUMED, LOCKED, tried_and_locked, ways};
use crate::support::{House, PRICE, Shortcuts as _, keyed, money, seat, section};

const LANE: &str = "reservation";

const SEATS: u32 = 10;

/// A concert whose hall the process knows since somebody holds the last seat, and two users with turns.
async fn known_hall() -> (House, ConcertId, [UserId; 2]) {
    known_hall_with(|policy| policy).await
}

async fn known_hall_with(change: impl FnOnce(Policy) -> Policy) -> (House, ConcertId, [UserId; 2]) {
    let house = House::watched(change).await;
    let concert = house.concert(SEATS).await;
    let users = house.active_users(3, 500).await;
    house.office.set_max_active(3).await.expect("sets the cap");
    house.office.hold_one(users[2], concert, seat(i64::from(SEATS))).await.expect("holds");
    assert_eq!(ways(LANE), [LOCKED]);
    (house, concert, [users[0], users[1]])
}

/// An office that remembers the hall and has assumed nothing yet: it has refused somebody who is not in the queue.
async fn knowing_office(house: &House, concert: ConcertId) -> BoxOffice {
    let office = house.another_office().await;
    ways(LANE);
    let not_active = |error: &Error| matches!(error, Error::TokenNotActive { status: None });
    assert_refused_locked(LANE, office.hold_one(UserId::generate(), concert, seat(1)).await, not_active);
    office
}

/// Both ways refuse seat 1 for the same reason, and nothing changes.
async fn assert_refused(house: &House, concert: ConcertId, caller: impl Into<Caller>, reason: fn(&Error) -> bool) {
    assert_seat_refused(house, concert, caller, 1, reason).await;
}

async fn assert_seat_refused(
    house: &House,
    concert: ConcertId,
    caller: impl Into<Caller>,
    number: i64,
    reason: fn(&Error) -> bool,
) {
    let caller = caller.into();
    let rows = "select count(*) from reservations";
    let before = house.count(rows).await;
    let (knowing, other) = (knowing_office(house, concert).await, house.another_office().await);
    assert_refused_on_both_ways(LANE, knowing.hold_one(caller.clone(), concert, seat(number)).await, reason);
    assert_refused_locked(LANE, other.hold_one(caller, concert, seat(number)).await, reason);
    assert_eq!(house.count(rows).await, before);
    house.assert_sound().await;
}

#[tokio::test]
async fn both_ways_leave_the_same_behind() {
    let house = House::watched(|policy| policy.with_max_holds_per_user(8)).await;
    let sections = vec![section("Front", 2, 3, 90), section("Back", 1, 4, 30)];
    let concert = house.concert_in(NaiveDate::from_ymd_opt(2027, 4, 1).expect("a date"), sections).await;
    let users = house.active_users(2, 500).await;
    for (nth, way) in [ASSUMED, LOCKED].into_iter().enumerate() {
        let knows = async || match way {
            ASSUMED => knowing_office(&house, concert).await,
            _ => house.another_office().await,
        };
        let office = knows().await;
        let user = users[nth];
        let token = house.office.token_status(user).await.expect("reads").ticket.token;
        let from = 1 + 3 * nth as i64;
        let one = office.hold_one(Caller::with_queue_token(user, token), concert, seat(from)).await.expect("holds");
        let (row, price) = (one.row.as_deref(), one.price);
        assert_eq!((one.section.as_deref(), row, price), (Some("Front"), Some(["1", "2"][nth]), money(90)));
        assert_eq!(ways(LANE), [way]);
        let office = knows().await;
        let two = Wanted::Seats(vec![seat(from + 1), seat(from + 2)]);
        let order = office.hold(user, concert, two).await.expect("holds");
        assert_eq!(ways(LANE), [way]);
        assert_eq!(
            order.reservations.iter().map(|held| held.seat).collect::<Vec<_>>(),
            [seat(from + 1), seat(from + 2)]
        );
        assert_eq!(office.order(user, order.id).await.expect("reads").reservations, order.reservations);
    }
    let kinds_of_rows = "select count(distinct coalesce(r.order_id = r.id, 2), r.concert_id = s.concert_id, r.status, \
         r.price = s.price, r.performance_date, timediff(r.reserved_at, r.last_updated_at), \
         timediff(r.expires_at, r.reserved_at), r.extended_at is null, s.is_reserved, s.reserved_by = r.user_id, \
         timediff(s.reserved_until, r.expires_at)) \
         from reservations r join seats s on s.reservation_id = r.id and s.seat_number = r.seat_number";
    assert_eq!(house.count(kinds_of_rows).await, 3, "a single seat, the first of an order, another of an order");
    assert_eq!(house.count("select count(*) from seats where is_reserved = 1").await, 6);
    house.assert_sound().await;
}

#[tokio::test]
async fn a_turn_that_is_over_holds_nothing() {
    let (house, concert, [user, _]) = known_hall().await;
    house.advance(600);
    assert_refused(&house, concert, user, |error| matches!(error, Error::TokenNotActive { .. })).await;
}

#[tokio::test]
async fn whoever_is_not_in_the_queue_holds_nothing() {
    let (house, concert, _) = known_hall().await;
    let user = house.user(500).await;
    assert_refused(&house, concert, user, |error| matches!(error, Error::TokenNotActive { status: None })).await;
}

#[tokio::test]
async fn whoever_waits_holds_nothing() {
    let (house, concert, _) = known_hall().await;
    let user = house.user(500).await;
    house.office.issue_token(user).await.expect("joins");
    let waiting = |error: &Error| matches!(error, Error::TokenNotActive { status: Some(TokenStatus::Waiting) });
    assert_refused(&house, concert, user, waiting).await;
}

#[tokio::test]
async fn a_token_of_an_earlier_visit_holds_nothing() {
    let (house, concert, [user, _]) = known_hall().await;
    let ended = house.office.token_status(user).await.expect("reads").ticket.token;
    house.office.leave_queue(user).await.expect("leaves");
    house.office.issue_token(user).await.expect("joins again");
    let not_active = |error: &Error| matches!(error, Error::TokenNotActive { status: None });
    assert_refused(&house, concert, Caller::with_queue_token(user, ended), not_active).await;
}

#[tokio::test]
async fn a_seat_that_is_taken_is_not_held_again() {
    for sold in [false, true] {
        let (house, concert, [user, other]) = known_hall().await;
        let held = house.office.hold_one(other, concert, seat(1)).await.expect("holds");
        if sold {
            house.office.pay(other, held.id, held.price).await.expect("pays");
        }
        assert_refused(&house, concert, user, |error| matches!(error, Error::SeatAlreadyReserved { .. })).await;
        assert_eq!(house.count("select count(*) from seats where is_reserved = 1").await, 2);
    }
}

#[tokio::test]
async fn a_hold_that_has_lapsed_is_taken_over() {
    let (house, concert, [user, other]) = known_hall().await;
    let lapsed = house.office.hold_one(other, concert, seat(1)).await.expect("holds");
    house.advance(300);
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    assert_eq!(ways(LANE), [&[ASSUMED.to_owned()][..], &tried_and_locked("guard")].concat());
    assert_eq!(held.user, user);
    let lapsed = house.office.order(other, lapsed.id).await.expect("reads");
    assert_eq!(lapsed.reservations[0].status, ReservationStatus::Expired);
    house.assert_sound().await;
}

#[tokio::test]
async fn holds_of_all_processes_count() {
    let (house, concert, [user, _]) = known_hall_with(|policy| policy.with_max_holds_per_user(3)).await;
    for number in [2, 3] {
        house.another_office().await.hold_one(user, concert, seat(number)).await.expect("holds");
    }
    let two = Wanted::Seats(vec![seat(4), seat(5)]);
    let refused = house.office.hold(user, concert, two).await.expect_err("is refused");
    assert!(matches!(refused, Error::TooManyHolds { limit: 3, .. }), "{refused:?}");
    assert_eq!(ways(LANE), [&[LOCKED.to_owned(), LOCKED.to_owned()][..], &tried_and_locked("guard")].concat());
    house.office.hold_one(user, concert, seat(4)).await.expect("holds");
    assert_refused(&house, concert, user, |error| matches!(error, Error::TooManyHolds { limit: 3, .. })).await;
}

#[tokio::test]
async fn what_was_paid_or_given_back_does_not_count() {
    let (house, concert, [user, _]) = known_hall_with(|policy| policy.with_max_holds_per_user(1)).await;
    let paid = house.office.hold_one(user, concert, seat(2)).await.expect("holds");
    house.office.pay(user, paid.id, paid.price).await.expect("pays");
    let given_back = house.office.hold_one(user, concert, seat(3)).await.expect("holds");
    house.office.cancel(user, given_back.id).await.expect("gives back");
    house.office.hold_one(user, concert, seat(4)).await.expect("holds");
    let tried = "the guard counts what was paid in time, too; who it holds up is counted exactly under lock";
    assert_eq!(ways(LANE), [ASSUMED, "assumed guard", LOCKED, LOCKED, LOCKED], "{tried}");
    assert_refused(&house, concert, user, |error| matches!(error, Error::TooManyHolds { limit: 1, .. })).await;
}

#[tokio::test]
async fn a_seat_that_is_not_there_is_not_held() {
    let (house, concert, [user, _]) = known_hall().await;
    let nowhere = |error: &Error| matches!(error, Error::SeatNotFound { .. });
    let number = seat(i64::from(SEATS) + 1);
    // The hall that is remembered may have grown.
    assert_refused_locked(LANE, house.office.hold_one(user, concert, number).await, nowhere);
    assert_refused_locked(LANE, house.another_office().await.hold_one(user, concert, number).await, nowhere);
}

#[tokio::test]
async fn a_concert_that_is_over_is_not_booked() {
    let (house, concert, _) = known_hall().await;
    house.advance(40 * 24 * 3_600);
    let user = house.active_users(1, 0).await[0];
    assert_refused(&house, concert, user, |error| matches!(error, Error::ConcertOver)).await;
}

#[tokio::test]
async fn a_price_that_was_changed_behind_the_box_offices_back_is_the_price() {
    let (house, concert, [user, _]) = known_hall().await;
    house.tamper("update seats set price = 150 where seat_number = 1").await;
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    assert_eq!(held.price, money(150));
    assert_eq!(ways(LANE), tried_and_locked("guard"));
    house.assert_sound().await;
}

#[tokio::test]
async fn a_call_that_is_repeated_gets_the_first_answer() {
    let (house, concert, [user, _]) = known_hall().await;
    let caller = keyed(user, "a key");
    let first = house.office.hold_one(caller.clone(), concert, seat(1)).await.expect("holds");
    assert_eq!(ways(LANE), [ASSUMED]);
    assert_eq!(house.office.hold_one(caller.clone(), concert, seat(1)).await.expect("holds"), first);
    assert_eq!(ways(LANE), tried_and_locked("guard"));
    let other = house.another_office().await;
    assert_eq!(other.hold_one(caller.clone(), concert, seat(1)).await.expect("holds"), first);
    assert_eq!(ways(LANE), [LOCKED]);
    assert_seat_refused(&house, concert, caller.clone(), 2, |error| matches!(error, Error::IdempotencyKeyReused)).await;
    house.office.cancel(user, first.id).await.expect("gives back");
    assert_eq!(house.office.hold_one(caller, concert, seat(1)).await.expect("answers"), first);
    assert_eq!(house.count("select count(*) from seats where is_reserved = 1").await, 1);
    house.assert_sound().await;
}

/// Sent before the writer takes its first batch, so all in one.
async fn at_once<C: Into<Caller>>(
    office: &BoxOffice,
    concert: ConcertId,
    wanted: [(C, i64); 3],
) -> [Result<Reservation, Error>; 3] {
    let [one, two, three] = wanted.map(|(caller, number)| office.hold_one(caller, concert, seat(number)));
    tokio::join!(one, two, three).into()
}

#[tokio::test]
async fn those_who_are_refused_are_refused_alone() {
    let (house, concert, [user, other]) = known_hall().await;
    house.another_office().await.hold_one(other, concert, seat(2)).await.expect("holds");
    let third = house.active_users(1, 0).await[0];
    ways(LANE);
    let answers = at_once(&house.office, concert, [(user, 1), (third, 2), (other, 3)]).await;
    assert!(matches!(answers, [Ok(_), Err(Error::SeatAlreadyReserved { .. }), Ok(_)]), "{answers:?}");
    assert_eq!(ways(LANE), tried_and_locked("guard"));
    house.assert_sound().await;
}

#[tokio::test]
async fn who_asks_first_gets_the_seat_and_who_asks_twice_has_both_counted() {
    let (house, concert, [user, other]) = known_hall_with(|policy| policy.with_max_holds_per_user(1)).await;
    let answers = at_once(&house.office, concert, [(user, 1), (other, 1), (user, 2)]).await;
    let expected =
        matches!(answers, [Ok(_), Err(Error::SeatAlreadyReserved { .. }), Err(Error::TooManyHolds { limit: 1, .. })]);
    assert!(expected, "{answers:?}");
    assert_eq!(ways(LANE), tried_and_locked("refused"));
    house.assert_sound().await;
}

#[tokio::test]
async fn a_call_that_is_repeated_gets_the_first_answer_though_somebody_takes_the_seat() {
    let (house, concert, [user, other]) = known_hall().await;
    let caller = keyed(user, "a key");
    let first = house.office.hold_one(caller.clone(), concert, seat(1)).await.expect("holds");
    house.office.cancel(user, first.id).await.expect("gives back");
    let third = house.active_users(1, 0).await[0];
    ways(LANE);
    let wanted = [(Caller::from(other), 1), (caller, 1), (Caller::from(third), 2)];
    match at_once(&house.office, concert, wanted).await {
        [Ok(_), Ok(again), Ok(_)] => assert_eq!(again, first),
        answers => panic!("{answers:?}"),
    }
    assert_eq!(ways(LANE), tried_and_locked("refused"));
}

#[tokio::test]
async fn a_crowd_gets_each_the_own_seat_at_its_price() {
    let house = House::watched(|policy| policy).await;
    let date = house.clock.now().date_naive();
    let sections = || vec![section("Front", 2, 20, 90), section("Back", 1, 20, 30)];
    let concerts = [house.concert_in(date, sections()).await, house.concert_in(date, sections()).await];
    let users = house.active_users(120, 0).await;
    let mut holding = tokio::task::JoinSet::new();
    for (nth, user) in users.into_iter().enumerate() {
        // The first batch reads the halls.
        let (office, concert, number) = (house.office.clone(), concerts[nth % 2], nth as i64 / 2 + 1);
        if nth == 2 {
            tokio::task::yield_now().await;
        }
        holding
            .spawn(async move { (user, number, office.hold_one(user, concert, seat(number)).await.expect("holds")) });
    }
    for (user, number, held) in holding.join_all().await {
        let price = money(if number <= 40 { 90 } else { 30 });
        let row = if number <= 20 || number > 40 { "1" } else { "2" };
        assert_eq!((held.user, held.seat, held.price, held.row.as_deref()), (user, seat(number), price, Some(row)));
    }
    assert_eq!(ways(LANE), [LOCKED, ASSUMED]);
    house.assert_sound().await;
}

/// So many seats that their rows go out by column.
#[tokio::test]
async fn each_of_sixty_seats_held_at_once_gets_its_own_row() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(60)).await;
    let date = NaiveDate::from_ymd_opt(2027, 4, 1).expect("a date");
    let sections = vec![section("Front", 2, 15, PRICE), section("Back", 2, 20, 2 * PRICE)];
    let concert = house.concert_in(date, sections).await;
    let user = house.active_users(1, 120 * PRICE).await[0];
    let wanted = (1..=70).filter(|number| number % 7 != 0).map(seat).collect();

    let order = house.office.hold(user, concert, Wanted::Seats(wanted)).await.expect("holds");
    assert_eq!(house.office.order(user, order.id).await.expect("reads"), order);
    let whole = "select count(*) from reservations r join seats s on s.reservation_id = r.id \
                 and (s.concert_id, s.seat_number, s.price) = (r.concert_id, r.seat_number, r.price) \
                 and s.reserved_by = r.user_id and s.reserved_until = r.expires_at";
    assert_eq!(house.count(whole).await, 60);

    house.office.pay(user, order.id, order.total).await.expect("pays");
    let paid = "select count(*) from payments p join reservations r on r.id = p.reservation_id and r.price = p.amount \
                join wallet_entries e on e.payment_id = p.id and e.user_id = r.user_id and e.amount = -p.amount";
    assert_eq!(house.count(paid).await, 60);
    house.assert_sound().await;
}
