//! Values that are refused: all of them, where clap names the first alone.

use std::error::Error as _;
use std::ffi::OsString;

use clap::builder::ValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command};

use crate::name;

/// What a command line is, its refused values taken as they are; with the refusal of each of them.
///
/// # Errors
/// Whatever else is wrong with the command line; clap's help and version.
pub fn parse(command: &mut Command, arguments: &[OsString]) -> Result<(ArgMatches, Vec<clap::Error>), clap::Error> {
    let first = match command.try_get_matches_from_mut(arguments) {
        Ok(matches) => return Ok((matches, Vec::new())),
        Err(error) => error,
    };
    let (mut lenient, mut refused) = (command.clone(), vec![first]);
    loop {
        let Some(id) = refused.last().and_then(|error| argument(command, error)).map(|arg| arg.get_id().clone()) else {
            // It is about no value of a setting: clap's own words say it best.
            return Err(refused.swap_remove(0));
        };
        lenient = takes_anything(lenient, &id);
        match lenient.try_get_matches_from_mut(arguments) {
            Ok(matches) => return Ok((matches, refused)),
            Err(error) if argument(command, &error).is_some_and(|arg| *arg.get_id() != id) => refused.push(error),
            Err(error) => return Err(error),
        }
    }
}

/// The setting whose value is refused.
pub fn argument<'c>(command: &'c Command, error: &clap::Error) -> Option<&'c Arg> {
    let (ErrorKind::InvalidValue | ErrorKind::ValueValidation) = error.kind() else { return None };
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else { return None };
    crate::settings(command).find(|arg| arg.to_string() == *shown)
}

fn takes_anything(command: Command, id: &clap::Id) -> Command {
    let below: Vec<_> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let command = command.mut_args(|arg| match arg.get_id() == id {
        true => arg.value_parser(ValueParser::os_string()),
        false => arg,
    });
    below.into_iter().fold(command, |command, name| command.mut_subcommand(name, |below| takes_anything(below, id)))
}

/// The refusal of a setting's value in one line, without a secret in it.
pub fn refusal(arg: &Arg, value: &str, error: &clap::Error) -> String {
    let shown = if arg.is_hide_env_values_set() { String::new() } else { format!(" \"{value}\"") };
    let words: Vec<_> = arg.get_possible_values().iter().map(|word| format!("\"{}\"", word.get_name())).collect();
    let why = match error.source() {
        Some(source) => source.to_string(),
        None if !words.is_empty() => format!("{} is expected", words.join(" or ")),
        None => error.kind().to_string(),
    };
    format!("{}: it does not take{shown}: {why}", name(arg))
}
