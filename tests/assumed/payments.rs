//! Payments of holds that this process has made. Another process locks them.

use concert_core::{Caller, Clock as _, Error, Payment, Reservation, TokenStatus, UserId};
use tokio::task::JoinSet;

use super::{assert_refused_locked, assert_refused_on_both_ways};
use crate::support::ways::{ASSUMED, LOCKED, tried_and_locked, ways};
use crate::support::{House, PRICE, Shortcuts as _, money, seat, section};

const LANE: &str = "payment";

/// A user with a turn and a hold in it, and another with a turn; nobody else gets one.
async fn one_holds(balance: u32) -> (House, [UserId; 2], Reservation) {
    let house = House::watched(|policy| policy).await;
    let concert = house.concert(2).await;
    let users = house.active_users(2, balance).await;
    house.office.set_max_active(2).await.expect("sets the cap");
    let held = house.office.hold_one(users[0], concert, seat(1)).await.expect("holds");
    (house, [users[0], users[1]], held)
}

/// Both ways refuse the payment for the same reason, and nothing changes.
async fn assert_refused(house: &House, caller: impl Into<Caller>, held: &Reservation, reason: fn(&Error) -> bool) {
    let caller = caller.into();
    assert_refused_on_both_ways(LANE, house.office.pay(caller.clone(), held.id, held.price).await, reason);
    let other = house.another_office().await;
    assert_refused_locked(LANE, other.pay(caller, held.id, held.price).await, reason);
    assert_eq!(house.count("select count(*) from payments").await, 0);
    assert_eq!(house.count("select count(*) from wallet_entries where kind = 'PAYMENT'").await, 0);
    house.assert_sound().await;
}

#[tokio::test]
async fn both_ways_leave_the_same_behind() {
    let house = House::watched(|policy| policy).await;
    let concert = house.concert(4).await;
    let users = house.active_users(2, 500).await;
    let offices = [(&house.office, ASSUMED), (&house.another_office().await, LOCKED)];
    for (user, (office, way)) in users.iter().zip(offices) {
        for number in [1, 2] {
            let number = number + 2 * i64::from(*user == users[1]);
            let held = house.office.hold_one(*user, concert, seat(number)).await.expect("holds");
            let token = house.office.token_status(*user).await.expect("reads").ticket.token;
            let caller = Caller::with_queue_token(*user, token);
            let payment = office.pay(caller, held.id, held.price).await.expect("pays").payments.remove(0);
            assert_eq!((payment.user, payment.reservation, payment.amount), (*user, held.id, money(PRICE)));
            assert_eq!(ways(LANE), [way]);
        }
    }
    let rows = "select count(*) from payments p join wallet_entries e on e.payment_id = p.id \
         join reservations r on r.id = p.reservation_id join seats s on s.reservation_id = r.id";
    assert_eq!(house.count(rows).await, 4);
    let kinds_of_rows = "select count(distinct e.nth, e.kind, e.amount, e.balance_after, e.id = p.id, \
         timediff(e.created_at, p.paid_at), e.user_id = p.user_id, p.amount, p.payment_status, r.user_id = p.user_id, \
         timediff(r.last_updated_at, p.paid_at), r.status, s.is_reserved, s.reserved_until is null, \
         timediff(t.expires_at, p.paid_at), timediff(t.last_updated_at, p.paid_at)) \
         from payments p join wallet_entries e on e.payment_id = p.id join reservations r on r.id = p.reservation_id \
         join seats s on s.reservation_id = r.id join tokens t on t.user_id = p.user_id";
    assert_eq!(house.count(kinds_of_rows).await, 2, "one for the first payment of a user, one for the second");
    house.assert_sound().await;
}

#[tokio::test]
async fn a_turn_that_is_over_pays_nothing() {
    let (house, [user, _], held) = one_holds(500).await;
    house.advance(600);
    assert_refused(&house, user, &held, |error| matches!(error, Error::TokenNotActive { .. })).await;
}

#[tokio::test]
async fn whoever_left_the_queue_pays_nothing() {
    let (house, [user, _], held) = one_holds(500).await;
    house.office.leave_queue(user).await.expect("leaves");
    assert_refused(&house, user, &held, |error| matches!(error, Error::TokenNotActive { status: None })).await;
}

/// The user is in the queue again, behind somebody who has the turn now.
async fn back_in_line(house: &House, user: UserId) {
    house.office.leave_queue(user).await.expect("leaves");
    let next = house.user(0).await;
    for joining in [next, user] {
        house.office.issue_token(joining).await.expect("joins");
    }
}

#[tokio::test]
async fn whoever_is_back_in_line_pays_nothing() {
    let (house, [user, _], held) = one_holds(500).await;
    back_in_line(&house, user).await;
    let waiting = |error: &Error| matches!(error, Error::TokenNotActive { status: Some(TokenStatus::Waiting) });
    assert_refused(&house, user, &held, waiting).await;
}

