//! Figures of requests, by API. Names are those of the Java client (`ConnectionMetrics`) behind `fluss.client.`.
//!
//! What the Java client exports as a rate per second is a counter here: whoever collects the figures makes rates of it.

use std::sync::OnceLock;
use std::time::Duration;

use fluss_wire::api::{ApiKey, TABLE};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

/// Handles to the metrics of all connections of a pool, made when an API is first called and kept from then on.
pub(crate) struct ApiMetrics {
    apis: Box<[OnceLock<Handles>]>,
    unmatched: Counter,
}

struct Handles {
    requests: Counter,
    responses: Counter,
    bytes_out: Counter,
    bytes_in: Counter,
    latency: Histogram,
    in_flight: Gauge,
}

impl Default for ApiMetrics {
    fn default() -> Self {
        Self {
            apis: TABLE.iter().map(|_| OnceLock::new()).collect(),
            unmatched: counter!("fluss.client.unmatchedResponses"),
        }
    }
}

impl ApiMetrics {
    /// Records that a request goes out. It counts as under way until what is returned is dropped.
    pub(crate) fn sent(&self, api: ApiKey, bytes: usize) -> InFlight<'_> {
        let index = usize::try_from(api.code() - ApiKey::ApiVersions.code()).unwrap_or(usize::MAX);
        let handles = self.apis.get(index);
        let handles = handles.map(|handles| handles.get_or_init(|| Handles::of(api)));
        if let Some(handles) = handles {
            handles.requests.increment(1);
            handles.bytes_out.increment(bytes as u64);
            handles.in_flight.increment(1.0);
        }
        InFlight(handles)
    }

    /// Records an answer that nobody waited for.
    pub(crate) fn unmatched(&self) {
        self.unmatched.increment(1);
    }
}

impl Handles {
    fn of(api: ApiKey) -> Self {
        let name = api.name();
        Self {
            requests: counter!("fluss.client.requestsPerSecond", "api_key" => name),
            responses: counter!("fluss.client.responsesPerSecond", "api_key" => name),
            bytes_out: counter!("fluss.client.bytesOutPerSecond", "api_key" => name),
            bytes_in: counter!("fluss.client.bytesInPerSecond", "api_key" => name),
            latency: histogram!("fluss.client.requestLatencyMs", "api_key" => name),
            in_flight: gauge!("fluss.client.requestsInFlight", "api_key" => name),
        }
    }
}

/// A request under way.
pub(crate) struct InFlight<'a>(Option<&'a Handles>);

impl InFlight<'_> {
    /// Records its answer of so many bytes.
    pub(crate) fn answered(&self, latency: Duration, bytes: usize) {
        if let Some(handles) = self.0 {
            handles.responses.increment(1);
            handles.bytes_in.increment(bytes as u64);
            handles.latency.record(latency.as_secs_f64() * 1000.0);
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(handles) = self.0 {
            handles.in_flight.decrement(1.0);
        }
    }
}
