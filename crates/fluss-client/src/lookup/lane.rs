//! The lookups for one connection to one server: a queue, and the task that sends from it.

use std::mem;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::entry::{Entry, LookupTarget};
use super::{Shared, request};
use crate::config::Config;
use crate::engine::lookup::{LookupQueue, PackLimits};
use crate::error::Error;

/// So long a lookup waits for a request that is under way before another one goes out beside it, and so late it may learn at most that it has
/// no time left.
const PATIENCE: Duration = Duration::from_millis(100);

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

    fn next_request(&self, is_overdue: bool) -> Option<Vec<Entry>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_mut()?;
        let next = if is_overdue {
            queue.overdue_request()
        } else {
            queue.next_request()
        };
        next.map(|(_, entries)| entries)
    }

    /// Takes out the lookups that have no time left.
    fn remove_late(&self) -> Vec<Entry> {
        let now = Instant::now();
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_mut();
        queue.map_or_else(Vec::new, |queue| {
            queue.remove_late(|entry| entry.deadline <= now)
        })
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

/// Those have no time left.
fn fail(shared: &Shared, late: Vec<Entry>) {
    for entry in late {
        let limit = shared.config.call_timeout;
        let error = match &entry.last_error {
            Some(last) => Error::unanswered(limit, (**last).clone()).after_attempts(entry.attempts),
            None => Error::timeout("the lookup", limit),
        };
        entry.fail(error);
    }
}

/// Sends lookups in one request, or in two where some have less time left than a request may take: nobody waits beyond his deadline for
/// an answer to somebody else.
async fn send(shared: &Arc<Shared>, lane: &Lane, entries: Vec<Entry>) {
    let (server, slot) = (lane.server, lane.slot);
    let enough = Instant::now() + shared.config.request_timeout;
    if entries.iter().all(|entry| entry.deadline >= enough) {
        return request::run(shared, server, slot, entries).await;
    }
    let (others, hurried) = entries
        .into_iter()
        .partition(|entry| entry.deadline >= enough);
    join(
        request::run(shared, server, slot, hurried),
        request::run(shared, server, slot, others),
    )
    .await;
}

/// Keeps the requests of a lane under way until it is aborted.
pub(super) async fn drive(shared: Arc<Shared>, lane: Arc<Lane>) {
    let mut requests = FuturesUnordered::new();
    let mut patience = pin!(sleep(PATIENCE));
    let mut is_overdue = false;
    loop {
        while let Some(mut entries) = lane.next_request(mem::take(&mut is_overdue)) {
            shared.free_room(&mut entries);
            let now = Instant::now();
            let (live, expired): (Vec<_>, Vec<_>) =
                if entries.iter().any(|entry| entry.deadline <= now) {
                    entries.into_iter().partition(|entry| entry.deadline > now)
                } else {
                    (entries, Vec::new())
                };
            fail(&shared, expired);
            if live.is_empty() {
                lane.on_request_end();
            } else {
                requests.push(send(&shared, &lane, live));
            }
        }
        tokio::select! {
            biased;
            Some(()) = requests.next(), if !requests.is_empty() => lane.on_request_end(),
            // The tasks that are ready to look something up do so first, and share a request.
            () = lane.work.notified() => tokio::task::yield_now().await,
            () = &mut patience, if !requests.is_empty() => {
                patience.as_mut().reset(Instant::now() + PATIENCE);
                let mut expired = lane.remove_late();
                shared.free_room(&mut expired);
                fail(&shared, expired);
                is_overdue = true;
            }
        }
    }
}
