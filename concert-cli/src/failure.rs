//! Why a command fails.

use std::io;

use concert_core::{Error, InvalidInput};

const REFUSED: u8 = 1;
const USAGE: u8 = 2;

/// Why a command fails. Like those of the library, each has a stable code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The box office says so.
    #[error(transparent)]
    BoxOffice(#[from] Error),
    /// The database has no schema yet.
    #[error("{0}; run `concert-cli migrate`")]
    NotMigrated(Error),
    /// An earlier run used the same seed number.
    #[error("this database has data of seed {seed} already; choose another --seed")]
    SeedTaken { seed: u64, refusal: Error },
    /// The invariants do not hold.
    #[error("the database breaks an invariant; offending rows: {0}")]
    Violations(usize),
    /// The command line or an input asks for what cannot be.
    #[error("{0}")]
    Usage(String),
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// The operating system refuses.
    #[error("cannot {what}")]
    Io { what: String, source: io::Error },
}

impl From<InvalidInput> for Failure {
    fn from(invalid: InvalidInput) -> Self {
        Self::BoxOffice(invalid.into())
    }
}

impl Failure {
    pub fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    /// Its stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BoxOffice(error) | Self::NotMigrated(error) | Self::SeedTaken { refusal: error, .. } => error.code(),
            Self::Violations(_) => "INVARIANT_VIOLATED",
            Self::Usage(_) => "INVALID_REQUEST",
            Self::Interrupted => "INTERRUPTED",
            Self::Io { .. } => "IO",
        }
    }

    /// What the shell learns of it.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::BoxOffice(Error::InvalidInput(_)) | Self::Usage(_) => USAGE,
            _ => REFUSED,
        }
    }

    /// Whether whoever read our results has seen enough, as `head` has: that is no failure.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}
