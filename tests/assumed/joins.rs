//! Joins through the gate as this process left it. Another process locks it.

use concert_core::{
    AdmissionChange, BoxOffice, Caller, Error, Joined, Password, PerMinute, Proof, SignUp, TokenId, TokenStatus, UserId,
};
use tokio::task::JoinSet;

use super::{assert_refused_locked, assert_refused_on_both_ways};
use crate::support::ways::{ASSUMED, LOCKED, tried_and_locked, ways};
use crate::support::{House, Shortcuts as _, keyed};

const LANE: &str = "queue";

/// A house for `cap` people whose process knows the gate since somebody is in.
async fn known_gate(cap: u32) -> House {
    let house = House::watched(|policy| policy).await;
    house.office.set_max_active(cap).await.expect("sets the cap");
    let first = house.user(0).await;
    house.office.issue_token(first).await.expect("joins");
    ways(LANE);
    house
}

/// An office that remembers the gate as it is, and has assumed nothing yet: it has refused somebody who does not exist.
async fn knowing_office(house: &House) -> BoxOffice {
    let office = house.another_office().await;
    ways(LANE);
    let nobody = |error: &Error| matches!(error, Error::UserNotFound);
    assert_refused_locked(LANE, office.issue_token(UserId::generate()).await, nobody);
    office
}

async fn with_password(house: &House) -> UserId {
    let (name, password) = ("ann".parse().expect("a name"), Password::unchecked("correct horse battery"));
    house.office.sign_up(SignUp::new(name).with_password(password)).await.expect("registers").id
}

async fn join(office: &BoxOffice, caller: impl Into<Caller>) -> Joined {
    office.issue_token(caller).await.expect("joins")
}

fn place(joined: &Joined) -> (TokenStatus, u64, u64) {
    (joined.token.standing.status, joined.token.standing.queue_position, joined.token.ticket.ticket)
}

/// Sent before the writer takes its first batch, so all in one.
async fn at_once<C: Into<Caller>>(office: &BoxOffice, callers: [C; 3]) -> [Result<Joined, Error>; 3] {
    let [one, two, three] = callers.map(|caller| office.issue_token(caller));
    tokio::join!(one, two, three).into()
}

/// Both ways refuse for the same reason, and nothing changes.
async fn assert_refused(house: &House, caller: impl Into<Caller>, reason: fn(&Error) -> bool) {
    let (caller, before) = (caller.into(), house.count("select count(*) from tokens").await);
    let (knowing, other) = (knowing_office(house).await, house.another_office().await);
    let refused = knowing.issue_token(caller.clone()).await;
    // A token that is shown is looked up.
    let is_looked_up = matches!(caller.proof(), Proof::Queue(_));
    let check = if is_looked_up { assert_refused_locked } else { assert_refused_on_both_ways };
    check(LANE, refused, reason);
    assert_refused_locked(LANE, other.issue_token(caller).await, reason);
    assert_eq!(house.count("select count(*) from tokens").await, before);
    house.assert_sound().await;
}

#[tokio::test]
async fn both_ways_leave_the_same_behind() {
    let house = known_gate(3).await;
    let users = house.users(4, 0).await;
    assert_eq!(place(&join(&house.office, users[0]).await), (TokenStatus::Active, 0, 2));
    assert_eq!(place(&join(&house.another_office().await, users[1]).await), (TokenStatus::Active, 0, 3));
    assert_eq!(place(&join(&house.another_office().await, users[2]).await), (TokenStatus::Waiting, 1, 4));
    assert_eq!(ways(LANE), [ASSUMED, LOCKED, LOCKED]);
    house.office.refresh_queue().await.expect("refreshes");
    // The other processes have moved the gate, so the first of these reads it.
    let leaving = house.user(0).await;
    join(&house.office, leaving).await;
    house.office.leave_queue(leaving).await.expect("leaves");
    assert_eq!(ways(LANE), [&tried_and_locked("guard")[..], &[LOCKED.to_owned()]].concat(), "leaving is locked");
    let knowing = knowing_office(&house).await;
    assert_eq!(place(&join(&knowing, Caller::verified(users[3])).await), (TokenStatus::Waiting, 2, 6));
    assert_eq!(ways(LANE), [ASSUMED]);
    let kinds_of_rows = "select count(distinct status, live, created_at, coalesce(admitted_at, 0), expires_at, \
         last_updated_at, coalesce(ended_reason, ''), coalesce(claimed_at, 0)) from tokens where live = 1";
    assert_eq!(house.count(kinds_of_rows).await, 2, "one for those who are in, one for those who wait");
    house.assert_sound().await;
}

