//! Writing, driven: the open batches that rows go into, and the task that sends them.
//!
//! ```text
//! append(&row) ──► slot (one lock): open batch ──full──► closed ─┐
//!                                                                ├─► sender task: engine decides ─► seal ─► request ─► answer
//!                   linger, awaited result, flush ───────────────┘                                              │
//!                   WriteResultFuture, flush ◄────────────── completion of the batch ◄───────────────────────────┘
//! ```
//!
//! Rows are encoded at once into the open batch of their bucket. All that is not yet acknowledged counts against one
//! bound on memory ([`memory`]). What is sent where and when is decided by [`crate::engine::write`]; the sender
//! ([`sender`]) only carries it out.

mod appender;
mod arrow_batch;
mod batch;
mod completion;
mod encoder;
mod format;
mod inbox;
mod member;
mod memory;
pub(crate) mod metrics;
mod partition;
#[cfg(test)]
mod partition_tests;
mod rebucket;
mod request;
#[cfg(test)]
mod rescaled_tests;
mod route;
mod sender;
mod slot;
#[cfg(test)]
mod statistics_tests;
mod table;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod view_tests;

pub(crate) use appender::{Appender, Target};
pub(crate) use arrow_batch::{Piece, pieces};
pub(crate) use completion::{Completion, NOT_WAITING, Outcome, RowPlace, Written, WrittenOffset};
pub(crate) use format::BatchKind;
pub use format::MergeMode;
pub(crate) use route::RowRoute;
pub(crate) use table::TableWrites;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use fluss_metadata::{TableId, TableInfo};
use fluss_rpc::Cluster;
use futures::FutureExt;

use crate::clock::{FAR_AWAY, now};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::runtime::Drivers;
use inbox::Inbox;
use member::Member;
use memory::Memory;
use metrics::WriterMetrics;
use sender::Sender;

/// The writers of a connection. Cheap to clone; when the last clone is gone, the sender ends, and what it had not
/// sent is lost.
#[derive(Clone)]
pub(crate) struct Writers {
    shared: Arc<Shared>,
    _ends_sender: Arc<EndsSender>,
}

/// What appenders and the sender share.
pub(crate) struct Shared {
    config: Arc<Config>,
    drivers: Drivers,
    memory: Arc<Memory>,
    metrics: Arc<WriterMetrics>,
    inbox: Arc<Inbox>,
    state: Mutex<State>,
}

struct State {
    tables: HashMap<TableId, Arc<TableWrites>>,
    members: Vec<Weak<Member>>,
    cluster: Cluster,
    /// Whether the first writer has started the sender.
    is_started: bool,
    is_closed: bool,
}

struct EndsSender(Arc<Inbox>);

impl Drop for EndsSender {
    fn drop(&mut self) {
        self.0.shut_down();
    }
}

impl Writers {
    /// What was written so far.
    pub(crate) fn stats(&self) -> crate::stats::WriterStats {
        self.shared.metrics.stats(&self.shared.memory)
    }

    pub(crate) fn new(config: Arc<Config>, drivers: Drivers, cluster: Cluster) -> Self {
        let memory = Memory::new(config.writer_buffer_memory_size);
        let inbox = Arc::new(Inbox::new());
        let ends_sender = Arc::new(EndsSender(Arc::clone(&inbox)));
        let state = Mutex::new(State {
            tables: HashMap::new(),
            members: Vec::new(),
            cluster,
            is_started: false,
            is_closed: false,
        });
        Self {
            shared: Arc::new(Shared {
                config,
                drivers,
                memory,
                metrics: Arc::default(),
                inbox,
                state,
            }),
            _ends_sender: ends_sender,
        }
    }

    /// The write path of a new writer handle.
    pub(crate) fn appender(&self, info: &TableInfo, kind: BatchKind) -> Result<Appender> {
        let table = {
            let mut state = self.shared.state();
            if state.is_closed {
                return Err(Error::closed("the connection"));
            }
            if !std::mem::replace(&mut state.is_started, true) {
                let sender = Sender::new(
                    &self.shared.config,
                    state.cluster.clone(),
                    Arc::clone(&self.shared.memory),
                    Arc::clone(&self.shared.metrics),
                    Arc::clone(&self.shared.inbox),
                );
                self.shared.drivers.handle().spawn(sender.run());
            }
            let known = state.tables.get(&info.table_id());
            // A table that was rescaled since has other buckets. Why another writer failed is asked anew.
            let known = known.filter(|table| {
                table.info().num_buckets() == info.num_buckets() && !table.is_failed()
            });
            if let Some(table) = known {
                Arc::clone(table)
            } else {
                let inbox = Arc::clone(&self.shared.inbox);
                let table = TableWrites::new(info.clone(), inbox, state.cluster.clone());
                state.tables.insert(info.table_id(), Arc::clone(&table));
                table
            }
        };
        let format = table.format(info, kind);
        Ok(Appender::new(Arc::clone(&self.shared), table, format))
    }

    /// Waits for all batches of all writers; the first failure that neither a `flush` nor the result of a row has
    /// told of.
    async fn finish(&self) -> Result<()> {
        let mut first = Ok(());
        for member in self.shared.members() {
            let finished = appender::finish(&member).await;
            first = first.and(finished);
        }
        first
    }

    /// Refuses rows from now on, sends what there is for at most `timeout`, then ends the sender.
    pub(crate) async fn close(&self, timeout: Duration) -> Result<()> {
        self.shared.state().is_closed = true;
        let members = self.shared.members();
        for member in &members {
            member.close();
        }
        let flushed = self.shared.within(timeout, self.finish()).await;
        let closed = flushed
            .unwrap_or_else(|| Err(Member::not_sent(members.iter().map(Arc::as_ref), timeout)));
        self.shared.inbox.shut_down();
        closed
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, member: &Arc<Member>) {
        let mut state = self.state();
        state.members.retain(|member| member.strong_count() > 0);
        state.members.push(Arc::downgrade(member));
    }

    fn members(&self) -> Vec<Arc<Member>> {
        self.state()
            .members
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// What `future` gives, unless that takes longer than `timeout`. Without time it is looked at once: a clock would
    /// take a millisecond.
    async fn within(
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

    /// Waits by the clock of the drivers, on any runtime or none. An error says that the connection is closed.
    fn sleep(&self, time: Duration) -> impl Future<Output = Result<()>> + Send + use<> {
        let now = tokio::time::Instant::now();
        let ends = now + time.min(FAR_AWAY);
        let sleep = self.state().cluster.sleep_until(ends);
        async move { Ok(sleep.await?) }
    }
}

impl fmt::Debug for Writers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writers")
            .field("memory", &self.shared.memory)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}
