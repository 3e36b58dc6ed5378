//! The edge: what every request gets, whichever handler answers it.
//!
//! An id, a span with it around everything that is logged, a line and a measurement at the end, a body for problems,
//! and an answer even when a handler panics.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use concert_core::texts::{Language, Locale};
use hyper::body::Incoming;
use tower::{ServiceBuilder, ServiceExt as _};
use tower_http::cors::CorsLayer;
use tracing::Instrument as _;
use uuid::Uuid;
use warp::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_LENGTH, VARY, X_CONTENT_TYPE_OPTIONS,
};
use warp::http::{HeaderMap, HeaderValue, Method, Request};
use warp::reply::Response;
use warp::{Filter as _, Reply as _};

use super::call::REQUEST_ID;
use super::head::{Head, OfEdge};
use super::paths::Paths;
use super::problem::{Problem, Refusal, ShownProblem};
use super::routing::{self, Answer, Endpoint, Route};
use super::{App, cors, endpoints};
use crate::brakes::Brakes;
use crate::telemetry::{self, TracedRequest};
use crate::texts::Texts;

/// The longest request id that is taken from a client, in characters.
const LONGEST_REQUEST_ID: usize = 128;

/// Answers requests. Cheap to clone.
#[derive(Clone)]
pub struct Router(Arc<Routing>);

struct Routing {
    routes: Vec<Route>,
    paths: Paths,
    brakes: Brakes,
    cors: Option<CorsLayer>,
    /// What problems are told in, but for the language.
    house: Locale,
    answer: Box<dyn Fn(Request<Incoming>, OfEdge) -> Answering + Send + Sync>,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl Router {
    /// A router for `app` that answers every route.
    #[must_use]
    pub fn new(app: &App) -> Self {
        Self::with_endpoints(endpoints(), app)
    }

    /// The same, which answers `more` as well.
    pub(crate) fn with(more: Vec<Endpoint>, app: &App) -> Self {
        Self::with_endpoints(endpoints().into_iter().chain(more).collect(), app)
    }

    /// A router without the routes for operators, who have a listener of their own.
    pub(crate) fn public(more: Vec<Endpoint>, app: &App) -> Self {
        let all = endpoints().into_iter().chain(more);
        Self::with_endpoints(all.filter(|endpoint| !endpoint.route.for_operators).collect(), app)
    }

    fn with_endpoints(endpoints: Vec<Endpoint>, app: &App) -> Self {
        let routes: Vec<_> = endpoints.iter().map(|endpoint| endpoint.route.clone()).collect();
        let cors = cors::layer(&app.cors, &routes);
        let paths = Paths::new(&routes);
        let answers = routing::filter(endpoints, paths.clone(), app).map(Answer::into_response);
        let (of_pages, service) = (cors.clone(), warp::service(answers));
        let house = Locale::new(Language::default(), app.box_office.policy());
        // A closure over the service, not a boxed service, which would box each clone as well.
        let answer = Box::new(move |request, of_edge| -> Answering {
            let layers = ServiceBuilder::new().option_layer(of_pages.as_ref());
            let layers = layers.map_request(move |request| Head::take(request, of_edge));
            Box::pin(layers.service(service.clone()).oneshot(request))
        });
        Self(Arc::new(Routing { routes, paths, brakes: app.brakes.clone(), cors, house, answer }))
    }

    pub(crate) fn brakes(&self) -> &Brakes {
        &self.0.brakes
    }

    /// Answers one request; it always has an answer. The request is taken apart at once, so the future has no room for it.
    pub fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response> + Send + use<> {
        let seen = self.look_at(&request, peer);
        self.answer_seen(request, seen)
    }

    fn answer_seen(&self, mut request: Request<Incoming>, seen: Seen) -> impl Future<Output = Response> + Send + use<> {
        if request.method() != Method::GET {
            // For the log of operators' acts. What reads is not logged.
            request.headers_mut().insert(REQUEST_ID, seen.id.clone());
        }
        let span = seen.span();
        // Outside of the handler, so that a trace also has what brakes and the table of routes refuse.
        let traced = TracedRequest::begin(seen.route, seen.method, request.headers());
        let traced_span = traced.span();
        let answering = (self.0.answer)(request, seen.of_edge);
        let answer = async move {
            let response = match answering.await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            let (response, code) = seen.finish(response);
            traced.end(response.status(), code);
            response
        };
        answer.instrument(traced_span).instrument(span)
    }

    /// Answers a request on a connection beyond the limit: health as ever, other routes with a refusal.
    pub(crate) async fn answer_at_full_door(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        why: Refusal,
    ) -> Response {
        let seen = self.look_at(&request, peer);
        // Health and metrics are asked for most when the server is full.
        let is_vital = |route: &Route| route.vital && route.has_method(request.method());
        if self.0.paths.routes(seen.of_edge.path).iter().any(|nth| is_vital(&self.0.routes[*nth])) {
            return self.answer_seen(request, seen).await;
        }
        // Pages of other origins are to see the refusal, too.
        let refuse = tower::service_fn(|_: Request<Incoming>| {
            std::future::ready(Ok::<_, Infallible>(Problem::too_many_connections(why).into_response()))
        });
        let response =
            match ServiceBuilder::new().option_layer(self.0.cors.as_ref()).service(refuse).oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
        seen.span().in_scope(move || seen.finish(response).0)
    }

    fn look_at(&self, request: &Request<Incoming>, peer: SocketAddr) -> Seen {
        let path = self.0.paths.find(request.uri().path());
        let (route, method) = routing::labels(&self.0.routes, &self.0.paths, request.method(), path);
        let id = request_id(request.headers());
        let (address, client) = self.0.brakes.client(peer.ip(), request.headers());
        // Kept as they were sent: most requests have no problem, and never need to know.
        let languages = request.headers().get_all(ACCEPT_LANGUAGE).iter().cloned().collect();
        let (begun, house, of_edge) = (Instant::now(), self.0.house, OfEdge { path, client });
        Seen { begun, id, route, method, languages, house, peer, address, of_edge }
    }
}

/// What the edge keeps of a request.
struct Seen {
    begun: Instant,
    id: HeaderValue,
    route: &'static str,
    method: &'static str,
    /// What the client reads, as it said: problems are told in it, and only then is it looked at.
    languages: Vec<HeaderValue>,
    house: Locale,
    peer: SocketAddr,
    /// The client's address, which is not the peer's behind a proxy.
    address: IpAddr,
    of_edge: OfEdge,
}

impl Seen {
    fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    /// At the level of errors, so that no filter parts a line from its request's id.
    fn span(&self) -> tracing::Span {
        tracing::error_span!("request", request_id = self.id())
    }

