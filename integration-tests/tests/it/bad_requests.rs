//! Requests that no client of ours would send: which code a server answers.

use std::time::Duration;

use fluss::metadata::{DataTypes, OffsetSpec, Schema, TableBucket, TablePath};
use fluss_rpc::{Cluster, RpcError};
use fluss_wire::api::ApiRequest;
use fluss_wire::message::{
    CreateDatabaseRequest, CreateTableRequest, FetchLogRequest, LimitScanRequest,
    ListOffsetsRequest, LookupRequest, PbFetchLogReqForBucket, PbFetchLogReqForTable,
    PbLookupReqForBucket, PbPrefixLookupReqForBucket, PbProduceLogReqForBucket,
    PbPutKvReqForBucket, PbTablePath, PrefixLookupRequest, ProduceLogRequest, PutKvRequest,
    RebalanceRequest,
};
use tokio::time::Instant;

use crate::support::{connect, create, database, descriptor, leader_of, raw_cluster};

/// A code of an answer; 0 for success.
fn code<T>(answer: Result<T, RpcError>, within: impl Fn(T) -> Option<i32>) -> i32 {
    match answer {
        Ok(answer) => within(answer).unwrap_or(0),
        Err(error) => match error.server_error() {
            Some(error) => error.code.value(),
            None => panic!("{error}"),
        },
    }
}

/// A log table, a primary-key table, and how to ask their leaders.
struct Tables {
    cluster: Cluster,
    database: String,
    log: (i64, i32),
    keyed: (i64, i32),
}

impl Tables {
    async fn new(test: &str) -> Self {
        let connection = connect().await;
        let database = database(&connection, test).await;
        let mut made = Vec::new();
        for name in ["log", "keyed"] {
            let mut schema = Schema::builder()
                .column("id", DataTypes::int())
                .column("name", DataTypes::string());
            if name == "keyed" {
                schema = schema.primary_key(["id"]);
            }
            let path = TablePath::new(database.as_str(), name);
            let table = create(&connection, &path, &descriptor(schema.build().unwrap(), 1)).await;
            let id = table.get_table_info().table_id();
            // Answered by a leader that knows that it is one.
            let admin = connection.get_admin().await.unwrap();
            let latest = OffsetSpec::Latest;
            admin.list_offsets(&path, &[0], latest).await.unwrap();
            let leader = leader_of(&path, TableBucket::new(id, 0)).await;
            made.push((id, i32::try_from(leader).unwrap()));
        }
        Self {
            cluster: raw_cluster().await,
            database,
            log: made[0],
            keyed: made[1],
        }
    }

    async fn ask<R: ApiRequest>(&self, server: i32, request: R) -> Result<R::Response, RpcError> {
        let deadline = Instant::now() + Duration::from_secs(10);
        self.cluster
            .call_server(server, fluss_rpc::Lane::FIRST, &request, deadline)
            .await
    }
}

pub(crate) async fn bad_reads_are_answered_by_their_codes() {
    let tables = Tables::new("bad_reads").await;
    let (log, leader) = tables.log;
    let (keyed, key_leader) = tables.keyed;
    let fetch = |table_id, fetch_offset| FetchLogRequest {
        follower_server_id: -1,
        max_bytes: 1 << 20,
        tables_req: vec![PbFetchLogReqForTable {
            table_id,
            buckets_req: vec![PbFetchLogReqForBucket {
                fetch_offset,
                max_fetch_bytes: 1 << 20,
                ..PbFetchLogReqForBucket::default()
            }]
            .into(),
            ..PbFetchLogReqForTable::default()
        }]
        .into(),
        ..FetchLogRequest::default()
    };
    let mut found = Vec::new();
    for (name, request) in [
        ("fetch behind the end", fetch(log, 77)),
        ("fetch before the start", fetch(log, -7)),
        ("fetch unknown table", fetch(987_654_321, 0)),
    ] {
        let answer = tables.ask(leader, request).await;
        found.push((
            name,
            code(answer, |answer| {
                answer.tables_resp.first()?.buckets_resp.first()?.error_code
            }),
        ));
    }
    let offsets = |offset_type, start_timestamp| ListOffsetsRequest {
        follower_server_id: -1,
        offset_type,
        table_id: log,
        bucket_id: vec![0].into(),
        start_timestamp,
        ..ListOffsetsRequest::default()
    };
    for (name, request) in [
        ("offsets of an unknown type", offsets(9, None)),
        ("offsets by no time", offsets(2, None)),
        ("offsets by a time to come", offsets(2, Some(i64::MAX))),
        ("offsets by a time before 1970", offsets(2, Some(-1))),
    ] {
        let answer = tables.ask(leader, request).await;
        found.push((
            name,
            code(answer, |answer| answer.buckets_resp.first()?.error_code),
        ));
    }
    let lookup = LookupRequest {
        table_id: log,
        buckets_req: vec![PbLookupReqForBucket {
            keys: vec![b"k".to_vec().into()].into(),
            ..PbLookupReqForBucket::default()
        }]
        .into(),
        ..LookupRequest::default()
    };
    let answer = tables.ask(leader, lookup).await;
    found.push((
        "lookup in a log table",
        code(answer, |answer| answer.buckets_resp.first()?.error_code),
    ));
    let prefix = PrefixLookupRequest {
        table_id: log,
        buckets_req: vec![PbPrefixLookupReqForBucket {
            keys: vec![b"k".to_vec().into()].into(),
            ..PbPrefixLookupReqForBucket::default()
        }]
        .into(),
    };
    let answer = tables.ask(leader, prefix).await;
    found.push((
        "prefix lookup in a log table",
        code(answer, |answer| answer.buckets_resp.first()?.error_code),
    ));
    let scan = |table_id, bucket_id| LimitScanRequest {
        table_id,
        bucket_id,
        limit: 5,
        ..LimitScanRequest::default()
    };
    for (name, request) in [
        ("scan of an unknown table", scan(987_654_321, 0)),
        ("scan of an unknown bucket", scan(keyed, 7)),
    ] {
        let answer = tables.ask(key_leader, request).await;
        found.push((name, code(answer, |answer| answer.error_code)));
    }
    assert_eq!(found, READS);
}

