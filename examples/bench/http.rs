//! The least that an HTTP load needs: requests that are bytes already, over connections that stay open, and servers to
//! ask.

use std::net::SocketAddr;

use concert_core::BoxOffice;
use concert_server::{App, Limits, serve};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::Failure;

/// A connection that stays open.
pub struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub etag: Option<String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The text in `field`, which must be plain.
    pub fn text(&self, field: &str) -> Result<String, Failure> {
        let text = self.value(field)?.strip_prefix('"').and_then(|value| value.split_once('"'));
        Ok(text.ok_or_else(|| format!("{field} is no text"))?.0.to_owned())
    }

    /// The whole number in `field`.
    pub fn number(&self, field: &str) -> Result<u64, Failure> {
        let value = self.value(field)?;
        let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
        Ok(value[..end].parse()?)
    }

    /// What follows the name of `field`. Nothing is parsed: a crowd of clients should cost little beside the server.
    fn value(&self, field: &str) -> Result<&str, Failure> {
        let body = std::str::from_utf8(&self.body)?;
        let found = body.find(&format!("\"{field}\":")).map(|at| &body[at + field.len() + 3..]);
        found.ok_or_else(|| format!("no {field} in {body}").into())
    }

    pub fn expect(self, status: u16) -> Result<Self, Failure> {
        if self.status == status {
            return Ok(self);
        }
        Err(format!("answered {} instead of {status}: {}", self.status, String::from_utf8_lossy(&self.body)).into())
    }
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(4096) })
    }

    pub async fn connect_some(address: SocketAddr, count: usize) -> Result<Vec<Self>, Failure> {
        let mut clients = Vec::with_capacity(count);
        for _ in 0..count {
            clients.push(Self::connect(address).await?);
        }
        Ok(clients)
    }

    /// Sends a request and reads its answer, which must say how long it is.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer, Failure> {
        self.stream.write_all(request).await?;
        self.read.clear();
        let head = loop {
            if let Some(at) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more().await?;
        };
        let text = std::str::from_utf8(&self.read[..head])?;
        let status = text.get(9..12).ok_or("no status")?.parse()?;
        let (mut length, mut etag) = (0, None);
        for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            } else if name.eq_ignore_ascii_case("etag") {
                etag = Some(value.trim().to_owned());
            }
        }
        while self.read.len() < head + length {
            self.read_more().await?;
        }
        Ok(Answer { status, etag, body: self.read[head..].to_vec() })
    }

    async fn read_more(&mut self) -> Result<(), Failure> {
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err("the server closed the connection".into()),
            _ => Ok(()),
        }
    }
}

/// A GET as bytes.
pub fn get(path: &str, token: &str) -> Vec<u8> {
    get_with(path, &[("authorization", &format!("Bearer {token}"))])
}

/// A GET with these headers as bytes.
pub fn get_with(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n{headers}\r\n").into_bytes()
}

/// A POST as bytes.
pub fn post(path: &str, token: Option<&str>, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\n{token}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The real server on loopback, in this process, without its periodic passes.
pub async fn start(office: &BoxOffice) -> Result<(SocketAddr, CancellationToken), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (address, stop) = (listener.local_addr()?, CancellationToken::new());
    tokio::spawn(serve(listener, App::new(office.clone()), Limits::default(), stop.clone()));
    Ok((address, stop))
}

/// Warp routes on loopback: what the server is compared with.
pub async fn start_bare<F>(routes: F) -> Result<SocketAddr, Failure>
where
    F: warp::Filter<Error = warp::Rejection> + Clone + Send + Sync + 'static,
    F::Extract: warp::Reply,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(warp::serve(routes).incoming(listener).run());
    Ok(address)
}
