//! One fetch: the request, what its answer means for each bucket, and the decoding of what it brought.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use fluss_rpc::Lane;
use fluss_wire::api::{ApiKey, ApiRequest};
use fluss_wire::error_code::ServerError;
use fluss_wire::message::{
    FetchLogRequest, FetchLogResponse, PbFetchLogReqForBucket, PbFetchLogReqForTable,
    PbFetchLogRespForBucket, PbRemoteLogFetchInfo,
};
use fluss_wire::{Segments, codec};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span, debug, debug_span};

use super::decode::{Batches, Begins, split};
use super::deliver::{Decode, decode};
use super::projection::Source;
use super::routing::{NO_REPLICA, routing_bucket_count};
use super::shared::Shared;
use crate::engine::scan::{
    Answer, FetchBucket, FetchEnd, FetchFault, FetchKind, FetchPlan, OffsetReset, RemoteCursor,
    RemoteSegment, StartOffset, judge,
};
use crate::error::{Error, Result};

/// A fetch that was answered, or failed.
pub(super) struct Asked {
    plan: FetchPlan,
    /// Generation of the view that named the leaders.
    seen: u64,
    answer: Result<Fetched>,
}

/// Fetches, and hands over what came.
pub(super) async fn run(shared: &Shared, plan: FetchPlan, seen: u64) {
    let mut unfinished = Unfinished::new(shared, &plan);
    let answer = ask(shared, &plan).await;
    unfinished.armed = false;
    drop(unfinished);
    take_in(shared, Asked { plan, seen, answer }).await;
}

/// Fetches for a watch.
pub(super) async fn watch(shared: &Shared, plan: FetchPlan, seen: u64) -> Asked {
    let answer = ask(shared, &plan).await;
    Asked { plan, seen, answer }
}

/// Takes in what was fetched for a watch, if it is nothing; else gives it back for [`take_in`].
pub(super) fn on_watched(shared: &Shared, asked: Asked) -> Option<Asked> {
    if !matches!(asked.answer, Ok(Fetched::Same)) {
        return Some(asked);
    }
    let now = Instant::now().into_std();
    shared
        .engine()
        .on_fetch_end(&asked.plan, FetchEnd::Same, now);
    None
}

/// Hands over what came, and decodes it.
pub(super) async fn take_in(shared: &Shared, asked: Asked) {
    let Asked { plan, seen, answer } = asked;
    let mut unfinished = Unfinished::new(shared, &plan);
    let (end, work) = match answer {
        Ok(Fetched::Same) => (FetchEnd::Same, Vec::new()),
        Ok(Fetched::Answer(response, bytes)) => {
            let work = sort_answers(shared, &plan, seen, response);
            // A copy, as the answer lies in memory that holds others too.
            let nothing = if work.is_empty() {
                Bytes::copy_from_slice(&bytes)
            } else {
                Bytes::new()
            };
            (FetchEnd::Answer(nothing), work)
        }
        Err(error) => {
            on_request_failed(shared, &plan, seen, &error);
            (FetchEnd::Failed, Vec::new())
        }
    };
    shared
        .engine()
        .on_fetch_end(&plan, end, Instant::now().into_std());
    // The buckets' next requests need their positions only: they go out while this answer is decoded.
    shared.work.notify_one();
    for item in work {
        decode(shared, item).await;
    }
    unfinished.armed = false;
}

async fn ask(shared: &Shared, plan: &FetchPlan) -> Result<Fetched> {
    let asked = Instant::now();
    let span = span(shared, plan);
    let answer = call(shared, plan).instrument(span).await;
    if answer.is_ok() {
        let took = asked.elapsed().as_secs_f64() * 1e3;
        shared.metrics.fetch_latency.record(took);
    }
    answer
}

fn span(shared: &Shared, plan: &FetchPlan) -> Span {
    let buckets = || {
        let ids = plan.buckets.iter().map(|fetch| fetch.bucket.bucket_id());
        ids.collect::<Vec<_>>()
    };
    debug_span!(
        "fetch",
        server = plan.server,
        table = %shared.projection().table().table_path(),
        bucket = ?buckets(),
        max_bytes = plan.max_bytes,
        attempt = 1 + plan.buckets.first().map_or(0, |fetch| shared.engine().failures(&fetch.bucket)),
    )
}