#[tokio::test]
async fn a_payment_picks_the_turn_up() {
    let (house, [user, _], held) = one_holds(500).await;
    // Nobody holds before the turn is claimed, nor keeps a hold from one turn to the next.
    assert_eq!(house.tamper("update tokens set claimed_at = null where ticket = 1").await, 1);
    let unclaimed = "select count(*) from tokens where status = 'ACTIVE' and claimed_at is null";
    assert_eq!(house.count(unclaimed).await, 1);
    house.office.pay(user, held.id, held.price).await.expect("pays");
    let ways = ways(LANE);
    assert_eq!(ways, ["assumed guard", LOCKED, LOCKED], "refused, claimed in the queue's lane, and paid");
    assert_eq!(house.count(unclaimed).await, 0);
    house.assert_sound().await;
}

#[tokio::test]
async fn a_token_of_an_earlier_visit_pays_nothing() {
    let (house, [user, _], held) = one_holds(500).await;
    let ended = house.office.token_status(user).await.expect("reads").ticket.token;
    house.office.leave_queue(user).await.expect("leaves");
    house.office.issue_token(user).await.expect("joins again");
    let not_active = |error: &Error| matches!(error, Error::TokenNotActive { status: None });
    assert_refused(&house, Caller::with_queue_token(user, ended), &held, not_active).await;
}

#[tokio::test]
async fn somebody_elses_token_pays_nothing() {
    let (house, [user, other], held) = one_holds(500).await;
    let theirs = house.office.token_status(other).await.expect("reads").ticket.token;
    let not_active = |error: &Error| matches!(error, Error::TokenNotActive { status: None });
    assert_refused(&house, Caller::with_queue_token(user, theirs), &held, not_active).await;
}

#[tokio::test]
async fn a_hold_that_lapsed_pays_nothing() {
    let (house, [user, _], held) = one_holds(500).await;
    house.advance(300);
    assert_refused(&house, user, &held, |error| matches!(error, Error::HoldExpired)).await;
}

#[tokio::test]
async fn a_hold_whose_seat_is_anothers_by_now_pays_nothing() {
    let (house, [user, other], held) = one_holds(500).await;
    house.advance(300);
    house.office.hold_one(other, held.concert, held.seat).await.expect("takes over");
    assert_refused(&house, user, &held, |error| matches!(error, Error::HoldExpired)).await;
}

#[tokio::test]
async fn a_wallet_with_too_little_pays_nothing() {
    let (house, [user, _], held) = one_holds(PRICE - 1).await;
    assert_refused(&house, user, &held, |error| matches!(error, Error::InsufficientBalance { .. })).await;
    house.office.recharge(user, money(1)).await.expect("recharges");
    house.another_office().await.pay(user, held.id, held.price).await.expect("pays to the last cent");
}

#[tokio::test]
async fn a_hold_is_not_paid_by_somebody_else() {
    let (house, [_, other], held) = one_holds(500).await;
    assert_refused(&house, other, &held, |error| matches!(error, Error::NotYours)).await;
}

#[tokio::test]
async fn a_hold_is_not_paid_at_another_price() {
    let (house, [user, _], held) = one_holds(500).await;
    let mut dearer = held;
    dearer.price = money(PRICE + 1);
    assert_refused(&house, user, &dearer, |error| matches!(error, Error::WrongAmount { .. })).await;
}

/// All at once, so in one batch.
async fn pay_at_once(house: &House, held: Vec<Reservation>) -> Vec<(Reservation, Result<Payment, Error>)> {
    let mut paying = JoinSet::new();
    for held in held {
        let office = house.office.clone();
        paying.spawn(async move {
            let paid = office.pay(held.user, held.id, held.price).await;
            (held, paid.map(|mut paid| paid.payments.remove(0)))
        });
    }
    paying.join_all().await
}

/// A hall with seats at two prices, all held.
async fn all_hold(house: &House, balance: u32) -> Vec<Reservation> {
    let date = house.clock.now().date_naive();
    let concert = house.concert_in(date, vec![section("Front", 1, 20, 90), section("Back", 1, 20, 30)]).await;
    let mut held = Vec::new();
    for (user, number) in house.active_users(40, balance).await.into_iter().zip(1..) {
        held.push(house.office.hold_one(user, concert, seat(number)).await.expect("holds"));
    }
    held
}

#[tokio::test]
async fn each_pays_the_price_of_the_own_seat() {
    let house = House::watched(|policy| policy).await;
    let held = all_hold(&house, 100).await;
    for (_, paid) in pay_at_once(&house, held).await {
        paid.expect("pays");
    }
    assert_eq!(ways(LANE), [ASSUMED]);
    let balances = "select count(*) from users u join payments p on p.user_id = u.id where u.balance = 100 - p.amount";
    assert_eq!(house.count(balances).await, 40);
    house.assert_sound().await;
}

/// A batch is tried as a whole.
#[tokio::test]
async fn those_who_are_refused_are_refused_alone() {
    let house = House::watched(|policy| policy).await;
    let held = all_hold(&house, 50).await;
    for (held, paid) in pay_at_once(&house, held).await {
        let too_little = matches!(paid, Err(Error::InsufficientBalance { .. }));
        let enough = held.price <= money(50);
        assert_eq!((paid.is_ok(), too_little), (enough, !enough), "{paid:?}");
    }
    assert_eq!(ways(LANE), tried_and_locked("guard"));
    house.assert_sound().await;
}
