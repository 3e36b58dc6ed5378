//! `concert-server` in a process of its own.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::SECRET;

/// What the server logs once it serves, with its address.
const LISTENING: &str = "listening on http://";

/// Dropped, it is killed.
pub struct Server {
    child: Child,
    pub url: String,
    client: reqwest::Client,
}

impl Server {
    pub async fn start(database_url: &str) -> Self {
        let mut child = command().args(["--database-url", database_url]).spawn().expect("runs");
        let mut log = BufReader::new(child.stderr.take().expect("is piped")).lines();
        let mut said = String::new();
        let address = loop {
            let line =
                log.next_line().await.expect("text").unwrap_or_else(|| panic!("it ended as it started:\n{said}"));
            if let Some((_, address)) = line.split_once(LISTENING) {
                let end = address.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c))).unwrap_or(address.len());
                break address[..end].to_owned();
            }
            said += &(line + "\n");
        };
        // A pipe that nobody empties would stop the server.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().expect("a client");
        Self { child, url: format!("http://{address}"), client }
    }

    /// Freezes the process: SIGSTOP.
    pub fn freeze(&self) {
        signal(self.child.id().expect("it runs"), "STOP");
    }

    pub fn thaw(&self) {
        signal(self.child.id().expect("it runs"), "CONT");
    }

    /// The status and the body of the answer.
    pub async fn post(&self, path: &str, bearer: Option<&str>, body: &Value) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.url)).header("content-type", "application/json");
        let request = match bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.body(body.to_string()).send().await.expect("is answered");
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.expect("text")).expect("is JSON"))
    }
}

/// Runs the server until it ends by itself, as one that refuses to start does: its exit code and what it said.
pub async fn refused_start(database_url: &str) -> (Option<i32>, String) {
    let child = command().args(["--database-url", database_url]).spawn().expect("runs");
    let ended = tokio::time::timeout(Duration::from_secs(30), child.wait_with_output()).await;
    let output = ended.expect("it ends").expect("it ends");
    (output.status.code(), String::from_utf8(output.stderr).expect("is UTF-8"))
}

/// What a flag's help says.
pub async fn help() -> String {
    let output = command().arg("--help").stdout(Stdio::piped()).output().await.expect("runs");
    String::from_utf8(output.stdout).expect("is UTF-8")
}

fn command() -> Command {
    let mut command = program("concert-server");
    command.args(["--listen", "127.0.0.1:0", "--log", "info"]).env("CONCERT_JWT_SECRET", SECRET);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// One of our programs, without what this machine says by environment, locale and file.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(binary(name));
    for (name, _) in std::env::vars_os() {
        let is_locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().any(|locale| name == *locale);
        if is_locale || name == "DATABASE_URL" || name.to_string_lossy().starts_with("CONCERT_") {
            command.env_remove(name);
        }
    }
    command.env("CONCERT_CONFIG", "/dev/null");
    command
}

fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test's path");
    let target = test.parent().and_then(|deps| deps.parent()).expect("target/<profile>/deps/<test>");
    let binary = target.join(name);
    assert!(binary.is_file(), "{} is missing: `make test` builds the workspace first", binary.display());
    binary
}

/// Sends a signal to a process that the test started.
pub fn signal(process: u32, name: &str) {
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status();
    assert!(sent.expect("runs").success());
}
