//! The rules of accounts, over rows that are locked.

use std::collections::BTreeMap;
use std::time::Duration;

use hashbrown::HashMap;
use serde_json::{Value, json};

use super::{Change, ChangeAccount, Changed, Revocation};
use crate::batch::Attempt;
use crate::clock::{Timestamp, span};
use crate::error::Error;
use crate::id::{SessionId, UserId};
use crate::name::Username;
use crate::operator::{Act, ActSubject, LogEntry};
use crate::user::{NO_PASSWORD, User};

/// A row of `users`, without the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: User,
    /// The key of the user's name.
    pub(crate) key: String,
    pub(crate) password: String,
}

#[derive(Debug)]
pub(crate) struct Rows {
    /// The number of the newest revocation.
    pub(crate) seq: u64,
    /// The longest life of an access token, of those that the database knows.
    pub(crate) longest_life: Duration,
    pub(crate) accounts: HashMap<UserId, Account>,
    /// Who has the names that are wanted, by their keys.
    pub(crate) holders: HashMap<String, UserId>,
}

/// What a batch changes.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) seq_before: u64,
    pub(crate) revocations: Vec<Revocation>,
    /// Accounts as they were and as they become, in the order of their ids.
    pub(crate) accounts: BTreeMap<UserId, [Account; 2]>,
    /// Users whose names go from the log, too.
    pub(crate) forgotten: Vec<UserId>,
    pub(crate) log: Vec<LogEntry>,
}

pub(crate) fn decide(
    rows: Rows,
    commands: &[&ChangeAccount],
    attempt: &Attempt,
    longest_life: Duration,
) -> (Vec<Result<Changed, Error>>, Effects) {
    let mut accounts = Accounts {
        now: attempt.now,
        may_have_committed: attempt.may_have_committed,
        // As long as any token may live by the settings of any process: another one may have signed it with a longer
        // life.
        matters_until: attempt.now + span(longest_life.max(rows.longest_life)),
        seq: rows.seq,
        effects: Effects { seq_before: rows.seq, ..Effects::default() },
        accounts: rows.accounts,
        holders: rows.holders,
    };
    let answers = commands.iter().map(|command| accounts.change(command)).collect();
    (answers, accounts.effects)
}

/// The accounts in the course of a batch.
struct Accounts {
    now: Timestamp,
    may_have_committed: bool,
    /// Until when a revocation of all tokens of a user matters.
    matters_until: Timestamp,
    seq: u64,
    accounts: HashMap<UserId, Account>,
    holders: HashMap<String, UserId>,
    effects: Effects,
}

impl Accounts {
    /// Refuses a user who is not there first, also one who was forgotten, whom only ending sessions and forgetting
    /// again concern.
    fn change(&mut self, command: &ChangeAccount) -> Result<Changed, Error> {
        let ChangeAccount { user, change, .. } = command;
        let before = self.accounts.get(user).cloned().ok_or(Error::UserNotFound)?;
        // Whoever was forgotten can still be kept out and have sessions ended, but never comes back.
        let needs_person = matches!(change, Change::SetPassword { .. } | Change::Enable | Change::Rename(_));
        if needs_person && before.user.forgotten_at.is_some() {
            return Err(Error::UserNotFound);
        }
        let mut after = before.clone();
        match change {
            Change::EndSession { session, until } => {
                self.revoke(&before.user, Some(*session), *until);
                // A user who logs out is no act of an operator, and the account stays as it is.
                return Ok(Changed { user: before.user, changed: true });
            }
            Change::EndSessions => self.end_sessions(&mut after),
            Change::SetPassword { password, replaces } => {
                if replaces.as_ref().is_some_and(|replaced| *replaced != before.password) {
                    // Somebody else has changed it since it was proved, or an earlier attempt of this call has.
                    let own = self.may_have_committed && before.password == *password;
                    return if own { Ok(unchanged(before)) } else { Err(Error::BadCredentials) };
                }
                after.password.clone_from(password);
                after.user.has_password = true;
                self.end_sessions(&mut after);
            }
            Change::Disable if before.user.disabled_at.is_some() => return Ok(unchanged(before)),
            Change::Disable => {
                after.user.disabled_at = Some(self.now);
                self.end_sessions(&mut after);
            }
            Change::Enable if before.user.disabled_at.is_none() => return Ok(unchanged(before)),
            Change::Enable => after.user.disabled_at = None,
            Change::Forget if before.user.forgotten_at.is_some() => return Ok(unchanged(before)),
            Change::Forget => self.forget(&mut after),
            Change::Rename(name) => {
                if self.holders.get(name.key()).is_some_and(|holder| holder != user) {
                    return Err(Error::UsernameTaken);
                }
                if before.user.username == name.as_str() {
                    return Ok(unchanged(before));
                }
                self.rename(&mut after, name);
            }
        }
        self.log(command, &before, &after);
        Ok(self.put(before, after))
    }

