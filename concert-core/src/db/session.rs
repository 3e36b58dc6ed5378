//! Connections of our own, and the settings that each begins with, whatever the host and the server prefer.

use std::time::{Duration, Instant};

use sqlx::mysql::MySqlConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, MySqlConnection, MySqlPool, Row as _};

use super::bounds::{CONNECT, LATEST_COMMIT, LONG_STATEMENT, PING, ROUND_TRIP, within};
use super::class::to_error;
use super::cluster::Cluster;
use super::failure::Failure;
use crate::clock::{Timestamp, span};
use crate::error::Error;

/// All that a session's settings can change about an answer. `init_connect`, the server's defaults and the host's
/// options come before it. The time limits are the server's: a bound on this side alone would leave the statement
/// running there. This side closes an idle connection long before `wait_timeout`. MariaDB and MySQL each read their own
/// executable comment.
const SESSION: &str = "set session transaction isolation level read committed; set session transaction read write; \
     set names utf8mb4; \
     set session autocommit = 1, completion_type = 0, wait_timeout = 900, time_zone = '+00:00', \
     innodb_lock_wait_timeout = 3, lock_wait_timeout = 3, \
     div_precision_increment = 4, group_concat_max_len = 1048576, sql_select_limit = 18446744073709551615, \
     sql_big_selects = 1, sql_safe_updates = 0, sql_auto_is_null = 0, unique_checks = 1, foreign_key_checks = 1, \
     sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,ONLY_FULL_GROUP_BY,NO_ENGINE_SUBSTITUTION' \
     /*M!100000 , max_statement_time = 5, check_constraint_checks = 1, old_mode = '' */ /*!80000 , max_execution_time = 5000 */";
/// For passes over whole tables, which may take long, and for making tables. What they lock is free again soon after
/// this process froze between two statements.
const UNHURRIED: &str = "set session wait_timeout = 10, net_read_timeout = 10, net_write_timeout = 60, lock_wait_timeout = 60 \
     /*M!100300 , max_statement_time = 600, idle_transaction_timeout = 10, idle_write_transaction_timeout = 10, \
     idle_readonly_transaction_timeout = 10 */ /*!80000 , max_execution_time = 600000 */";
/// For exports, whose rows go on at the pace of whoever reads them.
const PATIENT: &str = "set session wait_timeout = 60, net_write_timeout = 60 \
     /*M!100300 , idle_transaction_timeout = 60, idle_readonly_transaction_timeout = 60 */";
/// A writer's transactions start implicitly, which saves a round trip each, and only COMMIT commits. The server ends a
/// connection that says nothing for 5 s, and undoes its transaction: so a process that freezes between two round trips
/// keeps no lock for longer. One that is idle says that it is alive ([`KEEP_ALIVE`]). MySQL has no limit for idle
/// transactions alone; MariaDB's would precede `wait_timeout`.
const WRITER: &str = "set session autocommit = 0, wait_timeout = 5, net_read_timeout = 5, net_write_timeout = 5 \
     /*M!100300 , idle_transaction_timeout = 5, idle_write_transaction_timeout = 5, idle_readonly_transaction_timeout = 5 */";
/// How often a writer that has nothing to do says that it is alive.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// Connects and applies the settings.
pub(crate) async fn connect(options: &MySqlConnectOptions) -> Result<MySqlConnection, sqlx::Error> {
    let connected = async {
        let mut connection = options.connect().await?;
        set_up(&mut connection).await?;
        Ok(connection)
    };
    within(CONNECT, connected).await
}

/// Applies the settings of all our connections.
pub(super) async fn set_up(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute(SESSION).await.map(drop)
}

/// A connection for work that takes longer than the limit of a request.
pub(crate) async fn unhurried_connection(pool: &MySqlPool) -> Result<MySqlConnection, Error> {
    unlimited_connection(pool).await.map_err(to_error)
}

/// The same, with the error as sqlx gives it. It is outside the pool, so that neither a cancelled caller nor the pool's
/// bookkeeping touches it.
pub(crate) async fn unlimited_connection(pool: &MySqlPool) -> Result<MySqlConnection, sqlx::Error> {
    let mut connection = connect(&pool.connect_options()).await?;
    execute(&mut connection, UNHURRIED).await?;
    Ok(connection)
}

