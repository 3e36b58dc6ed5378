//! Orders: several seats held, paid, extended and given back as one.

use chrono::{NaiveDate, TimeDelta};
use concert_core::{ConcertId, Error, Order, OrderId, ReservationId, ReservationStatus, SeatNumber, Wanted};

use crate::support::{House, PRICE, Shortcuts as _, keyed, money, seat, section};

fn seats(numbers: impl IntoIterator<Item = i64>) -> Wanted {
    Wanted::Seats(numbers.into_iter().map(seat).collect())
}

fn best(count: usize) -> Wanted {
    Wanted::BestAvailable { count, section: None }
}

fn best_in(count: usize, section: &str) -> Wanted {
    Wanted::BestAvailable { count, section: Some(section.to_owned()) }
}

fn numbers(order: &Order) -> Vec<i32> {
    order.reservations.iter().map(|reservation| reservation.seat.get()).collect()
}

async fn free(house: &House, concert: ConcertId) -> Vec<i32> {
    let seats = house.office.seats(concert).await.expect("lists");
    seats.into_iter().filter(|seat| seat.available).map(|seat| seat.number.get()).collect()
}

#[tokio::test]
async fn several_seats_are_held_as_one_order_and_paid_in_one_call() {
    let house = House::open().await;
    let concert = house.hall(1, 5).await;
    let user = house.active_users(1, 400).await[0];

    let order = house.office.hold(user, concert, seats([4, 1, 3])).await.expect("holds");
    assert_eq!(numbers(&order), [1, 3, 4]);
    assert_eq!((order.total, order.expires_at), (money(3 * PRICE), house.office.now() + TimeDelta::minutes(5)));
    assert_eq!(order.id, OrderId::from(order.reservations[0].id));
    assert!(order.reservations.iter().all(|one| one.order() == order.id && one.expires_at == order.expires_at));
    assert_eq!(order.reservations[2].section.as_deref(), Some("Hall"));
    assert_eq!(order.reservations[2].row.as_deref(), Some("1"));
    assert_eq!(house.office.order(user, order.id).await.expect("reads"), order);
    let second = &order.reservations[1];
    let alone = house.office.order(user, second.id).await.expect("reads");
    assert_eq!((alone.id, alone.total, alone.reservations.as_slice()), (order.id, second.price, &[second.clone()][..]));
    assert_eq!(free(&house, concert).await, [2, 5]);

    let wrong = house.office.pay(user, order.id, money(PRICE)).await;
    assert!(matches!(wrong, Err(Error::WrongAmount { price, .. }) if price == order.total), "{wrong:?}");
    let paid = house.office.pay(user, order.id, order.total).await.expect("pays");
    assert_eq!(paid.total, order.total);
    let what: Vec<_> = paid.payments.iter().map(|payment| (payment.reservation, payment.amount)).collect();
    let expected: Vec<_> = order.reservations.iter().map(|one| (one.id, one.price)).collect();
    assert_eq!(what, expected, "a payment for each seat, by number");
    assert_eq!(house.office.balance(user).await.expect("reads"), money(100));
    let again = house.office.pay(user, order.id, order.total).await;
    assert!(matches!(again, Err(Error::AlreadyPaid)));
    let order = house.office.order(user, order.id).await.expect("reads");
    assert!(order.reservations.iter().all(|one| one.status == ReservationStatus::Confirmed));
    assert_eq!(order.total, money(0), "nothing is due");
    house.assert_sound().await;
}

#[tokio::test]
async fn a_seat_that_is_held_alone_is_an_order_too() {
    let house = House::open().await;
    let concert = house.hall(1, 2).await;
    let user = house.active_users(1, 400).await[0];
    let held = house.office.hold_one(user, concert, seat(2)).await.expect("holds");
    let order = house.office.order(user, held.order()).await.expect("reads");
    assert_eq!((order.reservations, order.total), (vec![held.clone()], held.price));
    house.office.pay(user, held.order(), held.price).await.expect("pays");
    assert_eq!(house.count("select count(*) from reservations where order_id is not null").await, 0);
    house.assert_sound().await;
}

