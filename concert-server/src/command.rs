//! The command line of the server, and what it does instead of serving.

mod completions;
mod config;
mod health;
mod man;

use std::ffi::OsString;
use std::io::{self, Write as _};

use clap::{CommandFactory as _, FromArgMatches as _, Subcommand, ValueEnum};
use concert_core::texts::Language;
use concert_settings::{Settings, Surroundings};

use crate::config::Config;
use crate::start::StartError;
use crate::texts::{HELP, SAID};

/// What to do instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Action {
    Config(config::Opts),
    Health(health::Opts),
    Man(man::Opts),
    Completions(completions::Opts),
}

impl Action {
    /// Does it.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn run(&self, config: &Config, settings: &Settings) -> Result<(), StartError> {
        match self {
            Self::Config(opts) => opts.run(config, settings),
            Self::Health(opts) => opts.run(config).await,
            Self::Man(opts) => opts.run(),
            Self::Completions(opts) => opts.run(),
        }
    }
}

/// How to print results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Table,
    /// For programs: one document
    Json,
}

/// What the command line of this process asks for, over what its environment and its file say; without an action the
/// server serves.
///
/// # Errors
/// Usage errors, and clap's help and version.
pub fn parse() -> Result<(Config, Option<Action>, Settings), clap::Error> {
    parse_from(std::env::args_os(), &Surroundings::of_process())
}

fn parse_from(
    arguments: impl IntoIterator<Item = OsString>,
    surroundings: &Surroundings,
) -> Result<(Config, Option<Action>, Settings), clap::Error> {
    let settings = Settings::read(&command(), shown, arguments, surroundings)?;
    let refused = |error: clap::Error| error.format(&mut shown(command()));
    let config = Config::from_arg_matches(&settings.matches).map_err(refused)?;
    let action = settings.matches.subcommand_name().map(|_| Action::from_arg_matches(&settings.matches));
    Ok((config, action.transpose().map_err(refused)?, settings))
}

/// All that the program takes.
fn command() -> clap::Command {
    let config = Config::command();
    let [about, long_about] =
        [config.get_about(), config.get_long_about()].map(|text| text.cloned().unwrap_or_default());
    // The commands come with a text of their own, which is not the program's.
    Action::augment_subcommands(config).about(about).long_about(long_about)
}

/// Settings are taken after a command, too; the help of most commands leaves them out.
fn finished(command: clap::Command) -> clap::Command {
    // clap takes a flag after a command only where it is global.
    let mut command = command.mut_args(|arg| arg.global(true));
    // Only a command that is built has handed its global flags down, where they can be hidden.
    command.build();
    let below: Vec<_> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let unseen = |arg: clap::Arg| if arg.is_global_set() { arg.hide(true) } else { arg };
    below.into_iter().fold(command, |command, name| command.mut_subcommand(name, |below| below.mut_args(unseen)))
}

/// The same, with its help in the language of the environment.
fn shown(command: clap::Command) -> clap::Command {
    match language() {
        Language::English => finished(command),
        Language::Korean => HELP.translate(finished(command)),
    }
}

/// Says what is wrong with the command line, or shows the help, and ends the process as clap does.
pub fn exit(error: &clap::Error) -> ! {
    let korean = match language() {
        Language::English => None,
        Language::Korean => HELP.told(error, told),
    };
    match korean {
        Some(korean) => korean.exit(),
        None => error.exit(),
    }
}

/// A word or a sentence, such as why a value is refused, in the language of the environment.
fn told(english: &str) -> String {
    SAID.reason(english, language())
}

/// The language of the environment.
fn language() -> Language {
    Language::from_environment(|name| std::env::var(name).ok())
}

/// Prints a result.
fn print(text: &str) -> Result<(), StartError> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush()) {
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        finished(command()).debug_assert();
    }

    #[test]
    fn help_begins_with_what_the_program_is() {
        let help = command().render_help().to_string();
        assert!(help.starts_with("The REST server of the concert box office\n"), "{help}");
    }

    #[test]
    fn every_command_and_every_option_has_a_korean_text() {
        let faults = HELP.faults(&finished(command()));
        assert!(faults.is_empty(), "in concert-server/texts/help.ko.ftl:\n{}", faults.join("\n"));
        HELP.translate(finished(command())).debug_assert();
    }

    #[test]
    fn a10_a_secret_and_its_file_are_not_given_both() {
        for secret in ["--database-url", "--jwt-secret", "--jwt-previous-secret"] {
            let both = ["concert-server", secret, "0123456789abcdef", &format!("{secret}-file"), "/a/file"];
            let refused = parse_from(both.map(OsString::from), &Surroundings::default()).map(drop);
            assert_eq!(refused.expect_err(secret).exit_code(), 2, "{secret}: one or the other");
        }
    }

    #[test]
    fn settings_are_taken_after_a_command_as_well() {
        let line = ["concert-server", "--hold-ttl", "7m", "health", "--listen", "127.0.0.1:9"].map(OsString::from);
        let (config, action, _) = parse_from(line, &Surroundings::default()).expect("is good");
        assert_eq!((config.hold_ttl.as_secs(), config.listen.port()), (420, 9));
        assert!(matches!(action, Some(Action::Health(_))));
    }
}
