//! The schema, brought up to date.

use sqlx::migrate::Migrator;
use sqlx::{Connection as _, MySqlConnection, MySqlPool};

use crate::db;
use crate::error::Error;

/// Ours alone, so that an application that embeds the library keeps its own migrations.
const TABLE: &str = "_concert_migrations";
/// How long a process waits for another that is migrating, in seconds.
const LOCK_SECONDS: i64 = 60;

/// Applies what is missing. Any number of processes may do so at once: one does it, the others wait. On a cluster run
/// it on one node, since named locks hold on one only.
pub(crate) async fn migrate(pool: &MySqlPool) -> Result<(), Error> {
    let migrator = migrator();
    let mut connection = db::unhurried_connection(pool).await?;
    let locked: Option<i64> =
        sqlx::query_scalar("select get_lock(concat('concert.', left(sha2(database(), 256), 40)), ?)")
            .bind(LOCK_SECONDS)
            .fetch_one(&mut connection)
            .await
            .map_err(db::to_error)?;
    if locked != Some(1) {
        return Err(Error::Setup(format!("another process has been migrating it for {LOCK_SECONDS} s")));
    }
    forget_interrupted(&mut connection).await.map_err(db::to_error)?;
    // `run` takes any `Acquire`, which the compiler cannot see to be `Send` for a borrowed connection; this is its inside.
    let migrated = migrator.run_direct(None, &mut connection, false).await;
    // Closing the connection releases the lock.
    let _ = connection.close().await;
    migrated.map_err(|error| Error::Setup(format!("its schema cannot be brought up to date: {error}")))
}

/// Whether the schema is the one that this library works with, or a newer one.
pub(crate) async fn is_current(pool: &MySqlPool) -> Result<bool, sqlx::Error> {
    let newest = migrator().iter().map(|migration| migration.version).max();
    let applied: Result<Option<i64>, _> =
        sqlx::query_scalar("select max(version) from _concert_migrations where success").fetch_one(pool).await;
    match applied {
        Ok(applied) => Ok(applied >= newest),
        Err(error) if db::is_missing_table(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("./migrations");
    // Not sqlx's own lock: it waits with a time-out that MariaDB answers with NULL.
    migrator.set_locking(false);
    migrator.dangerous_set_table_name(TABLE);
    migrator
}

/// A process that was killed in mid-migration leaves a mark that sqlx would refuse to go past. Every statement of our
/// migrations can run again, so the migration does.
async fn forget_interrupted(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    match sqlx::query("delete from _concert_migrations where not success").execute(connection).await {
        Ok(_) => Ok(()),
        Err(error) if db::is_missing_table(&error) => Ok(()),
        Err(error) => Err(error),
    }
}