#[tokio::test]
async fn one_seat_that_is_taken_refuses_them_all() {
    let house = House::open().await;
    let concert = house.hall(1, 6).await;
    let users = house.active_users(2, 0).await;
    house.office.hold(users[0], concert, seats([2, 5])).await.expect("holds");
    let refused = house.office.hold(users[1], concert, seats([1, 2, 5, 6])).await;
    let Err(Error::SeatAlreadyReserved { seats: taken, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(taken, [2, 5].map(seat));
    assert_eq!(free(&house, concert).await, [1, 3, 4, 6], "none of the others is held");
    house.advance(300);
    let taken_over = house.office.hold(users[1], concert, seats([1, 2, 5, 6])).await.expect("takes over");
    assert_eq!(numbers(&taken_over), [1, 2, 5, 6]);
    house.assert_sound().await;
}

#[tokio::test]
async fn holding_is_refused_for_the_reason_that_holds() {
    let house = House::open().await;
    let concert = house.hall(2, 5).await;
    let over = house.concert_of_yesterday(4).await;
    let users = house.active_users(3, 0).await;
    let waiting = house.user(0).await;
    let hold = |user, concert, wanted| {
        let office = house.office.clone();
        async move { office.hold(user, concert, wanted).await.expect_err("is refused") }
    };
    let user = users[0];
    let invalid = |error: &Error| matches!(error, Error::InvalidInput(_));
    assert!(invalid(&hold(user, concert, seats([])).await));
    assert!(invalid(&hold(user, concert, seats([3, 1, 3])).await));
    assert!(invalid(&hold(user, concert, best(0)).await));
    assert!(invalid(&hold(user, concert, best(257)).await));
    assert!(invalid(&hold(user, concert, seats(1..=257)).await));
    assert!(matches!(hold(user, concert, best(5)).await, Error::TooManyHolds { limit: 4, .. }));
    assert!(matches!(hold(waiting, concert, best(2)).await, Error::TokenNotActive { status: None }));
    for wanted in [seats([1, 2]), best(2), best_in(2, "Hall")] {
        assert!(matches!(hold(user, ConcertId::generate(), wanted).await, Error::ConcertNotFound));
    }
    assert!(matches!(hold(user, concert, seats([1, 11])).await, Error::SeatNotFound { seat: at } if at == seat(11)));
    let section = hold(user, concert, best_in(2, "hall")).await;
    assert!(matches!(&section, Error::SectionNotFound { section } if section == "hall"), "names are exact: {section}");
    for wanted in [seats([1, 2]), best(2)] {
        assert!(matches!(hold(user, over, wanted).await, Error::ConcertOver));
    }
    house.office.hold(user, concert, best(3)).await.expect("holds");
    assert!(matches!(hold(user, concert, best(2)).await, Error::TooManyHolds { limit: 4, .. }));
    assert!(matches!(hold(user, concert, seats([9, 10])).await, Error::TooManyHolds { limit: 4, .. }));
    house.office.hold(users[1], concert, best(4)).await.expect("holds");
    assert!(matches!(hold(users[2], concert, best(4)).await, Error::NotEnoughSeats { free: 3 }));
    house.assert_sound().await;
}

#[tokio::test]
async fn the_best_available_are_together_in_their_section_and_leave_nobody_single() {
    let house = House::open().await;
    let date = NaiveDate::from_ymd_opt(2027, 4, 1).expect("a date");
    let concert = house.concert_in(date, vec![section("Front", 1, 6, 150), section("Back", 1, 6, 80)]).await;
    let users = house.active_users(5, 0).await;
    let back = house.office.hold(users[0], concert, best_in(3, "Back")).await.expect("holds");
    assert!(back.reservations.iter().all(|one| one.section.as_deref() == Some("Back")));
    assert_eq!(numbers(&back), [7, 8, 9], "not in the middle, where one would be left over on a side");
    assert_eq!(back.total, money(3 * 80));
    let front = house.office.hold(users[1], concert, best(2)).await.expect("holds");
    assert_eq!((numbers(&front), front.total), (vec![3, 4], money(300)), "anywhere is in front, and in the middle");
    let both = house.office.hold(users[2], concert, seats([6, 12])).await.expect("holds");
    let prices: Vec<_> = both.reservations.iter().map(|one| one.price).collect();
    assert_eq!((prices, both.total), (vec![money(150), money(80)], money(230)), "each seat has its section's price");
    let apart = house.office.hold(users[3], concert, best(4)).await.expect("scattered seats are seats");
    assert_eq!(numbers(&apart).len(), 4);
    let refused = house.office.hold(users[4], concert, best_in(3, "Front")).await;
    assert!(matches!(refused, Err(Error::NotEnoughSeats { free }) if free < 3), "{refused:?}");
    house.assert_sound().await;
}

#[tokio::test]
async fn what_an_order_consists_of_can_be_paid_and_given_back_one_by_one() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(8)).await;
    let concert = house.hall(2, 4).await;
    let user = house.active_users(1, 1_000).await[0];
    let order = house.office.hold(user, concert, seats([1, 2, 3, 4])).await.expect("holds");
    let [first, second, ..] = [0, 1, 2, 3].map(|nth: usize| order.reservations[nth].id);
    house.office.cancel(user, first).await.expect("gives its first back");
    house.office.pay(user, second, money(PRICE)).await.expect("pays one");
    let rest = house.office.order(user, order.id).await.expect("keeps its name");
    assert_eq!((rest.reservations.len(), rest.total), (4, money(2 * PRICE)));
    let all = house.office.pay(user, order.id, order.total).await;
    assert!(matches!(all, Err(Error::WrongAmount { .. })));
    house.office.pay(user, order.id, rest.total).await.expect("pays the rest");
    assert!(matches!(house.office.cancel(user, order.id).await, Err(Error::AlreadyPaid)));

    let order = house.office.hold(user, concert, seats([5, 6, 7])).await.expect("holds");
    house.office.pay(user, order.reservations[1].id, money(PRICE)).await.expect("pays one");
    house.office.cancel(user, order.id).await.expect("gives the others back");
    assert_eq!(free(&house, concert).await, [1, 5, 7, 8]);
    let order = house.office.hold(user, concert, seats([5, 7])).await.expect("holds");
    house.office.cancel(user, order.id).await.expect("gives them back");
    house.office.cancel(user, order.id).await.expect("they are given back already");
    assert!(matches!(house.office.pay(user, order.id, order.total).await, Err(Error::HoldCancelled)));
    assert!(matches!(house.office.extend_hold(user, order.id).await, Err(Error::HoldCancelled)));
    house.assert_sound().await;
}

