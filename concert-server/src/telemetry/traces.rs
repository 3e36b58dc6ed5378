//! Traces of requests and batches, sent to an OpenTelemetry collector. All of it is bounded: how many requests are traced,
//! how many spans wait, how long a collector is waited for.
//!
//! A request that is traced runs in a span of its own, with the target [`TRACED`]; all others cost a draw.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use concert_core::TRACED;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use tracing::field::Empty;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::Filter;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};
use uuid::Uuid;
use warp::http::{HeaderMap, StatusCode};

use super::TraceOptions;
use super::collector::Collector;

/// The most requests that are traced in a second, and the most that are because their traceparent asks for it: anybody
/// can write one.
const MOST_DRAWN: u32 = 100;
const MOST_ASKED_FOR: u32 = 10;
/// The most spans that wait for the collector; further ones are lost.
const MOST_WAITING: usize = 4_096;
/// How often they are sent.
const SEND_EVERY: Duration = Duration::from_secs(2);
/// How long spans that wait may take to be sent when the server ends.
const FLUSH_DEADLINE: Duration = Duration::from_secs(3);

static SAMPLING: OnceLock<Sampling> = OnceLock::new();

/// Sends traces as long as the server runs.
#[derive(Debug)]
pub(super) struct Traces(SdkTracerProvider);

impl Traces {
    /// Traces for the collector at `endpoint`. Takes a tokio runtime.
    pub(super) fn to(endpoint: &str) -> Result<Self, String> {
        let collector = Collector::at(endpoint)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(collector.url())
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(collector)
            .build()
            .map_err(|error| error.to_string())?;
        let batches = BatchConfigBuilder::default().with_max_queue_size(MOST_WAITING).with_scheduled_delay(SEND_EVERY);
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build()).build();
        let resource = Resource::builder().with_service_name("concert-server").build();
        Ok(Self(SdkTracerProvider::builder().with_span_processor(processor).with_resource(resource).build()))
    }

    /// Refuses an endpoint that is none, in words.
    pub(super) fn check(endpoint: &str) -> Result<(), String> {
        Collector::at(endpoint).map(drop)
    }

    /// What takes the spans; from here on requests are traced.
    pub(super) fn layer<S>(&self, options: &TraceOptions) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        let _ = SAMPLING.set(Sampling::new(options.otlp_sample));
        let layer = tracing_opentelemetry::layer().with_tracer(self.0.tracer("concert-server"));
        let layer = layer.with_location(false).with_threads(false).with_level(false).with_tracked_inactivity(false);
        layer.with_filter(filter_fn(|metadata| metadata.is_span() && metadata.target() == TRACED))
    }

    /// Whether this server cannot trace.
    #[expect(clippy::unused_self, reason = "others are asked")]
    pub(super) const fn is_impossible(&self) -> bool {
        false
    }

    /// Sends what waits, within a bound.
    pub(super) async fn end(self) {
        // The exporter's shutdown blocks its thread until the collector has answered.
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(FLUSH_DEADLINE));
        if !matches!(tokio::time::timeout(FLUSH_DEADLINE, ended).await, Ok(Ok(Ok(())))) {
            tracing::warn!("the last traces may not have reached the collector");
        }
    }
}

/// What the log takes: spans that are traced are not in its lines.
pub(super) fn not_traced<S>(filter: EnvFilter) -> impl Filter<S> {
    filter.and(filter_fn(|metadata| metadata.target() != TRACED))
}

/// The span of a request that is traced, or none.
pub(crate) struct TracedRequest(Span);

