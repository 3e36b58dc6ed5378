//! A rehearsal of a sale: buyers with think time, no-shows, abandoned holds and retries against a running server over
//! HTTP, with a ledger of their own that is compared with the database at the end.
//!
//! `make flash-sale`, or against a server of yours:
//! `cargo run --release -p concert-examples --example flash_sale -- --url http://127.0.0.1:8080 --buyers 5000 --seats 2000`
//!
//! # Layout
//! - `opts`: what can be said.
//! - `stage`: the database, the server, what is on sale.
//! - `crowd`, `buyer`, `ending`, `hall`: who comes, what they do, how it ends for them, what they see.
//! - `agent`: their requests; `meter`: what is measured of them.
//! - `ledger`: what they were told, and the comparison.
//! - `report`, `stats`, `page`, `charts`: what is shown.

mod agent;
mod buyer;
mod charts;
mod crowd;
mod ending;
mod hall;
mod ledger;
mod meter;
mod opts;
mod page;
mod report;
#[path = "../common/server.rs"]
mod server;
mod stage;
mod stats;
#[path = "../common/wire.rs"]
mod wire;

use std::process::ExitCode;

use clap::Parser as _;
use concert_core::Operator;

use self::opts::Opts;
use self::report::Report;
use self::stage::Stage;

/// As in the server: a crowd makes many small requests.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match rehearse(&Opts::parse()).await {
        Ok(report) if report.is_sound() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn rehearse(opts: &Opts) -> Result<Report, Failure> {
    let stage = Stage::set(opts).await?;
    let sale = crowd::sell(opts, &stage).await?;
    let faults = sale.ledger.compare_with(&stage).await?;
    let violations = stage.office.operator(Operator::application()).audit().await?;
    let report = Report::new(opts, &stage, &sale, faults, violations)?;
    stage.strike().await?;
    println!("{}", report.text());
    report.write(&opts.out)?;
    println!("{} has it as report.json and report.html", opts.out.display());
    Ok(report)
}
