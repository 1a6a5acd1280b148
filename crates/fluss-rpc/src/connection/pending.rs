//! Requests that were sent and wait for their responses.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use tokio::time::Instant;

use super::outbox::Outgoing;

/// A request in flight.
pub(super) struct Entry {
    pub(super) request: Outgoing,
    /// Whether any part of it was written to the socket.
    pub(super) written: bool,
}

/// The requests in flight, by id.
#[derive(Default)]
pub(super) struct Pending {
    requests: HashMap<i32, Entry, BuildHasherDefault<IdHasher>>,
    /// No request is due before this. Completed requests may leave it too early, never too late.
    earliest: Option<Instant>,
}

impl Pending {
    pub(super) fn insert(&mut self, id: i32, entry: Entry) {
        let deadline = entry.request.deadline;
        self.earliest = Some(
            self.earliest
                .map_or(deadline, |earliest| earliest.min(deadline)),
        );
        self.requests.insert(id, entry);
    }

    /// Records that a request is being written, and returns since when its caller waits, or `None` if it was canceled.
    pub(super) fn start_writing(&mut self, id: i32) -> Option<Instant> {
        let entry = self.requests.get_mut(&id)?;
        entry.written = true;
        Some(entry.request.since)
    }

    pub(super) fn remove(&mut self, id: i32) -> Option<Entry> {
        self.requests.remove(&id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// When to check for due requests.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.earliest.filter(|_| !self.requests.is_empty())
    }

    /// Removes the requests that are due.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Entry> {
        if self.earliest.is_none_or(|earliest| earliest > now) {
            return Vec::new();
        }
        let taken = self
            .requests
            .extract_if(|_, entry| entry.request.deadline <= now)
            .map(|(_, entry)| entry)
            .collect();
        let deadlines = self.requests.values().map(|entry| entry.request.deadline);
        self.earliest = deadlines.min();
        taken
    }

    /// Removes all requests.
    pub(super) fn take_all(&mut self) -> Vec<Entry> {
        self.earliest = None;
        self.requests.drain().map(|(_, entry)| entry).collect()
    }
}

/// Ids are sequential numbers chosen by this client, so the hash only has to spread them.
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_i32(i32::from(*byte));
        }
    }

    fn write_i32(&mut self, id: i32) {
        self.0 = (self.0 ^ u64::from(id.cast_unsigned())).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
