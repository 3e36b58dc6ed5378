//! The operator's tool of a concert box office.
//!
//! # Layout
//! - `cli`: the command line, and what `--help` says.
//! - `commands`: one file per command, each with its `Opts` and a `run`.
//! - `database`: opens the box office: the named database, or the private one.
//! - `table`: all printing of results, as tables or JSON. It alone writes to stdout.
//! - `texts`: what it says, in English and Korean.
//! - `failure`: why a command fails, and with which exit code.
//!
//! Everything goes through `concert_core::BoxOffice`: there is no SQL here.

mod cli;
mod commands;
mod database;
mod failure;
mod progress;
mod report;
mod table;
mod texts;
mod whole_file;

use std::pin::pin;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{Cli, Command};
use crate::commands::DatabaseCommand;
use crate::database::Database;
use crate::failure::Failure;
use crate::table::Output;

fn main() -> ExitCode {
    let Cli { command, database, output } = match cli::parse() {
        Ok(cli) => cli,
        Err(error) => return report::usage(&error, cli::wanted_output(std::env::args_os())),
    };
    // Before anything is told: amounts and moments are written for the house from here on.
    database.say_house();
    let done = match command {
        Command::OnDatabase(command) if command.works_alone() => command.run_alone(),
        Command::OnDatabase(command) => in_runtime(on_database(command, &database, output)),
        Command::Completions(opts) => commands::completions::run(&opts),
        Command::Man(opts) => commands::man::run(&opts),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report::report(&failure, output),
    }
}

fn in_runtime(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(|source| Failure::io("start the runtime", source))?;
    let done = runtime.block_on(work);
    // A read of stdin that Ctrl-C has interrupted would keep the process until its next line.
    runtime.shutdown_background();
    done
}

/// Opens the database, runs the command, closes the database: also when the command fails or is interrupted.
async fn on_database(command: DatabaseCommand, opts: &database::Opts, output: Output) -> Result<(), Failure> {
    let mut interrupted = pin!(interrupted());
    let database = tokio::select! {
        opened = Database::open(opts, &command) => opened?,
        signal = &mut interrupted => return signal.and(Err(Failure::Interrupted)),
    };
    // From here on the database is closed whatever happens, since a private one is stopped by its owner.
    let done = match command.prepare(&database.box_office).await {
        Ok(()) => tokio::select! {
            done = command.run(&database.box_office, output) => done,
            signal = &mut interrupted => signal.and(command.when_interrupted()),
        },
        failed => failed,
    };
    // Why the command failed is said before why the database did not close.
    let closed = database.close().await;
    done.and(closed)
}

/// Waits for Ctrl-C or SIGTERM.
async fn interrupted() -> Result<(), Failure> {
    let listen = |kind| signal(kind).map_err(|source| Failure::io("listen for signals", source));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}
