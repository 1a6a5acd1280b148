//! Requests that were sent and wait for their answers.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use tokio::time::Instant;

use super::outbox::Outgoing;

/// A request under way.
pub(super) struct Entry {
    pub(super) request: Outgoing,
    /// Whether any of it went to the socket.
    pub(super) written: bool,
}

/// The requests under way, by id.
#[derive(Default)]
pub(super) struct Pending {
    requests: HashMap<i32, Entry, BuildHasherDefault<IdHasher>>,
    /// No request is due before; requests that ended leave it too early, never too late.
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

    /// Notes that a request goes to the socket, and says since when it is waited for; `None` if nobody does any more.
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

    /// When to look for due requests.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.earliest.filter(|_| !self.requests.is_empty())
    }

    /// Takes the requests that are due.
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

    /// Takes all of them.
    pub(super) fn take_all(&mut self) -> Vec<Entry> {
        self.earliest = None;
        self.requests.drain().map(|(_, entry)| entry).collect()
    }
}

/// Ids are counted up by this client: spreading them is all that a hash has to do.
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