    /// The response as it is sent, and the code of its problem.
    fn finish(self, mut response: Response) -> (Response, Option<&'static str>) {
        // Handlers do not know the request's id, which every problem has; so its body is written here.
        let mut problem = response.extensions_mut().remove::<Problem>();
        if let Some(problem) = &problem {
            let locale = Locale { language: Texts::language_of(&self.languages), ..self.house };
            *response.body_mut() = problem.body(self.id(), locale).into();
            let headers = response.headers_mut();
            headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(locale.language.tag()));
            // Appended, since CORS may have its own there already.
            headers.append(VARY, HeaderValue::from_static("accept-language"));
        }
        problem = problem.or_else(|| response.extensions_mut().remove::<ShownProblem>().map(|shown| shown.0));
        if let Some(problem) = &problem {
            problem.log();
        }
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // What says nothing about caches is about one user, or about this moment.
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        if self.method == Method::HEAD.as_str() {
            strip_body(&mut response);
        }
        let code = problem.as_ref().map(Problem::code);
        self.report(&response, code);
        response.headers_mut().insert(REQUEST_ID, self.id);
        (response, code)
    }

    fn report(&self, response: &Response, code: Option<&'static str>) {
        let elapsed = self.begun.elapsed();
        telemetry::request_finished(self.route, self.method, response.status(), elapsed, code);
        // Left out where it would repeat the peer.
        let behind_proxy = (self.address != self.peer.ip().to_canonical()).then_some(self.address);
        tracing::info!(
            method = self.method,
            route = self.route,
            status = response.status().as_u16(),
            code,
            ms = elapsed.as_secs_f64() * 1e3,
            peer = %self.peer,
            client = behind_proxy.as_ref().map(tracing::field::display),
            "request finished"
        );
    }
}

