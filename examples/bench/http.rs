//! The least that an HTTP load needs: requests that are bytes already, over connections that stay open.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Failure;
use crate::load::Run;

/// A connection that stays open.
pub struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self, field: &str) -> Result<String, Failure> {
        let body: Value = serde_json::from_slice(&self.body)?;
        Ok(body[field].as_str().ok_or_else(|| format!("no {field} in {body}"))?.to_owned())
    }
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(4096) })
    }

    /// Sends a request and reads its answer, which must say how long it is.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer, Failure> {
        self.stream.write_all(request).await?;
        self.read.clear();
        let head = loop {
            if let Some(at) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err("the server closed the connection".into());
            }
        };
        let text = std::str::from_utf8(&self.read[..head])?;
        let status = text.get(9..12).ok_or("no status")?.parse()?;
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let length = length.unwrap_or_default();
        while self.read.len() < head + length {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err("the server closed the connection".into());
            }
        }
        Ok(Answer { status, body: self.read[head..].to_vec() })
    }
}

/// A GET as bytes.
pub fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// A POST as bytes.
pub fn post(path: &str, token: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Each of `connections` does `act` with a client of its own, over and over, for `time`. `act` is given the number of the
/// connection and of its turn, and says how many requests it made.
pub async fn closed_loop<F, R>(address: SocketAddr, connections: usize, time: Duration, act: F) -> Result<Run, Failure>
where
    F: Fn(Client, usize, usize) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Client, Failure>> + Send,
{
    let act = Arc::new(act);
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        clients.push(Client::connect(address).await?);
    }
    let begun = Instant::now();
    let mut loops = JoinSet::new();
    for (number, mut client) in clients.into_iter().enumerate() {
        let act = Arc::clone(&act);
        loops.spawn(async move {
            let mut seen = Vec::new();
            for turn in 0.. {
                if begun.elapsed() >= time {
                    break;
                }
                let asked = Instant::now();
                client = act(client, number, turn).await?;
                seen.push(asked.elapsed());
            }
            Ok::<_, Failure>(seen)
        });
    }
    let mut run = Run::default();
    while let Some(seen) = loops.join_next().await {
        run.record(seen??);
    }
    run.took(begun.elapsed());
    Ok(run)
}
