//! The bytes of a page: compressed for browsers that take that, which is all of them.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use warp::http::header::{CONTENT_ENCODING, VARY};
use warp::http::{HeaderMap, HeaderValue};
use warp::reply::Response;

use crate::http::takes_gzip;

/// Shorter pages are sent as they are.
const WORTH_IT: usize = 1_024;

/// The text of a page, until it is written into the body.
#[derive(Clone)]
pub(super) struct Html(pub(super) String);

/// Writes the page into the body, for a browser that sent these headers.
pub(super) fn write(asked: &HeaderMap, mut response: Response) -> Response {
    let Some(Html(text)) = response.extensions_mut().remove::<Html>() else { return response };
    // Below it the frame of gzip eats up most of what it saves.
    if text.len() < WORTH_IT || !takes_gzip(asked) {
        *response.body_mut() = text.into();
        return response;
    }
    let mut gzip = GzEncoder::new(Vec::with_capacity(text.len() / 3), Compression::fast());
    // Writing to memory does not fail.
    let _ = gzip.write_all(text.as_bytes());
    *response.body_mut() = gzip.finish().unwrap_or_default().into();
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
    response
}
