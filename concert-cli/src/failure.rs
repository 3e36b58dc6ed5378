//! Why a command fails.

use std::io;
use std::path::PathBuf;

use concert_core::{Error, InvalidInput};

use crate::texts::{cannot, locale, told};

const REFUSED: u8 = 1;
const USAGE: u8 = 2;

/// Why a command fails. Like those of the library, each has a stable code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A refusal or failure of the box office.
    #[error(transparent)]
    BoxOffice(#[from] Error),
    /// Nobody has made a private database there.
    #[error(
        "there is no private database in {}; name its folder with --data-dir, or make one with `concert-cli migrate`, \
         `concert-cli seed` or concert-server",
        folder.display()
    )]
    NoPrivateDatabase { folder: PathBuf },
    /// The database has no schema yet.
    #[error("{0}; run `concert-cli migrate`")]
    NotMigrated(Error),
    /// An earlier run used the same seed number.
    #[error("this database has data of seed {seed} already; choose another --seed")]
    SeedTaken { seed: u64, refusal: Error },
    /// The invariants do not hold.
    #[error("the database breaks an invariant; offending rows: {0}")]
    Violations(usize),
    /// The doctor found what must be changed.
    #[error("{0} of these must be changed")]
    MustChange(usize),
    /// Something is left to do.
    #[error("{0}")]
    Unfinished(String),
    /// Seats that were named stayed as they were.
    #[error("refused seats: {0}")]
    SeatsRefused(usize),
    /// A draw is not that of the tokens.
    #[error("the draw is not that of the tokens in the database")]
    DrawDisagrees,
    /// The command line or an input is not valid.
    #[error("{0}")]
    Usage(String),
    /// The operator was asked and did not say yes.
    #[error("nothing was done")]
    NotConfirmed,
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// An operation of the operating system failed.
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

    /// What it says to people; as text it is English.
    pub fn told(&self) -> String {
        match self {
            Self::BoxOffice(error) => error.told(locale()),
            Self::Io { what, .. } => cannot(what),
            _ => told(&self.to_string()),
        }
    }

    /// Its stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BoxOffice(error) | Self::NotMigrated(error) | Self::SeedTaken { refusal: error, .. } => error.code(),
            Self::NoPrivateDatabase { .. } => "NO_DATABASE",
            Self::Violations(_) => "INVARIANT_VIOLATED",
            Self::MustChange(_) => "MUST_CHANGE",
            Self::Unfinished(_) => "UNFINISHED",
            Self::SeatsRefused(_) => "SEATS_REFUSED",
            Self::DrawDisagrees => "DRAW_DISAGREES",
            Self::Usage(_) => "INVALID_REQUEST",
            Self::NotConfirmed => "NOT_CONFIRMED",
            Self::Interrupted => "INTERRUPTED",
            Self::Io { .. } => "IO",
        }
    }

    /// The exit code.
    pub const fn exit_code(&self) -> u8 {
        match self {
            // An input that no rule takes is wrong on the command line, whoever has noticed.
            Self::BoxOffice(Error::InvalidInput(_)) | Self::Usage(_) => USAGE,
            _ => REFUSED,
        }
    }

    /// Whether the reader of our results has closed the pipe, as `head` does: that is not a failure.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}
