//! Limits that hold whatever the clocks of the servers say.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use concert_core::{AdmissionChange, BoxOffice, Clock as _, ManualClock, PerMinute, TokenStatus};

use crate::support::{House, Shortcuts as _};

/// A server on the house's database with a clock of its own, ahead of the house's.
async fn ahead(house: &House, seconds: i64) -> (BoxOffice, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(house.clock.now() + chrono::TimeDelta::seconds(seconds)));
    let policy = house.office.policy().clone();
    let office = BoxOffice::connect_with(house.database.clone(), policy, clock.clone()).await.expect("connects");
    (office, clock)
}

const EVER_IN: &str = "select count(*) from tokens where admitted_at is not null";

/// Two servers whose clocks differ let people in, now one and now the other, second by second. Returns how many were
/// let in within the fullest minute, and in all.
async fn fullest_minute(difference: i64, limit: u32) -> (i64, i64) {
    let house = House::open().await;
    house.office.set_max_active(10_000).await.expect("sets the cap");
    let (other, other_clock) = ahead(&house, difference).await;
    let limited = AdmissionChange::new().with_per_minute(PerMinute::AtMost(limit));
    house.office.back_office().set_admission(limited).await.expect("sets the limit");
    let mut users = house.users(200, 0).await.into_iter();
    let mut ever_in = VecDeque::from([0; 61]);
    let mut fullest = 0;
    for second in 0..240 {
        for office in [&house.office, &other] {
            office.refresh_queue().await.expect("refreshes");
        }
        // Each server is silent for a while now and then.
        let office = if second % 67 < 40 { &house.office } else { &other };
        for user in users.by_ref().take(usize::from(second % 2 == 0)) {
            office.issue_token(user).await.expect("joins");
        }
        if second % 5 == 0 {
            office.rerank_queue().await.expect("reranks");
        }
        ever_in.pop_front();
        ever_in.push_back(house.count(EVER_IN).await);
        fullest = fullest.max(ever_in[60] - ever_in[0]);
        house.advance(1);
        other_clock.advance(Duration::from_secs(1));
    }
    house.assert_sound().await;
    (fullest, ever_in[60])
}

#[tokio::test]
async fn b6_no_more_than_so_many_are_let_in_within_any_minute_though_the_clocks_of_the_servers_differ() {
    for difference in [0, 5, -5, 90] {
        let (fullest, all) = fullest_minute(difference, 7).await;
        assert!(fullest <= 7, "{fullest} within a minute, {difference} s apart");
        assert!(all >= 4 * 7 - 1, "{all} in four minutes, {difference} s apart: the limit is used");
    }
}

#[tokio::test]
async fn b6_a_server_that_did_nothing_yet_knows_what_happened_since_it_started() {
    let house = House::open().await;
    let (other, other_clock) = ahead(&house, 5).await;
    house.office.set_max_active(100).await.expect("sets the cap");
    let limited = AdmissionChange::new().with_per_minute(PerMinute::AtMost(3));
    house.office.back_office().set_admission(limited).await.expect("sets the limit");
    for user in house.users(6, 0).await {
        house.office.issue_token(user).await.expect("joins");
    }
    let pass = async |seconds| {
        house.advance(seconds);
        other_clock.advance(Duration::from_secs(seconds));
        other.rerank_queue().await.expect("reranks").admitted
    };
    assert_eq!(pass(56).await, 0, "56 s after the others, 61 s by two clocks");
    assert_eq!(pass(4).await, 3);
    house.assert_sound().await;
}

#[tokio::test]
async fn b6_a_cap_that_another_clock_lowered_is_no_violation() {
    for difference in [-90, 90] {
        let house = House::open().await;
        let (other, _) = ahead(&house, difference).await;
        house.office.set_max_active(3).await.expect("sets the cap");
        let users = house.users(6, 0).await;
        for user in &users {
            other.issue_token(*user).await.expect("joins");
        }
        house.office.set_max_active(1).await.expect("lowers the cap");
        house.assert_sound().await;
        house.office.leave_queue(users[0]).await.expect("leaves");
        other.rerank_queue().await.expect("reranks");
        house.assert_sound().await;

        // Somebody in the place of one who left is more than the cap allows, whatever the moments say.
        let admit = "update tokens set status = 'ACTIVE', admitted_at = '2000-01-01' where status = 'WAITING' limit 1";
        assert_eq!(house.tamper(admit).await, 1);
        house.tamper("update queue_gate set active = active + 1, waiting = waiting - 1").await;
        let found = house.office.back_office().audit().await.expect("audits");
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].what.starts_with("there are more ACTIVE tokens than the cap allows"), "{found:#?}");
    }
}

#[tokio::test]
async fn b6_nobody_is_let_in_whose_wait_is_over_however_many_turns_end_at_once() {
    let house = House::open_with(|policy| policy.with_waiting_ttl(Duration::from_secs(300))).await;
    // As many as one batch of a pass ends.
    house.office.set_max_active(1_000).await.expect("sets the cap");
    let inside: tokio::task::JoinSet<_> = house
        .users(1_000, 0)
        .await
        .into_iter()
        .map(|user| {
            let office = house.office.clone();
            async move { office.issue_token(user).await }
        })
        .collect();
    for joined in inside.join_all().await {
        assert_eq!(joined.expect("joins").token.standing.status, TokenStatus::Active);
    }
    for user in house.users(5, 0).await {
        house.office.issue_token(user).await.expect("waits");
    }
    house.advance(600);
    let user = house.user(0).await;
    house.office.issue_token(user).await.expect("waits");
    let preview = house.office.back_office().preview_rerank().await.expect("looks");
    let report = house.office.rerank_queue().await.expect("reranks");
    assert_eq!(report, preview);
    assert_eq!((report.expired, report.admitted), (1_005, 1));
    let over = "select count(*) from tokens where status = 'EXPIRED' and admitted_at is null";
    assert_eq!(house.count(over).await, 5);
    house.assert_sound().await;
}
