//! The lookups of a connection: they are routed to the leader of their bucket, packed, sent, and tried again where that helps.
//!
//! Each connection to a server that is used has a lane: a queue, and a task that keeps its requests under way. The buckets of a server share its
//! lanes; while one of them stalls its lane, the others take another. What is packed and when is decided in [`crate::engine::lookup`]. Lookups
//! that failed for a passing reason rest in one queue of the connection, from which one task routes them anew.

mod entry;
mod lane;
pub(crate) mod metrics;
mod plan;
mod request;
mod retries;
mod routes;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use entry::{LookupKind, LookupTarget, RoutedKey, Values};
pub(crate) use plan::LookupPlan;
pub(crate) use values::{ValueReader, record_batch};

use std::collections::HashMap;
use std::fmt;
use std::iter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use fluss_metadata::ServerNode;
use fluss_rpc::Cluster;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use self::entry::Entry;
use self::lane::{Blame, Lane};
use self::metrics::LookupMetrics;
use self::retries::Retries;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::runtime::Drivers;

/// The lookup side of a connection. Cheap to clone; its tasks end with the last clone.
#[derive(Clone)]
pub(crate) struct Lookups {
    shared: Arc<Shared>,
    _tasks: Arc<EndTasks>,
}

struct Shared {
    config: Arc<Config>,
    drivers: Drivers,
    cluster: Cluster,
    /// By server and connection.
    lanes: RwLock<HashMap<(i32, usize), Arc<Lane>>>,
    retries: Retries,
    /// Room for lookups that are not yet sent.
    room: Semaphore,
    closed: AtomicBool,
    tasks: Mutex<Vec<AbortHandle>>,
    metrics: LookupMetrics,
}

/// Ends the tasks when the last handle is dropped; the tasks themselves keep only the state alive.
struct EndTasks(Arc<Shared>);

impl Drop for EndTasks {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Held by the task that is always there: if its runtime ends, nobody is left waiting, and nobody waits later.
struct EndWithTask(Arc<Shared>);

impl Drop for EndWithTask {
    fn drop(&mut self) {
        if !self.0.closed.load(Ordering::Acquire) {
            self.0.close();
        }
    }
}

impl Lookups {
    /// What was looked up so far.
    pub(crate) fn stats(&self) -> crate::stats::LookupStats {
        self.shared.metrics.stats()
    }

    pub(crate) fn new(context: &Context) -> Self {
        let config = Arc::clone(&context.config);
        let (drivers, cluster) = (context.drivers.clone(), context.cluster.clone());
        let shared = Arc::new(Shared {
            room: Semaphore::new(config.lookup_queue_size.min(Semaphore::MAX_PERMITS)),
            config,
            drivers,
            cluster,
            lanes: RwLock::default(),
            retries: Retries::default(),
            closed: AtomicBool::new(false),
            tasks: Mutex::default(),
            metrics: LookupMetrics::new(),
        });
        let retries = shared
            .drivers
            .handle()
            .spawn(retries::drive(EndWithTask(Arc::clone(&shared))));
        shared.keep_task(retries.abort_handle());
        Self {
            _tasks: Arc::new(EndTasks(Arc::clone(&shared))),
            shared,
        }
    }

    /// Looks one key up in its bucket.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the lookup may still be sent; its answer is thrown away.
    pub(crate) async fn lookup(
        &self,
        target: &Arc<LookupTarget>,
        key: RoutedKey,
    ) -> Result<Values> {
        let answer = self.start(target, key).await?;
        answer
            .await
            .unwrap_or_else(|_| Err(Error::closed("the connection")))
    }

    /// Queues one lookup, waiting for room if there is none. Returns where its answer will come.
    pub(crate) async fn start(
        &self,
        target: &Arc<LookupTarget>,
        key: RoutedKey,
    ) -> Result<oneshot::Receiver<Result<Values>>> {
        let shared = &self.shared;
        let started = Instant::now();
        let deadline = started + shared.config.call_timeout;
        if shared.closed.load(Ordering::Acquire) {
            return Err(Error::closed("the connection"));
        }
        if let Ok(room) = shared.room.try_acquire() {
            room.forget();
        } else {
            tokio::select! {
                biased;
                room = shared.room.acquire() => match room {
                    Ok(room) => room.forget(),
                    Err(_) => return Err(Error::closed("the connection")),
                },
                slept = shared.cluster.sleep_until(deadline) => {
                    slept?;
                    let waited = shared.config.call_timeout;
                    return Err(Error::timeout("room in the lookup queue", waited));
                }
            }
        }
        let (reply, answer) = oneshot::channel();
        let RoutedKey {
            bucket,
            partition,
            key,
        } = key;
        let target = Arc::clone(target);
        shared.dispatch(Entry {
            target,
            bucket,
            partition,
            seen: 0,
            key,
            deadline,
            attempts: 0,
            last_error: None,
            is_suspect: false,
            holds_room: true,
            reply,
        });
        Ok(answer)
    }

