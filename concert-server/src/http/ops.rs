//! For operators: health and metrics.

use std::time::Duration;

use concert_core::{Operator, SaleFigures};
use serde::Serialize;
use utoipa::ToSchema;
use warp::Reply as _;
use warp::http::StatusCode;
use warp::http::header::CONTENT_TYPE;

use super::body::json;
use super::call::Call;
use super::fresh::Fresh;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, get};
use super::words;
use crate::telemetry;

/// How long a scrape waits for the database before it answers without its figures.
const SCRAPE_PATIENCE: Duration = Duration::from_secs(1);

pub(super) fn endpoints() -> Vec<Endpoint> {
    let endpoints = [
        get("/health/live", live),
        get("/health/ready", ready).for_operators(),
        get("/metrics", metrics).for_operators(),
    ];
    // A full server is not an ill one: were its probe refused, it would be restarted in the middle of an opening.
    endpoints.map(|endpoint| endpoint.vital().never_braked()).into()
}

/// What is asked again and again about this process: read at most once a second.
#[derive(Default)]
pub(super) struct Vitals {
    ready: Fresh<Result<(), Problem>>,
    /// `None`: the database did not answer in time.
    figures: Fresh<Option<(Vec<SaleFigures>, u64)>>,
}

/// How the server is.
#[derive(Serialize, ToSchema)]
struct HealthBody {
    /// Always `up`.
    #[schema(value_type = words::Up)]
    status: &'static str,
}

#[utoipa::path(
    get, path = "/health/live", tag = "operations", operation_id = "live",
    summary = "Whether the process answers",
    responses((status = 200, body = HealthBody, description = "It does"))
)]
async fn live(_: Call) -> Answer {
    json(StatusCode::OK, &HealthBody { status: "up" })
}

#[utoipa::path(
    get, path = "/health/ready", tag = "operations", operation_id = "ready",
    summary = "Whether the database answers",
    description = "The answer is at most a second old.",
    responses(
        (status = 200, body = HealthBody, description = "It does"),
        (status = 503, description = "It does not, or has no schema"),
    )
)]
async fn ready(call: Call) -> Answer {
    let (app, office) = (&call.app, call.box_office().clone());
    app.vitals.ready.get(async move { Ok(office.ping().await?) }).await?;
    json(StatusCode::OK, &HealthBody { status: "up" })
}

#[utoipa::path(
    get, path = "/metrics", tag = "operations", operation_id = "metrics",
    summary = "Metrics for Prometheus",
    responses((status = 200, body = String, content_type = "text/plain", description = "In the text format"))
)]
async fn metrics(call: Call) -> Answer {
    let back_office = call.box_office().operator(Operator::application());
    let read = async {
        let figures = async { tokio::try_join!(back_office.sale_figures(), back_office.held_seats()) };
        // The other metrics are wanted most when the database does not answer.
        tokio::time::timeout(SCRAPE_PATIENCE, figures).await.ok().and_then(Result::ok)
    };
    telemetry::figures(call.app.vitals.figures.get(read).await);
    telemetry::process();
    telemetry::lanes(&back_office.lane_depths());
    let text = call.app.metrics().render();
    Ok(warp::reply::with_header(text, CONTENT_TYPE, "text/plain; version=0.0.4").into_response())
}
