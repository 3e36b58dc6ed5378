//! Recharges of one wallet. Those that show a token are locked, and those that share a batch with another wallet's.

use concert_core::{BoxOffice, Caller, Error, Money, Recharged, UserId};
use tokio::task::JoinSet;

use super::{assert_refused_locked, assert_refused_on_both_ways};
use crate::support::ways::{ASSUMED, LOCKED, tried_and_locked, ways};
use crate::support::{House, keyed, money};

const LANE: &str = "wallet";

fn amount(text: &str) -> Money {
    text.parse().expect("an amount")
}

/// Sent before the writer takes its first batch, so all in one.
async fn at_once<C: Into<Caller>>(office: &BoxOffice, wanted: [(C, Money); 3]) -> [Result<Recharged, Error>; 3] {
    let [one, two, three] = wanted.map(|(caller, amount)| office.recharge(caller, amount));
    tokio::join!(one, two, three).into()
}

#[tokio::test]
async fn both_ways_leave_the_same_behind() {
    let house = House::watched(|policy| policy).await;
    let users = house.active_users(2, 500).await;
    let token = house.office.token_status(users[1]).await.expect("reads").ticket.token;
    let callers = [(Caller::from(users[0]), ASSUMED), (Caller::with_queue_token(users[1], token), LOCKED)];
    for (caller, way) in callers {
        for (raise, before, after) in [("0.01", "500", "500.01"), ("150.5", "500.01", "650.51")] {
            let recharged = house.office.recharge(caller.clone(), amount(raise)).await.expect("recharges");
            assert_eq!(recharged, Recharged { before: amount(before), after: amount(after) });
            assert_eq!(ways(LANE), [way]);
        }
    }
    let kinds_of_rows = "select count(distinct e.nth, e.kind, e.amount, e.balance_after, e.payment_id is null, \
         e.created_at, u.balance, u.entries) from wallet_entries e join users u on u.id = e.user_id where e.nth > 1";
    assert_eq!(house.count(kinds_of_rows).await, 2, "one for the first recharge of a user, one for the second");
    assert_eq!(house.count("select count(*) from wallet_entries where nth > 1").await, 4);
    house.assert_sound().await;
}

#[tokio::test]
async fn a_crowd_at_one_wallet_is_told_what_each_of_it_found_and_left() {
    let house = House::watched(|policy| policy).await;
    let user = house.user(3).await;
    let mut recharging = JoinSet::new();
    for nth in 1..=300 {
        let office = house.office.clone();
        recharging.spawn(async move { (money(nth), office.recharge(user, money(nth)).await.expect("recharges")) });
    }
    let mut recharged = recharging.join_all().await;
    recharged.sort_by_key(|(_, recharged)| recharged.before);
    let mut balance = money(3);
    for (amount, recharged) in recharged {
        let after = balance.checked_add(amount).expect("fits");
        assert_eq!(recharged, Recharged { before: balance, after });
        balance = after;
    }
    let ways = ways(LANE);
    assert!(ways.iter().all(|way| way == ASSUMED), "{ways:?}");
    assert_eq!(house.office.balance(user).await.expect("reads"), balance);
    house.assert_sound().await;
}

#[tokio::test]
async fn what_another_process_put_in_is_there() {
    let house = House::watched(|policy| policy).await;
    let (user, other) = (house.user(0).await, house.another_office().await);
    for (office, before) in [(&house.office, 0), (&other, 7), (&house.office, 14), (&house.office, 21)] {
        let recharged = office.recharge(user, money(7)).await.expect("recharges");
        assert_eq!(recharged.before, money(before));
    }
    assert_eq!(ways(LANE), [ASSUMED; 4]);
    house.assert_sound().await;
}

#[tokio::test]
async fn a_wallet_is_filled_to_the_last_cent_and_no_further() {
    let house = House::watched(|policy| policy).await;
    let user = house.user(0).await;
    let wanted = [(user, amount("99999999.98")), (user, amount("0.02")), (user, amount("0.01"))];
    let answers = at_once(&house.office, wanted).await;
    let [Ok(_), Err(Error::BalanceLimit { balance }), Ok(last)] = answers else { panic!("{answers:?}") };
    assert_eq!((balance, last.after), (amount("99999999.98"), Money::MAX));
    assert_eq!(ways(LANE), tried_and_locked("refused"));
    let full = |error: &Error| matches!(error, Error::BalanceLimit { .. });
    let other = house.another_office().await;
    assert_refused_on_both_ways(LANE, other.recharge(user, amount("0.01")).await, full);
    assert_eq!(house.count("select count(*) from wallet_entries").await, 2);
    house.assert_sound().await;
}

