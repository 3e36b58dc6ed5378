//! What the doctor reads. None of it is read from our tables, which may not be there.

use std::collections::BTreeMap;

use sqlx::mysql::MySqlRow;
use sqlx::{Executor as _, MySqlConnection, MySqlPool, Row as _};

use super::ddl::Index;
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::db::{self, LONG_STATEMENT, within};
use crate::error::Error;
use crate::migrate::{self, Pending};

/// How often the database's clock is read; the quickest answer says most.
const CLOCK_READINGS: usize = 5;

const SETTINGS: &str = "show global variables";
/// Of one of our own connections: what counts for everything that a box office does.
const SESSION: &str = "show session variables where variable_name in ('tx_isolation', 'transaction_isolation', 'sql_mode', \
     'wait_timeout', 'time_zone', 'character_set_client', 'character_set_connection')";
const STATUS: &str = "show status where variable_name in ('Ssl_cipher', 'wsrep_cluster_status', 'wsrep_cluster_size', \
     'wsrep_ready', 'wsrep_connected')";
const VERSION: &str = "select cast(version() as char), cast(@@version_comment as char)";
const CLOCK: &str = "select utc_timestamp(6)";
const TABLES: &str = "select cast(table_name as char), cast(coalesce(engine, '') as char), cast(coalesce(table_collation, '') as char) \
     from information_schema.tables where table_schema = database() and table_type = 'BASE TABLE'";
const COLUMNS: &str = "select cast(table_name as char), cast(column_name as char), cast(coalesce(collation_name, '') as char) \
     from information_schema.columns where table_schema = database()";
const INDEXES: &str = "select cast(table_name as char), cast(index_name as char), cast(max(non_unique) as char), \
     cast(group_concat(concat(column_name, if(sub_part is null, '', concat('(', sub_part, ')'))) \
     order by seq_in_index separator ', ') as char) \
     from information_schema.statistics where table_schema = database() group by table_name, index_name";

/// A table as it is.
#[derive(Debug, Clone, Default)]
pub struct Table {
    pub engine: String,
    pub collation: String,
    /// Columns with their collations; that of a number is empty.
    pub columns: BTreeMap<String, String>,
    pub indexes: BTreeMap<String, Index>,
}

/// All that was read.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub version: String,
    pub version_comment: String,
    /// Global variables, by name.
    pub settings: BTreeMap<String, String>,
    pub session: BTreeMap<String, String>,
    pub status: BTreeMap<String, String>,
    pub tables: BTreeMap<String, Table>,
    pub pending: Pending,
    /// By how much the database's clock is ahead of this machine's, and how wrong that may be, in microseconds.
    pub clock_ahead: i64,
    pub clock_error: i64,
    /// Whether the way to the database leaves this machine.
    pub over_network: bool,
}

impl Facts {
    pub async fn read(pool: &MySqlPool) -> Result<Self, Error> {
        Self::read_from(pool).await.map_err(db::to_error)
    }

    async fn read_from(pool: &MySqlPool) -> Result<Self, sqlx::Error> {
        let options = pool.connect_options();
        let mut ours = db::connect(&options).await?;
        let (clock_ahead, clock_error) = read_clock(&mut ours).await?;
        let session = pairs(&mut ours, SESSION).await?;
        let status = pairs(&mut ours, STATUS).await?;
        db::close(ours).await;
        // The first connection shows what our sessions are like. This one has no limit for the schema, which may take
        // long to list.
        let mut connection = db::unlimited_connection(pool).await?;
        let version = rows(&mut connection, VERSION).await?;
        let [version, version_comment] = version.first().map(text::<2>).transpose()?.unwrap_or_default();
        let settings = pairs(&mut connection, SETTINGS).await?;
        let tables = read_tables(&mut connection).await?;
        db::close(connection).await;
        let is_local =
            options.get_socket().is_some() || ["localhost", "127.0.0.1", "::1"].contains(&options.get_host());
        Ok(Self {
            version,
            version_comment,
            settings,
            session,
            status,
            tables,
            pending: migrate::pending(pool).await?,
            clock_ahead,
            clock_error,
            over_network: !is_local,
        })
    }

    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// A setting that is a number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.setting(name)?.parse().ok()
    }

    /// Whether a setting is ON or 1.
    pub fn is_on(&self, name: &str) -> bool {
        self.setting(name).is_some_and(|value| ["ON", "1"].contains(&value))
    }

    pub fn is_mariadb(&self) -> bool {
        self.version.contains("MariaDB") || self.version_comment.contains("MariaDB")
    }

    pub fn is_galera(&self) -> bool {
        self.is_on("wsrep_on")
    }
}

async fn rows(connection: &mut MySqlConnection, question: &'static str) -> Result<Vec<MySqlRow>, sqlx::Error> {
    within(LONG_STATEMENT, connection.fetch_all(question)).await
}

fn text<const N: usize>(row: &MySqlRow) -> Result<[String; N], sqlx::Error> {
    let mut cells = [const { String::new() }; N];
    for (column, cell) in cells.iter_mut().enumerate() {
        *cell = row.try_get::<Option<String>, _>(column)?.unwrap_or_default();
    }
    Ok(cells)
}

async fn pairs(
    connection: &mut MySqlConnection,
    question: &'static str,
) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let rows = rows(connection, question).await?;
    rows.iter().map(|row| text(row).map(|[name, value]| (name, value))).collect()
}

async fn read_tables(connection: &mut MySqlConnection) -> Result<BTreeMap<String, Table>, sqlx::Error> {
    let mut tables = BTreeMap::new();
    for row in rows(connection, TABLES).await? {
        let [name, engine, collation] = text(&row)?;
        tables.insert(name, Table { engine, collation, ..Table::default() });
    }
    for row in rows(connection, COLUMNS).await? {
        let [table, column, collation] = text(&row)?;
        if let Some(table) = tables.get_mut(&table) {
            table.columns.insert(column, collation);
        }
    }
    for row in rows(connection, INDEXES).await? {
        let [table, index, non_unique, columns] = text(&row)?;
        if let Some(table) = tables.get_mut(&table) {
            table.indexes.insert(index, Index { is_unique: non_unique == "0", columns });
        }
    }
    Ok(tables)
}

/// By how much the database's clock is ahead, and half the time that the answer took.
async fn read_clock(connection: &mut MySqlConnection) -> Result<(i64, i64), sqlx::Error> {
    let mut best = (0, i64::MAX);
    for _ in 0..CLOCK_READINGS {
        let before = SystemClock.now();
        let row = within(LONG_STATEMENT, connection.fetch_one(CLOCK)).await?;
        let after = SystemClock.now();
        let there: Timestamp = row.try_get(0)?;
        let half = (after - before).num_microseconds().unwrap_or_default() / 2;
        if half < best.1 {
            best = ((there - before).num_microseconds().unwrap_or_default() - half, half);
        }
    }
    Ok(best)
}
