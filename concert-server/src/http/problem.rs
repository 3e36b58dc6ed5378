//! Errors on the wire: RFC 9457 problems.

mod body;
mod catalogue;
mod members;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use concert_core::Error;
use concert_core::texts::{Language, Locale};
use serde_json::{Map, Value, json};
use warp::Reply;
use warp::http::header::{ALLOW, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use warp::http::{HeaderValue, StatusCode};
use warp::reply::Response;

pub(super) use self::body::ProblemBody;
use self::body::title;
pub use self::catalogue::{KnownProblem, known_problems};
use self::members::members_of;
use crate::telemetry;
use crate::texts::{SAID, Texts};

/// When a client may try again after a 503, in seconds.
const RETRY_AFTER_SECONDS: u64 = 1;
/// The longest detail, in characters: some repeat what the client sent.
const LONGEST_DETAIL: usize = 400;
/// The challenge where no access token came: it says nothing about an error (RFC 6750, section 3.1).
const NO_PROOF: HeaderValue = HeaderValue::from_static("Bearer");
/// The media type of problems.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Why a connection is beyond the limit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refusal {
    /// All connections together are too many.
    TooMany,
    /// Those from one address are.
    TooManyFromAddress,
}

/// Why a request was not carried out. It becomes a body once the request's id is known, at the edge.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Parts>);

/// A problem whose page has been written: only the log is to know of it.
#[derive(Clone)]
pub(super) struct ShownProblem(pub(super) Problem);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    said: Said,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Members beside those of every problem.
    members: Map<String, Value>,
    /// The causes of a failure: for the log, never for the client.
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What is wrong, before it is known in which language to say it.
#[derive(Debug, Clone)]
enum Said {
    /// A refusal of the box office.
    Refusal(Error),
    /// A sentence of this server, in English.
    Here(String),
}

impl Said {
    /// Cut, since some repeat what the client sent.
    fn told(&self, locale: Locale) -> String {
        let told = match self {
            // A refusal whose sentence was made here.
            Self::Refusal(Error::InvalidInput(text)) => here(text, locale),
            Self::Refusal(Error::Unauthenticated(text)) => here(text, locale),
            Self::Refusal(_) => None,
            Self::Here(text) => here(text, locale),
        };
        let told = told.unwrap_or_else(|| match self {
            Self::Refusal(error) => error.told(locale),
            Self::Here(text) => text.clone(),
        });
        // By characters: a cut within one would leave no text.
        told.chars().take(LONGEST_DETAIL).collect()
    }
}

