//! Metrics of requests, by API. The names are those of the Java client (`ConnectionMetrics`), prefixed with
//! `fluss.client.`.
//!
//! Where the Java client exports a rate per second, this is a counter: the metrics backend derives the rate. The same
//! numbers are also counted for programs without a recorder ([`RpcStats`]).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fluss_wire::api::{ApiKey, TABLE};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

/// A metric that this library reports to the recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Whether it is a counter, a gauge or a histogram.
    pub kind: MetricKind,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// What it counts, including the unit.
    pub meaning: &'static str,
    /// Whether the Java client also has it, by the part of the name after the last dot.
    pub in_java: bool,
}

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// A value that only increases.
    Counter,
    /// A current value.
    Gauge,
    /// A distribution of values.
    Histogram,
}

const fn metric(name: &'static str, kind: MetricKind, meaning: &'static str) -> Metric {
    Metric {
        name,
        kind,
        labels: &["api_key"],
        meaning,
        in_java: true,
    }
}

/// The metrics of requests.
pub const METRICS: &[Metric] = &[
    metric(
        "fluss.client.requestsPerSecond",
        MetricKind::Counter,
        "requests sent",
    ),
    metric(
        "fluss.client.responsesPerSecond",
        MetricKind::Counter,
        "responses received",
    ),
    metric(
        "fluss.client.bytesOutPerSecond",
        MetricKind::Counter,
        "bytes of requests sent",
    ),
    metric(
        "fluss.client.bytesInPerSecond",
        MetricKind::Counter,
        "bytes of responses received",
    ),
    metric(
        "fluss.client.requestLatencyMs",
        MetricKind::Histogram,
        "milliseconds from a request to its response",
    ),
    metric(
        "fluss.client.requestsInFlight",
        MetricKind::Gauge,
        "requests waiting for their response",
    ),
    Metric {
        name: "fluss.client.unmatchedResponses",
        kind: MetricKind::Counter,
        labels: &[],
        meaning: "responses that no caller was waiting for",
        in_java: false,
    },
];

/// What was sent and received since the pool was created.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RpcStats {
    /// The APIs that were called.
    pub apis: Vec<ApiStats>,
    /// Responses that no caller was waiting for.
    pub unmatched_responses: u64,
    /// Open connections.
    pub open_connections: usize,
}

/// What was sent and received for one API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiStats {
    /// The API.
    pub api: ApiKey,
    /// Requests sent.
    pub requests: u64,
    /// Responses received.
    pub responses: u64,
    /// Bytes of the requests.
    pub bytes_out: u64,
    /// Bytes of the responses.
    pub bytes_in: u64,
    /// Requests in flight.
    pub in_flight: u64,
}

/// Handles to the metrics of all connections of a pool, created when an API is first called and kept.
pub(crate) struct ApiMetrics {
    apis: Box<[OnceLock<Handles>]>,
    unmatched: Counter,
    unmatched_total: AtomicU64,
}

struct Handles {
    api: ApiKey,
    requests: Counter,
    responses: Counter,
    bytes_out: Counter,
    bytes_in: Counter,
    latency: Histogram,
    in_flight: Gauge,
    totals: Totals,
}

#[derive(Default)]
struct Totals {
    requests: AtomicU64,
    responses: AtomicU64,
    bytes_out: AtomicU64,
    bytes_in: AtomicU64,
    in_flight: AtomicU64,
}

fn add(total: &AtomicU64, value: u64) {
    total.fetch_add(value, Ordering::Relaxed);
}

fn get(total: &AtomicU64) -> u64 {
    total.load(Ordering::Relaxed)
}

impl Default for ApiMetrics {
    fn default() -> Self {
        Self {
            apis: TABLE.iter().map(|_| OnceLock::new()).collect(),
            unmatched: counter!("fluss.client.unmatchedResponses"),
            unmatched_total: AtomicU64::new(0),
        }
    }
}

impl ApiMetrics {
    /// Records that a request is sent. It counts as in flight until the returned value is dropped.
    pub(crate) fn sent(&self, api: ApiKey, bytes: usize) -> InFlight<'_> {
        let index = usize::try_from(api.code() - ApiKey::ApiVersions.code()).unwrap_or(usize::MAX);
        let handles = self.apis.get(index);
        let handles = handles.map(|handles| handles.get_or_init(|| Handles::of(api)));
        if let Some(handles) = handles {
            handles.requests.increment(1);
            handles.bytes_out.increment(bytes as u64);
            handles.in_flight.increment(1.0);
            add(&handles.totals.requests, 1);
            add(&handles.totals.bytes_out, bytes as u64);
            add(&handles.totals.in_flight, 1);
        }
        InFlight(handles)
    }

    /// Records an unmatched response.
    pub(crate) fn unmatched(&self) {
        self.unmatched.increment(1);
        add(&self.unmatched_total, 1);
    }

    /// Returns the totals.
    pub(crate) fn stats(&self, open_connections: usize) -> RpcStats {
        let called = self.apis.iter().filter_map(OnceLock::get);
        RpcStats {
            apis: called.map(Handles::stats).collect(),
            unmatched_responses: get(&self.unmatched_total),
            open_connections,
        }
    }
}

impl Handles {
    fn of(api: ApiKey) -> Self {
        let name = api.name();
        Self {
            api,
            requests: counter!("fluss.client.requestsPerSecond", "api_key" => name),
            responses: counter!("fluss.client.responsesPerSecond", "api_key" => name),
            bytes_out: counter!("fluss.client.bytesOutPerSecond", "api_key" => name),
            bytes_in: counter!("fluss.client.bytesInPerSecond", "api_key" => name),
            latency: histogram!("fluss.client.requestLatencyMs", "api_key" => name),
            in_flight: gauge!("fluss.client.requestsInFlight", "api_key" => name),
            totals: Totals::default(),
        }
    }

    fn stats(&self) -> ApiStats {
        let totals = &self.totals;
        ApiStats {
            api: self.api,
            requests: get(&totals.requests),
            responses: get(&totals.responses),
            bytes_out: get(&totals.bytes_out),
            bytes_in: get(&totals.bytes_in),
            in_flight: get(&totals.in_flight),
        }
    }
}

/// A request in flight.
pub(crate) struct InFlight<'a>(Option<&'a Handles>);

impl InFlight<'_> {
    /// Records its response of `bytes` bytes.
    pub(crate) fn answered(&self, latency: Duration, bytes: usize) {
        if let Some(handles) = self.0 {
            handles.responses.increment(1);
            handles.bytes_in.increment(bytes as u64);
            handles.latency.record(latency.as_secs_f64() * 1000.0);
            add(&handles.totals.responses, 1);
            add(&handles.totals.bytes_in, bytes as u64);
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(handles) = self.0 {
            handles.in_flight.decrement(1.0);
            handles.totals.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_without_a_recorder() {
        let metrics = ApiMetrics::default();
        assert_eq!(metrics.stats(0), RpcStats::default());
        let sent = metrics.sent(ApiKey::Lookup, 10);
        let lost = metrics.sent(ApiKey::Lookup, 5);
        sent.answered(Duration::from_millis(1), 7);
        drop(lost);
        metrics.unmatched();
        let stats = metrics.stats(2);
        assert_eq!((stats.unmatched_responses, stats.open_connections), (1, 2));
        let expected = ApiStats {
            api: ApiKey::Lookup,
            requests: 2,
            responses: 1,
            bytes_out: 15,
            bytes_in: 7,
            in_flight: 1,
        };
        assert_eq!(stats.apis, [expected]);
    }
}
