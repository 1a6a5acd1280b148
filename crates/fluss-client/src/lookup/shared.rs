//! What the lookups of a connection and their tasks share.

use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use fluss_rpc::{Lane, RetryPolicy};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::entry::Entry;
use super::lane_queue::LaneQueue;
use super::metrics::LookupMetrics;
use super::retry_queue::Retries;
use crate::context::Context;
use crate::error::Error;

pub(super) struct Shared {
    pub(super) context: Arc<Context>,
    /// By server and connection to it.
    pub(super) lanes: RwLock<HashMap<(i32, Lane), Arc<LaneQueue>>>,
    pub(super) retries: Retries,
    /// Room for lookups that are not sent yet.
    pub(super) room: Semaphore,
    is_closed: AtomicBool,
    tasks: Mutex<Vec<AbortHandle>>,
    pub(super) metrics: LookupMetrics,
}

impl Shared {
    pub(super) fn new(context: Arc<Context>) -> Self {
        let most = context.config.lookup_queue_size;
        Self {
            room: Semaphore::new(most.min(Semaphore::MAX_PERMITS)),
            context,
            lanes: RwLock::default(),
            retries: Retries::default(),
            is_closed: AtomicBool::new(false),
            tasks: Mutex::default(),
            metrics: LookupMetrics::new(),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Aborts the task on close.
    pub(super) fn keep_task(&self, task: AbortHandle) {
        self.tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(task);
    }

    /// Gives back the room of lookups that were sent or answered.
    pub(super) fn free_room(&self, entries: &mut [Entry]) {
        let mut freed = 0;
        for entry in entries {
            freed += usize::from(mem::take(&mut entry.holds_room));
        }
        self.room.add_permits(freed);
    }

    /// Tries a lookup again after a pause, or fails it if no time or attempt is left.
    pub(super) fn retry(&self, mut entry: Entry, error: Error) {
        entry.attempts += 1;
        let attempts = entry.attempts;
        let config = &self.context.config;
        let pause =
            RetryPolicy::BATCH.random_pause(attempts, &self.context.cluster.config().chance);
        let due = Instant::now() + pause;
        if due >= entry.deadline {
            let error = Error::unanswered(config.call_timeout, error);
            entry.fail(error.after_attempts(attempts));
        } else if attempts > config.lookup_max_retries {
            entry.fail(error.after_attempts(attempts));
        } else {
            self.metrics.on_retry();
            entry.last_error = Some(Box::new(error));
            self.retries.park(entry, due);
        }
    }

    /// Fails everything that waits, and everything that comes.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.room.close();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.drain(..).for_each(|task| task.abort());
        drop(tasks);
        let mut lanes = self.lanes.write().unwrap_or_else(PoisonError::into_inner);
        lanes.drain().for_each(|(_, lane)| lane.fail_all());
        drop(lanes);
        self.retries.fail_all();
    }
}

/// Closes when it is dropped, if that was not done before. The last handle has one, as the tasks keep only the state alive; so has the
/// task that always runs: if its runtime ends, no caller is left waiting, and none waits later.
pub(super) struct CloseOnDrop(pub(super) Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        if !self.0.is_closed() {
            self.0.close();
        }
    }
}