#[tokio::test]
async fn a_crowd_is_told_its_places_in_the_order_of_its_tickets() {
    let house = known_gate(11).await;
    let users = house.users(400, 0).await;
    let mut joining = JoinSet::new();
    for user in users {
        let office = house.office.clone();
        joining.spawn(async move { place(&join(&office, user).await) });
    }
    let mut places = joining.join_all().await;
    places.sort_unstable_by_key(|(_, _, ticket)| *ticket);
    for (nth, (status, position, ticket)) in (0_u64..).zip(places) {
        let expected = if nth < 10 { (TokenStatus::Active, 0) } else { (TokenStatus::Waiting, nth - 9) };
        assert_eq!(((status, position), ticket), (expected, nth + 2));
    }
    let ways = ways(LANE);
    assert!(ways.iter().all(|way| way == ASSUMED), "{ways:?}");
    house.assert_sound().await;
}

#[tokio::test]
async fn whoever_does_not_exist_joins_nothing() {
    let house = known_gate(1).await;
    assert_refused(&house, UserId::generate(), |error| matches!(error, Error::UserNotFound)).await;
    assert_refused(&house, Caller::verified(UserId::generate()), |error| matches!(error, Error::UserNotFound)).await;
}

#[tokio::test]
async fn whoever_has_a_password_joins_once_logged_in() {
    for shows_a_token_that_ended in [false, true] {
        let house = known_gate(1).await;
        let user = with_password(&house).await;
        let token = join(&house.office, Caller::verified(user)).await.token.ticket.token;
        house.office.leave_queue(user).await.expect("leaves");
        let caller = if shows_a_token_that_ended { Caller::with_queue_token(user, token) } else { Caller::from(user) };
        assert_refused(&house, caller, |error| matches!(error, Error::LoginRequired)).await;
    }
}

#[tokio::test]
async fn whoever_is_in_the_queue_joins_no_second_time() {
    let house = known_gate(1).await;
    let user = house.user(0).await;
    let first = join(&house.office, user).await;
    assert_refused(&house, user, |error| matches!(error, Error::AlreadyInQueue)).await;
    let strangers = Caller::with_queue_token(user, TokenId::generate());
    assert_refused(&house, strangers, |error| matches!(error, Error::AlreadyInQueue)).await;
    let again = join(&knowing_office(&house).await, Caller::verified(user)).await;
    assert_eq!(ways(LANE), tried_and_locked("conflict"));
    assert!(again.resumed);
    assert_eq!(place(&again), place(&first));
}

#[tokio::test]
async fn whoever_outlasted_the_wait_joins_behind_the_others() {
    let house = known_gate(1).await;
    let users = house.users(2, 0).await;
    join(&house.office, users[0]).await;
    house.clock.advance(house.office.policy().waiting_ttl());
    let late = join(&house.office, users[1]).await;
    let back = join(&house.office, users[0]).await;
    assert!(!back.resumed && back.token.ticket.ticket > late.token.ticket.ticket);
    assert_eq!(ways(LANE), [&[ASSUMED, ASSUMED].map(str::to_owned)[..], &tried_and_locked("conflict")].concat());
    house.assert_sound().await;
}

