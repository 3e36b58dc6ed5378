//! Users: who buys. Sign-up, log-in (feature `password`), and bulk creation for operators.

pub(crate) mod account;
mod decide;
#[cfg(feature = "password")]
mod password;
mod store;

#[cfg(feature = "jwt")]
use std::sync::Arc;
use std::time::Duration;

use sqlx::MySqlConnection;
use uuid::Uuid;

#[cfg(feature = "jwt")]
pub(crate) use account::Revocations;
pub(crate) use account::{Change, ChangeAccount, Changed, prune_revocations};
#[cfg(feature = "password")]
pub use password::Password;
#[cfg(feature = "password")]
pub(crate) use password::Passwords;
pub(crate) use store::{add_users, read_user, user, user_columns, user_named};

/// The statements of this folder.
#[cfg(any(test, feature = "internals"))]
pub(crate) const STATEMENTS: &[&[crate::sql::Statement]] = &[
    store::STATEMENTS,
    account::STATEMENTS,
    #[cfg(feature = "jwt")]
    account::LIST_STATEMENTS,
];

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
    /// Since when the user may neither log in nor join the queue; `None`: the user may.
    pub disabled_at: Option<Timestamp>,
    /// When the name and the password were removed, if they were.
    pub forgotten_at: Option<Timestamp>,
    /// What access tokens of the user are signed under.
    pub(crate) session_generation: u32,
}

impl User {
    pub(crate) fn new(id: UserId, username: &Username, now: Timestamp, has_password: bool) -> Self {
        Self {
            id,
            username: username.as_str().to_owned(),
            created_at: now,
            has_password,
            disabled_at: None,
            forgotten_at: None,
            session_generation: 0,
        }
    }
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

/// The lane's commands.
#[derive(Debug)]
pub(crate) enum Command {
    Register(Register),
    Change(ChangeAccount),
}

/// A new user.
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
    Changed(Changed),
}

/// The lane's batch.
pub(crate) struct UserBatch {
    /// The longest life of an access token of this process.
    pub(crate) longest_life: Duration,
    #[cfg(feature = "jwt")]
    pub(crate) revocations: Arc<Revocations>,
}

/// The rows of new users, and those of changed ones.
pub(crate) struct Rows {
    names: decide::Rows,
    accounts: Option<account::Rows>,
}

#[derive(Default)]
pub(crate) struct Effects {
    added: Vec<decide::NewUser>,
    accounts: account::Effects,
}

impl Batch for UserBatch {
    const NAME: &'static str = "user";
    type Command = Command;
    type Answer = Answer;
    type Rows = Rows;
    type Effects = Effects;

    fn key(_command: &Command) -> Uuid {
        Uuid::nil()
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[Command],
        _attempt: &Attempt,
    ) -> Result<Rows, Failure> {
        let (registers, changes) = by_kind(commands);
        let mut script = Script::default();
        let accounts = (!changes.is_empty()).then(|| account::lock(&mut script, &changes));
        let names = store::select_namesakes(&mut script, &registers);
        let selected = script.run(connection).await?;
        let accounts = accounts.map(|accounts| accounts.read(&selected)).transpose()?;
        Ok(Rows { names: store::read_namesakes(&selected, &names)?, accounts })
    }

    fn decide(&self, rows: Rows, commands: &[Command], attempt: &Attempt) -> Decision<Self> {
        let (registers, changes) = by_kind(commands);
        let (registered, added) = decide::decide(rows.names, &registers, attempt);
        let (changed, accounts) = match rows.accounts {
            Some(accounts) => account::decide(accounts, &changes, attempt, self.longest_life),
            None => (Vec::new(), account::Effects::default()),
        };
        let (mut registered, mut changed) = (registered.into_iter(), changed.into_iter());
        let answer = |command: &Command| match command {
            Command::Register(_) => registered.next(),
            Command::Change(_) => Some(changed.next()?.map(Answer::Changed)),
        };
        // With an answer missing, the batch fails as a whole.
        Decision { answers: commands.iter().map_while(answer).collect(), effects: Effects { added, accounts } }
    }

    fn write(&self, script: &mut Script, effects: &Effects, _attempt: &Attempt) {
        account::write(script, &effects.accounts);
        store::insert(script, &effects.added);
    }

    #[cfg(feature = "jwt")]
    fn committed(&self, effects: Effects) {
        self.revocations.add(&effects.accounts.revocations);
    }
}

/// The commands of a batch, new users and changed ones, each in their order.
fn by_kind(commands: &[Command]) -> (Vec<&Register>, Vec<&ChangeAccount>) {
    let (mut registers, mut changes) = (Vec::new(), Vec::new());
    for command in commands {
        match command {
            Command::Register(register) => registers.push(register),
            Command::Change(change) => changes.push(change),
        }
    }
    (registers, changes)
}
