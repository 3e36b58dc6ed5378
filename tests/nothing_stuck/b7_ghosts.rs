//! People who joined and went away do not keep those who wait.

use concert_core::{
    AdmissionChange, BoxOffice, Caller, PerMinute, QueueTicket, Standing, Subject, TokenStatus, UserId,
};

use crate::http::Site;
use crate::support::{House, Shortcuts as _};

/// Who joins, in this order.
async fn join(office: &BoxOffice, users: &[UserId]) -> Vec<QueueTicket> {
    let mut tickets = Vec::new();
    for user in users {
        tickets.push(office.issue_token(*user).await.expect("joins").token.ticket);
    }
    tickets
}

/// A house with a cap of 1, in which one is in and `others` wait.
async fn one_in(others: usize) -> (House, Vec<UserId>, Vec<QueueTicket>) {
    let house = House::open().await;
    house.office.set_max_active(1).await.expect("sets the cap");
    let users = house.users(others + 1, 0).await;
    let tickets = join(&house.office, &users).await;
    (house, users, tickets)
}

async fn poll(office: &BoxOffice, ticket: &QueueTicket) -> Standing {
    office.poll(ticket).await.expect("stands")
}

async fn status(house: &House, user: UserId) -> TokenStatus {
    house.office.back_office().inspect_token(user).await.expect("stands").standing.status
}

/// Polls as often as the last answer said, for some seconds.
async fn poll_for(house: &House, office: &BoxOffice, ticket: &QueueTicket, seconds: u64) -> Standing {
    let mut standing = poll(office, ticket).await;
    let mut passed = 0;
    while passed < seconds {
        let pause = standing.poll_after_seconds.min(seconds - passed);
        house.advance(pause);
        passed += pause;
        standing = poll(office, ticket).await;
    }
    standing
}

#[tokio::test]
async fn b7_one_who_waits_behind_three_hundred_who_are_gone_is_let_in_at_the_first_tick() {
    let house = House::open().await;
    let mut users = house.users(301, 0).await;
    join(&house.office, &users[..300]).await;
    let live = users.remove(300);
    let ticket = join(&house.office, &[live]).await[0];
    let told = poll(&house.office, &ticket).await;
    assert_eq!((told.queue_position, told.remaining_seconds), (291, 18_000), "nobody is known to be gone");
    let mut admitted = 0;
    for _ in 0..59 {
        let told = poll_for(&house, &house.office, &ticket, 10).await;
        admitted += house.office.rerank_queue().await.expect("reranks").admitted;
        assert_eq!((told.status, told.queue_position), (TokenStatus::Waiting, 291), "a position is the rank");
    }
    assert_eq!(admitted, 0, "ten are in");
    let told = poll_for(&house, &house.office, &ticket, 10).await;
    assert_eq!((told.queue_position, told.remaining_seconds), (291, 600), "the estimate counts those who are there");
    let figures = house.office.back_office().queue_figures().await.expect("reads");
    assert_eq!((figures.waiting, figures.seen, figures.unseen), (291, 1, 290));

    let report = house.office.rerank_queue().await.expect("reranks");
    assert_eq!((report.expired, report.admitted), (10, 10), "nine of those who are gone have the room that is left");
    assert_eq!(poll(&house.office, &ticket).await.status, TokenStatus::Active);
    for (nth, user) in users.iter().enumerate().skip(10) {
        let expected = if nth < 19 { TokenStatus::Active } else { TokenStatus::Waiting };
        assert_eq!(status(&house, *user).await, expected, "{nth}");
    }
    house.assert_sound().await;
}

