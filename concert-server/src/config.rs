//! The server's configuration: flags, each also an environment variable and a line of `concert.toml`.

mod check;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser};
use concert_core::private_db::DEFAULT_DATA_DIR;
use concert_core::{Currency, Error, JwtKeys, Policy, RechargeBy, SecretString, TimeZone};
use tracing_subscriber::EnvFilter;

use self::values::{address, connections, period, seats_max_age};
use crate::brakes::BrakeOptions;
use crate::http::CorsOrigin;
use crate::limits::Limits;
pub use crate::switch::Switch;
use crate::telemetry::{LogFormat, Telemetry, TraceOptions};

/// The REST server of the concert box office.
///
/// Without a database URL it starts a private MariaDB of its own and keeps the data in --data-dir.
///
/// Each setting can be a flag, an environment variable or a line of a file; the first of them counts.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "concert-server",
    version,
    max_term_width = 110,
    override_usage = "concert-server [OPTIONS] [COMMAND]"
)]
pub struct Config {
    /// A file with settings, a line for each: the flag's name without the dashes, = and the value, as in
    /// hold-ttl = "5m". Unless given, ./concert.toml or /etc/concert/concert.toml is read if it is there
    #[arg(id = "config", long = "config", env = "CONCERT_CONFIG", value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// The address to listen on
    #[arg(long, env = "CONCERT_LISTEN", default_value = "127.0.0.1:8080", value_parser = address, value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// A second address, for operators: metrics, readiness, the API page and /api/v1/admin are answered there and no
    /// longer at --listen; /health/live at both. Keep it on a network of your own
    #[arg(long, env = "CONCERT_ADMIN_LISTEN", value_parser = address, value_name = "ADDRESS")]
    pub admin_listen: Option<SocketAddr>,

    /// The database, mysql://user:password@host:3306/name; without it, a private one is started. One server needs 17
    /// connections to it, and uses up to 29
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<SecretString>,

    /// A file with that URL, so that its password is not seen among the processes; white space at its end is ignored
    #[arg(long, env = "CONCERT_DATABASE_URL_FILE", value_name = "FILE")]
    pub database_url_file: Option<PathBuf>,

    /// The database on the same server that has the box office's tables; it is made if it is missing. Unless given, the
    /// one that the URL names
    #[arg(long, env = "CONCERT_SCHEMA", value_name = "NAME")]
    pub schema: Option<String>,

    /// The folder of the private database
    #[arg(long, env = "CONCERT_DATA_DIR", default_value = DEFAULT_DATA_DIR, value_name = "FOLDER")]
    pub data_dir: PathBuf,

    /// The secret that access tokens are signed with, at least 32 bytes; needed with a database URL, while the private
    /// database keeps one of its own
    #[arg(long, env = "CONCERT_JWT_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub jwt_secret: Option<SecretString>,

    /// A file with that secret; white space at its end is ignored
    #[arg(long, env = "CONCERT_JWT_SECRET_FILE", value_name = "FILE")]
    pub jwt_secret_file: Option<PathBuf>,

    /// The previous secret: tokens signed with it stay valid
    #[arg(long, env = "CONCERT_JWT_PREVIOUS_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub jwt_previous_secret: Option<SecretString>,

    /// A file with the previous secret; white space at its end is ignored
    #[arg(long, env = "CONCERT_JWT_PREVIOUS_SECRET_FILE", value_name = "FILE")]
    pub jwt_previous_secret_file: Option<PathBuf>,

    /// The cap on ACTIVE queue tokens, for all servers on this database; unless given, the database keeps what it has
    /// (10 at first)
    #[arg(long, env = "CONCERT_MAX_ACTIVE", value_parser = clap::value_parser!(u32).range(1..), value_name = "COUNT")]
    pub max_active: Option<u32>,

    /// How long a turn lasts from the moment it is claimed
    #[arg(long, env = "CONCERT_ACTIVE_TTL", default_value = "10m", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub active_ttl: Duration,

    /// How long a user who was let in has to claim the turn, by polling or acting, before the next user is let in
    #[arg(long, env = "CONCERT_CLAIM_WINDOW", default_value = "60s", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub claim_window: Duration,

    /// How long a seat stays held before it is paid
    #[arg(long, env = "CONCERT_HOLD_TTL", default_value = "5m", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub hold_ttl: Duration,

    /// By how much the deadline of a hold can be extended, once, within the turn
    #[arg(long, env = "CONCERT_HOLD_EXTENSION", default_value = "2m", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub hold_extension: Duration,

    /// How long a turn still lasts after paying, when nothing else is held
    #[arg(long, env = "CONCERT_AFTER_PAYMENT_TTL", default_value = "60s", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub after_payment_ttl: Duration,

