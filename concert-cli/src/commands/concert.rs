//! `concert`: what is done with a whole concert.

use clap::{Args, Subcommand};
use concert_core::BoxOffice;

use super::cancel;
use crate::failure::Failure;
use crate::table::Output;

/// Call a concert off
#[derive(Debug, Args)]
pub struct Opts {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Cancel(cancel::Opts),
}

pub async fn run(opts: &Opts, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
    match &opts.action {
        Action::Cancel(opts) => cancel::run(opts, box_office, output).await,
    }
}
