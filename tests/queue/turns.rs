//! Turns: picked up or not, used, and over.

use concert_core::{Caller, Error, QueueTicket, TokenStatus};

use super::house_for;
use crate::support::{House, PRICE, Shortcuts as _, money, seat};

#[tokio::test]
async fn a_turn_ends_on_time_and_the_way_back_is_the_end_of_the_queue() {
    let house = house_for(1).await;
    let users = house.users(3, 0).await;
    for user in &users {
        house.office.issue_token(*user).await.expect("joins");
    }
    house.advance(600);
    assert!(matches!(house.office.token_status(users[0]).await, Err(Error::TokenExpired)), "no tick is needed");
    let back = house.office.issue_token(users[0]).await.expect("joins again");
    assert!(!back.resumed);
    assert_eq!((back.token.standing.status, back.token.standing.queue_position), (TokenStatus::Waiting, 3));
    house.office.rerank_queue().await.expect("reranks");
    assert_eq!(house.office.token_status(users[1]).await.expect("stands").standing.status, TokenStatus::Active);
    house.assert_sound().await;
}

#[tokio::test]
async fn after_the_last_payment_a_turn_ends_soon() {
    let house = house_for(5).await;
    let concert = house.concert(5).await;
    let user = house.user(500).await;
    house.office.issue_token(user).await.expect("joins");
    let remaining = || async { house.office.token_status(user).await.expect("stands").standing.remaining_seconds };

    let first = house.office.hold_one(user, concert, seat(1)).await.expect("holds");
    let second = house.office.hold_one(user, concert, seat(2)).await.expect("holds");
    house.office.pay(user, first.id, money(PRICE)).await.expect("pays");
    assert_eq!(remaining().await, 600, "there is something left to pay");
    house.office.pay(user, second.id, money(PRICE)).await.expect("pays");
    assert_eq!(remaining().await, 60);
    house.advance(60);
    assert!(matches!(
        house.office.hold_one(user, concert, seat(3)).await,
        Err(Error::TokenNotActive { status: Some(TokenStatus::Active) })
    ));
    assert_eq!(house.office.rerank_queue().await.expect("reranks").expired, 1);
    house.assert_sound().await;
}

/// A house with a cap of 1 in which the first is in and the others wait.
async fn one_in(others: usize) -> (House, Vec<concert_core::UserId>, Vec<QueueTicket>) {
    let house = house_for(1).await;
    let users = house.users(others + 1, 500).await;
    let mut tickets = Vec::new();
    for user in &users {
        tickets.push(house.office.issue_token(*user).await.expect("joins").token.ticket);
    }
    (house, users, tickets)
}

#[tokio::test]
async fn a_turn_that_nobody_picks_up_goes_to_the_next() {
    let (house, users, tickets) = one_in(2).await;
    house.office.leave_queue(users[0]).await.expect("leaves");
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 1);
    house.advance(59);
    assert_eq!(house.office.rerank_queue().await.expect("reranks").expired, 0);
    house.advance(1);
    let preview = house.office.back_office().preview_rerank().await.expect("looks");
    let report = house.office.rerank_queue().await.expect("reranks");
    assert_eq!(report, preview);
    assert_eq!((report.expired, report.no_shows, report.admitted), (1, 1, 1));
    assert!(matches!(house.office.poll(&tickets[1]).await, Err(Error::TokenExpired)));
    assert_eq!(
        house.count("select count(*) from tokens where ended_reason = 'NO_SHOW' and status = 'EXPIRED'").await,
        1
    );

    house.advance(59);
    let standing = house.office.poll(&tickets[2]).await.expect("stands");
    assert_eq!((standing.status, standing.remaining_seconds), (TokenStatus::Active, 600), "counted from the pick-up");
    house.advance(599);
    assert_eq!(house.office.rerank_queue().await.expect("reranks").expired, 0);
    assert_eq!(house.office.poll(&tickets[2]).await.expect("stands").remaining_seconds, 1);
    house.advance(1);
    let report = house.office.rerank_queue().await.expect("reranks");
    assert_eq!((report.expired, report.no_shows), (1, 0), "a turn that was claimed is not a no-show");
    assert_eq!(house.office.back_office().queue_figures().await.expect("reads").no_shows, 1);
    house.assert_sound().await;
}