impl TracedRequest {
    pub(crate) fn begin(route: &'static str, method: &'static str, headers: &HeaderMap) -> Self {
        let Some(sampling) = SAMPLING.get() else { return Self(Span::none()) };
        let asked = headers.contains_key("traceparent").then(|| {
            let context =
                TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
            context.has_active_span().then_some(context)
        });
        let asked = asked.flatten();
        if !sampling.takes(asked.as_ref().map(|context| context.span().span_context().is_sampled())) {
            return Self(Span::none());
        }
        let span = tracing::info_span!(
            target: TRACED, parent: None, "request",
            otel.name = format!("{method} {route}"), otel.kind = "server", otel.status_code = Empty,
            http.request.method = method, http.route = route, http.response.status_code = Empty,
            concert.lane = Empty, concert.code = Empty,
        );
        if let Some(context) = asked {
            // It fails only for a span that has begun already.
            let _ = span.set_parent(context);
        }
        Self(span)
    }

    pub(crate) fn span(&self) -> Span {
        self.0.clone()
    }

    pub(crate) fn end(self, status: StatusCode, code: Option<&'static str>) {
        self.0.record("http.response.status_code", status.as_u16());
        if let Some(code) = code {
            self.0.record("concert.code", code);
        }
        if status.is_server_error() {
            self.0.record("otel.status_code", "ERROR");
        }
    }
}

/// Which requests are traced.
#[derive(Debug)]
struct Sampling {
    share: f64,
    drawn: PerSecond,
    asked_for: PerSecond,
}

impl Sampling {
    fn new(share: f64) -> Self {
        Self { share, drawn: PerSecond::new(MOST_DRAWN), asked_for: PerSecond::new(MOST_ASKED_FOR) }
    }

    /// `asked`: whether the caller traces the request, if it says so.
    fn takes(&self, asked: Option<bool>) -> bool {
        match asked {
            // Somebody upstream has decided against it: a span from here alone would have no parent.
            Some(false) => false,
            Some(true) => self.asked_for.take(Instant::now()),
            None => draw() < self.share && self.drawn.take(Instant::now()),
        }
    }
}

/// A random number from 0 to 1, without 1.
fn draw() -> f64 {
    // The first 48 bits of such an id are random.
    let bits = u64::try_from(Uuid::new_v4().as_u128() >> 80).unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "48 bits fit")]
    let draw = bits as f64 / (1_u64 << 48) as f64;
    draw
}

/// So many in each second.
#[derive(Debug)]
struct PerSecond {
    most: u32,
    /// When the second began, and how many it has had.
    second: Mutex<Option<(Instant, u32)>>,
}

impl PerSecond {
    const fn new(most: u32) -> Self {
        Self { most, second: Mutex::new(None) }
    }

    fn take(&self, now: Instant) -> bool {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        let (begun, taken) =
            second.filter(|(begun, _)| now.duration_since(*begun) < Duration::from_secs(1)).unwrap_or((now, 0));
        *second = Some((begun, (taken + 1).min(self.most)));
        taken < self.most
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::Tracer as _;
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn as_many_are_traced_as_the_share_says_and_no_more_than_a_second_has() {
        let sampling = Sampling::new(0.0);
        assert!((0..1_000).all(|_| !sampling.takes(None)));
        assert_eq!((0..1_000).filter(|_| draw() < 0.5).count() / 200, 2, "about a half");
        assert_eq!((0..50).filter(|_| sampling.takes(Some(true))).count(), MOST_ASKED_FOR as usize);
        assert!(!Sampling::new(1.0).takes(Some(false)), "the caller does not trace it");
        let (per_second, now) = (PerSecond::new(3), Instant::now());
        assert_eq!((0..9).filter(|_| per_second.take(now)).count(), 3);
        assert!(!per_second.take(now + Duration::from_millis(999)) && per_second.take(now + Duration::from_secs(1)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_collector_that_does_not_answer_delays_the_end_by_the_deadline_alone() {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let traces = Traces::to(&format!("http://{}", silent.local_addr().expect("an address"))).expect("is set up");
        drop(traces.0.tracer("test").start("a span"));
        let begun = Instant::now();
        traces.end().await;
        assert!((FLUSH_DEADLINE / 2..FLUSH_DEADLINE * 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }
}
