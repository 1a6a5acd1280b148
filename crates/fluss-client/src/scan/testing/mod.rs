//! A server in memory that speaks real frames, for tests of scanners and lookups: scripted where a test wants a fault, sensible
//! otherwise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod log;

pub(crate) use log::BucketLog;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fluss_metadata::{TableDescriptor, TablePath};
use fluss_row::GenericRow;
use fluss_row::log::ArrowLogBatchBuilder;
use fluss_rpc::{Dialer, Transport};
use fluss_wire::api::{ApiKey, TABLE};
use fluss_wire::codec;
use fluss_wire::error_code::ServerError;
use fluss_wire::frame::{FrameDecoder, decode_request, encode_error, encode_success};
use fluss_wire::message::{
    ApiVersionsResponse, FetchLogRequest, FetchLogResponse, GetTableInfoResponse,
    ListOffsetsRequest, ListOffsetsResponse, LookupRequest, LookupResponse, MetadataRequest,
    MetadataResponse, PbApiVersion, PbBucketMetadata, PbFetchLogRespForBucket,
    PbFetchLogRespForTable, PbListOffsetsRespForBucket, PbLookupRespForBucket, PbServerNode,
    PbTableMetadata, PbValue,
};
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};

use crate::config::{Config, DriverPlacement};
use crate::connection::FlussConnection;
use crate::table::FlussTable;

/// The id of the table that the server has.
pub(crate) const TABLE_ID: i64 = 42;

/// A whole frame to send, or none: the server stays silent.
pub(crate) type Reply = Option<Bytes>;
type Script = dyn Fn(&Request) -> Option<Pin<Box<dyn Future<Output = Reply> + Send>>> + Send + Sync;

/// A request as a script sees it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) api: ApiKey,
    pub(crate) id: i32,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn message<M: codec::WireMessage>(&self) -> M {
        codec::decode(self.body.clone()).unwrap()
    }
}

/// A server with one table.
pub(crate) struct MemoryServer {
    pub(crate) descriptor: TableDescriptor,
    pub(crate) logs: Mutex<HashMap<i32, BucketLog>>,
    /// Values of a primary-key table by encoded key, whatever the bucket.
    pub(crate) values: Mutex<HashMap<Bytes, Bytes>>,
    /// Requests in the order in which they came.
    pub(crate) seen: Mutex<Vec<Request>>,
    /// Whether it offers what release 1.0 does, and not only what 0.9.1 does.
    newer: AtomicBool,
    grown: Notify,
    script: Mutex<Option<Arc<Script>>>,
}

impl MemoryServer {
    pub(crate) fn new(descriptor: TableDescriptor) -> Arc<Self> {
        let buckets = descriptor.bucket_count().unwrap_or(1);
        let logs = (0..buckets)
            .map(|bucket| (bucket, BucketLog::default()))
            .collect();
        Arc::new(Self {
            descriptor,
            logs: Mutex::new(logs),
            values: Mutex::default(),
            seen: Mutex::default(),
            newer: AtomicBool::new(false),
            grown: Notify::new(),
            script: Mutex::default(),
        })
    }

    /// Offers from now on what release 1.0 does.
    pub(crate) fn become_newer(&self) {
        self.newer.store(true, Ordering::Relaxed);
    }

    /// Answers requests first by `script`; those for which it returns `None` are answered sensibly.
    pub(crate) fn script<F>(&self, script: impl Fn(&Request) -> Option<F> + Send + Sync + 'static)
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let script: Arc<Script> = Arc::new(move |request| {
            script(request)
                .map(|reply| Box::pin(reply) as Pin<Box<dyn Future<Output = Reply> + Send>>)
        });
        *self.script.lock().unwrap() = Some(script);
    }

    pub(crate) fn no_script(&self) {
        *self.script.lock().unwrap() = None;
    }

    /// Changes a bucket's log, and wakes the fetches that wait for it.
    pub(crate) fn with_log<T>(&self, bucket: i32, change: impl FnOnce(&mut BucketLog) -> T) -> T {
        let changed = change(self.logs.lock().unwrap().get_mut(&bucket).unwrap());
        self.grown.notify_waiters();
        changed
    }

    /// How many requests of an API came.
    pub(crate) fn count(&self, api: ApiKey) -> usize {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .filter(|request| request.api == api)
            .count()
    }

