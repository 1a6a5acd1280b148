//! Requests that were sent and wait for their answers.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use tokio::time::Instant;

use super::outbox::Outgoing;

/// The requests under way, by id.
#[derive(Default)]
pub(super) struct Pending {
    requests: HashMap<i32, Outgoing, BuildHasherDefault<IdHasher>>,
    /// No request is due before; requests that ended leave it too early, never too late.
    earliest: Option<Instant>,
}

impl Pending {
    pub(super) fn insert(&mut self, id: i32, request: Outgoing) {
        self.earliest = Some(
            self.earliest
                .map_or(request.deadline, |earliest| earliest.min(request.deadline)),
        );
        self.requests.insert(id, request);
    }

    pub(super) fn remove(&mut self, id: i32) -> Option<Outgoing> {
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
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Outgoing> {
        let due = self
            .requests
            .iter()
            .filter(|(_, request)| request.deadline <= now)
            .map(|(id, _)| *id)
            .collect::<Vec<_>>();
        let taken = due
            .into_iter()
            .filter_map(|id| self.requests.remove(&id))
            .collect();
        self.earliest = self.requests.values().map(|request| request.deadline).min();
        taken
    }

    /// Takes all of them.
    pub(super) fn take_all(&mut self) -> Vec<Outgoing> {
        self.earliest = None;
        self.requests.drain().map(|(_, request)| request).collect()
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
