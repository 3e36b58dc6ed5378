//! Users: who buys. Sign-up, log-in (feature `password`), and bulk creation for operators.

mod decide;
#[cfg(feature = "password")]
mod password;
mod store;

use sqlx::MySqlConnection;
use uuid::Uuid;

#[cfg(feature = "password")]
pub use password::Password;
#[cfg(feature = "password")]
pub(crate) use password::Passwords;
#[cfg(any(test, feature = "internals"))]
pub(crate) use store::STATEMENTS;
pub(crate) use store::{add_users, user, user_named};

use crate::batch::{Attempt, Batch, Decision};
use crate::caller::IdempotencyKey;
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::id::UserId;
use crate::money::Money;
use crate::name::Username;
use crate::operator::Signature;
use crate::sql::Script;

/// Stored instead of a password for a user who has none: no hash ever equals it.
pub(crate) const NO_PASSWORD: &str = "!";

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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
#[cfg(feature = "password")]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Session {
    /// Whose it is.
    pub user: UserId,
    /// The access token (a JWT); `None`: the policy has no keys, or the feature `jwt` is off.
    pub access_token: Option<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A user that an operator makes: without a password, with money.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpeningUser {
    /// The user's id.
    pub id: UserId,
    /// The user's name.
    pub username: Username,
    /// The balance to begin with, as a first recharge.
    pub balance: Money,
}

impl OpeningUser {
    /// A user of this name with an empty wallet, under an id of its own.
    #[must_use]
    pub fn new(username: Username) -> Self {
        Self { id: UserId::generate(), username, balance: Money::ZERO }
    }

    /// The same user, with this id.
    #[must_use]
    pub fn with_id(self, id: UserId) -> Self {
        Self { id, ..self }
    }

    /// The same user, with this balance to begin with.
    #[must_use]
    pub fn with_balance(self, balance: Money) -> Self {
        Self { balance, ..self }
    }
}

/// Who signs up: a name, and what goes with it. A [`Username`] converts into a sign-up of that name alone.
#[derive(Debug, Clone)]
pub struct SignUp {
    pub(crate) username: Username,
    #[cfg(feature = "password")]
    pub(crate) password: Option<Password>,
    pub(crate) key: Option<IdempotencyKey>,
}

impl SignUp {
    /// A user of this name, without a password: one who cannot log in, and joins the queue by id alone.
    #[must_use]
    pub const fn new(username: Username) -> Self {
        Self {
            username,
            #[cfg(feature = "password")]
            password: None,
            key: None,
        }
    }

    /// The same, with a password to log in with.
    #[cfg(feature = "password")]
    #[must_use]
    pub fn with_password(self, password: impl Into<Option<Password>>) -> Self {
        Self { password: password.into(), ..self }
    }

    /// The same; however often it comes with this key, one user is made.
    #[must_use]
    pub fn with_key(self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        Self { key: key.into(), ..self }
    }
}

impl From<Username> for SignUp {
    fn from(username: Username) -> Self {
        Self::new(username)
    }
}

/// The lane's one command: a new user.
#[derive(Debug)]
pub(crate) struct Register {
    pub(crate) id: UserId,
    pub(crate) username: Username,
    /// A PHC string, or `NO_PASSWORD`.
    pub(crate) password: String,
    /// Of the operator who makes the user.
    pub(crate) signature: Option<Signature>,
}

#[derive(Debug)]
pub(crate) enum Answer {
    /// This call has made the user.
    Registered(User),
    /// An earlier call with the same name and key has, and stored this password. Whether it is the same one, only
    /// hashing can tell, which is no work for a batch.
    Repeated(User, String),
}

/// The lane's batch.
pub(crate) struct UserBatch;

impl Batch for UserBatch {
    const NAME: &'static str = "user";
    type Command = Register;
    type Answer = Answer;
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
