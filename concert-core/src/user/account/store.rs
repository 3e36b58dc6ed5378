//! The SQL of accounts and revocations.

use std::time::Duration;

use hashbrown::HashMap;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};

use super::decide::{Account, Effects, Rows};
use super::{Change, ChangeAccount, Revocation};
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::operator::write_log;
use crate::sql::{Reading, ResultSet, Script, Text, execute, statements};
use crate::user::{read_user, user_columns};

/// The most revocations that one statement deletes.
const PAGE: usize = 10_000;

statements! {
    LOCK_GATE { "select seq, longest_life_seconds from revocation_gate where id = 1 for update" }
    LOCK_USERS {
        concat!("select ", user_columns!(), " from users force index (primary) where id in ({users}) for update")
    }
    /// Not locked: the unique key decides.
    HOLDERS { "select id, username_key from users force index (users_username_key) where username_key in ({names})" }
    MOVE_GATE { "update revocation_gate set seq = {seq} where {required}id = 1 and seq = {seq_before}" }
    INSERT { insert "revocations" (seq, user_id, session_id, generation, matters_until) }
    CHANGE {
        "update users force index (primary) set username = {username}, username_key = {name}, password = {password}, \
         session_generation = {generation}, disabled_at = {disabled_at}, forgotten_at = {forgotten_at} \
         where {guard}id = {user} and username_key = {name_before} and session_generation = {generation_before}"
    }
    /// The names that the log has of users who are forgotten. That there was an act stays.
    FORGET_NAMES {
        "update operator_log force index (operator_log_subject) set was = null, becomes = null \
         where {guard}subject = 'user' and subject_id in ({users}) \
         and (was like '%\"username\"%' or becomes like '%\"username\"%')"
    }
    PRUNE {
        "delete from revocations where matters_until <= {now} order by matters_until limit {limit}"
    }
}

/// What a batch reads, in a script that reads more.
pub(crate) struct Readings {
    gate: Reading,
    users: Reading,
    holders: Reading,
}

/// Locks the gate and then the users.
pub(crate) fn lock(script: &mut Script, commands: &[&ChangeAccount]) -> Readings {
    // The gate first: its number orders the revocations, so readers who have seen one number have missed none before
    // it.
    let gate = script.select(&LOCK_GATE, |params| params);
    let users = commands.iter().map(|command| command.user).collect();
    let users = script.select_keys(&LOCK_USERS, users, |params, users| params.list("users", users));
    let names = commands.iter().filter_map(|command| match &command.change {
        Change::Rename(name) => Some(Text(name.key())),
        _ => None,
    });
    let holders = script.select_keys(&HOLDERS, names.collect(), |params, names| params.list("names", names));
    Readings { gate, users, holders }
}

impl Readings {
    pub(crate) fn read(&self, selected: &ResultSet) -> Result<Rows, Failure> {
        let gate = selected.one(&self.gate)?;
        let account = |row: &MySqlRow| {
            let (user, password) = read_user(row)?;
            Ok::<_, sqlx::Error>((user.id, Account { user, key: row.try_get("username_key")?, password }))
        };
        let holder = |row: &MySqlRow| Ok::<_, sqlx::Error>((row.try_get("username_key")?, row.try_get("id")?));
        Ok(Rows {
            seq: gate.try_get("seq")?,
            longest_life: Duration::from_secs(gate.try_get::<u32, _>("longest_life_seconds")?.into()),
            accounts: selected.rows(&self.users).map(account).collect::<Result<HashMap<_, _>, _>>()?,
            holders: selected.rows(&self.holders).map(holder).collect::<Result<HashMap<_, _>, _>>()?,
        })
    }
}

pub(crate) fn write(script: &mut Script, effects: &Effects) {
    if let Some(newest) = effects.revocations.last() {
        script.change("moving the revocation gate", Some(1), &MOVE_GATE, |params| {
            params.bind("seq", newest.seq).bind("seq_before", effects.seq_before)
        });
        script.insert(&INSERT, &effects.revocations, |row, revocation| {
            let Revocation { seq, user, session, generation, matters_until } = revocation;
            let row = row.bind("seq", *seq).bind("user_id", *user).bind("session_id", *session);
            row.bind("generation", *generation).bind("matters_until", *matters_until)
        });
    }
    for [before, after] in effects.accounts.values() {
        script.change("changing an account", Some(1), &CHANGE, |params| {
            let params = params.bind("username", Text(&after.user.username)).bind("name", Text(&after.key));
            let params = params.bind("password", Text(&after.password));
            let params = params.bind("generation", after.user.session_generation);
            let params = params.bind("disabled_at", after.user.disabled_at);
            let params = params.bind("forgotten_at", after.user.forgotten_at).bind("user", after.user.id);
            params.bind("name_before", Text(&before.key)).bind("generation_before", before.user.session_generation)
        });
    }
    write_log(script, &effects.log);
    if !effects.forgotten.is_empty() {
        // After the entries of this batch.
        script.change("forgetting names", None, &FORGET_NAMES, |params| params.list("users", &effects.forgotten));
    }
}

/// Deletes revocations that matter no more, a page at most.
pub(crate) async fn prune_revocations(pool: &MySqlPool, now: Timestamp) -> Result<u64, sqlx::Error> {
    execute(pool, &PRUNE, |params| params.bind("now", now).bind("limit", PAGE)).await
}
