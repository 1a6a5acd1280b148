//! The settings that the write engine decides by.

use std::time::Duration;

/// Requests that may be on their way at once on one connection. The server works through one connection's requests one after another, so
/// more of them only grow its queue, while ready batches gathered here travel together in the next request.
pub(crate) const MAX_REQUESTS_PER_CONNECTION: usize = 16;

/// Settings of the engine, taken from the configuration once.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// How long an open batch that nobody awaits may wait for more rows.
    pub(crate) linger: Duration,
    /// Batches of one bucket that may be on their way at once.
    pub(crate) max_in_flight_per_bucket: usize,
    /// Largest request in bytes; one larger batch still goes alone.
    pub(crate) request_max_size: usize,
    /// Repetitions of a batch.
    pub(crate) retries: u32,
    /// Longest time from the first row of a batch to its end.
    pub(crate) delivery_timeout: Duration,
    /// How long a bucket rests at most after a server told of storage back-pressure.
    pub(crate) max_throttle: Duration,
    /// Whether batches carry writer ids and sequences.
    pub(crate) idempotence: bool,
}
