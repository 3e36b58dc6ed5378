//! The schema, brought up to date.
//!
//! The lock is a row of our own, since named locks (`get_lock`) hold on one node of a cluster only. The process that
//! has it applies what is missing; the others wait. It expires, so that a killed process blocks nobody. Every statement
//! of a migration can run again, and a migration is recorded after all of it has run. So one that broke off is simply
//! repeated.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use sqlx::migrate::{Migration, Migrator};
use sqlx::mysql::{MySqlConnectOptions, MySqlRow};
use sqlx::{Executor as _, MySqlConnection, MySqlPool, Row as _};

use crate::db::{self, Class, LONG_STATEMENT, within};
use crate::error::Error;
use crate::sql::{fetch_all, statements};

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// The comment that tells our tables from a host's.
const TABLE_COMMENT: &str = "concert box office";
/// A name of our own, so that an application that embeds the library keeps its own migrations.
const RECORDS: &str = "_concert_migrations";
const CREATE_RECORDS: &str = "create table if not exists _concert_migrations ( \
         version bigint not null, description varchar(255) not null, checksum varbinary(64) not null, \
         applied_at datetime(6) not null default current_timestamp(6), primary key (version) \
     ) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci comment = 'concert box office'";
/// The lock is the row of version 0; `applied_at` says when it was last taken.
const ADD_LOCK: &str = "insert ignore into _concert_migrations (version, description, checksum, applied_at) \
     values (0, 'the lock of who migrates', '', '1970-01-01 00:00:00')";
/// If two nodes of a cluster take it at once, one of them gets a conflict and tries again.
const TAKE_LOCK: &str = "update _concert_migrations set applied_at = utc_timestamp(6) \
     where version = 0 and applied_at < utc_timestamp(6) - interval 10 second";
const KEEP_LOCK: &str = "update _concert_migrations set applied_at = utc_timestamp(6) where version = 0";
const RELEASE_LOCK: &str = "update _concert_migrations set applied_at = '1970-01-01 00:00:00' where version = 0";
const RECORD: &str = "insert ignore into _concert_migrations (version, description, checksum) values (?, ?, ?)";
const TABLES: &str = "select cast(table_name as char) as name, cast(table_type as char) as kind, \
         cast(table_comment as char) as comment, @@lower_case_table_names <> 0 as any_case \
     from information_schema.tables where table_schema = database()";

statements! {
    pub(crate) APPLIED { "select version, checksum from _concert_migrations where version > 0" }
    /// Tables of ours in another engine than InnoDB.
    pub(crate) OTHER_ENGINES {
        "select concat('the table ', table_name, ' is in ', coalesce(engine, 'no engine')) from information_schema.tables \
         where table_schema = database() and table_type = 'BASE TABLE' and table_comment = 'concert box office' \
         and upper(coalesce(engine, '')) <> 'INNODB' limit {limit}"
    }
}

/// How long a process waits for another one that migrates, and retries after conflicts and lost connections.
const LONGEST: Duration = Duration::from_secs(60);
/// The pause between two tries, with jitter, since the nodes of a cluster start at the same time.
const PAUSE: Duration = Duration::from_millis(200);

/// How a schema compares with the migrations of this build.
#[derive(Debug, PartialEq, Eq)]
enum SchemaState {
    /// It has all migrations of this build, and perhaps newer ones.
    Current,
    /// Migrations are missing, perhaps all.
    Behind,
    /// It was made by a build from before the first release.
    Development,
}

/// Which migrations of this build a schema still lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Pending {
    #[default]
    None,
    Some(Vec<String>),
    All,
    /// It was made by a build from before the first release.
    Development,
}

/// A migration that was applied, and the checksum of its text.
type Applied = (i64, Vec<u8>);

/// The outcome of one try.
enum Outcome {
    Done,
    /// Another process has the lock.
    Busy,
    /// Another try would not help.
    Refused(String),
}

/// Applies what is missing.
pub(crate) async fn migrate(pool: &MySqlPool, host: &MySqlConnectOptions) -> Result<(), Error> {
    let deadline = Instant::now() + LONGEST;
    loop {
        let failure = match attempt(pool, host).await {
            Ok(Outcome::Done) => return check_engines(pool).await,
            Ok(Outcome::Refused(text)) => return Err(Error::Setup(text)),
            Ok(Outcome::Busy) => {
                Error::Setup(format!("another process has been migrating it for {} s", LONGEST.as_secs()))
            }
            Err(error) if db::classify(&error) == Class::Fatal => {
                return Err(Error::Setup(format!("its schema cannot be brought up to date: {error}")));
            }
            Err(error) => db::to_error(error),
        };
        // After the try, not before it: even a late process has tried once.
        if Instant::now() > deadline {
            return Err(failure);
        }
        pause().await;
    }
}

