//! Commands that are tried together, and what to do when they fail.

use std::time::{Duration, Instant};

use rand::RngExt as _;

use super::Batch;
use crate::db::Failure;

/// The most attempts at one piece before it is split or its callers are told that it failed.
const MAX_ATTEMPTS: u32 = 8;
/// The attempts before a failure that may lie in one command splits the piece. The second attempt reads the rows anew,
/// which turns a duplicate key into a refusal.
const ATTEMPTS_BEFORE_SPLIT: u32 = 2;
/// The longest time for splitting a batch to find the one command that it fails for, for waiting for one lock over
/// several attempts, and for reaching a database that does not answer. A lock that stays taken costs 3 s the first time and 1 s for each of the eight halvings after it.
pub(super) const LONGEST_SEARCH: Duration = Duration::from_secs(15);
/// The pause before the second attempt; it doubles with each, up to `LONGEST_PAUSE`, with jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(4);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Commands that are tried together.
pub(super) struct Piece<'c, B: Batch> {
    pub(super) commands: &'c [B::Command],
    pub(super) attempts: u32,
    /// It was split off a batch that failed.
    pub(super) is_split: bool,
    /// A COMMIT got no answer.
    pub(super) may_have_committed: bool,
    /// A COMMIT got no answer, and no attempt has read the rows since to see whether it happened.
    pub(super) is_unresolved: bool,
    /// The current attempt has sent its COMMIT.
    pub(super) commit_was_sent: bool,
    /// The node has caught up with its cluster for these commands.
    pub(super) has_caught_up: bool,
}

impl<'c, B: Batch> Piece<'c, B> {
    pub(super) const fn whole(commands: &'c [B::Command]) -> Self {
        Self {
            commands,
            attempts: 0,
            is_split: false,
            may_have_committed: false,
            is_unresolved: false,
            commit_was_sent: false,
            has_caught_up: false,
        }
    }

    pub(super) fn halves(&self) -> [Self; 2] {
        let (first, second) = self.commands.split_at(self.commands.len() / 2);
        // Both halves inherit `may_have_committed`: the COMMIT that got no answer was of them all.
        [first, second].map(|commands| Self { commands, attempts: 0, is_split: true, ..*self })
    }
}

/// What to do after an attempt that failed.
pub(super) enum Next {
    Retry,
    Split,
    GiveUp,
}

/// `database_is_lost`: the batch before this one was given up because the database could not be reached.
pub(super) fn next_after<B: Batch>(
    failure: &Failure,
    piece: &Piece<'_, B>,
    search_ends: Instant,
    database_is_lost: bool,
) -> Next {
    let is_in_time = Instant::now() < search_ends;
    // Invariant: a piece whose COMMIT got no answer is never split. One half could be carried out a second time before
    // the other has looked for its rows.
    let searching = piece.commands.len() > 1 && !piece.is_unresolved && is_in_time;
    // A split piece waits for a lock once only: the pieces after it wait for this one.
    let waited_enough = failure.repeats() && !piece.is_unresolved && (piece.is_split || !is_in_time);
    // Callers queue behind this batch: one that finds the database as lost as the batch before it did gives up at once.
    let lost_for_long = failure.is_silence() && (!is_in_time || database_is_lost && !piece.is_unresolved);
    // A second attempt at the whole is worth it only where the rows may look different by then.
    let tried_enough = piece.attempts >= ATTEMPTS_BEFORE_SPLIT || failure.repeats() || !failure.may_pass();
    if searching && failure.may_lie_in_one() && tried_enough {
        Next::Split
    } else if piece.attempts < MAX_ATTEMPTS && failure.may_pass() && !waited_enough && !lost_for_long {
        Next::Retry
    } else {
        Next::GiveUp
    }
}

pub(super) fn pause_after(attempts: u32) -> Duration {
    // With jitter, or two processes that deadlocked would meet again.
    let longest = FIRST_PAUSE.saturating_mul(1 << attempts.min(16)).min(LONGEST_PAUSE);
    longest.mul_f64(rand::rng().random_range(0.5..1.0))
}
