//! One lookup request: packed by bucket, sent, and its answer given to those who wait.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use fluss_metadata::TableBucket;
use fluss_metadata::text::Count;
use fluss_wire::Repeated;
use fluss_wire::api::ApiRequest;
use fluss_wire::codec::ResponseBody;
use fluss_wire::error_code::ServerError;
use fluss_wire::lookup::{
    Answer, BucketAnswer, Kind, LookupAnswer, PointValue, PrefixLookupAnswer, PrefixValue,
};
use fluss_wire::message::{
    LookupRequest, PbLookupReqForBucket, PbPrefixLookupReqForBucket, PrefixLookupRequest,
};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, debug, debug_span};

use super::Shared;
use super::entry::{Entry, LookupKind, LookupTarget, Values};
use crate::engine::lookup::{LookupFault, judge};
use crate::error::{Error, Result};

/// What a server answered, by run; none where it left the bucket out.
enum Answers {
    Points(Vec<Option<BucketAnswer<PointValue>>>),
    Prefixes(Vec<Option<BucketAnswer<PrefixValue>>>),
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
pub(super) async fn run(shared: &Arc<Shared>, server: i32, slot: usize, mut entries: Vec<Entry>) {
    let Some(first) = entries.first() else {
        return;
    };
    let target = Arc::clone(&first.target);
    let now = Instant::now();
    let soonest = entries.iter().map(|entry| entry.deadline).min();
    let deadline = now + shared.config.request_timeout;
    let deadline = soonest.map_or(deadline, |soonest| soonest.min(deadline));
    entries.sort_unstable_by_key(|entry| entry.bucket);
    let mut runs = runs(&mut entries);
    shared.metrics.on_request(entries.len());
    let span = debug_span!(
        "lookup_request",
        server,
        table = %target.path,
        buckets = runs.len(),
        bucket = %runs.first().map_or(TableBucket::new(target.table_id, 0), |run| run.bucket),
        keys = entries.len(),
        attempt = entries.iter().map(|entry| entry.attempts).max().unwrap_or(0) + 1
    );
    let answer = match target.kind {
        LookupKind::Point | LookupKind::InsertIfNotExists => {
            let request = point_request(shared, &target, &mut runs);
            let answer = call(shared, server, slot, &request, deadline)
                .instrument(span)
                .await
                .and_then(|answer: LookupAnswer| by_run(&answer, &runs))
                .map(Answers::Points);
            runs.iter_mut()
                .zip(request.buckets_req)
                .for_each(|(run, sent)| run.keys = sent.keys);
            answer
        }
        LookupKind::Prefix => {
            let request = prefix_request(shared, &target, &mut runs);
            let answer = call(shared, server, slot, &request, deadline)
                .instrument(span)
                .await
                .and_then(|answer: PrefixLookupAnswer| by_run(&answer, &runs))
                .map(Answers::Prefixes);
            runs.iter_mut()
                .zip(request.buckets_req)
                .for_each(|(run, sent)| run.keys = sent.keys);
            answer
        }
    };
    shared
        .metrics
        .latency
        .record(now.elapsed().as_secs_f64() * 1e3);
    let entries = entries.into_iter();
    match answer {
        Ok(Answers::Points(answers)) => {
            deliver(
                shared,
                &target,
                entries,
                runs,
                answers,
                |waiting, answer| {
                    waiting
                        .zip(answer.values())
                        .for_each(|(entry, value)| entry.answer(Values::One(value)));
                },
            );
        }
        Ok(Answers::Prefixes(answers)) => {
            deliver(
                shared,
                &target,
                entries,
                runs,
                answers,
                |waiting, answer| {
                    waiting
                        .zip(answer.values())
                        .for_each(|(entry, values)| entry.answer(Values::Many(values.collect())));
                },
            );
        }
        Err(error) => {
            debug!(server, table = %target.path, %error, "lookup request failed");
            on_request_failed(shared, entries, runs, &error);
        }
    }
}

/// Calls, dialling first where that is needed, until the deadline.
async fn call<R: ApiRequest, A: ResponseBody>(
    shared: &Shared,
    server: i32,
    slot: usize,
    request: &R,
    deadline: Instant,
) -> Result<A> {
    match timeout_at(
        deadline,
        shared
            .cluster
            .call_server_as(server, slot, request, deadline),
    )
    .await
    {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Error::timeout(
            format!("connecting to server {server}"),
            shared.config.request_timeout,
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

fn point_request(shared: &Shared, target: &LookupTarget, runs: &mut [Run]) -> LookupRequest {
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
        acks: inserts.then(|| shared.config.writer_acks.code()),
        timeout_ms: inserts.then(|| shared.config.request_timeout.as_millis() as i32),
    }
}

fn prefix_request(shared: &Shared, target: &LookupTarget, runs: &mut [Run]) -> PrefixLookupRequest {
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

/// How many buckets there are where a key was hashed to one of them.
fn bucket_count(shared: &Shared, target: &LookupTarget, bucket: &TableBucket) -> i32 {
    let partition = bucket.partition_id();
    let told = partition.and_then(|_| {
        shared
            .cluster
            .view()
            .bucket_count(target.table_id, partition)
    });
    told.unwrap_or(target.bucket_count)
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
        if let Some(slot) = run.and_then(|run| answers.get_mut(run)) {
            *slot = Some(bucket);
        }
    }
    Ok(answers)
}

/// Gives each bucket's answer to its lookups. The entries are taken from the front as the runs are gone through.
fn deliver<K: Kind>(
    shared: &Shared,
    target: &LookupTarget,
    mut entries: impl Iterator<Item = Entry>,
    runs: Vec<Run>,
    answers: Vec<Option<BucketAnswer<K>>>,
    give: impl Fn(&mut dyn Iterator<Item = Entry>, &BucketAnswer<K>),
) {
    for (run, answer) in runs.into_iter().zip(answers) {
        let mut waiting = entries.by_ref().take(run.count);
        let Some(answer) = answer else {
            let error = Error::corrupt("the server left a bucket out of its answer");
            waiting.for_each(|entry| entry.fail(error.clone()));
            continue;
        };
        if let Some(error) = answer.error() {
            let waiting = waiting.zip(run.keys);
            on_bucket_error(shared, target, (run.bucket, run.seen), waiting, error);
        } else if answer.len() == run.count {
            give(&mut waiting, &answer);
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
        shared.cluster.invalidate_bucket(&bucket, seen);
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
        shared.cluster.invalidate_bucket(&run.bucket, run.seen);
        for (mut entry, key) in waiting.zip(run.keys) {
            entry.key = key;
            shared.retry(entry, error.clone());
        }
    }
}
