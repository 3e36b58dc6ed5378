//! Why an attempt at a transaction failed, and whether to try again.

use std::sync::Arc;

use super::class::{Class, classify, is_duplicate_key, is_lock_not_had};
use crate::error::Error;

/// Why an attempt at a transaction failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database has undone it, or will on ROLLBACK: run it again as a whole.
    Conflict(sqlx::Error),
    /// The connection or the server is gone, before COMMIT: nothing happened.
    Lost(sqlx::Error),
    /// COMMIT got no answer: it may have happened.
    CommitUnknown(sqlx::Error),
    /// A guard failed: rows were not as they must be, and nothing happened.
    Guard {
        /// What the guarded statement was to do.
        act: &'static str,
    },
    /// Trying again would not help.
    Fatal(sqlx::Error),
    /// Code of ours panicked; nothing happened.
    Panicked,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match classify(&error) {
            Class::Conflict => Self::Conflict(error),
            Class::Lost | Class::Interrupted | Class::Refused => Self::Lost(error),
            Class::Fatal => Self::Fatal(error),
        }
    }
}

impl Failure {
    /// The same failure after COMMIT was sent. An error from the server means that nothing was committed, unless it says
    /// that the server broke off; without an answer it is unknown.
    pub(crate) fn after_commit_was_sent(self) -> Self {
        let is_unknown =
            |error: &_| sqlx::Error::as_database_error(error).is_none() || classify(error) == Class::Interrupted;
        match self {
            Self::Conflict(error) | Self::Lost(error) | Self::Fatal(error) if is_unknown(&error) => {
                Self::CommitUnknown(error)
            }
            failure => failure,
        }
    }

    /// The failure of a script that did not come to its COMMIT in time. It changed nothing.
    pub(crate) fn of_late_script() -> Self {
        Self::Lost(sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            "the database ran a script too late, so nothing of it was done",
        )))
    }

    /// The failure that a panic of ours is. After COMMIT was sent, it is unknown whether the commit happened.
    pub(crate) fn of_panic(commit_was_sent: bool) -> Self {
        if commit_was_sent { Self::CommitUnknown(sqlx::Error::WorkerCrashed) } else { Self::Panicked }
    }

    /// Whether no answer came, or no connection, so that the next attempt may wait as long again.
    pub(crate) const fn is_silence(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::CommitUnknown(_))
    }

    /// Whether the database has undone it, or will on ROLLBACK, and the connection can be used further.
    pub(crate) const fn is_undone(&self) -> bool {
        matches!(self, Self::Guard { .. } | Self::Conflict(_) | Self::Fatal(_))
    }

    /// A word for logs and metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Conflict(_) => "conflict",
            Self::Lost(_) => "connection_lost",
            Self::CommitUnknown(_) => "commit_unknown",
            Self::Guard { .. } => "guard",
            Self::Fatal(_) => "fatal",
            Self::Panicked => "panicked",
        }
    }

    /// Whether the same transaction may succeed when it is run again.
    pub(crate) const fn may_pass(&self) -> bool {
        !matches!(self, Self::Fatal(_) | Self::Panicked)
    }

    /// Whether one command of a batch may be the cause, so that splitting the batch would help the others.
    pub(crate) fn may_lie_in_one(&self) -> bool {
        match self {
            // Deadlocks and conflicts of snapshots are between transactions: no command of ours is their cause.
            Self::Conflict(error) => is_lock_not_had(error) || is_duplicate_key(error),
            Self::Fatal(_) | Self::Panicked | Self::Guard { .. } => true,
            Self::Lost(_) | Self::CommitUnknown(_) => false,
        }
    }

    /// Whether it came after a long wait, and the next attempt would most likely wait as long and fail again.
    pub(crate) fn repeats(&self) -> bool {
        matches!(self, Self::Conflict(error) if is_lock_not_had(error))
    }

    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Conflict(error) | Self::Lost(error) | Self::CommitUnknown(error) => {
                Error::Unavailable(Arc::new(error))
            }
            Self::Fatal(error) => Error::internal(error),
            Self::Guard { act } => {
                Error::internal(std::io::Error::other(format!("{act}: the rows were not what they must be")))
            }
            Self::Panicked => Error::internal(std::io::Error::other("a rule panicked")),
        }
    }
}
