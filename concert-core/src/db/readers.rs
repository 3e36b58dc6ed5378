//! The connections of reads.

use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, MySql, MySqlConnection, MySqlPool};

use super::bounds::{CONNECT, PING, is_no_answer, within};
use super::class::{is_dead_connection, to_error};
use super::session;
use crate::error::Error;

/// Connections that nobody used for this long are closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// A connection that nobody used for this long is asked whether it is alive before it is used.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// How often a read is tried when its connection turns out to be dead.
const READ_ATTEMPTS: u32 = 3;

/// The pool of the box office's reads, of at most `most` connections. It connects when it is first used.
pub(crate) fn read_pool(options: MySqlConnectOptions, most: u32) -> MySqlPool {
    MySqlPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(CONNECT)
        .idle_timeout(IDLE_TIMEOUT)
        // The pool's own test would come before every use, and has no bound. The one below comes after a pause only.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                // An error closes it, and the read gets another.
                if about.idle_for > TRUSTED_FOR {
                    within(PING, connection.ping()).await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| Box::pin(session::set_up(connection)))
        .connect_lazy_with(options)
}

/// A connection of the pool, for one read. Dropped before [`Reader::end`], it is closed: the pool would wait for its
/// answer, for ever if it has gone silent.
pub(crate) struct Reader(Option<PoolConnection<MySql>>);

impl Reader {
    pub(crate) async fn acquire(pool: &MySqlPool) -> Result<Self, sqlx::Error> {
        pool.acquire().await.map(|connection| Self(Some(connection)))
    }

    pub(crate) fn connection(&mut self) -> Result<&mut MySqlConnection, sqlx::Error> {
        self.0.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Gives it back, or, where its connection was dead or gave no answer, closes it and the idle ones of `pool`: most
    /// likely they are no better.
    pub(crate) fn end<T>(self, done: &Result<T, sqlx::Error>, pool: &MySqlPool) {
        match done {
            Err(error) if is_dead_connection(error) || is_no_answer(error) => {
                while let Some(idle) = pool.try_acquire() {
                    drop(idle.detach());
                }
            }
            // Whoever has the server's whole answer can give the connection back.
            Err(error) if error.as_database_error().is_none() => {}
            _ => self.finish(),
        }
    }

    /// Gives it back to the pool. The server must have answered.
    fn finish(mut self) {
        if let Some(mut connection) = self.0.take() {
            // The pool asks it whether it is alive, with no bound of its own.
            tokio::spawn(tokio::time::timeout(PING, connection.return_to_pool()));
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Out of the pool, which may then open another; and closed.
        drop(self.0.take().map(PoolConnection::detach));
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
            Err(error) if attempts < READ_ATTEMPTS && is_dead_connection(&error) => attempts += 1,
            Err(error) => return Err(to_error(error)),
        }
    }
}