/// The client's id for the request if it is fit to be logged, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    // It goes into logs and headers: no blanks, no line ends, and not without a bound.
    let sent = headers.get(REQUEST_ID).filter(|value| {
        (1..=LONGEST_REQUEST_ID).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
    });
    let made = || {
        let mut text = Uuid::encode_buffer();
        let id = Uuid::new_v4().hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("none"))
    };
    sent.cloned().unwrap_or_else(made)
}

/// HEAD promises the length of the body that GET would send.
fn strip_body(response: &mut Response) {
    let body = std::mem::take(response.body_mut());
    if let Some(length) = hyper::body::Body::size_hint(&body).exact() {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use concert_core::{BoxOffice, JwtKeys, Policy, SecretString, SystemClock};
    use hyper::service::service_fn;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto;
    use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::http::call::Call;

    /// An application whose database nobody can reach.
    fn app() -> App {
        let keys = JwtKeys::new(&SecretString::from("s".repeat(32))).expect("long enough");
        let pool = MySqlPoolOptions::new()
            .acquire_timeout(Duration::from_millis(50))
            .connect_lazy_with(MySqlConnectOptions::new().socket("/nowhere").database("none"));
        App::new(BoxOffice::new(pool, Policy::new(keys), Arc::new(SystemClock)).expect("a policy that works"))
    }

    /// Sends one request over a connection and returns all that comes back.
    async fn exchange(router: Router, head: &str) -> String {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let serve = async move {
            let peer = SocketAddr::from(([127, 0, 0, 1], 1));
            let service = service_fn(move |request| {
                let router = router.clone();
                async move { Ok::<_, Infallible>(router.answer(request, peer).await) }
            });
            auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(server), service).await
        };
        let mut answer = String::new();
        let ask = async {
            let request = format!("{head} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
            client.write_all(request.as_bytes()).await.expect("sent");
            client.read_to_string(&mut answer).await.expect("answered");
        };
        let (served, ()) = tokio::join!(serve, ask);
        served.expect("no broken connection");
        answer
    }

    fn id_for(sent: &[u8]) -> HeaderValue {
        let value = HeaderValue::from_bytes(sent).expect("a header's value");
        request_id(&HeaderMap::from_iter([(REQUEST_ID, value)]))
    }

    #[test]
    fn an_id_that_is_fit_to_be_logged_is_kept_and_no_other() {
        assert_eq!(id_for(b"order-7/2"), "order-7/2");
        for sent in [&b""[..], b"two words", "\u{e9}".as_bytes(), &[b'x'; LONGEST_REQUEST_ID + 1]] {
            assert_eq!(id_for(sent).len(), 36, "a new UUID");
        }
    }

    #[tokio::test]
    async fn a_handler_that_panics_answers_a_500_that_says_nothing() {
        async fn faint(_: Call) -> Answer {
            panic!("a secret")
        }
        let router = Router::with_endpoints(vec![routing::get("/faint", faint)], &app());
        let answer = exchange(router, "GET /faint").await;
        assert!(answer.starts_with("HTTP/1.1 500") && answer.contains(r#""code":"INTERNAL""#), "{answer}");
        assert!(answer.contains("x-request-id: ") && !answer.contains("secret"), "{answer}");
    }

    #[tokio::test]
    async fn every_route_of_the_table_has_a_handler_and_no_failure_of_the_database_is_a_500() {
        let router = Router::new(&app());
        for route in crate::http::routes() {
            let path = route.template.replace("{file}", "index.html");
            let answer = exchange(router.clone(), &format!("{} {path}", route.method)).await;
            let status = answer.split(' ').nth(1).expect("a status");
            assert!(["200", "308", "400", "401", "503"].contains(&status), "{route:?}: {answer}");
        }
    }

    #[tokio::test]
    async fn head_is_get_without_the_body() {
        let answer = exchange(Router::new(&app()), "HEAD /health/live").await;
        assert!(answer.contains("content-length: 15\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    }
}
