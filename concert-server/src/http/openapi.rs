//! The OpenAPI document, generated from the handlers, and the page that shows it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use flate2::Compression;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};
use utoipa_swagger_ui::Config;
use warp::Reply as _;
use warp::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, LOCATION, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use warp::http::{HeaderValue, StatusCode};

use super::call::Call;
use super::problem::{PROBLEM_JSON, Problem, ProblemBody};
use super::representation::Representation;
use super::routing::{Answer, Endpoint, get};
use super::{
    admin, admin_codes, admin_concerts, admin_reads, admin_sales, after_sale, belongings, catalog, events, export,
    halls, history, ops, payments, reservations, sales, tokens, users,
};

const DOCUMENT: &str = "/api-docs/openapi.json";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let endpoints = [get(DOCUMENT, document), get("/docs", redirect), get("/docs/", page), get("/docs/{file}", page)];
    endpoints.map(Endpoint::for_operators).into()
}

/// The OpenAPI 3.1 document of the REST interface.
#[must_use]
pub fn openapi() -> OpenApi {
    Document::openapi()
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "concert", description = "A box office for high-demand concerts."),
    // Relative to the document, so that calls from the page work behind a proxy that adds a prefix.
    servers((url = "..")),
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
        reservations::limits::limits,
        payments::recharge,
        payments::balance,
        payments::pay,
        history::payments,
        history::payment,
        history::entries,
        belongings::orders,
        belongings::order,
        belongings::tickets,
        users::sign_up,
        users::log_in,
        users::log_out,
        users::change_password,
        sales::list,
        sales::look,
        admin_sales::list,
        admin_sales::look,
        admin_sales::add,
        admin_sales::change_sale,
        admin_sales::name_public_value,
        admin_codes::make,
        admin_codes::list,
        admin_codes::revoke,
        admin_concerts::list,
        admin_concerts::add,
        admin_concerts::look,
        admin_concerts::change_concert,
        admin::log,
        admin::recharge,
        halls::block,
        halls::unblock,
        halls::price,
        halls::swap,
        halls::add,
        after_sale::refund,
        after_sale::ticket,
        after_sale::move_ticket,
        after_sale::cancel,
        after_sale::cancellation,
        admin_reads::figures,
        admin_reads::seats,
        admin_reads::explain_token,
        admin_reads::explain_seat,
        admin_reads::explain_seat_of,
        admin_reads::explain_reservation,
        admin_reads::explain_user,
        export::export,
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
            for operation in [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten() {
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
async fn document(call: Call) -> Answer {
    static DOCUMENT: OnceLock<Arc<Representation>> = OnceLock::new();
    let written = || {
        let json = serde_json::to_vec(&openapi()).unwrap_or_default();
        Representation::new("application/json", &json, Compression::best(), None)
    };
    send(DOCUMENT.get_or_init(written), &call)
}

/// The page's files are named relative to its folder, and so is the folder here: a proxy may add a prefix.
async fn redirect(_: Call) -> Answer {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("docs/"));
    Ok(response)
}

/// What the page may load: its own files and this server's interface. It sets styles of elements.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'";
const PAGE_HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, PAGE_POLICY),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

async fn page(call: Call) -> Answer {
    let name = if call.parameter().is_empty() { "index.html" } else { call.parameter() };
    let file = match known_file(name) {
        Some(file) => file,
        None => {
            let name = name.to_owned();
            tokio::task::spawn_blocking(move || read_file(name)).await.map_err(Problem::internal)??
        }
    };
    let mut response = send(&file, &call)?;
    for (name, value) in PAGE_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// An answer that browsers keep, and ask about each time: the files change with the server.
fn send(content: &Representation, call: &Call) -> Answer {
    let mut response = content.answer(&call.headers)?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// The page's files that were asked for, compressed: at most as many as the page has.
static FILES: RwLock<BTreeMap<String, Arc<Representation>>> = RwLock::new(BTreeMap::new());

fn known_file(name: &str) -> Option<Arc<Representation>> {
    FILES.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
}

fn read_file(name: String) -> Result<Arc<Representation>, Problem> {
    let mut files = FILES.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = files.get(&name) {
        return Ok(Arc::clone(file));
    }
    // The document is named relative to the page. Nobody outside is asked whether it is well formed.
    let config = Config::from(format!("..{DOCUMENT}")).persist_authorization(true).validator_url("none");
    let file =
        utoipa_swagger_ui::serve(&name, Arc::new(config)).map_err(|error| Problem::internal(error.to_string()))?;
    let file = file.ok_or_else(Problem::route_not_found)?;
    let content_type =
        CONTENT_TYPES.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, content_type)| content_type);
    let content_type = content_type.copied().unwrap_or("application/octet-stream");
    let file = Representation::new(content_type, &file.bytes, Compression::best(), None);
    Ok(Arc::clone(files.entry(name).or_insert(file)))
}

const CONTENT_TYPES: [(&str, &str); 6] = [
    (".html", "text/html; charset=utf-8"),
    (".css", "text/css; charset=utf-8"),
    (".js", "text/javascript; charset=utf-8"),
    (".map", "application/json"),
    (".json", "application/json"),
    (".png", "image/png"),
];

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
