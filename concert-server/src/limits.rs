//! The server's limits.

use std::time::Duration;

/// The limits of a server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most connections at once, event streams included; more are refused with 503. Default 30 000, if the system
    /// allows that many open files.
    pub max_connections: usize,
    /// The most event streams at once; more are refused with 503, and their clients poll instead. Default 20 000.
    pub max_streams: usize,
    /// How long a connection may take to send the head of a request, or be idle between two requests. Default 75
    /// seconds, which is longer than the pause between polls except at the back of a queue of a million.
    pub idle_timeout: Duration,
    /// How long requests in flight may take to finish when the server stops. Default 30 seconds.
    pub shutdown_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 30_000,
            max_streams: 20_000,
            idle_timeout: Duration::from_secs(75),
            shutdown_deadline: Duration::from_secs(30),
        }
    }
}
