//! Contents that many ask for: compressed once, sent in part after part, and not at all to who has them.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use sha2::{Digest as _, Sha256};
use warp::Reply as _;
use warp::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use warp::http::{HeaderMap, HeaderValue, StatusCode};
use warp::reply::Response;

use super::problem::Problem;
use super::routing::Answer;

/// The bytes of one part. A client that reads slowly keeps one or two of them from being freed.
const PART: usize = 64 * 1024;

/// A content in both forms. Equal contents have equal tags on every server.
pub(crate) struct Representation {
    content_type: &'static str,
    plain: Arc<Parts>,
    gzip: Arc<Parts>,
    /// The ETag: half of the content's SHA-256, in hexadecimal.
    tag: String,
}

impl Representation {
    /// Compresses `content`, which takes tens of milliseconds for a large one. Returns `before` if it is the same.
    pub(crate) fn new(
        content_type: &'static str,
        content: &[u8],
        effort: Compression,
        before: Option<Arc<Self>>,
    ) -> Arc<Self> {
        // Of the content and not of the compressed bytes, which another version of the library may make otherwise.
        let hash = Sha256::digest(content);
        let tag: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        if let Some(before) = before.filter(|before| before.tag == tag) {
            return before;
        }
        let mut gzip = GzEncoder::new(Vec::new(), effort);
        // Writing to memory does not fail.
        let _ = gzip.write_all(content);
        let gzip = gzip.finish().unwrap_or_default();
        Arc::new(Self { content_type, plain: Parts::new(content), gzip: Parts::new(&gzip), tag })
    }

    /// The content. Of one that was withdrawn, nothing is left.
    pub(super) fn content(&self) -> Vec<u8> {
        self.plain.parts.read().unwrap_or_else(PoisonError::into_inner).concat()
    }

    /// What tells it from other contents.
    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    /// Whether the client has it already.
    pub(super) fn is_known(&self, asked: &HeaderMap) -> bool {
        has_any(asked, &self.tags())
    }

    /// Two forms, two tags; whichever of them the client has, it is this content.
    fn tags(&self) -> [String; 2] {
        // A strong tag stands for exact bytes, so each form has its own (RFC 9110, section 8.8.3).
        [format!("\"{}\"", self.tag), format!("\"{}-gzip\"", self.tag)]
    }

    /// How many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.plain.bytes + self.gzip.bytes
    }

    /// The answer to a client that sent the headers `asked`: the content, or 304.
    pub(crate) fn answer(&self, asked: &HeaderMap) -> Answer {
        let tags = self.tags();
        let gzip = takes_gzip(asked);
        let mut response = if has_any(asked, &tags) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = if gzip { self.gzip.send() } else { self.plain.send() };
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
            if gzip {
                response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        };
        let [plain_tag, gzip_tag] = tags;
        let tag = HeaderValue::try_from(if gzip { gzip_tag } else { plain_tag }).map_err(Problem::internal)?;
        response.headers_mut().insert(ETAG, tag);
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
        Ok(response)
    }
}

/// Bytes in parts, each of which is freed alone.
struct Parts {
    bytes: usize,
    /// Empty once it was withdrawn.
    parts: RwLock<Vec<Bytes>>,
}

impl Parts {
    fn new(content: &[u8]) -> Arc<Self> {
        let parts = content.chunks(PART).map(Bytes::copy_from_slice).collect();
        Arc::new(Self { bytes: content.len(), parts: RwLock::new(parts) })
    }

    fn part(&self, nth: usize) -> Option<Bytes> {
        self.parts.read().unwrap_or_else(PoisonError::into_inner).get(nth).cloned()
    }

    /// Frees what nobody is sending at this moment. Answers that go on end early, which their clients notice.
    fn withdraw(&self) {
        self.parts.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn send(self: &Arc<Self>) -> Response {
        // One part needs no stream: it is sent with its length, in one write.
        if self.bytes <= PART {
            return Response::new(self.part(0).unwrap_or_default().into());
        }
        let count = self.bytes.div_ceil(PART);
        let parts = stream::unfold((Arc::clone(self), 0), move |(parts, nth)| async move {
            let part = parts.part(nth).ok_or_else(|| io::Error::other("a newer one has taken its place"));
            // After a part that is gone nothing follows: a body with a hole would look whole.
            let next = if part.is_ok() { nth + 1 } else { count };
            (nth < count).then_some((part, (parts, next)))
        });
        let mut response = warp::reply::stream(parts).into_response();
        response.headers_mut().insert(CONTENT_LENGTH, self.bytes.into());
        response
    }
}

/// Contents that have been replaced and are still being sent. Slow readers keep them, up to a limit.
pub(super) struct Superseded {
    most_bytes: usize,
    kept: Mutex<VecDeque<Weak<Parts>>>,
}

impl Superseded {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self { most_bytes, kept: Mutex::default() }
    }

