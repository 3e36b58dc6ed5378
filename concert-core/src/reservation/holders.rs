//! Who holds seats: their turns, under lock, and how many seats they have not paid yet.

use std::collections::HashMap;

use sqlx::Row as _;

use super::Holds;
use crate::batch::Failure;
use crate::caller::{Caller, Proof};
use crate::clock::Timestamp;
use crate::id::UserId;
use crate::queue::{Token, read_token};
use crate::sql::{Listed, Pair, Reading, Script, Selected};

/// The reservations are not locked: whoever makes a hold has the user's token locked.
pub(super) const LOCK_HOLDERS: Listed = Listed::of_keys(
    "select t.id, t.user_id, t.ticket, t.status, t.created_at, t.expires_at, t.claimed_at, \
     case when t.expires_at > ? then (select count(*) from reservations r force index (reservations_user_deadline) \
     where r.user_id = t.user_id and r.status = 'HELD' and r.expires_at > ?) end as holds \
     from tokens t force index (tokens_user_live) where t.live = 1 and t.user_id in ({}) for update",
);

/// A subselect costs as much as the rest, executed or not.
pub(super) const LOCK_TURNS: Listed = Listed::of_keys(
    "select id, user_id, ticket, status, created_at, expires_at, claimed_at, null as holds \
     from tokens force index (tokens_user_live) where live = 1 and user_id in ({}) for update",
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

/// Locks the live tokens of users, and counts nothing.
pub(crate) fn lock_turns(script: &mut Script, users: Vec<UserId>) -> Reading {
    script.select_keys(&LOCK_TURNS, users)
}

/// Locks the live tokens of users and counts the unpaid holds of those whose turns last longer than `until`.
pub(crate) fn lock_holders(script: &mut Script, users: Vec<UserId>, until: Timestamp, now: Timestamp) -> Reading {
    script.select_all(&LOCK_HOLDERS, users, |blanks, list| blanks.put(until).put(now).list(list))
}

pub(crate) fn read_holders(selected: &Selected, reading: &Reading) -> Result<(HashMap<UserId, Token>, Holds), Failure> {
    let (mut tokens, mut holds) = (HashMap::new(), Holds::new());
    for row in selected.rows(reading) {
        let token = read_token(row)?;
        if let Some(count) = row.try_get::<Option<i64>, _>("holds")? {
            holds.insert(token.user, count as u32);
        }
        tokens.insert(token.user, token);
    }
    Ok((tokens, holds))
}