pub(crate) async fn bad_writes_are_answered_by_their_codes() {
    let tables = Tables::new("bad_writes").await;
    let (log, leader) = tables.log;
    let (keyed, key_leader) = tables.keyed;
    let mut found = Vec::new();
    let produce = |acks, table_id, bucket_id, records: &'static [u8]| ProduceLogRequest {
        acks,
        table_id,
        timeout_ms: 1000,
        buckets_req: vec![PbProduceLogReqForBucket {
            bucket_id,
            records: records.into(),
            ..PbProduceLogReqForBucket::default()
        }]
        .into(),
    };
    for (name, request) in [
        ("unknown table", produce(-1, 987_654_321, 0, b"")),
        ("unknown bucket", produce(-1, log, 7, b"")),
        ("unknown acks", produce(5, log, 0, b"")),
    ] {
        let answer = tables.ask(leader, request).await;
        found.push((
            name,
            code(answer, |answer| answer.buckets_resp.first()?.error_code),
        ));
    }
    let put = |acks, table_id, bucket_id| PutKvRequest {
        acks,
        table_id,
        timeout_ms: 1000,
        buckets_req: vec![PbPutKvReqForBucket {
            bucket_id,
            ..PbPutKvReqForBucket::default()
        }]
        .into(),
        ..PutKvRequest::default()
    };
    for (name, request) in [
        ("put into an unknown bucket", put(-1, keyed, 7)),
        ("put with unknown acks", put(5, keyed, 0)),
    ] {
        let answer = tables.ask(key_leader, request).await;
        found.push((
            name,
            code(answer, |answer| answer.buckets_resp.first()?.error_code),
        ));
    }
    assert_eq!(found, WRITES);
}

pub(crate) async fn bad_administration_is_answered_by_its_codes() {
    let tables = Tables::new("bad_admin").await;
    let mut found = Vec::new();
    for (name, text) in [("empty name", ""), ("dots", "a.b"), ("reserved", "__mine")] {
        let request = CreateDatabaseRequest {
            database_name: text.to_owned(),
            ..CreateDatabaseRequest::default()
        };
        let answer = tables.cluster.call_coordinator(&request).await;
        found.push((name, code(answer, |_| None)));
    }
    let table = |name: &str, json: &'static [u8]| CreateTableRequest {
        table_path: PbTablePath {
            database_name: tables.database.clone(),
            table_name: name.to_owned(),
        },
        table_json: json.into(),
        ignore_if_exists: false,
    };
    for (name, request) in [
        ("table without a name", table("", b"{}")),
        ("table without a definition", table("t", b"")),
        ("table that is no JSON", table("t", b"nothing")),
        ("table of an empty definition", table("t", b"{}")),
    ] {
        let answer = tables.cluster.call_coordinator(&request).await;
        found.push((name, code(answer, |_| None)));
    }
    let goal = RebalanceRequest {
        goals: vec![77].into(),
    };
    let answer = tables.cluster.call_coordinator(&goal).await;
    found.push(("unknown goal", code(answer, |_| None)));
    assert_eq!(found, ADMINISTRATION);
}

/// Seen on a server of release 0.9.1, as those below.
const READS: [(&str, i32); 11] = [
    ("fetch behind the end", 19),
    ("fetch before the start", 19),
    ("fetch unknown table", 21),
    ("offsets of an unknown type", -1),
    ("offsets by no time", -1),
    ("offsets by a time to come", 38),
    ("offsets by a time before 1970", -1),
    ("lookup in a log table", 20),
    ("prefix lookup in a log table", 20),
    ("scan of an unknown table", 21),
    ("scan of an unknown bucket", 21),
];
const WRITES: [(&str, i32); 5] = [
    ("unknown table", 21),
    ("unknown bucket", 21),
    ("unknown acks", 18),
    ("put into an unknown bucket", 21),
    ("put with unknown acks", 18),
];
const ADMINISTRATION: [(&str, i32); 8] = [
    ("empty name", 16),
    ("dots", 16),
    ("reserved", 16),
    ("table without a name", 15),
    ("table without a definition", 15),
    ("table that is no JSON", 15),
    ("table of an empty definition", 15),
    ("unknown goal", -1),
];
