//! A purchase through the library, step by step and refused at each.

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use concert_core::{
    BoxOffice, Caller, Clock as _, Error, ManualClock, Reservation, ReservationId, ReservationStatus, SignUp,
    TokenStatus, UserId,
};
use tokio::task::JoinSet;

use crate::support::{House, PRICE, Shortcuts as _, keyed, money, seat};

#[tokio::test]
async fn a_purchase_from_joining_to_the_sold_seat() {
    let house = House::open().await;
    let (concert, user) = (house.concert(3).await, house.user(0).await);

    let joined = house.office.issue_token(user).await.expect("joins");
    assert_eq!(joined.token.standing.status, TokenStatus::Active);
    assert_eq!(house.office.concert_dates().await.expect("lists").len(), 1);
    let held = house.office.hold_one(user, concert, seat(2)).await.expect("holds");
    let recharged = house.office.recharge(user, money(150)).await.expect("recharges");
    assert_eq!((recharged.before, recharged.after), (money(0), money(150)));
    let payment = house.office.pay(user, held.id, money(PRICE)).await.expect("pays").payments.remove(0);

    assert_eq!(payment.reservation, held.id);
    assert_eq!(house.office.balance(user).await.expect("reads"), money(50));
    let seats = house.office.seats(concert).await.expect("lists");
    let available: Vec<_> = seats.iter().map(|seat| seat.available).collect();
    assert_eq!(available, [true, false, true]);
    let found = house.office.order(user, held.id).await.expect("reads");
    assert_eq!(found.reservations[0].status, ReservationStatus::Confirmed);
    house.assert_sound().await;
}

#[tokio::test]
async fn a_held_seat_frees_itself_when_its_time_ends() {
    let house = House::open().await;
    let concert = house.concert(1).await;
    let users = house.active_users(2, 500).await;
    let held = house.office.hold_one(users[0], concert, seat(1)).await.expect("holds");

    house.advance(299);
    assert!(matches!(house.office.hold_one(users[1], concert, seat(1)).await, Err(Error::SeatAlreadyReserved { .. })));
    house.advance(1);
    assert!(house.office.seats(concert).await.expect("lists")[0].available, "no sweep is needed");
    let taken = house.office.hold_one(users[1], concert, seat(1)).await.expect("takes over");

    assert!(matches!(house.office.pay(users[0], held.id, money(PRICE)).await, Err(Error::HoldExpired)));
    house.office.pay(users[1], taken.id, money(PRICE)).await.expect("pays");
    house.assert_sound().await;
}

#[tokio::test]
async fn a_hold_can_be_paid_until_its_last_microsecond_and_not_after() {
    let house = House::open().await;
    let concert = house.concert(2).await;
    let user = house.active_users(1, 500).await[0];
    let first = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    let second = house.office.hold_one(user, concert, seat(2)).await.expect("holds");

    house.clock.set(first.expires_at - chrono::TimeDelta::microseconds(1));
    house.office.pay(user, first.id, money(PRICE)).await.expect("still counts");
    house.clock.set(second.expires_at);
    assert!(matches!(house.office.pay(user, second.id, money(PRICE)).await, Err(Error::HoldExpired)));
    house.assert_sound().await;
}

#[tokio::test]
async fn the_sweep_releases_lapsed_holds_and_nothing_else() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(10)).await;
    let concert = house.concert(5).await;
    let user = house.active_users(1, 500).await[0];
    let paid = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    house.office.pay(user, paid.id, money(PRICE)).await.expect("pays");
    house.office.hold_one(user, concert, seat(2)).await.expect("holds");
    house.office.hold_one(user, concert, seat(3)).await.expect("holds");
    house.advance(200);
    house.office.issue_token(Caller::verified(user)).await.expect("joins again, should the turn be over");
    house.office.hold_one(user, concert, seat(4)).await.expect("holds");
    house.advance(150);

    assert_eq!(house.office.back_office().preview_sweep().await.expect("looks").released, 2);
    assert_eq!(house.office.sweep_expired().await.expect("sweeps").released, 2);
    assert_eq!(house.office.sweep_expired().await.expect("sweeps").released, 0);
    let seats = house.office.seats(concert).await.expect("lists");
    let available: Vec<_> = seats.iter().map(|seat| seat.available).collect();
    assert_eq!(available, [false, true, true, false, true]);
    house.assert_sound().await;
}

