//! The SQL of users.

use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlRow;
use sqlx::{Connection as _, MySqlConnection, MySqlPool, Row as _};

use super::decide::{NewUser, Rows};
use super::{NO_PASSWORD, OpeningUser, Register, User};
use crate::batch::Failure;
use crate::clock::Timestamp;
use crate::db;
use crate::error::Error;
use crate::id::{UserId, WalletEntryId};
use crate::money::Money;
use crate::sql::{Listed, Script, Statement, Text};
use crate::wallet::{WalletEntry, WalletEntryKind, write_entries};

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[Statement] =
    &[Statement::Listed(&BY_NAMES), Statement::Listed(&INSERT), Statement::Fixed(BY_ID), Statement::Fixed(BY_NAME)];

const BY_NAMES: Listed = Listed::of_keys("select id, username, created_at, password from users where username in ({})");
const INSERT: Listed =
    Listed::of_rows("insert into users (id, username, password, balance, created_at) values {}", "(?,?,?,0,?)");
const BY_ID: &str = "select id, username, created_at, password from users where id = ?";
const BY_NAME: &str = "select id, username, created_at, password from users where username = ?";

/// How many users one statement adds.
const CHUNK: usize = 5_000;

pub(super) async fn users_like(connection: &mut MySqlConnection, commands: &[Register]) -> Result<Rows, Failure> {
    let mut script = Script::default();
    let names = commands.iter().map(|command| Text(command.username.as_str())).collect();
    let reading = script.select_keys(&BY_NAMES, names);
    let selected = script.run(connection).await?;
    let read = |row| read_user(row).map(|(user, _)| (user.username.clone(), user));
    Ok(Rows { by_name: selected.rows(&reading).map(read).collect::<Result<_, _>>()? })
}

pub(super) fn insert(script: &mut Script, added: &[NewUser]) {
    script.insert(&INSERT, added, |blanks, NewUser { user, password }| {
        blanks.put(user.id).put(Text(&user.username)).put(Text(password)).put(user.created_at)
    });
}

/// Adds users and what they begin with, all or none. Calls `progress` with how many are in so far.
pub(crate) async fn add_users(
    pool: &MySqlPool,
    users: &[OpeningUser],
    now: Timestamp,
    mut progress: impl FnMut(usize) + Send,
) -> Result<(), Error> {
    // Dropped before COMMIT, the connection closes and the server undoes what was done.
    let mut connection = db::unhurried_connection(pool).await?;
    db::start_transaction(&mut connection).await.map_err(db::to_error)?;
    let mut done = 0;
    for chunk in users.chunks(CHUNK) {
        add_chunk(&mut connection, chunk, now).await.map_err(|failure| match failure {
            Failure::Conflict(error) if error.as_database_error().is_some_and(DatabaseError::is_unique_violation) => {
                Error::UsernameTaken
            }
            failure => failure.into_error(),
        })?;
        done += chunk.len();
        progress(done);
    }
    db::commit(&mut connection).await.map_err(Failure::into_error)?;
    let _ = connection.close().await;
    Ok(())
}

async fn add_chunk(connection: &mut MySqlConnection, users: &[OpeningUser], now: Timestamp) -> Result<(), Failure> {
    let added: Vec<_> = users
        .iter()
        .map(|new| NewUser {
            user: User { id: new.id, username: new.username.as_str().to_owned(), created_at: now, has_password: false },
            password: NO_PASSWORD.to_owned(),
        })
        .collect();
    let mut script = Script::default();
    insert(&mut script, &added);
    let entries: Vec<_> = users
        .iter()
        .filter(|new| new.balance > Money::ZERO)
        .map(|new| WalletEntry {
            id: WalletEntryId::generate(),
            user: new.id,
            nth: 1,
            kind: WalletEntryKind::Recharge,
            before: Money::ZERO,
            after: new.balance,
            payment: None,
            created_at: now,
        })
        .collect();
    write_entries(&mut script, &entries);
    script.run(connection).await.map(drop)
}

/// A user and the password's PHC string.
pub(crate) async fn user(pool: &MySqlPool, id: UserId) -> Result<Option<(User, String)>, sqlx::Error> {
    sqlx::query(BY_ID).bind(id).fetch_optional(pool).await?.as_ref().map(read_user).transpose()
}

/// The same, by name.
pub(crate) async fn user_named(pool: &MySqlPool, name: &str) -> Result<Option<(User, String)>, sqlx::Error> {
    sqlx::query(BY_NAME).bind(name).fetch_optional(pool).await?.as_ref().map(read_user).transpose()
}

fn read_user(row: &MySqlRow) -> Result<(User, String), sqlx::Error> {
    let password: String = row.try_get("password")?;
    let user = User {
        id: row.try_get("id")?,
        username: row.try_get("username")?,
        created_at: row.try_get("created_at")?,
        has_password: password != NO_PASSWORD,
    };
    Ok((user, password))
}
