//! A private MariaDB: started by this process on a unix socket, without a network, in a folder that persists, and stopped
//! when this process stops, however it stops.
//!
//! The folder's lock decides who owns the server; a second process on the same folder joins the one that runs.

mod folder;
mod server;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use sqlx::Executor as _;
use sqlx::mysql::MySqlConnectOptions;

use self::server::{Server, answers, connect_options, start};
use crate::db;
use crate::error::Error;

/// Where the private database is kept unless told otherwise: in the current folder.
pub const DEFAULT_DATA_DIR: &str = ".concert-data";

/// The name that the server and the CLI give their database in it.
pub const DATABASE: &str = "concert";

/// How long a start may take: the recovery after a crash is part of it.
const START_DEADLINE: Duration = Duration::from_secs(120);
/// How long a server may take to stop before it is killed.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// How often one that joined looks whether the owner is gone.
const TAKE_OVER_EVERY: Duration = Duration::from_millis(100);
/// The pause before a server that died is started again; it doubles with each server that dies young, or does not
/// start, up to `LONGEST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A server that ran for this long did not die young.
const GROWN_UP: Duration = Duration::from_secs(60);

/// How a private database runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether a commit is on disk before it is answered. Default true; false is for tests whose data may be lost.
    pub durable: bool,
    /// More options for the server.
    pub server_options: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { durable: true, server_options: Vec::new() }
    }
}

/// A running private database. Dropped, it kills the server if it owns it, which loses nothing that was committed;
/// [`PrivateDatabase::stop`] is the gentle way.
#[derive(Debug)]
pub struct PrivateDatabase {
    data_dir: PathBuf,
    socket: PathBuf,
    /// `None`: another process owns the server.
    server: Arc<Mutex<Option<Server>>>,
    /// Starts the server again when it, or its owner, has gone.
    keeper: AbortOnDropHandle,
}

