//! The edge: what every request gets, whoever answers it.
//!
//! An id, a span with it around everything that is logged, a line and a measurement at the end, a body for problems, and
//! an answer even when a handler panics.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use tower::ServiceBuilder;
use tower::util::{Either, Oneshot, ServiceExt as _};
use tower_http::cors::Cors;
use tracing::Instrument as _;
use uuid::Uuid;
use warp::filters::BoxedFilter;
use warp::http::header::{CACHE_CONTROL, CONTENT_LENGTH, X_CONTENT_TYPE_OPTIONS};
use warp::http::{HeaderMap, HeaderValue, Method, Request};
use warp::hyper::body::Incoming;
use warp::reply::Response;
use warp::{Filter as _, Reply as _};

use super::problem::Problem;
use super::routing::{self, Answer, Route};
use super::{App, cors, endpoints, routes};

const REQUEST_ID: &str = "x-request-id";
/// The longest request id that is taken from a client, in characters.
const LONGEST_REQUEST_ID: usize = 128;
