//! `completions`: the script that completes our command line in a shell.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::table::print_text;

/// Print the completions of a shell
///
/// For bash: source <(concert-cli completions bash)
#[derive(Debug, Args)]
pub struct Opts {
    shell: Shell,
}

pub fn run(opts: &Opts) -> Result<(), Failure> {
    // Into memory first: the generator panics when it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(opts.shell, &mut Cli::command(), "concert-cli", &mut script);
    let script = String::from_utf8_lossy(&script);
    // The generator for bash takes the hyphen in our name for a command below it, and then finds no command at all.
    print_text(&script.replace("concert__subcmd__cli", "concert__cli"))
}
