//! HTTP: the table of routes, and around it what every request gets.
//!
//! A request passes the edge (id, span, metrics, panics), CORS, the table of routes, and ends in a handler of its
//! domain.

mod accept;
mod admin;
mod admin_codes;
mod admin_concerts;
mod admin_reads;
mod admin_sales;
mod after_sale;
mod auth;
mod belongings;
mod board;
mod body;
mod brakes;
mod call;
mod catalog;
mod cors;
mod doors;
mod edge;
mod events;
mod export;
mod fresh;
mod halls;
mod head;
mod history;
mod openapi;
mod ops;
mod paths;
mod payments;
mod plan;
mod problem;
mod representation;
mod reservations;
mod routing;
mod sales;
mod tickets;
mod tokens;
mod users;
mod version;
mod words;

use std::sync::Arc;
use std::time::Duration;

use concert_core::BoxOffice;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use warp::http::HeaderMap;
use warp::reply::Response;

use self::board::Board;
pub(crate) use self::board::MAX_AGE as SEATS_MAX_AGE;
pub(crate) use self::body::json;
pub(crate) use self::call::Call;
pub use self::cors::CorsOrigin;
pub use self::edge::Router;
pub(crate) use self::events::{Streams, StreamsHere};
pub use self::openapi::openapi;
use self::ops::Vitals;
use self::plan::LiveHalls;
pub use self::problem::{KnownProblem, known_problems};
pub(crate) use self::problem::{Problem, Refusal};
pub(crate) use self::representation::{Representation, takes_gzip};
pub use self::routing::Route;
pub(crate) use self::routing::{Answer, Endpoint, endpoint};
use self::sales::Sales;
pub(crate) use self::tickets::svg as ticket_qr;
use crate::brakes::{BrakeClock, BrakeOptions, Brakes};
use crate::limits::Limits;
use crate::telemetry;

/// The application that the handlers serve. Cheap to clone.
#[derive(Clone)]
pub struct App {
    box_office: BoxOffice,
    brakes: Brakes,
    cors: Vec<CorsOrigin>,
    metrics: PrometheusHandle,
    board: Board,
    sales: Arc<Sales>,
    streams: Streams,
    live: LiveHalls,
    vitals: Arc<Vitals>,
    pages: bool,
    show_problem: Option<ShowProblem>,
}

/// Writes the page of a problem, for a browser that sent these headers.
pub(crate) type ShowProblem = fn(&HeaderMap, Problem) -> Response;

impl App {
    /// Serves `box_office`, without CORS. The first one installs this process's recorder of metrics.
    #[must_use]
    pub fn new(box_office: BoxOffice) -> Self {
        Self {
            box_office,
            brakes: Brakes::new(BrakeOptions::default(), &BrakeClock::system()),
            cors: Vec::new(),
            metrics: telemetry::recorder(),
            board: Board::new(SEATS_MAX_AGE),
            sales: Arc::default(),
            streams: Streams::new(Limits::default(), CancellationToken::new()),
            live: LiveHalls::default(),
            vitals: Arc::default(),
            pages: true,
            show_problem: None,
        }
    }

    /// Also lets pages of these origins call.
    #[must_use]
    pub fn with_cors(self, cors: Vec<CorsOrigin>) -> Self {
        Self { cors, ..self }
    }

    /// Sets the brakes. Default: those of [`BrakeOptions`].
    #[must_use]
    pub fn with_brakes(self, brakes: Brakes) -> Self {
        Self { brakes, ..self }
    }

    /// Sets how old the seats in an answer may be. Default half a second. With zero, every request waits for a reading
    /// that begins after it.
    #[must_use]
    pub fn with_seats_max_age(self, max_age: Duration) -> Self {
        Self { board: Board::new(max_age), ..self }
    }

    /// Whether the pages for buyers, gates and operators are served, too. Default: they are.
    #[must_use]
    pub fn with_pages(self, pages: bool) -> Self {
        Self { pages, ..self }
    }

    pub(crate) const fn has_pages(&self) -> bool {
        self.pages
    }

    /// Shows browsers a page in place of a problem: on pages, and where there is nothing.
    pub(crate) fn showing_problems_by(self, show: ShowProblem) -> Self {
        Self { show_problem: Some(show), ..self }
    }

    pub(crate) fn with_streams(self, streams: Streams) -> Self {
        Self { streams, ..self }
    }

    pub(crate) const fn brakes(&self) -> &Brakes {
        &self.brakes
    }

    pub(crate) const fn metrics(&self) -> &PrometheusHandle {
        &self.metrics
    }
}

/// Every route that the server answers.
#[must_use]
pub fn routes() -> Vec<Route> {
    endpoints().into_iter().map(|endpoint| endpoint.route).collect()
}

/// The table of routes. The queue comes first, since polls are most of the traffic; a literal path comes before one
/// with a parameter in the same place.
fn endpoints() -> Vec<Endpoint> {
    [
        tokens::endpoints(),
        events::endpoints(),
        catalog::endpoints(),
        plan::endpoints(),
        sales::endpoints(),
        reservations::endpoints(),
        payments::endpoints(),
        history::endpoints(),
        belongings::endpoints(),
        tickets::endpoints(),
        users::endpoints(),
        admin::endpoints(),
        admin_reads::endpoints(),
        export::endpoints(),
        admin_concerts::endpoints(),
        admin_sales::endpoints(),
        halls::endpoints(),
        admin_codes::endpoints(),
        doors::endpoints(),
        after_sale::endpoints(),
        ops::endpoints(),
        openapi::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
