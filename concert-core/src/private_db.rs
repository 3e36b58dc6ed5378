//! A private MariaDB: started by this process on a unix socket, without a network, in a folder that persists, and stopped
//! when this process stops, however it stops.
//!
//! The folder's lock decides who owns the server; a second process on the same folder joins the one that runs.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::RngExt as _;
use secrecy::SecretString;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::watch;

use crate::db;
use crate::error::Error;

/// Where the private database is kept unless told otherwise: in the current folder.
pub const DEFAULT_DATA_DIR: &str = ".concert";

/// The name that the server and the CLI give their database in it.
pub const DATABASE: &str = "concert";

/// How long a start may take: the recovery after a crash is part of it.
const START_DEADLINE: Duration = Duration::from_secs(120);
/// How long a server may take to stop before it is killed.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// How often a start looks whether the server answers, and the keeper whether it is still there.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often one that joined looks whether the owner is gone.
const TAKE_OVER_EVERY: Duration = Duration::from_millis(100);
/// The longest path of a unix socket, in bytes.
const LONGEST_SOCKET_PATH: usize = 107;
/// How much of the server's log an error shows, in bytes.
const LOG_SHOWN: u64 = 2_000;
/// Where packages put programs that are not on everyone's path.
const MORE_PLACES: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];
const HOW_TO_INSTALL: &str = "MariaDB is not installed. Install it (Debian and Ubuntu: apt-get install mariadb-server; Fedora: \
     dnf install mariadb-server; macOS: brew install mariadb), or name a database with --database-url or DATABASE_URL";

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

#[derive(Debug)]
struct Server {
    /// Held as long as the server may run.
    _lock: File,
    /// Dropped, it has the keeper kill the server.
    _kill: Sender<()>,
    exited: watch::Receiver<Option<Option<ExitStatus>>>,
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
        make_private_dir(data_dir)?;
        let data_dir = data_dir.canonicalize().map_err(|error| cannot("find", data_dir, &error))?;
        let socket = socket_path(&data_dir)?;
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            if let Some(lock) = try_lock(&data_dir)? {
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
            tokio::time::sleep(LOOK_EVERY).await;
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
        let options = connect_options(&self.socket);
        db::create_database(&options, name).await?;
        Ok(options.database(name))
    }

    /// The JWT secret that goes with the data: made at random the first time, then kept in the folder.
    ///
    /// # Errors
    /// [`Error::Setup`] when the file cannot be read or written.
    pub fn jwt_secret(&self) -> Result<SecretString, Error> {
        let path = self.data_dir.join("jwt-secret");
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                let secret: String = (0..64).map(|_| char::from(rand::rng().random_range(b'a'..=b'z'))).collect();
                file.write_all(secret.as_bytes()).map_err(|error| cannot("write", &path, &error))?;
                Ok(SecretString::from(secret))
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let secret = fs::read_to_string(&path).map_err(|error| cannot("read", &path, &error))?;
                Ok(SecretString::from(secret))
            }
            Err(error) => Err(cannot("write", &path, &error)),
        }
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
        let Ok(Some(lock)) = try_lock(&data_dir) else { continue };
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

