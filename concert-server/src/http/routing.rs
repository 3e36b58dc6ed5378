//! The table of routes. Dispatch, 404 and 405, the labels of the metrics and the check of the OpenAPI document all read
//! it.

use std::future::{Future, ready};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt as _;
use warp::http::Method;
use warp::http::header::{
    AGE, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::App;
use super::body;
use super::brakes::{Braking, RATE_LIMIT, RATE_LIMIT_POLICY};
use super::call::Call;
use super::catalog::MAX_STALENESS;
use super::head::Head;
use super::paths::{PathId, Paths};
use super::plan::PLAN_VERSION;
use super::problem::Problem;
use crate::brakes::Brake;

/// What a handler answers.
pub(crate) type Answer = Result<Response, Problem>;

type Handler = Arc<dyn Fn(Call) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

/// Where the routes of operators are. Each of them is for operators without saying so.
const ADMIN: &str = "/api/v1/admin";
/// Where their pages are: the operators' own, and that of the gates.
const ADMIN_PAGES: [&str; 2] = ["/admin", "/door"];

/// The headers that requests have beside those that browsers may always send, and the ones of answers that pages may
/// read beside those that they always may. CORS states both; the methods it takes from the table.
pub(super) const REQUEST_HEADERS: [HeaderName; 6] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    IF_MATCH,
    IF_NONE_MATCH,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("x-request-id"),
];
pub(super) const ANSWER_HEADERS: [HeaderName; 11] = [
    AGE,
    ETAG,
    LINK,
    LOCATION,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    MAX_STALENESS,
    PLAN_VERSION,
    RATE_LIMIT,
    RATE_LIMIT_POLICY,
    HeaderName::from_static("x-request-id"),
];

/// A method and a path; one or two segments of the path may be a `{parameter}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The method, in capitals.
    pub method: &'static str,
    /// The path, as the OpenAPI document writes it.
    pub template: &'static str,
    /// For operators: where they have a listener of their own, only that one answers it.
    pub for_operators: bool,
    /// Answered also when there are too many connections.
    pub vital: bool,
}

impl Route {
    fn new(method: &'static str, template: &'static str) -> Self {
        let is_page = ADMIN_PAGES.iter().any(|page| template.starts_with(page));
        Self { method, template, for_operators: is_page || template.starts_with(ADMIN), vital: false }
    }

    /// HEAD is a GET without the body.
    pub(super) fn has_method(&self, method: &Method) -> bool {
        self.method == method.as_str() || (self.method == "GET" && method == Method::HEAD)
    }
}

/// A route and who answers it.
pub(crate) struct Endpoint {
    pub(crate) route: Route,
    braking: Braking,
    handler: Handler,
    /// Whether browsers show its answers, so that its refusals are pages, too.
    is_page: bool,
}

impl Endpoint {
    /// The same, braked by one more brake of the client's address.
    pub(crate) fn braked_by(self, brake: Brake) -> Self {
        Self { braking: Braking::Also(brake), ..self }
    }

    /// The same, never braked.
    pub(super) fn never_braked(self) -> Self {
        Self { braking: Braking::Never, ..self }
    }

    /// A page: its refusals are shown by [`App::showing_problems_by`].
    pub(crate) fn into_page(self) -> Self {
        Self { is_page: true, ..self }
    }

    /// A route for operators.
    pub(super) fn for_operators(mut self) -> Self {
        self.route.for_operators = true;
        self
    }

    /// A route that is answered also when there are too many connections.
    pub(super) fn vital(mut self) -> Self {
        self.route.vital = true;
        self
    }
}

