//! The estimated wait, against the true one of a simulated sale.

use concert_core::{Error, QueueTicket, TokenStatus};

use super::house_for;
use crate::support::Shortcuts as _;

#[tokio::test]
async fn the_wait_is_estimated_from_the_measured_rate() {
    let house = house_for(10).await;
    let users = house.users(60, 0).await;
    for user in &users {
        house.office.issue_token(*user).await.expect("joins");
    }
    let remaining = || async { house.office.token_status(users[59]).await.expect("stands").standing };
    assert_eq!(
        remaining().await.remaining_seconds,
        5 * 600,
        "position 50 of a cap of 10, everyone taking all their time"
    );

    house.office.refresh_queue().await.expect("refreshes");
    for tick in 0..2 {
        for user in &users[tick * 10..(tick + 1) * 10] {
            house.office.leave_queue(*user).await.expect("leaves");
        }
        house.advance(10);
        house.office.rerank_queue().await.expect("reranks");
    }
    let standing = remaining().await;
    assert_eq!((standing.queue_position, standing.remaining_seconds), (30, 30), "20 admitted in 20 s");
}

/// Who is in the queue of a simulated sale.
struct Buyer {
    user: concert_core::UserId,
    ticket: QueueTicket,
    joined: u64,
    /// When this one gives up waiting, or, once in, is done.
    until: u64,
    shows_up: bool,
    /// When what was said, until the turn begins.
    told: Vec<(u64, u64)>,
    in_since: Option<u64>,
}

#[tokio::test]
async fn the_estimated_wait_is_the_true_one_within_a_fifth() {
    let mut random = Random(7);
    let house = house_for(20).await;
    let mut errors = Vec::new();
    let mut here: Vec<Buyer> = Vec::new();
    let users = house.users(420, 0).await;
    let mut arriving = users.into_iter();
    for tick in 0..720 {
        let now = tick * 10;
        // A rush at first, later a few.
        let arrivals = if tick < 10 { 24 } else { usize::from(tick % 3 == 0) };
        for user in arriving.by_ref().take(arrivals) {
            let joined = house.office.issue_token(user).await.expect("joins").token;
            // One in four has less patience than the wait is long.
            let patience = if random.below(4) == 0 { random.below(2_400) } else { 1_000_000 };
            let mut buyer = Buyer {
                user,
                ticket: joined.ticket,
                joined: now,
                until: now + patience,
                shows_up: random.below(5) > 0,
                told: Vec::new(),
                in_since: None,
            };
            match joined.standing.status {
                TokenStatus::Active => (buyer.in_since, buyer.until) = (Some(now), now + 60 + random.below(300)),
                _ => buyer.told.push((now, joined.standing.remaining_seconds)),
            }
            here.push(buyer);
        }
        let mut staying = Vec::new();
        for mut buyer in here {
            if buyer.until <= now {
                let left = house.office.leave_queue(buyer.user).await;
                assert!(matches!(left, Ok(()) | Err(Error::TokenNotFound)), "it may have been a no-show: {left:?}");
                continue;
            }
            if buyer.in_since.is_none() && (buyer.shows_up || (now - buyer.joined) % 120 == 0) {
                let inside = house.office.back_office().inspect_token(buyer.user).await;
                match inside.map(|token| token.standing) {
                    Ok(standing) if standing.status == TokenStatus::Waiting => {
                        if (now - buyer.joined) % 120 == 0 {
                            buyer.told.push((now, standing.remaining_seconds));
                        }
                    }
                    Ok(_) if buyer.shows_up => {
                        assert_eq!(house.office.poll(&buyer.ticket).await.expect("is in").remaining_seconds, 600);
                        (buyer.in_since, buyer.until) = (Some(now), now + 60 + random.below(300));
                        // The tick before let it in.
                        errors.extend(buyer.told.iter().filter(|(at, _)| now > at + 10).map(|(at, told)| {
                            let waited = (now - 10 - at) as f64;
                            (*told as f64 - waited).abs() / waited
                        }));
                    }
                    Ok(_) => {}
                    Err(_) => continue,
                }
            }
            staying.push(buyer);
        }
        here = staying;
        house.office.rerank_queue().await.expect("reranks");
        house.advance(10);
    }
    house.assert_sound().await;
    let figures = house.office.back_office().queue_figures().await.expect("reads");
    assert!(figures.no_shows > 30 && figures.departed > 30, "{figures:?}");
    errors.sort_by(f64::total_cmp);
    let median = errors[errors.len() / 2];
    println!("{} estimates, median error {:.1} %, {figures:?}", errors.len(), median * 100.0);
    assert!(errors.len() > 500 && median < 0.2, "{} estimates, median error {median}", errors.len());
}

/// The same numbers in every run (a linear congruential generator; Knuth, TAOCP 2, 3.3.4).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
