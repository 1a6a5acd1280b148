//! The lookups for one connection to one server: a queue, and the task that sends from it.

use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::entry::{Entry, LookupTarget};
use super::{Shared, request};
use crate::config::Config;
use crate::engine::lookup::{LookupQueue, PackLimits};
use crate::error::Error;

#[derive(Debug)]
pub(crate) struct Lane {
    server: i32,
    slot: usize,
    queue: Mutex<Option<LookupQueue<Arc<LookupTarget>, Entry>>>,
    work: Notify,
}

impl Lane {
    pub(super) fn new(server: i32, slot: usize, config: &Config) -> Self {
        let limits = PackLimits {
            max_keys: config.lookup_max_batch_size,
            max_in_flight: config.lookup_max_inflight_requests,
        };
        Self {
            server,
            slot,
            queue: Mutex::new(Some(LookupQueue::new(limits))),
            work: Notify::new(),
        }
    }

    /// Queues a lookup, and wakes the task if a request can go out.
    pub(super) fn push(&self, entry: Entry) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = queue.as_mut() else {
            drop(queue);
            entry.fail(Error::closed("the connection"));
            return;
        };
        let target = Arc::clone(&entry.target);
        let wake = open.push(&target, entry);
        drop(queue);
        if wake {
            self.work.notify_one();
        }
    }

    fn next_request(&self) -> Option<Vec<Entry>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.as_mut()?.next_request().map(|(_, entries)| entries)
    }

    fn on_request_end(&self) {
        if let Some(queue) = self
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
        {
            queue.on_request_end();
        }
    }

    /// Fails what waits, and what comes.
    pub(super) fn fail_all(&self) {
        let queue = self
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut queue) = queue {
            for entry in queue.drain() {
                entry.fail(Error::closed("the connection"));
            }
        }
    }
}

/// Keeps the requests of a lane under way until it is aborted.
pub(super) async fn drive(shared: Arc<Shared>, lane: Arc<Lane>) {
    let mut requests = FuturesUnordered::new();
    loop {
        while let Some(mut entries) = lane.next_request() {
            shared.free_room(&mut entries);
            let now = Instant::now();
            let (live, expired): (Vec<_>, Vec<_>) =
                if entries.iter().any(|entry| entry.deadline <= now) {
                    entries.into_iter().partition(|entry| entry.deadline > now)
                } else {
                    (entries, Vec::new())
                };
            for entry in expired {
                entry.fail(Error::timeout("the lookup", shared.config.call_timeout));
            }
            if live.is_empty() {
                lane.on_request_end();
            } else {
                requests.push(request::run(&shared, lane.server, lane.slot, live));
            }
        }
        tokio::select! {
            biased;
            Some(()) = requests.next(), if !requests.is_empty() => lane.on_request_end(),
            // The tasks that are ready to look something up do so first, and share a request.
            () = lane.work.notified() => tokio::task::yield_now().await,
        }
    }
}
