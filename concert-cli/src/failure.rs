//! Why a command fails, and what the shell learns of it.

use std::error::Error as _;
use std::io;
use std::process::ExitCode;

use concert_core::Error;
use serde_json::json;

use crate::table::{self, Output};

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

impl Failure {
    pub fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    const fn code(&self) -> &'static str {
        match self {
            Self::BoxOffice(error) | Self::NotMigrated(error) | Self::SeedTaken { refusal: error, .. } => error.code(),
            Self::Violations(_) => "INVARIANT_VIOLATED",
            Self::Usage(_) => "INVALID_REQUEST",
            Self::Interrupted => "INTERRUPTED",
            Self::Io { .. } => "IO",
        }
    }

    const fn exit_code(&self) -> u8 {
        match self {
            Self::BoxOffice(Error::InvalidInput(_)) | Self::Usage(_) => USAGE,
            _ => REFUSED,
        }
    }

    /// Whether whoever read our results has seen enough, as `head` has: that is no failure.
    fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Says it on stderr, with all its causes.
    pub fn report(&self, output: Output) -> ExitCode {
        if self.is_closed_pipe() {
            return ExitCode::SUCCESS;
        }
        let mut message = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let reason = error.to_string();
            // Some errors of others repeat their cause.
            if !message.ends_with(&reason) {
                message = format!("{message}: {reason}");
            }
            cause = error.source();
        }
        table::note(&format!("error: {message} ({})", self.code()));
        if output == Output::Json {
            table::note(&json!({"error": {"code": self.code(), "message": message}}).to_string());
        }
        ExitCode::from(self.exit_code())
    }
}
