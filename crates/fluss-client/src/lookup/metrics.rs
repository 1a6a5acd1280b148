//! The metrics of lookups. The Java client has none; the names follow its other groups.

use metrics::{Counter, Histogram, counter, histogram};

/// Handles that were looked up once.
pub(super) struct LookupMetrics {
    pub(super) requests: Counter,
    pub(super) retries: Counter,
    pub(super) keys_per_request: Histogram,
    pub(super) latency: Histogram,
}

impl LookupMetrics {
    pub(super) fn new() -> Self {
        Self {
            requests: counter!("fluss.client.lookup.requestsPerSecond"),
            retries: counter!("fluss.client.lookup.retriesPerSecond"),
            keys_per_request: histogram!("fluss.client.lookup.keysPerRequest"),
            latency: histogram!("fluss.client.lookup.lookupLatencyMs"),
        }
    }
}
