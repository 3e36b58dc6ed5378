//! Single statements outside of any batch, each in a bounded time.

use futures_util::TryStreamExt as _;
use futures_util::future::BoxFuture;
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, Either, MySqlConnection, MySqlPool};

use super::template::{Params, SqlTemplate};
use super::writer::SqlWriter;
use crate::db::{self, Reader};

/// Where a statement runs.
pub(crate) enum Source<'s> {
    /// On any connection of the reads, within [`db::ROUND_TRIP`].
    Pool(&'s MySqlPool),
    /// On an unhurried connection, within [`db::LONG_STATEMENT`]. After an error it must be dropped.
    Connection(&'s mut MySqlConnection),
}

impl<'s> From<&'s MySqlPool> for Source<'s> {
    fn from(pool: &'s MySqlPool) -> Self {
        Self::Pool(pool)
    }
}

impl<'s> From<&'s mut MySqlConnection> for Source<'s> {
    fn from(connection: &'s mut MySqlConnection) -> Self {
        Self::Connection(connection)
    }
}

/// Calls `each` with the rows, as they come in; returns the number of rows that were changed.
pub(crate) async fn fetch_each<'s>(
    source: impl Into<Source<'s>>,
    template: &SqlTemplate,
    fill: impl FnOnce(Params<'_>) -> Params<'_>,
    mut each: impl FnMut(MySqlRow) -> Result<(), sqlx::Error> + Send,
) -> Result<u64, sqlx::Error> {
    run(source.into(), statement(template, fill), &mut each).await
}

/// Boxed, since the futures of reads are nested deeply as it is.
fn run<'r>(
    source: Source<'r>,
    sql: String,
    each: &'r mut (dyn FnMut(MySqlRow) -> Result<(), sqlx::Error> + Send),
) -> BoxFuture<'r, Result<u64, sqlx::Error>> {
    Box::pin(async move {
        match source {
            Source::Connection(connection) => db::within(db::LONG_STATEMENT, run_on(connection, sql, each)).await,
            Source::Pool(pool) => {
                let mut reader = Reader::acquire(pool).await?;
                let done = db::within(db::ROUND_TRIP, run_on(reader.connection()?, sql, each)).await;
                reader.end(&done, pool);
                done
            }
        }
    })
}

pub(crate) async fn fetch_all<'s>(
    source: impl Into<Source<'s>>,
    template: &SqlTemplate,
    fill: impl FnOnce(Params<'_>) -> Params<'_>,
) -> Result<Vec<MySqlRow>, sqlx::Error> {
    let mut rows = Vec::new();
    fetch_each(source, template, fill, |row| {
        rows.push(row);
        Ok(())
    })
    .await?;
    Ok(rows)
}

/// The first row.
pub(crate) async fn fetch_optional<'s>(
    source: impl Into<Source<'s>>,
    template: &SqlTemplate,
    fill: impl FnOnce(Params<'_>) -> Params<'_>,
) -> Result<Option<MySqlRow>, sqlx::Error> {
    Ok(fetch_all(source, template, fill).await?.into_iter().next())
}

pub(crate) async fn fetch_one<'s>(
    source: impl Into<Source<'s>>,
    template: &SqlTemplate,
    fill: impl FnOnce(Params<'_>) -> Params<'_>,
) -> Result<MySqlRow, sqlx::Error> {
    fetch_optional(source, template, fill).await?.ok_or(sqlx::Error::RowNotFound)
}

/// The number of rows that were changed.
pub(crate) async fn execute<'s>(
    source: impl Into<Source<'s>>,
    template: &SqlTemplate,
    fill: impl FnOnce(Params<'_>) -> Params<'_>,
) -> Result<u64, sqlx::Error> {
    fetch_each(source, template, fill, |_| Ok(())).await
}

async fn run_on(
    connection: &mut MySqlConnection,
    sql: String,
    each: &mut (dyn FnMut(MySqlRow) -> Result<(), sqlx::Error> + Send),
) -> Result<u64, sqlx::Error> {
    let mut changed = 0;
    // Built of a template and of literals.
    let mut results = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(connection);
    while let Some(result) = results.try_next().await? {
        match result {
            Either::Right(row) => each(row)?,
            Either::Left(done) => changed += done.rows_affected(),
        }
    }
    Ok(changed)
}

fn statement(template: &SqlTemplate, fill: impl FnOnce(Params<'_>) -> Params<'_>) -> String {
    let mut sql = SqlWriter::default();
    fill(template.params(&mut sql, None)).end();
    sql.into_text()
}
