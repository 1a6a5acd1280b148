//! Which batches travel together: requests of one format over one connection, one batch a bucket.

use std::time::Instant;

use fluss_metadata::TableBucket;
use fluss_rpc::Lane;

use super::super::bucket::Candidate;
use super::super::limits::MAX_REQUESTS_PER_CONNECTION;
use super::{BucketNumber, Connection, Engine, Part, Request, RequestId, ServerId};

/// Requests that are being filled in one round, with the format of their batches.
type Round = Vec<(u64, Request)>;

impl Engine {
    /// Packs what may be sent into requests: in each round at most one batch a bucket, so that a bucket's batches go in order.
    pub(super) fn fill_outbox(
        &mut self,
        now: Instant,
        leader: &mut impl FnMut(BucketNumber, &TableBucket) -> Option<ServerId>,
    ) {
        let mut sendable = std::mem::take(&mut self.sendable);
        for number in &sendable {
            if let Some(bucket) = self.buckets.get_mut(number) {
                bucket.is_sendable = false;
            }
        }
        while !sendable.is_empty() {
            let mut round = Round::new();
            sendable.retain(|bucket| {
                self.add_next_batch(*bucket, now, leader, &mut round)
                    .is_some()
            });
            for (_, request) in round {
                self.dispatch(request);
            }
        }
    }

    /// Adds the next batch of the bucket to a request, unless there is none that may be sent now.
    fn add_next_batch(
        &mut self,
        number: BucketNumber,
        now: Instant,
        leader: &mut impl FnMut(BucketNumber, &TableBucket) -> Option<ServerId>,
        round: &mut Round,
    ) -> Option<()> {
        let table_bucket = self.table_bucket(number)?;
        let bucket = self.buckets.get_mut(&number)?;
        let candidate = bucket.queue.candidate(now, &self.limits)?;
        let Some(server) = leader(number, &table_bucket) else {
            self.attend(number);
            return None;
        };
        let connection = Connection {
            server,
            lane: Lane::for_bucket(&table_bucket, self.limits.connections_per_server),
        };
        let request = round.iter().position(|(format, request)| {
            *format == candidate.format_id && request.connection == connection
        });
        let fits = request
            .and_then(|index| round.get(index))
            .is_some_and(|(_, request)| {
                request.bytes.saturating_add(candidate.bytes) <= self.limits.request_max_size
            });
        if !fits && !self.may_start_request(connection, number, round)
            || candidate.needs_writer_id && !self.adopt_writer_id(number)
        {
            return None;
        }
        let (part, deadline) = self.take_next(number, table_bucket, candidate)?;
        let request = request.and_then(|index| round.get_mut(index));
        match request {
            Some((_, request)) if fits => {
                request.parts.push(part);
                request.bytes += candidate.bytes;
                request.deadline = request.deadline.max(deadline);
            }
            request => {
                let new = Request {
                    id: RequestId(self.next_request),
                    connection,
                    parts: vec![part],
                    bytes: candidate.bytes,
                    deadline,
                };
                self.next_request += 1;
                match request {
                    // The full one goes; the new one takes its place.
                    Some((_, full)) => {
                        let full = std::mem::replace(full, new);
                        self.dispatch(full);
                    }
                    None => round.push((candidate.format_id, new)),
                }
            }
        }
        Some(())
    }

    /// Whether one more request may be sent over a connection. If not, the bucket is looked at again when one was answered.
    fn may_start_request(
        &mut self,
        connection: Connection,
        number: BucketNumber,
        round: &Round,
    ) -> bool {
        let state = self.connections.entry(connection).or_default();
        let capacity = if state.is_proven {
            MAX_REQUESTS_PER_CONNECTION
        } else {
            1
        };
        let started = round
            .iter()
            .filter(|(_, request)| request.connection == connection);
        let may_start = state.in_flight + started.count() < capacity;
        if !may_start {
            state.blocked.insert(number);
        }
        may_start
    }

    /// Gives the bucket the current writer id. If there is none that it may use, it waits for the next one.
    fn adopt_writer_id(&mut self, number: BucketNumber) -> bool {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return false;
        };
        let ids = &mut self.writer_ids;
        let is_adopted = ids
            .current
            .is_some_and(|id| bucket.queue.adopt_writer_id(id));
        if !is_adopted {
            if ids.current == bucket.queue.spent_writer_id() {
                ids.current = None;
            }
            ids.waiting.insert(number);
        }
        is_adopted
    }

    /// Marks the next batch of a bucket as in flight. Returns it as a part of a request, with its deadline.
    fn take_next(
        &mut self,
        number: BucketNumber,
        table_bucket: TableBucket,
        candidate: Candidate,
    ) -> Option<(Part, Instant)> {
        let queue = &mut self.buckets.get_mut(&number)?.queue;
        let stamp = queue.send(candidate.id, &self.limits);
        let batch = queue.get_mut(candidate.id)?;
        let part = Part {
            bucket: number,
            batch: candidate.id,
            table_bucket,
            stamp,
            attempt: batch.attempts,
        };
        Some((part, batch.deadline))
    }

    fn dispatch(&mut self, request: Request) {
        self.connections
            .entry(request.connection)
            .or_default()
            .in_flight += 1;
        self.in_flight += 1;
        self.requests
            .insert(request.id, (request.connection, request.parts.clone()));
        self.outbox.push_back(request);
    }
}
