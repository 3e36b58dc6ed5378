//! A bound on every wait for the database. The server's own limits come first, so a bound that is reached means that
//! the connection has gone silent or the server has frozen. Whoever reaches one must drop the connection: its answer
//! may still come.

use std::io;
use std::time::Duration;

/// How long a connection may take to be made and set up.
pub(crate) const CONNECT: Duration = Duration::from_secs(3);
/// How long one round trip of a request may take: a statement ends within 5 s on the server, a wait for a lock within 3.
pub(crate) const ROUND_TRIP: Duration = Duration::from_secs(7);
/// From when on a script that has not come to its COMMIT must not commit any more. Shorter than [`ROUND_TRIP`]: once
/// this side has given up waiting, the outcome can be looked up and will not change.
pub(crate) const LATEST_COMMIT: Duration = Duration::from_secs(6);
/// How long a connection may take to show that it is alive.
pub(crate) const PING: Duration = Duration::from_secs(1);
/// How long a statement over whole tables may take: an audit, a migration. The server's limit is 10 minutes.
pub(crate) const LONG_STATEMENT: Duration = Duration::from_secs(610);

/// Waits for the database no longer than `limit`.
pub(crate) async fn within<T, E: From<sqlx::Error>>(
    limit: Duration,
    wait: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(limit, wait).await.unwrap_or_else(|_| Err(no_answer(limit).into()))
}

fn no_answer(limit: Duration) -> sqlx::Error {
    let text = format!("the database did not answer within {} s", limit.as_secs());
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, text))
}

/// Whether a bound was reached.
pub(super) fn is_no_answer(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}