#[tokio::test]
async fn a_sweep_goes_through_any_number_of_deadlines_paid_ones_among_them() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(2_000)).await;
    let concert = house.concert(1_500).await;
    let user = house.active_users(1, 200_000).await[0];
    let hold = |number| {
        let office = house.office.clone();
        async move { office.hold_one(user, concert, seat(number)).await.expect("holds") }
    };
    // All end in the same microsecond, and more are paid than one look takes.
    let held = (1..=1_500).map(hold).collect::<JoinSet<_>>().join_all().await;
    let pay = |held: Reservation| {
        let office = house.office.clone();
        async move { office.pay(user, held.id, money(PRICE)).await.expect("pays") }
    };
    let paid =
        held.into_iter().filter(|held| held.seat.get() % 5 != 0).map(pay).collect::<JoinSet<_>>().join_all().await;
    assert_eq!(paid.len(), 1_200);
    house.advance(400);
    assert_eq!(house.office.back_office().preview_sweep().await.expect("looks").released, 300);
    assert_eq!(house.office.sweep_expired().await.expect("sweeps").released, 300);
    assert_eq!(house.office.back_office().held_seats().await.expect("counts"), 0);
    house.assert_sound().await;
}

#[tokio::test]
async fn a_hold_that_comes_late_by_another_clock_is_swept_all_the_same() {
    let house = House::open_with(|policy| policy.with_hold_ttl(Duration::from_secs(10))).await;
    let concert = house.concert(2).await;
    let users = house.active_users(2, 0).await;
    let slow = Arc::new(ManualClock::new(house.clock.now()));
    let slow = BoxOffice::connect_with(house.database.clone(), house.office.policy().clone(), slow).await;
    house.office.hold_one(users[0], concert, seat(1)).await.expect("holds");
    house.advance(40);
    assert_eq!(house.office.sweep_expired().await.expect("sweeps").released, 1);
    slow.expect("connects").hold_one(users[1], concert, seat(2)).await.expect("holds");
    house.advance(60);
    assert_eq!(house.office.sweep_expired().await.expect("sweeps").released, 1);
    assert_eq!(house.office.sweep_expired().await.expect("sweeps").released, 0);
}

#[tokio::test]
async fn a_hold_given_back_is_free_at_once_and_cannot_be_paid() {
    let house = House::open().await;
    let concert = house.concert(1).await;
    let users = house.active_users(2, 500).await;
    let held = house.office.hold_one(users[0], concert, seat(1)).await.expect("holds");

    assert!(matches!(house.office.cancel(users[1], held.id).await, Err(Error::NotYours)));
    house.office.cancel(users[0], held.id).await.expect("gives back");
    house.office.cancel(users[0], held.id).await.expect("is given back already");
    assert!(matches!(house.office.pay(users[0], held.id, money(PRICE)).await, Err(Error::HoldCancelled)));

    let again = house.office.hold_one(users[1], concert, seat(1)).await.expect("holds");
    house.office.pay(users[1], again.id, money(PRICE)).await.expect("pays");
    assert!(matches!(house.office.cancel(users[1], again.id).await, Err(Error::AlreadyPaid)));
    house.assert_sound().await;
}

#[tokio::test]
async fn reserving_is_refused_for_the_reason_that_holds() {
    let house = House::open_with(|policy| policy.with_max_holds_per_user(2)).await;
    let concert = house.concert(5).await;
    let over = house.concert_of_yesterday(1).await;
    let today = house.concert_on(NaiveDate::from_ymd_opt(2027, 3, 1).expect("a date"), 1).await;
    let user = house.user(0).await;

    let refused = house.office.hold_one(user, concert, seat(1)).await;
    assert!(matches!(refused, Err(Error::TokenNotActive { status: None })));
    house.office.issue_token(user).await.expect("joins");
    let nowhere = concert_core::ConcertId::generate();
    assert!(matches!(house.office.hold_one(user, nowhere, seat(1)).await, Err(Error::ConcertNotFound)));
    assert!(matches!(house.office.hold_one(user, concert, seat(6)).await, Err(Error::SeatNotFound { .. })));
    assert!(matches!(house.office.hold_one(user, over, seat(1)).await, Err(Error::ConcertOver)));
    house.office.hold_one(user, today, seat(1)).await.expect("today is not over");
    house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    let refused = house.office.hold_one(user, concert, seat(2)).await;
    let Err(Error::TooManyHolds { limit: 2, held: Some(2), yours }) = refused else { panic!("{refused:?}") };
    let mut named: Vec<_> = yours.iter().map(|hold| (hold.concert, hold.seat)).collect();
    named.sort_unstable();
    let mut held = [(today, seat(1)), (concert, seat(1))];
    held.sort_unstable();
    assert_eq!(named, held, "what the user can pay or give back");
    house.office.cancel(user, yours[0].reservation).await.expect("gives one back");
    house.office.hold_one(user, concert, seat(2)).await.expect("holds");
    house.assert_sound().await;
}

