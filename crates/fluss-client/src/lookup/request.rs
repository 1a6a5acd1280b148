//! One lookup request: packed by bucket, sent, and its answer given to the lookups that wait.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use fluss_metadata::TableBucket;
use fluss_metadata::text::Count;
use fluss_wire::Repeated;
use fluss_wire::api::ApiRequest;
use fluss_wire::codec::ResponseBody;
use fluss_wire::error_code::ServerError;
use fluss_wire::lookup::{Answer, BucketAnswer, Kind, PointValue, PrefixValue};
use fluss_wire::message::{
    LookupRequest, PbLookupReqForBucket, PbPrefixLookupReqForBucket, PrefixLookupRequest,
};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, debug, debug_span};

use super::entry::Entry;
use super::lane_queue::LaneQueue;
use super::shared::Shared;
use super::target::{LookupKind, LookupTarget, Values};
use crate::engine::lookup::{LookupFault, judge};
use crate::error::{Error, Result};

/// What lookups by whole keys and by prefixes of keys do differently.
trait Form: Kind {
    type Request: ApiRequest;

    /// The request; it takes the keys of the runs.
    fn request(shared: &Shared, target: &LookupTarget, runs: &mut [Run]) -> Self::Request;

    /// The keys of each run again.
    fn keys(request: Self::Request) -> impl Iterator<Item = Repeated<Bytes>>;

    /// Gives the values of a bucket to the lookups that wait for them.
    fn give(answer: &BucketAnswer<Self>, waiting: impl Iterator<Item = Entry>)
    where
        Self: Sized;
}

/// The lookups of one bucket: how many entries in a row, and their keys, which travel in the request and come back.
struct Run {
    bucket: TableBucket,
    /// Latest generation of the view by which one of them was routed.
    seen: u64,
    count: usize,
    keys: Repeated<Bytes>,
}

/// Sends the lookups, all of one target, and answers, repeats or fails each.
pub(super) async fn run(shared: &Shared, lane: &LaneQueue, entries: Vec<Entry>) {
    let Some(first) = entries.first() else {
        return;
    };
    let target = Arc::clone(&first.target);
    match target.kind {
        LookupKind::Point | LookupKind::InsertIfNotExists => {
            run_as::<PointValue>(shared, lane, &target, entries).await;
        }
        LookupKind::Prefix => run_as::<PrefixValue>(shared, lane, &target, entries).await,
    }
}

async fn run_as<F: Form>(
    shared: &Shared,
    lane: &LaneQueue,
    target: &LookupTarget,
    mut entries: Vec<Entry>,
) {
    let now = Instant::now();
    let soonest = entries.iter().map(|entry| entry.deadline).min();
    let deadline = now + shared.context.config.request_timeout;
    let deadline = soonest.map_or(deadline, |soonest| soonest.min(deadline));
    entries.sort_unstable_by_key(|entry| entry.bucket);
    let mut runs = runs(&mut entries);
    shared.metrics.on_request(entries.len());
    let span = debug_span!(
        "lookup_request",
        server = lane.server(),
        table = %target.path,
        buckets = runs.len(),
        bucket = %runs.first().map_or(TableBucket::new(target.table_id, 0), |run| run.bucket),
        keys = entries.len(),
        attempt = entries.iter().map(|entry| entry.attempts).max().unwrap_or(0) + 1
    );
    let request = F::request(shared, target, &mut runs);
    let answer = call::<_, Answer<F>>(shared, lane, &request, deadline)
        .instrument(span)
        .await
        .and_then(|answer| by_run(&answer, &runs));
    for (run, keys) in runs.iter_mut().zip(F::keys(request)) {
        run.keys = keys;
    }
    let latency = now.elapsed().as_secs_f64() * 1e3;
    shared.metrics.latency.record(latency);
    let entries = entries.into_iter();
    match answer {
        Ok(answers) => deliver(shared, target, entries, runs, answers),
        Err(error) => {
            debug!(server = lane.server(), table = %target.path, %error, "lookup request failed");
            on_request_failed(shared, entries, runs, &error);
        }
    }
}

