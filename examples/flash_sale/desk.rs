//! The operator: what is done over REST with an operator key.

use std::net::SocketAddr;

use serde_json::Value;

use crate::Failure;
use crate::wire::{Client, request};

/// What an operator got to read.
pub struct Reply {
    pub status: u16,
    pub body: Value,
    /// The version, as `If-Match` takes it.
    pub etag: Option<String>,
}

/// An operator at one server.
pub struct Desk {
    address: SocketAddr,
    bearer: String,
}

impl Desk {
    pub fn new(address: SocketAddr, key: &str) -> Self {
        Self { address, bearer: format!("Bearer {key}") }
    }

    pub async fn get(&self, path: &str) -> Result<Reply, Failure> {
        self.ask("GET", path, None, None).await?.expect(200)
    }

    /// Must be answered with `status`.
    pub async fn post(&self, path: &str, body: &Value, status: u16) -> Result<Reply, Failure> {
        self.ask("POST", path, Some(body), None).await?.expect(status)
    }

    /// Whatever the answer is.
    pub async fn patch(&self, path: &str, body: &Value, if_match: Option<&str>) -> Result<Reply, Failure> {
        self.ask("PATCH", path, Some(body), if_match).await
    }

    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        if_match: Option<&str>,
    ) -> Result<Reply, Failure> {
        let (address, text) = (self.address, body.map(Value::to_string));
        let mut client = Client::connect(address).await.map_err(|error| format!("no server at {address}: {error}"))?;
        let mut headers = vec![("authorization", self.bearer.as_str())];
        headers.extend(if_match.map(|etag| ("if-match", etag)));
        let answer = client.ask(&request(method, path, &headers, text.as_deref())).await?;
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        let etag = answer.header("etag").map(str::to_owned);
        Ok(Reply { status: answer.status, body, etag })
    }
}

impl Reply {
    pub fn expect(self, status: u16) -> Result<Self, Failure> {
        match self.status == status {
            true => Ok(self),
            false => {
                Err(format!("the operator was answered {} instead of {status}: {}", self.status, self.body).into())
            }
        }
    }

    /// The text in a field.
    pub fn text(&self, field: &str) -> Result<&str, Failure> {
        Ok(self.body[field].as_str().ok_or_else(|| format!("no {field} in {}", self.body))?)
    }

    /// The id in a field.
    pub fn id<T>(&self, field: &str) -> Result<T, Failure>
    where
        T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        Ok(self.text(field)?.parse()?)
    }
}
