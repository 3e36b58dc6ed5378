//! Logs, metrics and, with the feature `otel`, traces.

mod catalogue;
#[cfg(feature = "otel")]
mod collector;
mod options;
#[cfg(not(feature = "otel"))]
#[path = "telemetry/untraced.rs"]
mod traces;
#[cfg(feature = "otel")]
mod traces;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{IsTerminal as _, stderr};
use std::sync::OnceLock;
use std::time::Duration;

use clap::ValueEnum;
use concert_core::{QueueFigures, SaleFigures, SaleId, SalePhase};
use metrics::{Counter, Histogram, Label, counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use warp::http::StatusCode;

pub use self::catalogue::{METRICS, Metric, MetricKind};
pub use self::options::TraceOptions;
pub(crate) use self::traces::TracedRequest;

/// The most sales beside the default one whose queues are measured.
const MOST_SALES: usize = 200;
/// From half a millisecond, a poll, to ten seconds, when clients have given up.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Up to the most commands that one batch takes.
const COMMANDS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Logs and traces of this process, as long as it lives.
#[derive(Debug)]
pub struct Telemetry(Option<traces::Traces>);

impl Telemetry {
    /// Sends the logs of this process to stderr, and traces where `options` say. Takes a tokio runtime.
    ///
    /// # Errors
    /// An endpoint for traces that is none, in words.
    pub fn start(format: LogFormat, filter: EnvFilter, options: &TraceOptions) -> Result<Self, String> {
        let traces = options.otlp_endpoint.as_deref().map(traces::Traces::to).transpose()?;
        let colours = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let lines = tracing_subscriber::fmt::layer().with_writer(stderr).with_ansi(colours);
        let lines = match format {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
        };
        // The filter is for the lines alone: a quiet log makes no thinner traces.
        let lines = lines.with_filter(traces::not_traced(filter));
        tracing_subscriber::registry().with(lines).with(traces.as_ref().map(|traces| traces.layer(options))).init();
        if traces.as_ref().is_some_and(traces::Traces::is_impossible) {
            tracing::warn!("this server was built without the feature otel: --otlp-endpoint does nothing");
        }
        Ok(Self(traces))
    }

    /// Sends the traces that wait, within a bound.
    pub async fn end(self) {
        if let Some(traces) = self.0 {
            traces.end().await;
        }
    }
}

/// An error and its sources, in one line; some repeat their source in their own text.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}

/// This process's metrics: one recorder, however many servers there are.
pub(crate) fn recorder() -> PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    let install = || {
        let recorder = with_buckets(PrometheusBuilder::new()).unwrap_or_default().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("the application has its own recorder of metrics: /metrics stays empty");
        }
        catalogue::describe();
        gauge!("concert_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        handle
    };
    RECORDER.get_or_init(install).clone()
}

fn with_buckets(builder: PrometheusBuilder) -> Result<PrometheusBuilder, BuildError> {
    builder
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_commands".to_owned()), &COMMANDS)
}

/// Where requests of one route, method and status are counted.
struct Finished {
    requests: Counter,
    seconds: Histogram,
}

impl Finished {
    fn new(route: &'static str, method: &'static str, status: StatusCode) -> Self {
        let status = status.as_str().to_owned();
        Self {
            requests: counter!("concert_http_requests_total", "route" => route, "method" => method, "status" => status),
            seconds: histogram!("concert_http_request_seconds", "route" => route),
        }
    }
}

thread_local! {
    /// Cached: looking them up in the recorder would cost a poll as much as checking its signature. Each thread has its
    /// own cache, since a shared one would be written to, as a lock, by every request on every core.
    static FINISHED: RefCell<BTreeMap<(&'static str, &'static str, u16), Finished>> = const { RefCell::new(BTreeMap::new()) };
}

pub(crate) fn request_finished(
    route: &'static str,
    method: &'static str,
    status: StatusCode,
    elapsed: Duration,
    code: Option<&'static str>,
) {
    FINISHED.with_borrow_mut(|finished| {
        let finished =
            finished.entry((route, method, status.as_u16())).or_insert_with(|| Finished::new(route, method, status));
        finished.requests.increment(1);
        finished.seconds.record(elapsed.as_secs_f64());
    });
    if let Some(code) = code {
        counter!("concert_refusals_total", "code" => code).increment(1);
    }
}

/// Counts an event stream while it is open. Its request is measured until its head is sent, as any other.
pub(crate) struct OpenStream(());

impl OpenStream {
    pub(crate) fn new() -> Self {
        gauge!("concert_event_streams").increment(1.0);
        Self(())
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        gauge!("concert_event_streams").decrement(1.0);
    }
}

pub(crate) fn connection_opened() {
    gauge!("concert_connections").increment(1.0);
}

pub(crate) fn connection_closed() {
    gauge!("concert_connections").decrement(1.0);
}

/// What the system says about this process.
pub(crate) fn process() {
    Collector::default().collect();
}

pub(crate) fn lanes(depths: &[(&'static str, usize)]) {
    for (lane, depth) in depths {
        gauge!("concert_lane_depth", "lane" => *lane).set(*depth as f64);
    }
}

/// The figures of the queues and the unpaid holds. `None`: the database did not answer, and the last figures stay.
pub(crate) fn figures(figures: Option<(Vec<SaleFigures>, u64)>) {
    gauge!("concert_database_up").set(f64::from(u8::from(figures.is_some())));
    let Some((sales, holds)) = figures else { return };
    gauge!("concert_holds").set(holds as f64);
    let (default, others): (Vec<_>, Vec<_>) = sales.into_iter().partition(|sale| sale.sale_id == SaleId::DEFAULT);
    for sale in &default {
        queue(&sale.queue, &[]);
    }
    // Each has series of its own, so there are only so many: those where something happens.
    let has_people = |sale: &&SaleFigures| sale.queue.waiting > 0 || sale.queue.active > 0;
    let busy = others.iter().filter(|sale| sale.phase != SalePhase::Closed || has_people(sale));
    for sale in busy.take(MOST_SALES) {
        queue(&sale.queue, &[Label::new("sale", sale.sale_id.to_string())]);
    }
}

/// The figures of one queue. That of the default sale has no label.
fn queue(figures: &QueueFigures, sale: &[Label]) {
    let per_minute = figures.admission.per_minute.map_or(f64::INFINITY, f64::from);
    let gauges = [
        ("concert_queue_waiting", figures.waiting as f64),
        ("concert_queue_seen", figures.seen as f64),
        ("concert_queue_unseen", figures.unseen as f64),
        ("concert_queue_active", f64::from(figures.active)),
        ("concert_queue_max_active", f64::from(figures.admission.max_active)),
        ("concert_queue_paused", f64::from(u8::from(figures.admission.paused))),
        ("concert_queue_per_minute", per_minute),
        ("concert_queue_admissions_per_second", figures.admitted_per_second.unwrap_or_default()),
    ];
    for (name, value) in gauges {
        gauge!(name, sale.to_vec()).set(value);
    }
    let counters = [
        ("concert_queue_joined_total", figures.joined),
        ("concert_queue_no_shows_total", figures.no_shows),
        ("concert_queue_bypassed_total", figures.bypassed),
        ("concert_queue_departed_total", figures.departed),
    ];
    for (name, value) in counters {
        // All servers count it together, in the database; so it is set here and not added to.
        counter!(name, sale.to_vec()).absolute(value);
    }
}
