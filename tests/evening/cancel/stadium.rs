//! How long it takes to refund a stadium.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{ann, buy};
use crate::support::{House, Shortcuts as _};

/// A stadium that is called off while another concert sells on. Slow: run it alone, in release, with `--ignored --nocapture`.
/// It prints how long it took, and the p99 of holding and paying a seat of the other concert before and meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes minutes; for its figures"]
async fn a_stadium_is_refunded_within_a_minute_while_another_concert_sells_on() {
    const SEATS: usize = 65_000;
    let house = House::open_with(|policy| policy.with_max_holds_per_user(100_000)).await;
    house.tamper("set global innodb_flush_log_at_trx_commit = 1").await;
    let (stadium, other) = (house.concert(SEATS as u32).await, house.concert(60_000).await);
    let users = house.active_users(650 + 16, 1_000_000).await;
    // Who buys meanwhile is none of those who get their money back: a wallet that is refunded is locked for a moment.
    let (owners, buyers) = users.split_at(650);
    for (nth, user) in owners.iter().enumerate() {
        buy(&house.office, *user, stadium, (nth as i64 * 100 + 1)..=(nth as i64 * 100 + 100)).await;
    }
    let next = Arc::new(std::sync::atomic::AtomicI64::new(1));
    // 16 buyers at some 200 seats a second in all.
    let sell = async |seconds: u64| {
        let until = std::time::Instant::now() + Duration::from_secs(seconds);
        let mut buying = JoinSet::new();
        for user in buyers.iter().copied() {
            let (office, next) = (house.office.clone(), Arc::clone(&next));
            buying.spawn(async move {
                let mut took = Vec::new();
                while std::time::Instant::now() < until {
                    let begun = std::time::Instant::now();
                    buy(&office, user, other, {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        n..=n
                    })
                    .await;
                    took.push(begun.elapsed());
                    tokio::time::sleep(Duration::from_millis(80)).await;
                }
                took
            });
        }
        let mut took: Vec<_> = buying.join_all().await.into_iter().flatten().collect();
        took.sort_unstable();
        (took.len(), took[took.len() / 2], took[took.len() * 99 / 100])
    };
    let alone = sell(10).await;
    let begun = std::time::Instant::now();
    let reason = "the singer is ill".parse().expect("a reason");
    house.office.operator(ann()).cancel_concert(stadium, reason).await.expect("calls it off");
    let clearing = {
        let back_office = house.office.back_office();
        tokio::spawn(async move { (back_office.finish_cancellation(stadium, |_| {}).await, begun.elapsed()) })
    };
    let meanwhile = sell(10).await;
    let (done, took) = clearing.await.expect("ends");
    house.tamper("set global innodb_flush_log_at_trx_commit = 0").await;
    println!("{SEATS} refunds in {took:?}; seats sold, p50, p99: alone {alone:?}, meanwhile {meanwhile:?}");
    let done = done.expect("clears it");
    assert_eq!((done.refunded, done.done), (SEATS as u64, true));
    house.assert_sound().await;
}
