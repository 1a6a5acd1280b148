//! Totals of a connection, for programs without a metrics recorder.

use fluss_rpc::RpcStats;

/// Statistics of a connection at one moment, returned by [`FlussConnection::stats`](crate::FlussConnection::stats).
/// Totals are counted since the connection was created.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionStats {
    /// Open connections to servers.
    pub open_connections: usize,
    /// Responses that no caller was waiting for.
    pub unmatched_responses: u64,
    /// Requests that were sent, by API.
    pub requests: Vec<RequestStats>,
    /// Writers.
    pub writer: WriterStats,
    /// Lookups.
    pub lookup: LookupStats,
}

/// Requests of one API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestStats {
    /// Name of the API, such as `FETCH_LOG`.
    pub api: &'static str,
    /// Requests sent.
    pub requests: u64,
    /// Responses received.
    pub responses: u64,
    /// Bytes of the requests.
    pub bytes_sent: u64,
    /// Bytes of the responses.
    pub bytes_received: u64,
    /// Requests in flight.
    pub in_flight: u64,
}

/// The writers of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriterStats {
    /// Size of the write buffer, in bytes; 0 until the first writer is created.
    pub buffer_total_bytes: usize,
    /// Free bytes in the write buffer.
    pub buffer_available_bytes: usize,
    /// Writers waiting for room in the write buffer.
    pub buffer_waiting: usize,
    /// Batches sent, including retries.
    pub batches_sent: u64,
    /// Rows in them.
    pub rows_sent: u64,
    /// Bytes of them.
    pub bytes_sent: u64,
    /// Rows sent again by retries.
    pub rows_repeated: u64,
}

/// Lookups of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LookupStats {
    /// Requests sent.
    pub requests: u64,
    /// Keys in them.
    pub keys: u64,
    /// Retries of lookups.
    pub retries: u64,
}

impl ConnectionStats {
    pub(crate) fn new(rpc: &RpcStats, writer: WriterStats, lookup: LookupStats) -> Self {
        let requests = rpc.apis.iter().map(|api| RequestStats {
            api: api.api.name(),
            requests: api.requests,
            responses: api.responses,
            bytes_sent: api.bytes_out,
            bytes_received: api.bytes_in,
            in_flight: api.in_flight,
        });
        Self {
            open_connections: rpc.open_connections,
            unmatched_responses: rpc.unmatched_responses,
            requests: requests.collect(),
            writer,
            lookup,
        }
    }

    /// Returns the requests of one API, if any were sent.
    pub fn of_api(&self, api: &str) -> Option<RequestStats> {
        self.requests
            .iter()
            .find(|requests| requests.api == api)
            .copied()
    }
}
