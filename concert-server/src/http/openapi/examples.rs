//! An example of every body, put together from those of its fields.

use serde_json::{Map, Value, json};

use super::operations;

const JSON: &str = "application/json";
/// How deep examples go: no body is deeper.
const DEEPEST: usize = 12;

pub(super) fn complete(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    for (_, _, operation) in operations(document) {
        if let Some(content) = operation.pointer_mut("/requestBody/content/application~1json") {
            let alternatives = resolved(&content["schema"], &schemas)["oneOf"].as_array().cloned().unwrap_or_default();
            if alternatives.is_empty() {
                content["example"] = example(&content["schema"], &schemas, DEEPEST);
            } else {
                let named = |form: &Value| {
                    let title = form["title"].as_str().unwrap_or("example").to_owned();
                    (title, json!({"value": example(form, &schemas, DEEPEST)}))
                };
                content["examples"] = alternatives.iter().map(named).collect::<Map<_, _>>().into();
            }
        }
        for response in operation["responses"].as_object_mut().into_iter().flat_map(|responses| responses.values_mut())
        {
            if let Some(content) = response.get_mut("content").and_then(|content| content.get_mut(JSON)) {
                content["example"] = example(&content["schema"], &schemas, DEEPEST);
            }
        }
    }
}

fn resolved<'a>(schema: &'a Value, schemas: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    name.map_or(schema, |name| &schemas[name])
}

/// What fits the schema: the example that it has, or one made of those of its parts.
fn example(schema: &Value, schemas: &Value, deep: usize) -> Value {
    let schema = resolved(schema, schemas);
    let given = schema.get("example").or_else(|| schema.get("const")).or_else(|| schema.get("default"));
    if let Some(given) = given.or_else(|| schema["enum"].get(0)) {
        return given.clone();
    }
    // A body that had itself in it would go on for ever.
    if deep == 0 {
        return Value::Null;
    }
    let of = |part: &Value| example(part, schemas, deep - 1);
    for parts in ["oneOf", "anyOf"] {
        if let Some(part) = schema[parts].as_array().and_then(|parts| parts.iter().find(|part| part["type"] != "null"))
        {
            return of(part);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let objects = parts.iter().map(of).filter_map(|part| part.as_object().cloned());
        return objects.flatten().collect::<Map<_, _>>().into();
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].get(0)?.as_str());
    match kind {
        Some("object") | None => {
            let is_required =
                |name: &String| schema["required"].as_array().is_some_and(|all| all.contains(&json!(name)));
            let fields = schema["properties"].as_object().cloned().unwrap_or_default();
            // What may be left out is, so that an example can be sent as it stands.
            let fields = fields.into_iter().filter(|(name, _)| is_required(name));
            fields.map(|(name, field)| (name, of(&field))).collect::<Map<_, _>>().into()
        }
        Some("array") => {
            let items = schema["minItems"].as_u64().unwrap_or_default().max(1);
            (0..items).map(|nth| counted(of(&schema["items"]), nth)).collect()
        }
        Some("boolean") => json!(false),
        Some("integer" | "number") => schema["minimum"].clone(),
        _ => json!("text"),
    }
}

/// The same of numbers, one after the other: lists have no number twice.
fn counted(item: Value, nth: u64) -> Value {
    match item.as_u64() {
        Some(number) => json!(number + nth),
        None => item,
    }
}
