//! How long it takes to refund a stadium.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use concert_core::{BoxOffice, ConcertId, UserId};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{ann, buy};
use crate::support::{House, Shortcuts as _};

/// How long the other concert sells alone, before and after.
const ALONE: Duration = Duration::from_secs(20);
/// How many buy at once, and the pause of each between two purchases: some 180 seats a second in all.
const AT_ONCE: usize = 16;
const PAUSE: Duration = Duration::from_millis(80);
/// How many people buy. None buys more than a few seats: each hold counts what its user has held in the last minutes.
const BUYERS: usize = 8_000;

/// A stadium that is called off while another concert sells on. Slow: run it alone, in release, with `--ignored --nocapture`.
/// It prints how long it took, and the p99 of holding and paying a seat of the other concert before, meanwhile and after.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes minutes; for its figures"]
async fn a_stadium_is_refunded_within_a_minute_while_another_concert_sells_on() {
    const SEATS: usize = 65_000;
    let house = House::open_with(|policy| policy.with_max_holds_per_user(100_000)).await;
    house.tamper("set global innodb_flush_log_at_trx_commit = 1").await;
    let (stadium, other) = (house.concert(SEATS as u32).await, house.concert(60_000).await);
    let mut owners = house.active_users(650 + BUYERS, 1_000_000).await;
    // Who buys meanwhile is none of those who get their money back: a wallet that is refunded is locked for a moment.
    let buyers = owners.split_off(650);
    for (nth, user) in owners.iter().enumerate() {
        buy(&house.office, *user, stadium, (nth as i64 * 100 + 1)..=(nth as i64 * 100 + 100)).await;
    }
    let shop = Arc::new(Shop { office: house.office.clone(), concert: other, buyers, sold: AtomicUsize::new(0) });
    let before = shop.sell_for(ALONE).await;
    let begun = Instant::now();
    let reason = "the singer is ill".parse().expect("a reason");
    house.office.operator(ann()).cancel_concert(stadium, reason).await.expect("calls it off");
    let until = CancellationToken::new();
    let clearing = async {
        let done = house.office.back_office().finish_cancellation(stadium, |_| {}).await;
        until.cancel();
        (done, begun.elapsed())
    };
    let ((done, took), meanwhile) = tokio::join!(clearing, shop.sell(until.clone()));
    let after = shop.sell_for(ALONE).await;
    house.tamper("set global innodb_flush_log_at_trx_commit = 0").await;
    println!(
        "{SEATS} refunds in {took:?}; seats sold, p50, p99: before {before:?}, meanwhile {meanwhile:?}, after {after:?}"
    );
    let done = done.expect("clears it");
    assert_eq!((done.refunded, done.done), (SEATS as u64, true));
    house.assert_sound().await;
}

/// What sells the seats of a concert one by one, each to the next buyer.
struct Shop {
    office: BoxOffice,
    concert: ConcertId,
    buyers: Vec<UserId>,
    sold: AtomicUsize,
}

impl Shop {
    async fn sell_for(self: &Arc<Self>, time: Duration) -> (usize, Duration, Duration) {
        let until = CancellationToken::new();
        let wait = async {
            tokio::time::sleep(time).await;
            until.cancel();
        };
        tokio::join!(self.sell(until.clone()), wait).0
    }

    /// Sells until `until`. How many seats, and the median and the p99 of holding and paying one.
    async fn sell(self: &Arc<Self>, until: CancellationToken) -> (usize, Duration, Duration) {
        let buying: JoinSet<_> = (0..AT_ONCE).map(|_| Arc::clone(self).sell_one_by_one(until.clone())).collect();
        let mut took: Vec<_> = buying.join_all().await.into_iter().flatten().collect();
        took.sort_unstable();
        (took.len(), took[took.len() / 2], took[took.len() * 99 / 100])
    }

    async fn sell_one_by_one(self: Arc<Self>, until: CancellationToken) -> Vec<Duration> {
        let mut took = Vec::new();
        while !until.is_cancelled() {
            let (begun, nth) = (Instant::now(), self.sold.fetch_add(1, Ordering::Relaxed));
            let (buyer, seat) = (self.buyers[nth % self.buyers.len()], nth as i64 + 1);
            buy(&self.office, buyer, self.concert, seat..=seat).await;
            took.push(begun.elapsed());
            tokio::time::sleep(PAUSE).await;
        }
        took
    }
}
