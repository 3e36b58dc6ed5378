//! Every metric of the server: its type, its labels, its unit and its meaning. The recorder is described from it, and the
//! metrics catalogue of the handbook is made from it.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// It only goes up, and begins again at 0 with the process, or stays what the database says.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It counts observations in buckets, with their sum.
    Histogram,
}

impl MetricKind {
    /// The type as Prometheus writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric of the server.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: MetricKind,
    /// Its labels, with commas between them; those in brackets are not on every series.
    pub labels: &'static str,
    /// What it is counted in.
    pub unit: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! catalogue {
    ($($kind:ident $name:literal {$labels:literal} $unit:literal: $meaning:literal;)+) => {
        /// Every metric, in the order of the handbook.
        pub const METRICS: &[Metric] = &[$(
            Metric { name: $name, kind: MetricKind::$kind, labels: $labels, unit: $unit, meaning: $meaning },
        )+];
    };
}

catalogue! {
    Gauge "concert_build_info" {"version"} "1": "Always 1; the label says which version runs";
    Counter "concert_http_requests_total" {"route, method, status"} "requests": "Requests that were answered";
    Histogram "concert_http_request_seconds" {"route"} "seconds": "Latency of requests until the head of the answer";
    Counter "concert_refusals_total" {"code"} "answers": "Refusals and failures; the error catalogue has the codes";
    Counter "concert_brakes_total" {"brake"} "calls": "Calls that a brake refused with 429";
    Gauge "concert_connections" {""} "connections": "Open connections";
    Gauge "concert_event_streams" {""} "streams": "Open event streams";
    Counter "concert_seats_readings_total" {""} "readings": "Times that the seats of a concert were read for the cache";
    Counter "concert_dates_readings_total" {""} "readings": "Times that the dates were read for the cache";
    Counter "concert_plan_readings_total" {""} "readings": "Times that the plan of a hall was read for the cache";
    Counter "concert_states_readings_total" {""} "readings": "Times that the states of a concert's seats were read for the cache";
    Histogram "concert_batch_commands" {"lane"} "commands": "Commands in one transaction";
    Histogram "concert_batch_seconds" {"lane"} "seconds": "Time from taking a batch to its commit";
    Counter "concert_batches_total" {"lane, way, outcome"} "batches": "Batches; the way is assumed or locked";
    Counter "concert_retries_total" {"lane, reason"} "attempts": "Attempts at batches that failed and were made again";
    Counter "concert_overloaded_total" {"lane"} "commands": "Commands refused because the lane was full";
    Gauge "concert_lane_depth" {"lane"} "commands": "Commands that wait in this process";
    Counter "concert_best_seats_moved_total" {""} "readings": "Readings of the best seats that found a seat changed before it was locked";
    Gauge "concert_database_up" {""} "1 or 0": "1 if the database answered the last scrape";
    Counter "concert_private_database_deaths_total" {""} "deaths": "Times that the private database ended on its own";
    Counter "concert_catch_ups_total" {""} "times": "Times that a node of a cluster caught up before something was said not to be there";
    Gauge "concert_clock_offset_seconds" {""} "seconds": "By how much the database's clock is ahead of this machine's";
    Gauge "concert_clock_error_seconds" {""} "seconds": "By how much the reading of the database's clock may be wrong";
    Gauge "concert_clock_behind_seconds" {""} "seconds": "By how much the clock of this server's database node is behind what another server has written";
    Gauge "concert_queue_waiting" {"[sale]"} "tokens": "WAITING tokens. Metrics of a queue have the label where the sale is not the default one";
    Gauge "concert_queue_seen" {"[sale]"} "tokens": "WAITING tokens that polled, streamed or joined lately";
    Gauge "concert_queue_unseen" {"[sale]"} "tokens": "WAITING tokens that did not, and are passed over";
    Gauge "concert_queue_active" {"[sale]"} "tokens": "ACTIVE tokens";
    Gauge "concert_queue_max_active" {"[sale]"} "tokens": "The cap on ACTIVE tokens";
    Gauge "concert_queue_paused" {"[sale]"} "1 or 0": "1 while nobody is let in";
    Gauge "concert_queue_per_minute" {"[sale]"} "tokens per minute": "The most tokens that are let in per minute; +Inf: no such limit";
    Gauge "concert_queue_admissions_per_second" {"[sale]"} "tokens per second": "Admissions over the last minutes";
    Counter "concert_queue_joined_total" {"[sale]"} "tokens": "Tokens ever issued, by all servers";
    Counter "concert_queue_no_shows_total" {"[sale]"} "turns": "Turns that were never claimed, by all servers";
    Counter "concert_queue_bypassed_total" {"[sale]"} "seats": "Seats that operators ever held for users past the queue";
    Counter "concert_queue_departed_total" {"[sale]"} "tokens": "Tokens that ended while they were waiting, by all servers";
    Counter "concert_tokens_admitted_total" {""} "tokens": "Tokens that this process's passes admitted";
    Counter "concert_tokens_expired_total" {""} "tokens": "Tokens that this process's passes ended";
    Gauge "concert_holds" {""} "seats": "Seats held unpaid";
    Counter "concert_holds_released_total" {""} "holds": "Lapsed holds that this process's sweep passes released";
    Counter "concert_holds_unpaid_total" {"ended"} "holds": "Holds that ended unpaid: given_back or lapsed";
    Counter "concert_pass_failures_total" {"pass"} "passes": "Periodic passes that failed";
    Counter "process_cpu_seconds_total" {""} "seconds": "Processor time of this process, user and system";
    Gauge "process_resident_memory_bytes" {""} "bytes": "Resident memory";
    Gauge "process_virtual_memory_bytes" {""} "bytes": "Virtual memory";
    Gauge "process_virtual_memory_max_bytes" {""} "bytes": "The most virtual memory that it may have";
    Gauge "process_open_fds" {""} "descriptors": "Open file descriptors";
    Gauge "process_max_fds" {""} "descriptors": "The most file descriptors that it may have";
    Gauge "process_start_time_seconds" {""} "seconds": "When it started, since the Unix epoch";
    Gauge "process_threads" {""} "threads": "Its threads";
}

/// Describes all metrics to the recorder.
pub(super) fn describe() {
    for Metric { name, kind, unit, meaning, .. } in METRICS {
        let unit = match *unit {
            "seconds" => Unit::Seconds,
            "bytes" => Unit::Bytes,
            _ => Unit::Count,
        };
        match kind {
            MetricKind::Counter => describe_counter!(*name, unit, *meaning),
            MetricKind::Gauge => describe_gauge!(*name, unit, *meaning),
            MetricKind::Histogram => describe_histogram!(*name, unit, *meaning),
        }
    }
}