async fn pause() {
    let pause = PAUSE.mul_f64(rand::rng().random_range(0.5..1.5));
    tokio::time::sleep(pause).await;
}

/// Whether the schema is the one that this library works with, or a newer one.
pub(crate) fn is_current(applied: &[Applied]) -> bool {
    schema_state(applied) == SchemaState::Current
}

/// What is still to be applied.
pub(crate) async fn pending(pool: &MySqlPool) -> Result<Pending, sqlx::Error> {
    let applied = applied(pool).await?;
    let missing = |ours: &&Migration| applied.iter().all(|(version, _)| *version != ours.version);
    Ok(match schema_state(&applied) {
        SchemaState::Current => Pending::None,
        SchemaState::Development => Pending::Development,
        SchemaState::Behind if applied.is_empty() => Pending::All,
        SchemaState::Behind => {
            Pending::Some(MIGRATOR.iter().filter(missing).map(|ours| ours.description.to_string()).collect())
        }
    })
}

/// The texts of all migrations.
pub(crate) fn texts() -> impl Iterator<Item = &'static str> {
    MIGRATOR.iter().map(|migration| migration.sql.as_str())
}

/// Refuses tables that are not in InnoDB: they have no transactions, so half of an act would stay.
async fn check_engines(pool: &MySqlPool) -> Result<(), Error> {
    let found = fetch_all(pool, &OTHER_ENGINES, |params| params.bind("limit", 10_u32)).await.map_err(db::to_error)?;
    let found = found.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>().map_err(db::to_error)?;
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::Setup(format!("{}; all its tables must be in InnoDB: alter table .. engine = InnoDB", found.join(", "))))
}

async fn attempt(pool: &MySqlPool, host: &MySqlConnectOptions) -> Result<Outcome, sqlx::Error> {
    match schema_state(&applied(pool).await?) {
        SchemaState::Current => return Ok(Outcome::Done),
        SchemaState::Development => return Ok(Outcome::Refused(development())),
        SchemaState::Behind => {}
    }
    let mut connection = connect(pool, host).await?;
    let foreign = foreign_tables(&mut connection).await?;
    if !foreign.is_empty() {
        return Ok(Outcome::Refused(not_ours(&foreign)));
    }
    // Our table may be the first in the schema: it is made only after no foreign table was found.
    db::execute(&mut connection, CREATE_RECORDS).await?;
    db::execute(&mut connection, ADD_LOCK).await?;
    if db::execute(&mut connection, TAKE_LOCK).await? == 0 {
        return Ok(Outcome::Busy);
    }
    // Read again under the lock: another process may have migrated since the first look.
    let done = apply(&mut connection, &applied(pool).await?).await;
    // Released after a failure as well, so that the next try need not wait until the lock expires.
    let released = db::execute(&mut connection, RELEASE_LOCK).await;
    db::close(connection).await;
    done.and(released).map(|_| Outcome::Done)
}

/// Runs the migrations that are not among `applied`.
async fn apply(connection: &mut MySqlConnection, applied: &[Applied]) -> Result<(), sqlx::Error> {
    let missing = |migration: &&Migration| applied.iter().all(|(version, _)| *version != migration.version);
    for migration in MIGRATOR.iter().filter(missing) {
        // Each migration extends the lock, so that it expires only after one that takes longer than 10 s.
        db::execute(connection, KEEP_LOCK).await?;
        within(LONG_STATEMENT, connection.execute(migration.sql.clone())).await?;
        let record = sqlx::query(RECORD).bind(migration.version).bind(&*migration.description);
        within(LONG_STATEMENT, record.bind(&*migration.checksum).execute(&mut *connection)).await?;
    }
    Ok(())
}

fn development() -> String {
    "its schema was made by a development version from before the first release, which cannot be migrated; nothing was \
     changed. Use a new database, or drop the box office's tables in this one"
        .to_owned()
}

fn not_ours(tables: &[&str]) -> String {
    format!(
        "it has tables of another application under names that the box office needs ({}); nothing was changed. Give the \
         box office a schema of its own (`Policy::with_schema`, or `--schema`)",
        tables.join(", ")
    )
}

async fn applied(pool: &MySqlPool) -> Result<Vec<Applied>, sqlx::Error> {
    match fetch_all(pool, &APPLIED, |params| params).await {
        Err(error) if db::is_missing(&error) => Ok(Vec::new()),
        rows => rows?.iter().map(read_applied).collect(),
    }
}

pub(crate) fn read_applied(row: &MySqlRow) -> Result<Applied, sqlx::Error> {
    Ok((row.try_get("version")?, row.try_get("checksum")?))
}

