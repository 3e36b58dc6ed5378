//! For operators: health and metrics.

use std::time::Duration;

use concert_core::Operator;
use serde::Serialize;
use utoipa::ToSchema;
use warp::Reply as _;
use warp::http::StatusCode;
use warp::http::header::CONTENT_TYPE;

use super::body::json;
use super::call::Call;
use super::routing::{Answer, Endpoint, get};
use crate::telemetry;

/// How long a scrape waits for the database before it answers without its figures.
const SCRAPE_PATIENCE: Duration = Duration::from_secs(1);

pub(super) fn endpoints() -> Vec<Endpoint> {
    [get("/health/live", live), get("/health/ready", ready), get("/metrics", metrics)]
        .map(Endpoint::never_braked)
        .into()
}

/// How the server is.
#[derive(Serialize, ToSchema)]
struct HealthBody {
    /// Always `up`.
    #[schema(example = "up")]
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
    responses(
        (status = 200, body = HealthBody, description = "It does"),
        (status = 503, description = "It does not, or has no schema"),
    )
)]
async fn ready(call: Call) -> Answer {
    call.box_office().ping().await?;
    json(StatusCode::OK, &HealthBody { status: "up" })
}

#[utoipa::path(
    get, path = "/metrics", tag = "operations", operation_id = "metrics",
    summary = "Metrics for Prometheus",
    responses((status = 200, body = String, content_type = "text/plain", description = "In the text format"))
)]
async fn metrics(call: Call) -> Answer {
    let back_office = call.box_office().operator(Operator::application());
    let figures = async { tokio::try_join!(back_office.queue_figures(), back_office.held_seats()) };
    telemetry::figures(tokio::time::timeout(SCRAPE_PATIENCE, figures).await.ok().and_then(Result::ok));
    telemetry::lanes(&back_office.lane_depths());
    let text = call.app.metrics().render();
    Ok(warp::reply::with_header(text, CONTENT_TYPE, "text/plain; version=0.0.4").into_response())
}