/// Fails the buckets of a request whose task panics, so that no bucket waits forever.
struct Unfinished<'a> {
    shared: &'a Shared,
    plan: &'a FetchPlan,
    armed: bool,
}

impl<'a> Unfinished<'a> {
    fn new(shared: &'a Shared, plan: &'a FetchPlan) -> Self {
        Self {
            shared,
            plan,
            armed: true,
        }
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if self.armed {
            for fetch in self.plan.buckets.iter() {
                self.shared
                    .engine()
                    .fail(&fetch.bucket, Error::closed("the scanner's task"));
            }
            let now = Instant::now().into_std();
            self.shared
                .engine()
                .on_fetch_end(self.plan, FetchEnd::Failed, now);
            self.shared.data.notify_one();
        }
    }
}

/// What a server answered.
enum Fetched {
    /// What it answered the last time, when there was nothing.
    Same,
    /// This message. Its bytes too if there may be nothing in it and the same be asked again; else they are empty.
    Answer(FetchLogResponse, Bytes),
}

async fn call(shared: &Shared, plan: &FetchPlan) -> Result<Fetched> {
    let config = &shared.context().config;
    shared.metrics.fetch_requests.increment(1);
    let wait = match plan.kind {
        FetchKind::Held(wait) => wait,
        FetchKind::Immediate => Duration::ZERO,
    };
    let deadline = Instant::now() + config.request_timeout + wait;
    let cluster = &shared.context().cluster;
    let lane = lane(shared, plan);
    let call = async {
        let Some(watch) = &plan.watch else {
            let request = request(shared, plan);
            let answer = cluster.call_server(plan.server, lane, &request, deadline);
            return Ok(Fetched::Answer(answer.await?, Bytes::new()));
        };
        let encoded = watch.message.get_or_init(|| {
            let mut message = Segments::new();
            request(shared, plan).encode_body(&mut message);
            message.into_bytes()
        });
        let mut message = Segments::new();
        message.push(encoded.clone());
        if let FetchKind::Held(wait) = plan.kind {
            put_wait(message.tail_mut(), wait, config.scanner_fetch_min_bytes);
        }
        let answer =
            cluster.call_server_encoded(plan.server, lane, ApiKey::FetchLog, message, deadline);
        let answer = answer.await?;
        if !watch.nothing.is_empty() && watch.nothing == answer {
            return Ok(Fetched::Same);
        }
        let response: FetchLogResponse = codec::decode(answer.clone())
            .map_err(|error| Error::corrupt(format!("the answer of a fetch: {error}")))?;
        Ok(Fetched::Answer(response, answer))
    };
    match timeout_at(deadline, call).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::timeout(
            format!("connecting to server {}", plan.server),
            config.request_timeout + wait,
        )),
    }
}

/// Appends how long the server may hold a request, and for how many bytes. Source: `FlussApi.proto: FetchLogRequest`,
/// fields 4 and 5.
fn put_wait(message: &mut BytesMut, wait: Duration, min_bytes: usize) {
    let millis = usize::try_from(wait.as_millis()).unwrap_or(usize::MAX);
    for (field, value) in [(4_u8, millis), (5, min_bytes)] {
        message.put_u8(field << 3);
        let mut value = clamp_i32(value).unsigned_abs();
        while value >= 0x80 {
            message.put_u8((value | 0x80) as u8);
            value >>= 7;
        }
        message.put_u8(value as u8);
    }
}

fn request(shared: &Shared, plan: &FetchPlan) -> FetchLogRequest {
    let table = shared.projection().table();
    let pushed = shared.projection().pushed().filter(|_| !plan.unprojected);
    FetchLogRequest {
        follower_server_id: NO_REPLICA,
        max_bytes: clamp_i32(plan.max_bytes),
        tables_req: vec![PbFetchLogReqForTable {
            table_id: table.table_id(),
            projection_pushdown_enabled: pushed.is_some(),
            projected_fields: pushed
                .unwrap_or_default()
                .iter()
                .map(|column| *column as i32)
                .collect(),
            buckets_req: plan
                .buckets
                .iter()
                .map(|bucket| bucket_request(shared, bucket))
                .collect(),
            filter_predicate: None,
            filter_schema_id: None,
        }]
        .into(),
        max_wait_ms: None,
        min_bytes: None,
        read_preference: shared.context().config.scanner_read_preference.code(),
    }
}

