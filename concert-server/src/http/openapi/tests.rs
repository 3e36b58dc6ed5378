use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::codes::codes_of;
use super::*;
use crate::http::problem::{PROBLEM_JSON, known_problems};
use crate::http::routes;

fn document() -> Value {
    openapi()
}

/// Every operation by its name.
fn named(document: &mut Value) -> BTreeMap<String, Value> {
    let named = |(_, _, operation): (&str, &str, &mut Value)| {
        (operation["operationId"].as_str().expect("a name").to_owned(), operation.clone())
    };
    operations(document).map(named).collect()
}

#[test]
fn the_document_has_the_routes_and_no_others() {
    let mut document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let documented: BTreeSet<_> =
        operations(&mut document).map(|(method, path, _)| (method.to_uppercase(), path.to_owned())).collect();
    // The page that shows the document is no part of the interface.
    let served: BTreeSet<_> = routes()
        .into_iter()
        .filter(|route| !route.template.starts_with("/docs"))
        .map(|route| (route.method.to_owned(), route.template.to_owned()))
        .collect();
    assert_eq!(documented, served);
}

#[test]
fn every_error_is_a_problem_with_its_codes() {
    let known: BTreeMap<_, _> = known_problems().into_iter().map(|problem| (problem.code, problem.status)).collect();
    let mut said = BTreeSet::new();
    for (name, operation) in named(&mut document()) {
        assert!(codes_of(&name).is_some(), "{name} needs a row in openapi/codes.rs");
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let problem = &response["content"][PROBLEM_JSON]["schema"]["allOf"];
            assert_eq!(
                problem[0]["$ref"] == "#/components/schemas/Problem",
                status.as_str() >= "400",
                "{name} {status}"
            );
            for code in problem[1]["properties"]["code"]["enum"].as_array().into_iter().flatten() {
                let code = code.as_str().expect("text");
                assert_eq!(known.get(code).map(ToString::to_string).as_ref(), Some(status), "{name} {code}");
                said.insert(code.to_owned());
            }
        }
        for code in codes_of(&name).into_iter().flatten() {
            assert!(known.contains_key(code), "{name}: there is no code {code}");
        }
    }
    // What no operation answers: paths that are none, methods that a path has not, and what only the library refuses.
    let elsewhere = ["FORM_EXPIRED", "METHOD_NOT_ALLOWED", "OPERATOR_KEY_NOT_FOUND", "ROUTE_NOT_FOUND"];
    let silent: Vec<_> = known.keys().filter(|code| !said.contains(**code)).collect();
    assert_eq!(silent, elsewhere.iter().collect::<Vec<_>>(), "codes that no operation has");
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let mut document = document();
    let all = operations(&mut document).count();
    assert_eq!(named(&mut document).len(), all);
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let text = document.to_string();
    for reference in text.split("\"#/").skip(1) {
        let pointer = format!("/{}", reference.split('"').next().expect("a pointer"));
        assert!(document.pointer(&pointer).is_some_and(Value::is_object), "{pointer}");
    }
}

#[test]
fn no_two_bodies_share_a_name() {
    let mut names = BTreeMap::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("text");
            for item in
                text.split("#[derive(").filter(|item| item.lines().next().is_some_and(|l| l.contains("ToSchema")))
            {
                let own = || item.split_once("#[schema(as = ")?.1.split(')').next();
                let plain = || {
                    let after = item.split_once("struct ").or_else(|| item.split_once("enum "))?.1;
                    after.split(|c: char| !c.is_alphanumeric()).next()
                };
                let name = own().or_else(plain).expect("a name").to_owned();
                let other = names.insert(name.clone(), path.clone());
                assert_eq!(other, None, "{name} is in {} too: say #[schema(as = ..)]", path.display());
            }
        }
    }
}

/// What a schema lacks to be bounded, by the path of its field.
fn unbounded(at: &str, schema: &Value, found: &mut Vec<String>) {
    let is = |kind: &str| {
        schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|name| name == kind))
    };
    let has = |names: &[&str]| names.iter().any(|name| schema.get(*name).is_some());
    let bounded = match () {
        () if is("string") => has(&["maxLength", "enum", "format", "const"]),
        () if is("integer") || is("number") => has(&["enum"]) || (has(&["minimum"]) && has(&["maximum"])),
        () if is("array") => has(&["maxItems"]) && has(&["items"]),
        () => true,
    };
    if !bounded {
        found.push(format!("{at}: {schema}"));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        unbounded(&format!("{at}.{name}"), field, found);
    }
    for parts in ["oneOf", "allOf", "anyOf"] {
        for part in schema[parts].as_array().into_iter().flatten() {
            unbounded(at, part, found);
        }
    }
    if let Some(items) = schema.get("items") {
        unbounded(&format!("{at}[]"), items, found);
    }
}

