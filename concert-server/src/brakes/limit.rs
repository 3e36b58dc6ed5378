//! How much a brake lets through.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use governor::Quota;

/// The most that a limit lets through in its period.
const MOST: u32 = 10_000_000;
/// The shortest and the longest period of a limit.
const SHORTEST_PERIOD: Duration = Duration::from_secs(1);
const LONGEST_PERIOD: Duration = Duration::from_secs(24 * 3_600);

/// So many in a period, all at once or spread over it; what is used comes back evenly. Or no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(Option<(NonZeroU32, Duration)>);

impl Limit {
    /// No limit.
    pub const OFF: Self = Self(None);

    /// `count` in so many seconds; zero of either: no limit.
    #[must_use]
    pub const fn new(count: u32, seconds: u64) -> Self {
        match NonZeroU32::new(count) {
            Some(count) if seconds > 0 => Self(Some((count, Duration::from_secs(seconds)))),
            _ => Self::OFF,
        }
    }

    /// How many, and in which period.
    pub(crate) const fn parts(self) -> Option<(NonZeroU32, Duration)> {
        self.0
    }

    /// As the limiter counts it: a bucket of that many, of which one comes back after each part of the period.
    pub(super) fn quota(self) -> Option<Quota> {
        let (count, period) = self.0?;
        // One comes back every so often, rather than all of them at the end of the period.
        Some(Quota::with_period(period / count.get())?.allow_burst(count))
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::OFF);
        }
        let (count, period) =
            text.split_once('/').ok_or("a limit is off, or of the form 600/1m: so many in that time")?;
        let count = count.parse().ok().filter(|count: &NonZeroU32| count.get() <= MOST);
        let count = count.ok_or_else(|| format!("the number before the / must be from 1 to {MOST}"))?;
        let period = humantime::parse_duration(period).map_err(|error| format!("the time after the /: {error}"))?;
        if !(SHORTEST_PERIOD..=LONGEST_PERIOD).contains(&period) {
            return Err("the time after the / must be from 1s to 1day".to_owned());
        }
        Ok(Self(Some((count, period))))
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((count, period)) => write!(f, "{count}/{}", humantime::format_duration(period)),
            None => f.write_str("off"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_reads_as_it_is_written() {
        for text in ["12000/1m", "30/1s", "1/1day", "off", "10000000/1s"] {
            assert_eq!(text.parse::<Limit>().map(|limit| limit.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("5/90s".parse::<Limit>(), Ok(Limit::new(5, 90)));
    }

    #[test]
    fn what_is_no_limit_is_refused_with_the_form() {
        for text in ["", "30", "30/", "/1s", "0/1s", "-1/1s", "1.5/1s", "10000001/1s", "30/10ms", "30/2days", "on"] {
            let refused = text.parse::<Limit>().expect_err(text);
            assert!(refused.contains('/'), "{text}: {refused}");
        }
    }
}
