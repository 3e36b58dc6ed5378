//! Pages of what one user has among the reservations, newest first.

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlPool, Row as _};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::id::UserId;
use crate::page::Page;
use crate::sql::{SqlTemplate, fetch_all, fetch_optional};

/// The three statements of a list. Its rows are in the order of `reserved_at` and `id`, both backwards.
pub(super) struct NewestFirst {
    /// The first page, by `user` and `limit`.
    pub(super) newest: &'static SqlTemplate,
    /// A later page, by `user`, `reserved_at` (twice), `id` and `limit`.
    pub(super) older: &'static SqlTemplate,
    /// When the last row of the page before was reserved, by `id` and `user`.
    pub(super) start: &'static SqlTemplate,
}

impl NewestFirst {
    /// The rows of a page, and one more if there are more; `None`: it starts after something that is not in the list.
    pub(super) async fn rows<I: Copy + Into<Uuid>>(
        &self,
        pool: &MySqlPool,
        user: UserId,
        page: &Page<I>,
    ) -> Result<Option<Vec<MySqlRow>>, sqlx::Error> {
        let Some(last) = page.starting_after().copied().map(Into::into) else {
            return fetch_all(pool, self.newest, |params| params.bind("user", user).bind("limit", page.rows()))
                .await
                .map(Some);
        };
        let start = fetch_optional(pool, self.start, |params| params.bind("id", last).bind("user", user)).await?;
        let Some(start) = start else { return Ok(None) };
        let reserved_at: Timestamp = start.try_get("reserved_at")?;
        let older = fetch_all(pool, self.older, |params| {
            let params = params.bind("user", user).bind("reserved_at", reserved_at).bind("reserved_at", reserved_at);
            params.bind("id", last).bind("limit", page.rows())
        });
        older.await.map(Some)
    }
}
