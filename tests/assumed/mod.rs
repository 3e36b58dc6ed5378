//! Writes over rows that nobody has read, as this process remembers them: they come to what writes over locked rows come to,
//! and what is not as it was assumed sends them to be locked. Each test sees by the counters which way its batches went.

mod holds;
mod joins;
mod payments;
mod recharges;
mod versions;

use concert_core::Error;

use crate::support::ways::{LOCKED, ways};

/// Refused for this reason, in a batch that was tried over assumed rows and then locked.
fn assert_refused_on_both_ways<T>(lane: &str, answer: Result<T, Error>, reason: fn(&Error) -> bool) {
    assert_reason(answer, reason);
    let ways = ways(lane);
    let tried = ["assumed guard", "assumed conflict", "assumed refused"];
    assert!(matches!(&ways[..], [first, second] if tried.contains(&&**first) && second == LOCKED), "{ways:?}");
}

/// Refused for this reason, in a batch that was locked at once.
fn assert_refused_locked<T>(lane: &str, answer: Result<T, Error>, reason: fn(&Error) -> bool) {
    assert_reason(answer, reason);
    assert_eq!(ways(lane), [LOCKED]);
}

fn assert_reason<T>(answer: Result<T, Error>, reason: fn(&Error) -> bool) {
    let refused = answer.err().expect("is refused");
    assert!(reason(&refused), "{refused:?}");
}
