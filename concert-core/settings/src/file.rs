//! Finding and reading `concert.toml`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use toml::de::{DeTable, DeValue};

use crate::kind::command_line_values;
use crate::refused::refusal;
use crate::{NAMES, Origin, name, names, settings};

/// The largest file that is read.
const LARGEST: u64 = 1024 * 1024;
/// How alike a known name must be to be suggested, from 0 to 1.
const ALIKE: f64 = 0.7;

/// The text of a file.
pub struct SettingsFile {
    path: PathBuf,
    text: String,
}

/// What a file says, checked against a command.
#[derive(Default)]
pub struct Checked {
    pub path: Option<PathBuf>,
    pub warnings: Vec<String>,
    /// The values of the command's own settings, as the command line would have them.
    pub values: BTreeMap<String, (Vec<OsString>, Origin)>,
}

impl SettingsFile {
    /// The file that is named, or the first of the usual ones that there is.
    pub fn open(named: Option<&Path>, usual: &[PathBuf]) -> Result<Option<Self>, String> {
        let path = match named {
            Some(path) => path,
            None => match usual.iter().find(|path| path.exists()) {
                Some(path) => path,
                None => return Ok(None),
            },
        };
        let text = read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Ok(Some(Self { path: path.to_owned(), text }))
    }

    /// Checks every line; the error names all that are wrong.
    pub fn checked(self, command: &Command) -> Result<Checked, String> {
        let table = DeTable::parse(&self.text).map_err(|error| {
            let at = error.span().map_or(String::new(), |span| format!(":{}", self.line(span.start)));
            format!("{}{at}: {}", self.path.display(), error.message())
        })?;
        let alone = options_alone(command);
        let mut checked = Checked { path: Some(self.path.clone()), ..Checked::default() };
        let mut wrong = Vec::new();
        for (key, value) in table.get_ref() {
            let (key, line) = (key.get_ref().as_ref(), self.line(key.span().start));
            let known = settings(command).find(|arg| name(arg) == key);
            let values = match known {
                Some(arg) => self.values(arg, value.get_ref(), &alone).map(Some),
                None if NAMES.contains(&key) => Ok(None),
                None => Err(unknown(key, value.get_ref(), command)),
            };
            match values {
                Ok(None) => {}
                Ok(Some(values)) => {
                    let origin = Origin::File { path: self.path.clone(), line };
                    checked.values.insert(key.to_owned(), (values, origin));
                }
                Err(why) => wrong.push((line, why)),
            }
        }
        wrong.sort();
        if wrong.is_empty() {
            checked.warnings = self.keeps_secrets(command, &checked)?;
            return Ok(checked);
        }
        let lines = wrong.iter().map(|(line, why)| format!("{}:{line}: {why}", self.path.display()));
        Err(lines.collect::<Vec<_>>().join("\n"))
    }

    fn values(&self, arg: &Arg, value: &DeValue<'_>, alone: &Command) -> Result<Vec<OsString>, String> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let values = command_line_values(arg, value, folder).map_err(|why| format!("{}: {why}", name(arg)))?;
        try_values(arg, &values, alone)?;
        Ok(values)
    }

    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }

    /// A file with a secret in it is kept as one: nobody else writes it, better nobody else reads it.
    fn keeps_secrets(&self, command: &Command, checked: &Checked) -> Result<Vec<String>, String> {
        let secrets = settings(command).filter(|arg| arg.is_hide_env_values_set()).map(name);
        let Some(secret) = secrets.into_iter().find(|name| checked.values.contains_key(*name)) else {
            return Ok(Vec::new());
        };
        let (path, mode) = (self.path.display(), mode(&self.path));
        if mode & 0o002 != 0 {
            return Err(format!(
                "every user of this machine can change {path}, which has {secret} in it; chmod 600 it"
            ));
        }
        let readable = mode & 0o004 != 0;
        Ok(readable
            .then(|| format!("every user of this machine can read {secret} in {path}; chmod 600 it"))
            .into_iter()
            .collect())
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    fs::metadata(path).map(|file| std::os::unix::fs::MetadataExt::mode(&file)).unwrap_or_default()
}

#[cfg(not(unix))]
fn mode(_: &Path) -> u32 {
    0
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is larger than 1 MiB"));
    }
    Ok(text)
}

/// The command's options without commands, variables and requirements, to try one value at a time.
fn options_alone(command: &Command) -> Command {
    let options =
        command.get_arguments().map(|arg| arg.clone().env(None::<&'static str>).global(false).required(false));
    Command::new(command.get_name().to_owned()).no_binary_name(true).args(options)
}

/// Whether the command line would take these values; if not, why, without a secret in it.
fn try_values(arg: &Arg, values: &[OsString], alone: &Command) -> Result<(), String> {
    for value in values {
        let mut flag = OsString::from(format!("--{}=", name(arg)));
        flag.push(value);
        if let Err(error) = alone.clone().try_get_matches_from([flag]) {
            return Err(refusal(arg, &value.to_string_lossy(), &error));
        }
    }
    Ok(())
}

fn unknown(key: &str, value: &DeValue<'_>, command: &Command) -> String {
    let known = names(command).chain(NAMES.iter().copied());
    let alike = known.map(|name| (strsim::jaro_winkler(key, name), name)).filter(|(alike, _)| *alike >= ALIKE);
    let nearest = alike.max_by(|(one, _), (other, _)| one.total_cmp(other));
    match (nearest, value) {
        (_, DeValue::Table(_)) => format!("'{key}' is no setting: the file has no sections, only lines NAME = VALUE"),
        (Some((_, nearest)), _) => format!("unknown setting '{key}': did you mean '{nearest}'?"),
        (None, _) => format!("unknown setting '{key}': `concert-server --help` lists them, without the dashes"),
    }
}
