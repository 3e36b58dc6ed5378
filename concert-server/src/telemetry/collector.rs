//! The collector of traces: one request over one connection at a time, in plain HTTP. It is near, or a proxy for one that
//! is not.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::timeout;
use warp::http::header::HOST;
use warp::http::{HeaderValue, Request, Response, Uri};

/// How long one delivery may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// The longest answer that is read: it counts what was refused.
const LONGEST_ANSWER: usize = 64 * 1024;
/// The shortest time between two lines about a collector that does not take what it is sent.
const QUIET: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Collector {
    /// Where traces are posted to, and where that is.
    url: Uri,
    authority: String,
    /// The exporter calls from a thread of its own.
    runtime: Handle,
    complained: Mutex<Option<Instant>>,
}

impl Collector {
    /// `endpoint`: `http://host:port`, with the path that comes before that of the traces, if there is one.
    pub(super) fn at(endpoint: &str) -> Result<Self, String> {
        let unusable = || {
            format!(
                "--otlp-endpoint {endpoint} is no http://host:port; a collector on this machine or network takes traces, and \
                 sends them on over TLS"
            )
        };
        let url: Uri = format!("{}/v1/traces", endpoint.trim_end_matches('/')).parse().map_err(|_| unusable())?;
        let authority = url.authority().filter(|_| url.scheme_str() == Some("http")).ok_or_else(unusable)?;
        let authority = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
        Ok(Self { url, authority, runtime: Handle::current(), complained: Mutex::new(None) })
    }

    pub(super) fn url(&self) -> String {
        self.url.to_string()
    }

    fn complain(&self, error: &HttpError) {
        let mut complained = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if complained.is_none_or(|at| at.elapsed() > QUIET) {
            *complained = Some(Instant::now());
            tracing::warn!(%error, collector = self.authority, "traces could not be delivered");
        }
    }
}

impl HttpClient for Collector {
    fn send_bytes<'s, 'f>(&'s self, request: Request<Bytes>) -> Sending<'f>
    where
        's: 'f,
        Self: 'f,
    {
        let authority = self.authority.clone();
        // The deadline, too, is made where there is a runtime.
        let sent = self.runtime.spawn(async move { timeout(DEADLINE, send(authority, request)).await });
        Box::pin(async move {
            let sent = match sent.await {
                Ok(Ok(sent)) => sent,
                Ok(Err(late)) => Err(late.into()),
                Err(panicked) => Err(panicked.into()),
            };
            sent.inspect_err(|error| self.complain(error))
        })
    }
}

type Sending<'f> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>;

async fn send(authority: String, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let connection = TokioIo::new(TcpStream::connect(&authority).await?);
    let (mut sender, connection) = http1::handshake(connection).await?;
    let connection = tokio::spawn(connection);
    let (mut head, body) = request.into_parts();
    head.headers.insert(HOST, HeaderValue::try_from(&authority)?);
    head.uri = head.uri.path().parse()?;
    let answer = sender.send_request(Request::from_parts(head, Full::new(body))).await?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER).collect().await?.to_bytes();
    // One request was all; the collector might keep the connection open.
    connection.abort();
    if head.status.is_success() {
        return Ok(Response::from_parts(head, body));
    }
    Err(format!("the collector answers {}", head.status).into())
}