/// A fetch takes the lane of its first bucket.
fn lane(shared: &Shared, plan: &FetchPlan) -> Lane {
    let count = shared.context().config.connections_per_server;
    plan.buckets
        .first()
        .map_or(Lane::FIRST, |first| Lane::for_bucket(&first.bucket, count))
}

fn bucket_request(shared: &Shared, fetch: &FetchBucket) -> PbFetchLogReqForBucket {
    PbFetchLogReqForBucket {
        partition_id: fetch.bucket.partition_id(),
        bucket_id: fetch.bucket.bucket_id(),
        fetch_offset: fetch.offset,
        max_fetch_bytes: clamp_i32(fetch.max_bytes),
        routing_bucket_count: Some(routing_bucket_count(
            shared.context(),
            shared.projection().table(),
            &fetch.bucket,
        )),
    }
}

pub(super) fn clamp_i32(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}

/// Passes the response for each bucket to the engine, and returns what must be decoded.
fn sort_answers(
    shared: &Shared,
    plan: &FetchPlan,
    seen: u64,
    response: FetchLogResponse,
) -> Vec<Decode> {
    let table = shared.projection().table().table_id();
    let mut answers: HashMap<(Option<i64>, i32), PbFetchLogRespForBucket> = response
        .tables_resp
        .into_iter()
        .filter(|answered| answered.table_id == table)
        .flat_map(|answered| answered.buckets_resp)
        .map(|answer| ((answer.partition_id, answer.bucket_id), answer))
        .collect();
    let bytes: usize = answers
        .values()
        .map(|answer| answer.records.as_ref().map_or(0, Bytes::len))
        .sum();
    shared.metrics.bytes_per_request.record(bytes as f64);
    let now = Instant::now().into_std();
    let mut work = Vec::new();
    for fetch in plan.buckets.iter() {
        let received = answers.remove(&(fetch.bucket.partition_id(), fetch.bucket.bucket_id()));
        let (answer, batches) = match received {
            Some(received) => match understand(shared, plan, seen, fetch, received) {
                (
                    Answer::Records {
                        bytes: 0,
                        high_watermark: Some(mark),
                        filtered_end: None,
                        ..
                    },
                    _,
                ) if bytes > 0 && plan.watch.is_none() && (0..mark).contains(&fetch.offset) => {
                    let high_watermark = Some(mark);
                    (Answer::PassedOver { high_watermark }, None)
                }
                understood => understood,
            },
            None => (
                shared.retry(
                    &fetch.bucket,
                    Error::corrupt("the server left the bucket out of its answer"),
                ),
                None,
            ),
        };
        let nothing = matches!(
            answer,
            Answer::Records {
                bytes: 0,
                filtered_end: None,
                ..
            }
        );
        let mut engine = shared.engine();
        let ticket = engine.on_answer(&fetch.bucket, fetch.generation, answer, now);
        // An error may be what a poll waits for.
        let tell = ticket.is_none() && (!nothing || engine.has_failed(&fetch.bucket));
        if let (Some(ticket), Some(batches)) = (ticket, batches) {
            let wanted = batches.admitted(&mut engine, &fetch.bucket, fetch.offset);
            drop(engine);
            let projected = shared.projection().pushed().is_some() && !plan.unprojected;
            let source = if projected {
                Source::Projected
            } else {
                Source::Whole
            };
            work.push(Decode {
                bucket: fetch.bucket,
                ticket,
                from: wanted.from,
                batches: wanted.batches,
                broken: wanted.broken,
                source,
            });
        } else {
            drop(engine);
            if tell {
                shared.data.notify_one();
            }
        }
    }
    work
}

