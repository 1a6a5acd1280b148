//! What a scanner, its driver and its requests share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_schema::SchemaRef;
use fluss_metadata::TableBucket;
use fluss_rpc::{RetryPolicy, RpcError};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::decode::{BatchReader, LogChunk};
use super::metrics::ScannerMetrics;
use super::projection::Projection;
use crate::context::OpenContext;
use crate::engine::scan::{Answer, OffsetReset, ScanEngine};
use crate::error::{Error, Result};
use crate::remote::RemoteStores;

pub(super) struct Shared {
    pub(super) reader: BatchReader,
    pub(super) remote: Arc<RemoteStores>,
    pub(super) reset: OffsetReset,
    /// The schema of the Arrow batches, for a scanner over these.
    pub(super) schema: Option<SchemaRef>,
    pub(super) engine: Mutex<ScanEngine<LogChunk>>,
    /// Notifies the driver that there may be something to start.
    pub(super) work: Notify,
    /// Notifies a poll that there may be something to take.
    pub(super) data: Notify,
    pub(super) woken: AtomicBool,
    pub(super) metrics: ScannerMetrics,
}

impl Shared {
    pub(super) fn context(&self) -> &OpenContext {
        self.reader.context()
    }

    pub(super) fn projection(&self) -> &Projection {
        self.reader.projection()
    }

    pub(super) fn engine(&self) -> MutexGuard<'_, ScanEngine<LogChunk>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits by the clock of the connection, so that a poll needs none of its caller's. An error says that the
    /// connection is closed.
    pub(super) fn sleep_until(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), RpcError>> + Send + use<> {
        self.context().cluster.sleep_until(deadline)
    }

    pub(super) fn error(&self, error: Error) -> Error {
        error.of_table(self.projection().table().table_path())
    }

    /// When a bucket that failed once more is requested again.
    pub(super) fn next_attempt(&self, bucket: &TableBucket) -> std::time::Instant {
        let failures = self.engine().failures(bucket).saturating_add(1);
        let chance = &self.context().cluster.config().chance;
        (Instant::now() + RetryPolicy::FETCH.random_pause(failures, chance)).into_std()
    }

    /// The answer that lets a bucket pause, longer after each failure in a row.
    pub(super) fn retry(&self, bucket: &TableBucket, error: Error) -> Answer {
        let until = self.next_attempt(bucket);
        Answer::Retry { until, error }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("table", self.projection().table().table_path())
            .finish_non_exhaustive()
    }
}
