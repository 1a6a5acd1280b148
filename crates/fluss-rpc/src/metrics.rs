//! Counters of requests, by API.

use std::sync::OnceLock;
use std::time::Duration;

use fluss_wire::api::{ApiKey, TABLE};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

/// Handles to the metrics of one connection, made when an API is first called.
#[derive(Debug)]
pub(crate) struct ApiMetrics {
    apis: Box<[OnceLock<Handles>]>,
}

pub(crate) struct Handles {
    requests: Counter,
    responses: Counter,
    bytes_out: Counter,
    bytes_in: Counter,
    latency: Histogram,
    in_flight: Gauge,
}

impl std::fmt::Debug for Handles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handles").finish_non_exhaustive()
    }
}

impl Default for ApiMetrics {
    fn default() -> Self {
        Self {
            apis: TABLE.iter().map(|_| OnceLock::new()).collect(),
        }
    }
}

impl ApiMetrics {
    pub(crate) fn of(&self, api: ApiKey) -> ApiRecorder<'_> {
        let index = usize::try_from(api.code() - ApiKey::ApiVersions.code()).unwrap_or(usize::MAX);
        ApiRecorder(
            self.apis
                .get(index)
                .map(|handles| handles.get_or_init(|| Handles::of(api))),
        )
    }
}

impl Handles {
    fn of(api: ApiKey) -> Self {
        let name = api.name();
        Self {
            requests: counter!("fluss_client_requests", "api" => name),
            responses: counter!("fluss_client_responses", "api" => name),
            bytes_out: counter!("fluss_client_bytes_out", "api" => name),
            bytes_in: counter!("fluss_client_bytes_in", "api" => name),
            latency: histogram!("fluss_client_request_latency_ms", "api" => name),
            in_flight: gauge!("fluss_client_requests_in_flight", "api" => name),
        }
    }
}

/// Records what becomes of one request.
pub(crate) struct ApiRecorder<'a>(Option<&'a Handles>);

impl ApiRecorder<'_> {
    pub(crate) fn sent(&self, bytes: usize) {
        if let Some(handles) = self.0 {
            handles.requests.increment(1);
            handles.bytes_out.increment(bytes as u64);
            handles.in_flight.increment(1.0);
        }
    }

    pub(crate) fn answered(&self, latency: Duration, bytes: usize) {
        if let Some(handles) = self.0 {
            handles.responses.increment(1);
            handles.bytes_in.increment(bytes as u64);
            handles.latency.record(latency.as_secs_f64() * 1000.0);
            handles.in_flight.decrement(1.0);
        }
    }
}
