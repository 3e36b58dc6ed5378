//! `migrate`: brings the schema up to date.

use clap::Args;
use serde::Serialize;

use crate::failure::Failure;
use crate::table::{Output, Show, print, word};

/// Bring the schema of the database up to date
///
/// Any number of processes may do so at once. Servers migrate when they start; after `migrate` they can run as a
/// database user with rights on rows alone.
#[derive(Debug, Args)]
pub struct Opts {}

#[derive(Serialize)]
struct Migrated {
    migrated: bool,
}

impl Show for Migrated {
    fn text(&self) -> String {
        word("the schema is up to date")
    }
}

/// Once `DatabaseCommand::prepare` has migrated.
pub fn run(output: Output) -> Result<(), Failure> {
    print(output, &Migrated { migrated: true })
}
