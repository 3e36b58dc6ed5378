//! Bodies: reads untrusted JSON, and writes ours.

use std::fmt::Display;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use chrono::{DateTime, Datelike as _, SecondsFormat, SubsecRound as _, Utc};
use concert_core::{ConcertStatus, Money, SeatNumber, Timestamp};
use futures_util::{Stream, StreamExt as _};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use warp::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use warp::http::{HeaderMap, HeaderValue, StatusCode};
use warp::reply::Response;

use super::problem::Problem;
use super::routing::Answer;

/// The largest body that is read, in bytes; ours have a few hundred.
const LARGEST_BODY: usize = 16 * 1024;
/// The initial capacity for bodies of ours, in bytes: one with a token has some five hundred.
const USUAL_BODY: usize = 640;
/// How long a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// The media type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// A body as it arrives.
pub(super) type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>;

/// A body as warp hands it over.
pub(super) fn stream<B: Buf>(body: impl Stream<Item = Result<B, warp::Error>> + Send + 'static) -> BodyStream {
    Box::pin(body.map(|chunk| chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining()))))
}

/// Reads a JSON object of exactly the form of `T`.
pub(super) async fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &mut BodyStream) -> Result<T, Problem> {
    read_up_to(LARGEST_BODY, headers, body).await
}

/// The same, of up to `largest` bytes.
pub(super) async fn read_up_to<T: DeserializeOwned>(
    largest: usize,
    headers: &HeaderMap,
    body: &mut BodyStream,
) -> Result<T, Problem> {
    if !headers.get(CONTENT_TYPE).is_none_or(|value| value.to_str().is_ok_and(is_json)) {
        return Err(Problem::unsupported_media_type("JSON in UTF-8: Content-Type: application/json"));
    }
    let text = text(largest, headers, body).await?;
    // serde would take a list of the fields' values, too.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(Problem::invalid("the body is not a JSON object"));
    }
    serde_json::from_str(&text).map_err(|error| Problem::invalid(format!("the body: {error}")))
}

/// Reads the body of a form, as browsers send it.
pub(super) async fn form_text(headers: &HeaderMap, body: &mut BodyStream) -> Result<String, Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM)) || !is_utf8(kind) {
        return Err(Problem::unsupported_media_type("a form: Content-Type: application/x-www-form-urlencoded"));
    }
    text(LARGEST_BODY, headers, body).await
}

async fn text(largest: usize, headers: &HeaderMap, body: &mut BodyStream) -> Result<String, Problem> {
    let is_plain = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        return Err(Problem::unsupported_media_type("sent as it is, without a Content-Encoding"));
    }
    // Before a client that waits for a sign to go on has sent it.
    if announced(headers).is_some_and(|length| length > largest as u64) {
        return Err(Problem::payload_too_large(largest));
    }
    let bytes =
        tokio::time::timeout(BODY_DEADLINE, collect(body, largest)).await.map_err(|_| Problem::body_too_slow())??;
    String::from_utf8(bytes.into()).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        Problem::invalid(format!("the body is not UTF-8: byte {good} is not part of a character"))
    })
}

/// The length of the body that the client is about to send, if it says so.
fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

async fn collect(body: &mut BodyStream, largest: usize) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Problem::invalid("the body ended early"))?;
        // Once more, since a body in chunks announces no length.
        if bytes.len() + chunk.len() > largest {
            return Err(Problem::payload_too_large(largest));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    is_json && is_utf8(content_type)
}

/// Whether a media type names no charset, or this one, of which ASCII is a part.
fn is_utf8(content_type: &str) -> bool {
    let charset = |parameter: &str| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    };
    content_type
        .split(';')
        .skip(1)
        .filter_map(charset)
        .all(|charset| ["utf-8", "utf8", "us-ascii"].contains(&&*charset))
}

/// For fields that the library parses from text: ids and names.
pub(super) fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// The status of a concert for buyers: said where it was called off, and taken for granted otherwise.
pub(super) fn called_off(status: ConcertStatus) -> Option<&'static str> {
    (status == ConcertStatus::Cancelled).then(|| status.as_str())
}

/// The same, for what may be left out, though not null.
pub(super) fn parsed_if_there<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    parsed(deserializer).map(Some)
}

/// For anything that may be left out, though not null.
pub(super) fn if_there<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// For a field of a change, where null takes a bound away and what is left out stays as it is.
pub(super) fn change<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// An instant as clients write it: RFC 3339, in whichever zone.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2027-03-05T20:00:00+09:00")]
pub(super) struct Instant(pub(super) Timestamp);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = DateTime::parse_from_rfc3339(&text)
            .map_err(|_| D::Error::custom(format!("{text:?} is no instant like 2027-03-05T20:00:00+09:00")))?;
        let parsed = parsed.with_timezone(&Utc).trunc_subsecs(6);
        let fits = (1..=9_998).contains(&parsed.year());
        if fits { Ok(Self(parsed)) } else { Err(D::Error::custom("an instant is of the years 1 to 9998")) }
    }
}