    /// The longest wait in the queue
    #[arg(long, env = "CONCERT_WAITING_TTL", default_value = "24h", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub waiting_ttl: Duration,

    /// How long a session from log-in lasts
    #[arg(long, env = "CONCERT_SESSION_TTL", default_value = "12h", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub session_ttl: Duration,

    /// Whether users without a password join the queue by id alone, so that whoever knows the id gets a queue token for
    /// that wallet [default: on with the private database, off with a database URL]
    #[arg(long, env = "CONCERT_BARE_JOIN", value_enum, ignore_case = true, value_name = "SWITCH")]
    pub bare_join: Option<Switch>,

    /// Who puts money into wallets: everyone (each the own wallet) or operators [default: everyone with the private
    /// database, operators with a database URL]
    #[arg(long, env = "CONCERT_RECHARGE", value_name = "everyone|operators")]
    pub recharge: Option<RechargeBy>,

    /// Whether the pages for buyers, gates and operators are served; off: the REST interface alone
    #[arg(long, env = "CONCERT_PAGES", default_value = "on", value_enum, ignore_case = true, value_name = "SWITCH")]
    pub pages: Switch,

    /// The zone of the house, an IANA name such as Asia/Seoul: the date and start of a concert that names no zone of its
    /// own are by its clocks. The zone of the process plays no part
    #[arg(long, env = "CONCERT_TIME_ZONE", default_value = "UTC", value_name = "ZONE")]
    pub time_zone: TimeZone,

    /// The currency of the house, an ISO 4217 code such as KRW, USD or EUR: how many decimal places an amount has, and how
    /// pages write it [default: two places, no name]
    #[arg(long, env = "CONCERT_CURRENCY", value_name = "CODE")]
    pub currency: Option<Currency>,

    /// How many unpaid seats a user may hold at once
    #[arg(long, env = "CONCERT_MAX_HOLDS_PER_USER", default_value_t = 4, value_name = "COUNT")]
    pub max_holds_per_user: u32,

    /// How many times in a row a user may hold the same seat and let it go unpaid before others come first; 1 to 100
    #[arg(long, env = "CONCERT_MAX_HOLDS_IN_A_ROW", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100), value_name = "COUNT")]
    pub max_holds_in_a_row: u32,

    /// For how long others then come first; 0s: not at all
    #[arg(long, env = "CONCERT_SEAT_PAUSE", default_value = "60s", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub seat_pause: Duration,

    /// How often the queue moves: ended turns make room for the next
    #[arg(long, env = "CONCERT_RERANK_EVERY", default_value = "10s", value_parser = period, value_name = "DURATION")]
    pub rerank_every: Duration,

    /// How often lapsed holds are released
    #[arg(long, env = "CONCERT_SWEEP_EVERY", default_value = "60s", value_parser = period, value_name = "DURATION")]
    pub sweep_every: Duration,

    /// The most connections at once, event streams included; more are refused with 503, but for health and metrics
    #[arg(long, env = "CONCERT_MAX_CONNECTIONS", default_value_t = Limits::default().max_connections, value_parser = connections, value_name = "COUNT")]
    pub max_connections: usize,

    /// The most connections at once from one address, or one /64 of IPv6; more are refused with 503. This machine's own
    /// and those of --trust-proxy are not counted
    #[arg(long, env = "CONCERT_MAX_CONNECTIONS_PER_ADDRESS", default_value_t = Limits::default().max_connections_per_address, value_parser = connections, value_name = "COUNT")]
    pub max_connections_per_address: usize,

    /// The most event streams at once; more are refused with 503, and their clients poll instead
    #[arg(long, env = "CONCERT_MAX_STREAMS", default_value_t = Limits::default().max_streams, value_parser = connections, value_name = "COUNT")]
    pub max_streams: usize,

    /// How many polls per second all WAITING users may make together: pollAfterSeconds grows with the queue to stay
    /// below it
    #[arg(long, env = "CONCERT_MAX_POLLS_PER_SECOND", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000_000), value_name = "COUNT")]
    pub max_polls_per_second: u32,

    /// How old the lists of seats and of dates may be; 0s: they are read for every request
    #[arg(long, env = "CONCERT_SEATS_MAX_AGE", default_value = "500ms", value_parser = seats_max_age, value_name = "DURATION")]
    pub seats_max_age: Duration,

    /// How long a connection may take to send the head of a request, or be idle between two requests
    #[arg(long, env = "CONCERT_IDLE_TIMEOUT", default_value = "75s", value_parser = period, value_name = "DURATION")]
    pub idle_timeout: Duration,

    /// How long an answer may wait for a client that does not read before the connection is cut
    #[arg(long, env = "CONCERT_WRITE_TIMEOUT", default_value = "10s", value_parser = period, value_name = "DURATION")]
    pub write_timeout: Duration,

