//! Values of flags that are more than their type.

use std::net::SocketAddr;
use std::time::Duration;

pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| match text.trim_start_matches(':').parse::<u16>() {
        Ok(port) => {
            format!("name the address, too: 127.0.0.1:{port} for this machine alone, 0.0.0.0:{port} for all networks")
        }
        Err(_) => "write an IP address and a port: 127.0.0.1:8080, or [::1]:8080".to_owned(),
    })
}

/// The shortest and the longest period between two passes.
const SHORTEST_PERIOD: Duration = Duration::from_millis(100);
const LONGEST_PERIOD: Duration = Duration::from_secs(24 * 3600);

pub fn period(text: &str) -> Result<Duration, String> {
    let period = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if (SHORTEST_PERIOD..=LONGEST_PERIOD).contains(&period) {
        Ok(period)
    } else {
        Err("must be from 100ms to 1day".to_owned())
    }
}

/// The longest age of the list of seats: with an older one, sales would look frozen.
const LONGEST_SEATS_AGE: Duration = Duration::from_secs(60);

pub fn seats_max_age(text: &str) -> Result<Duration, String> {
    let age = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if age <= LONGEST_SEATS_AGE { Ok(age) } else { Err("must be at most 60s".to_owned()) }
}

pub fn connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=1_000_000).contains(&count) => Ok(count),
        _ => Err("must be from 1 to 1000000".to_owned()),
    }
}
