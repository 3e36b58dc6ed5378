//! `/api/v1/admin/concerts/{concertId}/export/{kind}`: lists for the accountants and the doors, streamed.

use bytes::Bytes;
use concert_core::{ConcertId, Error, ExportDocument, ExportFormat, ExportKind, Role};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa::IntoParams;
use warp::Reply as _;
use warp::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName};
use warp::http::{HeaderValue, StatusCode};
use warp::reply::Response;

use super::body::parsed_if_there;
use super::call::Call;
use super::problem::Problem;
use super::routing::{Answer, Endpoint, get};
use super::words;

/// How many parts wait for a client that reads slowly, each of some hundred kilobytes.
const PARTS_AHEAD: usize = 2;
/// What all rows add up to, so that whoever gets a part of them can tell.
const ROWS: HeaderName = HeaderName::from_static("x-export-rows");
const AMOUNT: HeaderName = HeaderName::from_static("x-export-amount");
const REFUNDED: HeaderName = HeaderName::from_static("x-export-refunded");

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![get("/api/v1/admin/concerts/{concertId}/export/{kind}", export)]
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// csv or json.
    #[serde(default, deserialize_with = "parsed_if_there")]
    #[param(value_type = Option<words::ExportFormat>)]
    format: Option<ExportFormat>,
    /// Whether the CSV begins with the mark by which Excel knows that it is UTF-8.
    #[serde(default)]
    bom: bool,
}

#[utoipa::path(
    get, path = "/api/v1/admin/concerts/{concertId}/export/{kind}", tag = "operators", operation_id = "exportConcert",
    summary = "All payments, seats, wallet entries or attendees of a concert, as CSV or JSON",
    description = "Takes the role viewer. Streamed: it shows one moment, however long it takes. X-Export-Rows, \
        X-Export-Amount and X-Export-Refunded say beforehand what all rows add up to; where they do not, the answer is \
        cut off. Moments are in the zone of the venue, with the same in UTC beside them. In CSV (RFC 4180), a text that a \
        spreadsheet would take for a formula has an apostrophe before it.",
    params(
        ("concertId" = uuid::Uuid, Path),
        ("kind" = words::ExportKind, Path),
        ExportQuery,
    ),
    security(("operatorKey" = ["viewer"])),
    responses(
        (status = 200, content((String = "text/csv"), (Vec<Object> = "application/json")), description = "The list", headers(
            ("X-Export-Rows" = i64, description = "How many rows"),
            ("X-Export-Amount" = f64, description = "The sum of the payments, of the prices of sold seats, or of the entries"),
            ("X-Export-Refunded" = f64, description = "The part of it that was refunded"),
        )),
        (status = 400, description = "Not a UUID, no such kind, or the query is not valid"),
        (status = 401, description = "No valid operator key"),
        (status = 403, description = "The role of the operator key does not allow this"),
        (status = 404, description = "No such concert"),
    )
)]
async fn export(mut call: Call) -> Answer {
    let back_office = call.back_office(Role::Viewer).await?;
    let (concert, kind) = call.two_parameters();
    let concert: ConcertId = concert.parse().map_err(Error::from)?;
    let kind: ExportKind = kind.parse().map_err(Error::from)?;
    let ExportQuery { format, bom } = call.query()?;
    let format = match format.unwrap_or(ExportFormat::CSV) {
        ExportFormat::Json if bom => return Err(Problem::invalid("bom is for CSV: JSON has no byte order mark")),
        ExportFormat::Csv { .. } => ExportFormat::Csv { bom },
        format => format,
    };
    let document = back_office.export_document(kind, Some(concert), format).await?;
    let sums = document.expected();
    let mut response = stream_of(document);
    // By kind and id: names of concerts have letters that this header cannot carry.
    let name = format!("attachment; filename=\"{kind}-{concert}.{}\"", format.extension());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::try_from(name).map_err(Problem::internal)?);
    // Names of people, of which no cache is to keep a copy.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ROWS, sums.rows.into());
    for (name, sum) in [(AMOUNT, sums.amount), (REFUNDED, sums.refunded)] {
        headers.insert(name, HeaderValue::try_from(sum.normalize().to_string()).map_err(Problem::internal)?);
    }
    *response.status_mut() = StatusCode::OK;
    Ok(response)
}

/// The document as a body, made by a task of its own: it ends when the client has gone.
fn stream_of(mut document: ExportDocument) -> Response {
    let (to_client, parts) = mpsc::channel(PARTS_AHEAD);
    tokio::spawn(async move {
        loop {
            let part = match document.next_part().await {
                Ok(Some(part)) => Ok(Bytes::from(part)),
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%error, "an export broke off");
                    Err(error)
                }
            };
            let broken = part.is_err();
            // A client that reads slowly fills the channel, which slows the reading of the database down, too.
            if to_client.send(part).await.is_err() || broken {
                return;
            }
        }
    });
    let next = |mut parts: mpsc::Receiver<Result<Bytes, Error>>| async move {
        let part = parts.recv().await?;
        Some((part, parts))
    };
    warp::reply::stream(stream::unfold(parts, next)).into_response()
}
