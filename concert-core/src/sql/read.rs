//! Single statements outside of any batch.

use futures_util::Stream;
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, Executor, MySql, RawSql};

use super::template::{Params, SqlTemplate};
use super::writer::SqlWriter;

/// The rows, as they come in.
pub(crate) fn fetch<'e>(
    executor: impl Executor<'e, Database = MySql> + 'e,
    template: &SqlTemplate,
    fill: impl FnOnce(Params<'_>) -> Params<'_>,
) -> impl Stream<Item = Result<MySqlRow, sqlx::Error>> + Send + 'e {
    statement(template, fill).fetch(executor)
}

pub(crate) async fn fetch_all<'e>(
    executor: impl Executor<'e, Database = MySql>,
    template: &SqlTemplate,
    fill: impl FnOnce(Params<'_>) -> Params<'_>,
) -> Result<Vec<MySqlRow>, sqlx::Error> {
    statement(template, fill).fetch_all(executor).await
}

pub(crate) async fn fetch_optional<'e>(
    executor: impl Executor<'e, Database = MySql>,
    template: &SqlTemplate,
    fill: impl FnOnce(Params<'_>) -> Params<'_>,
) -> Result<Option<MySqlRow>, sqlx::Error> {
    statement(template, fill).fetch_optional(executor).await
}

pub(crate) async fn fetch_one<'e>(
    executor: impl Executor<'e, Database = MySql>,
    template: &SqlTemplate,
    fill: impl FnOnce(Params<'_>) -> Params<'_>,
) -> Result<MySqlRow, sqlx::Error> {
    statement(template, fill).fetch_one(executor).await
}

/// The number of rows that were changed.
pub(crate) async fn execute<'e>(
    executor: impl Executor<'e, Database = MySql>,
    template: &SqlTemplate,
    fill: impl FnOnce(Params<'_>) -> Params<'_>,
) -> Result<u64, sqlx::Error> {
    statement(template, fill).execute(executor).await.map(|done| done.rows_affected())
}

fn statement(template: &SqlTemplate, fill: impl FnOnce(Params<'_>) -> Params<'_>) -> RawSql {
    let mut sql = SqlWriter::default();
    fill(template.params(&mut sql, None)).end();
    // Built of a template and of literals.
    sqlx::raw_sql(AssertSqlSafe(sql.into_text()))
}
