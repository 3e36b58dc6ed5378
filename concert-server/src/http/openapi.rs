//! The OpenAPI document, generated from the handlers, and the page that shows it.

use std::sync::{Arc, LazyLock};

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};
use utoipa_swagger_ui::Config;
use warp::Reply as _;
use warp::http::Uri;
use warp::http::header::CONTENT_TYPE;

use super::call::Call;
use super::problem::{PROBLEM_JSON, Problem, ProblemBody};
use super::routing::{Answer, Endpoint, get};
use super::{admin, catalog, events, history, ops, payments, reservations, tokens, users};

const DOCUMENT: &str = "/api-docs/openapi.json";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![get(DOCUMENT, document), get("/docs", redirect), get("/docs/", page), get("/docs/{file}", page)]
}

/// The OpenAPI 3.1 document of the REST interface.
#[must_use]
pub fn openapi() -> OpenApi {
    Document::openapi()
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "concert", description = "A box office for high-demand concerts."),
    paths(
        tokens::join,
        tokens::add_to_queue,
        tokens::look,
        tokens::leave,
        events::events,
        catalog::dates,
        catalog::seats,
        reservations::reserve,
        reservations::list,
        reservations::look,
        reservations::give_back,
        reservations::extend,
        payments::recharge,
        payments::balance,
        payments::pay,
        history::payments,
        history::payment,
        history::entries,
        users::sign_up,
        users::log_in,
        admin::log,
        admin::recharge,
        ops::live,
        ops::ready,
        ops::metrics,
        document,
    ),
    components(schemas(ProblemBody<'_>)),
    modifiers(&BearerScheme, &Problems)
)]
struct Document;

struct BearerScheme;

impl Modify for BearerScheme {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("A session, from POST /api/v1/users/login, or a queue token, from POST /api/v1/tokens."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("concert_<64 hexadecimal digits>")
            .description(Some("An operator key, from `concert-cli key make`; each operation says which role it takes."))
            .build();
        components.add_security_scheme("operatorKey", SecurityScheme::Http(scheme));
    }
}

/// Gives every error a problem as its body, and every operation those that can come from anywhere.
struct Problems;

/// Of operations that read a body.
const OF_BODIES: [(&str, &str); 3] =
    [("408", "The body took too long to arrive"), ("413", "The body is too large"), ("415", "The body is not JSON")];
const OF_ALL: [(&str, &str); 3] = [
    ("429", "Too many calls from this address or by this user; try again after Retry-After"),
    ("500", "A defect"),
    ("503", "Overloaded, or the database is not available"),
];

impl Modify for Problems {
    fn modify(&self, document: &mut OpenApi) {
        for item in document.paths.paths.values_mut() {
            for operation in [&mut item.get, &mut item.post, &mut item.delete].into_iter().flatten() {
                let of_bodies = OF_BODIES.iter().filter(|_| operation.request_body.is_some());
                let responses = &mut operation.responses.responses;
                for (status, description) in of_bodies.chain(&OF_ALL) {
                    let response = ResponseBuilder::new().description(*description).build();
                    responses.entry((*status).to_owned()).or_insert(RefOr::T(response));
                }
                for (_, response) in responses.iter_mut().filter(|(status, _)| status.as_str() >= "400") {
                    with_problem(response);
                }
            }
        }
    }
}

fn with_problem(response: &mut RefOr<Response>) {
    if let RefOr::T(response) = response {
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        response.content.insert(PROBLEM_JSON.to_owned(), RefOr::T(problem));
    }
}

#[utoipa::path(
    get, path = "/api-docs/openapi.json", tag = "operations", operation_id = "openapi",
    summary = "This document",
    responses((status = 200, body = Object, description = "OpenAPI 3.1"))
)]
async fn document(_: Call) -> Answer {
    static TEXT: LazyLock<String> = LazyLock::new(|| serde_json::to_string(&openapi()).unwrap_or_default());
    Ok(warp::reply::with_header(TEXT.as_str(), CONTENT_TYPE, "application/json").into_response())
}

/// The page's files are named relative to its folder.
async fn redirect(_: Call) -> Answer {
    Ok(warp::redirect::permanent(Uri::from_static("/docs/")).into_response())
}

async fn page(call: Call) -> Answer {
    let config = Arc::new(Config::from(DOCUMENT).persist_authorization(true));
    let file =
        utoipa_swagger_ui::serve(call.parameter(), config).map_err(|error| Problem::internal(error.to_string()))?;
    let file = file.ok_or_else(Problem::route_not_found)?;
    Ok(warp::reply::with_header(file.bytes.into_owned(), CONTENT_TYPE, file.content_type).into_response())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::routes;

    #[test]
    fn the_document_has_the_routes_and_no_others() {
        let document = serde_json::to_value(openapi()).expect("JSON");
        assert_eq!(document["openapi"], "3.1.0");
        let paths = document["paths"].as_object().expect("paths");
        let documented: BTreeSet<_> = paths
            .iter()
            .flat_map(|(path, item)| {
                item.as_object().expect("an item").keys().map(move |m| (m.to_uppercase(), path.clone()))
            })
            .collect();
        // The page that shows the document is no part of the interface.
        let served: BTreeSet<_> = routes()
            .into_iter()
            .filter(|route| !route.template.starts_with("/docs"))
            .map(|route| (route.method.to_owned(), route.template.to_owned()))
            .collect();
        assert_eq!(documented, served);
    }

    #[test]
    fn every_error_is_documented_as_a_problem() {
        let document = serde_json::to_value(openapi()).expect("JSON");
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("an item") {
                for (status, response) in operation["responses"].as_object().expect("responses") {
                    let problem = &response["content"][PROBLEM_JSON]["schema"]["$ref"];
                    assert_eq!(
                        problem == "#/components/schemas/Problem",
                        status.as_str() >= "400",
                        "{method} {path} {status}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let document = serde_json::to_value(openapi()).expect("JSON");
        let mut names = BTreeSet::new();
        for operation in document["paths"]
            .as_object()
            .expect("paths")
            .values()
            .flat_map(|item| item.as_object())
            .flat_map(|item| item.values())
        {
            assert!(names.insert(operation["operationId"].to_string()), "{}", operation["operationId"]);
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = serde_json::to_value(openapi()).expect("JSON");
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().expect("a name");
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
