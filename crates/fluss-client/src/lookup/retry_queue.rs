//! The lookups that pause before they are routed again.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::entry::Entry;
use crate::engine::lookup::RetryQueue;
use crate::error::Error;

pub(super) struct Retries {
    /// None once they are closed.
    queue: Mutex<Option<RetryQueue<Entry>>>,
    /// Rung when a lookup comes.
    pub(super) work: Notify,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            queue: Mutex::new(Some(RetryQueue::new())),
            work: Notify::new(),
        }
    }
}

impl Retries {
    /// Lets a lookup pause until `due`.
    pub(super) fn park(&self, entry: Entry, due: Instant) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = queue.as_mut() {
            open.push(due.into_std(), entry);
        } else {
            drop(queue);
            entry.fail(Error::closed("the connection"));
            return;
        }
        drop(queue);
        self.work.notify_one();
    }

    /// When the first pause ends.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.as_ref()?.next_due().map(Instant::from_std)
    }

    /// Takes a lookup whose pause has ended.
    pub(super) fn pop_due(&self, now: Instant) -> Option<Entry> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.as_mut()?.pop_due(now.into_std())
    }

    /// Fails what pauses, and what comes.
    pub(super) fn fail_all(&self) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let closed = queue.take();
        drop(queue);
        if let Some(mut queue) = closed {
            for entry in queue.drain() {
                entry.fail(Error::closed("the connection"));
            }
        }
    }
}
