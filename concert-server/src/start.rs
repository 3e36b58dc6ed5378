//! From the configuration to a box office that is ready to serve.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use concert_core::private_db::{DATABASE, PrivateDatabase, Settings};
use concert_core::{AdmissionChange, BoxOffice, Error, SecretString, SystemClock};
use secrecy::ExposeSecret as _;
use tokio::net::{TcpListener, TcpSocket};

use crate::config::Config;
use crate::serve::Listeners;
use crate::telemetry;

/// Why the server did not start.
#[derive(Debug)]
pub enum StartError {
    /// The flags are not valid together.
    Usage(clap::Error),
    /// The address cannot be listened on.
    Listen(SocketAddr, io::Error),
    /// The database cannot be used.
    Database(Error),
    /// The system refused something else.
    System(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => error.fmt(f),
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Database(error) => f.write_str(&telemetry::chain(error)),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

impl From<clap::Error> for StartError {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

impl From<Error> for StartError {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// How many connections may wait to be accepted: a sale opens within one second. The system may allow fewer
/// (`net.core.somaxconn`).
const BACKLOG: u32 = 4_096;

/// Listens on `address`. Must be called within a tokio runtime.
///
/// # Errors
/// [`StartError::Listen`].
pub fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    // `TcpListener::bind` has a fixed backlog, which is too short for an opening.
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let listening = socket.and_then(|socket| {
        // Else a server that starts again within a minute finds its own old connections on the port.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    });
    listening.map_err(|error| StartError::Listen(address, error))
}

/// Listens where the configuration says. Must be called within a tokio runtime.
///
/// # Errors
/// [`StartError::Listen`].
pub fn listeners(config: &Config) -> Result<Listeners, StartError> {
    Ok(Listeners { public: listen(config.listen)?, admin: config.admin_listen.map(listen).transpose()? })
}

/// Says where the server listens, and warns of what it should not be exposed to.
pub fn say_where(listeners: &Listeners, config: &Config) {
    let public = listeners.public.local_addr().unwrap_or(config.listen);
    tracing::info!("listening on http://{public}");
    warn_of_plain(public);
    if let Some(admin) = listeners.admin.as_ref().and_then(|listener| listener.local_addr().ok()) {
        tracing::info!("listening for operators on http://{admin}");
        warn_of_plain(admin);
    }
    // Such a limit would show only once the crowd is there.
    if let Some(most) = most_open_files()
        && most < config.max_connections
    {
        let wanted = config.max_connections;
        tracing::warn!("only {most} files can be open, --max-connections is {wanted}: raise `ulimit -n`");
    }
}

/// Whoever is on the way can read passwords and access tokens.
fn warn_of_plain(address: SocketAddr) {
    if !address.ip().to_canonical().is_loopback() {
        tracing::warn!(
            "{address} takes plain HTTP from other machines: let a proxy with TLS stand before it, as docs/src/operations.md \
             shows, and let nobody else reach it"
        );
    }
}

/// How many files this process may have open, where the system says so.
fn most_open_files() -> Option<usize> {
    // The standard library has no call for it, and the workspace forbids unsafe code. Only Linux has this file.
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Connects to the database that the configuration names, or to the private one, and brings its schema up to date. The
/// configuration was [checked](Config::checked).
///
/// # Errors
/// [`StartError`]; the text says what to do.
pub async fn box_office(config: &Config) -> Result<(BoxOffice, Option<PrivateDatabase>), StartError> {
    let (box_office, private) = match (&config.database_url, config.jwt_secret.clone()) {
        (Some(url), Some(secret)) => {
            let policy = config.policy(&secret)?;
            (BoxOffice::connect(url.expose_secret(), policy).await?, None)
        }
        (_, given) => {
            let (box_office, private) = on_private_database(config, given).await?;
            (box_office, Some(private))
        }
    };
    // Several servers may do so at once: one migrates, the others wait for it.
    box_office.migrate().await?;
    // Before the server says that it is ready: a crowd is not to wait for handshakes with the database.
    box_office.open_connections().await?;
    if let Some(max_active) = config.max_active {
        // Recorded only if the cap changes.
        let change = AdmissionChange::new().with_max_active(max_active);
        box_office.operator("concert-server".parse()?).set_admission(change).await?;
    }
    Ok((box_office, private))
}

async fn on_private_database(
    config: &Config,
    given: Option<SecretString>,
) -> Result<(BoxOffice, PrivateDatabase), StartError> {
    let private = PrivateDatabase::open(&config.data_dir, &Settings::default()).await?;
    let what = if private.is_owner() { "started a private MariaDB" } else { "joined the running private MariaDB" };
    tracing::info!(folder = %private.data_dir().display(), "no DATABASE_URL: {what}");
    let secret = match given {
        Some(secret) => secret,
        // It is kept beside the data, so that sessions outlive a restart.
        None => private.jwt_secret()?,
    };
    let options = private.database(DATABASE).await?;
    let box_office = BoxOffice::connect_with(options, config.policy(&secret)?, Arc::new(SystemClock)).await?;
    Ok((box_office, private))
}
