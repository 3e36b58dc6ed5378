//! The commands: one file each, with its `Opts` and a `run`.

mod account;
mod audit;
mod cancel;
mod codes;
pub mod completions;
mod concert;
mod confirm;
mod doctor;
mod explain;
mod export;
mod extend;
mod hold;
mod key;
mod log;
pub mod man;
mod migrate;
mod names;
mod operator;
mod pay;
mod queue;
mod recharge;
mod refund;
mod rerank;
mod sale;
mod seat;
mod seed;
mod status;
mod sweep;
mod ticket;
mod token;
mod user;
mod verify_draw;

use clap::Subcommand;
use concert_core::{BoxOffice, Error};

use crate::failure::Failure;
use crate::table::Output;

/// The commands that work on a database.
#[derive(Subcommand)]
pub enum DatabaseCommand {
    Migrate(migrate::Opts),
    Seed(seed::Opts),
    Concert(concert::Opts),
    Sweep(sweep::Opts),
    Rerank(rerank::Opts),
    Status(status::Opts),
    Audit(audit::Opts),
    Doctor(doctor::Opts),
    Sale(sale::Opts),
    Queue(queue::Opts),
    Token(token::Opts),
    User(user::Opts),
    Hold(hold::Opts),
    Extend(extend::Opts),
    Pay(pay::Opts),
    Explain(explain::Opts),
    Export(export::Opts),
    Refund(refund::Opts),
    Ticket(ticket::Opts),
    Recharge(recharge::Opts),
    Seat(seat::Opts),
    Codes(codes::Opts),
    Key(key::Opts),
    Log(log::Opts),
}

impl DatabaseCommand {
    /// Whether the command needs no database.
    pub const fn works_alone(&self) -> bool {
        matches!(self, Self::Concert(opts) if opts.works_alone())
    }

    /// Does the work of a command that needs no database.
    pub fn run_alone(&self) -> Result<(), Failure> {
        match self {
            Self::Concert(opts) => opts.run_alone(),
            _ => Ok(()),
        }
    }

    /// Whether the command makes an access token, which takes the server's secret.
    pub const fn signs_tokens(&self) -> bool {
        matches!(self, Self::Token(opts) if opts.signs_tokens())
    }

    /// Whether the command makes the private database where there is none. The others would make an empty one in a folder
    /// whose name was mistyped.
    pub const fn makes_database(&self) -> bool {
        matches!(self, Self::Migrate(_) | Self::Seed(_))
    }

    /// The result of the command after Ctrl-C: for some it is the normal way to end.
    pub const fn when_interrupted(&self) -> Result<(), Failure> {
        match self {
            // Ctrl-C is how one stops watching.
            Self::Status(opts) if opts.runs_until_interrupted() => Ok(()),
            _ => Err(Failure::Interrupted),
        }
    }

    /// Migrates, or checks the schema. Must not be interrupted: DDL cannot be rolled back, and other processes wait for
    /// it.
    pub async fn prepare(&self, box_office: &BoxOffice) -> Result<(), Failure> {
        if self.makes_database() {
            // These make the schema; all others want it to be there.
            return Ok(box_office.migrate().await?);
        }
        if matches!(self, Self::Doctor(_)) {
            // A schema that is not current is one of its findings.
            return Ok(());
        }
        box_office.ping().await.map_err(|error| match error {
            Error::Setup(_) => Failure::NotMigrated(error),
            error => Failure::BoxOffice(error),
        })
    }

    /// Does the work. It can be dropped at any point.
    pub async fn run(&self, box_office: &BoxOffice, output: Output) -> Result<(), Failure> {
        match self {
            Self::Migrate(_) => migrate::run(output),
            Self::Seed(opts) => seed::run(opts, box_office, output).await,
            Self::Concert(opts) => concert::run(opts, box_office, output).await,
            Self::Sweep(opts) => sweep::run(opts, box_office, output).await,
            Self::Rerank(opts) => rerank::run(opts, box_office, output).await,
            Self::Status(opts) => status::run(opts, box_office, output).await,
            Self::Audit(opts) => audit::run(opts, box_office, output).await,
            Self::Doctor(opts) => doctor::run(opts, box_office, output).await,
            Self::Sale(opts) => sale::run(opts, box_office, output).await,
            Self::Queue(opts) => queue::run(opts, box_office, output).await,
            Self::Token(opts) => token::run(opts, box_office, output).await,
            Self::User(opts) => user::run(opts, box_office, output).await,
            Self::Hold(opts) => hold::run(opts, box_office, output).await,
            Self::Extend(opts) => extend::run(opts, box_office, output).await,
            Self::Pay(opts) => pay::run(opts, box_office, output).await,
            Self::Explain(opts) => explain::run(opts, box_office, output).await,
            Self::Export(opts) => export::run(opts, box_office, output).await,
            Self::Refund(opts) => refund::run(opts, box_office, output).await,
            Self::Ticket(opts) => ticket::run(opts, box_office, output).await,
            Self::Recharge(opts) => recharge::run(opts, box_office, output).await,
            Self::Seat(opts) => seat::run(opts, box_office, output).await,
            Self::Codes(opts) => codes::run(opts, box_office, output).await,
            Self::Key(opts) => key::run(opts, box_office, output).await,
            Self::Log(opts) => log::run(opts, box_office, output).await,
        }
    }
}
