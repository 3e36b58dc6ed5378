//! `man`: the manual pages.

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use crate::cli::Cli;
use crate::failure::Failure;
use crate::table::print_text;
use crate::texts::told;

/// Write the manual pages: one for each command
///
/// To read one: concert-cli man --out pages && man pages/concert-cli-hold.1
#[derive(Debug, Args)]
pub struct Opts {
    /// The folder, which is made if it is missing
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

pub fn run(opts: &Opts) -> Result<(), Failure> {
    let failed = |source| Failure::io(format!("write manual pages to {}", opts.out.display()), source);
    fs::create_dir_all(&opts.out).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), &opts.out).map_err(failed)?;
    print_text(&told(&format!("the manual pages are in {}", opts.out.display())))
}
