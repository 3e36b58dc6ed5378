//! The schema, brought up to date.

use sqlx::{Connection as _, MySqlPool};

use crate::db;
use crate::error::Error;

/// Ours alone, so that an application that embeds the library keeps its own migrations.
const TABLE: &str = "_concert_migrations";
/// How long a process waits for another that is migrating, in seconds.
const LOCK_SECONDS: i64 = 60;

/// Applies what is missing. Any number of processes may do so at once: one does it, the others wait. On a cluster run
/// it on one node, since named locks hold on one only.
pub(crate) async fn migrate(pool: &MySqlPool) -> Result<(), Error> {
    let mut migrator = sqlx::migrate!("./migrations");
    // Not sqlx's own lock: it waits with a time-out that MariaDB answers with NULL.
    migrator.set_locking(false);
    migrator.dangerous_set_table_name(TABLE);

    let mut connection = db::unhurried_connection(pool).await?;
    let locked: Option<i64> = sqlx::query_scalar("select get_lock(concat('concert.', md5(database())), ?)")
        .bind(LOCK_SECONDS)
        .fetch_one(&mut connection)
        .await
        .map_err(db::to_error)?;
    if locked != Some(1) {
        return Err(Error::Setup(format!("another process has been migrating it for {LOCK_SECONDS} s")));
    }
    // `run` takes any `Acquire`, which the compiler cannot see to be `Send` for a borrowed connection; this is its inside.
    let migrated = migrator.run_direct(None, &mut connection, false).await;
    // Closing the connection releases the lock.
    let _ = connection.close().await;
    migrated.map_err(|error| Error::Setup(format!("its schema cannot be brought up to date: {error}")))
}
