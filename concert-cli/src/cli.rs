//! The command line.

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use concert_core::texts::Language;
use concert_settings::{Settings, Surroundings};

use crate::commands::{DatabaseCommand, completions, man};
use crate::database;
use crate::table::{Output, note};
use crate::texts::{HELP, of_environment};

const EXIT_CODES: &str = "\
Results go to stdout, everything else to stderr. NO_COLOR is honoured.

Exit codes:
  0  done
  1  refused or failed, also if only for a part of what was named: what
     was done is on stdout. stderr says `error: <text> (CODE)`
  2  the command line or an input is not valid

With --output json the last line on stderr of 1 and 2 is
{\"error\": {\"code\", \"message\"}}.";

/// The operator's tool of a concert box office.
///
/// It works on the database that --database-url names; without one, on the private MariaDB in --data-dir, which it
/// starts and stops unless a server or another command is running it.
#[derive(Parser)]
#[command(name = "concert-cli", version, after_help = EXIT_CODES, max_term_width = 80)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub database: database::Opts,
    /// How to print results
    #[arg(long, global = true, value_enum, default_value_t = Output::Table, help_heading = "Global options")]
    pub output: Output,
}

#[derive(Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub enum Command {
    #[command(flatten)]
    OnDatabase(DatabaseCommand),
    Completions(completions::Opts),
    Man(man::Opts),
}

/// The global options that `-h` shows; `--help` shows all.
const USUAL_OPTIONS: [&str; 3] = ["database_url", "data_dir", "output"];

/// The command line, in English.
#[cfg(test)]
fn command() -> clap::Command {
    finished(Cli::command())
}

fn finished(command: clap::Command) -> clap::Command {
    let is_unusual = |arg: &clap::Arg| arg.is_global_set() && !USUAL_OPTIONS.contains(&arg.get_id().as_str());
    with_plain_usage(command.mut_args(|arg| if is_unusual(&arg) { arg.hide_short_help(true) } else { arg }))
}

/// Every command with the usage line that its help has. clap would write into that of an error what comes from the
/// environment, as if it were required.
fn with_plain_usage(mut command: clap::Command) -> clap::Command {
    // Only a command that is built has the usage lines of those below it.
    command.build();
    plain_usage(command)
}

fn plain_usage(mut command: clap::Command) -> clap::Command {
    let usage = command.render_usage().to_string();
    let names: Vec<_> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, plain_usage);
    }
    command.override_usage(usage.trim_start_matches("Usage: ").to_owned())
}

/// The same, with its help in the language of the environment.
fn shown(command: clap::Command) -> clap::Command {
    match of_environment() {
        Language::English => finished(command),
        Language::Korean => HELP.translate(finished(command)),
    }
}

/// Parses the command line of this process, over what its environment and its file say.
pub fn parse() -> Result<Cli, clap::Error> {
    // What the file says becomes defaults first, so that help shows it and clap checks it like a flag.
    let settings = Settings::read(&Cli::command(), shown, std::env::args_os(), &Surroundings::of_process())?;
    for warning in &settings.warnings {
        note(&format!("warning: {warning}"));
    }
    Cli::from_arg_matches(&settings.matches).map_err(|error| error.format(&mut shown(Cli::command())))
}

/// How results were to be printed, as far as a command line says so that cannot be parsed.
pub fn wanted_output(arguments: impl IntoIterator<Item = OsString>) -> Output {
    let arguments: Vec<_> = arguments.into_iter().take_while(|argument| argument != "--").collect();
    let as_one = |argument: &OsString| argument == "--output=json";
    let as_two = |pair: &[OsString]| pair[0] == "--output" && pair[1] == "json";
    if arguments.iter().any(as_one) || arguments.windows(2).any(as_two) { Output::Json } else { Output::Table }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_is_known_of_a_command_line_that_cannot_be_parsed() {
        let wanted = |line: &str| wanted_output(line.split(' ').map(OsString::from));
        for json in ["log --output json --frob", "--frob --output=json", "--output json --output json"] {
            assert_eq!(wanted(json), Output::Json, "{json}");
        }
        for table in ["log --frob", "log --output", "--output table", "log -- --output json", "--output yaml json"] {
            assert_eq!(wanted(table), Output::Table, "{table}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_command_and_every_option_has_a_korean_text() {
        let faults = HELP.faults(&command());
        assert!(faults.is_empty(), "in concert-cli/texts/help.ko.ftl:\n{}", faults.join("\n"));
        HELP.translate(command()).debug_assert();
    }

    #[test]
    fn the_files_names_have_all_our_settings() {
        let command = Cli::command();
        let missing: Vec<_> =
            concert_settings::names(&command).filter(|name| !concert_settings::NAMES.contains(name)).collect();
        assert!(missing.is_empty(), "add them to NAMES in concert-core/settings/src/names.rs: {missing:?}");
    }

    #[test]
    fn usage_names_nothing_that_is_not_required_and_short_help_is_short() {
        let usage = |args: &[&str]| command().try_get_matches_from(args).map(drop).expect_err("refused").to_string();
        let refused = usage(&["concert-cli", "refund", "--schema", "x", "--database-url", "y"]);
        assert!(refused.contains("Usage: concert-cli refund [OPTIONS] <PAYMENT_ID>\n"), "{refused}");
        let lines = |flag| usage(&["concert-cli", "queue", "set", flag]).lines().count();
        assert!(lines("-h") < 25 && lines("--help") > 50, "{} {}", lines("-h"), lines("--help"));
        let help = usage(&["concert-cli", "queue", "set", "-h"]);
        let [own, global] = ["--max-active", "--database-url"].map(|option| help.find(option).expect("is there"));
        assert!(own < help.find("Global options:").expect("a heading") && own < global, "{help}");
    }
}
