//! How the servers behave that are started for a rehearsal.

use std::time::Duration;

use clap::Args;
use humantime::{format_duration, parse_duration};

use crate::opts::People;

/// How the servers behave.
#[derive(Debug, Args)]
#[command(next_help_heading = "The servers that --start-server starts, and the sale")]
pub struct Rules {
    /// How many servers, on one database
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub servers: u32,
    /// The cap on people inside
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    #[arg(default_value_if("stadium", "true", "10000"))]
    pub max_active: u32,
    /// How long a turn lasts
    #[arg(long, value_name = "DURATION", default_value = "40s", value_parser = parse_duration)]
    #[arg(default_value_if("stadium", "true", "3m"))]
    pub active_ttl: Duration,
    /// How long whoever was let in may take to show up
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    #[arg(default_value_if("stadium", "true", "20s"))]
    pub claim_window: Duration,
    /// How long a seat stays held
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = parse_duration)]
    #[arg(default_value_if("stadium", "true", "1m"))]
    pub hold_ttl: Duration,
    /// How often the queue moves
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = parse_duration)]
    pub rerank_every: Duration,
    /// How many polls all who wait may make together
    #[arg(long, value_name = "COUNT", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..))]
    #[arg(default_value_if("stadium", "true", "10000"))]
    pub max_polls_per_second: u32,
}

impl Rules {
    /// The same for a server.
    pub fn arguments(&self, people: &People) -> Vec<String> {
        let time = |duration: Duration| format_duration(duration).to_string();
        let flags = [
            ("--active-ttl", time(self.active_ttl)),
            ("--after-payment-ttl", time(self.active_ttl)),
            ("--claim-window", time(self.claim_window)),
            ("--hold-ttl", time(self.hold_ttl)),
            ("--rerank-every", time(self.rerank_every)),
            ("--max-polls-per-second", self.max_polls_per_second.to_string()),
            ("--max-holds-per-user", people.seats_per_buyer.max(4).to_string()),
        ];
        let flags = flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]);
        // The crowd comes from one address, which is this machine's own: each user is braked there, and the address is not.
        let of_address = ["calls", "joins", "wrong-codes"].map(|what| format!("--brake-{what}-per-address=off"));
        flags.chain(of_address).chain(["--brake-loopback".to_owned()]).collect()
    }

    /// For readers of the report.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let time = |duration: Duration| format_duration(duration).to_string();
        vec![
            ("servers", format!("{}, started for this", self.servers)),
            ("turn", time(self.active_ttl)),
            ("claim window", time(self.claim_window)),
            ("hold", time(self.hold_ttl)),
            ("queue moves every", time(self.rerank_every)),
            ("polls per second, at most", self.max_polls_per_second.to_string()),
        ]
    }
}
