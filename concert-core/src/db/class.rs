//! What an error of the database means for who met it.

use std::sync::Arc;

use sqlx::mysql::MySqlDatabaseError;

use super::bounds::is_no_answer;
use super::numbers::class_of;
use crate::error::Error;

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The transaction is undone or must be: run it again.
    Conflict,
    /// Nothing was done: try another connection, or later.
    Lost,
    /// It broke off: as [`Class::Lost`], but at a COMMIT nobody knows whether it was done.
    Interrupted,
    /// The server does not let this account in: as [`Class::Lost`] while a box office runs, since an operator may be
    /// changing a password; a wrong setting when it starts.
    Refused,
    /// Trying again would not help.
    Fatal,
}

/// Sorts an error by the number that the server gave; `DatabaseError::kind()` calls most of these `Other`.
pub(crate) fn classify(error: &sqlx::Error) -> Class {
    match error {
        sqlx::Error::Database(_) => number(error).map_or(Class::Fatal, class_of),
        // The line broke: nobody here can see whether the server has carried out the statement.
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Class::Interrupted,
        // What is left was made on this side: a column that is not there, a value that cannot be read.
        _ => Class::Fatal,
    }
}

/// Whether another transaction kept a lock for longer than this connection waits.
pub(super) fn is_lock_not_had(error: &sqlx::Error) -> bool {
    const LOCK_WAIT_TIMEOUT: u16 = 1205;
    const LOCK_NOT_AVAILABLE: u16 = 3572;
    matches!(number(error), Some(LOCK_WAIT_TIMEOUT | LOCK_NOT_AVAILABLE))
}

pub(super) fn is_duplicate_key(error: &sqlx::Error) -> bool {
    const DUPLICATE_KEY: u16 = 1062;
    number(error) == Some(DUPLICATE_KEY)
}

/// Whether the database, or a table or column that a statement named, is not there.
pub(crate) fn is_missing(error: &sqlx::Error) -> bool {
    const UNKNOWN_DATABASE: u16 = 1049;
    const UNKNOWN_COLUMN: u16 = 1054;
    const NO_SUCH_TABLE: u16 = 1146;
    matches!(number(error), Some(UNKNOWN_DATABASE | UNKNOWN_COLUMN | NO_SUCH_TABLE))
}

/// Whether the server has no connection left, for all or for this account.
pub(crate) fn is_no_connection_left(error: &sqlx::Error) -> bool {
    const TOO_MANY_CONNECTIONS: u16 = 1040;
    const TOO_MANY_USER_CONNECTIONS: u16 = 1203;
    const USER_LIMIT_REACHED: u16 = 1226;
    matches!(number(error), Some(TOO_MANY_CONNECTIONS | TOO_MANY_USER_CONNECTIONS | USER_LIMIT_REACHED))
}

/// Whether the server had ended the connection before it was used again. One that gave no answer is not among them: a
/// second wait would be as long.
pub(super) fn is_dead_connection(error: &sqlx::Error) -> bool {
    const CLOSED_WHILE_IDLE: u16 = 4031;
    const KILLED: u16 = 1927;
    (matches!(error, sqlx::Error::Io(_)) && !is_no_answer(error))
        || matches!(number(error), Some(CLOSED_WHILE_IDLE | KILLED))
}

/// Whether an expression had no value of its type.
pub(crate) fn is_out_of_range(error: &sqlx::Error) -> bool {
    const DATA_OUT_OF_RANGE: u16 = 1690;
    number(error) == Some(DATA_OUT_OF_RANGE)
}

/// The same of an integer, unlike a guard's `exp(1000)`. The name of the type is in the message in every language.
pub(crate) fn is_integer_out_of_range(error: &sqlx::Error) -> bool {
    is_out_of_range(error) && error.as_database_error().is_some_and(|error| error.message().contains("BIGINT"))
}

fn number(error: &sqlx::Error) -> Option<u16> {
    error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}

pub(crate) fn to_error(error: sqlx::Error) -> Error {
    match classify(&error) {
        Class::Conflict | Class::Lost | Class::Interrupted => Error::Unavailable(Arc::new(error)),
        Class::Refused => {
            tracing::error!(%error, "the database does not let this account in");
            Error::Unavailable(Arc::new(error))
        }
        Class::Fatal => {
            tracing::error!(%error, "the database refused a statement");
            Error::internal(error)
        }
    }
}