#[tokio::test]
async fn a_deadline_moves_once_and_with_it_all_that_is_held() {
    let house = House::open().await;
    let concert = house.hall(1, 4).await;
    let users = house.active_users(2, 1_000).await;
    let order = house.office.hold(users[0], concert, seats([1, 2, 3])).await.expect("holds");
    house.office.cancel(users[0], order.reservations[0].id).await.expect("gives one back");
    house.advance(299);
    let until = house.office.extend_hold(users[0], order.reservations[2].id).await.expect("any of them will do");
    assert_eq!(until, order.expires_at + TimeDelta::minutes(2));
    let again = house.office.extend_hold(users[0], order.id).await;
    assert!(matches!(again, Err(Error::HoldAlreadyExtended)));
    let moved = house.office.order(users[0], order.id).await.expect("reads");
    assert_eq!(moved.expires_at, until);
    assert_eq!(moved.reservations[0].expires_at, order.expires_at, "what was given back is as it was");
    house.assert_sound().await;

    house.clock.set(until - TimeDelta::microseconds(1));
    let refused = house.office.hold(users[1], concert, seats([2, 3])).await;
    assert!(matches!(refused, Err(Error::SeatAlreadyReserved { .. })));
    house.clock.set(until);
    house.office.hold(users[1], concert, seats([2, 3])).await.expect("takes over");
    assert!(matches!(house.office.pay(users[0], order.id, moved.total).await, Err(Error::HoldExpired)));
    assert!(matches!(house.office.extend_hold(users[0], order.id).await, Err(Error::HoldExpired)));
    house.assert_sound().await;
}

