//! The database: connecting, transactions, and what its errors mean.

mod failure;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, MySqlConnection, MySqlPool};

pub(crate) use self::failure::Failure;
use crate::error::Error;

/// Connections for reads, opened as they are needed; each writer has one of its own beside them.
const MAX_CONNECTIONS: u32 = 16;
/// How long a read waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections that nobody used for this long are closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// How often a read is tried when its connection turns out to be dead.
const READ_ATTEMPTS: u32 = 3;

/// The longest name of a database.
const LONGEST_NAME: usize = 64;

/// The settings of all our connections, whatever the host and the server prefer. The time limits are the server's: a
/// timeout on this side would leave the statement running there. `wait_timeout` is so long that this side closes an
/// idle connection first. MariaDB and MySQL each read their own executable comment.
const SESSION: &str = "set session transaction isolation level read committed; set names utf8mb4; \
     set session autocommit = 1, wait_timeout = 28800, innodb_lock_wait_timeout = 3, time_zone = '+00:00', \
     sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,ONLY_FULL_GROUP_BY,NO_ENGINE_SUBSTITUTION' \
     /*M!100000 , max_statement_time = 5 */ /*!80000 , max_execution_time = 5000 */";
/// For passes over whole tables, which may take long.
const WITHOUT_TIME_LIMIT: &str = "set session innodb_lock_wait_timeout = 3 /*M!100000 , max_statement_time = 0 */ /*!80000 , max_execution_time = 0 */";
/// A writer's transactions start implicitly, which saves a round trip each, and only COMMIT commits. A process that
/// freezes within a transaction keeps its locks for 10 s (MariaDB) or 15 minutes (MySQL, which has no limit for idle
/// transactions).
const WRITER: &str =
    "set session autocommit = 0 /*M!100300 , idle_transaction_timeout = 10 */ /*!80000 , wait_timeout = 900 */";

/// The options that a URL stands for.
pub(crate) fn parse_url(url: &str) -> Result<MySqlConnectOptions, Error> {
    url.parse().map_err(|error: sqlx::Error| {
        Error::invalid(format!("the database URL is not of the form mysql://user:password@host:3306/name ({error})"))
    })
}

/// The options of all connections of a box office: the host's, in the box office's schema.
pub(crate) fn own_options(host: &MySqlConnectOptions, schema: Option<&str>) -> Result<MySqlConnectOptions, Error> {
    let options = schema.map_or_else(|| host.clone(), |schema| host.clone().database(schema));
    if options.get_database().is_none() {
        return Err(Error::invalid("the database URL names no database: mysql://user:password@host:3306/name"));
    }
    Ok(options)
}

/// Connects once: a pool would only say that it timed out, this says why. A schema that is missing is not an error,
/// since migrating makes it.
pub(crate) async fn try_connect(host: &MySqlConnectOptions, schema: Option<&str>) -> Result<(), Error> {
    let first = match own_options(host, schema)?.connect().await {
        Err(error) if schema.is_some() && is_missing(&error) => host.connect().await,
        first => first,
    };
    let first = first.map_err(|error| match classify(&error) {
        Class::Lost | Class::Conflict => Error::Unavailable(Arc::new(error)),
        Class::Fatal => Error::Setup(error.to_string()),
    })?;
    let _ = first.close().await;
    Ok(())
}

/// The pool of the box office's reads. It connects when it is first used.
pub(crate) fn read_pool(options: MySqlConnectOptions) -> MySqlPool {
    MySqlPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(IDLE_TIMEOUT)
        .test_before_acquire(false)
        .after_connect(|connection, _| Box::pin(async move { connection.execute(SESSION).await.map(drop) }))
        .connect_lazy_with(options)
}

/// A connection outside the pool, so that neither a cancelled caller nor the pool's bookkeeping touches it.
async fn detached_connection(pool: &MySqlPool) -> Result<MySqlConnection, sqlx::Error> {
    let options = pool.connect_options();
    let connect = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect());
    let mut connection = connect.await.map_err(|_| sqlx::Error::PoolTimedOut)??;
    connection.execute(SESSION).await?;
    Ok(connection)
}

/// A writer's connection.
pub(crate) async fn writers_connection(pool: &MySqlPool) -> Result<MySqlConnection, sqlx::Error> {
    let mut connection = detached_connection(pool).await?;
    connection.execute(WRITER).await?;
    Ok(connection)
}

/// A connection for work that takes longer than the limit of a request.
pub(crate) async fn unhurried_connection(pool: &MySqlPool) -> Result<MySqlConnection, Error> {
    unlimited_connection(pool).await.map_err(to_error)
}

