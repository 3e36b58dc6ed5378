//! Who may hold: that there is such a user, who is enabled, and how many seats the user holds unpaid. The one definition of each, as a
//! reading and as a guard.

use std::collections::HashMap;

use sqlx::{MySqlConnection, Row as _};

use super::Holds;
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::fact::{Assumed, Assumptions, Column, Fact, Key, Test, Value};
use crate::id::UserId;
use crate::sql::{Reading, ResultSet, Script, statements};

/// A hold whose deadline is to come, by a prefix of its columns. The arithmetic keeps the server from planning a range
/// for each user, for which it would look into the index once for each user of a long list
/// (`eq_range_index_dive_limit`).
macro_rules! in_time {
    ($prefix:literal) => {
        concat!($prefix, "expires_at + interval 0 second > {now}")
    };
}

/// A hold that is not paid yet.
macro_rules! unpaid {
    ($prefix:literal) => {
        concat!($prefix, "status = 'HELD' and ", $crate::reservation::in_time!($prefix))
    };
}

/// Holds of users.
macro_rules! holds {
    ($($which:tt)+) => {
        concat!(
            "select user_id from reservations force index (reservations_user_deadline) where user_id in ({users}) and ",
            $($which)+
        )
    };
}
pub(crate) use {in_time, unpaid};

statements! {
    /// A hold is made under the lock of the user's token. So holds are counted after that lock is taken, by a statement
    /// of its own, which sees everything that was committed until then.
    UNPAID_HOLDS { holds!(unpaid!("")) }
    /// Last in the global order of locks.
    LOCK_USERS { "select id from users force index (primary) where id in ({users}) for update" }
    /// Whoever was forgotten is not there.
    USERS {
        "select id, disabled_at is null as is_enabled from users force index (primary) \
         where id in ({users}) and forgotten_at is null"
    }
    /// Whoever was forgotten is disabled, too.
    COUNT_USERS { "select count(*) from users force index (primary) where id in ({users}) and disabled_at is null" }
    /// An upper bound: holds that were paid or given back before their deadline count as well. It is read from the
    /// index alone, 1.5 us a user instead of 2.8 (measured, MariaDB 10.11), and few users come near the limit.
    HOLDS { holds!(in_time!("")) }
    /// The upper bound as a guard. It is out of range for a user above it, and selects nothing otherwise.
    TOO_MANY_HOLDS {
        holds!(in_time!(""), " group by user_id having exp(if(count(*) > {most}, 1000, 0)) = 0")
    }
}

/// How many seats a user holds unpaid; its key is the user's id.
const UNPAID: Column = Column("reservations held unpaid");

/// Whether there is such a user whom no operator has disabled. A turn outlasts a user whose row was deleted, and past the
/// queue nobody has a turn.
const IS_ENABLED: Column = Column("users.disabled_at");

/// Users who may be there, and whether they are enabled. One who is missing is not there.
pub(crate) type Users = HashMap<UserId, Fact<bool>>;

pub(super) fn unread_user(assumptions: &Assumptions, user: UserId) -> Fact<bool> {
    assumptions.unread(IS_ENABLED, Key::row(user.as_uuid()))
}

pub(super) fn select_users(script: &mut Script, users: Vec<UserId>) -> Reading {
    script.select_keys(&USERS, users, |params, users| params.list("users", users))
}

pub(super) fn read_users(selected: &ResultSet, users: &Reading) -> Result<Users, Failure> {
    selected.rows(users).map(|row| Ok((row.try_get("id")?, Fact::read(row.try_get("is_enabled")?)))).collect()
}

/// States that users are there and enabled. Before the lock of their turns, which counts them.
pub(super) fn guard_users(script: &mut Script, assumed: &mut Assumed) {
    let there = assumed.take(IS_ENABLED);
    if there.iter().any(|(_, test)| *test != Test::Equals(Value::Flag(true))) {
        return assumed.put_back(IS_ENABLED, there);
    }
    let mut users: Vec<_> = there.iter().map(|(user, _)| user.id()).collect();
    users.sort_unstable();
    users.dedup();
    if !users.is_empty() {
        script.require_count("looking for users", users.len(), &COUNT_USERS, |params| params.list("users", &users));
    }
}

/// What a user holds unpaid in the course of a batch.
#[derive(Debug, Clone)]
pub(crate) struct UnpaidHolds {
    before: Fact<u32>,
    /// What the batch has added so far, less what it has removed.
    change: i64,
}

impl UnpaidHolds {
    pub(crate) const fn read(count: u32) -> Self {
        Self { before: Fact::read(count), change: 0 }
    }

    pub(super) fn unread(assumptions: &Assumptions, user: UserId) -> Self {
        Self { before: assumptions.unread(UNPAID, Key::row(user.as_uuid())), change: 0 }
    }