#[tokio::test]
async fn paying_is_refused_for_the_reason_that_holds() {
    let house = House::open().await;
    let concert = house.concert(5).await;
    let users = house.active_users(2, 50).await;
    let held = house.office.hold_one(users[0], concert, seat(1)).await.expect("holds");

    let nothing = house.office.pay(users[0], ReservationId::generate(), money(PRICE)).await;
    assert!(matches!(nothing, Err(Error::ReservationNotFound)));
    assert!(matches!(house.office.pay(users[1], held.id, money(PRICE)).await, Err(Error::NotYours)));
    let wrong = house.office.pay(users[0], held.id, money(PRICE + 1)).await;
    assert!(matches!(wrong, Err(Error::WrongAmount { .. })));
    let poor = house.office.pay(users[0], held.id, money(PRICE)).await;
    assert!(matches!(poor, Err(Error::InsufficientBalance { .. })));
    house.office.recharge(users[0], money(50)).await.expect("recharges");
    house.office.pay(users[0], held.id, money(PRICE)).await.expect("pays");
    assert!(matches!(house.office.pay(users[0], held.id, money(PRICE)).await, Err(Error::AlreadyPaid)));
    let other = house.office.hold_one(users[1], concert, seat(2)).await.expect("holds");
    house.advance(600);
    assert!(matches!(house.office.pay(users[0], held.id, money(PRICE)).await, Err(Error::AlreadyPaid)));
    assert!(matches!(
        house.office.pay(users[1], other.id, money(PRICE)).await,
        Err(Error::TokenNotActive { status: Some(TokenStatus::Active) | None })
    ));
    house.assert_sound().await;
}

#[tokio::test]
async fn a_balance_has_a_limit_and_keeps_every_cent() {
    let house = House::open().await;
    let user = house.user(0).await;
    let most = "99999999.99".parse().expect("the limit");
    house.office.recharge(user, "0.01".parse().expect("a cent")).await.expect("recharges");
    assert!(matches!(house.office.recharge(user, most).await, Err(Error::BalanceLimit { .. })));
    house.office.recharge(user, "99999999.98".parse().expect("the rest")).await.expect("recharges");
    assert_eq!(house.office.balance(user).await.expect("reads"), most);
    assert!(matches!(house.office.recharge(user, money(0)).await, Err(Error::InvalidInput(_))));
    assert!(matches!(house.office.recharge(UserId::generate(), money(1)).await, Err(Error::UserNotFound)));
    house.assert_sound().await;
}

#[tokio::test]
async fn a_repeated_call_with_its_key_is_carried_out_once() {
    let house = House::open().await;
    let concert = house.concert(2).await;
    let user = house.user(0).await;
    let caller = || keyed(user, "one");

    let first = house.office.issue_token(caller()).await.expect("joins");
    let again = house.office.issue_token(caller()).await.expect("joins");
    assert_eq!((first.token.jwt, first.resumed), (again.token.jwt, again.resumed));
    let first = house.office.recharge(caller(), money(300)).await.expect("recharges");
    assert_eq!(house.office.recharge(caller(), money(300)).await.expect("recharges"), first);
    assert!(matches!(house.office.recharge(caller(), money(1)).await, Err(Error::IdempotencyKeyReused)));
    let held = house.office.hold_one(caller(), concert, seat(1)).await.expect("holds");
    assert_eq!(house.office.hold_one(caller(), concert, seat(1)).await.expect("holds"), held);
    let other = house.office.hold_one(caller(), concert, seat(2)).await;
    assert!(matches!(other, Err(Error::IdempotencyKeyReused)));
    let paid = house.office.pay(caller(), held.id, money(PRICE)).await.expect("pays");
    assert_eq!(house.office.pay(caller(), held.id, money(PRICE)).await.expect("pays"), paid);
    assert_eq!(house.office.hold_one(caller(), concert, seat(1)).await.expect("the first answer"), held);

    assert_eq!(house.office.balance(user).await.expect("reads"), money(200));
    house.assert_sound().await;
}

