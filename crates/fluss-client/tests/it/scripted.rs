//! A cluster of two scripted servers inside the process: it answers what a client needs to get going, until told to misbehave.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use fluss_client::transport::{Dialer, Transport};
use fluss_metadata::{DataTypes, Schema, TableDescriptor};
use fluss_wire::api::{ApiKey, ServerRole, TABLE};
use fluss_wire::codec::{self, WireMessage};
use fluss_wire::frame::{FrameDecoder, RequestFrame, decode_request, encode_success};
use fluss_wire::message::{
    ApiVersionsResponse, FetchLogRequest, FetchLogResponse, GetTableInfoResponse,
    InitWriterResponse, ListDatabasesResponse, MetadataRequest, MetadataResponse, PbApiVersion,
    PbBucketMetadata, PbFetchLogRespForBucket, PbFetchLogRespForTable, PbServerNode,
    PbTableMetadata,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Duration, sleep};

pub(crate) const TABLE_ID: i64 = 7;
const COORDINATOR: i32 = 1;
const TABLET_SERVER: i32 = 2;
const HOST: &str = "127.0.0.1";

/// What a server does instead of answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misbehavior {
    /// Says nothing, and keeps the connection open.
    Silent,
    /// Sends half of a frame, then nothing.
    HalfFrame,
    /// Sends a frame that is too short to be an answer.
    ShortFrame,
    /// Announces a frame of 2 GiB.
    HugeLength,
    /// Answers with bytes that are no message.
    JunkMessage,
    /// Answers a request that nobody made.
    WrongRequestId,
    /// Closes in the middle of an answer.
    ClosedInMidAnswer,
}

impl Misbehavior {
    pub(crate) const ALL: [Self; 7] = [
        Self::Silent,
        Self::HalfFrame,
        Self::ShortFrame,
        Self::HugeLength,
        Self::JunkMessage,
        Self::WrongRequestId,
        Self::ClosedInMidAnswer,
    ];
}

/// Which API is answered badly, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub api: ApiKey,
    pub misbehavior: Misbehavior,
}

/// Two servers: a coordinator, and a tablet server that leads the one bucket of the one table. Their ports are their types.
#[derive(Debug, Clone)]
pub(crate) struct ScriptedCluster(Arc<Script>);

#[derive(Debug)]
struct Script {
    primary_key: bool,
    fault: Option<Fault>,
}

impl ScriptedCluster {
    pub(crate) fn new(primary_key: bool, fault: Option<Fault>) -> Self {
        Self(Arc::new(Script { primary_key, fault }))
    }

    pub(crate) fn bootstrap_server() -> String {
        format!("{HOST}:{COORDINATOR}")
    }
}

impl Dialer for ScriptedCluster {
    fn dial<'a>(
        &'a self,
        _host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Box<dyn Transport>>> + Send + 'a>> {
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            tokio::spawn(serve(theirs, i32::from(port), Arc::clone(&self.0)));
            Ok(Box::new(ours) as Box<dyn Transport>)
        })
    }
}

async fn serve(mut socket: DuplexStream, server_type: i32, script: Arc<Script>) {
    let mut decoder = FrameDecoder::new(1 << 20);
    let mut received = BytesMut::new();
    loop {
        while let Some(frame) = decoder.decode(&mut received).unwrap() {
            let request = decode_request(frame).unwrap();
            let answer = script.answer(server_type, &request).await;
            let fault = script
                .fault
                .filter(|fault| fault.api.code() == request.api_key);
            if !send(&mut socket, &request, answer, fault).await {
                return;
            }
        }
        if !matches!(socket.read_buf(&mut received).await, Ok(1..)) {
            return;
        }
    }
}

/// Sends the answer, or what the fault makes of it. Returns whether the connection goes on.
async fn send(
    socket: &mut DuplexStream,
    request: &RequestFrame,
    answer: Bytes,
    fault: Option<Fault>,
) -> bool {
    let success = |id: i32, body: &[u8]| {
        let mut frame = ((5 + body.len()) as u32).to_be_bytes().to_vec();
        frame.push(0);
        frame.extend_from_slice(&id.to_be_bytes());
        frame.extend_from_slice(body);
        frame
    };
    let half = &answer[..answer.len().div_ceil(2).max(3)];
    let (bytes, goes_on) = match fault.map(|fault| fault.misbehavior) {
        None => (answer.to_vec(), true),
        Some(Misbehavior::Silent) => (Vec::new(), true),
        Some(Misbehavior::HalfFrame) => (half.to_vec(), true),
        Some(Misbehavior::ShortFrame) => (vec![0, 0, 0, 3, 0, 0, 0], true),
        Some(Misbehavior::HugeLength) => {
            let mut frame = vec![0x7f, 0xff, 0xff, 0xff, 0];
            frame.extend_from_slice(&request.request_id.to_be_bytes());
            (frame, true)
        }
        Some(Misbehavior::JunkMessage) => (success(request.request_id, &[0xff; 40]), true),
        Some(Misbehavior::WrongRequestId) => (success(request.request_id ^ 0x4000_0000, &[]), true),
        Some(Misbehavior::ClosedInMidAnswer) => (half.to_vec(), false),
    };
    socket.write_all(&bytes).await.is_ok() && goes_on
}