#[tokio::test]
async fn nobody_has_no_wallet() {
    let house = House::watched(|policy| policy).await;
    let nobody = UserId::generate();
    let wanted = [(nobody, money(1)); 3];
    let answers = at_once(&house.office, wanted).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::UserNotFound))), "{answers:?}");
    assert_eq!(ways(LANE), tried_and_locked("guard"));
    assert_eq!(house.count("select count(*) from wallet_entries").await, 0);
}

#[tokio::test]
async fn whoever_shows_a_token_of_an_earlier_visit_is_refused_alone() {
    let house = House::watched(|policy| policy).await;
    let user = house.active_users(1, 10).await[0];
    let ended = house.office.token_status(user).await.expect("reads").ticket.token;
    house.office.leave_queue(user).await.expect("leaves");
    let showing = Caller::with_queue_token(user, ended);
    let wanted = [(Caller::from(user), money(1)), (showing.clone(), money(2)), (Caller::from(user), money(4))];
    let answers = at_once(&house.office, wanted).await;
    assert!(matches!(answers, [Ok(_), Err(Error::TokenEnded), Ok(_)]), "{answers:?}");
    assert_eq!(ways(LANE), [LOCKED]);
    let ended = |error: &Error| matches!(error, Error::TokenEnded);
    assert_refused_locked(LANE, house.office.recharge(showing, money(2)).await, ended);
    assert_eq!(house.office.balance(user).await.expect("reads"), money(15));
}

#[tokio::test]
async fn a_call_that_is_repeated_gets_the_first_answer_among_others() {
    let house = House::watched(|policy| policy).await;
    let user = house.user(10).await;
    let first = house.office.recharge(keyed(user, "a key"), money(5)).await.expect("recharges");
    let wanted = [(Caller::from(user), money(1)), (keyed(user, "a key"), money(5)), (keyed(user, "a key"), money(6))];
    let answers = at_once(&house.office, wanted).await;
    let [Ok(next), Ok(again), Err(Error::IdempotencyKeyReused)] = answers else { panic!("{answers:?}") };
    assert_eq!((again, next.before, next.after), (first, money(15), money(16)));
    assert_eq!(ways(LANE), [&[ASSUMED.to_owned()][..], &tried_and_locked("refused")].concat());
    house.assert_sound().await;
}

#[tokio::test]
async fn a_key_that_comes_twice_at_once_recharges_once() {
    let house = House::watched(|policy| policy).await;
    let user = house.user(10).await;
    let wanted = [(keyed(user, "a key"), money(5)), (keyed(user, "a key"), money(5)), (Caller::from(user), money(1))];
    let answers = at_once(&house.office, wanted).await.map(|answer| answer.expect("recharges"));
    assert_eq!(answers[0], answers[1]);
    assert_eq!(ways(LANE), [ASSUMED]);
    assert_eq!(house.office.balance(user).await.expect("reads"), money(16));
    house.assert_sound().await;
}

#[tokio::test]
async fn wallets_that_share_a_batch_keep_to_themselves() {
    let house = House::watched(|policy| policy).await;
    let users = house.users(2, 10).await;
    let wanted = [(users[0], money(1)), (users[1], money(2)), (users[0], money(4))];
    let answers = at_once(&house.office, wanted).await.map(|answer| answer.expect("recharges"));
    assert_eq!(answers.map(|recharged| recharged.after), [money(11), money(12), money(15)]);
    assert_eq!(ways(LANE), [LOCKED]);
    house.assert_sound().await;
}

/// So many amounts that the server looks for each wallet's by halves.
#[tokio::test]
async fn a_crowd_recharges_each_wallet_by_its_own_amount() {
    let house = House::watched(|policy| policy).await;
    let mut recharging = JoinSet::new();
    for (user, nth) in house.users(40, 500).await.into_iter().zip(1..) {
        let office = house.office.clone();
        recharging.spawn(async move { (money(nth), office.recharge(user, money(nth)).await.expect("recharges")) });
    }
    for (amount, Recharged { before, after }) in recharging.join_all().await {
        assert_eq!((before, Some(after)), (money(500), before.checked_add(amount)));
    }
    assert_eq!(ways(LANE), [LOCKED], "all in one batch");
    let own = "select count(*) from users u join wallet_entries e on e.user_id = u.id and e.nth = 2 \
               where u.balance = 500 + e.amount and e.balance_after = u.balance";
    assert_eq!(house.count(own).await, 40);
    house.assert_sound().await;
}
