//! The database: connecting, transactions, and what its errors mean.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, MySqlConnection, MySqlPool};

use crate::batch::Failure;
use crate::error::Error;

/// Connections for reads; writers open their own beside them.
const MAX_CONNECTIONS: u32 = 16;
/// How long a read waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections that nobody used for this long are closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// How often a read is tried when its connection turns out to be dead.
const READ_ATTEMPTS: u32 = 3;

/// What every connection of ours is set to. The limits are the server's own: a time-out on this side would leave the
/// statement running there. Each kind of server reads its own executable comment.
const SESSION: &str = "set session transaction isolation level read committed; \
     set session innodb_lock_wait_timeout = 3, time_zone = '+00:00', \
     sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,ONLY_FULL_GROUP_BY,NO_ENGINE_SUBSTITUTION' \
     /*M!100000 , max_statement_time = 5 */ /*!80000 , max_execution_time = 5000 */";
/// For passes over whole tables, which take their time.
const WITHOUT_TIME_LIMIT: &str = "set session innodb_lock_wait_timeout = 3 /*M!100000 , max_statement_time = 0 */ /*!80000 , max_execution_time = 0 */";

/// A pool that is set up well: READ COMMITTED, UTC, strict, bounded.
pub(crate) async fn connect(url: &str) -> Result<MySqlPool, Error> {
    let options: MySqlConnectOptions = url.parse().map_err(|error: sqlx::Error| {
        Error::invalid(format!("the database URL is not of the form mysql://user:password@host:3306/name ({error})"))
    })?;
    connect_with(options).await
}

pub(crate) async fn connect_with(options: MySqlConnectOptions) -> Result<MySqlPool, Error> {
    if options.get_database().is_none() {
        return Err(Error::invalid("the database URL names no database: mysql://user:password@host:3306/name"));
    }
    // A pool would only say that it timed out; this says why.
    let first = options.connect().await.map_err(|error| match classify(&error) {
        Class::Lost | Class::Conflict => Error::Unavailable(Arc::new(error)),
        Class::Fatal => Error::Setup(error.to_string()),
    })?;
    let _ = first.close().await;
    MySqlPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(IDLE_TIMEOUT)
        .test_before_acquire(false)
        .after_connect(|connection, _| Box::pin(async move { connection.execute(SESSION).await.map(drop) }))
        .connect_with(options)
        .await
        .map_err(to_error)
}

/// A connection outside the pool, so that neither a cancelled caller nor the pool's bookkeeping touches it.
async fn detached_connection(pool: &MySqlPool) -> Result<MySqlConnection, sqlx::Error> {
    let options = pool.connect_options();
    let connect = tokio::time::timeout(pool.options().get_acquire_timeout(), options.connect());
    let mut connection = connect.await.map_err(|_| sqlx::Error::PoolTimedOut)??;
    connection.execute(SESSION).await?;
    Ok(connection)
}

/// A writer's connection: its transactions start by themselves, which saves a round trip each, and nothing is committed
/// but by COMMIT, whatever happened before.
pub(crate) async fn writers_connection(pool: &MySqlPool) -> Result<MySqlConnection, sqlx::Error> {
    let mut connection = detached_connection(pool).await?;
    connection.execute("set session autocommit = 0").await?;
    Ok(connection)
}

/// A connection for work that takes longer than the limit of a request.
pub(crate) async fn unhurried_connection(pool: &MySqlPool) -> Result<MySqlConnection, Error> {
    let mut connection = detached_connection(pool).await.map_err(to_error)?;
    connection.execute(WITHOUT_TIME_LIMIT).await.map_err(to_error)?;
    Ok(connection)
}

pub(crate) async fn start_transaction(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute("start transaction").await.map(drop)
}

pub(crate) async fn rollback(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute("rollback").await.map(drop)
}

/// COMMIT. An answer from the server is a fact; no answer is [`Failure::CommitUnknown`].
pub(crate) async fn commit(connection: &mut MySqlConnection) -> Result<(), Failure> {
    match connection.execute("commit").await {
        Ok(_) => Ok(()),
        Err(error) if error.as_database_error().is_some() => Err(error.into()),
        Err(error) => Err(Failure::CommitUnknown(error)),
    }
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
            Err(sqlx::Error::Io(_)) if attempts < READ_ATTEMPTS => attempts += 1,
            Err(error) => return Err(to_error(error)),
        }
    }
}

/// Names a database that does not exist yet and makes it.
#[cfg(feature = "private-db")]
pub(crate) async fn create_database(options: &MySqlConnectOptions, name: &str) -> Result<(), Error> {
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !plain {
        return Err(Error::invalid("a database name is letters, digits and _"));
    }
    let mut connection = options.connect().await.map_err(to_error)?;
    let statement =
        format!("create database if not exists {name} default character set utf8mb4 collate utf8mb4_unicode_ci");
    // Plain by the check above; an identifier cannot be bound.
    connection.execute(sqlx::AssertSqlSafe(statement)).await.map_err(to_error)?;
    connection.close().await.map_err(to_error)
}

/// What to do about an error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The transaction is undone or must be: run it again.
    Conflict,
    /// Nothing was done: another connection, or come back later.
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
            // No quorum, too many connections, shutting down, read-only; killed; a statement over its time limit.
            Some(1047 | 1040 | 1053 | 1290 | 1836 | 1317 | 1927 | 1969 | 3024) => Class::Lost,
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

/// Whether a statement named a table that is not there.
pub(crate) fn is_missing_table(error: &sqlx::Error) -> bool {
    const NO_SUCH_TABLE: u16 = 1146;
    number(error) == Some(NO_SUCH_TABLE)
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
