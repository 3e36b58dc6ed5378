//! Opening the box office.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use concert_core::private_db::{DATABASE, DEFAULT_DATA_DIR, PrivateDatabase, Settings};
use concert_core::{BoxOffice, Currency, JwtKeys, Policy, SecretFile, SecretString, SystemClock, TimeZone};
use secrecy::ExposeSecret as _;

use crate::commands::DatabaseCommand;
use crate::failure::Failure;
use crate::table::note;
use crate::texts::set_house;

/// How long the connections may take to close.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// Which database, and what goes with it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Opts {
    /// A file with settings, the same as the server's: a line for each, as in time-zone = "Asia/Seoul". Unless given,
    /// ./concert.toml or /etc/concert/concert.toml is read if it is there
    #[arg(id = "config", long = "config", global = true, value_name = "FILE", env = "CONCERT_CONFIG")]
    _file: Option<PathBuf>,
    /// The database: mysql://user:password@host:3306/name [default: the private one]
    #[arg(long, global = true, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// A file with that URL, so that its password is not seen among the processes; white space at its end is ignored
    #[arg(long, global = true, value_name = "FILE", env = "CONCERT_DATABASE_URL_FILE")]
    database_url_file: Option<PathBuf>,
    /// The database on the same server that has the box office's tables, the same as the server's [default: the one
    /// that the URL names]
    #[arg(long, global = true, value_name = "NAME", env = "CONCERT_SCHEMA")]
    schema: Option<String>,
    /// The folder of the private database
    #[arg(long, global = true, value_name = "FOLDER", env = "CONCERT_DATA_DIR", default_value = DEFAULT_DATA_DIR)]
    data_dir: PathBuf,
    /// The secret that access tokens are signed with, the same as the server's: only `token issue` and `token show`
    /// need it. The private database keeps its own
    #[arg(long, global = true, value_name = "SECRET", env = "CONCERT_JWT_SECRET", hide_env_values = true)]
    jwt_secret: Option<SecretString>,
    /// A file with that secret; white space at its end is ignored
    #[arg(long, global = true, value_name = "FILE", env = "CONCERT_JWT_SECRET_FILE")]
    jwt_secret_file: Option<PathBuf>,
    /// How long a turn that `rerank` or `token issue` gives lasts, the same as the server's
    #[arg(long, global = true, value_name = "DURATION", env = "CONCERT_ACTIVE_TTL", default_value = "10m",
        value_parser = humantime::parse_duration)]
    active_ttl: Duration,
    /// How long a turn that `rerank` gives may stay unclaimed, the same as the server's
    #[arg(long, global = true, value_name = "DURATION", env = "CONCERT_CLAIM_WINDOW", default_value = "60s",
        value_parser = humantime::parse_duration)]
    claim_window: Duration,
    /// How long `hold` holds seats, the same as the server's
    #[arg(long, global = true, value_name = "DURATION", env = "CONCERT_HOLD_TTL", default_value = "5m",
        value_parser = humantime::parse_duration)]
    hold_ttl: Duration,
    /// By how much `extend` moves a deadline, the same as the server's
    #[arg(long, global = true, value_name = "DURATION", env = "CONCERT_HOLD_EXTENSION", default_value = "2m",
        value_parser = humantime::parse_duration)]
    hold_extension: Duration,
    /// The zone of the house, an IANA name such as Asia/Seoul, the same as the server's
    #[arg(long, global = true, value_name = "ZONE", env = "CONCERT_TIME_ZONE", default_value = "UTC")]
    time_zone: TimeZone,
    /// The currency of the house, an ISO 4217 code such as KRW, the same as the server's [default: two decimal places, no
    /// name]
    #[arg(long, global = true, value_name = "CODE", env = "CONCERT_CURRENCY")]
    currency: Option<Currency>,
    /// How many unpaid seats a user may hold at once, the same as the server's
    #[arg(long, global = true, value_name = "COUNT", env = "CONCERT_MAX_HOLDS_PER_USER", default_value_t = 4)]
    max_holds_per_user: u32,
    /// How many times in a row a user may hold a seat and let it go before others come first, the same as the server's
    #[arg(long, global = true, value_name = "COUNT", env = "CONCERT_MAX_HOLDS_IN_A_ROW", default_value_t = 3)]
    max_holds_in_a_row: u32,
    /// For how long others then come first, the same as the server's
    #[arg(long, global = true, value_name = "DURATION", env = "CONCERT_SEAT_PAUSE", default_value = "60s",
        value_parser = humantime::parse_duration)]
    seat_pause: Duration,
    /// How long a turn still lasts after `pay`, when nothing else is held, the same as the server's
    #[arg(long, global = true, value_name = "DURATION", env = "CONCERT_AFTER_PAYMENT_TTL", default_value = "60s",
        value_parser = humantime::parse_duration)]
    after_payment_ttl: Duration,
}

