//! The rule of signing up: a name belongs to one user.

use hashbrown::HashMap;
use serde_json::json;

use super::{Answer, NO_PASSWORD, Register, User};
use crate::batch::Attempt;
use crate::error::Error;
use crate::operator::{Act, ActSubject, LogEntry};

/// The users that have one of the names of the batch, each with what is stored as the password.
#[derive(Debug)]
pub(crate) struct Rows {
    /// By the keys of their names.
    pub(crate) by_name: HashMap<String, (User, String)>,
}

/// A user to add.
#[derive(Debug)]
pub(crate) struct NewUser {
    pub(crate) user: User,
    /// The key of the user's name.
    pub(crate) key: String,
    pub(crate) password: String,
    /// Of the operator who made it.
    pub(crate) log: Option<LogEntry>,
}

pub(crate) fn decide(
    mut rows: Rows,
    commands: &[&Register],
    attempt: &Attempt,
) -> (Vec<Result<Answer, Error>>, Vec<NewUser>) {
    let mut added = Vec::with_capacity(commands.len());
    let answers = commands
        .iter()
        .map(|command| {
            if let Some((there, stored)) = rows.by_name.get(command.username.key()) {
                // Each hash has a salt of its own, so the same one was stored by this call.
                return match there.id == command.id {
                    true if *stored == command.password => Ok(Answer::Registered(there.clone())),
                    true => Ok(Answer::Repeated(there.clone(), stored.clone())),
                    false => Err(Error::UsernameTaken),
                };
            }
            let user = User::new(command.id, &command.username, attempt.now, command.password != NO_PASSWORD);
            let key = command.username.key().to_owned();
            // So that the next command of the batch finds the name taken.
            rows.by_name.insert(key.clone(), (user.clone(), command.password.clone()));
            let log = command.signature.as_ref().map(|signature| {
                let entry = signature.entry(Act::UserCreate, ActSubject::User(user.id), attempt.now);
                entry.with_after(json!({"username": user.username, "hasPassword": user.has_password}))
            });
            added.push(NewUser { user: user.clone(), key, password: command.password.clone(), log });
            Ok(Answer::Registered(user))
        })
        .collect();
    (answers, added)
}