fn schema_state(applied: &[Applied]) -> SchemaState {
    let newest = MIGRATOR.iter().map(|migration| migration.version).max();
    let made_otherwise =
        |(version, checksum): &Applied| match MIGRATOR.iter().find(|migration| migration.version == *version) {
            Some(ours) => *ours.checksum != **checksum,
            // A newer one is of a newer build. An older one that we do not have was never released.
            None => Some(*version) < newest,
        };
    let is_applied = |ours: &Migration| applied.iter().any(|(version, _)| *version == ours.version);
    if applied.iter().any(made_otherwise) {
        SchemaState::Development
    } else if MIGRATOR.iter().all(is_applied) {
        SchemaState::Current
    } else {
        SchemaState::Behind
    }
}

/// Connects to the schema, which is made if it is missing.
async fn connect(pool: &MySqlPool, host: &MySqlConnectOptions) -> Result<MySqlConnection, sqlx::Error> {
    match db::unlimited_connection(pool).await {
        Err(error) if db::is_missing(&error) => {
            let options = pool.connect_options();
            db::create_database(host, options.get_database().unwrap_or_default()).await?;
            db::unlimited_connection(pool).await
        }
        connected => connected,
    }
}

/// Tables and views of others under names of ours. They must be seen twice: another process may be creating ours just
/// now.
async fn foreign_tables(connection: &mut MySqlConnection) -> Result<Vec<&'static str>, sqlx::Error> {
    let mut seen = unmarked_tables(connection).await?;
    if !seen.is_empty() {
        pause().await;
        let again = unmarked_tables(connection).await?;
        seen.retain(|name| again.contains(name));
    }
    Ok(seen)
}

async fn unmarked_tables(connection: &mut MySqlConnection) -> Result<Vec<&'static str>, sqlx::Error> {
    let (mut ours, mut unmarked) = (Vec::new(), Vec::new());
    for row in within(LONG_STATEMENT, sqlx::query(TABLES).fetch_all(connection)).await? {
        let (name, any_case): (String, bool) = (row.try_get("name")?, row.try_get("any_case")?);
        // Where the server folds names, a table `Users` stands in the way of our `users`.
        let same = |known: &str| if any_case { known.eq_ignore_ascii_case(&name) } else { known == name };
        let Some(known) = names().find(|known| same(known)) else { continue };
        match row.try_get::<String, _>("comment")? == TABLE_COMMENT {
            true => ours.push(known),
            false => unmarked.push((known, row.try_get::<String, _>("kind")?)),
        }
    }
    // A view has no comment. Ours is made last, so it is ours if the table `tokens` is.
    unmarked.retain(|(name, kind)| !(*name == "queue_positions" && kind == "VIEW" && ours.contains(&"tokens")));
    Ok(unmarked.into_iter().map(|(name, _)| name).collect())
}

/// The names of all tables and views that the migrations make.
fn names() -> impl Iterator<Item = &'static str> {
    // Each of them is made at the begin of a line; a test counts them.
    let lines = MIGRATOR.iter().flat_map(|migration| migration.sql.as_str().lines());
    let made = lines.filter_map(|line| {
        line.strip_prefix("create table if not exists ").or_else(|| line.strip_prefix("create or replace view "))
    });
    made.filter_map(|rest| rest.split_whitespace().next()).chain([RECORDS])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Applied> {
        MIGRATOR.iter().map(|migration| (migration.version, migration.checksum.to_vec())).collect()
    }

    #[test]
    fn every_table_says_that_it_is_ours_and_every_statement_can_run_again() {
        for migration in MIGRATOR.iter() {
            let text = migration.sql.as_str();
            let count = |part: &str| text.matches(part).count();
            assert_eq!(count("create table"), count("create table if not exists "), "{text}");
            assert_eq!(count("create table"), count(&format!("comment = '{TABLE_COMMENT}';")), "{text}");
            assert_eq!(count("insert "), count("insert ignore into "), "{text}");
        }
        let texts = MIGRATOR.iter().map(|migration| migration.sql.as_str());
        let made: usize = texts
            .map(|text| text.matches("create table").count() + text.matches("create or replace view").count())
            .sum();
        assert_eq!(names().count(), made + 1, "and the records");
    }

    #[test]
    fn a_schema_is_current_once_all_is_applied_and_a_newer_one_as_well() {
        let mut applied = all();
        assert_eq!(schema_state(&applied), SchemaState::Current);
        applied.push((i64::MAX, vec![]));
        assert_eq!(schema_state(&applied), SchemaState::Current);
        assert_eq!(schema_state(&all()[1..]), SchemaState::Behind);
        assert_eq!(schema_state(&[]), SchemaState::Behind);
    }

    #[test]
    fn a_schema_of_other_texts_is_of_a_development_version() {
        assert_eq!(schema_state(&[(20_261_123_000_001, vec![])]), SchemaState::Development);
        let mut applied = all();
        applied[0].1[0] ^= 1;
        assert_eq!(schema_state(&applied), SchemaState::Development);
    }
}
