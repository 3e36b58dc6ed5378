//! The binary under test, and a database for it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use concert_core::{Clock as _, ConcertId, SystemClock, Timestamp, UserId};
use serde_json::Value;
use sqlx::ConnectOptions as _;
use sqlx::mysql::MySqlConnectOptions;

use crate::support::{House, SECRET};

/// The first concert of `seed --seed 1`.
pub const CONCERT: &str = "350753f5-0040-5c88-b2ad-ebaea9ef7fe4";
/// Its first two users.
pub const USERS: [&str; 2] = ["fa46dca4-4364-508b-b370-8878f43df7df", "1fb625d8-2941-5404-a03b-8ebda1438408"];

/// A migrated database, `concert-cli` on it, and a box office whose clock the test moves.
pub struct Desk {
    pub house: House,
    pub url: String,
}

impl Desk {
    /// The box office's clock shows an hour ago, so that its holds and turns are over for the CLI.
    pub async fn open() -> Self {
        let house = House::open().await;
        house.clock.set(SystemClock.now() - chrono::TimeDelta::hours(1));
        let url = url(&house.database);
        Self { house, url }
    }

    /// With one concert of 4 seats and 2 users.
    pub async fn seeded() -> Self {
        let desk = Self::open().await;
        desk.run(&["seed", "--seed", "1", "--seats", "4", "--users", "2", "--starting", "2099-12-30"]).ok();
        desk
    }

    /// The box office's clock shows the CLI's time.
    pub fn catch_up(&self) -> Timestamp {
        let now = SystemClock.now();
        self.house.clock.set(now);
        now
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = concert_cli(args);
        command.env("DATABASE_URL", &self.url);
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command(args), b"")
    }

    /// The same with the server's JWT secret.
    pub fn run_with_secret(&self, args: &[&str]) -> Ran {
        let mut command = self.command(args);
        command.env("CONCERT_JWT_SECRET", SECRET);
        Ran::from(command, b"")
    }

    pub fn run_with_input(&self, args: &[&str], input: &[u8]) -> Ran {
        Ran::from(self.command(args), input)
    }
}

pub fn url(database: &MySqlConnectOptions) -> String {
    database.to_url_lossy().to_string()
}

pub fn concert() -> ConcertId {
    CONCERT.parse().expect("an id")
}

pub fn user(index: usize) -> UserId {
    USERS[index].parse().expect("an id")
}

/// The binary, with nothing of our own environment that it would read.
pub fn concert_cli(args: &[&str]) -> Command {
    let test = std::env::current_exe().expect("this test's path");
    let target = test.parent().and_then(|deps| deps.parent()).expect("target/<profile>/deps/<test>");
    let binary: PathBuf = target.join("concert-cli");
    assert!(binary.is_file(), "{} is missing: `make test` builds the workspace first", binary.display());
    let mut command = Command::new(binary);
    // Wide enough for every table; how they fit is tested by themselves.
    command.args(args).env("COLUMNS", "250");
    for (name, _) in std::env::vars_os() {
        let is_locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().any(|locale| name == *locale);
        if is_locale || name == "DATABASE_URL" || name.to_string_lossy().starts_with("CONCERT_") {
            command.env_remove(name);
        }
    }
    // A file that is on this machine by chance plays no part.
    command.env("CONCERT_CONFIG", "/dev/null");
    command
}

/// What a run of the binary left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn from(mut command: Command, input: &[u8]) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("runs");
        // A command that reads no input has closed it.
        let _ = child.stdin.take().expect("is piped").write_all(input);
        let output = child.wait_with_output().expect("ends");
        let text = |bytes| String::from_utf8(bytes).expect("is UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Exit code 0 and nothing on stderr: the results.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{}", self.stdout);
        self.stdout
    }

    /// The same, one JSON document.
    #[track_caller]
    pub fn json(self) -> Value {
        let text = self.ok();
        assert_eq!(text.lines().count(), 1, "one line: {text}");
        serde_json::from_str(&text).expect("is JSON")
    }

    /// Exit code 1 with results, since a part was refused: the results and the complaints.
    #[track_caller]
    pub fn in_part(self) -> (String, String) {
        assert_eq!((self.code, self.stdout.is_empty()), (Some(1), false), "{}", self.stderr);
        (self.stdout, self.stderr)
    }

    /// That exit code and nothing on stdout: the complaints.
    #[track_caller]
    pub fn refused(self, code: i32) -> String {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{}", self.stderr);
        self.stderr
    }
}

/// Runs `check` with ids, times and access tokens replaced in snapshots.
pub fn redacted(check: impl FnOnce()) {
    let filters = [
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[id]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[time]"),
        (r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "[jwt]"),
        (r"\d+ s\b", "[seconds] s"),
    ];
    insta::with_settings!({filters => filters.to_vec()}, { check() });
}