    /// Serves one connection until it is closed.
    pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Send + 'static>(
        self: Arc<Self>,
        stream: S,
    ) {
        let (mut read, mut write) = tokio::io::split(stream);
        let (replies, mut to_write) = mpsc::channel::<Bytes>(64);
        tokio::spawn(async move {
            while let Some(reply) = to_write.recv().await {
                if write.write_all(&reply).await.is_err() {
                    break;
                }
            }
        });
        let mut decoder = FrameDecoder::new(1 << 27);
        let mut buffer = BytesMut::new();
        loop {
            while let Some(frame) = decoder.decode(&mut buffer).unwrap() {
                let frame = decode_request(frame).unwrap();
                let request = Request {
                    api: ApiKey::from_code(frame.api_key).unwrap(),
                    id: frame.request_id,
                    body: frame.body,
                };
                self.seen.lock().unwrap().push(request.clone());
                let (server, replies) = (Arc::clone(&self), replies.clone());
                tokio::spawn(async move {
                    if let Some(reply) = server.answer(request).await {
                        let _ = replies.send(reply).await;
                    }
                });
            }
            if read.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        }
    }

    async fn answer(self: Arc<Self>, request: Request) -> Reply {
        let script = self.script.lock().unwrap().clone();
        if let Some(reply) = script.and_then(|script| script(&request)) {
            return reply.await;
        }
        match request.api {
            ApiKey::ApiVersions => ok(&request, &versions(self.newer.load(Ordering::Relaxed))),
            ApiKey::GetMetadata => ok(&request, &self.metadata(&request.message())),
            ApiKey::GetTableInfo => ok(&request, &self.table_info()),
            ApiKey::FetchLog => {
                let reply = self.fetch(request.message()).await;
                ok(&request, &reply)
            }
            ApiKey::ListOffsets => ok(&request, &self.offsets(&request.message())),
            ApiKey::Lookup => ok(&request, &self.look_up(request.message())),
            _ => None,
        }
    }

    fn offsets(&self, request: &ListOffsetsRequest) -> ListOffsetsResponse {
        let logs = self.logs.lock().unwrap();
        let offset = |bucket: &i32| {
            if request.offset_type == 0 {
                logs[bucket].start
            } else {
                logs[bucket].end_offset()
            }
        };
        let buckets_resp = request
            .bucket_id
            .iter()
            .map(|bucket| PbListOffsetsRespForBucket {
                bucket_id: *bucket,
                offset: Some(offset(bucket)),
                ..PbListOffsetsRespForBucket::default()
            })
            .collect();
        ListOffsetsResponse { buckets_resp }
    }

    fn look_up(&self, request: LookupRequest) -> LookupResponse {
        let values = self.values.lock().unwrap();
        let buckets_resp = request
            .buckets_req
            .into_vec()
            .into_iter()
            .rev()
            .map(|asked| PbLookupRespForBucket {
                bucket_id: asked.bucket_id,
                values: asked
                    .keys
                    .iter()
                    .map(|key| PbValue {
                        values: values.get(key).cloned(),
                    })
                    .collect(),
                ..PbLookupRespForBucket::default()
            })
            .collect();
        LookupResponse { buckets_resp }
    }

    fn metadata(&self, request: &MetadataRequest) -> MetadataResponse {
        let node = |id, kind_port| PbServerNode {
            node_id: id,
            host: "memory".into(),
            port: kind_port,
            ..PbServerNode::default()
        };
        let buckets = self.logs.lock().unwrap().len() as i32;
        MetadataResponse {
            coordinator_server: Some(node(0, 1)),
            tablet_servers: vec![node(1, 2)].into(),
            table_metadata: request
                .table_path
                .iter()
                .map(|path| PbTableMetadata {
                    table_path: path.clone(),
                    table_id: TABLE_ID,
                    schema_id: 1,
                    table_json: Bytes::from(self.descriptor.to_json()),
                    bucket_metadata: (0..buckets)
                        .map(|bucket_id| PbBucketMetadata {
                            bucket_id,
                            leader_id: Some(1),
                            ..PbBucketMetadata::default()
                        })
                        .collect(),
                    ..PbTableMetadata::default()
                })
                .collect(),
            ..MetadataResponse::default()
        }
    }

    fn table_info(&self) -> GetTableInfoResponse {
        GetTableInfoResponse {
            table_id: TABLE_ID,
            schema_id: 1,
            table_json: Bytes::from(self.descriptor.to_json()),
            ..GetTableInfoResponse::default()
        }
    }

    /// As a server does it: raw slices, cut anywhere, but the first batch of the first bucket with data whole; held back while there is
    /// less than wanted.
    async fn fetch(&self, request: FetchLogRequest) -> FetchLogResponse {
        let held = request.min_bytes.map(|_| {
            Duration::from_millis(u64::try_from(request.max_wait_ms.unwrap_or(100)).unwrap())
        });
        let wait = tokio::time::sleep(held.unwrap_or_default());
        tokio::pin!(wait);
        loop {
            let grown = self.grown.notified();
            let response = self.read(&request);
            let found = response
                .tables_resp
                .first()
                .unwrap()
                .buckets_resp
                .iter()
                .any(|bucket| {
                    bucket.error_code.is_some()
                        || bucket.records.as_ref().is_some_and(|r| !r.is_empty())
                });
            if found || held.is_none() || wait.is_elapsed() {
                return response;
            }
            tokio::select! {
                () = grown => {}
                () = &mut wait => {}
            }
        }
    }

    fn read(&self, request: &FetchLogRequest) -> FetchLogResponse {
        let table = request.tables_req.first().unwrap();
        let logs = self.logs.lock().unwrap();
        let mut left = request.max_bytes as usize;
        let mut first = true;
        let buckets_resp = table
            .buckets_req
            .iter()
            .map(|asked| {
                let log = &logs[&asked.bucket_id];
                if table.projection_pushdown_enabled {
                    // As a server does it with batches that are older than the column.
                    return PbFetchLogRespForBucket {
                        bucket_id: asked.bucket_id,
                        error_code: Some(34),
                        ..PbFetchLogRespForBucket::default()
                    };
                }
                let mut reply = PbFetchLogRespForBucket {
                    bucket_id: asked.bucket_id,
                    high_watermark: Some(log.end_offset()),
                    ..PbFetchLogRespForBucket::default()
                };
                match log.read(
                    asked.fetch_offset,
                    (asked.max_fetch_bytes as usize).min(left),
                    first,
                ) {
                    Ok(records) => {
                        first &= records.is_empty();
                        left = left.saturating_sub(records.len());
                        reply.records = Some(records);
                    }
                    Err(code) => reply.error_code = Some(code),
                }
                reply
            })
            .collect();
        FetchLogResponse {
            tables_resp: vec![PbFetchLogRespForTable {
                table_id: table.table_id,
                buckets_resp,
            }]
            .into(),
        }
    }
}

