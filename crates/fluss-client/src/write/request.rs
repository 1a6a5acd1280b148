//! Requests and answers of the write path.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use fluss_metadata::{TableBucket, TablePath};
use fluss_rpc::{Cluster, ClusterView, path_message};
use fluss_wire::api::{ApiKey, ApiRequest};
use fluss_wire::error_code::ServerError;
use fluss_wire::message::{
    InitWriterRequest, PbProduceLogReqForBucket, PbPutKvReqForBucket, ProduceLogRequest,
    ProduceLogResponse, PutKvRequest, PutKvResponse,
};

use super::format::{BatchKind, MergeMode, WriteFormat};
use crate::config::Config;
use crate::engine::write::{Answer, Connection, ServerId, StaleLeader};
use crate::error::{Error, Result};

/// Longest part of a request's time that the server may spend waiting for replicas, so that its answer still comes in
/// time.
const SERVER_SHARE: f64 = 0.8;

/// First version of `PUT_KV` with merge modes. Source: `FlussApi.proto: PutKvRequest.agg_mode`.
const MERGE_MODE_SINCE: i16 = 1;

/// The response to a request.
pub(super) struct Answered {
    /// For each bucket that the server mentioned.
    pub(super) buckets: HashMap<TableBucket, Answer>,
    /// Why there is no response.
    pub(super) error: Option<Failure>,
    /// Generation of the view of the cluster that the request was routed by.
    pub(super) generation: u64,
}

/// Why there is no response.
pub(super) struct Failure {
    pub(super) error: Error,
    /// Whether the request may have reached the server.
    pub(super) sent: bool,
}

/// A batch with its bucket.
pub(super) struct Routed {
    pub(super) bucket: TableBucket,
    /// The number of buckets that it was chosen from.
    pub(super) of_buckets: i32,
    pub(super) records: Bytes,
    pub(super) rows: u32,
    pub(super) sequence: i32,
    /// 1 for the first attempt.
    pub(super) attempt: u32,
}

/// A request with batches.
pub(super) enum Message {
    Log(ProduceLogRequest),
    Kv(PutKvRequest),
}

impl Message {
    pub(super) fn new(format: &WriteFormat, config: &Config, batches: Vec<Routed>) -> Self {
        let acks = config.writer_acks.code();
        let timeout_ms = i32::try_from(config.request_timeout.mul_f64(SERVER_SHARE).as_millis())
            .unwrap_or(i32::MAX);
        let table_id = format.info.table_id();
        match &format.kind {
            BatchKind::Log => Self::Log(ProduceLogRequest {
                acks,
                table_id,
                timeout_ms,
                buckets_req: batches
                    .into_iter()
                    .map(|routed| PbProduceLogReqForBucket {
                        partition_id: routed.bucket.partition_id(),
                        bucket_id: routed.bucket.bucket_id(),
                        records: routed.records,
                        original_partition_name: None,
                        routing_bucket_count: Some(routed.of_buckets),
                    })
                    .collect(),
            }),
            BatchKind::Kv {
                target_columns,
                merge_mode,
            } => Self::Kv(PutKvRequest {
                acks,
                table_id,
                timeout_ms,
                target_columns: target_columns.clone().unwrap_or_default().into(),
                buckets_req: batches
                    .into_iter()
                    .map(|routed| PbPutKvReqForBucket {
                        partition_id: routed.bucket.partition_id(),
                        bucket_id: routed.bucket.bucket_id(),
                        records: routed.records,
                        original_partition_name: None,
                        routing_bucket_count: Some(routed.of_buckets),
                    })
                    .collect(),
                agg_mode: Some(merge_mode.code()),
            }),
        }
    }

