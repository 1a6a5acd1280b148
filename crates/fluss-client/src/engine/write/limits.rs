//! The settings of the write engine.

use std::time::Duration;

/// Requests that may be in flight at once on one connection. The server processes the requests of a connection one after another, so more
/// of them would only grow its queue, while batches that wait here travel together in the next request.
pub(crate) const MAX_REQUESTS_PER_CONNECTION: usize = 16;

/// Settings of the engine, taken from the configuration once.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// How long an open batch that no caller awaits may wait for more rows.
    pub(crate) linger: Duration,
    /// Batches of one bucket that may be in flight at once.
    pub(crate) max_in_flight_per_bucket: usize,
    /// Connections to each server.
    pub(crate) connections_per_server: usize,
    /// Largest request in bytes; one larger batch still goes alone.
    pub(crate) request_max_size: usize,
    /// Retries of a batch.
    pub(crate) retries: u32,
    /// Longest time from the first row of a batch to its end.
    pub(crate) delivery_timeout: Duration,
    /// Longest pause of a bucket after a server reported storage back-pressure.
    pub(crate) max_throttle: Duration,
    /// Whether batches carry writer ids and sequences.
    pub(crate) idempotence: bool,
}
