//! A request as handlers see it: the box office, the parameter, the headers, the query and the body.

use std::ops::Range;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use concert_core::{BoxOffice, Error, IdempotencyKey, QueueTicket, SaleId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use warp::http::header::HeaderName;
use warp::http::{HeaderMap, Method};

use super::App;
use super::accept;
use super::body::{self, BodyStream, parsed_if_there};
use super::events::{PlaceHere, StreamsHere};
use super::head::Head;
use super::problem::Problem;
use crate::brakes::Client;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// One request.
pub(crate) struct Call {
    pub(super) app: Arc<App>,
    head: Arc<Head>,
    /// Where the parameter stands in the path.
    parameter: Range<usize>,
    /// Never locked: whoever reads it has the call alone. It lets calls be shared between threads meanwhile.
    body: Mutex<BodyStream>,
}

impl Call {
    pub(super) fn new(app: Arc<App>, head: Arc<Head>, parameter: Range<usize>, body: BodyStream) -> Self {
        Self { app, head, parameter, body: Mutex::new(body) }
    }

    /// The head, if what is at its path is shown by a browser: a page, or nothing at all that somebody looks for with one.
    /// `is_page`: whether the route is one; `None`: there is no such route.
    pub(super) fn head_of_page(&self, is_page: Option<bool>) -> Option<Arc<Head>> {
        let of_browser = || !self.head.uri.path().starts_with("/api") && accept::names(self.headers(), "text/html");
        is_page.unwrap_or_else(of_browser).then(|| Arc::clone(&self.head))
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    pub(super) fn is_head(&self) -> bool {
        self.head.method == Method::HEAD
    }

    /// Where it comes from; `None`: it is exempt from the brakes.
    pub(super) fn client(&self) -> Option<Client> {
        self.head.of_edge.client
    }

    /// A place for an event stream on the connection, if that carries several requests at once.
    pub(super) fn place_here(&self) -> Result<Option<PlaceHere>, Problem> {
        let enter = |streams: &StreamsHere| streams.enter().ok_or_else(Problem::too_many_streams_here);
        self.head.streams_here.as_ref().map(enter).transpose()
    }

    pub(crate) fn box_office(&self) -> &BoxOffice {
        &self.app.box_office
    }

    /// The path's parameter, as it was sent.
    pub(crate) fn parameter(&self) -> &str {
        self.head.uri.path().get(self.parameter.clone()).unwrap_or_default()
    }

    /// The id in the path.
    pub(crate) fn id<T: FromStr<Err: Into<Error>>>(&self) -> Result<T, Problem> {
        self.parameter().parse().map_err(|error: T::Err| Problem::from(error.into()))
    }

    /// The two parameters of the path, as they were sent.
    pub(super) fn two_parameters(&self) -> (&str, &str) {
        let both = self.parameter();
        (both.split('/').next().unwrap_or_default(), both.rsplit('/').next().unwrap_or_default())
    }

    /// The request's id. The edge gives one to each request that may change something.
    pub(super) fn request_id(&self) -> &str {
        self.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default()
    }

    /// The sale that the query names; the default one where it names none.
    pub(super) fn sale(&self) -> Result<SaleId, Problem> {
        Ok(self.named_sale()?.unwrap_or(SaleId::DEFAULT))
    }

    /// The sale of a queue token, which the query must not contradict.
    pub(super) fn sale_of(&self, ticket: &QueueTicket) -> Result<SaleId, Problem> {
        match self.named_sale()? {
            Some(named) if named != ticket.sale => Err(Problem::invalid(
                "saleId names another sale than the queue token: send the token of that sale, or leave saleId out",
            )),
            _ => Ok(ticket.sale),
        }
    }

    fn named_sale(&self) -> Result<Option<SaleId>, Problem> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct OfSale {
            #[serde(default, deserialize_with = "parsed_if_there")]
            sale_id: Option<SaleId>,
        }
        let OfSale { sale_id } = self.query()?;
        Ok(sale_id)
    }

    /// The query string.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_urlencoded::from_str(self.head.uri.query().unwrap_or_default())
            .map_err(|error| Problem::invalid(format!("the query: {error}")))
    }

    /// The key under which a repeated request is carried out once.
    pub(super) fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, Problem> {
        let mut sent = self.headers().get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = sent.next() else { return Ok(None) };
        // Which of two keys counts would be a guess, and a wrong guess carries something out twice.
        if sent.next().is_some() {
            return Err(Problem::invalid("the Idempotency-Key header was sent more than once"));
        }
        // Text that is not ASCII parses as badly as none.
        Ok(Some(value.to_str().unwrap_or_default().parse()?))
    }

    /// The whole body of a form.
    pub(crate) async fn form_text(&mut self) -> Result<String, Problem> {
        body::form_text(&self.head.headers, self.body.get_mut().unwrap_or_else(PoisonError::into_inner)).await
    }

    /// The body, which must be a JSON object of exactly this form.
    pub(super) async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Problem> {
        body::read(&self.head.headers, self.body.get_mut().unwrap_or_else(PoisonError::into_inner)).await
    }

    /// The same, of up to `largest` bytes.
    pub(super) async fn large_json<T: DeserializeOwned>(&mut self, largest: usize) -> Result<T, Problem> {
        body::read_up_to(largest, &self.head.headers, self.body.get_mut().unwrap_or_else(PoisonError::into_inner)).await
    }
}
