//! The database: connecting, the bounds of every wait, and what its errors mean.

mod bounds;
mod class;
mod cluster;
mod failure;
mod numbers;
mod readers;
mod room;
mod session;
mod url;

use std::fmt;
use std::io;
use std::sync::Arc;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, MySqlConnection};

pub(crate) use self::bounds::{CONNECT, LONG_STATEMENT, ROUND_TRIP, within};
pub(crate) use self::class::{
    Class, classify, is_integer_out_of_range, is_missing, is_no_connection_left, is_out_of_range, to_error,
};
pub(crate) use self::cluster::Cluster;
pub(crate) use self::failure::Failure;
pub(crate) use self::readers::{Reader, read, read_pool};
pub(crate) use self::room::{MORE_READERS, Room, needed};
pub(crate) use self::session::{
    KEEP_ALIVE, WritersConnection, close, commit, connect, execute, patient_connection, rollback, shorten_lock_wait,
    start_snapshot, start_transaction, unhurried_connection, unlimited_connection,
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
/// why. A schema that is missing is not an error, since migrating makes it. Returns the connection, too.
pub(crate) async fn try_connect(
    host: &MySqlConnectOptions,
    schema: Option<&str>,
) -> Result<(Room, MySqlConnection), Error> {
    let first = match within(CONNECT, own_options(host, schema)?.connect()).await {
        Err(error) if schema.is_some() && is_missing(&error) => within(CONNECT, host.connect()).await,
        first => first,
    };
    let mut first = first.map_err(|error| refusal_of_start(host, error))?;
    let room = Room::ask(&mut first).await.map_err(|error| refusal_of_start(host, error))?;
    Ok((room, first))
}

/// What is wrong with the database that a box office is to start on.
pub(crate) fn refusal_of_start(host: &MySqlConnectOptions, error: sqlx::Error) -> Error {
    if is_no_connection_left(&error) {
        return Error::Setup(format!("it has no connection left: {error}"));
    }
    let no_tls = |why: &dyn fmt::Display| {
        Error::Setup(format!(
            "no TLS with {}: {why}. Check ssl-mode and ssl-ca in the database URL, and that the certificate names this host",
            host.get_host()
        ))
    };
    match error {
        sqlx::Error::Tls(why) => no_tls(&why),
        // So the TLS library reports a certificate that it does not trust.
        sqlx::Error::Io(why) if why.kind() == io::ErrorKind::InvalidData => no_tls(&why),
        // Over TCP no file is opened but those of TLS.
        sqlx::Error::Io(why) if why.kind() == io::ErrorKind::NotFound && host.get_socket().is_none() => Error::Setup(
            format!("a file that the database URL names (ssl-ca, ssl-cert, ssl-key) cannot be read: {why}"),
        ),
        sqlx::Error::Io(why) => {
            let text = match host.get_socket() {
                Some(socket) => format!("cannot connect to {}: {why}", socket.display()),
                None => format!("cannot connect to {}, port {}: {why}", host.get_host(), host.get_port()),
            };
            Error::Unavailable(Arc::new(sqlx::Error::Io(io::Error::new(why.kind(), text))))
        }
        error if matches!(classify(&error), Class::Refused | Class::Fatal) => Error::Setup(error.to_string()),
        error => Error::Unavailable(Arc::new(error)),
    }
}

/// The databases that a server keeps for itself.
const OF_THE_SERVER: [&str; 4] = ["information_schema", "mysql", "performance_schema", "sys"];

/// Refuses a database name that would have to be quoted or escaped.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !plain || !(1..=LONGEST_NAME).contains(&name.len()) {
        return Err(Error::invalid(format!("the name of a database is 1 to {LONGEST_NAME} letters, digits and _")));
    }
    if OF_THE_SERVER.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err(Error::invalid(format!("{name} is the server's own database; name another")));
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b11_what_is_wrong_when_a_box_office_starts_is_said_with_the_place() {
        let host = MySqlConnectOptions::new().host("db.example.org").port(3307);
        let said = |error: sqlx::Error| match refusal_of_start(&host, error) {
            Error::Setup(text) => text,
            Error::Unavailable(source) => source.to_string(),
            other => panic!("{other:?}"),
        };
        let io = |kind, text: &str| sqlx::Error::Io(io::Error::new(kind, text.to_owned()));
        let certificate = said(io(io::ErrorKind::InvalidData, "invalid peer certificate: UnknownIssuer"));
        assert!(certificate.starts_with("no TLS with db.example.org: invalid peer certificate"), "{certificate}");
        assert!(said(io(io::ErrorKind::NotFound, "No such file")).contains("ssl-ca"));
        let refused = said(io(io::ErrorKind::ConnectionRefused, "Connection refused"));
        assert!(refused.ends_with("cannot connect to db.example.org, port 3307: Connection refused"), "{refused}");
    }
}
