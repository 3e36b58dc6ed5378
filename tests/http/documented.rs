//! The OpenAPI document says each status of each route, and each code of a problem: every answer that a test gets is
//! compared with it.

use std::sync::LazyLock;

use serde_json::Value;

/// The OpenAPI document.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(concert_server::openapi);

/// What stands for any path, and for any method of a path that lacks it.
const ANYWHERE: [&str; 2] = ["ROUTE_NOT_FOUND", "METHOD_NOT_ALLOWED"];

/// The operation that answers `GET /path?query`; of two, the one whose path is more literal.
pub fn operation(line: &str) -> Option<&'static Value> {
    let (method, path) = line.split_once(' ')?;
    let path: Vec<_> = path.split('?').next()?.split('/').collect();
    let method = if method == "HEAD" { "get".to_owned() } else { method.to_lowercase() };
    let fits = |template: &str| {
        let template: Vec<_> = template.split('/').collect();
        let same = |(part, sent): (&&str, &&str)| part == sent || (part.starts_with('{') && !sent.is_empty());
        template.len() == path.len() && template.iter().zip(&path).all(same)
    };
    let all = DOCUMENT["paths"].as_object()?.iter().filter(|(template, _)| fits(template));
    let of_method = all.filter_map(|(template, item)| Some((template.matches('{').count(), item.get(&method)?)));
    of_method.min_by_key(|(parameters, _)| *parameters).map(|(_, operation)| operation)
}

/// Panics where the document does not know the answer.
#[track_caller]
pub fn check(line: &str, status: u16, code: Option<&str>) {
    if code.is_some_and(|code| ANYWHERE.contains(&code)) {
        return;
    }
    // The page that shows the document is no part of the interface.
    let Some(operation) = operation(line) else { return };
    let response = &operation["responses"][status.to_string()];
    assert!(!response.is_null(), "{line}: the document has no {status} {}", code.unwrap_or_default());
    if let Some(code) = code {
        let codes =
            &response["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["code"]["enum"];
        let known = codes.as_array().is_some_and(|codes| codes.iter().any(|known| known == code));
        assert!(known, "{line}: the document has no {status} {code}; add it in http/openapi/codes.rs");
    }
}
