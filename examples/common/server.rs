//! A server in a process of its own: what people run.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::Failure;
use crate::wire::{Client, request};

/// What the server logs before it answers, with its address.
const LISTENING: &str = "listening on http://";

/// Dropped, it is killed.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

/// In kilobytes of 1024 bytes, as the system counts.
pub struct Memory {
    pub resident: u64,
    pub peak: u64,
}

impl Server {
    /// Starts the server that was built with this program, and says how long it took to be ready. `log` is its filter,
    /// and must let "info" of its start through.
    pub async fn start(arguments: &[String], log: &str) -> Result<(Self, Duration), Failure> {
        let begun = Instant::now();
        let program = program()?;
        let mut child = Command::new(&program)
            .args(arguments)
            .args(["--listen", "127.0.0.1:0", "--log", log])
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{} cannot be run: {error}", program.display()))?;
        let mut log = BufReader::new(child.stderr.take().ok_or("no log")?).lines();
        let mut said = String::new();
        let address = loop {
            let Some(line) = log.next_line().await? else {
                return Err(format!("the server ended as it started:\n{said}").into());
            };
            if let Some((_, address)) = line.split_once(LISTENING) {
                let end = address.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c))).unwrap_or(address.len());
                break address[..end].parse()?;
            }
            said += &(line + "\n");
        };
        // A pipe that nobody empties would stop the server.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        let mut client = Client::connect(address).await?;
        let ready = request("GET", "/health/ready", &[], None);
        while client.ask(&ready).await?.status != 200 {}
        Ok((Self { child, address }, begun.elapsed()))
    }

    /// What it uses of the machine's memory now, and at most so far.
    pub fn memory(&self) -> Result<Memory, Failure> {
        let id = self.child.id().ok_or("the server has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let figure = line.and_then(|line| line.split_whitespace().next()).ok_or_else(|| format!("no {name}"))?;
            Ok::<u64, Failure>(figure.parse()?)
        };
        Ok(Memory { resident: field("VmRSS:")?, peak: field("VmHWM:")? })
    }

    pub async fn stop(mut self) -> Result<(), Failure> {
        Ok(self.child.kill().await?)
    }
}

/// `concert-server`, beside the folder `examples` in which this program lies.
fn program() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(|examples| examples.parent()).ok_or("this program lies nowhere")?;
    let program = folder.join("concert-server");
    if program.is_file() {
        Ok(program)
    } else {
        Err(format!("{} is missing: `cargo build --workspace --bins` builds it, for this profile", program.display())
            .into())
    }
}
