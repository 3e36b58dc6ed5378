//! The SQL of users.

use std::collections::HashMap;

use serde::Serialize;
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
use crate::sql::{At, Hex, expect_rows, json};
use crate::wallet::{WalletEntry, WalletEntryKind, write_entries};

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[&str] = &[BY_NAMES, INSERT, BY_ID, BY_NAME];

const BY_NAMES: &str = "select u.id, u.username, u.created_at, u.password \
     from json_table(?, '$[*]' columns (username varchar(64) path '$')) j \
     straight_join users u on u.username = j.username";
const INSERT: &str = "insert into users (id, username, password, balance, created_at) \
     select unhex(j.id), j.username, j.password, 0, j.created_at \
     from json_table(?, '$[*]' columns (id varchar(32) path '$.id', username varchar(64) path '$.username', \
     password varchar(255) path '$.password', created_at datetime(6) path '$.created_at')) j";
const BY_ID: &str = "select id, username, created_at, password from users where id = ?";
const BY_NAME: &str = "select id, username, created_at, password from users where username = ?";

/// How many users one statement adds.
const CHUNK: usize = 5_000;

pub(super) async fn users_like(connection: &mut MySqlConnection, commands: &[Register]) -> Result<Rows, Failure> {
    let names: Vec<&str> = commands.iter().map(|command| command.username.as_str()).collect();
    let rows = sqlx::query(BY_NAMES).bind(json(&names)?).fetch_all(connection).await?;
    let by_name = |row: &MySqlRow| read_user(row).map(|(user, _)| (user.username.clone(), user));
    Ok(Rows { by_name: rows.iter().map(by_name).collect::<Result<HashMap<_, _>, _>>()? })
}

pub(super) async fn insert(connection: &mut MySqlConnection, added: &[NewUser]) -> Result<(), Failure> {
    if added.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = added
        .iter()
        .map(|new| UserRow {
            id: Hex(new.user.id.as_uuid()),
            username: &new.user.username,
            password: &new.password,
            created_at: At(new.user.created_at),
        })
        .collect();
    let inserted = sqlx::query(INSERT).bind(json(&rows)?).execute(connection).await?;
    expect_rows(&inserted, rows.len(), "adding users")
}

#[derive(Serialize)]
struct UserRow<'a> {
    id: Hex,
    username: &'a str,
    password: &'a str,
    created_at: At,
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
    insert(connection, &added).await?;
    let entries: Vec<_> = users
        .iter()
        .filter(|new| new.balance > Money::ZERO)
        .map(|new| WalletEntry {
            id: WalletEntryId::generate(),
            user: new.id,
            kind: WalletEntryKind::Recharge,
            before: Money::ZERO,
            after: new.balance,
            payment: None,
            created_at: now,
        })
        .collect();
    write_entries(connection, &entries).await
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
