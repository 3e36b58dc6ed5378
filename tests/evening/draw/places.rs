//! The order that a draw makes: every server tells the same one, and people are let in by it.

use std::collections::HashSet;

use concert_core::{Caller, Join, QueueTicket, SalePhase, TokenStatus, UserId};

use super::{ROOM, UNTIL_OPENING, at_the_doors, draw_of, in_order, join, join_all, told};
use crate::support::{House, Shortcuts as _};

#[tokio::test]
async fn at_the_doors_nobody_has_a_position_and_at_the_opening_everybody_has_that_of_the_draw() {
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    let tickets = join_all(&house, sale, 40).await;
    house.office.rerank_queue().await.expect("reranks");
    for ticket in &tickets {
        let standing = house.office.poll(ticket).await.expect("waits");
        assert_eq!((standing.phase, standing.status), (SalePhase::Doors, TokenStatus::Waiting));
        assert!(standing.awaits_draw && standing.remaining_seconds >= UNTIL_OPENING, "{standing:?}");
    }
    let before = draw_of(&house, sale).await;
    assert_eq!((before.secret, before.chain, before.count), (None, None, None));

    house.advance(UNTIL_OPENING);
    house.office.rerank_queue().await.expect("reranks");
    let draw = draw_of(&house, sale).await;
    assert_eq!((draw.commitment, draw.count), (before.commitment, Some(40)));
    let places = draw.places().expect("it is made");
    let (active, waiting) = told(&house.office, &tickets).await;
    let first: HashSet<_> = tickets.iter().map(|ticket| ticket.ticket).collect();
    let first: HashSet<_> = first.into_iter().filter(|ticket| places.place_of(*ticket) <= u64::from(ROOM)).collect();
    assert_eq!(active, first);
    assert_eq!(waiting, in_order(&places, &tickets, &active));
    assert_ne!(
        waiting,
        {
            let mut sorted = waiting.clone();
            sorted.sort_unstable();
            sorted
        },
        "not that of arrival"
    );
    let verified = house.office.back_office().verify_draw(sale, |_| {}).await.expect("verifies");
    assert!(verified.agrees() && verified.passed_others == 0, "{verified:?}");
    house.assert_sound().await;
}

#[tokio::test]
async fn servers_agree_and_one_that_starts_later_agrees_too() {
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    let tickets = join_all(&house, sale, 30).await;
    let other = house.another_office().await;
    other.poll(&tickets[0]).await.expect("it has a view from before the opening");
    house.advance(UNTIL_OPENING);
    house.office.rerank_queue().await.expect("reranks");
    other.refresh_queue().await.expect("refreshes");
    let later = house.another_office().await;
    let here = told(&house.office, &tickets).await;
    assert_eq!(told(&other, &tickets).await, here);
    assert_eq!(told(&later, &tickets).await, here);
    // Whichever of them admits, the next by place are next.
    house.office.leave_queue_in(sale, user_of(&tickets, &here.0)).await.expect("leaves");
    let report = later.rerank_queue().await.expect("reranks");
    assert_eq!(report.admitted, 1);
    house.office.refresh_queue().await.expect("refreshes");
    let active = house.office.poll(tickets.iter().find(|ticket| ticket.ticket == here.1[0]).expect("is there")).await;
    assert_eq!(active.expect("is in").status, TokenStatus::Active);
}

fn user_of(tickets: &[QueueTicket], active: &HashSet<u64>) -> UserId {
    tickets.iter().find(|ticket| active.contains(&ticket.ticket)).expect("somebody is in").user
}

#[tokio::test]
async fn latecomers_come_behind_in_the_order_of_arrival_and_who_resumes_keeps_the_place() {
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    let tickets = join_all(&house, sale, 20).await;
    // One leaves and comes again: a new ticket, at the doors still.
    house.office.leave_queue_in(sale, tickets[0].user).await.expect("leaves");
    let again = join(&house.office, sale, tickets[0].user).await.0;
    assert_eq!(again.ticket, 21);
    house.advance(UNTIL_OPENING);
    // The first who comes after the opening finds it drawn, though no pass has run.
    let late = house.users(3, 0).await;
    let first = join(&house.office, sale, late[0]).await;
    assert_eq!((first.0.ticket, draw_of(&house, sale).await.count), (22, Some(21)));
    house.office.rerank_queue().await.expect("reranks");
    let (second, third) = (join(&house.office, sale, late[1]).await, join(&house.office, sale, late[2]).await);
    let everybody: Vec<_> = tickets[1..].iter().copied().chain([again, first.0, second.0, third.0]).collect();
    let (_, waiting) = told(&house.office, &everybody).await;
    assert_eq!(waiting[waiting.len() - 3..], [22, 23, 24]);
    assert_eq!((second.1.queue_position, third.1.queue_position), (19, 20));
    let last_drawn = everybody.iter().find(|ticket| ticket.ticket == waiting[waiting.len() - 4]).expect("is there");
    let resumed = house.office.join_queue(Join::sale(sale, Caller::verified(last_drawn.user))).await.expect("resumes");
    assert!(resumed.resumed);
    assert_eq!(resumed.token.ticket, *last_drawn);
    assert_eq!(resumed.token.standing.queue_position, 17);
    house.assert_sound().await;
}

#[tokio::test]
async fn everybody_is_let_in_by_place_and_whoever_leaves_is_passed() {
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    let tickets = join_all(&house, sale, 12).await;
    house.advance(UNTIL_OPENING);
    house.office.rerank_queue().await.expect("reranks");
    let places = draw_of(&house, sale).await.places().expect("it is made");
    let order = in_order(&places, &tickets, &HashSet::new());
    let of = |ticket: u64| tickets.iter().find(|other| other.ticket == ticket).expect("is there");
    // The fourth gives up; so the fifth follows the third.
    house.office.leave_queue_in(sale, of(order[3]).user).await.expect("leaves");
    let mut let_in = order[..3].to_vec();
    for nth in 0..9 {
        house.office.leave_queue_in(sale, of(let_in[nth]).user).await.expect("leaves");
        house.office.rerank_queue().await.expect("reranks");
        let next = order.iter().filter(|ticket| **ticket != order[3]).nth(nth + 3);
        if let Some(next) = next {
            assert_eq!(house.office.poll(of(*next)).await.expect("is in").status, TokenStatus::Active, "{nth}");
            let_in.push(*next);
        }
    }
    assert_eq!(let_in.len(), 11);
    let verified = house.office.back_office().verify_draw(sale, |_| {}).await.expect("verifies");
    assert!(verified.agrees() && verified.passed_others == 0, "{verified:?}");
}

#[tokio::test]
async fn who_was_not_seen_is_passed_over_and_keeps_the_place() {
    let house = House::open().await;
    let sale = at_the_doors(&house).await;
    let tickets = join_all(&house, sale, 20).await;
    house.advance(UNTIL_OPENING);
    // Only the last four poll.
    for ticket in &tickets[16..] {
        house.office.poll(ticket).await.expect("waits");
    }
    house.office.rerank_queue().await.expect("reranks");
    let places = draw_of(&house, sale).await.places().expect("it is made");
    let mut seen: Vec<_> = tickets[16..].to_vec();
    seen.sort_by_key(|ticket| places.place_of(ticket.ticket));
    for ticket in &seen[..3] {
        assert_eq!(house.office.poll(ticket).await.expect("is in").status, TokenStatus::Active);
    }
    let verified = house.office.back_office().verify_draw(sale, |_| {}).await.expect("verifies");
    assert!(verified.agrees(), "{verified:?}");
}
