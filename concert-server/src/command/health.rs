//! `health`: asks a running server whether it is well, for containers and scripts without curl.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::print;
use crate::config::Config;
use crate::start::StartError;

/// What is read of an answer: its status line and body are far shorter.
const LONGEST_ANSWER: u64 = 16 * 1024;

/// Ask the server that runs with the same settings whether it is ready: exit code 0 if it is, 1 if not
///
/// It asks /health/ready at --admin-listen, or at --listen where there is none.
#[derive(Debug, Clone, Args)]
pub struct Opts {
    /// Ask only whether it answers (/health/live), not whether its database does
    #[arg(long)]
    live: bool,
    /// How long the answer may take
    #[arg(long, default_value = "5s", value_parser = humantime::parse_duration, value_name = "DURATION")]
    within: Duration,
}

impl Opts {
    pub async fn run(&self, config: &Config) -> Result<(), StartError> {
        let address = reachable(config.admin_listen.unwrap_or(config.listen));
        let path = if self.live { "/health/live" } else { "/health/ready" };
        let asked = tokio::time::timeout(self.within, ask(address, path)).await;
        let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
        let answer = asked
            .map_err(|_| late())?
            .map_err(|error| io::Error::new(error.kind(), format!("http://{address}{path}: {error}")))?;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        if status == "200" {
            return print("healthy");
        }
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Err(StartError::System(io::Error::other(format!("http://{address}{path} answers {status}: {body}"))))
    }
}

/// Who listens at all addresses is asked at this machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(ip, address.port())
}

async fn ask(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
