//! The settings of a program: from its flags, its environment, systemd's credentials, a file, and defaults, in this order.
//!
//! Each setting stands once, as an option of the program's clap command. An option with an environment variable is a
//! setting; its long flag is its name in the file. What the file says becomes the option's default before the command
//! line is parsed, so that parsing, checking and help are clap's in all cases.
//!
//! # Layout
//! - `file`: finding and reading `concert.toml`.
//! - `help`: the help of a program in another language.
//! - `kind`: what a setting takes, read off its option.
//! - `names`: what may stand in the file, the settings of other programs included.
//! - `origin`: where a value comes from; which of two settings for one thing counts.
//! - `refused`: values that are refused, all of them.
//! - `report`: what counts and from where, to be shown.
//! - `usage`: usage errors, and the same in another language.

mod file;
mod help;
mod kind;
mod names;
mod origin;
mod refused;
mod report;
mod usage;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command};

use self::file::SettingsFile;
pub use self::help::HelpTexts;
pub use self::names::NAMES;
pub use self::origin::Origin;
pub use self::report::Row;
pub use self::usage::{AsWritten, usage_error};

/// Where a file is looked for unless one is named; the first that there is counts.
pub const USUAL_FILES: [&str; 2] = ["concert.toml", "/etc/concert/concert.toml"];
/// The option that names the file.
const FILE_OPTION: &str = "config";
/// The ending of settings that name a file with a secret: `jwt-secret-file` and `jwt-secret` are for the same thing.
const SECRET_FILE: &str = "-file";

/// Where settings are looked for, beside the flags.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The files that are read if none is named: the first that there is.
    pub usual_files: Vec<PathBuf>,
    /// The folder of systemd's credentials: a file in it that is named as a secret is that secret.
    pub credentials: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            usual_files: USUAL_FILES.map(PathBuf::from).to_vec(),
            credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
        }
    }
}

/// The settings of a program, with where each comes from.
#[derive(Debug)]
pub struct Settings {
    /// To build the program's own struct from, with clap's `FromArgMatches`.
    pub matches: ArgMatches,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// What is doubtful, for the log.
    pub warnings: Vec<String>,
    rows: Vec<Row>,
}

impl Settings {
    /// Reads the settings of a program with `command`; `finish` is applied to the command after the file's values are
    /// in it.
    ///
    /// # Errors
    /// Usage errors: of the command line, of the file, of two settings for one thing from the same place; and clap's
    /// help and version.
    pub fn read(
        command: &Command,
        finish: impl Fn(Command) -> Command,
        arguments: impl IntoIterator<Item = OsString>,
        surroundings: &Surroundings,
    ) -> Result<Self, clap::Error> {
        let arguments: Vec<_> = arguments.into_iter().collect();
        let parsed = without_empty_variables(command.clone());
        let mut finished = finish(parsed.clone());
        let (mut matches, refused) = refused::parse(&mut finished, &arguments)?;
        let file = SettingsFile::open(named_file(&matches), &surroundings.usual_files);
        let file = file.and_then(|file| file.map(|file| file.checked(command)).transpose());
        let file = all_accepted(&mut finished, refused, file)?.unwrap_or_default();
        let mut outside: BTreeMap<String, (Vec<OsString>, Origin)> = file.values;
        for (name, path) in credentials(command, surroundings.credentials.as_deref()) {
            outside.remove(name.trim_end_matches(SECRET_FILE));
            outside.insert(name, (vec![path.into_os_string()], Origin::Credential));
        }
        if !outside.is_empty() {
            finished = finish(with_defaults(parsed, &outside));
            matches = finished.try_get_matches_from_mut(&arguments)?;
        }
        let mut rows = report::rows(command, &matches, &outside);
        origin::settle_twins(command, &mut finished, &mut matches, &mut rows)?;
        Ok(Self { matches, file: file.path, warnings: file.warnings, rows })
    }

    /// What counts and from where, by name; secrets are not in it.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

/// What the file says, unless it or a value from elsewhere is refused: then everything that is.
fn all_accepted<File>(
    command: &mut Command,
    mut refused: Vec<clap::Error>,
    file: Result<File, String>,
) -> Result<File, clap::Error> {
    let in_file = match file {
        // One alone is told by clap, which knows more of it.
        Ok(_) if refused.len() == 1 => return Err(refused.swap_remove(0)),
        Ok(file) if refused.is_empty() => return Ok(file),
        Ok(_) => None,
        Err(why) => Some(why),
    };
    let elsewhere = refused.iter().filter_map(|error| {
        let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else { return None };
        Some(refused::refusal(refused::argument(command, error)?, value, error))
    });
    let all: Vec<_> = elsewhere.chain(in_file).collect();
    Err(usage_error(command, ErrorKind::ValueValidation, all.join("\n")))
}

/// The options of a command that are settings.
fn settings(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| arg.get_env().is_some() && name(arg) != FILE_OPTION)
}

/// The name of a setting.
fn name(arg: &Arg) -> &str {
    arg.get_long().unwrap_or_default()
}

/// The names of a command's settings.
pub fn names(command: &Command) -> impl Iterator<Item = &str> {
    settings(command).map(name)
}

/// A variable without a value counts as unset: `CONCERT_LISTEN=` in a file for compose is no address.
fn without_empty_variables(command: Command) -> Command {
    command.mut_args(|arg| {
        let is_empty = arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
        if is_empty { arg.env(None::<&'static str>) } else { arg }
    })
}

fn named_file(matches: &ArgMatches) -> Option<&Path> {
    matches.try_get_one::<PathBuf>(FILE_OPTION).ok().flatten().map(PathBuf::as_path)
}

/// The secrets that systemd gives: of each setting `x-file`, the credential `x`.
fn credentials(command: &Command, folder: Option<&Path>) -> Vec<(String, PathBuf)> {
    let Some(folder) = folder else { return Vec::new() };
    let of = |arg: &Arg| {
        let path = folder.join(name(arg).strip_suffix(SECRET_FILE)?);
        path.is_file().then(|| (name(arg).to_owned(), path))
    };
    settings(command).filter_map(of).collect()
}

fn with_defaults(command: Command, outside: &BTreeMap<String, (Vec<OsString>, Origin)>) -> Command {
    command.mut_args(|arg| match outside.get(name(&arg)) {
        Some((values, _)) => {
            let values: Vec<_> = values.iter().map(clap::builder::OsStr::from).collect();
            arg.default_values(values)
        }
        None => arg,
    })
}

/// The values of an option, as text.
fn text_of(values: &[impl AsRef<OsStr>]) -> String {
    let values: Vec<_> = values.iter().map(|value| value.as_ref().to_string_lossy()).collect();
    values.join(",")
}

#[cfg(test)]
mod tests;