/// Calls, dialing first where that is needed, until the deadline.
async fn call<R: ApiRequest, A: ResponseBody>(
    shared: &Shared,
    lane: &LaneQueue,
    request: &R,
    deadline: Instant,
) -> Result<A> {
    let (server, cluster) = (lane.server(), &shared.context.cluster);
    let call = cluster.call_server_as(server, lane.lane(), request, deadline);
    match timeout_at(deadline, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Error::timeout(
            format!("connecting to server {server}"),
            shared.context.config.request_timeout,
        )),
    }
}

/// The lookups of each bucket, sorted by bucket as they are, without their keys.
fn runs(entries: &mut [Entry]) -> Vec<Run> {
    entries
        .chunk_by_mut(|one, next| one.bucket == next.bucket)
        .filter_map(|same| {
            Some(Run {
                bucket: same.first()?.bucket,
                seen: same.iter().map(|entry| entry.seen).max()?,
                count: same.len(),
                keys: same
                    .iter_mut()
                    .map(|entry| mem::take(&mut entry.key))
                    .collect(),
            })
        })
        .collect()
}

impl Form for PointValue {
    type Request = LookupRequest;

    fn request(shared: &Shared, target: &LookupTarget, runs: &mut [Run]) -> LookupRequest {
        let config = &shared.context.config;
        let inserts = target.kind == LookupKind::InsertIfNotExists;
        LookupRequest {
            table_id: target.table_id,
            buckets_req: runs
                .iter_mut()
                .map(|run| PbLookupReqForBucket {
                    partition_id: run.bucket.partition_id(),
                    bucket_id: run.bucket.bucket_id(),
                    keys: mem::take(&mut run.keys),
                    original_partition_name: None,
                    routing_bucket_count: Some(bucket_count(shared, target, &run.bucket)),
                })
                .collect(),
            insert_if_not_exists: inserts.then_some(true),
            acks: inserts.then(|| config.writer_acks.code()),
            timeout_ms: inserts.then(|| config.request_timeout.as_millis() as i32),
        }
    }

    fn keys(request: LookupRequest) -> impl Iterator<Item = Repeated<Bytes>> {
        request.buckets_req.into_iter().map(|bucket| bucket.keys)
    }

    fn give(answer: &BucketAnswer<Self>, waiting: impl Iterator<Item = Entry>) {
        for (entry, value) in waiting.zip(answer.values()) {
            entry.answer(Values::One(value));
        }
    }
}

impl Form for PrefixValue {
    type Request = PrefixLookupRequest;

    fn request(shared: &Shared, target: &LookupTarget, runs: &mut [Run]) -> PrefixLookupRequest {
        PrefixLookupRequest {
            table_id: target.table_id,
            buckets_req: runs
                .iter_mut()
                .map(|run| PbPrefixLookupReqForBucket {
                    partition_id: run.bucket.partition_id(),
                    bucket_id: run.bucket.bucket_id(),
                    keys: mem::take(&mut run.keys),
                    routing_bucket_count: Some(bucket_count(shared, target, &run.bucket)),
                })
                .collect(),
        }
    }

    fn keys(request: PrefixLookupRequest) -> impl Iterator<Item = Repeated<Bytes>> {
        request.buckets_req.into_iter().map(|bucket| bucket.keys)
    }

    fn give(answer: &BucketAnswer<Self>, waiting: impl Iterator<Item = Entry>) {
        for (entry, values) in waiting.zip(answer.values()) {
            entry.answer(Values::Many(values.collect()));
        }
    }
}

/// How many buckets the table, or the partition of the bucket, has.
fn bucket_count(shared: &Shared, target: &LookupTarget, bucket: &TableBucket) -> i32 {
    let partition = bucket.partition_id();
    let count = partition.and_then(|_| {
        let view = shared.context.cluster.view();
        view.bucket_count(target.table_id, partition)
    });
    count.unwrap_or(target.bucket_count)
}