#[tokio::test]
async fn joining_into_a_turn_claims_it() {
    let (house, users, _) = one_in(0).await;
    house.advance(300);
    assert_eq!(house.office.rerank_queue().await.expect("reranks").expired, 0);
    assert_eq!(house.office.token_status(users[0]).await.expect("stands").standing.remaining_seconds, 300);
}

#[tokio::test]
async fn acting_resuming_and_asking_pick_a_turn_up_and_looking_over_the_shoulder_does_not() {
    let house = House::open().await;
    let concert = house.concert(5).await;
    let other = house.another_office().await;
    let users = house.users(4, 500).await;
    house.office.back_office().pause_queue().await.expect("pauses");
    for user in &users {
        house.office.issue_token(*user).await.expect("joins");
    }
    other.refresh_queue().await.expect("refreshes");
    house.office.back_office().resume_queue().await.expect("resumes");
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 4);
    house.advance(10);
    let unclaimed = || house.count("select count(*) from tokens where status = 'ACTIVE' and claimed_at is null");
    let looked_up = house.office.back_office().inspect_token(users[0]).await.expect("stands").standing;
    assert_eq!((looked_up.status, looked_up.remaining_seconds, unclaimed().await), (TokenStatus::Active, 50, 4));

    let held =
        other.hold_one(users[0], concert, seat(1)).await.expect("a process that has not seen it lets the user act");
    assert_eq!(unclaimed().await, 3);
    let resumed = other.issue_token(Caller::verified(users[1])).await.expect("resumes");
    assert_eq!((resumed.resumed, resumed.token.standing.remaining_seconds, unclaimed().await), (true, 600, 2));
    let asked = house.office.token_status(users[2]).await.expect("stands").standing;
    assert_eq!((asked.remaining_seconds, unclaimed().await), (600, 1));

    house.office.pay(users[0], held.id, money(PRICE)).await.expect("pays");
    let after = house.office.token_status(users[0]).await.expect("stands").standing;
    assert_eq!(after.remaining_seconds, 60, "after the last payment a turn still ends soon");
    house.advance(50);
    assert!(matches!(
        house.office.hold_one(users[3], concert, seat(2)).await,
        Err(Error::TokenNotActive { status: Some(TokenStatus::Active) })
    ));
    assert_eq!(house.office.rerank_queue().await.expect("reranks").no_shows, 1);
    house.assert_sound().await;
}

#[tokio::test]
async fn many_polls_at_once_pick_a_turn_up_once() {
    let (house, users, tickets) = one_in(1).await;
    house.office.leave_queue(users[0]).await.expect("leaves");
    house.office.rerank_queue().await.expect("reranks");
    let writes = || house.count("select cast(change_seq as signed) from queue_gate");
    let before = writes().await;
    let mut polls = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (office, ticket) = (house.office.clone(), tickets[1]);
        polls.spawn(async move { office.poll(&ticket).await });
    }
    for standing in polls.join_all().await {
        assert_eq!(standing.expect("stands").status, TokenStatus::Active);
    }
    assert_eq!(writes().await - before, 1);
    assert_eq!(house.office.poll(&tickets[1]).await.expect("stands").remaining_seconds, 600);
    assert_eq!(writes().await - before, 1);
    house.assert_sound().await;
}

#[tokio::test]
async fn following_claims_the_turn() {
    let house = house_for(1).await;
    let users = house.users(2, 0).await;
    house.office.issue_token(users[0]).await.expect("joins");
    let ticket = house.office.issue_token(users[1]).await.expect("joins").token.ticket;
    house.office.refresh_queue().await.expect("refreshes");
    let mut follow = house.office.follow(ticket).await.expect("follows");
    assert_eq!(follow.standing().queue_position, 1);

    house.office.leave_queue(users[0]).await.expect("leaves");
    house.office.rerank_queue().await.expect("reranks");
    let standing = follow.changed().await.expect("is let in");
    assert_eq!((standing.status, standing.remaining_seconds), (TokenStatus::Active, 600), "the whole turn");
    house.advance(120);
    assert_eq!(house.office.rerank_queue().await.expect("reranks").expired, 0);
    house.assert_sound().await;
}