pub(super) fn get<R>(template: &'static str, handler: fn(Call) -> R) -> Endpoint
where
    R: Future<Output = Answer> + Send + 'static,
{
    endpoint("GET", template, handler)
}

pub(super) fn post<R>(template: &'static str, handler: fn(Call) -> R) -> Endpoint
where
    R: Future<Output = Answer> + Send + 'static,
{
    endpoint("POST", template, handler)
}

pub(super) fn patch<R>(template: &'static str, handler: fn(Call) -> R) -> Endpoint
where
    R: Future<Output = Answer> + Send + 'static,
{
    endpoint("PATCH", template, handler)
}

pub(super) fn delete<R>(template: &'static str, handler: fn(Call) -> R) -> Endpoint
where
    R: Future<Output = Answer> + Send + 'static,
{
    endpoint("DELETE", template, handler)
}

/// A route that `handler` answers.
pub(crate) fn endpoint<R>(
    method: &'static str,
    template: &'static str,
    handler: impl Fn(Call) -> R + Send + Sync + 'static,
) -> Endpoint
where
    R: Future<Output = Answer> + Send + 'static,
{
    let handler: Handler = Arc::new(move |call| Box::pin(handler(call)));
    Endpoint { route: Route::new(method, template), braking: Braking::Call, handler, is_page: false }
}

/// All endpoints as one filter: the one of the path's template with the method answers. Without one, 404 or 405. `paths`: of
/// these endpoints, in their order. It takes requests whose head the edge has taken out.
pub(super) fn filter(
    endpoints: Vec<Endpoint>,
    paths: Paths,
    app: &App,
) -> impl Filter<Extract = (Answer,), Error = Rejection, Future: Send> + Clone + use<> {
    // Shared as a whole, since the service that warp makes of the filter is cloned for each request.
    let table = Arc::new((endpoints, paths, Arc::new(app.clone())));
    warp::ext::get::<Arc<Head>>().and(warp::body::stream()).then(move |head: Arc<Head>, body| {
        let (endpoints, paths, app) = &*table;
        let known = paths.routes(head.of_edge.path).iter().map(|nth| &endpoints[*nth]);
        let endpoint = known.clone().find(|endpoint| endpoint.route.has_method(&head.method));
        let parameter = paths.parameter(head.of_edge.path, head.uri.path());
        let names_host = head.names_host;
        let call = Call::new(Arc::clone(app), head, parameter, body::stream(body));
        let shown = app.show_problem.zip(call.head_of_page(endpoint.map(|endpoint| endpoint.is_page)));
        // What no route answers is braked as well: guessing paths is a flood like any other.
        let braked = call.brake(endpoint.map_or(Braking::Call, |endpoint| endpoint.braking));
        let answering = match (braked, endpoint) {
            (Err(braked), _) => Box::pin(ready(Err(braked))),
            (Ok(()), _) if !names_host => {
                Box::pin(ready(Err(Problem::invalid("a request of HTTP/1.1 names its Host once"))))
            }
            (Ok(()), Some(endpoint)) => (endpoint.handler)(call),
            (Ok(()), None) => Box::pin(ready(Err(not_answered(known.map(|endpoint| &endpoint.route))))),
        };
        // Unwind safe: a handler shares nothing but the box office.
        AssertUnwindSafe(answering).catch_unwind().map(move |done| {
            let answer = done.unwrap_or_else(|panic| Err(Problem::internal(panic_text(panic.as_ref()))));
            match (answer, shown) {
                (Err(problem), Some((show, asked))) => Ok(show(&asked.headers, problem)),
                (answer, _) => answer,
            }
        })
    })
}

/// `routes`: those of the path.
fn not_answered<'a>(routes: impl IntoIterator<Item = &'a Route>) -> Problem {
    let mut allowed = Vec::new();
    for route in routes {
        allowed.push(route.method);
        allowed.extend((route.method == "GET").then_some("HEAD"));
    }
    allowed.sort_unstable();
    allowed.dedup();
    if allowed.is_empty() { Problem::route_not_found() } else { Problem::method_not_allowed(&allowed.join(", ")) }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", text.unwrap_or("it did not say why"))
}

/// The label of requests without a route.
const NO_ROUTE: &str = "none";
/// The label of methods that no route has: clients can make up any number of them.
const OTHER_METHOD: &str = "OTHER";

/// The labels of a request: the template that has its path, and its method.
pub(super) fn labels(
    routes: &[Route],
    paths: &Paths,
    method: &Method,
    path: Option<PathId>,
) -> (&'static str, &'static str) {
    let route = paths.routes(path).first().map(|nth| &routes[*nth]);
    let method = match *method {
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        ref other => ["GET", "POST", "PATCH", "DELETE"].into_iter().find(|m| m == other).unwrap_or(OTHER_METHOD),
    };
    (route.map_or(NO_ROUTE, |route| route.template), method)
}

#[cfg(test)]
mod tests {
    use concert_core::texts::Locale;

    use super::*;

    const LOOK: Route =
        Route { method: "GET", template: "/api/v1/tokens/{userId}", for_operators: false, vital: false };

    #[test]
    fn the_last_in_line_tells_a_wrong_method_from_a_wrong_path() {
        let delete = Route { method: "DELETE", ..LOOK };
        let said = not_answered(&[LOOK, delete]).body("r", Locale::default());
        assert!(said.contains("this path answers DELETE, GET, HEAD"), "{said}");
        assert!(not_answered(&[]).body("r", Locale::default()).contains("ROUTE_NOT_FOUND"));
    }

    #[test]
    fn labels_come_from_the_table_alone() {
        let wild = Method::from_bytes(b"BREW").expect("a method");
        let paths = Paths::new(&[LOOK]);
        let labels = |method, path| labels(&[LOOK], &paths, method, paths.find(path));
        assert_eq!(labels(&Method::HEAD, "/api/v1/tokens/7"), (LOOK.template, "HEAD"));
        assert_eq!(labels(&wild, "/nowhere"), (NO_ROUTE, OTHER_METHOD));
    }
}
