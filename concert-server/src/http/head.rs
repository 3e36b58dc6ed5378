//! The head of a request, and what the edge knows of it.

use std::sync::Arc;

use hyper::body::Incoming;
use warp::http::header::HOST;
use warp::http::{HeaderMap, Method, Request, Uri, Version};

use super::events::StreamsHere;
use super::paths::PathId;
use crate::brakes::Client;

/// What the edge knows of a request, and hands on with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfEdge {
    /// Which path of the table it has, if any.
    pub(super) path: Option<PathId>,
    /// Where it comes from; `None`: it is exempt from the brakes.
    pub(super) client: Option<Client>,
}

/// The head of a request. Its parts are moved, not copied, and shared.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) of_edge: OfEdge,
    /// Whether it says once which host it is for, as HTTP/1.1 wants it. Other versions say it elsewhere, or not at all.
    pub(super) names_host: bool,
    /// The event streams of the connection, if it carries several requests at once.
    pub(super) streams_here: Option<StreamsHere>,
}

impl Head {
    /// Takes the head out of a request, and leaves it in its extensions, where warp's filters find it. CORS has looked at
    /// the headers by now.
    pub(super) fn take(mut request: Request<Incoming>, of_edge: OfEdge) -> Request<Incoming> {
        let hosts = request.headers().get_all(HOST).iter().count();
        let head = Self {
            names_host: hosts == 1 || request.version() != Version::HTTP_11,
            method: request.method().clone(),
            uri: std::mem::take(request.uri_mut()),
            headers: std::mem::take(request.headers_mut()),
            of_edge,
            streams_here: request.extensions_mut().remove(),
        };
        request.extensions_mut().insert(Arc::new(head));
        request
    }
}
