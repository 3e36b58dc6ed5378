//! The page that shows the document, served from the binary.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use flate2::Compression;
use utoipa_swagger_ui::Config;
use warp::Reply as _;
use warp::http::header::{CONTENT_SECURITY_POLICY, HeaderName, LOCATION, REFERRER_POLICY, X_FRAME_OPTIONS};
use warp::http::{HeaderValue, StatusCode};

use super::{DOCUMENT, send};
use crate::http::call::Call;
use crate::http::problem::Problem;
use crate::http::representation::Representation;
use crate::http::routing::Answer;

/// The page's files are named relative to its folder, and so is the folder here: a proxy may add a prefix.
pub(super) async fn redirect(_: Call) -> Answer {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("docs/"));
    Ok(response)
}

/// What the page may load: its own files and this server's interface. It sets styles of elements.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'";
const PAGE_HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, PAGE_POLICY),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(super) async fn page(call: Call) -> Answer {
    let name = if call.parameter().is_empty() { "index.html" } else { call.parameter() };
    let file = match known_file(name) {
        Some(file) => file,
        None => {
            let name = name.to_owned();
            // The best compression of the largest file takes longer than a poll may wait for its thread.
            tokio::task::spawn_blocking(move || read_file(name)).await.map_err(Problem::internal)??
        }
    };
    let mut response = send(&file, &call)?;
    for (name, value) in PAGE_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// The page's files that were asked for, compressed: at most as many as the page has.
static FILES: RwLock<BTreeMap<String, Arc<Representation>>> = RwLock::new(BTreeMap::new());

fn known_file(name: &str) -> Option<Arc<Representation>> {
    FILES.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
}

fn read_file(name: String) -> Result<Arc<Representation>, Problem> {
    let mut files = FILES.write().unwrap_or_else(PoisonError::into_inner);
    // Somebody else may have read it while this one waited for the lock.
    if let Some(file) = files.get(&name) {
        return Ok(Arc::clone(file));
    }
    // The document is named relative to the page. Nobody outside is asked whether it is well formed.
    let config = Config::from(format!("..{DOCUMENT}")).persist_authorization(true).validator_url("none");
    let file =
        utoipa_swagger_ui::serve(&name, Arc::new(config)).map_err(|error| Problem::internal(error.to_string()))?;
    let file = file.ok_or_else(Problem::route_not_found)?;
    let content_type =
        CONTENT_TYPES.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, content_type)| content_type);
    let content_type = content_type.copied().unwrap_or("application/octet-stream");
    let file = Representation::new(content_type, &file.bytes, Compression::best(), None);
    Ok(Arc::clone(files.entry(name).or_insert(file)))
}

const CONTENT_TYPES: [(&str, &str); 6] = [
    (".html", "text/html; charset=utf-8"),
    (".css", "text/css; charset=utf-8"),
    (".js", "text/javascript; charset=utf-8"),
    (".map", "application/json"),
    (".json", "application/json"),
    (".png", "image/png"),
];
