//! What the rows ask of servers, and servers to ask.

use std::net::SocketAddr;

use concert_core::BoxOffice;
use concert_server::{App, Limits, serve};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Failure;
use crate::wire::request;
pub use crate::wire::{Answer, Client};

impl Answer {
    pub fn expect(self, status: u16) -> Result<Self, Failure> {
        if self.status == status {
            return Ok(self);
        }
        Err(format!("answered {} instead of {status}: {}", self.status, String::from_utf8_lossy(&self.body)).into())
    }
}

impl Client {
    pub async fn connect_some(address: SocketAddr, count: usize) -> Result<Vec<Self>, Failure> {
        let mut clients = Vec::with_capacity(count);
        for _ in 0..count {
            clients.push(Self::connect(address).await?);
        }
        Ok(clients)
    }
}

/// A GET as bytes.
pub fn get(path: &str, token: &str) -> Vec<u8> {
    get_with(path, &[("authorization", &format!("Bearer {token}"))])
}

/// A GET with these headers as bytes.
pub fn get_with(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    request("GET", path, headers, None)
}

/// A POST as bytes.
pub fn post(path: &str, token: Option<&str>, body: &Value) -> Vec<u8> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = bearer.as_deref().map(|bearer| ("authorization", bearer)).into_iter().collect();
    request("POST", path, &headers, Some(&body.to_string()))
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