    /// Sends it and reads the response. `deadline` is when the last of its batches runs out of time.
    pub(super) async fn send(
        self,
        cluster: Cluster,
        to: Connection,
        now: Instant,
        deadline: Instant,
        config: Arc<Config>,
    ) -> Answered {
        let generation = cluster.view().generation();
        let deadline = deadline.min(now + config.request_timeout);
        let buckets = match self {
            Self::Log(request) => {
                let table = request.table_id;
                call(&cluster, to, &request, deadline)
                    .await
                    .map(|answer| log_answers(table, answer))
            }
            Self::Kv(request) => {
                let table = request.table_id;
                match check_merge_mode(&cluster, to, &request, deadline).await {
                    Ok(()) => call(&cluster, to, &request, deadline)
                        .await
                        .map(|answer| kv_answers(table, answer)),
                    Err(failure) => Err(failure),
                }
            }
        };
        let (buckets, error) = match buckets {
            Ok(buckets) => (buckets, None),
            Err(failure) => (HashMap::new(), Some(failure)),
        };
        Answered {
            buckets,
            error,
            generation,
        }
    }
}

/// A server that does not know merge modes would ignore it, and merge rows that are to be overwritten.
async fn check_merge_mode(
    cluster: &Cluster,
    to: Connection,
    request: &PutKvRequest,
    deadline: Instant,
) -> Result<(), Failure> {
    if request.agg_mode == Some(MergeMode::Default.code()) {
        return Ok(());
    }
    let api = ApiKey::PutKv;
    let version = cluster
        .server_version(to.server, to.lane, api, deadline.into())
        .await
        .map_err(|error| Failure {
            sent: false,
            error: Error::from(error),
        })?;
    if version >= MERGE_MODE_SINCE {
        return Ok(());
    }
    Err(Failure {
        sent: false,
        error: Error::too_old(format!(
            "MergeMode::Overwrite takes {api} of version {MERGE_MODE_SINCE}, it has version {version}"
        )),
    })
}

async fn call<R: ApiRequest>(
    cluster: &Cluster,
    to: Connection,
    request: &R,
    deadline: Instant,
) -> Result<R::Response, Failure> {
    cluster
        .call_server(to.server, to.lane, request, deadline.into())
        .await
        .map_err(|error| Failure {
            sent: !error.was_not_sent(),
            error: Error::from(error),
        })
}

fn log_answers(table: i64, response: ProduceLogResponse) -> HashMap<TableBucket, Answer> {
    let answers = response.buckets_resp.into_iter().map(|part| {
        let bucket = TableBucket::new_with_partition(table, part.partition_id, part.bucket_id);
        let error = ServerError::from_parts(part.error_code, part.error_message);
        (bucket, answer(error, part.base_offset, None))
    });
    answers.collect()
}

fn kv_answers(table: i64, response: PutKvResponse) -> HashMap<TableBucket, Answer> {
    let answers = response.buckets_resp.into_iter().map(|part| {
        let bucket = TableBucket::new_with_partition(table, part.partition_id, part.bucket_id);
        let error = ServerError::from_parts(part.error_code, part.error_message);
        (bucket, answer(error, part.log_end_offset, part.pressure))
    });
    answers.collect()
}

fn answer(error: Option<ServerError>, offset: Option<i64>, pressure: Option<f32>) -> Answer {
    error.map_or(Answer::Written { offset, pressure }, Answer::Refused)
}

/// Asks any tablet server for a writer id. The server checks the permission to write to `tables`.
pub(super) async fn init_writer(
    cluster: Cluster,
    config: Arc<Config>,
    tables: Vec<TablePath>,
) -> Result<i64> {
    let request = InitWriterRequest {
        table_path: tables.iter().map(path_message).collect(),
    };
    let deadline = crate::clock::now() + config.request_timeout;
    let response = cluster
        .call_tablet(&request, deadline.into())
        .await
        .map_err(|error| Error::from(error).during("init_writer"))?;
    Ok(response.writer_id)
}

/// The server that leads a bucket, as far as known.
pub(super) fn leader(view: &ClusterView, bucket: &TableBucket) -> Option<ServerId> {
    view.leader_of(bucket).map(fluss_metadata::ServerNode::id)
}

/// Evicts a leader that the view of generation `seen` named and that no longer leads.
pub(super) fn invalidate(cluster: &Cluster, stale: &StaleLeader, seen: u64) {
    if stale.is_unknown {
        cluster.invalidate_partition(&stale.bucket);
    }
    cluster.invalidate_bucket(&stale.bucket, seen);
}