/// The same, with the error as sqlx gives it.
pub(crate) async fn unlimited_connection(pool: &MySqlPool) -> Result<MySqlConnection, sqlx::Error> {
    let mut connection = detached_connection(pool).await?;
    connection.execute(WITHOUT_TIME_LIMIT).await?;
    Ok(connection)
}

pub(crate) async fn start_transaction(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute("start transaction").await.map(drop)
}

pub(crate) async fn rollback(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute("rollback").await.map(drop)
}

/// Shortens lock waits while a batch is split to find the command that fails it: the search may wait for a lock many
/// times.
pub(crate) async fn shorten_lock_wait(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute("set session innodb_lock_wait_timeout = 1").await.map(drop)
}

/// COMMIT. An answer from the server is a fact; no answer is [`Failure::CommitUnknown`].
pub(crate) async fn commit(connection: &mut MySqlConnection) -> Result<(), Failure> {
    connection.execute("commit").await.map(drop).map_err(|error| Failure::from(error).after_commit_was_sent())
}

/// Runs a read, again if its connection was dead.
pub(crate) async fn read<T, F>(mut query: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    let mut attempts = 1;
    loop {
        match query().await {
            Ok(found) => return Ok(found),
            Err(error) if attempts < READ_ATTEMPTS && is_dead_connection(&error) => attempts += 1,
            Err(error) => return Err(to_error(error)),
        }
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
    let mut connection = options.connect().await?;
    let statement =
        format!("create database if not exists `{name}` default character set utf8mb4 collate utf8mb4_unicode_ci");
    // An identifier cannot be bound.
    connection.execute(AssertSqlSafe(statement)).await?;
    connection.close().await
}

/// What to do about an error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The transaction is undone or must be: run it again.
    Conflict,
    /// Nothing was done: try another connection, or later.
    Lost,
    /// Trying again would not help.
    Fatal,
}

/// Sorts an error by MySQL's numbers; `DatabaseError::kind()` calls most of these `Other`.
pub(crate) fn classify(error: &sqlx::Error) -> Class {
    match error {
        sqlx::Error::Database(_) => match number(error) {
            // Deadlock, snapshot conflict, group replication's conflict; lock wait and NOWAIT; and a duplicate key,
            // which a second look at the rows turns into a refusal.
            Some(1213 | 1020 | 3101 | 1205 | 3572 | 1062) => Class::Conflict,
            // No quorum (a Galera node says either), too many connections, shutting down, read-only; killed; closed for
            // idleness; a statement over its time limit.
            Some(1047 | 1180 | 1040 | 1053 | 1290 | 1836 | 1317 | 1927 | 4031 | 1969 | 3024) => Class::Lost,
            _ => Class::Fatal,
        },
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Class::Lost,
        _ => Class::Fatal,
    }
}

/// Whether another transaction kept a lock for longer than this connection waits.
fn is_lock_not_had(error: &sqlx::Error) -> bool {
    const LOCK_WAIT_TIMEOUT: u16 = 1205;
    const LOCK_NOT_AVAILABLE: u16 = 3572;
    matches!(number(error), Some(LOCK_WAIT_TIMEOUT | LOCK_NOT_AVAILABLE))
}

fn is_duplicate_key(error: &sqlx::Error) -> bool {
    const DUPLICATE_KEY: u16 = 1062;
    number(error) == Some(DUPLICATE_KEY)
}

/// Whether the database, or a table or column that a statement named, is not there.
pub(crate) fn is_missing(error: &sqlx::Error) -> bool {
    const UNKNOWN_DATABASE: u16 = 1049;
    const UNKNOWN_COLUMN: u16 = 1054;
    const NO_SUCH_TABLE: u16 = 1146;
    matches!(number(error), Some(UNKNOWN_DATABASE | UNKNOWN_COLUMN | NO_SUCH_TABLE))
}

fn is_dead_connection(error: &sqlx::Error) -> bool {
    const CLOSED_WHILE_IDLE: u16 = 4031;
    matches!(error, sqlx::Error::Io(_)) || number(error) == Some(CLOSED_WHILE_IDLE)
}

/// Whether an expression had no value of its type.
pub(crate) fn is_out_of_range(error: &sqlx::Error) -> bool {
    const DATA_OUT_OF_RANGE: u16 = 1690;
    number(error) == Some(DATA_OUT_OF_RANGE)
}

fn number(error: &sqlx::Error) -> Option<u16> {
    error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}

pub(crate) fn to_error(error: sqlx::Error) -> Error {
    match classify(&error) {
        Class::Conflict | Class::Lost => Error::Unavailable(Arc::new(error)),
        Class::Fatal => {
            tracing::error!(%error, "the database refused a statement");
            Error::internal(error)
        }
    }
}
