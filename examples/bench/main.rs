//! `make bench`: what a sale costs here, against the pattern that people run such sales with today.
//!
//! Both sides in one run, on one private MariaDB with durable commits; what counts is the ratio, since machines drift.

mod baseline;
mod compare;
mod http;
mod limit;
mod load;
mod processor;
mod report;
mod rows;
#[path = "../common/server.rs"]
mod server;
mod sold;
#[path = "../common/wire.rs"]
mod wire;
mod world;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use clap::Parser;

use self::report::Row;
use self::rows::{books, crowd, doors, halls, polls, process, queue, seats, visits, writes};
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
    /// Only the groups of rows with these names, with commas between them.
    #[arg(long, value_delimiter = ',', value_parser = GROUPS.map(|(name, _)| name))]
    rows: Vec<String>,
    /// What the table is headed with: which build this is, say.
    #[arg(long, default_value = "")]
    label: String,
    /// Measures nothing, but compares what is in the folders `old` and `new` of this one, as Markdown: each has a folder
    /// with a bench.json for every run.
    #[arg(long, value_name = "FOLDER")]
    compare: Option<PathBuf>,
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
const GROUPS: [(&str, Measure); 18] = [
    ("reserve", |world, opts| Box::pin(writes::reserve(world, opts))),
    ("recharge", |world, opts| Box::pin(writes::recharge(world, opts))),
    ("pay", |world, opts| Box::pin(writes::pay(world, opts))),
    ("limit", |world, opts| Box::pin(rows::limit::limit(world, opts))),
    ("contenders", |world, _| Box::pin(visits::contenders(world))),
    ("flows", |world, opts| Box::pin(visits::flows(world, opts))),
    ("sweep", |world, opts| Box::pin(halls::sweep(world, opts))),
    ("halls", |world, opts| Box::pin(halls::halls(world, opts))),
    ("seats", |world, opts| Box::pin(seats::seats(world, opts))),
    ("join", |world, opts| Box::pin(writes::join(world, opts))),
    ("sales", |world, opts| Box::pin(rows::sales::sales(world, opts))),
    ("crowd", |world, opts| Box::pin(crowd::crowd(world, opts))),
    ("rank", |_, _| Box::pin(async { queue::rank() })),
    ("rerank", |world, opts| Box::pin(queue::rerank(world, opts))),
    ("poll", |world, opts| Box::pin(polls::poll(world, opts))),
    ("books", |world, opts| Box::pin(books::books(world, opts))),
    ("checkins", |world, opts| Box::pin(doors::doors(world, opts))),
    ("memory", |world, opts| Box::pin(process::memory(world, opts))),
];

impl Opts {
    fn measures(&self, group: &str) -> bool {
        let only = self.only.as_ref().is_none_or(|only| group.contains(only.as_str()));
        only && (self.rows.is_empty() || self.rows.iter().any(|name| name == group))
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let opts = Opts::parse();
    if let Some(folder) = &opts.compare {
        print!("{}", compare::table(folder)?);
        return Ok(());
    }
    let world = World::open(opts.server_options.clone(), opts.writers).await?;
    let mut groups = Vec::new();
    println!("{}", report::header(&opts.label));
    for (name, measure) in GROUPS {
        if opts.measures(name) {
            let rows = measure(&world, &opts).await?;
            rows.iter().for_each(|row| println!("{}", report::line(row)));
            groups.push((name, rows));
        }
    }
    report::write(&opts.out, &opts.label, &groups)?;
    let targets: Vec<_> = groups.iter().flat_map(|(_, rows)| rows).filter_map(report::Row::is_met).collect();
    let met = targets.iter().filter(|met| **met).count();
    println!("{met} of {} targets met; {} has them as JSON and as a chart", targets.len(), opts.out.display());
    world.close().await
}