/// Starts the server on a folder that this process has locked.
async fn start(
    data_dir: &Path,
    socket: &Path,
    settings: &Settings,
    lock: File,
    deadline: Instant,
) -> Result<Server, Error> {
    let data = data_dir.join("mariadb");
    wait_for_previous_server(&data, deadline).await?;
    // A server that starts removes the temporary tables that it finds, also those of one that shares its folder.
    let temporary = data_dir.join("tmp");
    make_private_dir(&temporary)?;
    if !data.join("mysql").is_dir() {
        let (data, temporary) = (data.clone(), temporary.clone());
        tokio::task::spawn_blocking(move || install(&data, &temporary)).await.map_err(Error::internal)??;
    }
    let log = data_dir.join("mariadb.log");
    let mut command = server_command(&data, socket, &log, settings)?;
    command.arg(format!("--tmpdir={}", temporary.display()));
    let (kill, exited) = keep(command)?;
    let mut server = Server { _lock: lock, _kill: kill, exited };
    loop {
        if answers(socket).await.is_ok() {
            return Ok(server);
        }
        if server.exited.borrow_and_update().is_some() {
            return Err(Error::Setup(format!(
                "the server ended as it started; {} says:\n{}",
                log.display(),
                end_of(&log)
            )));
        }
        if Instant::now() > deadline {
            return Err(Error::Setup(format!(
                "the server did not answer within {} s; {} says:\n{}",
                START_DEADLINE.as_secs(),
                log.display(),
                end_of(&log)
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// After a `kill -9` of its owner a server is told to stop, and may still be at it.
async fn wait_for_previous_server(data: &Path, deadline: Instant) -> Result<(), Error> {
    let Some(pid) = fs::read_to_string(data.join("mariadb.pid")).ok().and_then(|text| text.trim().parse::<u32>().ok())
    else {
        return Ok(());
    };
    let alive = || {
        fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&*data.to_string_lossy()))
    };
    while alive() {
        if Instant::now() > deadline {
            return Err(Error::Setup(format!("a server without an owner (process {pid}) runs on {}", data.display())));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Makes the system tables, in a folder beside that takes its place when it is complete.
fn install(data: &Path, temporary: &Path) -> Result<(), Error> {
    let program = find("mariadb-install-db").ok_or_else(|| Error::Setup(HOW_TO_INSTALL.to_owned()))?;
    let fresh = data.with_extension("new");
    let _ = fs::remove_dir_all(&fresh);
    let output = Command::new(program)
        .arg("--no-defaults")
        .arg(format!("--datadir={}", fresh.display()))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
        .args(user_option()?)
        .env("TMPDIR", temporary)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::Setup(format!("mariadb-install-db cannot be run: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Error::Setup(format!("mariadb-install-db failed: {said}")));
    }
    let _ = fs::remove_dir_all(data);
    fs::rename(&fresh, data).map_err(|error| cannot("rename", &fresh, &error))
}

fn server_command(data: &Path, socket: &Path, log: &Path, settings: &Settings) -> Result<Command, Error> {
    let program = find("mariadbd").ok_or_else(|| Error::Setup(HOW_TO_INSTALL.to_owned()))?;
    // `setpriv` has the kernel end the server with its owner; where there is none, only the next start notices.
    let mut command = match find("setpriv") {
        Some(setpriv) if cfg!(target_os = "linux") => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "TERM", "--"]).arg(program);
            command
        }
        _ => Command::new(program),
    };
    command
        .arg("--no-defaults")
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--socket={}", socket.display()))
        .arg(format!("--log-error={}", log.display()))
        .args(user_option()?)
        .args(["--pid-file=mariadb.pid", "--skip-networking", "--skip-log-bin", "--performance-schema=OFF"])
        .args(["--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci", "--max-connections=500"])
        .arg(format!("--innodb-flush-log-at-trx-commit={}", u8::from(settings.durable)))
        .args(if settings.durable {
            ["--innodb-log-file-size=256M", "--innodb-buffer-pool-size=512M"]
        } else {
            ["--innodb-log-file-size=32M", "--innodb-buffer-pool-size=128M"]
        })
        .args(&settings.server_options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C is for us; the server stops when we say so.
        .process_group(0);
    Ok(command)
}

/// Starts the server from a thread that stays until it is gone: the kernel ties its life to that thread's.
#[expect(clippy::type_complexity, reason = "the two ends of one thing")]
fn keep(mut command: Command) -> Result<(Sender<()>, watch::Receiver<Option<Option<ExitStatus>>>), Error> {
    let (kill, killed) = channel();
    let (report, started) = channel();
    let (exit, exited) = watch::channel(None);
    let keeper = move || match command.spawn() {
        Ok(child) => {
            let _ = report.send(Ok(()));
            let status = wait(child, &killed);
            exit.send_replace(Some(status));
        }
        Err(error) => {
            let _ = report.send(Err(error));
        }
    };
    std::thread::Builder::new().name("mariadb-keeper".to_owned()).spawn(keeper).map_err(Error::internal)?;
    match started.recv() {
        Ok(Ok(())) => Ok((kill, exited)),
        Ok(Err(error)) => Err(Error::Setup(format!("mariadbd cannot be run: {error}"))),
        Err(error) => Err(Error::internal(error)),
    }
}

fn wait(mut child: Child, killed: &Receiver<()>) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => {}
            Err(_) => return None,
        }
        if let Err(RecvTimeoutError::Timeout) = killed.recv_timeout(LOOK_EVERY) {
            continue;
        }
        // Told to, or the owner dropped its handle.
        let _ = child.kill();
        return child.wait().ok();
    }
}

async fn answers(socket: &Path) -> Result<(), sqlx::Error> {
    connect_options(socket).connect().await?.close().await
}

fn connect_options(socket: &Path) -> MySqlConnectOptions {
    MySqlConnectOptions::new().socket(socket).username("root").ssl_mode(MySqlSslMode::Disabled)
}

fn make_private_dir(dir: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| cannot("make", dir, &error))?;
    // The server's root has no password: whoever can open its socket is root.
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|error| cannot("protect", dir, &error))
}

/// The socket lies in the folder, or, where that path is too long for one, in a private folder of the system's.
fn socket_path(data_dir: &Path) -> Result<PathBuf, Error> {
    let inside = data_dir.join("mariadb.sock");
    if inside.as_os_str().len() <= LONGEST_SOCKET_PATH {
        return Ok(inside);
    }
    let mut hasher = DefaultHasher::new();
    data_dir.hash(&mut hasher);
    let outside = std::env::temp_dir().join(format!("concert-{:016x}", hasher.finish()));
    make_private_dir(&outside)?;
    Ok(outside.join("mariadb.sock"))
}

fn try_lock(data_dir: &Path) -> Result<Option<File>, Error> {
    let path = data_dir.join("owner.lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| cannot("open", &path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(cannot("lock", &path, &error)),
    }
}

/// Run as root, MariaDB wants to be told that this is meant.
fn user_option() -> Result<Option<&'static str>, Error> {
    let own = Path::new("/proc/self");
    match fs::metadata(own) {
        Ok(process) => Ok((process.uid() == 0).then_some("--user=root")),
        Err(_) if !cfg!(target_os = "linux") => Ok(None),
        Err(error) => Err(cannot("look at", own, &error)),
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(MORE_PLACES.iter().map(PathBuf::from));
    places.map(|place| place.join(program)).find(|candidate| candidate.is_file())
}

fn end_of(log: &Path) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(log) {
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(LOG_SHOWN)));
        let _ = file.take(LOG_SHOWN).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::Setup(format!("cannot {what} {}: {error}", path.display()))
}