    /// Whether `more` would still be at most `limit`.
    pub(super) fn fit(&self, more: u32, limit: u32) -> bool {
        let most = i64::from(limit) - i64::from(more) - self.change;
        // Below zero, not even a user without any hold would fit, so nobody is asked.
        u32::try_from(most).is_ok_and(|most| self.before.at_most(most))
    }

    pub(super) const fn add(&mut self, more: u32) {
        self.change += more as i64;
    }

    pub(super) const fn remove_one(&mut self) {
        self.change -= 1;
    }
}

/// States what was assumed about unpaid holds, after their users' turns are locked.
pub(super) fn guard_holds(script: &mut Script, assumed: &mut Assumed, now: Timestamp) {
    let tests = assumed.take(UNPAID);
    let mut most = None;
    for (_, test) in &tests {
        let Test::AtMost(Value::Number(bound)) = *test else { return assumed.put_back(UNPAID, tests) };
        // One bound for all, the lowest: some batches are locked for it that need not be, and none passes that must
        // not.
        most = Some(most.map_or(bound, |most: u64| most.min(bound)));
    }
    let Some(most) = most else { return };
    let mut users: Vec<_> = tests.iter().map(|(user, _)| user.id()).collect();
    users.sort_unstable();
    users.dedup();
    script.abort_if("counting holds", &TOO_MANY_HOLDS, |params| {
        params.list("users", users).bind("now", now).bind("most", most)
    });
}

/// What users hold unpaid, after their tokens are locked.
pub(super) fn select_unpaid(script: &mut Script, users: Vec<UserId>, now: Timestamp) -> Reading {
    script.select_keys(&UNPAID_HOLDS, users, |params, users| params.list("users", users).bind("now", now))
}

/// An upper bound of the same, which is cheaper.
pub(super) fn select_at_most(script: &mut Script, users: Vec<UserId>, now: Timestamp) -> Reading {
    script.select_keys(&HOLDS, users, |params, users| params.list("users", users).bind("now", now))
}

/// Who there is, and what they hold unpaid, after their rows are locked: for holds past the queue, whose users may have no
/// turn to lock. All other rows are locked before.
pub(super) async fn lock_users_and_count(
    connection: &mut MySqlConnection,
    users: Vec<UserId>,
    now: Timestamp,
) -> Result<(Users, HashMap<UserId, u32>), Failure> {
    let mut script = Script::default();
    script.select_keys(&LOCK_USERS, users.clone(), |params, users| params.list("users", users));
    let found = select_users(&mut script, users.clone());
    let unpaid = select_unpaid(&mut script, users, now);
    let selected = script.run(connection).await?;
    Ok((read_users(&selected, &found)?, read_counts(&selected, &unpaid)?))
}

/// The number of holds of each user who has any.
pub(super) fn read_counts(selected: &ResultSet, holds: &Reading) -> Result<HashMap<UserId, u32>, Failure> {
    let mut counts = HashMap::new();
    for row in selected.rows(holds) {
        *counts.entry(row.try_get("user_id")?).or_default() += 1;
    }
    Ok(counts)
}

/// The counts as the rules ask for them.
pub(crate) fn unpaid_holds(users: impl IntoIterator<Item = UserId>, counts: &HashMap<UserId, u32>) -> Holds {
    let of = |user| (user, UnpaidHolds::read(counts.get(&user).copied().unwrap_or_default()));
    users.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn guard(ask: impl FnOnce([UnpaidHolds; 2])) -> (String, Assumed) {
        let assumptions = Assumptions::default();
        let users = [1, 2].map(|user| UserId::from_uuid(Uuid::from_u128(user)));
        ask(users.map(|user| UnpaidHolds::unread(&assumptions, user)));
        let (mut script, mut assumed) = (Script::default(), assumptions.take());
        guard_holds(&mut script, &mut assumed, Timestamp::UNIX_EPOCH);
        (script.into_text().replace("000000000000000000000000000000", ""), assumed)
    }

    #[test]
    fn the_least_that_any_user_may_hold_is_the_bound_for_all() {
        let (script, assumed) = guard(|[mut one, other]| {
            assert!(one.fit(1, 4) && other.fit(3, 4));
            one.add(1);
            assert!(one.fit(1, 4), "2 of 4 are left");
        });
        assert!(assumed.is_empty(), "{assumed:?}");
        assert!(script.contains("user_id in (x'01',x'02')"), "{script}");
        assert!(script.contains("if(count(*) > 1, 1000, 0)"), "{script}");
    }

    #[test]
    fn a_question_that_the_guard_does_not_state_is_left() {
        let (_, assumed) = guard(|[one, other]| {
            assert!(one.fit(1, 4) && other.before.at_least(2));
        });
        assert!(!assumed.is_empty());
    }
}
