//! What a connection did so far, for those who install no recorder of metrics.

use fluss_rpc::RpcStats;

/// Figures of a connection at one moment; from [`FlussConnection::stats`](crate::FlussConnection::stats). Totals count from the moment
/// the connection was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionStats {
    /// Connections to servers that are open now.
    pub open_connections: usize,
    /// Answers that nobody waited for any more.
    pub unmatched_responses: u64,
    /// Requests by API, those that were sent.
    pub requests: Vec<RequestStats>,
    /// The write side.
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
    /// Answers received.
    pub responses: u64,
    /// Bytes of the requests.
    pub bytes_sent: u64,
    /// Bytes of the answers.
    pub bytes_received: u64,
    /// Requests that wait for their answer now.
    pub in_flight: u64,
}

/// The write side of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriterStats {
    /// Size of the write buffer, in bytes; 0 before the first writer was made.
    pub buffer_total_bytes: usize,
    /// Bytes of it that are free now.
    pub buffer_available_bytes: usize,
    /// Writers that wait for room in it now.
    pub buffer_waiting: usize,
    /// Batches sent, repetitions included.
    pub batches_sent: u64,
    /// Rows in them.
    pub rows_sent: u64,
    /// Bytes of them.
    pub bytes_sent: u64,
    /// Rows that were sent again.
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
    /// Lookups that were repeated.
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

    /// The requests of one API, if any were sent.
    pub fn of_api(&self, api: &str) -> Option<RequestStats> {
        self.requests
            .iter()
            .find(|requests| requests.api == api)
            .copied()
    }
}