#[tokio::test]
async fn b7_what_another_server_has_seen_counts_at_the_cost_of_a_row_per_period() {
    let (house, users, _) = one_in(20).await;
    let other = house.another_office().await;
    let live = house.user(0).await;
    let ticket = join(&other, &[live]).await[0];
    other.refresh_queue().await.expect("refreshes");
    let told = "select count(*) from queue_seen where known_to > 0";
    let written_at = "select cast(max(unix_timestamp(seen_at)) as signed) from queue_seen";
    for _ in 0..7 {
        poll_for(&house, &other, &ticket, 10).await;
        other.refresh_queue().await.expect("refreshes");
        let before = house.count(written_at).await;
        for _ in 0..100 {
            poll(&other, &ticket).await;
            other.refresh_queue().await.expect("refreshes");
        }
        assert_eq!(house.count(written_at).await, before, "polls write nothing");
    }
    assert_eq!(house.count(told).await, 1, "of the server that saw somebody");
    // A tool that knows nothing itself.
    let tool = house.another_office().await.back_office();
    for (user, seen) in [(users[5], false), (live, true)] {
        let token = house.office.back_office().inspect_token(user).await.expect("stands").ticket.token;
        let story = tool.explain(Subject::Token(token)).await.expect("explains");
        assert_eq!(!story.next[0].starts_with("the user did not poll lately"), seen, "{story:#?}");
    }
    let figures = tool.queue_figures().await.expect("reads");
    assert_eq!((figures.waiting, figures.seen, figures.unseen), (21, 1, 20));

    house.office.leave_queue(users[0]).await.expect("leaves");
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 1);
    assert_eq!(status(&house, live).await, TokenStatus::Active);
    house.assert_sound().await;
}

#[tokio::test]
async fn b7_an_open_stream_counts_as_being_there() {
    let site = Site::open().await;
    let house = &site.house;
    house.office.set_max_active(1).await.expect("sets the cap");
    let users = house.users(5, 0).await;
    join(&house.office, &users).await;
    let live = house.user(0).await;
    let token = site.join(live).await;
    let stream = site.get(&format!("/api/v1/tokens/{live}/events")).bearer(&token).open().await;
    assert_eq!(stream.status(), 200);
    house.advance(300);
    house.office.leave_queue(users[0]).await.expect("leaves");
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 1);
    assert_eq!(status(house, live).await, TokenStatus::Active);

    let metrics = site.get("/metrics").open().await.text().await.expect("a text");
    for line in ["concert_queue_seen 0\n", "concert_queue_unseen 4\n"] {
        assert!(metrics.contains(line), "{line}");
    }
}

#[tokio::test]
async fn b7_whoever_comes_back_is_let_in_before_those_behind() {
    let (house, users, tickets) = one_in(6).await;
    let behind = &tickets[5];
    poll_for(&house, &house.office, behind, 60).await;
    // Polling, resuming and asking by the session are signs of life; operators who look are none.
    poll(&house.office, &tickets[2]).await;
    house.office.issue_token(Caller::verified(users[3])).await.expect("resumes");
    house.office.token_status(users[4]).await.expect("stands");
    house.office.back_office().inspect_token(users[1]).await.expect("stands");
    let mut order = Vec::new();
    for _ in 0..6 {
        let inside = house.office.back_office();
        let active: Vec<_> = inside_of(&house, &users).await;
        inside.expire_token(users[active[0]]).await.expect("ends");
        house.office.rerank_queue().await.expect("reranks");
        order.extend(inside_of(&house, &users).await);
    }
    assert_eq!(order, [2, 3, 4, 5, 1, 6], "then those who were passed over, in their order");
    house.assert_sound().await;
}

/// Which of the users are in.
async fn inside_of(house: &House, users: &[UserId]) -> Vec<usize> {
    let mut inside = Vec::new();
    for (nth, user) in users.iter().enumerate() {
        let found = house.office.back_office().inspect_token(*user).await;
        if found.is_ok_and(|token| token.standing.status == TokenStatus::Active) {
            inside.push(nth);
        }
    }
    inside
}