#[tokio::test]
async fn sold_out_and_past_concerts_are_not_listed() {
    let house = House::open().await;
    let day = |d| NaiveDate::from_ymd_opt(2027, 3, d).expect("a date");
    let today = house.concert_on(day(1), 1).await;
    house.concert_of_yesterday(1).await;
    let later = house.concert_on(day(9), 1).await;
    let user = house.active_users(1, 500).await[0];
    let listed = || async {
        let dates = house.office.concert_dates().await.expect("lists");
        dates.into_iter().map(|date| date.concert).collect::<Vec<_>>()
    };

    assert_eq!(listed().await, [today, later]);
    let held = house.office.hold_one(user, later, seat(1)).await.expect("holds");
    assert_eq!(listed().await, [today]);
    house.advance(300);
    assert_eq!(listed().await, [today, later], "a lapsed hold is a free seat");
    assert!(matches!(house.office.pay(user, held.id, money(PRICE)).await, Err(Error::HoldExpired)));
    let held = house.office.hold_one(user, later, seat(1)).await.expect("holds");
    house.office.pay(user, held.id, money(PRICE)).await.expect("pays");
    house.advance(300);
    assert_eq!(listed().await, [today], "what is paid has no deadline");
}

#[tokio::test]
async fn a_batch_that_does_not_find_what_it_locked_keeps_nothing() {
    let house = House::open().await;
    let (concert, user) = (house.concert(1).await, house.user(PRICE).await);
    house.office.issue_token(user).await.expect("joins");
    let held = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    // The seat says that it is held, its reservation does not: they cannot be sold together.
    house.tamper("update reservations set status = 'EXPIRED'").await;
    let refused = house.office.pay(user, held.id, money(PRICE)).await.expect_err("is not sold");
    assert_eq!(refused.code(), "INTERNAL");
    assert_eq!(house.office.balance(user).await.expect("reads"), money(PRICE));
    assert_eq!(house.count("select count(*) from payments").await, 0);
    house.tamper("update reservations set status = 'HELD'").await;
    house.office.pay(user, held.id, money(PRICE)).await.expect("the same writer goes on");
    house.assert_sound().await;
}

#[tokio::test]
async fn a_name_and_a_password_open_a_session_and_nothing_else_does() {
    let house = House::open().await;
    let password = || "correct horse".parse::<concert_core::Password>().expect("a password");
    let user = house
        .office
        .sign_up(SignUp::new("안나".parse().expect("a name")).with_password(password()))
        .await
        .expect("registers");
    let taken = house.office.sign_up(SignUp::new("안나".parse().expect("a name")).with_password(password())).await;
    assert!(matches!(taken, Err(Error::UsernameTaken)));

    let session = house.office.log_in("안나", &password()).await.expect("logs in").access_token.expect("is signed");
    assert_eq!(house.office.authenticate(&session).await.expect("holds").user(), user.id);
    let wrong = concert_core::Password::unchecked("wrong horse");
    assert!(matches!(house.office.log_in("안나", &wrong).await, Err(Error::BadCredentials)));
    assert!(matches!(house.office.log_in("Bela", &wrong).await, Err(Error::BadCredentials)));
    let without = house.user(0).await;
    let name = house.office.user(without).await.expect("reads").username;
    assert!(matches!(
        house.office.log_in(&name, &concert_core::Password::unchecked("!")).await,
        Err(Error::BadCredentials)
    ));

    assert!(matches!(house.office.issue_token(user.id).await, Err(Error::LoginRequired)));
    house.office.issue_token(Caller::verified(user.id)).await.expect("joins");
    house.advance(12 * 3600);
    assert!(matches!(house.office.authenticate(&session).await, Err(Error::Unauthenticated(_))));
}
