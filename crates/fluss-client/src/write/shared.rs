//! What appenders share.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use fluss_metadata::{TableId, TableInfo};
use fluss_rpc::Cluster;
use futures::FutureExt;

use super::doorbell::{Doorbell, Lifecycle};
use super::memory::Memory;
use super::metrics::WriterMetrics;
use super::table::{Arrivals, TableWrites};
use super::writer_state::WriterState;
use crate::clock::FAR_AWAY;
use crate::config::Config;
use crate::error::Result;
use crate::runtime::Drivers;

/// What the writers of a connection share. Dropping it ends the sender.
pub(crate) struct Shared {
    pub(super) config: Arc<Config>,
    pub(super) drivers: Drivers,
    pub(super) cluster: Cluster,
    pub(super) memory: Arc<Memory>,
    pub(super) metrics: Arc<WriterMetrics>,
    pub(super) doorbell: Arc<Doorbell>,
    pub(super) arrivals: Arc<Arrivals>,
    tables: Mutex<HashMap<TableId, Arc<TableWrites>>>,
    writers: Mutex<Vec<Weak<WriterState>>>,
}

impl Shared {
    pub(super) fn new(config: Arc<Config>, drivers: Drivers, cluster: Cluster) -> Self {
        Self {
            memory: Memory::new(config.writer_buffer_memory_size),
            config,
            drivers,
            cluster,
            metrics: Arc::default(),
            doorbell: Arc::default(),
            arrivals: Arc::new(Arrivals::new()),
            tables: Mutex::default(),
            writers: Mutex::default(),
        }
    }

    /// The table that a new writer writes to.
    pub(super) fn table(&self, info: &TableInfo) -> Arc<TableWrites> {
        let mut tables = lock(&self.tables);
        // A table that was rescaled since has other buckets. Why another writer failed is found out again.
        let is_current = |table: &&Arc<TableWrites>| {
            table.info().num_buckets() == info.num_buckets() && !table.is_failed()
        };
        if let Some(table) = tables.get(&info.table_id()).filter(is_current) {
            return Arc::clone(table);
        }
        let cluster = self.cluster.clone();
        let table = TableWrites::new(info.clone(), &self.doorbell, &self.arrivals, cluster);
        tables.insert(info.table_id(), Arc::clone(&table));
        table
    }

    pub(super) fn remember(&self, writer: &Arc<WriterState>) {
        let mut writers = lock(&self.writers);
        writers.retain(|writer| writer.strong_count() > 0);
        writers.push(Arc::downgrade(writer));
    }

    pub(super) fn writers(&self) -> Vec<Arc<WriterState>> {
        let writers = lock(&self.writers);
        writers.iter().filter_map(Weak::upgrade).collect()
    }

    /// What `future` returns, unless that takes longer than `timeout`. Without time it is polled once: a timer would take a millisecond.
    pub(super) async fn within(
        &self,
        timeout: Duration,
        future: impl Future<Output = Result<()>>,
    ) -> Option<Result<()>> {
        if timeout.is_zero() {
            return future.now_or_never();
        }
        let sleep = self.sleep(timeout);
        tokio::select! {
            biased;
            output = future => Some(output),
            slept = sleep => slept.err().map(Err),
        }
    }

    /// Waits by the clock of the drivers, on any runtime or none. Returns an error if the connection is closed.
    pub(super) fn sleep(&self, time: Duration) -> impl Future<Output = Result<()>> + Send + use<> {
        let now = tokio::time::Instant::now();
        let ends = now + time.min(FAR_AWAY);
        let sleep = self.cluster.sleep_until(ends);
        async move { Ok(sleep.await?) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.doorbell.advance(Lifecycle::Ended);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
