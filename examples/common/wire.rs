//! The least that an HTTP load needs: requests that are bytes already, over connections that stay open.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Failure;

/// Statuses whose answers have no body, whatever their headers say.
const WITHOUT_BODY: [u16; 2] = [204, 304];

/// A connection that stays open.
pub struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

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
    pub fn value(&self, field: &str) -> Result<&str, Failure> {
        let body = std::str::from_utf8(&self.body)?;
        let found = body.find(&format!("\"{field}\":")).map(|at| &body[at + field.len() + 3..]);
        found.ok_or_else(|| format!("no {field} in {body}").into())
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
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more().await?;
        };
        let head = std::str::from_utf8(&self.read[..end])?.to_owned();
        let status = head.get(9..12).ok_or("no status")?.parse()?;
        let mut answer = Answer { status, head, body: Vec::new() };
        let length = match answer.header("content-length") {
            Some(length) if !WITHOUT_BODY.contains(&status) => length.parse()?,
            _ => 0,
        };
        while self.read.len() < end + length {
            self.read_more().await?;
        }
        answer.body = self.read[end..].to_vec();
        Ok(answer)
    }

    async fn read_more(&mut self) -> Result<(), Failure> {
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err("the server closed the connection".into()),
            _ => Ok(()),
        }
    }
}

/// A request as bytes; a body is JSON.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Vec<u8> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: load\r\n");
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    match body {
        Some(body) => {
            let length = body.len().to_string();
            request.extend(["content-type: application/json\r\ncontent-length: ", &length, "\r\n\r\n", body]);
        }
        None => request.push_str("\r\n"),
    }
    request.into_bytes()
}
