//! A purchase as a trace: a server that is built with the feature `otel`, and a collector on loopback: `make test-traces`.

#[expect(dead_code, reason = "the suite uses the rest")]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use concert_core::Caller;
use concert_server::telemetry::{LogFormat, Telemetry, TraceOptions};
use concert_server::{App, Limits, serve};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Attribute;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use self::support::{House, PRICE};

/// The caller's trace, and the span in it that calls.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
/// The longest that the server may take to send its last spans.
const LONGEST_END: Duration = Duration::from_secs(10);

type Spans = Arc<Mutex<Vec<Span>>>;

/// Takes what is posted to it, one request a connection.
async fn collect(listener: TcpListener, spans: Spans) {
    while let Ok((connection, _)) = listener.accept().await {
        post(connection, &spans).await;
    }
}

async fn post(mut connection: TcpStream, spans: &Spans) {
    let mut reader = BufReader::new(&mut connection);
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).await.expect("a request");
    assert!(line.starts_with("POST /v1/traces HTTP/1.1"), "{line}");
    while line.trim() != "" {
        line.clear();
        reader.read_line(&mut line).await.expect("a header");
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.expect("a body");
    let posted = ExportTraceServiceRequest::decode(body.as_slice()).expect("is OTLP");
    for of_process in posted.resource_spans {
        spans.lock().await.extend(of_process.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
    connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.expect("is answered");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An attribute, as text.
fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.as_ref()).and_then(|value| value.value.as_ref()) {
        Some(Attribute::StringValue(text)) => text.clone(),
        Some(Attribute::IntValue(number)) => number.to_string(),
        Some(Attribute::DoubleValue(number)) => number.to_string(),
        other => panic!("{name} is {other:?} in {span:?}"),
    }
}

/// Posts as a caller that traces, or says that it does not.
async fn ask(url: &str, token: &str, body: &Value, is_traced: bool) -> Value {
    let request = Client::new().post(url).bearer_auth(token).header("content-type", "application/json");
    let request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-0{}", u8::from(is_traced)));
    let answer = request.body(body.to_string()).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{url}: {answer:?}");
    answer.json().await.expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_is_a_trace_below_the_callers_span() {
    let (listener, spans) = (TcpListener::bind("127.0.0.1:0").await.expect("binds"), Spans::default());
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let collector = tokio::spawn(collect(listener, Arc::clone(&spans)));
    // Nobody is traced but those who ask for it.
    let options = TraceOptions { otlp_endpoint: Some(endpoint), otlp_sample: 0.0 };
    let telemetry = Telemetry::start(LogFormat::Text, "warn".parse().expect("a filter"), &options).expect("starts");

    let house = House::open().await;
    let (concert, user) = (house.concert(2).await, house.user(PRICE).await);
    let token = house.office.issue_token(Caller::verified(user)).await.expect("joins").token.jwt.expect("is signed");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let url = format!("http://{}/api/v1", listener.local_addr().expect("an address"));
    let server =
        tokio::spawn(serve(listener, App::new(house.office.clone()), Limits::default(), CancellationToken::new()));

    let hold = json!({"userId": user, "concertId": concert, "seatNumber": 1});
    let held = ask(&format!("{url}/reservations"), &token, &hold, true).await;
    let payment = json!({"userId": user, "reservationId": held["reservationId"], "amount": PRICE});
    ask(&format!("{url}/payments/process"), &token, &payment, true).await;
    ask(&format!("{url}/reservations"), &token, &json!({"userId": user, "concertId": concert, "seatNumber": 2}), false)
        .await;
    server.abort();
    let begun = Instant::now();
    telemetry.end().await;
    assert!(begun.elapsed() < LONGEST_END, "{:?}", begun.elapsed());
    collector.abort();

    let spans = spans.lock().await;
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE), "{spans:?}");
    assert_eq!(spans.len(), 4, "two requests, a batch of each, and nothing of the third: {spans:?}");
    for (route, lane) in [("/api/v1/reservations", "reservation"), ("/api/v1/payments/process", "payment")] {
        let name = format!("POST {route}");
        let request = spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} in {spans:?}"));
        assert_eq!(hex(&request.parent_span_id), PARENT);
        let said = ["http.route", "http.request.method", "concert.lane"].map(|name| attribute(request, name));
        assert_eq!(said, [route, "POST", lane]);
        assert!(attribute(request, "http.response.status_code").starts_with("20"));
        let batch = spans.iter().find(|span| span.parent_span_id == request.span_id).expect("a batch");
        assert_eq!((batch.name.as_str(), attribute(batch, "concert.lane").as_str()), ("batch", lane));
        assert_eq!(attribute(batch, "concert.commands"), "1");
        assert!(["assumed", "locked"].contains(&attribute(batch, "concert.way").as_str()), "{batch:?}");
        assert!(attribute(batch, "concert.commit_ms").parse::<f64>().expect("a number") > 0.0);
    }
}
