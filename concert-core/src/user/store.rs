//! The SQL of users.

use rust_decimal::Decimal;
use serde_json::json;
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, MySqlPool, Row as _};

use super::decide::{NewUser, Rows};
use super::{NO_PASSWORD, OpeningUser, Register, User};
use crate::clock::Timestamp;
use crate::db::{self, Failure};
use crate::error::Error;
use crate::id::{UserId, WalletEntryId};
use crate::money::Money;
use crate::name::Username;
use crate::operator::{Act, ActSubject, Signature, write_log};
use crate::sql::{Reading, ResultSet, Script, Text, fetch_optional, statements};
use crate::wallet::{Account, WalletEntryKind, write_entries};

/// The columns that `read_user` reads, and the key of the name.
macro_rules! user_columns {
    () => {
        "id, username, username_key, created_at, password, session_generation, disabled_at, forgotten_at"
    };
}
pub(crate) use user_columns;

statements! {
    BY_NAMES { concat!("select ", user_columns!(), " from users where username_key in ({names})") }
    INSERT { insert "users" (id, username, username_key, password, created_at) }
    BY_ID { concat!("select ", user_columns!(), " from users where id = {id}") }
    BY_NAME { concat!("select ", user_columns!(), " from users where username_key = {name}") }
}

/// How many users one statement adds.
const CHUNK: usize = 5_000;

pub(super) fn select_namesakes(script: &mut Script, commands: &[&Register]) -> Reading {
    let names = commands.iter().map(|command| Text(command.username.key())).collect();
    script.select_keys(&BY_NAMES, names, |params, names| params.list("names", names))
}

pub(super) fn read_namesakes(selected: &ResultSet, reading: &Reading) -> Result<Rows, Failure> {
    let read = |row: &MySqlRow| Ok::<_, sqlx::Error>((row.try_get("username_key")?, read_user(row)?));
    Ok(Rows { by_name: selected.rows(reading).map(read).collect::<Result<_, _>>()? })
}

pub(super) fn insert(script: &mut Script, added: &[NewUser]) {
    script.insert(&INSERT, added, |row, NewUser { user, key, password, .. }| {
        let row = row.bind("id", user.id).bind("username", Text(&user.username)).bind("username_key", Text(key));
        row.bind("password", Text(password)).bind("created_at", user.created_at)
    });
    let log: Vec<_> = added.iter().filter_map(|new| new.log.clone()).collect();
    write_log(script, &log);
}

/// Adds users and their first recharges, all or none. Calls `progress` with the number of users so far.
pub(crate) async fn add_users(
    pool: &MySqlPool,
    users: &[OpeningUser],
    by: &Signature,
    now: Timestamp,
    mut progress: impl FnMut(usize) + Send,
) -> Result<(), Error> {
    // If this is dropped before COMMIT, the connection closes and the server rolls back.
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
    let balances: Decimal = users.iter().map(|user| user.balance.as_decimal()).sum();
    let after = json!({"users": users.len(), "balances": balances.normalize().to_string()});
    let mut script = Script::default();
    write_log(&mut script, &[by.entry(Act::UsersAdd, ActSubject::Users, now).with_after(after)]);
    script.run(&mut connection).await.map_err(Failure::into_error)?;
    db::commit(&mut connection).await.map_err(Failure::into_error)?;
    db::close(connection).await;
    Ok(())
}

async fn add_chunk(connection: &mut MySqlConnection, users: &[OpeningUser], now: Timestamp) -> Result<(), Failure> {
    let added: Vec<_> = users
        .iter()
        .map(|new| NewUser {
            user: User::new(new.id, &new.username, now, false),
            key: new.username.key().to_owned(),
            password: NO_PASSWORD.to_owned(),
            log: None,
        })
        .collect();
    let mut script = Script::default();
    insert(&mut script, &added);
    let entries: Vec<_> = users
        .iter()
        .filter(|new| new.balance > Money::ZERO)
        .map(|new| {
            // A balance is the sum of entries, also for money that came from another system.
            let mut account = Account::read(Money::ZERO, 0, None);
            account.receive(new.id, (WalletEntryKind::Recharge, None), WalletEntryId::generate(), new.balance, now)
        })
        .collect();
    write_entries(&mut script, &entries);
    script.run(connection).await.map(drop)
}

/// A user and the password's PHC string.
pub(crate) async fn user(pool: &MySqlPool, id: UserId) -> Result<Option<(User, String)>, sqlx::Error> {
    let row = fetch_optional(pool, &BY_ID, |params| params.bind("id", id)).await?;
    row.as_ref().map(read_user).transpose()
}

/// The same, by name.
pub(crate) async fn user_named(pool: &MySqlPool, name: &Username) -> Result<Option<(User, String)>, sqlx::Error> {
    let row = fetch_optional(pool, &BY_NAME, |params| params.bind("name", Text(name.key()))).await?;
    row.as_ref().map(read_user).transpose()
}

/// A user and the password's PHC string.
pub(crate) fn read_user(row: &MySqlRow) -> Result<(User, String), sqlx::Error> {
    let password: String = row.try_get("password")?;
    let user = User {
        id: row.try_get("id")?,
        username: row.try_get("username")?,
        created_at: row.try_get("created_at")?,
        has_password: password != NO_PASSWORD,
        disabled_at: row.try_get("disabled_at")?,
        forgotten_at: row.try_get("forgotten_at")?,
        session_generation: row.try_get("session_generation")?,
    };
    Ok((user, password))
}