/// For an object that may be left out, though not null.
pub(super) fn object_if_there<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    // serde would take a list of the fields' values, too.
    if !raw.get().starts_with('{') {
        return Err(D::Error::custom("it is not a JSON object"));
    }
    serde_json::from_str(raw.get()).map(Some).map_err(D::Error::custom)
}

/// For the number of a seat, which may be left out.
pub(super) fn seat_if_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SeatNumber>, D::Error> {
    SeatNumber::new(i64::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
}

/// For the numbers of seats, which may be left out.
pub(super) fn seats_if_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<SeatNumber>>, D::Error> {
    let numbers = Vec::<i64>::deserialize(deserializer)?.into_iter().map(SeatNumber::new);
    numbers.collect::<Result<_, _>>().map(Some).map_err(D::Error::custom)
}

/// For amounts: a JSON number, read digit by digit and never through a float.
pub(super) fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    if !raw.get().starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Err(D::Error::custom("an amount is a JSON number"));
    }
    raw.get().parse().map_err(D::Error::custom)
}

/// A moment as RFC 3339 in UTC, with microseconds.
#[derive(ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-12-24T20:00:00.000000Z")]
pub(super) struct Moment(pub(super) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

/// Answers with a JSON body.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let mut text = Vec::with_capacity(USUAL_BODY);
    serde_json::to_writer(&mut text, body).map_err(Problem::internal)?;
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Answers 201: what was made is at `location`.
pub(super) fn created(location: &str, body: &impl Serialize) -> Answer {
    let mut response = json(StatusCode::CREATED, body)?;
    let location = HeaderValue::try_from(location).map_err(Problem::internal)?;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use concert_core::texts::Locale;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sent {
        #[serde(deserialize_with = "amount")]
        amount: Money,
    }

    fn body(text: impl Into<Bytes>) -> BodyStream {
        Box::pin(futures_util::stream::iter([Ok(text.into())]))
    }

    async fn read_text(text: &'static str) -> Result<Sent, Problem> {
        read(&HeaderMap::new(), &mut body(text)).await
    }

    #[tokio::test]
    async fn an_amount_is_read_to_the_last_digit() {
        let sent = read_text(r#" {"amount": 99999999.99} "#).await.expect("an amount");
        assert_eq!(sent.amount, Money::MAX);
    }

    #[tokio::test]
    async fn what_is_no_such_object_is_refused_with_a_reason() {
        let cases = [
            ("", "not a JSON object"),
            ("[100]", "not a JSON object"),
            ("null", "not a JSON object"),
            ("{", "EOF"),
            (r#"{"amount": 1} x"#, "trailing characters"),
            (r#"{"amount": 1, "amount": 2}"#, "duplicate field"),
            (r#"{"amount": 1, "more": 2}"#, "unknown field"),
            ("{}", "missing field"),
            (r#"{"amount": "1"}"#, "a JSON number"),
            (r#"{"amount": null}"#, "a JSON number"),
            (r#"{"amount": [[[[[[1]]]]]]}"#, "a JSON number"),
            (r#"{"amount": 100000000000000000000000000000.01}"#, "an amount"),
            (r#"{"amount": 1e400}"#, "an amount"),
            (r#"{"amount": 0.001}"#, "two decimal places"),
            (r#"{"amount": -1}"#, "not negative"),
            (r#"{"amount": 01}"#, "line 1"),
        ];
        for (text, reason) in cases {
            let said = read_text(text).await.expect_err(text).body("r", Locale::default());
            assert!(said.contains(reason) && said.contains("INVALID_REQUEST"), "{text}: {said}");
        }
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_and_bodies_that_are_too_long_are_refused() {
        let bad = read::<Sent>(&HeaderMap::new(), &mut body(&b"{\"amount\": \xff}"[..])).await.expect_err("not UTF-8");
        assert!(bad.body("r", Locale::default()).contains("not UTF-8: byte 11"), "{bad:?}");
        let long = format!("{{\"amount\": 1{}}}", " ".repeat(LARGEST_BODY));
        let long = read::<Sent>(&HeaderMap::new(), &mut body(long)).await.expect_err("too long");
        assert_eq!(long.code(), "PAYLOAD_TOO_LARGE");
    }

    #[test]
    fn json_has_several_names() {
        for name in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
            assert!(is_json(name), "{name}");
        }
        for name in ["text/plain", "", "application/jsonp", "application/x-www-form-urlencoded"] {
            assert!(!is_json(name), "{name}");
        }
    }
}