    /// Takes note of `old`. Beyond the limit the oldest are withdrawn.
    pub(super) fn add(&self, old: Arc<Representation>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Weak, so that this list keeps nothing alive: answers that are being sent do.
        kept.extend([&old.plain, &old.gzip].map(Arc::downgrade));
        // Our own hold on it, without which it may have no reader left.
        drop(old);
        // What nobody reads any more is gone already.
        kept.retain(|parts| parts.strong_count() > 0);
        let bytes = |parts: &Weak<Parts>| parts.upgrade().map_or(0, |parts| parts.bytes);
        let mut sum: usize = kept.iter().map(bytes).sum();
        while sum > self.most_bytes
            && let Some(oldest) = kept.pop_front()
        {
            sum -= bytes(&oldest).min(sum);
            if let Some(oldest) = oldest.upgrade() {
                oldest.withdraw();
            }
        }
    }
}

/// Whether the client named gzip, or everything, and did not rule it out.
pub(crate) fn takes_gzip(asked: &HeaderMap) -> bool {
    let weight = |wanted: &str| {
        let lines = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).find_map(|coding| {
            let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), |q| q.trim().parse::<f32>());
            name.trim().eq_ignore_ascii_case(wanted).then(|| weight.unwrap_or_default())
        })
    };
    // `gzip;q=0, *` rules gzip out: its own weight counts before that of the star.
    weight("gzip").or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
}

/// Whether the client has one of these forms: compared weakly, as `If-None-Match` is (RFC 9110, 13.1.2).
fn has_any(asked: &HeaderMap, tags: &[String]) -> bool {
    let lines = asked.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || tags.iter().any(|ours| ours == tag)
    })
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use hyper::body::Body;
    use warp::http::HeaderName;

    use super::*;

    fn sent(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    fn content(byte: u8, parts: usize) -> Arc<Representation> {
        Representation::new("text/plain", &vec![byte; parts * PART], Compression::none(), None)
    }

    /// The length of the next part.
    async fn next<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> Option<Result<usize, B::Error>> {
        let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
        Some(frame.map(|frame| frame.into_data().map_or(0, |part| part.len())))
    }

    #[tokio::test]
    async fn a_large_content_comes_in_parts_and_whole() {
        let large = Representation::new("text/plain", &[7; 2 * PART + 1], Compression::fast(), None);
        let response = large.answer(&HeaderMap::new()).expect("is answered");
        assert_eq!(response.headers()[CONTENT_LENGTH], (2 * PART + 1).to_string());
        let mut body = response.into_body();
        let mut parts = Vec::new();
        while let Some(part) = next(&mut body).await {
            parts.push(part.expect("a part"));
        }
        assert_eq!(parts, [PART, PART, 1]);
    }

    #[tokio::test]
    async fn b5_superseded_contents_that_slow_readers_hold_are_bounded() {
        let superseded = Superseded::new(4 * PART);
        let mut readers = Vec::new();
        for byte in 0..4 {
            let content = content(byte, 2);
            let mut body = content.answer(&HeaderMap::new()).expect("is answered").into_body();
            assert_eq!(next(&mut body).await.expect("a part").expect("is good"), PART);
            readers.push(body);
            superseded.add(content);
        }
        let unread = superseded.kept.lock().expect("no panic").iter().filter(|parts| parts.strong_count() > 0).count();
        assert_eq!(unread, 2, "two parts each");
        let mut ends = Vec::new();
        for mut reader in readers {
            ends.push(next(&mut reader).await.expect("a part or an error").is_ok());
        }
        assert_eq!(ends, [false, false, true, true], "the oldest were given up");
        superseded.add(content(9, 1));
        assert!(superseded.kept.lock().expect("no panic").is_empty(), "what nobody reads is not kept");
    }

    #[test]
    fn gzip_is_sent_to_whoever_takes_it() {
        for value in ["gzip", "br, GZIP;q=0.5", "*", "deflate, gzip;q=1.0", "identity;q=0, * ; q=0.1"] {
            assert!(takes_gzip(&sent(ACCEPT_ENCODING, value)), "{value}");
        }
        for value in ["", "br", "gzip;q=0", "gzip;q=0.0, *", "*;q=0", "gzip;q=x", "x-gzipped"] {
            assert!(!takes_gzip(&sent(ACCEPT_ENCODING, value)), "{value}");
        }
    }

    #[test]
    fn a_tag_is_compared_weakly_in_a_list() {
        let ours = [String::from("\"a\""), String::from("\"a-gzip\"")];
        for value in ["\"a\"", "W/\"a\"", "\"b\", \"a-gzip\"", "*"] {
            assert!(has_any(&sent(IF_NONE_MATCH, value), &ours), "{value}");
        }
        for value in ["", "a", "\"b\"", "W/", "\"a"] {
            assert!(!has_any(&sent(IF_NONE_MATCH, value), &ours), "{value}");
        }
    }
}