/// An open box office, and the private server if this process runs on one.
pub struct Database {
    pub box_office: BoxOffice,
    private: Option<PrivateDatabase>,
}

impl Database {
    /// Opens the database that `opts` names. There are keys only where `command` signs tokens.
    pub async fn open(opts: &Opts, command: &DatabaseCommand) -> Result<Self, Failure> {
        let signs_tokens = command.signs_tokens();
        if let Some(url) = opts.given_url()? {
            // Most commands sign nothing, and an operator at a desk need not have the servers' secret.
            let secret = if signs_tokens { Some(opts.given_secret()?.ok_or_else(no_secret)?) } else { None };
            let box_office = BoxOffice::connect(url.expose_secret(), opts.policy(secret)?).await?;
            return Ok(Self { box_office, private: None });
        }
        // A mistyped folder would else become a new, empty box office that answers everything.
        if !command.makes_database() && !PrivateDatabase::exists(&opts.data_dir) {
            return Err(Failure::NoPrivateDatabase { folder: opts.data_dir.clone() });
        }
        // Where a server runs on it already, this joins that one.
        let private = PrivateDatabase::open(&opts.data_dir, &Settings::default()).await?;
        if private.is_owner() {
            note(&format!("started the private MariaDB in {}", private.data_dir().display()));
        }
        let secret = match signs_tokens {
            true => Some(opts.given_secret()?.map_or_else(|| private.jwt_secret(), Ok)?),
            false => None,
        };
        let options = private.database(DATABASE).await?;
        let box_office = BoxOffice::connect_with(options, opts.policy(secret)?, Arc::new(SystemClock)).await?;
        Ok(Self { box_office, private: Some(private) })
    }

    /// Closes the connections, and stops the private server if this process started it.
    pub async fn close(self) -> Result<(), Failure> {
        // A connection that hangs must not keep the shell waiting; the database drops it by itself.
        let _ = tokio::time::timeout(CLOSE_DEADLINE, self.box_office.pool().close()).await;
        if let Some(private) = self.private {
            private.stop().await?;
        }
        Ok(())
    }
}

impl Opts {
    /// The database's URL; an empty one counts as none.
    fn given_url(&self) -> Result<Option<SecretString>, Failure> {
        match &self.database_url_file {
            Some(file) => secret_in(file).map(Some),
            None => Ok(self.database_url.clone().filter(|url| !url.is_empty()).map(SecretString::from)),
        }
    }

    /// Amounts and moments are told as the house has them.
    pub fn say_house(&self) {
        set_house(self.currency, self.time_zone);
    }

    fn given_secret(&self) -> Result<Option<SecretString>, Failure> {
        match &self.jwt_secret_file {
            Some(file) => secret_in(file).map(Some),
            None => Ok(self.jwt_secret.clone()),
        }
    }

    fn policy(&self, secret: Option<SecretString>) -> Result<Policy, Failure> {
        let policy = match secret {
            Some(secret) => Policy::new(JwtKeys::new(&secret)?),
            None => Policy::default(),
        };
        Ok(policy
            .with_active_ttl(self.active_ttl)
            .with_claim_window(self.claim_window)
            .with_hold_ttl(self.hold_ttl)
            .with_time_zone(self.time_zone)
            .with_currency(self.currency)
            .with_hold_extension(self.hold_extension)
            .with_max_holds_per_user(self.max_holds_per_user)
            .with_max_holds_in_a_row(self.max_holds_in_a_row)
            .with_seat_pause(self.seat_pause)
            // A short --active-ttl alone is meant to be short: the policy refuses a longer time after payment.
            .with_after_payment_ttl(self.after_payment_ttl.min(self.active_ttl))
            // As with the URL, an empty variable counts as unset.
            .with_schema(self.schema.clone().filter(|schema| !schema.is_empty())))
    }
}

fn secret_in(file: &Path) -> Result<SecretString, Failure> {
    let SecretFile { secret, warning, .. } =
        SecretFile::read(file).map_err(|source| Failure::io(format!("read {}", file.display()), source))?;
    if let Some(warning) = warning {
        note(&format!("warning: {warning}"));
    }
    Ok(secret)
}

fn no_secret() -> Failure {
    Failure::Usage(
        "this command signs an access token: give the server's secret by --jwt-secret-file, --jwt-secret or \
         CONCERT_JWT_SECRET"
            .to_owned(),
    )
}