#[tokio::test]
async fn no_deadline_moves_past_the_turn_or_twice_the_time_of_a_hold() {
    let house = House::open_with(|policy| policy.with_hold_extension(std::time::Duration::from_secs(3_000))).await;
    let concert = house.hall(1, 6).await;
    let user = house.active_users(1, 1_000).await[0];
    let begin = house.office.now();
    let first = house.office.hold(user, concert, seats([1])).await.expect("holds");
    house.advance(60);
    let second = house.office.hold(user, concert, seats([2])).await.expect("holds");
    let until = house.office.extend_hold(user, first.id).await.expect("extends");
    assert_eq!(until, begin + TimeDelta::minutes(10), "twice five minutes");
    let until = house.office.extend_hold(user, second.id).await.expect("extends");
    assert_eq!(until, begin + TimeDelta::minutes(11), "twice five minutes, and the turn with it");
    house.advance(590);
    let third = house.office.hold(user, concert, seats([3])).await.expect("holds");
    let longest = begin + TimeDelta::minutes(20);
    let until = house.office.extend_hold(user, third.id).await.expect("extends");
    assert_eq!(until, longest, "ten minutes of turn and twice five of hold");
    house.advance(400);
    let fourth = house.office.hold(user, concert, seats([4])).await.expect("holds until the turn ends");
    assert_eq!(fourth.expires_at, longest);
    assert!(matches!(house.office.extend_hold(user, fourth.id).await, Err(Error::HoldOutlastsTurn)));
    house.office.pay(user, fourth.id, fourth.total).await.expect("pays");
    assert!(matches!(house.office.extend_hold(user, fourth.id).await, Err(Error::AlreadyPaid)));
    house.clock.set(longest);
    assert!(matches!(house.office.extend_hold(user, third.id).await, Err(Error::TokenNotActive { .. })));
    house.assert_sound().await;
}

#[tokio::test]
async fn a_repeated_order_with_its_key_is_one_order() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(20)).await;
    let concert = house.hall(2, 6).await;
    let user = house.active_users(1, 1_000).await[0];
    let hold = |key, wanted| {
        let (office, caller) = (house.office.clone(), keyed(user, key));
        async move { office.hold(caller, concert, wanted).await }
    };
    let these = hold("these", seats([1, 2, 3])).await.expect("holds");
    let found = hold("best", best_in(2, "Hall")).await.expect("holds");
    let one = hold("one", seats([12])).await.expect("holds");
    let single = hold("single", best_in(1, "Hall")).await.expect("holds");
    for (key, wanted, first) in [
        ("these", seats([3, 1, 2]), &these),
        ("best", best_in(2, "Hall"), &found),
        ("one", seats([12]), &one),
        ("single", best_in(1, "Hall"), &single),
    ] {
        assert_eq!(hold(key, wanted).await.expect("answers the same"), *first);
    }
    let others = [
        ("these", seats([1, 2])),
        ("these", seats([1])),
        ("these", seats([1, 2, 4])),
        ("these", seats([1, 2, 3, 4])),
        ("these", best_in(3, "Elsewhere")),
        ("best", best(3)),
        ("best", best(1)),
        ("best", best_in(2, "Elsewhere")),
        ("single", best_in(1, "Elsewhere")),
        ("one", seats([11, 12])),
    ];
    for (key, wanted) in others {
        let refused = hold(key, wanted.clone()).await;
        assert!(matches!(refused, Err(Error::IdempotencyKeyReused)), "{key} {wanted:?}: {refused:?}");
    }
    assert_eq!(house.count("select count(*) from reservations").await, 7);

    let pay = |order: OrderId, amount| {
        let (office, caller) = (house.office.clone(), keyed(user, "pay"));
        async move { office.pay(caller, order, amount).await }
    };
    let paid = pay(these.id, these.total).await.expect("pays");
    assert_eq!(pay(these.id, these.total).await.expect("answers the same"), paid);
    assert!(matches!(pay(these.id, money(PRICE)).await, Err(Error::IdempotencyKeyReused)));
    assert!(matches!(pay(found.id, these.total).await, Err(Error::IdempotencyKeyReused)));
    let part = house.office.pay(keyed(user, "pay"), these.reservations[1].id, money(PRICE)).await;
    assert!(matches!(part, Err(Error::IdempotencyKeyReused)));
    assert_eq!(hold("these", seats([1, 2, 3])).await.expect("the first answer"), these);
    assert_eq!(house.count("select count(*) from payments").await, 3);
    assert_eq!(house.office.balance(user).await.expect("reads"), money(700));
    house.assert_sound().await;
}

