//! Which batches travel together: requests of one group over one connection, one batch a bucket.

use std::time::Instant;

use fluss_metadata::TableBucket;

use super::super::limits::MAX_REQUESTS_PER_CONNECTION;
use super::{Engine, Lane, Part, Request, RequestId, ServerId, SlotId};

impl<P> Engine<P> {
    /// Packs what may be sent into requests: in each round at most one batch a bucket, so that a bucket's batches go in order.
    pub(super) fn fill_outbox(
        &mut self,
        now: Instant,
        leader: &mut impl FnMut(SlotId, &TableBucket) -> Option<ServerId>,
    ) {
        let mut slots = std::mem::take(&mut self.sendable);
        for slot in &slots {
            if let Some(entry) = self.slots.get_mut(*slot) {
                entry.is_sendable = false;
            }
        }
        while !slots.is_empty() {
            let mut requests: Vec<(u64, Request)> = Vec::new();
            slots.retain(|slot| self.add_next_batch(*slot, now, leader, &mut requests));
            for (_, request) in requests {
                self.dispatch(request);
            }
        }
    }

    /// Adds the next batch of the slot to a request. False if there is none that may be sent now.
    fn add_next_batch(
        &mut self,
        slot: SlotId,
        now: Instant,
        leader: &mut impl FnMut(SlotId, &TableBucket) -> Option<ServerId>,
        requests: &mut Vec<(u64, Request)>,
    ) -> bool {
        let Some(bucket) = self.bucket(slot) else {
            return false;
        };
        let Some(entry) = self.slots.get_mut(slot) else {
            return false;
        };
        let Some(candidate) = entry.queue.candidate(now, &self.limits) else {
            return false;
        };
        let Some(server) = leader(slot, &bucket) else {
            self.attend(slot);
            return false;
        };
        let lane = Lane {
            server,
            connection: entry.connection,
        };
        let state = self.lanes.entry(lane).or_default();
        let open = requests
            .iter()
            .position(|(group, request)| *group == candidate.group && request.lane == lane);
        let fits = open
            .and_then(|index| requests.get(index))
            .is_some_and(|(_, request)| {
                request.bytes.saturating_add(candidate.bytes) <= self.limits.request_max_size
            });
        let capacity = if state.is_proven {
            MAX_REQUESTS_PER_CONNECTION
        } else {
            1
        };
        let started = requests
            .iter()
            .filter(|(_, request)| request.lane == lane)
            .count();
        if !fits && state.in_flight + started >= capacity {
            state.blocked.insert(slot);
            return false;
        }
        if candidate.needs_writer_id {
            let adopted = match self.writer_ids.current {
                Some(id) => entry.queue.adopt_writer_id(id),
                None => false,
            };
            if !adopted {
                if self.writer_ids.current == entry.queue.spent_writer_id() {
                    self.writer_ids.current = None;
                }
                self.writer_ids.waiting.insert(slot);
                return false;
            }
        }
        let stamp = entry.queue.send(candidate.id, &self.limits);
        let (attempt, deadline) = entry
            .queue
            .get_mut(candidate.id)
            .map_or((1, now), |batch| (batch.attempts, batch.deadline));
        let part = Part {
            slot,
            batch: candidate.id,
            bucket,
            stamp,
            attempt,
        };
        if let Some((_, request)) = open
            .filter(|_| fits)
            .and_then(|index| requests.get_mut(index))
        {
            request.parts.push(part);
            request.bytes += candidate.bytes;
            request.deadline = request.deadline.max(deadline);
        } else {
            let request = Request {
                id: RequestId(self.next_request),
                lane,
                parts: vec![part],
                bytes: candidate.bytes,
                deadline,
            };
            self.next_request += 1;
            if let Some(index) = open {
                // The full one goes; this one takes its place.
                if let Some((_, full)) = requests.get_mut(index) {
                    let full = std::mem::replace(full, request);
                    self.dispatch(full);
                }
            } else {
                requests.push((candidate.group, request));
            }
        }
        true
    }

    pub(super) fn dispatch(&mut self, request: Request) {
        self.lanes.entry(request.lane).or_default().in_flight += 1;
        self.in_flight += 1;
        self.requests
            .insert(request.id, (request.lane, request.parts.clone()));
        self.outbox.push_back(request);
    }
}
