//! `completions`: the script that completes our command line in a shell.

use clap::Args;
use clap_complete::Shell;

use super::{command, print};
use crate::start::StartError;

/// Print the completions of a shell
///
/// For bash: source <(concert-server completions bash)
#[derive(Debug, Clone, Args)]
pub struct Opts {
    shell: Shell,
}

impl Opts {
    pub fn run(&self) -> Result<(), StartError> {
        // Into memory first: the generator panics when it cannot write.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command(), "concert-server", &mut script);
        let script = String::from_utf8_lossy(&script);
        // The generator for bash takes the hyphen in our name for a command below it, and then finds no command at all.
        print(&script.replace("concert__subcmd__server", "concert__server"))
    }
}
