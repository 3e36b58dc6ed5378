//! Where a value comes from; which of two settings for one thing counts.

use std::fmt;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};

use crate::report::Row;
use crate::{SECRET_FILE, name, settings, usage_error};

/// Where a value comes from. What is greater counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of a file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// systemd's folder of credentials.
    Credential,
    /// An environment variable.
    Environment(String),
    /// The command line.
    Flag(String),
}

impl Origin {
    /// One word for programs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File { .. } => "file",
            Self::Credential => "credential",
            Self::Environment(_) => "environment",
            Self::Flag(_) => "flag",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Credential => f.write_str("credential"),
            Self::Environment(variable) => f.write_str(variable),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// Of `x` and `x-file` only the one from the higher place counts; the other is taken out.
///
/// # Errors
/// When both come from the same place: nobody can say which was meant.
pub fn settle_twins(
    command: &Command,
    finished: &mut Command,
    matches: &mut ArgMatches,
    rows: &mut [Row],
) -> Result<(), clap::Error> {
    let twins: Vec<_> = rows.iter().filter_map(|row| row.name.strip_suffix(SECRET_FILE).map(str::to_owned)).collect();
    for of_text in twins {
        let of_file = format!("{of_text}{SECRET_FILE}");
        let place = |name: &str| rows.iter().position(|row| row.name == name && row.origin != Origin::Default);
        let (Some(text), Some(file)) = (place(&of_text), place(&of_file)) else { continue };
        let (first, second) = (&rows[text].origin, &rows[file].origin);
        if first.word() == second.word() {
            let why = format!("'{first}' and '{second}' both say {of_text}: give one of them");
            let why = match first {
                Origin::File { .. } => format!("{first} has {of_text} and {second} has {of_file}: give one of them"),
                _ => why,
            };
            return Err(usage_error(finished, ErrorKind::ArgumentConflict, why));
        }
        let loser = if first > second { file } else { text };
        let id = settings(command).find(|arg| name(arg) == rows[loser].name).map(|arg| arg.get_id().clone());
        if let Some(id) = id {
            let _ = matches.try_clear_id(id.as_str());
        }
        (rows[loser].value, rows[loser].origin) = (None, Origin::Default);
    }
    Ok(())
}
