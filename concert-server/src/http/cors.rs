//! Which pages of other origins may call.

use std::str::FromStr;
use std::time::Duration;

use tower_http::cors::{AllowOrigin, CorsLayer};
use warp::http::{HeaderValue, Method, Uri};

use super::routing::{ANSWER_HEADERS, REQUEST_HEADERS, Route};

/// How long a browser may keep the answer to a preflight.
const MAX_AGE: Duration = Duration::from_secs(600);

/// An origin whose pages may call: `https://tickets.example`, or `*` for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsOrigin(HeaderValue);

impl FromStr for CorsOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // In a list, a space may follow the comma.
        let text = text.trim();
        let is_origin = || {
            let uri: Uri = text.parse().ok()?;
            let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
            // Browsers compare origins byte by byte; one with a path, or a slash at its end, would never match.
            (format!("{scheme}://{authority}") == text).then_some(())
        };
        if text != "*" && is_origin().is_none() {
            return Err("an origin is * or of the form https://host or https://host:port".to_owned());
        }
        HeaderValue::from_str(text).map(Self).map_err(|error| error.to_string())
    }
}

/// The layer for these origins, with the methods of the routes; none without any origin.
pub(super) fn layer(origins: &[CorsOrigin], routes: &[Route]) -> Option<CorsLayer> {
    let origins: Vec<_> = origins.iter().map(|origin| origin.0.clone()).collect();
    let allowed = match &origins[..] {
        [] => return None,
        // The layer panics over a list with a star in it.
        all if all.iter().any(|origin| origin == "*") => AllowOrigin::any(),
        _ => AllowOrigin::list(origins),
    };
    let mut methods: Vec<_> = routes.iter().filter_map(|route| route.method.parse::<Method>().ok()).collect();
    methods.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    methods.dedup();
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods(methods)
        .allow_headers(REQUEST_HEADERS)
        .expose_headers(ANSWER_HEADERS)
        .max_age(MAX_AGE);
    Some(layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_a_scheme_a_host_and_nothing_else() {
        for text in ["*", "https://tickets.example", "http://localhost:3000"] {
            assert!(text.parse::<CorsOrigin>().is_ok(), "{text}");
        }
        for text in ["", "tickets.example", "https://tickets.example/", "https://a b", "null", "https://x\r\ny: z"] {
            assert!(text.parse::<CorsOrigin>().is_err(), "{text}");
        }
    }
}
