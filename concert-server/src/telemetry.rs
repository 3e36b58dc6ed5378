//! Logs and metrics.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{IsTerminal as _, stderr};
use std::sync::OnceLock;
use std::time::Duration;

use clap::ValueEnum;
use concert_core::{QueueFigures, SaleFigures, SaleId, SalePhase};
use metrics::{
    Counter, Histogram, Label, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use warp::http::StatusCode;

/// From half a millisecond, a poll, to ten seconds, when clients have given up.
/// The most sales beside the default one whose queues are measured.
const MOST_SALES: usize = 200;
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Up to the most commands that one batch takes.
const COMMANDS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Sends the logs of this process to stderr.
pub fn log_to_stderr(format: LogFormat, filter: EnvFilter) {
    let colours = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_ansi(colours);
    match format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().flatten_event(true).with_span_list(false).init(),
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
        describe();
        handle
    };
    RECORDER.get_or_init(install).clone()
}

fn with_buckets(builder: PrometheusBuilder) -> Result<PrometheusBuilder, BuildError> {
    builder
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_commands".to_owned()), &COMMANDS)
}

fn describe() {
    describe_counter!("concert_http_requests_total", "Requests, by route, method and status");
    describe_histogram!(
        "concert_http_request_seconds",
        Unit::Seconds,
        "Latency of requests until the head of the answer, by route"
    );
    describe_counter!("concert_refusals_total", "Refusals and failures, by code");
    describe_counter!("concert_brakes_total", "Calls that a brake refused with 429, by brake");
    describe_gauge!("concert_connections", "Open connections");
    describe_gauge!("concert_event_streams", "Open event streams");
    describe_counter!(
        "concert_states_readings_total",
        "Times that the states of a concert's seats were read for the cache"
    );
    describe_counter!("concert_plan_readings_total", "Times that the plan of a hall was read for the cache");
    describe_counter!("concert_seats_readings_total", "Times that the seats of a concert were read for the cache");
    describe_counter!("concert_dates_readings_total", "Times that the dates were read for the cache");
    describe_histogram!("concert_batch_commands", "Commands in one transaction, by lane");
    describe_histogram!("concert_batch_seconds", Unit::Seconds, "Time from taking a batch to its commit, by lane");
    describe_counter!("concert_batches_total", "Batches, by lane, way (assumed or locked) and outcome");
    describe_counter!(
        "concert_best_seats_moved_total",
        "Readings of the best seats that found a seat changed before it was locked"
    );
    describe_counter!("concert_retries_total", "Attempts at batches that failed, by lane and reason");
    describe_counter!("concert_overloaded_total", "Commands refused because the lane was full, by lane");
    describe_gauge!("concert_lane_depth", "Commands that wait in this process, by lane");
    describe_gauge!("concert_clock_offset_seconds", "By how much the database's clock is ahead of this machine's");
    describe_gauge!("concert_clock_error_seconds", "By how much the reading of the database's clock may be wrong");
    describe_gauge!(
        "concert_clock_behind_seconds",
        "By how much the clock of this server's database node is behind what another server has written"
    );
    describe_gauge!("concert_database_up", "1 if the database answered the last scrape, else 0");
    describe_gauge!(
        "concert_queue_waiting",
        "WAITING tokens; as all of a queue, by sale, where it is not the default one"
    );
    describe_gauge!("concert_queue_seen", "WAITING tokens that polled, streamed or joined lately");
    describe_gauge!("concert_queue_unseen", "WAITING tokens that did not, and are passed over");
    describe_gauge!("concert_queue_active", "ACTIVE tokens");
    describe_gauge!("concert_queue_max_active", "The cap on ACTIVE tokens");
    describe_gauge!("concert_queue_joined", "Tokens ever issued");
    describe_gauge!("concert_queue_admissions_per_second", "Admissions per second over the last minutes");
    describe_gauge!("concert_queue_paused", "1 while nobody is let in");
    describe_gauge!("concert_queue_per_minute", "The most tokens that are let in per minute");
    describe_gauge!("concert_queue_no_shows", "Turns that were never claimed");
    describe_gauge!("concert_queue_bypassed", "Seats that operators ever held for users past the queue");
    describe_gauge!("concert_queue_departed", "Tokens that ended while they were waiting");
    describe_gauge!("concert_holds", "Seats held unpaid");
    describe_counter!("concert_tokens_expired_total", "Tokens that this process's rerank passes ended");
    describe_counter!("concert_tokens_admitted_total", "Tokens that this process's rerank passes admitted");
    describe_counter!("concert_holds_released_total", "Lapsed holds that this process's sweep passes released");
    describe_counter!("concert_holds_unpaid_total", "Holds that ended unpaid, by how: given_back or lapsed");
    describe_counter!(
        "concert_catch_ups_total",
        "Times that a node of a cluster caught up before something was said not to be there"
    );
    describe_counter!("concert_pass_failures_total", "Periodic passes that failed, by pass");
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
        ("concert_queue_no_shows", figures.no_shows as f64),
        ("concert_queue_bypassed", figures.bypassed as f64),
        ("concert_queue_departed", figures.departed as f64),
        ("concert_queue_joined", figures.joined as f64),
        ("concert_queue_admissions_per_second", figures.admitted_per_second.unwrap_or_default()),
    ];
    for (name, value) in gauges {
        gauge!(name, sale.to_vec()).set(value);
    }
}
