//! Where traces go, and how many.

use clap::Args;

use super::traces::Traces;

/// Traces for OpenTelemetry.
#[derive(Debug, Clone, Args)]
pub struct TraceOptions {
    /// The OpenTelemetry collector that gets traces, as http://127.0.0.1:4318: OTLP over HTTP, at /v1/traces. None unless
    /// given; takes a server that was built with --features otel
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,

    /// How many of the requests are traced: 1%, or 0.01. At most 100 a second, and beside them at most 10 a second that
    /// come with a traceparent that asks for it
    #[arg(long, env = "CONCERT_OTLP_SAMPLE", default_value = "1%", value_parser = share, value_name = "SHARE")]
    pub otlp_sample: f64,
}

impl TraceOptions {
    /// Refuses an endpoint that is none, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.otlp_endpoint.as_deref().map_or(Ok(()), Traces::check)
    }
}

fn share(text: &str) -> Result<f64, String> {
    let (number, whole) = text.strip_suffix('%').map_or((text, 1.0), |percent| (percent, 100.0));
    let share = number.trim().parse::<f64>().map(|number| number / whole);
    share.ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "must be from 0% to 100%".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_in_percent_or_a_fraction() {
        assert_eq!([share("1%"), share("0.01"), share("100 %"), share("0")], [Ok(0.01), Ok(0.01), Ok(1.0), Ok(0.0)]);
        for text in ["", "%", "101%", "-1%", "1.5", "NaN", "one"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
