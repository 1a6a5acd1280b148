//! The lookups for one connection to one server: a queue, and the task that sends from it.

use std::mem;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fluss_metadata::TableBucket;
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
/// no time left. A lane with a request that takes longer is stalled: lookups in other buckets take another connection, as servers work
/// through the requests of one connection in their order.
const PATIENCE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct Lane {
    server: i32,
    slot: usize,
    queue: Mutex<Option<LookupQueue<Group, Entry>>>,
    work: Notify,
    is_stalled: AtomicBool,
    /// The buckets of the request that takes long. If they are several, one of them is to blame, and the others are not.
    suspects: Mutex<Vec<TableBucket>>,
}

/// What may share a request: lookups of one target, but those of a suspect bucket share it with nobody.
type Group = (Arc<LookupTarget>, Option<TableBucket>);

/// What a lane that is stalled means for a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// Another one stalls it.
    Innocent,
    /// It is one of several that may.
    Suspect,
    /// It does.
    Guilty,
}

/// A request on its way.
struct UnderWay {
    number: u64,
    since: Instant,
    buckets: Buckets,
}

/// What a request is about. One bucket needs no allocation.
enum Buckets {
    One(TableBucket),
    Several(Vec<TableBucket>),
}

impl Buckets {
    fn of(entries: &[Entry]) -> Self {
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
            is_stalled: AtomicBool::new(false),
            suspects: Mutex::default(),
        }
    }

    pub(super) fn server(&self) -> i32 {
        self.server
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

    /// Takes in whether the request that is under way for longest takes long by now. Those behind it may only wait for it.
    fn look_for_stall(&self, under_way: &[UnderWay]) {
        let oldest = under_way
            .first()
            .filter(|oldest| oldest.since + PATIENCE <= Instant::now());
        let suspects = oldest.map_or(&[][..], |oldest| oldest.buckets.as_slice());
        self.is_stalled.store(oldest.is_some(), Ordering::Relaxed);
        *self.suspects.lock().unwrap_or_else(PoisonError::into_inner) = suspects.to_vec();
    }

    /// Takes out the lookups in buckets that need not be to blame.
    fn take_bystanders(&self) -> Vec<Entry> {
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
            queue.remove(|entry| entry.deadline <= now)
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
    let mut under_way: Vec<UnderWay> = Vec::new();
    let mut number = 0;
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
                number += 1;
                if under_way.is_empty() {
                    patience.as_mut().reset(now + PATIENCE);
                }
                under_way.push(UnderWay {
                    number,
                    since: now,
                    buckets: Buckets::of(&live),
                });
                let sent = send(&shared, &lane, live);
                requests.push(async move {
                    sent.await;
                    number
                });
            }
        }
        tokio::select! {
            biased;
            Some(ended) = requests.next(), if !requests.is_empty() => {
                lane.on_request_end();
                under_way.retain(|request| request.number != ended);
                if lane.is_stalled() {
                    lane.look_for_stall(&under_way);
                }
            }
            // The tasks that are ready to look something up do so first, and share a request.
            () = lane.work.notified() => tokio::task::yield_now().await,
            () = &mut patience, if !requests.is_empty() => {
                patience.as_mut().reset(Instant::now() + PATIENCE);
                let mut expired = lane.remove_late();
                shared.free_room(&mut expired);
                fail(&shared, expired);
                lane.look_for_stall(&under_way);
                if lane.is_stalled() {
                    for entry in lane.take_bystanders() {
                        shared.detour(&lane, entry);
                    }
                }
                is_overdue = true;
            }
        }
    }
}
