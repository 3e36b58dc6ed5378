//! The database: connecting, the bounds of every wait, and what its errors mean.

mod bounds;
mod class;
mod failure;
mod numbers;
mod readers;
mod room;
mod session;
mod url;

use std::sync::Arc;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, MySqlConnection};

pub(crate) use self::bounds::{CONNECT, LONG_STATEMENT, ROUND_TRIP, within};
pub(crate) use self::class::{Class, classify, is_integer_out_of_range, is_missing, is_out_of_range, to_error};
pub(crate) use self::failure::Failure;
pub(crate) use self::readers::{Reader, read, read_pool};
pub(crate) use self::room::{Room, needed};
pub(crate) use self::session::{
    KEEP_ALIVE, WritersConnection, close, commit, connect, execute, rollback, shorten_lock_wait, start_snapshot,
    start_transaction, unhurried_connection, unlimited_connection,
};
pub(crate) use self::url::parse_url;
use crate::error::Error;

/// The longest name of a database.
const LONGEST_NAME: usize = 64;

/// The options of all connections of a box office: the host's, in the box office's schema.
pub(crate) fn own_options(host: &MySqlConnectOptions, schema: Option<&str>) -> Result<MySqlConnectOptions, Error> {
    let options = schema.map_or_else(|| host.clone(), |schema| host.clone().database(schema));
    if options.get_database().is_none() {
        return Err(Error::invalid("the database URL names no database: mysql://user:password@host:3306/name"));
    }
    Ok(options)
}

/// Connects once, and asks how many connections the server allows: a pool would only say that it timed out, this says
/// why. A schema that is missing is not an error, since migrating makes it.
pub(crate) async fn try_connect(host: &MySqlConnectOptions, schema: Option<&str>) -> Result<Room, Error> {
    let first = match within(CONNECT, own_options(host, schema)?.connect()).await {
        Err(error) if schema.is_some() && is_missing(&error) => within(CONNECT, host.connect()).await,
        first => first,
    };
    let mut first = first.map_err(|error| refusal_of_start(host, error))?;
    let room = Room::ask(&mut first).await.map_err(|error| refusal_of_start(host, error))?;
    close(first).await;
    Ok(room)
}

/// What is wrong with the database that a box office is to start on.
pub(crate) fn refusal_of_start(host: &MySqlConnectOptions, error: sqlx::Error) -> Error {
    if class::is_no_connection_left(&error) {
        return Error::Setup(format!("it has no connection left: {error}"));
    }
    match (&error, classify(&error)) {
        (sqlx::Error::Tls(why), _) => Error::Setup(format!(
            "no TLS with {}: {why}. Check ssl-mode and ssl-ca in the database URL, and that the certificate names this host",
            host.get_host()
        )),
        (_, Class::Refused | Class::Fatal) => Error::Setup(error.to_string()),
        _ => Error::Unavailable(Arc::new(error)),
    }
}

/// Refuses a database name that would have to be quoted or escaped.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain && (1..=LONGEST_NAME).contains(&name.len()) {
        Ok(())
    } else {
        Err(Error::invalid(format!("the name of a database is 1 to {LONGEST_NAME} letters, digits and _")))
    }
}

/// Makes the database `name`, which [`check_name`] has passed, unless it is there.
pub(crate) async fn create_database(options: &MySqlConnectOptions, name: &str) -> Result<(), sqlx::Error> {
    let mut connection = plain_connection(options).await?;
    let statement =
        format!("create database if not exists `{name}` default character set utf8mb4 collate utf8mb4_unicode_ci");
    // An identifier cannot be bound.
    within(LONG_STATEMENT, connection.execute(AssertSqlSafe(statement))).await?;
    close(connection).await;
    Ok(())
}

/// A connection without the settings of a session.
pub(crate) async fn plain_connection(options: &MySqlConnectOptions) -> Result<MySqlConnection, sqlx::Error> {
    within(CONNECT, options.connect()).await
}
