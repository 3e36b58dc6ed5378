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
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};

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
    /// In one that joined: waits for the owner to go, and starts the server again.
    successor: Option<AbortOnDropHandle>,
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
    /// When the owner of a server that this process joined goes first, this process starts it again and owns it: for a
    /// moment there is no server, which the retries of a box office bridge.
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
                return Ok(Self { data_dir, socket, server: Arc::new(Mutex::new(Some(server))), successor: None });
            }
            if answers(&socket).await.is_ok() {
                let server = Arc::default();
                let successor = succeed(data_dir.clone(), socket.clone(), settings.clone(), Arc::clone(&server));
                let successor = Some(AbortOnDropHandle(tokio::spawn(successor)));
                return Ok(Self { data_dir, socket, server, successor });
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
        self.successor = None;
        let Some(mut server) = self.server.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        if let Ok(mut connection) = connect_options(&self.socket).connect().await {
            // The server closes the connection instead of answering.
            let _ = connection.execute("shutdown").await;
        }
        let gone = server.exited.wait_for(Option::is_some);
        match tokio::time::timeout(STOP_DEADLINE, gone).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::Setup(format!("the server did not stop within {} s", STOP_DEADLINE.as_secs()))),
        }
    }
}

/// Waits for the owner to go, and takes its place.
async fn succeed(data_dir: PathBuf, socket: PathBuf, settings: Settings, server: Arc<Mutex<Option<Server>>>) {
    loop {
        tokio::time::sleep(TAKE_OVER_EVERY).await;
        let Ok(Some(lock)) = folder::try_lock(&data_dir) else { continue };
        match start(&data_dir, &socket, &settings, lock, Instant::now() + START_DEADLINE).await {
            Ok(started) => {
                tracing::info!(folder = %data_dir.display(), "the owner of the private MariaDB is gone: it runs here now");
                *server.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
                return;
            }
            Err(error) => tracing::error!(%error, "the private MariaDB cannot be taken over"),
        }
    }
}
