//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::{DatabaseCommand, completions};
use crate::database;
use crate::table::Output;

const EXIT_CODES: &str = "\
Results go to stdout, everything else to stderr. NO_COLOR is honoured.

Exit codes:
  0  done
  1  refused or failed; stderr says `error: <text> (CODE)`, and with --output json also
     {\"error\": {\"code\", \"message\"}}
  2  the command line or an input is not valid";

/// The operator's tool of a concert box office.
///
/// It works on the database that --database-url names; without one, on the private MariaDB in --data-dir, which it
/// starts and stops unless a server or another command is running it.
#[derive(Parser)]
#[command(name = "concert-cli", version, after_help = EXIT_CODES, max_term_width = 100)]
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
#[expect(clippy::large_enum_variant, reason = "there is one of them in a process")]
pub enum Command {
    #[command(flatten)]
    OnDatabase(DatabaseCommand),
    Completions(completions::Opts),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
