//! The decisions of the engine are carried out: batches closed and sent, leaders looked up, writer ids requested, rows finished.

use std::collections::HashMap;
use std::sync::Arc;

use fluss_metadata::{TableBucket, TableId, TablePath};
use futures::FutureExt;
use tracing::{Instrument, Span, debug_span};

use super::state::{Event, Sender};
use crate::clock::now;
use crate::engine::write::{Action, Answer, BucketNumber, PartitionNumber, Request};
use crate::error::Error;
use crate::write::request::Routed;
use crate::write::{metrics, partition, request};

impl Sender {
    /// Does all that can be done now.
    pub(super) fn work(&mut self) {
        if self.memory.waiting() > 0 {
            let is_sealing = self.sealing > 0 || !self.to_seal.is_empty();
            self.engine.on_memory_wanted(is_sealing);
        }
        let view = self.cluster.view();
        let now = now();
        loop {
            let partitions = &self.partitions;
            let mut leader = |number: BucketNumber, bucket: &TableBucket| {
                let leader = request::leader(&view, bucket);
                if let Some((_, partition)) = partitions.range(..=number).next_back() {
                    let bucket = bucket.bucket_id() as u32;
                    partition.buckets.set_available(bucket, leader.is_some());
                }
                leader
            };
            let Some(action) = self.engine.poll(now, &mut leader) else {
                break;
            };
            match action {
                Action::Close(bucket) => self.close_open(bucket),
                Action::Resolve(partition) => self.resolve(partition),
                Action::InitWriter(tables) => self.init_writer(&tables),
                Action::Send(request) => self.send(&request),
            }
        }
        self.finish();
        metrics::on_memory(&self.memory);
    }

    fn resolve(&mut self, number: PartitionNumber) {
        let Some(partition) = self.partitions.get(&number) else {
            return;
        };
        let search = partition::resolve(
            self.cluster.clone(),
            Arc::clone(&self.config),
            partition.table.info().clone(),
            Arc::clone(&partition.buckets),
        );
        self.events
            .push(Box::pin(search.map(move |search| Event::Resolved {
                partition: number,
                search,
            })));
    }

    fn init_writer(&mut self, tables: &[TableId]) {
        let buckets = self.partitions.values().map(|partition| &partition.buckets);
        let paths = buckets
            .filter(|buckets| tables.contains(&buckets.table_id))
            .map(|buckets| buckets.table_path.clone())
            .collect();
        let ask = request::init_writer(self.cluster.clone(), Arc::clone(&self.config), paths);
        self.events.push(Box::pin(ask.map(Event::WriterId)));
    }

    fn send(&mut self, request: &Request) {
        let sent_at = now();
        let mut batches = Vec::with_capacity(request.parts.len());
        let mut format = None;
        for part in &request.parts {
            let of_buckets = self.partition_of(part.bucket);
            let of_buckets = of_buckets.map_or(0, |(partition, _)| partition.buckets.count());
            let Some(pending) = self.batches.get_mut(&part.batch) else {
                continue;
            };
            let Some(records) = pending.stamp(part.stamp) else {
                continue;
            };
            let (rows, since) = (pending.batch.rows(), pending.batch.since);
            if part.attempt == 1 {
                metrics::on_queued(sent_at.saturating_duration_since(since));
            } else {
                self.metrics.on_retry(rows);
            }
            self.metrics.on_send(rows, records.len());
            batches.push(Routed {
                bucket: part.table_bucket,
                of_buckets: of_buckets as i32,
                records,
                rows,
                sequence: part.stamp.sequence,
                attempt: part.attempt,
            });
            format.get_or_insert_with(|| Arc::clone(&pending.batch.format));
        }
        let id = request.id;
        let Some(format) = format else {
            let nothing: HashMap<TableBucket, Answer> = HashMap::new();
            let otherwise = Answer::Lost {
                error: Error::internal("a request without batches"),
                sent: false,
            };
            self.engine.on_answers(id, nothing, &otherwise, sent_at);
            return;
        };
        let (span, of_batches) = spans(request, format.info.table_path(), &batches);
        let message = request::Message::new(&format, &self.config, batches);
        let call = message.send(
            self.cluster.clone(),
            request.connection,
            sent_at,
            request.deadline,
            Arc::clone(&self.config),
        );
        self.events
            .push(Box::pin(call.instrument(span).map(move |result| {
                drop(of_batches);
                Event::Answered {
                    request: id,
                    sent_at,
                    result,
                }
            })));
    }

    /// Finishes the rows of ended batches.
    fn finish(&mut self) {
        for finished in self.engine.take_finished() {
            if let Some(pending) = self.batches.remove(&finished.batch) {
                pending.finish(finished.table_bucket, finished.result);
            }
            self.seal_near(finished.bucket);
        }
        self.seal_waiting();
        self.seal_next();
    }
}
/// The span of a request, and within it one for each of its batches, which end with it.
fn spans(request: &Request, table: &TablePath, batches: &[Routed]) -> (Span, Vec<Span>) {
    let bytes: usize = batches.iter().map(|batch| batch.records.len()).sum();
    let attempt = batches.iter().map(|batch| batch.attempt).max().unwrap_or(1);
    let server = request.connection.server;
    let span =
        debug_span!("write_request", server, %table, batches = batches.len(), bytes, attempt);
    if span.is_disabled() {
        return (span, Vec::new());
    }
    let of_batch = |batch: &Routed| {
        let (bucket, bytes) = (batch.bucket, batch.records.len());
        let (rows, sequence, attempt) = (batch.rows, batch.sequence, batch.attempt);
        debug_span!(parent: &span, "batch", server, %table, %bucket, rows, bytes, sequence, attempt)
    };
    let of_batches = batches.iter().map(of_batch).collect();
    (span, of_batches)
}