impl Script {
    /// A right answer, as a whole frame.
    async fn answer(&self, server_type: i32, request: &RequestFrame) -> Bytes {
        let id = request.request_id;
        match ApiKey::from_code(request.api_key).unwrap() {
            ApiKey::ApiVersions => success(id, &api_versions(server_type)),
            ApiKey::GetMetadata => {
                let asked: MetadataRequest = codec::decode(request.body.clone()).unwrap();
                success(id, &Self::metadata(&asked))
            }
            ApiKey::GetTableInfo => success(
                id,
                &GetTableInfoResponse {
                    table_id: TABLE_ID,
                    schema_id: 1,
                    table_json: Bytes::from(descriptor(self.primary_key).to_json()),
                    ..GetTableInfoResponse::default()
                },
            ),
            ApiKey::ListDatabases => success(id, &ListDatabasesResponse::default()),
            ApiKey::InitWriter => success(id, &InitWriterResponse { writer_id: 1 }),
            ApiKey::FetchLog => {
                let asked: FetchLogRequest = codec::decode(request.body.clone()).unwrap();
                sleep(Duration::from_millis(100)).await;
                success(id, &nothing_new(&asked))
            }
            // An answer without a single bucket: wrong too, but these APIs are only asked where their answer is spoiled.
            ApiKey::ProduceLog | ApiKey::PutKv | ApiKey::Lookup => {
                encode_success(id, &FetchLogResponse::default())
                    .unwrap()
                    .into_bytes()
            }
            other => panic!("the script has no answer to {other}"),
        }
    }

    fn metadata(asked: &MetadataRequest) -> MetadataResponse {
        let node = |node_id, port| PbServerNode {
            node_id,
            host: HOST.to_owned(),
            port,
            ..PbServerNode::default()
        };
        MetadataResponse {
            coordinator_server: Some(node(0, COORDINATOR)),
            tablet_servers: vec![node(1, TABLET_SERVER)].into(),
            table_metadata: asked
                .table_path
                .iter()
                .map(|path| PbTableMetadata {
                    table_path: path.clone(),
                    table_id: TABLE_ID,
                    schema_id: 1,
                    bucket_metadata: vec![PbBucketMetadata {
                        bucket_id: 0,
                        leader_id: Some(1),
                        replica_id: vec![1].into(),
                        ..PbBucketMetadata::default()
                    }]
                    .into(),
                    ..PbTableMetadata::default()
                })
                .collect(),
            partition_metadata: Vec::new().into(),
        }
    }
}

fn success<M: WireMessage>(id: i32, message: &M) -> Bytes {
    encode_success(id, message).unwrap().into_bytes()
}

fn api_versions(server_type: i32) -> ApiVersionsResponse {
    let serves = |role: ServerRole| match role {
        ServerRole::Coordinator => server_type == COORDINATOR,
        ServerRole::Tablet => server_type == TABLET_SERVER,
        ServerRole::Both => true,
    };
    ApiVersionsResponse {
        api_versions: TABLE
            .iter()
            .filter(|entry| serves(entry.server))
            .filter_map(|entry| {
                entry.versions_in_0_9_1.map(|versions| PbApiVersion {
                    api_key: i32::from(entry.key.code()),
                    min_version: i32::from(versions.min),
                    max_version: i32::from(versions.max),
                })
            })
            .collect(),
        server_type: Some(server_type),
    }
}

fn nothing_new(asked: &FetchLogRequest) -> FetchLogResponse {
    FetchLogResponse {
        tables_resp: asked
            .tables_req
            .iter()
            .map(|table| PbFetchLogRespForTable {
                table_id: table.table_id,
                buckets_resp: table
                    .buckets_req
                    .iter()
                    .map(|bucket| PbFetchLogRespForBucket {
                        bucket_id: bucket.bucket_id,
                        high_watermark: Some(0),
                        records: Some(Bytes::new()),
                        ..PbFetchLogRespForBucket::default()
                    })
                    .collect(),
            })
            .collect(),
    }
}

/// The one table: an id and a name, in one bucket.
fn descriptor(primary_key: bool) -> TableDescriptor {
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string());
    let schema = if primary_key {
        schema.primary_key(vec!["id"])
    } else {
        schema
    };
    TableDescriptor::builder()
        .schema(schema.build().unwrap())
        .bucket_count(1)
        .build()
        .unwrap()
}
