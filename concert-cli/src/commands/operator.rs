//! The operator's name, for commands that are recorded.

use std::os::unix::fs::MetadataExt as _;

use clap::Args;
use concert_core::Operator;

use crate::failure::Failure;

#[derive(Debug, Args)]
pub struct By {
    /// Your name, for the log beside the user and host of this process, which it always has: `ann (root@desk-3)`
    #[arg(long = "as", visible_alias = "by", value_name = "NAME")]
    operator: Option<Operator>,
}

impl By {
    pub fn operator(&self) -> Result<Operator, Failure> {
        match &self.operator {
            Some(operator) => Ok(format!("{} ({}@{})", operator.as_str(), user(), host()).parse()?),
            None => process(),
        }
    }
}

/// The user and the host of this process, for acts that take no name.
pub fn process() -> Result<Operator, Failure> {
    Ok(format!("{}@{}", user(), host()).parse()?)
}

/// The name of the user that this process runs as, or the uid if it has no name.
fn user() -> String {
    // Not $USER, in which anybody can write another name.
    let Ok(uid) = std::fs::metadata("/proc/self").map(|process| process.uid()) else {
        return std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned());
    };
    let named = |line: &str| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then(|| name.to_owned())
    };
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    users.lines().find_map(named).unwrap_or_else(|| format!("uid {uid}"))
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "localhost".to_owned() } else { name.trim().to_owned() }
}
