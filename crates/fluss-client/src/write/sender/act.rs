//! What the engine decided is carried out: batches closed and sent, leaders looked up, writer ids asked for, rows told of their end.

use std::collections::HashMap;
use std::sync::Arc;

use fluss_metadata::{TableBucket, TableId, TablePath};
use futures::FutureExt;
use tracing::{Instrument, Span, debug_span};

use super::{Event, Sender};
use crate::engine::write::{Action, Answer, Finished, Request, RouteId, SlotId};
use crate::error::Error;
use crate::write::request::Routed;
use crate::write::{metrics, now, partition, request};

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
            let slots = &self.slots;
            let mut leader = |slot: SlotId, bucket: &TableBucket| {
                let leader = request::leader(&view, bucket);
                if let Some(Some(slot)) = slots.get(slot) {
                    slot.set_available(leader.is_some());
                }
                leader
            };
            let Some(action) = self.engine.poll(now, &mut leader) else {
                break;
            };
            match action {
                Action::Close(slot) => {
                    if let Some(slot) = self.slot(slot).cloned() {
                        self.look_at(&slot, true);
                    }
                }
                Action::Resolve(route) => self.resolve(route),
                Action::InitWriter(tables) => self.init_writer(&tables),
                Action::Send(request) => self.send(&request),
            }
        }
        self.finish();
        metrics::on_memory(&self.memory);
    }

    fn resolve(&mut self, id: RouteId) {
        let Some(route) = self.route(id) else {
            return;
        };
        let search = partition::resolve(
            self.cluster.clone(),
            Arc::clone(&self.config),
            route.table.info().clone(),
            Arc::clone(&route.group),
        );
        self.events.push(Box::pin(
            search.map(move |search| Event::Resolved { route: id, search }),
        ));
    }

    fn init_writer(&mut self, tables: &[TableId]) {
        let paths = self
            .routes
            .iter()
            .flatten()
            .filter(|route| tables.contains(&route.group.table_id))
            .map(|route| route.group.table_path.clone())
            .collect();
        let ask = request::init_writer(self.cluster.clone(), Arc::clone(&self.config), paths);
        self.events.push(Box::pin(ask.map(Event::WriterId)));
    }

    fn send(&mut self, request: &Request) {
        let sent_at = now();
        let mut batches = Vec::with_capacity(request.parts.len());
        let mut format = None;
        for part in &request.parts {
            let Some(payload) = self.engine.payload_mut(part.slot, part.batch) else {
                continue;
            };
            let Some(bytes) = payload.stamp(part.stamp) else {
                continue;
            };
            if part.attempt == 1 {
                metrics::on_queued(sent_at.saturating_duration_since(payload.batch.since));
            } else {
                self.metrics.on_retry(payload.batch.rows());
            }
            self.metrics.on_send(payload.batch.rows(), bytes.len());
            let slot = self.slots.get(part.slot).and_then(Option::as_ref);
            let group = slot.and_then(|slot| slot.group());
            batches.push(Routed {
                bucket: part.bucket,
                of_buckets: group.map_or(0, |group| group.slots.len() as i32),
                records: bytes,
                rows: payload.batch.rows(),
                sequence: part.stamp.sequence,
                attempt: part.attempt,
            });
            format.get_or_insert_with(|| Arc::clone(&payload.batch.format));
        }
        let id = request.id;
        let Some(format) = format else {
            let nothing: HashMap<TableBucket, Answer> = HashMap::new();
            let otherwise = Answer::Lost {
                error: Error::closed("the batch"),
                sent: false,
            };
            self.engine.on_answers(id, nothing, &otherwise, sent_at);
            return;
        };
        let (span, of_batches) = spans(request, format.info.table_path(), &batches);
        let message = request::Message::new(&format, &self.config, batches);
        let call = message.send(
            self.cluster.clone(),
            request.lane,
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

    /// Tells the rows of ended batches.
    fn finish(&mut self) {
        for Finished {
            slot,
            payload,
            bucket,
            result,
        } in self.engine.take_finished()
        {
            payload.finish(bucket, result);
            self.seal_near(slot);
        }
        self.seal_waiting();
        self.seal_next();
    }
}

/// The span of a request, and within it one for each of its batches, which end with it.
fn spans(request: &Request, table: &TablePath, batches: &[Routed]) -> (Span, Vec<Span>) {
    let bytes: usize = batches.iter().map(|batch| batch.records.len()).sum();
    let attempt = batches.iter().map(|batch| batch.attempt).max().unwrap_or(1);
    let server = request.lane.server;
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
