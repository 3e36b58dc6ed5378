//! Files that pages load: kept in the program, compressed once, named by their content, so that browsers keep them for
//! good.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use flate2::Compression;
use sha2::{Digest as _, Sha256};
use warp::http::HeaderValue;
use warp::http::header::{CACHE_CONTROL, HeaderName};

use crate::http::{Answer, Call, Endpoint, Problem, Representation, endpoint};

/// Where they are.
const FOLDER: &str = "/assets/";
/// A file of this name never changes.
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// How many hexadecimal digits of its hash a file's name has.
const DIGITS: usize = 12;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Every file: its name, its kind, its content. Scripts are built from `pages/ts` by `make pages`.
const FILES: &[(&str, &str, &[u8])] = &[
    ("style.css", CSS, include_bytes!("../../pages/style.css")),
    ("buyer.js", SCRIPT, include_bytes!("../../pages/built/buyer.js")),
    ("hall.js", SCRIPT, include_bytes!("../../pages/built/hall.js")),
    ("door.js", SCRIPT, include_bytes!("../../pages/built/door.js")),
    ("admin.js", SCRIPT, include_bytes!("../../pages/built/admin.js")),
    ("admin.css", CSS, include_bytes!("../../pages/built/admin.css")),
    ("icon.svg", SVG, include_bytes!("../../pages/icon.svg")),
];

struct Asset {
    /// The path under which pages load it.
    path: String,
    content: Arc<Representation>,
}

static ASSETS: LazyLock<BTreeMap<&str, Asset>> =
    LazyLock::new(|| FILES.iter().map(|(name, kind, content)| (*name, Asset::new(name, kind, content))).collect());

impl Asset {
    fn new(name: &str, kind: &'static str, content: &[u8]) -> Self {
        let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).take(DIGITS / 2).collect();
        let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
        let path = format!("{FOLDER}{stem}-{hash}.{ending}");
        Self { path, content: Representation::new(kind, content, Compression::best(), None) }
    }
}

/// The path of a file; `None`: this build has none of this name.
pub(super) fn path(name: &str) -> Option<&'static str> {
    ASSETS.get(name).map(|asset| asset.path.as_str())
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![endpoint("GET", "/assets/{file}", file).into_page()]
}

async fn file(call: Call) -> Answer {
    let asked = call.parameter();
    let found = ASSETS.values().find(|asset| asset.path.strip_prefix(FOLDER) == Some(asked));
    let mut response = found.ok_or_else(Problem::route_not_found)?.content.answer(call.headers())?;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, FOR_GOOD);
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    Ok(response)
}