    /// Fails everything that is waiting, and everything that comes.
    pub(crate) fn close(&self) {
        self.shared.close();
    }
}

impl Shared {
    /// Puts a lookup where it is sent from: the lane of its bucket's leader, or the queue of those that wait for one.
    fn dispatch(self: &Arc<Self>, mut entry: Entry) {
        let view = self.cluster.view();
        let bucket = entry.bucket;
        let remembers = bucket.partition_id().is_none();
        entry.seen = view.generation();
        if remembers && let Some(lane) = entry.target.routes.get(entry.seen, bucket.bucket_id()) {
            self.queue(&lane, entry);
            return;
        }
        let Some(server) = view.leader_of(&entry.bucket).map(ServerNode::id) else {
            self.retries.park(entry, Instant::now());
            return;
        };
        let slot = bucket.bucket_id().unsigned_abs() as usize % self.config.connections_per_server;
        let lane = self.lane(server, slot);
        if remembers {
            entry
                .target
                .routes
                .insert(entry.seen, bucket.bucket_id(), &lane);
        }
        self.queue(&lane, entry);
        if self.closed.load(Ordering::Acquire) {
            self.close();
        }
    }

    #[inline]
    fn queue(self: &Arc<Self>, lane: &Arc<Lane>, entry: Entry) {
        if lane.is_stalled() {
            self.detour(lane, entry);
        } else {
            lane.push(entry);
        }
    }

    /// Queues a lookup whose own lane is stalled: in a lane that its bucket is known to stall, so that it stalls no other; else in one that
    /// is not stalled; in its own if there is none.
    #[cold]
    fn detour(self: &Arc<Self>, home: &Arc<Lane>, mut entry: Entry) {
        let mut free = None;
        let lanes =
            (0..self.config.connections_per_server).map(|slot| self.lane(home.server(), slot));
        for lane in iter::once(Arc::clone(home)).chain(lanes) {
            if !lane.is_stalled() {
                free.get_or_insert(lane);
                continue;
            }
            match lane.blame(&entry.bucket) {
                Blame::Guilty => return lane.push(entry),
                Blame::Suspect => entry.is_suspect = true,
                Blame::Innocent => {}
            }
        }
        free.as_ref().unwrap_or(home).push(entry);
    }

    fn lane(self: &Arc<Self>, server: i32, slot: usize) -> Arc<Lane> {
        if let Some(lane) = self
            .lanes
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(server, slot))
        {
            return Arc::clone(lane);
        }
        let mut lanes = self.lanes.write().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry((server, slot)).or_insert_with(|| {
            let lane = Arc::new(Lane::new(server, slot, &self.config));
            let task = self
                .drivers
                .handle()
                .spawn(lane::drive(Arc::clone(self), Arc::clone(&lane)));
            self.keep_task(task.abort_handle());
            lane
        });
        Arc::clone(lane)
    }

    fn keep_task(&self, task: AbortHandle) {
        self.tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(task);
    }

    /// Gives back the room of lookups that were sent or answered.
    fn free_room(&self, entries: &mut [Entry]) {
        let mut freed = 0;
        for entry in entries {
            freed += usize::from(std::mem::take(&mut entry.holds_room));
        }
        self.room.add_permits(freed);
    }

    /// Tries a lookup again after a pause, or fails it if there is no time or attempt left.
    fn retry(&self, mut entry: Entry, error: Error) {
        entry.attempts += 1;
        let due = Instant::now()
            + crate::engine::lookup::retry_delay(
                entry.attempts,
                crate::scan::entropy(&self.cluster),
            );
        let attempts = entry.attempts;
        if due >= entry.deadline {
            let error = Error::unanswered(self.config.call_timeout, error);
            entry.fail(error.after_attempts(attempts));
        } else if attempts > self.config.lookup_max_retries {
            entry.fail(error.after_attempts(attempts));
        } else {
            self.metrics.on_retry();
            entry.last_error = Some(Box::new(error));
            self.retries.park(entry, due);
        }
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.room.close();
        for task in self
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
        {
            task.abort();
        }
        for (_, lane) in self
            .lanes
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .drain()
        {
            lane.fail_all();
        }
        self.retries.fail_all();
    }
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookups").finish_non_exhaustive()
    }
}
