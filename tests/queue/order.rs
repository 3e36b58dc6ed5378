//! Who is before whom in the queue, as every process tells it.

use concert_core::{Caller, Credential, Error, Pass, QueueTicket, TokenStatus};

use super::house_for;
use crate::support::Shortcuts as _;

#[tokio::test]
async fn the_first_are_active_and_the_rest_wait_in_order_of_arrival() {
    let house = house_for(2).await;
    for (nth, user) in house.users(5, 0).await.into_iter().enumerate() {
        let standing = house.office.issue_token(user).await.expect("joins").token.standing;
        let expected = if nth < 2 { (TokenStatus::Active, 0) } else { (TokenStatus::Waiting, nth as u64 - 1) };
        assert_eq!((standing.status, standing.queue_position), expected);
    }
    house.assert_sound().await;
}

#[tokio::test]
async fn a_freed_place_goes_to_the_head_of_the_queue_at_the_next_tick() {
    let house = house_for(1).await;
    let users = house.users(4, 0).await;
    for user in &users {
        house.office.issue_token(*user).await.expect("joins");
    }
    house.office.leave_queue(users[0]).await.expect("leaves");
    let late = house.user(0).await;
    let joined = house.office.issue_token(late).await.expect("joins").token.standing;
    assert_eq!((joined.status, joined.queue_position), (TokenStatus::Waiting, 4), "nobody passes those who wait");

    let preview = house.office.back_office().preview_rerank().await.expect("looks");
    let report = house.office.rerank_queue().await.expect("reranks");
    assert_eq!(report, preview);
    assert_eq!((report.expired, report.admitted), (0, 1));
    for (user, position) in [(users[1], 0), (users[2], 1), (users[3], 2), (late, 3)] {
        assert_eq!(house.office.token_status(user).await.expect("stands").standing.queue_position, position);
    }
    assert!(matches!(house.office.token_status(users[0]).await, Err(Error::TokenExpired)));
    house.assert_sound().await;
}

#[tokio::test]
async fn whoever_proves_to_be_in_the_queue_takes_the_place_up_again_and_nobody_else_does() {
    let house = house_for(1).await;
    let users = house.users(2, 0).await;
    house.office.issue_token(users[0]).await.expect("joins");
    let first = house.office.issue_token(users[1]).await.expect("joins");

    assert!(matches!(house.office.issue_token(users[1]).await, Err(Error::AlreadyInQueue)));
    let shown = Caller::with_queue_token(users[1], first.token.ticket.token);
    for proved in [Caller::verified(users[1]), shown] {
        let again = house.office.issue_token(proved).await.expect("resumes");
        assert!(again.resumed);
        assert_eq!(again.token.ticket, first.token.ticket);
        assert_eq!(again.token.standing.queue_position, 1);
    }
    let strangers = Caller::with_queue_token(users[1], concert_core::TokenId::generate());
    assert!(matches!(house.office.issue_token(strangers).await, Err(Error::AlreadyInQueue)));
}

#[tokio::test]
async fn a_poll_follows_the_queue_of_another_process() {
    let house = house_for(1).await;
    let other = house.another_office().await;
    let users = house.users(4, 0).await;
    let mut tickets: Vec<QueueTicket> = Vec::new();
    for user in &users {
        let jwt = house.office.issue_token(*user).await.expect("joins").token.jwt.expect("is signed");
        match other.authenticate(&jwt).await.expect("holds") {
            Credential::Queue(ticket) => tickets.push(ticket),
            Credential::Session { .. } => panic!("a queue token"),
        }
    }
    assert_eq!(other.poll(&tickets[3]).await.expect("stands").queue_position, 3);
    house.office.leave_queue(users[1]).await.expect("leaves");
    house.office.leave_queue(users[0]).await.expect("leaves");
    house.office.rerank_queue().await.expect("reranks");
    other.refresh_queue().await.expect("refreshes");

    assert_eq!(other.poll(&tickets[3]).await.expect("stands").queue_position, 1);
    let admitted = other.poll(&tickets[2]).await.expect("stands");
    assert_eq!((admitted.status, admitted.remaining_seconds), (TokenStatus::Active, 600), "the poll claims it");
    for gone in &tickets[..2] {
        assert!(matches!(other.poll(gone).await, Err(Error::TokenExpired)));
    }
    let late = house.user(0).await;
    let late = house.office.issue_token(late).await.expect("joins").token.ticket;
    assert_eq!(other.poll(&late).await.expect("is looked up").queue_position, 2, "newer than the snapshot");
}

#[tokio::test]
async fn one_process_at_a_time_takes_its_turn() {
    let house = house_for(1).await;
    let other = house.another_office().await;
    let period = std::time::Duration::from_secs(10);
    assert!(house.office.acquire_pass(Pass::Rerank, period).await.expect("asks"));
    assert!(!other.acquire_pass(Pass::Rerank, period).await.expect("asks"));
    assert!(other.acquire_pass(Pass::Sweep, period).await.expect("asks"), "each pass has its own turn");
    house.advance(10);
    assert!(other.acquire_pass(Pass::Rerank, period).await.expect("asks"));
    assert!(!house.office.acquire_pass(Pass::Rerank, period).await.expect("asks"));
}
