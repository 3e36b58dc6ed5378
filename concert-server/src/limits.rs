//! The server's limits.

use std::time::Duration;

/// The limits of a server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most connections at once, event streams included; more are refused with 503, but for health and metrics.
    /// Default 30 000, if the system allows that many open files.
    pub max_connections: usize,
    /// The most connections at once from one address, or from one /64 of IPv6; more are refused with 503. The addresses
    /// of this machine and of trusted proxies are not counted. Default 5 000: mobile networks put thousands of people behind one address.
    pub max_connections_per_address: usize,
    /// The most event streams at once; more are refused with 503, and their clients poll instead. Default 20 000.
    pub max_streams: usize,
    /// How long a connection may take to send the head of a request, or be idle between two requests. Default 75
    /// seconds, which is longer than the pause between polls except at the back of a queue of a million.
    pub idle_timeout: Duration,
    /// How long an answer may wait for a client that does not read before the connection is cut. Default 10 seconds.
    pub write_timeout: Duration,
    /// How old a connection gets, give or take a tenth: then it finishes what it has, and the client opens another,
    /// perhaps to another server. Event streams get as old. Default one hour.
    pub max_connection_age: Duration,
    /// How long requests in flight may take to finish when the server stops. Default 30 seconds.
    pub shutdown_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 30_000,
            max_connections_per_address: 5_000,
            max_streams: 20_000,
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(10),
            max_connection_age: Duration::from_secs(3_600),
            shutdown_deadline: Duration::from_secs(30),
        }
    }
}