    /// How old a connection or an event stream gets, give or take a tenth; then the client opens another
    #[arg(long, env = "CONCERT_MAX_CONNECTION_AGE", default_value = "1h", value_parser = period, value_name = "DURATION")]
    pub max_connection_age: Duration,

    /// How long requests in flight may take to finish when the server stops
    #[arg(long, env = "CONCERT_SHUTDOWN_DEADLINE", default_value = "30s", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub shutdown_deadline: Duration,

    /// An origin whose pages may call, https://host or *; can be repeated. None unless given
    #[arg(long = "cors-origin", env = "CONCERT_CORS_ORIGIN", value_delimiter = ',', value_name = "ORIGIN")]
    pub cors_origins: Vec<CorsOrigin>,

    /// How much one address, one user and one name may ask for
    #[command(flatten)]
    pub brakes: BrakeOptions,

    /// Log filter, for example info,concert_core=debug
    #[arg(long, env = "RUST_LOG", default_value = "info", value_parser = str::parse::<EnvFilter>, value_name = "FILTER")]
    pub log: EnvFilter,

    /// Log format
    #[arg(long, env = "CONCERT_LOG_FORMAT", default_value = "text", value_enum, value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// Which requests are traced, and where traces go
    #[command(flatten)]
    pub traces: TraceOptions,
}

impl Config {
    /// Starts the logs of this process, and the traces if there are any. Takes a tokio runtime.
    ///
    /// # Errors
    /// A usage error for an endpoint that is none.
    pub fn start_telemetry(&self) -> Result<Telemetry, clap::Error> {
        Telemetry::start(self.log_format, self.log.clone(), &self.traces).map_err(usage)
    }

    /// The policy, with access tokens signed with `secret`.
    ///
    /// # Errors
    /// A usage error for a secret that cannot work.
    pub fn policy(&self, secret: &SecretString) -> Result<Policy, clap::Error> {
        let refused = |error: Error| usage(error);
        let mut keys = JwtKeys::new(secret).map_err(refused)?;
        // Tokens that were signed before the secret was changed count until their own end.
        if let Some(previous) = &self.jwt_previous_secret {
            keys = keys.with_previous(previous).map_err(refused)?;
        }
        Ok(self.with_settings(Policy::new(keys)))
    }

    fn with_settings(&self, policy: Policy) -> Policy {
        policy
            .with_hold_ttl(self.hold_ttl)
            .with_hold_extension(self.hold_extension)
            .with_active_ttl(self.active_ttl)
            .with_claim_window(self.claim_window)
            .with_after_payment_ttl(self.after_payment_ttl)
            .with_waiting_ttl(self.waiting_ttl)
            .with_session_ttl(self.session_ttl)
            .with_bare_joins(self.bare_joins())
            .with_max_holds_per_user(self.max_holds_per_user)
            .with_max_holds_in_a_row(self.max_holds_in_a_row)
            .with_seat_pause(self.seat_pause)
            .with_max_polls_per_second(self.max_polls_per_second)
            .with_rerank_every(self.rerank_every)
            .with_sweep_every(self.sweep_every)
            .with_recharge(self.recharge())
            .with_time_zone(self.time_zone)
            .with_currency(self.currency)
            .with_schema(self.schema.clone())
    }

    /// Whether users without a password join by id alone. Unless said, only where nobody but this machine is likely to
    /// ask: with the private database.
    #[must_use]
    pub fn bare_joins(&self) -> bool {
        self.bare_join.map_or(self.database_url.is_none(), Switch::is_on)
    }

    /// Money for nothing is for trying things out: on the private database, unless said otherwise.
    fn recharge(&self) -> RechargeBy {
        let usual = if self.database_url.is_some() { RechargeBy::Operators } else { RechargeBy::Everyone };
        self.recharge.unwrap_or(usual)
    }

    /// The settings whose default depends on others, with what counts: by name.
    #[must_use]
    pub fn computed(&self) -> [(&'static str, &'static str); 2] {
        [("bare-join", if self.bare_joins() { "on" } else { "off" }), ("recharge", self.recharge().as_str())]
    }

    /// The server's limits.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        Limits {
            max_connections: self.max_connections,
            max_connections_per_address: self.max_connections_per_address,
            max_streams: self.max_streams,
            idle_timeout: self.idle_timeout,
            write_timeout: self.write_timeout,
            max_connection_age: self.max_connection_age,
            shutdown_deadline: self.shutdown_deadline,
        }
    }
}

fn usage(text: impl std::fmt::Display) -> clap::Error {
    concert_settings::usage_error(&mut Config::command(), ErrorKind::ValueValidation, text)
}

#[cfg(test)]
mod tests;
