//! The problems of each operation: every status with the codes that it can have.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::codes::codes_of;
use super::operations;
use crate::http::problem::{KnownProblem, PROBLEM_JSON, known_problems};
use crate::http::routes;

/// Of every operation but those about this process's health.
const OF_ALL: [&str; 7] = [
    "TOO_MANY_REQUESTS",
    "INTERNAL",
    "OVERLOADED",
    "DATABASE_UNAVAILABLE",
    "DATABASE_SETUP",
    "SHUT_DOWN",
    "TOO_MANY_CONNECTIONS",
];
/// Of operations about this process's health: they are never braked, and answered also when there are too many
/// connections.
const OF_VITAL: [&str; 1] = ["INTERNAL"];
/// Of operations that read a body.
const OF_BODIES: [&str; 4] = ["INVALID_REQUEST", "REQUEST_TIMEOUT", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"];
/// Of operations that take an access token.
const OF_TOKENS: [&str; 2] = ["UNAUTHENTICATED", "TOKEN_ENDED"];
/// Of operations that take an operator key.
const OF_KEYS: [&str; 2] = ["UNAUTHENTICATED", "ROLE_NOT_ALLOWED"];
/// Of operations that take an idempotency key.
const OF_IDEMPOTENCY_KEYS: [&str; 2] = ["INVALID_REQUEST", "IDEMPOTENCY_KEY_REUSED"];

pub(super) fn complete(document: &mut Value) {
    let known: BTreeMap<_, _> = known_problems().into_iter().map(|problem| (problem.code, problem)).collect();
    let vital: BTreeSet<_> = routes().into_iter().filter(|route| route.vital).map(|route| route.template).collect();
    for (_, path, operation) in operations(document) {
        let mut codes = codes_with_body_and_credentials(operation);
        codes.extend(if vital.contains(path) { &OF_VITAL[..] } else { &OF_ALL[..] });
        let mut by_status: BTreeMap<u16, Vec<&KnownProblem>> = BTreeMap::new();
        for problem in codes.iter().filter_map(|code| known.get(code)) {
            by_status.entry(problem.status).or_default().push(problem);
        }
        for (status, problems) in by_status {
            describe(&mut operation["responses"][status.to_string()], status, &problems);
        }
    }
    document["components"]["examples"] = known.values().map(example).collect::<Map<_, _>>().into();
}

/// What the operation says of itself, and what its parts bring along.
fn codes_with_body_and_credentials(operation: &Value) -> BTreeSet<&'static str> {
    // Codes are stated for an operation only where they do not follow from what it takes.
    let own = operation["operationId"].as_str().and_then(codes_of).unwrap_or_default();
    let mut codes: BTreeSet<_> = own.iter().copied().collect();
    let schemes = || operation["security"].as_array().into_iter().flatten().filter_map(Value::as_object);
    if schemes().any(|scheme| scheme.contains_key("queueToken") || scheme.contains_key("session")) {
        codes.extend(OF_TOKENS);
    }
    if schemes().any(|scheme| scheme.contains_key("operatorKey")) {
        codes.extend(OF_KEYS);
    }
    if operation.get("requestBody").is_some() {
        codes.extend(OF_BODIES);
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        match parameter["name"].as_str() {
            Some("Idempotency-Key") => codes.extend(OF_IDEMPOTENCY_KEYS),
            // Every text is fit for this one: what is no ETag of ours matches nothing.
            Some("If-None-Match") => {}
            _ => {
                codes.insert("INVALID_REQUEST");
            }
        }
    }
    codes
}

fn describe(response: &mut Value, status: u16, problems: &[&KnownProblem]) {
    if response["description"].as_str().is_none_or(str::is_empty) {
        let meanings: Vec<_> = problems.iter().map(|problem| problem.meaning).collect();
        response["description"] = json!(meanings.join(" "));
    }
    let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
    let examples: Map<_, _> = codes
        .iter()
        .map(|code| ((*code).to_owned(), json!({"$ref": format!("#/components/examples/{code}")})))
        .collect();
    response["content"] = json!({PROBLEM_JSON: {
        "schema": {"allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {
                "type": "object",
                "properties": {"status": {"type": "integer", "enum": [status]}, "code": {"type": "string", "enum": codes}},
                "required": ["status", "code"],
            },
        ]},
        "examples": examples,
    }});
    let header = |description: &str, schema: Value| json!({"description": description, "schema": schema});
    match status {
        401 => {
            response["headers"]["WWW-Authenticate"] =
                header("How to prove who one is (RFC 6750)", json!({"type": "string"}));
        }
        429 | 503 => {
            response["headers"]["Retry-After"] =
                header("When to try again, in seconds", json!({"type": "integer", "minimum": 1}));
        }
        _ => {}
    }
}

fn example(problem: &KnownProblem) -> (String, Value) {
    let title = warp::http::StatusCode::from_u16(problem.status).ok().and_then(|status| status.canonical_reason());
    let value = json!({
        "type": "about:blank",
        "title": title.unwrap_or("Error"),
        "status": problem.status,
        "detail": problem.meaning,
        "code": problem.code,
        "requestId": "9f0c2f5e-8a44-4a55-9d0e-5a1b3c0d7e42",
    });
    (problem.code.to_owned(), json!({"summary": problem.advice, "value": value}))
}
