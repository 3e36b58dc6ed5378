//! Versions of what operators change: `ETag` in answers, `If-Match` in requests (RFC 9110, 13.1.1).

use warp::http::HeaderValue;
use warp::http::header::{ETAG, IF_MATCH};

use super::call::Call;
use super::problem::Problem;
use super::routing::Answer;

impl Call {
    /// The version that the client has seen, if it says so: a change is meant for that alone. `*` means whichever there is.
    pub(super) fn if_version(&self) -> Result<Option<u32>, Problem> {
        let mut sent = self.headers().get_all(IF_MATCH).iter();
        let Some(value) = sent.next() else { return Ok(None) };
        let text = value.to_str().unwrap_or_default().trim();
        // It asks only that there be something, which every change does anyway.
        if text == "*" && sent.next().is_none() {
            return Ok(None);
        }
        // Proxies that compress make a tag weak. The version in it is the same.
        let tag = text.strip_prefix("W/").unwrap_or(text);
        let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(|tag| tag.parse().ok());
        match (version, sent.next()) {
            (Some(version), None) => Ok(Some(version)),
            _ => Err(Problem::invalid("If-Match takes one ETag as it was answered, such as \"3\", or *")),
        }
    }
}

/// The answer, with the version of what it shows.
pub(super) fn with_version(answer: Answer, version: u32) -> Answer {
    let mut response = answer?;
    let tag = HeaderValue::try_from(format!("\"{version}\"")).map_err(Problem::internal)?;
    response.headers_mut().insert(ETAG, tag);
    Ok(response)
}
