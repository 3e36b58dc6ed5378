//! What counts and from where, to be shown.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::{Origin, name, settings, text_of};

/// What stands in the place of a secret.
const REDACTED: &str = "***";

/// A setting, and what counts for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The setting's name: its flag without the dashes.
    pub name: String,
    /// What counts, as text; a secret is not in it. `None`: nothing was said and there is no default.
    pub value: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
}

pub(crate) fn rows(
    command: &Command,
    matches: &ArgMatches,
    outside: &BTreeMap<String, (Vec<OsString>, Origin)>,
) -> Vec<Row> {
    let row = |arg: &Arg| {
        let id = arg.get_id().as_str();
        let origin = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => Origin::Flag(format!("--{}", name(arg))),
            Some(ValueSource::EnvVariable) => Origin::Environment(variable(arg)),
            _ => outside.get(name(arg)).map_or(Origin::Default, |(_, origin)| origin.clone()),
        };
        let values: Option<Vec<_>> = matches.get_raw(id).map(Iterator::collect);
        let value = values.filter(|values| !values.is_empty()).map(|values| text_of(&values));
        let value = if arg.is_hide_env_values_set() { value.map(|text| redacted(&text)) } else { value };
        Row { name: name(arg).to_owned(), value, origin }
    };
    settings(command).map(row).collect()
}

fn variable(arg: &Arg) -> String {
    arg.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A secret, not to be read; of a URL with a password, the rest stays.
fn redacted(secret: &str) -> String {
    let url = secret.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)));
    match url {
        Some((scheme, (login, rest))) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:{REDACTED}@{rest}")
        }
        None => REDACTED.to_owned(),
    }
}
