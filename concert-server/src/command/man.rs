//! `man`: the manual pages.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::{command, print};
use crate::start::StartError;

/// Write the manual pages: one for the server, and one for each of its commands
#[derive(Debug, Clone, Args)]
pub struct Opts {
    /// The folder, which is made if it is missing
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

impl Opts {
    pub fn run(&self) -> Result<(), StartError> {
        fs::create_dir_all(&self.out)?;
        clap_mangen::generate_to(command(), &self.out)?;
        print(&format!("the manual pages are in {}", self.out.display()))
    }
}
