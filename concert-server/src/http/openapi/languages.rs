//! In which language a caller wants problems to be told.

use serde_json::{Value, json};

use super::operations;

/// Each operation takes it; the parameter stands in the components once.
pub(super) fn complete(document: &mut Value) {
    document["components"]["parameters"]["acceptLanguage"] = json!({
        "name": "Accept-Language",
        "in": "header",
        "description": "The languages that `title` and `detail` of a problem may be in: Korean or English, and English for all others.",
        "schema": {"type": "string"},
        "example": "ko, en;q=0.8",
    });
    for (_, _, operation) in operations(document) {
        let reference = json!({"$ref": "#/components/parameters/acceptLanguage"});
        match operation["parameters"].as_array_mut() {
            Some(parameters) => parameters.push(reference),
            None => operation["parameters"] = json!([reference]),
        }
    }
}