#[test]
fn every_field_has_its_bounds() {
    let mut document = document();
    let mut found = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        unbounded(name, schema, &mut found);
    }
    for (name, operation) in named(&mut document) {
        // Every text is fit for If-None-Match: only the server's limit of headers bounds it.
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        for parameter in parameters.filter(|parameter| parameter["name"] != "If-None-Match") {
            unbounded(&format!("{name} {}", parameter["name"]), &parameter["schema"], &mut found);
        }
    }
    assert!(found.is_empty(), "without bounds; say them in openapi/vocabulary.rs:\n{}", found.join("\n"));
}

/// 69.99 is no multiple of 0.01 to a validator that reckons in floats.
#[test]
fn no_field_is_a_multiple_of_a_fraction_and_amounts_say_their_places_in_words() {
    let text = document().to_string();
    assert!(!text.contains("multipleOf"));
    let amount = &document()["components"]["schemas"]["RechargeRequest"]["properties"]["amount"];
    assert!(amount["description"].as_str().is_some_and(|text| text.contains("two decimal places")), "{amount}");
}

#[test]
fn every_json_body_has_an_example() {
    for (name, operation) in named(&mut document()) {
        let responses = operation["responses"].as_object().into_iter().flatten().map(|(_, response)| response);
        for body in [&operation["requestBody"]].into_iter().chain(responses) {
            let json = &body["content"]["application/json"];
            let examples = json["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
            let examples: Vec<_> = examples.chain(json.get("example")).collect();
            assert!(json.is_null() || examples.iter().any(|example| !example.is_null()), "{name}: {json}");
        }
    }
}

#[test]
fn each_way_to_say_what_to_hold_is_a_form() {
    let document = document();
    let forms = document["components"]["schemas"]["ReserveRequest"]["oneOf"].as_array().expect("forms");
    let required: Vec<_> = forms.iter().map(|form| form["required"][0].as_str().expect("a field")).collect();
    assert_eq!(required, ["seatNumber", "seatNumbers", "bestAvailable"]);
    for form in forms {
        let fields: BTreeSet<_> = form["properties"].as_object().expect("fields").keys().cloned().collect();
        assert_eq!(fields.len(), 3, "{form}");
        assert_eq!(form["additionalProperties"], false, "{form}");
    }
}

#[test]
fn links_lead_from_joining_to_paying() {
    let all = named(&mut document());
    let mut followed = BTreeSet::new();
    for (name, operation) in &all {
        for response in operation["responses"].as_object().expect("responses").values() {
            for link in response["links"].as_object().into_iter().flatten().map(|(_, link)| link) {
                let to = link["operationId"].as_str().expect("a name");
                let target = all.get(to).unwrap_or_else(|| panic!("{name} leads to {to}"));
                for parameter in link["parameters"].as_object().into_iter().flatten().map(|(name, _)| name) {
                    let takes = target["parameters"].as_array().expect("parameters");
                    assert!(takes.iter().any(|taken| taken["name"] == **parameter), "{to} takes no {parameter}");
                }
                followed.insert((name.as_str(), to));
            }
        }
    }
    for step in [("issueToken", "tokenStatus"), ("tokenStatus", "reserve"), ("reserve", "pay")] {
        assert!(followed.contains(&step), "{step:?}");
    }
    assert!(super::links::are_used(&mut document()), "a link leads from an answer that its operation has not");
}

#[test]
fn event_streams_say_what_an_event_is() {
    let all = named(&mut document());
    let stream = &all["tokenEvents"]["responses"]["200"]["content"]["text/event-stream"]["schema"]["$ref"];
    assert_eq!(stream, "#/components/schemas/TokenEvent");
    let events = &document()["components"]["schemas"]["TokenEvent"]["oneOf"];
    let names: Vec<_> =
        events.as_array().expect("events").iter().map(|event| &event["properties"]["event"]["enum"][0]).collect();
    assert_eq!(names, ["token", "end", "replaced"]);
}
