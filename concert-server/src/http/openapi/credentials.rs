//! What a caller may show: the schemes, and which of them each operation takes.

use serde_json::{Value, json};

use super::operations;

/// What annotations call an access token of either kind.
const EITHER: &str = "bearer";

pub(super) fn complete(document: &mut Value) {
    let bearer = |format: &str, description: &str| json!({"type": "http", "scheme": "bearer", "bearerFormat": format, "description": description});
    document["components"]["securitySchemes"] = json!({
        "session": bearer("JWT", "The access token of a session, from POST /api/v1/users/login."),
        "queueToken": bearer("JWT", "The token of a place in a queue, from POST /api/v1/tokens."),
        "operatorKey": bearer(
            "concert_<64 hexadecimal digits>",
            "An operator key, from `concert-cli key make`. The role that an operation takes stands beside it: viewer, gate \
             or operator; each may do what those before it may.",
        ),
    });
    for (_, _, operation) in operations(document) {
        let Some(taken) = operation["security"].as_array() else { continue };
        let both = |scheme: &Value| match scheme.get(EITHER) {
            Some(_) => vec![json!({"session": []}), json!({"queueToken": []})],
            None => vec![scheme.clone()],
        };
        operation["security"] = taken.iter().flat_map(both).collect();
    }
}
