//! The write side of a connection.

use std::fmt;
use std::sync::{Arc, Once};
use std::time::Duration;

use fluss_metadata::TableInfo;
use fluss_rpc::Cluster;

use super::appender::Appender;
use super::doorbell::Lifecycle;
use super::format::BatchKind;
use super::sender::Sender;
use super::shared::Shared;
use super::writer_state::WriterState;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::runtime::Drivers;

/// The writers of a connection. When it and all appenders are gone, the sender ends, and what it had not sent is lost.
pub(crate) struct Writers {
    shared: Arc<Shared>,
    /// The first writer starts the sender.
    starts_sender: Once,
}

impl Writers {
    pub(crate) fn new(config: Arc<Config>, drivers: Drivers, cluster: Cluster) -> Self {
        Self {
            shared: Arc::new(Shared::new(config, drivers, cluster)),
            starts_sender: Once::new(),
        }
    }

    /// Returns what was written so far.
    pub(crate) fn stats(&self) -> crate::stats::WriterStats {
        self.shared.metrics.stats(&self.shared.memory)
    }

    /// The write path of a new writer handle.
    pub(crate) fn appender(&self, info: &TableInfo, kind: BatchKind) -> Result<Appender> {
        let shared = &self.shared;
        if shared.doorbell.lifecycle() != Lifecycle::Open {
            return Err(Error::closed("the connection"));
        }
        self.starts_sender.call_once(|| {
            shared.drivers.handle().spawn(Sender::new(shared).run());
        });
        let table = shared.table(info);
        let format = table.format(info, kind);
        Ok(Appender::new(Arc::clone(shared), table, format))
    }

    /// Waits for all batches of all writers. Returns the first failure that neither a `flush` nor the result of a row
    /// has reported.
    async fn finish(&self) -> Result<()> {
        let mut first = Ok(());
        for writer in self.shared.writers() {
            let finished = writer.finish().await;
            first = first.and(finished);
        }
        first
    }

    /// Refuses rows from now on, sends what there is for at most `timeout`, then ends the sender.
    pub(crate) async fn close(&self, timeout: Duration) -> Result<()> {
        self.shared.doorbell.advance(Lifecycle::Closing);
        let writers = self.shared.writers();
        for writer in &writers {
            writer.close();
        }
        let flushed = self.shared.within(timeout, self.finish()).await;
        let closed = flushed.unwrap_or_else(|| {
            Err(WriterState::not_sent(
                writers.iter().map(Arc::as_ref),
                timeout,
            ))
        });
        self.shared.doorbell.advance(Lifecycle::Ended);
        closed
    }
}

impl fmt::Debug for Writers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writers")
            .field("memory", &self.shared.memory)
            .finish_non_exhaustive()
    }
}
