//! The metrics of lookups. The Java client has none; the names follow its other groups.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{Counter, Histogram, counter, histogram};

use crate::stats::LookupStats;

/// Handles that were looked up once, and what is also counted for those who install no recorder.
pub(crate) struct LookupMetrics {
    requests: Counter,
    retries: Counter,
    keys_per_request: Histogram,
    pub(super) latency: Histogram,
    total_requests: AtomicU64,
    total_keys: AtomicU64,
    total_retries: AtomicU64,
}

impl LookupMetrics {
    pub(crate) fn new() -> Self {
        Self {
            requests: counter!("fluss.client.lookup.requestsPerSecond"),
            retries: counter!("fluss.client.lookup.retriesPerSecond"),
            keys_per_request: histogram!("fluss.client.lookup.keysPerRequest"),
            latency: histogram!("fluss.client.lookup.lookupLatencyMs"),
            total_requests: AtomicU64::new(0),
            total_keys: AtomicU64::new(0),
            total_retries: AtomicU64::new(0),
        }
    }

    /// A request with so many keys goes out.
    pub(super) fn on_request(&self, keys: usize) {
        self.requests.increment(1);
        self.keys_per_request.record(keys as f64);
        self.total_requests.fetch_add(1, Ordering::Relaxed);
        self.total_keys.fetch_add(keys as u64, Ordering::Relaxed);
    }

    /// A lookup is to be repeated.
    pub(super) fn on_retry(&self) {
        self.retries.increment(1);
        self.total_retries.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub(super) fn stats(&self) -> LookupStats {
        LookupStats {
            requests: self.total_requests.load(Ordering::Relaxed),
            keys: self.total_keys.load(Ordering::Relaxed),
            retries: self.total_retries.load(Ordering::Relaxed),
        }
    }
}
