//! The server's process: installed, started, watched, ended.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use tokio::sync::watch;

use super::Settings;
use super::folder::{cannot, end_of, make_private_dir, user_option};
use crate::db;
use crate::error::Error;

/// How often a start looks whether the server answers, and the keeper whether it is still there.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Where packages put programs that are not on everyone's path.
const MORE_PLACES: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];
/// What a service manager tells its service: to it the database is a part of its owner, who speaks for both.
const SERVICE_MANAGER: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];
const HOW_TO_INSTALL: &str = "MariaDB is not installed. Install it (Debian and Ubuntu: apt-get install mariadb-server; Fedora: \
     dnf install mariadb-server; macOS: brew install mariadb), or name a database with --database-url or DATABASE_URL";

#[derive(Debug)]
pub(super) struct Server {
    /// Held as long as the server may run.
    _lock: File,
    /// Dropped, it has the keeper kill the server.
    _kill: Sender<()>,
    pub(super) exited: watch::Receiver<Option<Option<ExitStatus>>>,
}

/// Starts the server on a folder that this process has locked.
pub(super) async fn start(
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
    if !is_installed(data_dir) {
        let (data, temporary) = (data.clone(), temporary.clone());
        tokio::task::spawn_blocking(move || install(&data, &temporary)).await.map_err(Error::internal)??;
    }
    let log = data_dir.join("mariadb.log");
    let mut command = server_command(&data, socket, &log, settings)?;
    command.arg(option("--tmpdir", &temporary));
    let (kill, exited) = keep(command)?;
    // From here on, dropping it kills the server: no error below leaves one behind.
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
                super::START_DEADLINE.as_secs(),
                log.display(),
                end_of(&log)
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Whether there are system tables in the folder.
pub(super) fn is_installed(data_dir: &Path) -> bool {
    data_dir.join("mariadb").join("mysql").is_dir()
}

/// An option whose value is a path, whatever is in it.
fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push("=");
    option.push(path);
    option
}

/// After a `kill -9` of its owner a server is told to stop, and may still be at it.
async fn wait_for_previous_server(data: &Path, deadline: Instant) -> Result<(), Error> {
    let Some(pid) = fs::read_to_string(data.join("mariadb.pid")).ok().and_then(|text| text.trim().parse::<u32>().ok())
    else {
        return Ok(());
    };
    // The number may be another program's by now, so its command line must name this folder.
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
    // Named from within the folder: the program, a shell script, does not quote every path.
    const FRESH: &str = "mariadb.new";
    let data_dir = data.parent().unwrap_or(data);
    let fresh = data_dir.join(FRESH);
    let _ = fs::remove_dir_all(&fresh);
    let mut command = Command::new(program);
    for name in SERVICE_MANAGER {
        command.env_remove(name);
    }
    let output = command
        .current_dir(data_dir)
        .arg("--no-defaults")
        .arg(format!("--datadir=./{FRESH}"))
        // By force: where this machine's name leads nowhere, as in a small container. Nobody comes over a network.
        .args(["--auth-root-authentication-method=normal", "--skip-test-db", "--force"])
        .args(user_option()?)
        .env("TMPDIR", temporary)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::Setup(format!("mariadb-install-db cannot be run: {error}")))?;
    if !output.status.success() {
        // It complains on either.
        let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).trim().to_owned());
        return Err(Error::Setup(format!("mariadb-install-db failed: {}", said.join("\n").trim())));
    }
    // What lies there has no system tables, or nothing would be installed.
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
    for name in SERVICE_MANAGER {
        command.env_remove(name);
    }
    command
        .arg("--no-defaults")
        .arg(option("--datadir", data))
        .arg(option("--socket", socket))
        .arg(option("--log-error", log))
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

pub(super) async fn answers(socket: &Path) -> Result<(), sqlx::Error> {
    db::close(db::plain_connection(&connect_options(socket)).await?).await;
    Ok(())
}

pub(super) fn connect_options(socket: &Path) -> MySqlConnectOptions {
    MySqlConnectOptions::new().socket(socket).username("root").ssl_mode(MySqlSslMode::Disabled)
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(MORE_PLACES.iter().map(PathBuf::from));
    places.map(|place| place.join(program)).find(|candidate| candidate.is_file())
}