#[tokio::test]
async fn b7_one_who_polls_seldom_far_back_in_the_queue_has_time_to_learn_of_the_turn() {
    let house = House::open_with(|policy| policy.with_max_polls_per_second(1)).await;
    house.office.set_max_active(1).await.expect("sets the cap");
    join(&house.office, &house.users(60, 0).await).await;
    let ticket = join(&house.office, &[house.user(0).await]).await[0];
    house.advance(470);
    house.office.refresh_queue().await.expect("refreshes");
    let told = poll(&house.office, &ticket).await;
    assert!(told.poll_after_seconds > 90, "{told:?}");
    // Now all who joined before are gone, and there is room.
    house.advance(20);
    house.office.set_max_active(2).await.expect("sets the cap");
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 1);
    house.advance(told.poll_after_seconds - 20);
    assert_eq!(house.office.rerank_queue().await.expect("reranks").no_shows, 0);
    let standing = poll(&house.office, &ticket).await;
    assert_eq!((standing.status, standing.remaining_seconds), (TokenStatus::Active, 600));
}

#[tokio::test]
async fn b7_where_nobody_polls_the_order_of_arrival_is_all() {
    let (house, users, _) = one_in(3).await;
    house.advance(300);
    let late = house.users(2, 0).await;
    join(&house.office, &late).await;
    house.office.set_max_active(3).await.expect("sets the cap");
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 2);
    assert_eq!(inside_of(&house, &users).await, [0, 1, 2], "although the late ones have just joined");
}

#[tokio::test]
async fn b7_a_server_that_restarts_forgets_nobody() {
    let (house, users, tickets) = one_in(4).await;
    for ticket in &tickets[1..] {
        poll(&house.office, ticket).await;
    }
    house.office.refresh_queue().await.expect("refreshes");
    // A new server, long after the old one was gone: only the last one has tried again so far.
    house.advance(600);
    let other = house.another_office().await;
    poll(&other, &tickets[4]).await;
    house.office.leave_queue(users[0]).await.ok();
    house.advance(10);
    assert_eq!(other.rerank_queue().await.expect("reranks").admitted, 1);
    assert_eq!(inside_of(&house, &users).await, [1], "the others may come back yet");
    house.office.leave_queue(users[1]).await.expect("leaves");
    poll_for(&house, &other, &tickets[4], 50).await;
    assert_eq!(other.rerank_queue().await.expect("reranks").admitted, 1);
    assert_eq!(inside_of(&house, &users).await, [4], "they had a minute for it");
    house.assert_sound().await;
}

#[tokio::test]
async fn b7_neither_the_cap_nor_the_limit_per_minute_depends_on_who_was_seen() {
    let house = House::open().await;
    house.office.back_office().pause_queue().await.expect("pauses");
    let users = house.users(1_130, 0).await;
    let joining: tokio::task::JoinSet<_> = users
        .iter()
        .map(|user| {
            let (office, user) = (house.office.clone(), *user);
            async move { office.issue_token(user).await.expect("joins").token.ticket }
        })
        .collect();
    let mut tickets = joining.join_all().await;
    tickets.sort_unstable_by_key(|ticket| ticket.ticket);
    house.advance(60);
    // More are there than one batch lets in, behind thirty who are gone.
    for ticket in &tickets[30..] {
        poll(&house.office, ticket).await;
    }
    house.office.back_office().resume_queue().await.expect("resumes");
    let limited = AdmissionChange::new().with_max_active(2_000).with_per_minute(PerMinute::AtMost(1_050));
    house.office.back_office().set_admission(limited).await.expect("sets");
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 1_050);
    let last_in = "select cast(max(ticket) as signed) from tokens where status = 'ACTIVE'";
    let first_in = "select cast(min(ticket) as signed) from tokens where status = 'ACTIVE'";
    assert_eq!((house.count(first_in).await, house.count(last_in).await), (31, 1_080));
    let unlimited = AdmissionChange::new().with_max_active(1_105).with_per_minute(PerMinute::Unlimited);
    house.office.back_office().set_admission(unlimited).await.expect("sets");
    assert_eq!(house.office.rerank_queue().await.expect("reranks").admitted, 55);
    assert_eq!((house.count(first_in).await, house.count(last_in).await), (1, 1_130), "and five who are gone");
    house.assert_sound().await;
}
