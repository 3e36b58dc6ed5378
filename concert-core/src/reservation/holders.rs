//! Who holds seats: their turns, under lock, and how many seats they have not paid yet.

use sqlx::Row as _;

use super::Holds;
use crate::batch::Failure;
use crate::caller::{Caller, Proof};
use crate::clock::Timestamp;
use crate::id::UserId;
use crate::sql::{Listed, Pair, Reading, Script, Selected};

/// Whoever makes a hold has the user's token locked, so holds are counted once that is: by a statement after it, which sees
/// what was committed until then. For the arithmetic the server sees one value for each user and no range, so that it
/// need not look at the index of a long list to plan (`eq_range_index_dive_limit`).
pub(super) const HELD: Listed = Listed::of_keys(
    "select user_id from reservations force index (reservations_user_deadline) \
     where user_id in ({}) and expires_at + interval 0 second > ? and status = 'HELD'",
);
/// The same, and what was paid or given back before its deadline: the index has it all.
pub(super) const HELD_AT_MOST: Listed = Listed::of_keys(
    "select user_id from reservations force index (reservations_user_deadline) \
     where user_id in ({}) and expires_at + interval 0 second > ?",
);

/// Out of range for a user who has more of those than so many; selects nothing.
pub(super) const TOO_MANY_HOLDS: Listed = Listed::of_keys(
    "select user_id from reservations force index (reservations_user_deadline) \
     where user_id in ({}) and expires_at + interval 0 second > ? \
     group by user_id having exp(if(count(*) > ?, 1000, 0)) = 0",
);

macro_rules! lock_ready {
    ($shown:literal) => {
        Listed::of_keys(concat!(
            "select count(*) into @locked from tokens force index (tokens_user_live) where live = 1 and user_id in ({}) ",
            $shown,
            "and status = 'ACTIVE' and claimed_at is not null and expires_at > ? for update"
        ))
    };
}

/// The turns of those who may act, as `require_active` has it.
pub(super) const LOCK_READY: Listed = lock_ready!("");
/// The same, if they are the ones that were shown.
pub(super) const LOCK_READY_SHOWN: Listed = lock_ready!("and concat(user_id, id) in ({}) ");

/// Locks the live tokens of callers, each of whom is there once, and goes no further if any of them may not act. Answers
/// false, and locks nothing, if some of them show a token and some do not.
pub(crate) fn lock_ready(script: &mut Script, callers: &[&Caller], now: Timestamp) -> bool {
    let mut users: Vec<_> = callers.iter().map(|caller| caller.user).collect();
    users.sort_unstable();
    let shown = callers.iter().filter_map(|caller| match caller.proof {
        Proof::Queue(token) => Some(Pair(caller.user.as_uuid(), token.as_uuid())),
        Proof::Bare | Proof::Verified => None,
    });
    let shown: Vec<_> = shown.collect();
    if shown.is_empty() {
        script.lock_exactly("locking turns", users.len(), &LOCK_READY, |blanks| blanks.list(&users).put(now));
    } else if shown.len() == users.len() {
        script.lock_exactly("locking turns", users.len(), &LOCK_READY_SHOWN, |blanks| {
            blanks.list(&users).list(&shown).put(now)
        });
    } else {
        return false;
    }
    true
}

/// Goes no further if any of the users, whose tokens are locked, may hold more than `most` seats unpaid.
pub(super) fn forbid_more_holds(script: &mut Script, mut users: Vec<UserId>, most: u32, now: Timestamp) {
    users.sort_unstable();
    script.forbid("counting holds", &TOO_MANY_HOLDS, |blanks| blanks.list(&users).put(now).put(most));
}

/// What users hold unpaid, after their tokens are locked.
pub(crate) fn select_holds(script: &mut Script, users: Vec<UserId>, now: Timestamp) -> Reading {
    script.select_all(&HELD, users, |blanks, list| blanks.list(list).put(now))
}

/// The same or more, for less.
pub(super) fn select_most_holds(script: &mut Script, users: Vec<UserId>, now: Timestamp) -> Reading {
    script.select_all(&HELD_AT_MOST, users, |blanks, list| blanks.list(list).put(now))
}

/// How many holds each user has who has any.
pub(crate) fn read_holds(selected: &Selected, holds: &Reading) -> Result<Holds, Failure> {
    let mut counts = Holds::new();
    for row in selected.rows(holds) {
        *counts.entry(row.try_get("user_id")?).or_default() += 1;
    }
    Ok(counts)
}