#[tokio::test]
async fn anothers_order_is_nobody_elses_matter() {
    let house = House::open().await;
    let concert = house.hall(1, 4).await;
    let users = house.active_users(2, 1_000).await;
    let order = house.office.hold(users[0], concert, seats([1, 2])).await.expect("holds");
    assert!(matches!(house.office.order(users[1], order.id).await, Err(Error::NotYours)));
    assert!(matches!(house.office.pay(users[1], order.id, order.total).await, Err(Error::NotYours)));
    assert!(matches!(house.office.extend_hold(users[1], order.id).await, Err(Error::NotYours)));
    assert!(matches!(house.office.cancel(users[1], order.id).await, Err(Error::NotYours)));
    // The second reservation has an id of its own, which no order has.
    for id in [OrderId::generate(), OrderId::from(order.reservations[1].id)] {
        assert!(matches!(house.office.order(users[0], id).await, Err(Error::OrderNotFound)));
        assert!(matches!(house.office.pay(users[0], id, order.total).await, Err(Error::OrderNotFound)));
        assert!(matches!(house.office.cancel(users[0], id).await, Err(Error::OrderNotFound)));
    }
    let nothing = house.office.extend_hold(users[0], ReservationId::generate()).await;
    assert!(matches!(nothing, Err(Error::ReservationNotFound)));
    assert_eq!(free(&house, concert).await, [3, 4]);
    house.assert_sound().await;
}

#[tokio::test]
async fn an_order_that_cannot_be_paid_whole_is_not_paid_in_part() {
    let house = House::open().await;
    let concert = house.hall(1, 4).await;
    let user = house.active_users(1, 3 * PRICE - 1).await[0];
    let order = house.office.hold(user, concert, seats([1, 2, 3])).await.expect("holds");
    let poor = house.office.pay(user, order.id, order.total).await;
    assert!(matches!(poor, Err(Error::InsufficientBalance { price, .. }) if price == order.total));
    assert_eq!(house.count("select count(*) from payments").await, 0);
    assert_eq!(house.office.balance(user).await.expect("reads"), money(3 * PRICE - 1));
    house.assert_sound().await;
}

#[tokio::test]
async fn whoever_pays_an_order_leaves_soon_only_when_nothing_else_is_held() {
    let house = House::open().await;
    let concert = house.hall(1, 4).await;
    let user = house.active_users(1, 1_000).await[0];
    let order = house.office.hold(user, concert, seats([1, 2])).await.expect("holds");
    let other = house.office.hold_one(user, concert, SeatNumber::new(4).expect("in range")).await.expect("holds");
    let ends = || async { house.office.token_status(user).await.expect("is in").standing.expires_at };
    let turn = ends().await;
    house.office.pay(user, order.id, order.total).await.expect("pays");
    assert_eq!(ends().await, turn, "something is still to be paid");
    house.office.pay(user, other.id, other.price).await.expect("pays");
    assert_eq!(ends().await, Some(house.office.now() + TimeDelta::seconds(60)));
}
