//! The lookups that wait for one connection to one server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fluss_metadata::TableBucket;
use fluss_rpc::Lane;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::entry::Entry;
use super::target::LookupTarget;
use crate::config::Config;
use crate::engine::lookup::{LookupQueue, PackLimits};
use crate::error::Error;

/// How long a lookup waits for a request in flight before another one goes out alongside it, and how late at most it learns that it has
/// no time left. A lane with a request that takes longer is stalled: lookups in other buckets take another connection, as servers work
/// through the requests of one connection in order.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);

/// The queue of a lane: what is sent from it, its [`sender`](super::sender) decides with [`crate::engine::lookup`].
#[derive(Debug)]
pub(super) struct LaneQueue {
    server: i32,
    lane: Lane,
    queue: Mutex<Option<LookupQueue<Group, Entry>>>,
    /// Rung when a request can go out.
    pub(super) work: Notify,
    is_stalled: AtomicBool,
    /// The buckets of the request that takes long. If they are several, one of them is to blame, and the others are not.
    suspects: Mutex<Vec<TableBucket>>,
}

/// What may share a request: lookups of one target, but those of a suspect bucket share it with no others.
type Group = (Arc<LookupTarget>, Option<TableBucket>);

/// What a stalled lane means for a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// Another one stalls it.
    Innocent,
    /// It is one of several that may.
    Suspect,
    /// It does.
    Guilty,
}

/// A request that was sent.
pub(super) struct InFlight {
    pub(super) number: u64,
    pub(super) since: Instant,
    pub(super) buckets: Buckets,
}

/// The buckets of a request. One of them needs no allocation.
pub(super) enum Buckets {
    One(TableBucket),
    Several(Vec<TableBucket>),
}

impl Buckets {
    pub(super) fn for_entries(entries: &[Entry]) -> Self {
        if let [entry] = entries {
            return Self::One(entry.bucket);
        }
        let mut buckets: Vec<_> = entries.iter().map(|entry| entry.bucket).collect();
        buckets.sort_unstable();
        buckets.dedup();
        Self::Several(buckets)
    }

    fn as_slice(&self) -> &[TableBucket] {
        match self {
            Self::One(bucket) => std::slice::from_ref(bucket),
            Self::Several(buckets) => buckets,
        }
    }
}

impl LaneQueue {
    pub(super) fn new(server: i32, lane: Lane, config: &Config) -> Self {
        let limits = PackLimits {
            max_keys: config.lookup_max_batch_size,
            max_in_flight: config.lookup_max_inflight_requests,
        };
        Self {
            server,
            lane,
            queue: Mutex::new(Some(LookupQueue::new(limits))),
            work: Notify::new(),
            is_stalled: AtomicBool::new(false),
            suspects: Mutex::default(),
        }
    }

    pub(super) fn server(&self) -> i32 {
        self.server
    }

    pub(super) fn lane(&self) -> Lane {
        self.lane
    }

    /// Whether a request takes long.
    #[inline]
    pub(super) fn is_stalled(&self) -> bool {
        self.is_stalled.load(Ordering::Relaxed)
    }

    /// Who stalls it, as far as this bucket goes.
    pub(super) fn blame(&self, bucket: &TableBucket) -> Blame {
        let suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        match &suspects[..] {
            [one] if one == bucket => Blame::Guilty,
            several if several.contains(bucket) => Blame::Suspect,
            _ => Blame::Innocent,
        }
    }

    /// Checks whether the oldest request in flight takes long by now. Those after it may only wait for it.
    pub(super) fn look_for_stall(&self, in_flight: &[InFlight]) {
        let oldest = in_flight
            .first()
            .filter(|oldest| oldest.since + PATIENCE <= Instant::now());
        let suspects = oldest.map_or(&[][..], |oldest| oldest.buckets.as_slice());
        self.is_stalled.store(oldest.is_some(), Ordering::Relaxed);
        *self.suspects.lock().unwrap_or_else(PoisonError::into_inner) = suspects.to_vec();
    }

    /// Takes out the lookups in buckets that need not be to blame.
    pub(super) fn take_bystanders(&self) -> Vec<Entry> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_mut();
        queue.map_or_else(Vec::new, |queue| {
            queue.remove(|entry| self.blame(&entry.bucket) != Blame::Guilty)
        })
    }

    /// Queues a lookup, and wakes the task if a request can go out.
    pub(super) fn push(&self, entry: Entry) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = queue.as_mut() else {
            drop(queue);
            entry.fail(Error::closed("the connection"));
            return;
        };
        let alone = entry.is_suspect.then_some(entry.bucket);
        let wake = open.push(&(Arc::clone(&entry.target), alone), entry);
        drop(queue);
        if wake {
            self.work.notify_one();
        }
    }

    pub(super) fn next_request(&self, is_overdue: bool) -> Option<Vec<Entry>> {
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
    pub(super) fn remove_late(&self) -> Vec<Entry> {
        let now = Instant::now();
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_mut();
        queue.map_or_else(Vec::new, |queue| {
            queue.remove(|entry| entry.deadline <= now)
        })
    }

    pub(super) fn on_request_end(&self) {
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
