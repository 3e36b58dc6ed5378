//! HTTP: the table of routes, and around it what every request gets.
//!
//! A request passes the edge (id, span, metrics, panics), CORS, the table of routes, and ends in a handler of its domain.

mod auth;
mod body;
mod call;
mod catalog;
mod cors;
mod edge;
mod openapi;
mod ops;
mod payments;
mod problem;
mod reservations;
mod routing;
mod tokens;
mod users;

use concert_core::BoxOffice;
use metrics_exporter_prometheus::PrometheusHandle;

pub use self::cors::CorsOrigin;
pub use self::edge::Router;
pub use self::openapi::openapi;
use self::routing::Endpoint;
pub use self::routing::Route;
use crate::telemetry;

/// What the handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct App {
    box_office: BoxOffice,
    cors: Vec<CorsOrigin>,
    metrics: PrometheusHandle,
}

impl App {
    /// Serves `box_office`, without CORS. The first one installs this process's recorder of metrics.
    #[must_use]
    pub fn new(box_office: BoxOffice) -> Self {
        Self { box_office, cors: Vec::new(), metrics: telemetry::recorder() }
    }

    /// Also lets pages of these origins call.
    #[must_use]
    pub fn with_cors(self, cors: Vec<CorsOrigin>) -> Self {
        Self { cors, ..self }
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

/// The table of routes. The queue comes first, since polls are most of the traffic; a literal path comes before one with
/// a parameter in the same place.
fn endpoints() -> Vec<Endpoint> {
    [
        tokens::endpoints(),
        catalog::endpoints(),
        reservations::endpoints(),
        payments::endpoints(),
        users::endpoints(),
        ops::endpoints(),
        openapi::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
