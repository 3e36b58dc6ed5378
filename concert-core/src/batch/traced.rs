//! Spans of batches, for a server that traces some of its requests: the feature `traces`.
//!
//! A command remembers the span of its caller if that is one that is traced. A batch with such a command gets a span
//! below the first of them and follows from the others. All of these spans have the target [`TRACED`], so that a
//! server can tell them from those of its log.

#[cfg(not(feature = "traces"))]
pub(super) use self::off::{CallerSpan, batch, committed, timed};
#[cfg(feature = "traces")]
pub(super) use self::on::{CallerSpan, batch, committed, timed};

/// The target of spans that are traced.
#[cfg(feature = "traces")]
pub const TRACED: &str = "concert::traced";

#[cfg(feature = "traces")]
mod on {
    use std::time::Instant;

    use tracing::Span;
    use tracing::field::Empty;

    use super::TRACED;

    /// The span of a caller, if it is traced.
    pub struct CallerSpan(Option<Span>);

    impl CallerSpan {
        pub fn here() -> Self {
            let span = Span::current();
            Self(span.metadata().is_some_and(|metadata| metadata.target() == TRACED).then_some(span))
        }
    }

    /// The span of a batch; none if no caller is traced. Callers learn the lane.
    pub fn batch<'c>(lane: &'static str, commands: usize, callers: impl Iterator<Item = &'c CallerSpan>) -> Span {
        let mut traced = callers.filter_map(|caller| caller.0.as_ref());
        let Some(first) = traced.next() else { return Span::none() };
        let span = tracing::info_span!(
            target: TRACED, parent: first, "batch",
            concert.lane = lane, concert.commands = commands, concert.way = Empty, concert.commit_ms = Empty,
        );
        first.record("concert.lane", lane);
        for other in traced {
            other.record("concert.lane", lane);
            span.follows_from(other);
        }
        span
    }

    /// Says in the span of the batch which way it went.
    pub fn committed(way: &'static str) {
        Span::current().record("concert.way", way);
    }

    /// Says in the span of the batch how long the round trip with the COMMIT took.
    pub async fn timed<T>(commit: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let done = commit.await;
        Span::current().record("concert.commit_ms", begun.elapsed().as_secs_f64() * 1e3);
        done
    }
}

#[cfg(not(feature = "traces"))]
mod off {
    use tracing::Span;

    pub struct CallerSpan;

    impl CallerSpan {
        pub const fn here() -> Self {
            Self
        }
    }

    pub fn batch<'c>(_lane: &'static str, _commands: usize, _callers: impl Iterator<Item = &'c CallerSpan>) -> Span {
        Span::none()
    }

    pub const fn committed(_way: &'static str) {}

    pub fn timed<T>(commit: impl Future<Output = T>) -> impl Future<Output = T> {
        commit
    }
}