/// What an answer for a bucket says.
fn understand(
    shared: &Shared,
    plan: &FetchPlan,
    seen: u64,
    fetch: &FetchBucket,
    received: PbFetchLogRespForBucket,
) -> (Answer, Option<Batches>) {
    if let Some(error) = ServerError::from_parts(received.error_code, received.error_message) {
        return (on_bucket_error(shared, plan, seen, fetch, &error), None);
    }
    if let Some(info) = received.remote_log_fetch_info {
        return (
            remote_cursor(info).map_or_else(Answer::Failed, Answer::Remote),
            None,
        );
    }
    let records = received.records.unwrap_or_default();
    let bytes = records.len();
    let mut batches = split(&records, fetch.offset, Begins::At);
    if let Some(broken) = batches.broken.take_if(|_| batches.whole.is_empty()) {
        return (Answer::Failed(broken.error), None);
    }
    let reaches_too_far = received
        .high_watermark
        .zip(batches.next_offset)
        .is_some_and(|(mark, next)| next > mark);
    if fetch.offset < 0 && reaches_too_far {
        // No checksum covers the offsets of a batch. Asked where the log begins, the server says whether these are
        // right.
        return (Answer::Reset(StartOffset::EarliestResolved), None);
    }
    let answer = Answer::Records {
        bytes,
        next_offset: batches.next_offset,
        largest_batch: batches.largest,
        high_watermark: received.high_watermark,
        filtered_end: received.filtered_end_offset,
        current_schema: batches
            .last_schema_id
            .is_some_and(|id| id >= shared.projection().table().schema_id()),
    };
    (answer, Some(batches))
}

fn on_bucket_error(
    shared: &Shared,
    plan: &FetchPlan,
    seen: u64,
    fetch: &FetchBucket,
    error: &ServerError,
) -> Answer {
    let projected = shared.projection().pushed().is_some() && !plan.unprojected;
    let fault = judge(error.code, projected, shared.reset);
    debug!(bucket = ?fetch.bucket, offset = fetch.offset, server = plan.server, %error, ?fault, "fetch failed");
    // After the first line, which is what messages show.
    let summary = error.summary();
    let asked = format!("{summary} (asked for offset {})", fetch.offset);
    let text = error.text().replacen(summary, &asked, 1);
    let error = Error::from(ServerError::new(error.code, text));
    match fault {
        FetchFault::Retry => shared.retry(&fetch.bucket, error),
        FetchFault::RefreshAndRetry => {
            shared
                .context()
                .cluster
                .invalidate_bucket(&fetch.bucket, seen);
            shared.retry(&fetch.bucket, error)
        }
        FetchFault::Unproject => Answer::Unproject,
        FetchFault::Reset(OffsetReset::Earliest) => Answer::Reset(StartOffset::EarliestResolved),
        FetchFault::Reset(OffsetReset::Latest) => Answer::Reset(StartOffset::Latest),
        FetchFault::Reset(OffsetReset::Error) | FetchFault::Fail => Answer::Failed(error),
    }
}

/// The whole request failed: retry every bucket after a pause, with its current leader. Fetches have no side effects.
fn on_request_failed(shared: &Shared, plan: &FetchPlan, seen: u64, error: &Error) {
    debug!(server = plan.server, %error, "fetch request failed");
    let now = Instant::now().into_std();
    for fetch in plan.buckets.iter() {
        let answer = if error.is_retriable() {
            shared
                .context()
                .cluster
                .invalidate_bucket(&fetch.bucket, seen);
            shared.retry(&fetch.bucket, error.clone())
        } else {
            Answer::Failed(error.clone())
        };
        shared
            .engine()
            .on_answer(&fetch.bucket, fetch.generation, answer, now);
    }
    shared.data.notify_one();
}

fn remote_cursor(info: PbRemoteLogFetchInfo) -> Result<RemoteCursor> {
    let segments: Vec<_> = info
        .remote_log_segments
        .into_iter()
        .map(|segment| {
            let size = u64::try_from(segment.segment_size_in_bytes).unwrap_or(0);
            RemoteSegment {
                id: segment.remote_log_segment_id,
                start_offset: segment.remote_log_start_offset,
                end_offset: segment.remote_log_end_offset,
                size,
            }
        })
        .collect();
    if segments.is_empty() {
        return Err(Error::corrupt(
            "the server points to remote segments and names none",
        ));
    }
    let position = u64::try_from(info.first_start_pos.unwrap_or(0)).unwrap_or(0);
    Ok(RemoteCursor {
        dir: info.remote_log_tablet_dir,
        segments: segments.into(),
        position,
    })
}