/// The translation of a sentence that was made in this crate.
fn here(english: &str, locale: Locale) -> Option<String> {
    match locale.language {
        Language::English => None,
        Language::Korean => SAID.in_korean(english),
    }
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        debug_assert!(catalogue::has_status(code, status), "the catalogue has no {code} with {status}");
        Self(Box::new(Parts {
            status,
            code,
            said: Said::Here(detail.into()),
            headers: Vec::new(),
            members: Map::new(),
            cause: None,
        }))
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        // Two challenges, or two times to try again, would leave the client to choose.
        self.0.headers.retain(|(kept, _)| *kept != name);
        self.0.headers.push((name, value));
        self
    }

    /// A call that needs an access token came without one.
    pub(super) fn without_token(error: Error) -> Self {
        Self::from(error).with_header(WWW_AUTHENTICATE, NO_PROOF)
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Error::InvalidInput(detail.into()).into()
    }

    pub(crate) fn route_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "ROUTE_NOT_FOUND", "there is nothing at this path; see /docs")
    }

    /// `present`: the version that there is.
    pub(super) fn plan_version_not_found(present: u32) -> Self {
        let detail = format!("the plan no longer has this version, or not yet; it has version {present}");
        let mut problem = Self::new(StatusCode::NOT_FOUND, "PLAN_VERSION_NOT_FOUND", detail);
        problem.0.members.insert("version".to_owned(), json!(present));
        problem
    }

    pub(super) fn method_not_allowed(allowed: &str) -> Self {
        let detail = format!("this path answers {allowed}");
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail);
        match HeaderValue::from_str(allowed) {
            Ok(value) => problem.with_header(ALLOW, value),
            Err(_) => problem,
        }
    }

    pub(super) fn payload_too_large(limit: usize) -> Self {
        let detail = format!("a body is at most {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", detail)
    }

    pub(super) fn unsupported_media_type(wanted: &str) -> Self {
        let detail = format!("a body is {wanted}");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", detail)
    }

    pub(super) fn body_too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", "the body took too long to arrive")
    }

    pub(super) fn too_many_requests(detail: String) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", detail)
    }

    pub(super) fn too_many_connections(why: Refusal) -> Self {
        let detail = match why {
            Refusal::TooMany => "too many connections are open; try again shortly",
            Refusal::TooManyFromAddress => "too many connections are open from this address; try again shortly",
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "TOO_MANY_CONNECTIONS", detail)
            .with_header(RETRY_AFTER, RETRY_AFTER_SECONDS.into())
    }

    pub(super) fn too_many_streams_here() -> Self {
        let detail = "too many event streams are open on this connection; poll instead, or open another connection";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "TOO_MANY_STREAMS", detail)
            .with_header(RETRY_AFTER, RETRY_AFTER_SECONDS.into())
    }

    pub(super) fn too_many_streams() -> Self {
        let detail = "too many event streams are open; poll instead";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "TOO_MANY_STREAMS", detail)
            .with_header(RETRY_AFTER, RETRY_AFTER_SECONDS.into())
    }

    /// A defect: the client learns that there is one, and the log says which.
    pub(crate) fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::Internal(Arc::from(cause.into())).into()
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What is wrong, for people.
    pub(crate) fn told(&self, locale: Locale) -> String {
        self.0.said.told(locale)
    }

    pub(crate) fn code(&self) -> &'static str {
        self.0.code
    }

    /// What is wrong, for people.
    pub(super) fn detail(&self, locale: Locale) -> String {
        self.0.said.told(locale)
    }

    /// What belongs to its code alone.
    pub(super) fn members(&self) -> &Map<String, Value> {
        &self.0.members
    }

    /// The body, for a request of this id.
    pub(super) fn body(&self, request_id: &str, locale: Locale) -> String {
        let body = ProblemBody {
            r#type: "about:blank",
            title: &title(self.0.status, Texts::new(locale.language)),
            status: self.0.status.as_u16(),
            detail: &self.0.said.told(locale),
            code: self.0.code,
            request_id,
            members: &self.0.members,
        };
        // Texts and numbers alone, so it does not fail.
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// The status and the headers of a page, whose body the caller writes.
    pub(crate) fn into_page(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        // A challenge is for programs.
        headers.extend(self.0.headers.iter().filter(|(name, _)| name != WWW_AUTHENTICATE).cloned());
        response.extensions_mut().insert(ShownProblem(self));
        response
    }

    /// Writes a failure to the log. Refusals are not failures: the line of the request names their code.
    pub(super) fn log(&self) {
        let Some(cause) = &self.0.cause else { return };
        let causes = telemetry::chain(cause.as_ref());
        // A defect is for somebody to mend. That the database is away may pass by itself, and has its own metric.
        if self.0.status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(code = self.0.code, causes, "a request failed");
        } else {
            tracing::warn!(code = self.0.code, causes, "a request failed");
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = catalogue::status_of(error.code(), error.kind());
        let mut problem = Self::new(status, error.code(), "");
        problem.0.members = members_of(&error);
        if let Error::SeatHeldTooOften { wait, .. } = &error {
            problem = problem.with_header(RETRY_AFTER, whole_seconds(*wait).into());
        }
        match status {
            StatusCode::UNAUTHORIZED => {
                problem = problem.with_header(WWW_AUTHENTICATE, challenge(&error));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                problem = problem.with_header(RETRY_AFTER, RETRY_AFTER_SECONDS.into());
            }
            _ => {}
        }
        problem.0.said = Said::Refusal(error.clone());
        if error.source().is_some() || matches!(error, Error::Setup(_)) {
            problem.0.cause = Some(Arc::new(error));
        }
        problem
    }
}

/// For Retry-After: rounded up, and at least one.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).max(1) as u64
}

/// How to prove who one is, and what was wrong with the proof that came (RFC 6750, section 3).
fn challenge(error: &Error) -> HeaderValue {
    let challenge = match error {
        Error::Unauthenticated(_) | Error::TokenEnded => {
            let quoted: String = error.to_string().chars().map(|c| if "\"\\".contains(c) { '\'' } else { c }).collect();
            format!("Bearer error=\"invalid_token\", error_description=\"{quoted}\"")
        }
        // There was none, or one that would have been good.
        _ => return NO_PROOF,
    };
    HeaderValue::try_from(challenge).unwrap_or(NO_PROOF)
}

impl Reply for Problem {
    /// Status and headers; the edge adds the body.
    fn into_response(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.extend(self.0.headers.iter().cloned());
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_tells_the_client_nothing_of_itself() {
        let body = Problem::internal("table `users` is on fire").body("r", Locale::default());
        assert!(!body.contains("fire"), "{body}");
        assert!(body.contains(r#""status":500"#) && body.contains(r#""code":"INTERNAL""#), "{body}");
    }

    #[test]
    fn a_detail_that_repeats_what_was_sent_is_cut() {
        let body = Problem::invalid("x".repeat(10_000)).body("r", Locale::default());
        assert!(body.len() < 1_000);
    }
}
