//! What goes wrong with a batch.

use std::sync::Arc;

use crate::db;
use crate::error::Error;

/// Why an attempt came to nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database undid it, or will on ROLLBACK: run the whole again.
    Conflict(sqlx::Error),
    /// The connection or the server is gone, before COMMIT: nothing happened.
    Lost(sqlx::Error),
    /// COMMIT got no answer: it may have happened.
    CommitUnknown(sqlx::Error),
    /// A statement hit another number of rows than it must.
    Guard { act: &'static str, expected: usize },
    /// Trying again would not help.
    Fatal(sqlx::Error),
    /// A rule panicked.
    Panicked,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match db::classify(&error) {
            db::Class::Conflict => Self::Conflict(error),
            db::Class::Lost => Self::Lost(error),
            db::Class::Fatal => Self::Fatal(error),
        }
    }
}

impl Failure {
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::Conflict(_) => "conflict",
            Self::Lost(_) => "connection_lost",
            Self::CommitUnknown(_) => "commit_unknown",
            Self::Guard { .. } => "guard",
            Self::Fatal(_) => "fatal",
            Self::Panicked => "panicked",
        }
    }

    pub(super) const fn may_pass(&self) -> bool {
        !matches!(self, Self::Fatal(_) | Self::Panicked)
    }

    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Conflict(error) | Self::Lost(error) | Self::CommitUnknown(error) => {
                Error::Unavailable(Arc::new(error))
            }
            Self::Fatal(error) => Error::internal(error),
            Self::Guard { act, expected } => {
                Error::internal(std::io::Error::other(format!("{act} did not hit {expected} rows")))
            }
            Self::Panicked => Error::internal(std::io::Error::other("a rule panicked")),
        }
    }
}
