//! The OpenAPI document, generated from the handlers, and the page that shows it.

mod alternatives;
mod codes;
mod credentials;
mod examples;
mod languages;
mod links;
mod page;
mod problems;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::sync::{Arc, OnceLock};

use flate2::Compression;
use serde_json::Value;
use utoipa::OpenApi as _;
use warp::http::HeaderValue;
use warp::http::header::CACHE_CONTROL;

use super::call::Call;
use super::problem::ProblemBody;
use super::representation::Representation;
use super::routing::{Answer, Endpoint, get};
use super::{
    admin, admin_codes, admin_concerts, admin_reads, admin_sales, after_sale, belongings, catalog, doors, events,
    export, halls, history, ops, payments, plan, reservations, sales, tickets, tokens, users, words,
};

const DOCUMENT: &str = "/api-docs/openapi.json";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let endpoints = [
        get(DOCUMENT, document),
        get("/docs", page::redirect),
        get("/docs/", page::page),
        get("/docs/{file}", page::page),
    ];
    endpoints.map(Endpoint::for_operators).into()
}

/// The OpenAPI 3.1 document of the REST interface.
#[must_use]
pub fn openapi() -> Value {
    let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    credentials::complete(&mut document);
    vocabulary::complete(&mut document);
    alternatives::complete(&mut document);
    problems::complete(&mut document);
    links::complete(&mut document);
    examples::complete(&mut document);
    // After the problems, to which it adds none: any text is fit for it.
    languages::complete(&mut document);
    document
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
        plan::plan,
        plan::state,
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
        tickets::tickets,
        tickets::keys,
        tickets::ticket,
        tickets::qr,
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
        admin::key,
        admin::log,
        admin::recharge,
        halls::block,
        halls::unblock,
        halls::price,
        halls::swap,
        halls::add,
        doors::check_in,
        doors::check_ins,
        doors::void_tickets,
        doors::keys,
        doors::make_key,
        doors::retire_key,
        after_sale::refunds::refund,
        after_sale::tickets::ticket,
        after_sale::tickets::move_ticket,
        after_sale::cancellation::cancel,
        after_sale::cancellation::cancellation,
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
    components(schemas(ProblemBody<'_>, plan::Delta, words::ExportFormat, words::ExportKind))
)]
struct Document;

#[utoipa::path(
    get, path = "/api-docs/openapi.json", tag = "operations", operation_id = "openapi",
    summary = "This document",
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of the answer that the client has")),
    responses(
        (status = 200, body = Object, description = "OpenAPI 3.1"),
        (status = 304, description = "As the client has it"),
    )
)]
async fn document(call: Call) -> Answer {
    static DOCUMENT: OnceLock<Arc<Representation>> = OnceLock::new();
    let written = || {
        let json = serde_json::to_vec(&openapi()).unwrap_or_default();
        Representation::new("application/json", &json, Compression::best(), None)
    };
    send(DOCUMENT.get_or_init(written), &call)
}

/// An answer that browsers keep, and ask about each time: the files change with the server.
fn send(content: &Representation, call: &Call) -> Answer {
    let mut response = content.answer(call.headers())?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Every operation of the document, with its method and its path.
fn operations(document: &mut Value) -> impl Iterator<Item = (&str, &str, &mut Value)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object_mut().into_iter().flatten();
        methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}
