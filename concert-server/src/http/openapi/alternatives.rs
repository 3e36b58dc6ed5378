//! Bodies of which exactly one of several fields is sent: each way of saying it is a form of its own.

use serde_json::{Map, Value, json};

/// A body, and its fields of which there is exactly one, each with what the form is called.
type Alternatives = (&'static str, &'static [(&'static str, &'static str)]);

const SEATS: &[(&str, &str)] = &[("seatNumbers", "By number"), ("seats", "By ranges of numbers")];

const BODIES: [Alternatives; 7] = [
    (
        "ReserveRequest",
        &[("seatNumber", "One seat"), ("seatNumbers", "Several seats"), ("bestAvailable", "The best available")],
    ),
    ("PayRequest", &[("reservationId", "One reservation"), ("orderId", "A whole order")]),
    ("BlockRequest", SEATS),
    ("UnblockRequest", SEATS),
    ("PriceRequest", SEATS),
    ("AddRequest", SEATS),
    ("RevokeCodesRequest", &[("codes", "These codes"), ("all", "All codes")]),
];

pub(super) fn complete(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    for (body, alternatives) in BODIES {
        if let Some(schema) = schemas.get_mut(body) {
            *schema = one_of(schema, alternatives);
        }
    }
}

fn one_of(schema: &Value, alternatives: &[(&str, &str)]) -> Value {
    let form = |(field, title): &(&str, &str)| {
        let mut form = schema.clone();
        form["title"] = json!(title);
        if let Some(form) = form.as_object_mut() {
            form.remove("description");
        }
        let keep = |name: &str| name == *field || alternatives.iter().all(|(other, _)| *other != name);
        let fields = schema["properties"].as_object().cloned().unwrap_or_default();
        let fields: Map<_, _> = fields.into_iter().filter(|(name, _)| keep(name)).collect();
        form["properties"] = fields.into();
        never_null(&mut form["properties"][field]);
        let common = schema["required"].as_array().cloned().unwrap_or_default();
        let common = common.into_iter().filter(|name| name != field);
        form["required"] = std::iter::once(json!(field)).chain(common).collect();
        if *field == "all" {
            form["properties"]["all"]["const"] = json!(true);
        }
        form
    };
    json!({
        "description": schema["description"],
        "oneOf": alternatives.iter().map(form).collect::<Vec<_>>(),
    })
}

/// The field that makes the form is there.
fn never_null(schema: &mut Value) {
    if let Some(kind) = schema["type"].as_array().and_then(|kinds| kinds.first()).cloned() {
        schema["type"] = kind;
    }
}