/// A task that ends with its handle.
#[derive(Debug)]
struct AbortOnDropHandle(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDropHandle {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl PrivateDatabase {
    /// Starts the database in `data_dir`, or joins the one that runs there. Takes about 2 s the first time and 0.2 s later.
    ///
    /// A server that dies is started again by its owner. When the owner of a server that this process joined goes first,
    /// this process starts it again and owns it. For a moment there is no server, which the retries of a box office
    /// bridge.
    ///
    /// # Errors
    /// [`Error::Setup`] when MariaDB is not installed or does not start; the text says what to do.
    pub async fn open(data_dir: &Path, settings: &Settings) -> Result<Self, Error> {
        folder::make_private_dir(data_dir)?;
        let data_dir = data_dir.canonicalize().map_err(|error| folder::cannot("find", data_dir, &error))?;
        let socket = folder::socket_path(&data_dir)?;
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            if let Some(lock) = folder::try_lock(&data_dir)? {
                let server = start(&data_dir, &socket, settings, lock, deadline).await?;
                return Ok(Self::kept(data_dir, socket, settings, Some(server)));
            }
            // Somebody else has the lock: that one's server is joined as soon as it answers.
            if answers(&socket).await.is_ok() {
                return Ok(Self::kept(data_dir, socket, settings, None));
            }
            if Instant::now() > deadline {
                return Err(Error::Setup(format!(
                    "another process owns {} but its server does not answer; end that process or use another --data-dir",
                    data_dir.display()
                )));
            }
            tokio::time::sleep(server::LOOK_EVERY).await;
        }
    }

    fn kept(data_dir: PathBuf, socket: PathBuf, settings: &Settings, server: Option<Server>) -> Self {
        let server = Arc::new(Mutex::new(server));
        let keeper = Keeper {
            data_dir: data_dir.clone(),
            socket: socket.clone(),
            settings: settings.clone(),
            server: Arc::clone(&server),
        };
        Self { data_dir, socket, server, keeper: AbortOnDropHandle(tokio::spawn(keeper.keep())) }
    }

    /// Whether there is a private database in `data_dir`, running or not. It makes nothing.
    #[must_use]
    pub fn exists(data_dir: &Path) -> bool {
        server::is_installed(data_dir)
    }

    /// Whether this process runs the server, and stops it.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The folder.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Options to connect to the database `name`, which is made if it is missing.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a name that is not letters, digits and `_`.
    pub async fn database(&self, name: &str) -> Result<MySqlConnectOptions, Error> {
        db::check_name(name)?;
        let options = connect_options(&self.socket);
        db::create_database(&options, name).await.map_err(db::to_error)?;
        Ok(options.database(name))
    }

    /// The JWT secret that goes with the data: made at random the first time, then kept in the folder.
    ///
    /// # Errors
    /// [`Error::Setup`] when the file cannot be read or written.
    pub fn jwt_secret(&self) -> Result<SecretString, Error> {
        folder::kept_secret(&self.data_dir.join("jwt-secret"))
    }

    /// Stops the server if this process owns it, and waits until it is gone.
    ///
    /// # Errors
    /// [`Error::Setup`] when it had to be killed. What was committed is safe all the same.
    pub async fn stop(mut self) -> Result<(), Error> {
        // Waits until it has ended: it may be about to start another server.
        self.keeper.0.abort();
        let _ = (&mut self.keeper.0).await;
        let Some(mut server) = self.server.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        let gone = async {
            if let Ok(mut connection) = db::plain_connection(&connect_options(&self.socket)).await {
                // The server closes the connection instead of answering.
                let _ = db::within(STOP_DEADLINE, connection.execute("shutdown")).await;
            }
            let _ = server.exited.wait_for(Option::is_some).await;
        };
        match tokio::time::timeout(STOP_DEADLINE, gone).await {
            Ok(()) => Ok(()),
            // Dropped, it is killed.
            Err(_) => Err(Error::Setup(format!("the server did not stop within {} s", STOP_DEADLINE.as_secs()))),
        }
    }
}

impl Drop for PrivateDatabase {
    fn drop(&mut self) {
        // At once: the keeper ends when its task is next looked at.
        drop(self.server.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// Sees to it that the server runs, here or in the process that owns it.
struct Keeper {
    data_dir: PathBuf,
    socket: PathBuf,
    settings: Settings,
    server: Arc<Mutex<Option<Server>>>,
}

impl Keeper {
    async fn keep(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            let died_here = self.has_died().await;
            if died_here {
                pause = if begun.elapsed() > GROWN_UP { FIRST_PAUSE } else { pause };
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            } else {
                // The server is another's. Once that process is gone, its lock can be had.
                tokio::time::sleep(TAKE_OVER_EVERY).await;
            }
            // None: another process has taken the folder over, or its owner lives.
            let Ok(Some(lock)) = folder::try_lock(&self.data_dir) else { continue };
            let deadline = Instant::now() + START_DEADLINE;
            match start(&self.data_dir, &self.socket, &self.settings, lock, deadline).await {
                Ok(started) => {
                    *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
                    let why = if died_here { "it died" } else { "its owner is gone" };
                    tracing::info!(folder = %self.data_dir.display(), "started the private MariaDB again: {why}");
                }
                Err(error) => {
                    tracing::error!(%error, again_in = ?pause, "the private MariaDB cannot be started again");
                    tokio::time::sleep(pause).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            }
        }
    }

    /// Waits until the server of this process has died; `false` at once if it has none.
    async fn has_died(&self) -> bool {
        let exited = self.server.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|own| own.exited.clone());
        let Some(mut exited) = exited else { return false };
        let status = exited.wait_for(Option::is_some).await.ok().and_then(|status| status.flatten());
        let status = status.map_or_else(|| "for an unknown reason".to_owned(), |status| status.to_string());
        tracing::error!(folder = %self.data_dir.display(), "the private MariaDB died ({status})");
        metrics::counter!("concert_private_database_deaths_total").increment(1);
        // Its lock goes with it; it is taken again at once.
        drop(self.server.lock().unwrap_or_else(PoisonError::into_inner).take());
        true
    }
}
