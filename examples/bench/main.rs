//! `make bench`: what a sale costs here, against the pattern that people run such sales with today.
//!
//! Both sides in one run, on one private MariaDB with durable commits; what counts is the ratio, since machines drift.

mod baseline;
mod http;
mod load;
mod report;
mod rows;
#[path = "../common/server.rs"]
mod server;
#[path = "../common/wire.rs"]
mod wire;
mod world;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use clap::Parser;

use self::report::Row;
use self::rows::{crowd, halls, process, queue, seats, visits, writes};
use self::world::World;

/// As in the server; both sides of every row have it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
pub struct Opts {
    /// How long each side of a row runs, in seconds.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// How many people wait in the rows about the queue.
    #[arg(long, default_value_t = 1_000_000)]
    waiting: u32,
    /// How many people poll, and how many join meanwhile, in the row about a crowd.
    #[arg(long, default_value_t = 100_000)]
    crowd: usize,
    /// How many seats the larger database has in the row about halls.
    #[arg(long, default_value_t = 5_000_000)]
    seats: u32,
    /// How many holds have lapsed in the row about the sweep.
    #[arg(long, default_value_t = 100_000)]
    lapsed: usize,
    /// Only the rows whose group has this in its name.
    #[arg(long)]
    only: Option<String>,
    /// Only so many callers, in the rows about writes that have several.
    #[arg(long)]
    callers: Option<usize>,
    /// How many writers each lane of ours has, instead of the default.
    #[arg(long)]
    writers: Option<usize>,
    /// One more option for MariaDB; may be given several times.
    #[arg(long = "server-option", allow_hyphen_values = true)]
    server_options: Vec<String>,
    /// Where bench.json and bench.svg go.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

type Measuring<'a> = Pin<Box<dyn Future<Output = Result<Vec<Row>, Failure>> + 'a>>;
type Measure = for<'a> fn(&'a World, &'a Opts) -> Measuring<'a>;

/// The groups of rows, each measured whole; in any order, since none relies on another.
const GROUPS: [(&str, Measure); 14] = [
    ("reserve", |world, opts| Box::pin(writes::reserve(world, opts))),
    ("recharge", |world, opts| Box::pin(writes::recharge(world, opts))),
    ("pay", |world, opts| Box::pin(writes::pay(world, opts))),
    ("contenders", |world, _| Box::pin(visits::contenders(world))),
    ("flows", |world, opts| Box::pin(visits::flows(world, opts))),
    ("sweep", |world, opts| Box::pin(halls::sweep(world, opts))),
    ("halls", |world, opts| Box::pin(halls::halls(world, opts))),
    ("seats", |world, opts| Box::pin(seats::seats(world, opts))),
    ("join", |world, opts| Box::pin(writes::join(world, opts))),
    ("crowd", |world, opts| Box::pin(crowd::crowd(world, opts))),
    ("rank", |_, _| Box::pin(async { queue::rank() })),
    ("rerank", |world, opts| Box::pin(queue::rerank(world, opts))),
    ("poll", |world, opts| Box::pin(visits::poll(world, opts))),
    ("memory", |world, opts| Box::pin(process::memory(world, opts))),
];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let opts = Opts::parse();
    let world = World::open(opts.server_options.clone(), opts.writers).await?;
    let mut groups = Vec::new();
    println!("{}", report::header());
    for (name, measure) in GROUPS {
        if opts.only.as_ref().is_none_or(|only| name.contains(only.as_str())) {
            let rows = measure(&world, &opts).await?;
            rows.iter().for_each(|row| println!("{}", report::line(row)));
            groups.push((name, rows));
        }
    }
    report::write(&opts.out, &groups)?;
    let rows: Vec<_> = groups.iter().flat_map(|(_, rows)| rows).collect();
    let met = rows.iter().filter(|row| row.is_met()).count();
    println!("{met} of {} targets met; {} has them as JSON and as a chart", rows.len(), opts.out.display());
    world.close().await
}