/// The same, for readers that pause between two statements.
pub(crate) async fn patient_connection(pool: &MySqlPool) -> Result<MySqlConnection, sqlx::Error> {
    let mut connection = unlimited_connection(pool).await?;
    execute(&mut connection, PATIENT).await?;
    Ok(connection)
}

/// One statement, or several, of ours on an unhurried connection; the number of rows that were changed.
pub(crate) async fn execute(connection: &mut MySqlConnection, statement: &'static str) -> Result<u64, sqlx::Error> {
    within(LONG_STATEMENT, connection.execute(statement)).await.map(|done| done.rows_affected())
}

pub(crate) async fn start_transaction(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    execute(connection, "start transaction").await.map(drop)
}

/// Begins a transaction in which every read sees the database as it is now, whatever is committed meanwhile.
pub(crate) async fn start_snapshot(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    let start = "set session transaction isolation level repeatable read; \
         start transaction with consistent snapshot, read only";
    execute(connection, start).await.map(drop)
}

/// COMMIT. An answer from the server is a fact; no answer is [`Failure::CommitUnknown`].
pub(crate) async fn commit(connection: &mut MySqlConnection) -> Result<(), Failure> {
    execute(connection, "commit").await.map(drop).map_err(|error| Failure::from(error).after_commit_was_sent())
}

/// Says goodbye. The server notices all the same if that does not work.
pub(crate) async fn close(connection: MySqlConnection) {
    let _ = within(PING, connection.close()).await;
}

/// A writer's connection.
pub(crate) struct WritersConnection {
    pub(crate) connection: MySqlConnection,
    pub(crate) cluster: Cluster,
    /// The server's clock, and when it was read. See [`WritersConnection::latest_commit`].
    server_time: Timestamp,
    read_at: Instant,
    last_used: Instant,
}

impl WritersConnection {
    pub(crate) async fn open(pool: &MySqlPool) -> Result<Self, sqlx::Error> {
        let mut connection = connect(&pool.connect_options()).await?;
        let row = within(CONNECT, connection.fetch_one("select utc_timestamp(6)")).await?;
        // After the answer: the server's clock is at least this far.
        let read_at = Instant::now();
        let cluster = Cluster::of(&mut connection).await?;
        within(CONNECT, connection.execute(WRITER)).await?;
        Ok(Self { connection, cluster, server_time: row.try_get(0)?, read_at, last_used: read_at })
    }

    /// The moment, by the server's clock, after which a script that is sent now must not commit. When this side has
    /// waited for [`ROUND_TRIP`], that moment has passed: a script that is still on its way, or that a frozen server
    /// finds when it goes on, changes nothing. Should the server's clock jump forward, scripts are refused until the
    /// writer has connected again.
    pub(crate) fn latest_commit(&self) -> Timestamp {
        self.server_time + span(self.read_at.elapsed() + LATEST_COMMIT)
    }

    /// To be called when a batch has used it.
    pub(crate) fn was_used(&mut self) {
        self.last_used = Instant::now();
    }

    /// Says to the server that this writer is alive, unless it has just been used.
    pub(crate) async fn keep_alive(&mut self) -> Result<(), sqlx::Error> {
        // Ticks come every 2 s. Skipping one within 1 s of the last use makes a silence of 3 s at most, and the server
        // waits 5.
        if self.last_used.elapsed() < KEEP_ALIVE / 2 {
            return Ok(());
        }
        within(PING, self.connection.ping()).await?;
        self.was_used();
        Ok(())
    }
}

pub(crate) async fn rollback(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    within(ROUND_TRIP, connection.execute("rollback")).await.map(drop)
}

/// Shortens lock waits while a batch is split to find the command that fails it: the search may wait for a lock many
/// times.
pub(crate) async fn shorten_lock_wait(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    within(ROUND_TRIP, connection.execute("set session innodb_lock_wait_timeout = 1")).await.map(drop)
}
