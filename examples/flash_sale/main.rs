//! A rehearsal of an evening over HTTP: doors, a draw, an opening; buyers with think time, codes, no-shows and retries,
//! robots that break the rules, a concert that is called off. What they all were told is compared with the database at
//! the end.
//!
//! `make flash-sale`, or against a server of yours:
//! `cargo run --release -p concert-examples --example flash_sale -- --url http://127.0.0.1:8080 --buyers 5000 --seats 2000`
//!
//! # Layout
//! - `opts`, `rules`: what can be said.
//! - `stage`: the database and the servers; `desk`: what the operator does, with a key; `program`: what is on sale.
//! - `crowd`, `buyer`, `visit`, `shopping`, `robot`, `ending`, `hall`: who comes, what they do, how it ends for them, what
//!   they see.
//! - `browser`, `live`: what the pages load that they look at, with `--with-pages`; `loads`: what that came to.
//! - `agent`: their requests; `meter`: what is measured of them.
//! - `afterwards`: refunds, and the concert that is called off.
//! - `ledger`, `found`, `compare`: what they were told, what is there, and the comparison.
//! - `draw`, `stats`: whether the draw was fair; `report`, `text`, `page`, `charts`: what is shown.

mod afterwards;
mod agent;
mod browser;
mod buyer;
mod charts;
mod compare;
mod crowd;
mod desk;
mod draw;
mod ending;
mod found;
mod hall;
mod ledger;
mod live;
mod loads;
mod meter;
mod opts;
mod page;
mod program;
mod report;
mod robot;
mod rules;
#[path = "../common/server.rs"]
mod server;
mod shopping;
mod stage;
mod stats;
mod text;
mod visit;
#[path = "../common/wire.rs"]
mod wire;

use std::process::ExitCode;

use clap::Parser as _;
use concert_core::Operator;

use self::opts::Opts;
use self::report::{Checks, Report};
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
    let program = program::announce(opts, &stage).await?;
    let sold = crowd::sell(opts, &stage, program).await?;
    let doubtful = compare::ask_again(&stage, &sold.ledger).await?;
    let afterwards = afterwards::finish(opts, &stage, &sold).await?;
    let draw = draw::check(&stage, &sold.program).await?;
    let mut faults = compare::compare(&stage, &sold, &afterwards).await?;
    faults.extend(doubtful);
    let violations = stage.office.operator(Operator::application()).audit().await?;
    let checks = Checks { faults, violations, draw, afterwards };
    let report = Report::new(opts, &stage, &sold, checks)?;
    stage.strike().await?;
    println!("{}", report.text());
    report.write(&opts.out)?;
    println!("{} has it as report.json and report.html", opts.out.display());
    Ok(report)
}