    /// Everything that was signed for the user before counts no more.
    fn end_sessions(&mut self, account: &mut Account) {
        account.user.session_generation += 1;
        self.revoke(&account.user, None, self.matters_until);
    }

    fn revoke(&mut self, user: &User, session: Option<SessionId>, matters_until: Timestamp) {
        self.seq += 1;
        let revocation =
            Revocation { seq: self.seq, user: user.id, session, generation: user.session_generation, matters_until };
        self.effects.revocations.push(revocation);
    }

    /// The name says nothing from now on. In capitals it is no key of a name that anybody can take, and nobody who signs
    /// up is in its way.
    fn forget(&mut self, account: &mut Account) {
        let user = &mut account.user;
        self.holders.remove(&account.key);
        // No username can be this: keys have no capitals.
        account.key = format!("FORGOTTEN-{}", user.id);
        user.username.clone_from(&account.key);
        user.has_password = false;
        user.forgotten_at = Some(self.now);
        user.disabled_at.get_or_insert(self.now);
        NO_PASSWORD.clone_into(&mut account.password);
        self.effects.forgotten.push(user.id);
        self.end_sessions(account);
    }

    fn rename(&mut self, account: &mut Account, name: &Username) {
        self.holders.remove(&account.key);
        self.holders.insert(name.key().to_owned(), account.user.id);
        name.key().clone_into(&mut account.key);
        name.as_str().clone_into(&mut account.user.username);
    }

    fn put(&mut self, before: Account, after: Account) -> Changed {
        self.accounts.insert(after.user.id, after.clone());
        let user = after.user.clone();
        // The row is as the first command of the batch found it.
        self.effects.accounts.entry(user.id).and_modify(|[_, last]| *last = after.clone()).or_insert([before, after]);
        Changed { user, changed: true }
    }

    /// Names are in the log only until their user is forgotten. Passwords never are.
    fn log(&mut self, command: &ChangeAccount, before: &Account, after: &Account) {
        let Some(by) = &command.by else { return };
        let states = |state: fn(&Account) -> Value| [before, after].map(|account| Some(state(account)));
        let (act, [was, becomes]) = match command.change {
            Change::EndSession { .. } | Change::EndSessions => (Act::UserEndSessions, [None, None]),
            Change::SetPassword { .. } => {
                (Act::UserSetPassword, states(|a| json!({"hasPassword": a.user.has_password})))
            }
            Change::Disable => (Act::UserDisable, states(|a| json!({"disabled": a.user.disabled_at.is_some()}))),
            Change::Enable => (Act::UserEnable, states(|a| json!({"disabled": a.user.disabled_at.is_some()}))),
            Change::Forget => (Act::UserForget, states(|a| json!({"forgotten": a.user.forgotten_at.is_some()}))),
            Change::Rename(_) => (Act::UserRename, states(|a| json!({"username": a.user.username}))),
        };
        let entry = by.entry(act, ActSubject::User(command.user), self.now);
        self.effects.log.push(LogEntry { before: was, after: becomes, ..entry });
    }
}

fn unchanged(account: Account) -> Changed {
    Changed { user: account.user, changed: false }
}

#[cfg(test)]
mod tests;
