//! The body of a problem.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use warp::http::StatusCode;

use crate::http::words;
use crate::texts::Texts;

/// A problem (RFC 9457). `code` is stable, and the same in the library, REST and the CLI.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub(in crate::http) struct ProblemBody<'a> {
    /// Always `about:blank`: `code` says which problem it is.
    #[schema(example = "about:blank")]
    pub(super) r#type: &'a str,
    /// The status in words.
    #[schema(example = "Conflict")]
    pub(super) title: &'a str,
    /// The status.
    #[schema(example = 409)]
    pub(super) status: u16,
    /// What is wrong, for people.
    #[schema(example = "seat 7 is already reserved")]
    pub(super) detail: &'a str,
    /// What is wrong, for programs.
    #[schema(value_type = words::ProblemCode)]
    pub(super) code: &'a str,
    /// The request's id, as in the `X-Request-Id` header and in the server's log.
    pub(super) request_id: &'a str,
    /// What belongs to this code alone, such as `doorsAt` of SALE_NOT_OPEN and `left` of SEAT_LIMIT.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub(super) members: &'a Map<String, Value>,
}

/// The status in words.
pub(super) fn title(status: StatusCode, texts: Texts) -> String {
    match status {
        StatusCode::BAD_REQUEST => texts.title_400(),
        StatusCode::UNAUTHORIZED => texts.title_401(),
        StatusCode::FORBIDDEN => texts.title_403(),
        StatusCode::NOT_FOUND => texts.title_404(),
        StatusCode::METHOD_NOT_ALLOWED => texts.title_405(),
        StatusCode::REQUEST_TIMEOUT => texts.title_408(),
        StatusCode::CONFLICT => texts.title_409(),
        StatusCode::GONE => texts.title_410(),
        StatusCode::PRECONDITION_FAILED => texts.title_412(),
        StatusCode::PAYLOAD_TOO_LARGE => texts.title_413(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => texts.title_415(),
        StatusCode::UNPROCESSABLE_ENTITY => texts.title_422(),
        StatusCode::TOO_MANY_REQUESTS => texts.title_429(),
        StatusCode::SERVICE_UNAVAILABLE => texts.title_503(),
        _ => texts.title_500(),
    }
}
