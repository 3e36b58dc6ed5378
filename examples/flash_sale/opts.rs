//! What can be said on the command line.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser};
use humantime::{format_duration, parse_duration};

/// The most buyers and seats: everyone is a task, and everything is read again at the end.
const MOST: i64 = 1_000_000;

/// Rehearses a sale against a running server
///
/// Makes a concert and buyers without passwords in the server's database, lets them come, and compares at the end what
/// they were told with what is there. The concert stays: not for the database of a real sale. Exit code 1 if anything
/// was lost or doubled, or the seats that people wanted were not sold.
#[derive(Debug, Parser)]
#[command(max_term_width = 110)]
pub struct Opts {
    /// The server, http://host:port: itself, not what encrypts before it
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080", value_parser = parse_url)]
    pub url: String,
    /// The server's database: mysql://user:password@host:3306/name [default: the private one]. Its server must run
    /// with --recharge everyone: buyers recharge their wallets
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// The folder of the private database [default: .concert; with --start-server, one that goes away]
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Start a server with a private database, instead of --url and --database-url
    #[arg(long, conflicts_with = "url")]
    pub start_server: bool,
    #[command(flatten)]
    pub rules: Rules,
    #[command(flatten)]
    pub people: People,
    /// How many connections the buyers share
    #[arg(long, value_name = "COUNT", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub connections: u32,
    /// How long a request may take before it is made again
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub timeout: Duration,
    /// When the sale is broken off
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    pub time_limit: Duration,
    /// What the buyers' whims derive from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Where report.json and report.html go
    #[arg(long, value_name = "FOLDER", default_value = "target/flash-sale")]
    pub out: PathBuf,
}

/// Who comes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The buyers")]
pub struct People {
    /// How many buyers come
    #[arg(long, value_name = "COUNT", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=MOST))]
    pub buyers: u32,
    /// How many seats there are
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=MOST))]
    pub seats: u32,
    /// How many seats a buyer wants at most: each wants one to so many
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub seats_per_buyer: u32,
    /// Within which time they come; a quarter of it brings half of them
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_duration)]
    pub arrive_within: Duration,
    /// How long they think between two steps, on average
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse_duration)]
    pub think: Duration,
    /// How many join and never come back
    #[arg(long, value_name = "SHARE", default_value = "5%")]
    pub no_show: Share,
    /// How many hold a seat and walk away
    #[arg(long, value_name = "SHARE", default_value = "5%")]
    pub abandon: Share,
    /// How many taken seats a buyer tries before giving up
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub tries: u32,
}

/// How the server behaves.
#[derive(Debug, Args)]
#[command(next_help_heading = "The server that --start-server starts")]
pub struct Rules {
    /// The cap on people inside
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_active: u32,
    /// How long a turn lasts
    #[arg(long, value_name = "DURATION", default_value = "40s", value_parser = parse_duration)]
    pub active_ttl: Duration,
    /// How long whoever was let in may take to show up
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub claim_window: Duration,
    /// How long a seat stays held
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = parse_duration)]
    pub hold_ttl: Duration,
    /// How often the queue moves
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = parse_duration)]
    pub rerank_every: Duration,
    /// How many polls all who wait may make together
    #[arg(long, value_name = "COUNT", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_polls_per_second: u32,
}

impl Rules {
    /// The same for the server.
    pub fn arguments(&self, people: &People) -> Vec<String> {
        let time = |duration: Duration| format_duration(duration).to_string();
        let flags = [
            ("--max-active", self.max_active.to_string()),
            ("--active-ttl", time(self.active_ttl)),
            ("--after-payment-ttl", time(self.active_ttl)),
            ("--claim-window", time(self.claim_window)),
            ("--hold-ttl", time(self.hold_ttl)),
            ("--rerank-every", time(self.rerank_every)),
            ("--max-polls-per-second", self.max_polls_per_second.to_string()),
            ("--max-holds-per-user", people.seats_per_buyer.max(4).to_string()),
        ];
        flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }
}

impl Opts {
    /// What a reader of the report should know of how it was made.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let time = |duration: Duration| format_duration(duration).to_string();
        let People { buyers, seats, seats_per_buyer, arrive_within, think, no_show, abandon, tries } = &self.people;
        let mut settings = vec![
            ("buyers", buyers.to_string()),
            ("seats", seats.to_string()),
            ("seats per buyer, at most", seats_per_buyer.to_string()),
            ("arrive within", time(*arrive_within)),
            ("think between steps, on average", time(*think)),
            ("no-shows", no_show.to_string()),
            ("abandoned holds", abandon.to_string()),
            ("taken seats tried, at most", tries.to_string()),
            ("connections", self.connections.to_string()),
            ("request timeout", time(self.timeout)),
            ("seed", self.seed.to_string()),
        ];
        if self.start_server {
            let Rules { max_active, active_ttl, claim_window, hold_ttl, rerank_every, max_polls_per_second } =
                &self.rules;
            settings.extend([
                ("server", "started for this".to_owned()),
                ("people inside, at most", max_active.to_string()),
                ("turn", time(*active_ttl)),
                ("claim window", time(*claim_window)),
                ("hold", time(*hold_ttl)),
                ("queue moves every", time(*rerank_every)),
                ("polls per second, at most", max_polls_per_second.to_string()),
            ]);
        } else {
            settings.push(("server", self.url.clone()));
        }
        settings
    }
}

/// A part of the whole, 0 to 1; written as `5%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(pub f64);

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent: f64 = text.strip_suffix('%').unwrap_or(text).trim().parse().unwrap_or(f64::NAN);
        if (0.0..=100.0).contains(&percent) { Ok(Self(percent / 1e2)) } else { Err("it is from 0% to 100%".to_owned()) }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0 * 1e2)
    }
}

/// The `host:port` of `http://host:port`.
fn parse_url(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("http://").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let host = host.filter(|host| !host.is_empty() && !host.contains('/'));
    let host = host.ok_or("it is http://host:port, without a path")?;
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Ok(if has_port { host.to_owned() } else { format!("{host}:80") })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_flags_are_well_formed() {
        Opts::command().debug_assert();
    }

    #[test]
    fn a_share_is_a_percentage() {
        assert_eq!(
            ["5%", "5", "12.5 %", "0", "100%"].map(str::parse),
            [0.05, 0.05, 0.125, 0.0, 1.0].map(|s| Ok(Share(s)))
        );
        for text in ["", "%", "-1%", "101%", "half", "NaN"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
        assert_eq!(Share(0.05).to_string(), "5%");
    }

    #[test]
    fn a_url_is_a_host_and_a_port() {
        assert_eq!(parse_url("http://127.0.0.1:8080/").as_deref(), Ok("127.0.0.1:8080"));
        assert_eq!(parse_url("http://box-office").as_deref(), Ok("box-office:80"));
        for text in ["", "127.0.0.1:8080", "https://127.0.0.1", "http://", "http://a/b"] {
            assert!(parse_url(text).is_err(), "{text}");
        }
    }
}
