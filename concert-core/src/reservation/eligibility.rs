//! Who may hold: that there is such a user, who is enabled, and how many seats the user holds unpaid. The one definition of each, as a
//! reading and as a guard.

use std::collections::BTreeSet;

use hashbrown::HashMap;
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

/// What is selected of the holds of users.
macro_rules! holds {
    ($selected:literal of $users:literal, $($which:tt)+) => {
        concat!(
            "select ", $selected, " from reservations force index (reservations_user_deadline) where user_id ", $users,
            " and ", $($which)+
        )
    };
}
pub(crate) use {in_time, unpaid};

statements! {
    /// A hold is made under the lock of the user's token. So holds are counted after that lock is taken, by a statement
    /// of its own, which sees everything that was committed until then.
    UNPAID_HOLDS { holds!("user_id" of "in ({users})", unpaid!("")) }
    /// Last in the global order of locks.
    LOCK_USERS { "select id from users force index (primary) where id in ({users}) for update" }
    /// Whoever was forgotten is not there.
    USERS {
        "select id, disabled_at is null as is_enabled from users force index (primary) \
         where id in ({users}) and forgotten_at is null"
    }
    /// An upper bound: holds that were paid or given back before their deadline count as well. It is read from the
    /// index alone, 1.5 us a user instead of 2.8 (measured, MariaDB 10.11), and few users come near the limit.
    HOLDS { holds!("user_id" of "in ({users})", in_time!("")) }
    /// Both as a guard: how many of the users are there, enabled, and not above the upper bound. Whoever was forgotten is
    /// disabled, too. One statement, since a second list of users would cost 1.7 us a user (measured, MariaDB 10.11).
    COUNT_HOLDERS {
        concat!(
            "select count(*) from users u force index (primary) where u.id in ({users}) and u.disabled_at is null and (",
            holds!("count(*)" of "= u.id", in_time!("")), ") <= {most}"
        )
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

/// States what was assumed about users and their unpaid holds, after their turns are locked.
pub(super) fn guard_holders(script: &mut Script, assumed: &mut Assumed, now: Timestamp) {
    let (there, unpaid) = (assumed.take(IS_ENABLED), assumed.take(UNPAID));
    let are_enabled = there.iter().all(|(_, test)| *test == Test::Equals(Value::Flag(true)));
    // One bound for all, the lowest: some batches are locked for it that need not be, and none passes that must not.
    let most = unpaid.iter().try_fold(u64::from(u32::MAX), |most, (_, test)| match test {
        Test::AtMost(Value::Number(bound)) => Some(most.min(*bound)),
        _ => None,
    });
    let Some(most) = most.filter(|_| are_enabled) else {
        assumed.put_back(IS_ENABLED, there);
        return assumed.put_back(UNPAID, unpaid);
    };
    let users: BTreeSet<_> = there.iter().chain(&unpaid).map(|(user, _)| user.id()).collect();
    if !users.is_empty() {
        script.require_count("looking for users and counting holds", users.len(), &COUNT_HOLDERS, |params| {
            params.list("users", &users).bind("now", now).bind("most", most)
        });
        // Now, since the holds of the batch come next, and would be counted, too.
        script.check_all();
    }
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
        guard_holders(&mut script, &mut assumed, Timestamp::UNIX_EPOCH);
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
        assert!(script.contains("u.id in (x'01',x'02')"), "{script}");
        assert!(script.contains(") <= 1) = 2, 0, 1000))"), "{script}");
    }

    #[test]
    fn a_question_that_the_guard_does_not_state_is_left() {
        let (_, assumed) = guard(|[one, other]| {
            assert!(one.fit(1, 4) && other.before.at_least(2));
        });
        assert!(!assumed.is_empty());
    }
}