#[tokio::test]
async fn what_operators_set_through_another_process_holds_at_once() {
    let house = known_gate(2).await;
    let users = house.users(3, 0).await;
    house.another_office().await.back_office().pause_queue().await.expect("pauses");
    ways(LANE);
    assert_eq!(place(&join(&house.office, users[0]).await), (TokenStatus::Waiting, 1, 2), "although there is room");
    assert_eq!(ways(LANE), tried_and_locked("guard"));

    let house = known_gate(1).await;
    let user = house.user(0).await;
    house.another_office().await.set_max_active(2).await.expect("sets the cap");
    ways(LANE);
    assert_eq!(place(&join(&house.office, user).await), (TokenStatus::Active, 0, 2));
    assert_eq!(ways(LANE), tried_and_locked("guard"));

    let house = known_gate(5).await;
    let users = house.users(2, 0).await;
    let one_per_minute = AdmissionChange::new().with_per_minute(PerMinute::AtMost(1));
    house.another_office().await.back_office().set_admission(one_per_minute).await.expect("sets");
    ways(LANE);
    for (user, status) in users.into_iter().zip([TokenStatus::Active, TokenStatus::Waiting]) {
        assert_eq!(join(&house.office, user).await.token.standing.status, status);
    }
    let locked = [&tried_and_locked("guard")[..], &[LOCKED.to_owned()]].concat();
    assert_eq!(ways(LANE), locked, "what others let in within a minute is counted");
    house.assert_sound().await;
}

#[tokio::test]
async fn a_cap_that_was_changed_behind_the_box_offices_back_holds() {
    let house = known_gate(1).await;
    let user = house.user(0).await;
    house.tamper("update queue_gate set max_active = 2").await;
    assert_eq!(place(&join(&house.office, user).await), (TokenStatus::Active, 0, 2));
    assert_eq!(ways(LANE), tried_and_locked("guard"));

    let house = known_gate(2).await;
    let user = house.user(0).await;
    house.tamper("update queue_gate set per_minute = 0").await;
    assert_eq!(place(&join(&house.office, user).await), (TokenStatus::Waiting, 1, 2));
    assert_eq!(ways(LANE), tried_and_locked("guard"));
}

#[tokio::test]
async fn joins_through_two_processes_have_one_order() {
    let house = known_gate(1).await;
    let other = house.another_office().await;
    let users = house.users(60, 0).await;
    for (nth, user) in (1..).zip(users) {
        // In runs of several lengths, so that either way meets a gate that the other has moved.
        let office = if nth % 7 < 4 { &house.office } else { &other };
        assert_eq!(place(&join(office, user).await), (TokenStatus::Waiting, nth, nth + 1));
    }
    let ways = ways(LANE);
    for way in [ASSUMED, "assumed guard", LOCKED] {
        assert!(ways.iter().any(|went| went == way), "{ways:?}");
    }
    house.assert_sound().await;
}

#[tokio::test]
async fn a_call_that_is_repeated_gets_the_first_place() {
    let house = known_gate(1).await;
    let users = house.users(3, 0).await;
    let first = join(&house.office, keyed(users[0], "a key")).await;
    let callers = [Caller::from(users[1]), keyed(users[0], "a key"), Caller::from(users[2])];
    let [Ok(one), Ok(again), Ok(two)] = at_once(&house.office, callers).await else { panic!("all are answered") };
    assert_eq!((place(&one).1, place(&two).1), (2, 3));
    assert_eq!((again.token.ticket, again.resumed), (first.token.ticket, first.resumed));
    assert_eq!(ways(LANE), [&[ASSUMED.to_owned()][..], &tried_and_locked("conflict")].concat());
    house.assert_sound().await;
}

#[tokio::test]
async fn those_who_are_refused_are_refused_alone() {
    let house = known_gate(1).await;
    let users = house.users(2, 0).await;
    let answers = at_once(&house.office, [users[0], UserId::generate(), users[0]]).await;
    assert!(matches!(answers, [Ok(_), Err(Error::UserNotFound), Err(Error::AlreadyInQueue)]), "{answers:?}");
    assert_eq!(ways(LANE), tried_and_locked("refused"));
    let answers = at_once(&house.office, [users[1], users[1], users[1]]).await;
    assert!(matches!(answers, [Ok(_), Err(Error::AlreadyInQueue), Err(Error::AlreadyInQueue)]), "{answers:?}");
    house.assert_sound().await;
}

#[tokio::test]
async fn a_batch_of_those_who_proved_and_those_who_did_not_is_locked() {
    let house = known_gate(1).await;
    let user = with_password(&house).await;
    let users = house.users(2, 0).await;
    let callers = [Caller::verified(users[0]), Caller::from(user), Caller::verified(users[1])];
    let answers = at_once(&house.office, callers).await;
    assert!(matches!(answers, [Ok(_), Err(Error::LoginRequired), Ok(_)]), "{answers:?}");
    assert_eq!(ways(LANE), tried_and_locked("guard"));
}
