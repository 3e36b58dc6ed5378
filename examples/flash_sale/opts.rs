//! What can be said on the command line.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser};
use humantime::{format_duration, parse_duration};

use crate::rules::Rules;

/// The most buyers and seats: everyone is a task, and everything is read again at the end.
const MOST: i64 = 1_000_000;

/// Rehearses an evening against running servers
///
/// Makes a sale with two concerts and buyers without passwords in the servers' database, lets them come, and compares at
/// the end what they were told with what is there. What it makes stays: not for the database of a real sale. Exit code 1 if
/// anything was lost or doubled, if anybody got more than the rules allow, or if seats were left that people wanted.
#[derive(Debug, Parser)]
#[command(max_term_width = 110)]
pub struct Opts {
    /// A stadium: 65 000 seats, 1 000 000 people in the queue. What else is said counts
    #[arg(long)]
    pub stadium: bool,
    /// A server, http://host:port: itself, not what encrypts before it. Can be repeated: each buyer keeps to one
    #[arg(long = "url", value_name = "URL", default_value = "http://127.0.0.1:8080", value_parser = parse_url)]
    pub urls: Vec<String>,
    /// The servers' database: mysql://user:password@host:3306/name [default: the private one]. Its servers must run
    /// with --recharge everyone and --bare-join on: buyers have no passwords, and recharge their wallets
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// The folder of the private database [default: .concert; with --start-server, one that goes away]
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Start servers with a private database, instead of --url and --database-url
    #[arg(long, conflicts_with = "urls")]
    pub start_server: bool,
    #[command(flatten)]
    pub rules: Rules,
    #[command(flatten)]
    pub people: People,
    #[command(flatten)]
    pub browsers: Browsers,
    /// How many connections the buyers share, to each server
    #[arg(long, value_name = "COUNT", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
    /// How long a request may take before it is made again
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    #[arg(default_value_if("stadium", "true", "30s"))]
    pub timeout: Duration,
    /// When the sale is broken off, after the opening
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    #[arg(default_value_if("stadium", "true", "30m"))]
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
#[command(next_help_heading = "The evening, and who comes")]
pub struct People {
    /// How many buyers come
    #[arg(long, value_name = "COUNT", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=MOST))]
    #[arg(default_value_if("stadium", "true", "1000000"))]
    pub buyers: u32,
    /// How many seats there are
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=MOST))]
    #[arg(default_value_if("stadium", "true", "65000"))]
    pub seats: u32,
    /// How many seats the other concert has, which is called off at the end
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=MOST))]
    #[arg(default_value_if("stadium", "true", "5000"))]
    pub called_off_seats: u32,
    /// How many seats a person may have, of each concert and of both together: each wants one to so many
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub seats_per_buyer: u32,
    /// From the doors to the opening: most people come in this time, half of them in its first quarter
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = parse_duration)]
    #[arg(default_value_if("stadium", "true", "4m"))]
    pub doors_for: Duration,
    /// How many come after the opening, within as long
    #[arg(long, value_name = "SHARE", default_value = "10%")]
    #[arg(default_value_if("stadium", "true", "2%"))]
    pub late: Share,
    /// How many have a code for the pre-sale, and as many one for a place in front
    #[arg(long, value_name = "SHARE", default_value = "1%")]
    #[arg(default_value_if("stadium", "true", "0.1%"))]
    pub codes: Share,
    /// How many break the rules wherever they can, beside buying
    #[arg(long, value_name = "SHARE", default_value = "2%")]
    pub robots: Share,
    /// How many name their seats; the others take the best available, half of them only if they sit together
    #[arg(long, value_name = "SHARE", default_value = "60%")]
    #[arg(default_value_if("stadium", "true", "25%"))]
    pub named: Share,
    /// How long they think between two steps, on average
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse_duration)]
    pub think: Duration,
    /// How many join and never come back
    #[arg(long, value_name = "SHARE", default_value = "5%")]
    pub no_show: Share,
    /// How many hold seats and walk away
    #[arg(long, value_name = "SHARE", default_value = "5%")]
    pub abandon: Share,
    /// How many taken seats a buyer tries before giving up
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub tries: u32,
    /// How many payments are refunded at the end
    #[arg(long, value_name = "SHARE", default_value = "1%")]
    pub refunds: Share,
}

/// What people look at.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pages")]
pub struct Browsers {
    /// Everyone has a browser, and it loads what the pages load: each page with its files, the plan, the states of the seats
    /// and their stream. Everyone is logged in
    #[arg(long)]
    pub with_pages: bool,
    /// How many have been here before: they ask whether files and plans have changed
    #[arg(long, value_name = "SHARE", default_value = "30%")]
    pub returning: Share,
    /// How many follow a plan by a stream at once; the others ask for the states whenever they look
    #[arg(long, value_name = "COUNT", default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub streams: u32,
    /// The secret with which the servers of --url sign access tokens, to log everyone in [default: the private database's]
    #[arg(long, value_name = "SECRET", env = "CONCERT_JWT_SECRET", hide_env_values = true)]
    pub jwt_secret: Option<String>,
}

impl Browsers {
    /// For readers of the report.
    fn settings(&self) -> Vec<(&'static str, String)> {
        if !self.with_pages {
            return vec![("pages", "none".to_owned())];
        }
        let pages = "as browsers load them".to_owned();
        let (returning, streams) = (self.returning.to_string(), self.streams.to_string());
        vec![("pages", pages), ("who have been here before", returning), ("streams of plans, at most", streams)]
    }
}

impl People {
    /// Of both concerts.
    pub const fn all_seats(&self) -> usize {
        self.seats as usize + self.called_off_seats as usize
    }
}

impl Opts {
    /// What a reader of the report should know of how it was made.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let time = |duration: Duration| format_duration(duration).to_string();
        let people = &self.people;
        let mut settings = vec![
            ("buyers", people.buyers.to_string()),
            ("seats", people.seats.to_string()),
            ("seats of the concert that is called off", people.called_off_seats.to_string()),
            ("seats per person, at most", people.seats_per_buyer.to_string()),
            ("from the doors to the opening", time(people.doors_for)),
            ("who come after the opening", people.late.to_string()),
            ("codes of each kind", people.codes.to_string()),
            ("robots", people.robots.to_string()),
            ("who name their seats", people.named.to_string()),
            ("think between steps, on average", time(people.think)),
            ("no-shows", people.no_show.to_string()),
            ("abandoned holds", people.abandon.to_string()),
            ("taken seats tried, at most", people.tries.to_string()),
            ("refunds", people.refunds.to_string()),
            ("connections to each server", self.connections.to_string()),
            ("request timeout", time(self.timeout)),
            ("seed", self.seed.to_string()),
        ];
        settings.extend(self.browsers.settings());
        match self.start_server {
            true => settings.extend(self.rules.settings()),
            false => settings.push(("servers", self.urls.join(", "))),
        }
        settings.push(("people inside, at most", self.rules.max_active.to_string()));
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
    fn a_stadium_is_what_is_not_said_otherwise() {
        let of = |flags: &[&str]| {
            let Opts { people, rules, .. } = Opts::parse_from(["flash_sale"].iter().chain(flags));
            (people.buyers, people.seats, rules.max_active)
        };
        assert_eq!(of(&[]), (20_000, 10_000, 1_000));
        assert_eq!(of(&["--stadium"]), (1_000_000, 65_000, 10_000));
        assert_eq!(of(&["--stadium", "--buyers", "300"]), (300, 65_000, 10_000));
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