/// The answer for each run, however the server ordered them.
fn by_run<K: Kind>(answer: &Answer<K>, runs: &[Run]) -> Result<Vec<Option<BucketAnswer<K>>>> {
    let mut answers: Vec<_> = runs.iter().map(|_| None).collect();
    for (place, bucket) in answer.buckets().enumerate() {
        let bucket = bucket.map_err(|error| Error::corrupt(error.to_string()))?;
        if place >= runs.len() {
            return Err(Error::corrupt("more buckets were answered than asked"));
        }
        let is_asked = |run: &Run| {
            run.bucket.partition_id() == bucket.partition_id()
                && run.bucket.bucket_id() == bucket.bucket_id()
        };
        // Servers mostly keep to the order of the request.
        let run = if runs.get(place).is_some_and(is_asked) {
            Some(place)
        } else {
            runs.iter().position(is_asked)
        };
        if let Some(answer) = run.and_then(|run| answers.get_mut(run)) {
            *answer = Some(bucket);
        }
    }
    Ok(answers)
}

/// Gives each bucket's answer to its lookups. The entries are taken from the front as the runs are gone through.
fn deliver<F: Form>(
    shared: &Shared,
    target: &LookupTarget,
    mut entries: impl Iterator<Item = Entry>,
    runs: Vec<Run>,
    answers: Vec<Option<BucketAnswer<F>>>,
) {
    for (run, answer) in runs.into_iter().zip(answers) {
        let waiting = entries.by_ref().take(run.count);
        let Some(answer) = answer else {
            let error = Error::corrupt("the server left a bucket out of its answer");
            waiting.for_each(|entry| entry.fail(error.clone()));
            continue;
        };
        if let Some(error) = answer.error() {
            let waiting = waiting.zip(run.keys);
            on_bucket_error(shared, target, (run.bucket, run.seen), waiting, error);
        } else if answer.len() == run.count {
            F::give(&answer, waiting);
        } else {
            let error = Error::corrupt(format!(
                "{} came for {}",
                Count(answer.len(), "value"),
                Count(run.count, "key")
            ));
            waiting.for_each(|entry| entry.fail(error.clone()));
        }
    }
}

fn on_bucket_error(
    shared: &Shared,
    target: &LookupTarget,
    (bucket, seen): (TableBucket, u64),
    waiting: impl Iterator<Item = (Entry, Bytes)>,
    error: ServerError,
) {
    let fault = judge(error.code);
    debug!(table = %target.path, ?bucket, %error, ?fault, "lookup failed");
    if fault == LookupFault::RefreshAndRetry {
        shared.context.cluster.invalidate_bucket(&bucket, seen);
    }
    let error = Error::from(error);
    for (mut entry, key) in waiting {
        match fault {
            LookupFault::Retry | LookupFault::RefreshAndRetry => {
                entry.key = key;
                shared.retry(entry, error.clone());
            }
            LookupFault::Missing => entry.answer(target.kind.nothing()),
            LookupFault::Fail => entry.fail(error.clone()),
        }
    }
}

/// The request as a whole failed. Reads may be repeated; an insert may have happened, and repeating it finds the row.
fn on_request_failed(
    shared: &Shared,
    mut entries: impl Iterator<Item = Entry>,
    runs: Vec<Run>,
    error: &Error,
) {
    for run in runs {
        let waiting = entries.by_ref().take(run.count);
        if !error.is_retriable() {
            waiting.for_each(|entry| entry.fail(error.clone()));
            continue;
        }
        shared
            .context
            .cluster
            .invalidate_bucket(&run.bucket, run.seen);
        for (mut entry, key) in waiting.zip(run.keys) {
            entry.key = key;
            shared.retry(entry, error.clone());
        }
    }
}
