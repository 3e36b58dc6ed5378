//! Users: who buys. Sign-up, log-in, and bulk creation for operators.

mod decide;
mod password;
mod store;

use std::fmt;
use std::str::FromStr;

use sqlx::MySqlConnection;
use uuid::Uuid;

pub use password::Password;
pub(crate) use password::Passwords;
#[cfg(any(test, feature = "internals"))]
pub(crate) use store::STATEMENTS;
pub(crate) use store::{add_users, user, user_named};

use crate::batch::{Attempt, Batch, Decision};
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::error::Error;
use crate::id::UserId;
use crate::money::Money;
use crate::sql::Script;

/// What stands in the place of a password for a user who has none: no hash ever equals it.
pub(crate) const NO_PASSWORD: &str = "!";

/// A user's name: 1 to 64 characters, no control characters, no white space at either end. Names that differ in case
/// are different names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

/// The longest username, in characters.
const LONGEST_USERNAME: usize = 64;

impl Username {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Username {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fits = (1..=LONGEST_USERNAME).contains(&text.chars().count())
            && text.trim() == text
            && !text.chars().any(char::is_control);
        if !fits {
            return Err(Error::invalid(format!(
                "a username is 1 to {LONGEST_USERNAME} characters, without control characters and without white space \
                 at its ends"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The user's name.
    pub username: String,
    /// When the user was made.
    pub created_at: Timestamp,
    /// Whether the user can log in. One who cannot joins the queue by id alone.
    pub has_password: bool,
}

/// A session, from log-in.
#[derive(Debug, Clone)]
pub struct Session {
    /// Whose it is.
    pub user: UserId,
    /// The access token (a JWT).
    pub access_token: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A user that an operator makes: without a password, with money.
#[derive(Debug, Clone)]
pub struct OpeningUser {
    /// The user's id.
    pub id: UserId,
    /// The user's name.
    pub username: Username,
    /// The balance to begin with, as a first recharge.
    pub balance: Money,
}

/// The lane's one command: a new user.
#[derive(Debug)]
pub(crate) struct Register {
    pub(crate) id: UserId,
    pub(crate) username: Username,
    /// A PHC string, or `NO_PASSWORD`.
    pub(crate) password: String,
    /// Whether the id comes from an idempotency key, so that it may be there already.
    pub(crate) repeatable: bool,
}

/// The lane's batch.
pub(crate) struct UserBatch;

impl Batch for UserBatch {
    const NAME: &'static str = "user";
    type Command = Register;
    type Answer = User;
    type Rows = decide::Rows;
    type Effects = Vec<decide::NewUser>;

    fn key(_command: &Register) -> Uuid {
        Uuid::nil()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[Register],
        _attempt: &Attempt,
    ) -> Result<decide::Rows, Failure> {
        store::users_like(connection, commands).await
    }

    fn decide(&self, rows: decide::Rows, commands: &[Register], attempt: &Attempt) -> Decision<Self> {
        let (answers, effects) = decide::decide(rows, commands, attempt);
        Decision { answers, effects }
    }

    fn write(&self, script: &mut Script, effects: &Vec<decide::NewUser>, _attempt: &Attempt) {
        store::insert(script, effects);
    }
}
