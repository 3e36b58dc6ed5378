//! A crowd that asks about tokens which this process does not know does not read the queue once for each.

use std::sync::atomic::Ordering;

use concert_core::{BoxOffice, Error, QueueTicket, TokenStatus, UserId};

use crate::support::proxy::{Keeps, Proxy};
use crate::support::{House, Shortcuts as _, policy};

/// In the question of who is ACTIVE, which every refresh asks.
const REFRESHES: &str = "claimed_at is not null as claimed";

/// A house with a cap of 1, and another office whose questions pass a proxy.
async fn house_and_proxy() -> (House, Proxy, BoxOffice) {
    let house = House::open().await;
    house.office.set_max_active(1).await.expect("sets the cap");
    let proxy = Proxy::start(&house.database);
    let office = BoxOffice::connect_with(proxy.options(&house.database), policy(), house.clock.clone());
    let office = office.await.expect("connects");
    (house, proxy, office)
}

async fn join(house: &House, user: UserId) -> QueueTicket {
    house.office.issue_token(user).await.expect("joins").token.ticket
}

#[tokio::test]
async fn b5_who_asks_after_the_turn_is_over_refreshes_nothing() {
    let (house, proxy, office) = house_and_proxy().await;
    let refreshes = proxy.count(REFRESHES);
    // A process that was paused for two seconds refreshes in any case.
    for user in house.users(3, 0).await {
        let ticket = join(&house, user).await;
        office.refresh_queue().await.expect("refreshes");
        house.advance(700);
        house.office.rerank_queue().await.expect("ends the turn");
        let before = refreshes.load(Ordering::Relaxed);
        assert!(matches!(office.poll(&ticket).await, Err(Error::TokenExpired)));
        if refreshes.load(Ordering::Relaxed) == before {
            return;
        }
    }
    panic!("each of three polls refreshed the queue");
}

#[tokio::test]
async fn b5_many_new_tokens_of_another_process_share_a_refresh() {
    let (house, proxy, office) = house_and_proxy().await;
    office.refresh_queue().await.expect("refreshes");
    let mut tickets = Vec::new();
    for user in house.users(21, 0).await {
        tickets.push(join(&house, user).await);
    }
    tickets.remove(0);
    let refreshes = proxy.count(REFRESHES);
    let kept = proxy.keep_back(Keeps::Answer, &[REFRESHES]);
    let mut polls = tokio::task::JoinSet::new();
    for ticket in tickets {
        let office = office.clone();
        polls.spawn(async move { office.poll(&ticket).await });
    }
    kept.caught().await;
    kept.release();
    while let Some(standing) = polls.join_next().await {
        let standing = standing.expect("no panic").expect("waits");
        assert_eq!(standing.status, TokenStatus::Waiting);
        assert!(standing.queue_position > 0, "{standing:?}");
    }
    let refreshes = refreshes.load(Ordering::Relaxed);
    assert!((1..=3).contains(&refreshes), "{refreshes} refreshes for 20 polls");
}
