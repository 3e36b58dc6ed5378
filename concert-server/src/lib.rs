//! The REST interface of the box office, as a library: the binary, tests and other programs start the same server.
//!
//! ```no_run
//! use concert_core::{BoxOffice, JwtKeys, Policy, SecretString};
//! use concert_server::{App, Limits, serve};
//! use tokio::net::TcpListener;
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = JwtKeys::new(&SecretString::from("at least thirty-two bytes of secret"))?;
//! let box_office = BoxOffice::connect("mysql://user:password@localhost/concert", Policy::new(keys)).await?;
//! let shutdown = CancellationToken::new();
//! let passes = tokio::spawn({
//!     let (office, shutdown) = (box_office.clone(), shutdown.clone());
//!     async move { office.run(shutdown.cancelled()).await }
//! });
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! serve(listener, App::new(box_office), Limits::default(), shutdown).await;
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//! - `config`: what the binary takes from flags, environment and file; `command`: what it does instead of serving.
//! - `start`: from the configuration to a box office.
//! - `serve`: listeners, the door, connections and how they end; `limits`: how many there may be, and for how long.
//! - `brakes`: how much one address, one user and one name may ask for.
//! - `pages`: what people see in a browser: pages and forms over the same operations.
//! - `http`: the table of routes, what every request gets, and one file per domain.
//! - `texts`: what people read, in English and Korean.
//! - `telemetry`: logs and metrics. `service_manager`: what systemd is told.

mod brakes;
pub mod command;
pub mod config;
mod http;
mod limits;
mod pages;
mod serve;
pub mod service_manager;
pub mod start;
mod switch;
pub mod telemetry;
mod texts;

pub use crate::brakes::{BrakeClock, BrakeOptions, Brakes, Limit, Network};
pub use crate::http::{App, CorsOrigin, KnownProblem, Route, Router, known_problems, openapi, routes};
pub use crate::limits::Limits;
pub use crate::pages::page_routes;
pub use crate::serve::{Listeners, serve};