/// A dialer to one server in memory.
#[derive(Clone)]
struct ToMemory(Arc<MemoryServer>);

impl fmt::Debug for ToMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ToMemory")
    }
}

impl Dialer for ToMemory {
    fn dial<'a>(
        &'a self,
        _host: &'a str,
        _port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn Transport>>> {
        let (client, server) = tokio::io::duplex(1 << 20);
        tokio::spawn(Arc::clone(&self.0).serve(server));
        Box::pin(async move { Ok(Box::new(client) as Box<dyn Transport>) })
    }
}

/// The table of the server, over a connection whose tasks run here.
pub(crate) async fn open_table(
    server: &Arc<MemoryServer>,
    change: impl FnOnce(&mut Config),
) -> FlussTable {
    let mut config = Config {
        driver_placement: DriverPlacement::CallerRuntime,
        ..Config::default()
    };
    change(&mut config);
    let connection = FlussConnection::with_dialer(config, Arc::new(ToMemory(Arc::clone(server))))
        .await
        .unwrap();
    connection
        .get_table(&TablePath::new("db", "t"))
        .await
        .unwrap()
}

/// A batch of the log as a writer sends it.
pub(crate) fn batch_of(
    descriptor: &TableDescriptor,
    rows: impl IntoIterator<Item = GenericRow<'static>>,
) -> Bytes {
    let row_type = descriptor.schema().row_type();
    let mut builder =
        ArrowLogBatchBuilder::new(row_type, 1, descriptor.arrow_compression().unwrap()).unwrap();
    for row in rows {
        builder.append(&row).unwrap();
    }
    builder.build().unwrap().stamp(1, 0)
}

/// A frame with an answer.
#[expect(clippy::unnecessary_wraps, reason = "a reply may be none")]
pub(crate) fn ok<M: codec::WireMessage>(request: &Request, message: &M) -> Reply {
    Some(encode_success(request.id, message).unwrap().into_bytes())
}

/// A frame with an error.
#[expect(clippy::unnecessary_wraps, reason = "a reply may be none")]
pub(crate) fn refused(request: &Request, code: i32) -> Reply {
    Some(
        encode_error(request.id, &ServerError::new(code.into(), "scripted"))
            .unwrap()
            .into_bytes(),
    )
}

/// What a server of release 0.9.1 offers, or one of 1.0.
pub(crate) fn versions(newer: bool) -> ApiVersionsResponse {
    let api_versions = TABLE
        .iter()
        .filter_map(|entry| {
            let newer = newer.then_some(entry.versions);
            let versions = newer.or(entry.versions_in_0_9_1)?;
            Some(PbApiVersion {
                api_key: i32::from(entry.key.code()),
                min_version: i32::from(versions.min),
                max_version: i32::from(versions.max),
            })
        })
        .collect();
    ApiVersionsResponse {
        api_versions,
        server_type: None,
    }
}
