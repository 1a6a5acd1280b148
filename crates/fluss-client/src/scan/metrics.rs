//! The scanner's metrics, under the names of the Java client's `ScannerMetricGroup`.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use fluss_metadata::TablePath;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tokio::time::Instant;

/// Handles that were looked up once.
pub(crate) struct ScannerMetrics {
    time_between_poll: Histogram,
    last_poll: Gauge,
    idle_ratio: Gauge,
    pub(super) fetch_latency: Histogram,
    pub(super) fetch_requests: Counter,
    pub(super) bytes_per_request: Histogram,
    pub(super) remote_requests: Counter,
    pub(super) remote_bytes: Counter,
    pub(super) remote_errors: Counter,
    polls: Mutex<Polls>,
}

#[derive(Default)]
struct Polls {
    last: Option<Instant>,
    idle: Duration,
}

/// Counts the time until it is dropped as idle.
pub(super) struct Idle<'a> {
    metrics: &'a ScannerMetrics,
    since: Instant,
}

impl ScannerMetrics {
    pub(crate) fn new(table: &TablePath) -> Self {
        let labels = [
            ("database", table.database().to_owned()),
            ("table", table.table().to_owned()),
        ];
        Self {
            time_between_poll: histogram!("fluss.client.scanner.timeMsBetweenPoll", &labels),
            last_poll: gauge!("fluss.client.scanner.lastPollSecondsAgo", &labels),
            idle_ratio: gauge!("fluss.client.scanner.pollIdleRatio", &labels),
            fetch_latency: histogram!("fluss.client.scanner.fetchLatencyMs", &labels),
            fetch_requests: counter!("fluss.client.scanner.fetchRequestsPerSecond", &labels),
            bytes_per_request: histogram!("fluss.client.scanner.bytesPerRequest", &labels),
            remote_requests: counter!("fluss.client.scanner.remoteFetchRequestsPerSecond", &labels),
            remote_bytes: counter!("fluss.client.scanner.remoteFetchBytesPerSecond", &labels),
            remote_errors: counter!("fluss.client.scanner.remoteFetchErrorPerSecond", &labels),
            polls: Mutex::default(),
        }
    }

    /// A poll begins.
    pub(super) fn on_poll(&self) {
        let now = Instant::now();
        let mut polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = polls.last.replace(now) {
            let between = now.duration_since(last);
            let idle = std::mem::take(&mut polls.idle);
            drop(polls);
            self.time_between_poll.record(between.as_secs_f64() * 1e3);
            self.last_poll.set(between.as_secs_f64());
            if !between.is_zero() {
                self.idle_ratio
                    .set((idle.as_secs_f64() / between.as_secs_f64()).min(1.0));
            }
        }
    }

    /// A poll has nothing to hand out, and waits.
    pub(super) fn idle(&self) -> Idle<'_> {
        Idle {
            metrics: self,
            since: Instant::now(),
        }
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        let mut polls = self
            .metrics
            .polls
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        polls.idle += self.since.elapsed();
    }
}
