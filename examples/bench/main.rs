//! `make bench`: what a sale costs here, against the pattern that people run such sales with today.
//!
//! Both sides in one run, on one private MariaDB with durable commits; what counts is the ratio, since machines drift.

mod baseline;
mod http;
mod load;
mod report;
mod rows;
mod world;

use std::path::PathBuf;

use clap::Parser;

use self::report::Row;
use self::world::World;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
pub struct Opts {
    /// How long each side of a row runs, in seconds.
    #[arg(long, default_value_t = 6.0)]
    seconds: f64,
    /// How many people wait in the rows about the queue.
    #[arg(long, default_value_t = 1_000_000)]
    waiting: u32,
    /// Only the rows whose group has this in its name.
    #[arg(long)]
    only: Option<String>,
    /// One more option for MariaDB; may be given several times.
    #[arg(long = "server-option", allow_hyphen_values = true)]
    server_options: Vec<String>,
    /// Where bench.json and bench.svg go.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let opts = Opts::parse();
    let world = World::open(opts.server_options.clone()).await?;
    let mut rows = Vec::new();
    println!("{}", report::header());
    let wanted = |group: &str| opts.only.as_ref().is_none_or(|only| group.contains(only.as_str()));
    macro_rules! group {
        ($name:literal, $measured:expr) => {
            if wanted($name) {
                show(&mut rows, $measured.await?);
            }
        };
    }
    group!("reserve", rows::writes::reserve(&world, &opts));
    group!("recharge", rows::writes::recharge(&world, &opts));
    group!("pay", rows::writes::pay(&world, &opts));
    group!("contenders", rows::http::contenders(&world));
    group!("flows", rows::http::flows(&world, &opts));
    // From here on people wait, so nobody who joins is ACTIVE any more.
    group!("join", rows::writes::join(&world, &opts));
    group!("rerank", rows::queue::rerank(&world, opts.waiting));
    group!("poll", rows::http::poll(&world, &opts));
    report::write(&opts.out, &rows)?;
    let met = rows.iter().filter(|row| row.is_met()).count();
    println!("{met} of {} targets met; {} has them as JSON and as a chart", rows.len(), opts.out.display());
    world.close().await
}

fn show(rows: &mut Vec<Row>, measured: Vec<Row>) {
    for row in &measured {
        println!("{}", report::line(row));
    }
    rows.extend(measured);
}
