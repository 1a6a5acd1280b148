//! Writing and reading: logs, offsets, rows.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use fluss_metadata::{
    ArrowCompression, DataTypes, KvFormat, LogFormat, Schema, TableDescriptorBuilder, TablePath,
};
use fluss_mock::{MockCluster, MockClusterBuilder, Release};
use fluss_row::kv::{KvBatchBuilder, ValueBatch, split_value};
use fluss_row::log::{ArrowLogBatchBuilder, LogBatches, ReadContext};
use fluss_row::{Datum, GenericRow, RowDecoder, RowEncoder};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::frame::Response;
use fluss_wire::message::{
    FetchLogRequest, GetTableInfoRequest, InitWriterRequest, LimitScanRequest,
    ListDatabasesRequest, ListOffsetsRequest, LookupRequest, PbFetchLogReqForBucket,
    PbFetchLogReqForTable, PbFetchLogRespForBucket, PbLookupReqForBucket,
    PbPrefixLookupReqForBucket, PbProduceLogReqForBucket, PbProduceLogRespForBucket,
    PbPutKvReqForBucket, PbPutKvRespForBucket, PrefixLookupRequest, ProduceLogRequest,
    PutKvRequest,
};
use tokio::time::Instant;

use crate::client::{Client, cluster, create, descriptor, path};

fn schema() -> Schema {
    descriptor(false).build().unwrap().schema().clone()
}

fn row(id: i32, name: Option<&str>) -> GenericRow<'_> {
    GenericRow::from_data(vec![Datum::from(id), Datum::from(name)])
}

/// One row, from this writer.
fn log_batch(id: i32, name: &str, writer: i64, sequence: i32) -> Bytes {
    let schema = schema();
    let compression = ArrowCompression::zstd(3).unwrap();
    let mut batch = ArrowLogBatchBuilder::new(schema.row_type(), 1, compression).unwrap();
    batch.append(&row(id, Some(name))).unwrap();
    batch.build().unwrap().stamp(writer, sequence)
}

async fn table(coordinator: &mut Client, name: &str, descriptor: TableDescriptorBuilder) -> i64 {
    coordinator.call(create(name, descriptor)).await.unwrap();
    let request = GetTableInfoRequest {
        table_path: path(name),
    };
    coordinator.call(request).await.unwrap().table_id
}

async fn produce(tablet: &mut Client, table_id: i64, records: Bytes) -> PbProduceLogRespForBucket {
    let bucket = PbProduceLogReqForBucket {
        records,
        ..PbProduceLogReqForBucket::default()
    };
    let request = ProduceLogRequest {
        acks: -1,
        table_id,
        timeout_ms: 1000,
        buckets_req: vec![bucket].into(),
    };
    tablet
        .call(request)
        .await
        .unwrap()
        .buckets_resp
        .into_vec()
        .remove(0)
}

fn fetch(table_id: i64, fetch_offset: i64, projected_fields: &[i32]) -> FetchLogRequest {
    FetchLogRequest {
        follower_server_id: -1,
        max_bytes: 1 << 20,
        tables_req: vec![PbFetchLogReqForTable {
            table_id,
            projection_pushdown_enabled: !projected_fields.is_empty(),
            projected_fields: projected_fields.to_vec().into(),
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
    }
}

async fn fetched(tablet: &mut Client, request: FetchLogRequest) -> PbFetchLogRespForBucket {
    let answer = tablet.call(request).await.unwrap();
    answer
        .tables_resp
        .into_vec()
        .remove(0)
        .buckets_resp
        .into_vec()
        .remove(0)
}

/// Offset, change type and values of each record, as `0 +A 1 a`.
fn records(records: Option<Bytes>, positions: &[usize]) -> Vec<String> {
    let mut context = ReadContext::new(LogFormat::Arrow, schema().row_type()).unwrap();
    if !positions.is_empty() {
        context = context.projected(positions).unwrap();
    }
    let mut found = Vec::new();
    for batch in LogBatches::new(records.unwrap_or_default()) {
        let batch = batch.unwrap().read(&context).unwrap();
        for (index, row) in batch.rows().enumerate() {
            let offset = batch.base_offset() + index as i64;
            let change = batch.change_type(index).short_string();
            let name = match positions {
                [1] => row.get_string(0).to_owned(),
                _ if row.is_null_at(1) => format!("{} null", row.get_int(0)),
                _ => format!("{} {}", row.get_int(0), row.get_string(1)),
            };
            found.push(format!("{offset} {change} {name}"));
        }
    }
    found
}

#[tokio::test]
async fn what_is_appended_is_fetched_with_its_offsets() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    let id = table(&mut coordinator, "events", descriptor(false)).await;
    for (offset, name) in (0..).zip(["a", "b", "c"]) {
        let answer = produce(&mut tablet, id, log_batch(offset, name, -1, -1)).await;
        assert_eq!(
            (answer.error_code, answer.base_offset),
            (None, Some(i64::from(offset)))
        );
    }
    let all = fetched(&mut tablet, fetch(id, -2, &[])).await;
    assert_eq!(all.high_watermark, Some(3));
    assert_eq!(
        records(all.records, &[]),
        ["0 +A 0 a", "1 +A 1 b", "2 +A 2 c"]
    );
    let projected = fetched(&mut tablet, fetch(id, 1, &[1])).await;
    assert_eq!(records(projected.records, &[1]), ["1 +A b", "2 +A c"]);

    for (request, expected) in [
        (
            fetch(id, 4, &[]),
            ErrorCode::LOG_OFFSET_OUT_OF_RANGE_EXCEPTION,
        ),
        (fetch(id, 0, &[1, 0]), ErrorCode::INVALID_COLUMN_PROJECTION),
        (fetch(id, 0, &[2]), ErrorCode::INVALID_COLUMN_PROJECTION),
        (
            fetch(id + 1, 0, &[]),
            ErrorCode::UNKNOWN_TABLE_OR_BUCKET_EXCEPTION,
        ),
    ] {
        let answer = fetched(&mut tablet, request.clone()).await;
        assert_eq!(answer.error_code, Some(expected.value()), "{request:?}");
    }
}

/// How long a fetch was held for `wait`, into which a row fell after a second, on a cluster as the builder makes it.
async fn held(builder: MockClusterBuilder, replicas: u16, wait: Duration) -> Duration {
    let builder = builder.tablet_servers(replicas).in_memory();
    let cluster = builder.start().await.unwrap();
    let network = cluster.network();
    let dial = async |address: SocketAddr| {
        let host = address.ip().to_string();
        Client::over(network.dial(&host, address.port()).await.unwrap())
    };
    let mut coordinator = dial(cluster.coordinator()).await;
    let descriptor = descriptor(false).property("table.replication.factor", replicas.to_string());
    let id = table(&mut coordinator, "events", descriptor).await;
    let bucket = cluster
        .bucket(&TablePath::new("fluss", "events"), 0)
        .unwrap();
    let leader = usize::try_from(cluster.leader(&bucket).unwrap()).unwrap();
    let mut tablet = dial(cluster.tablet_servers()[leader]).await;
    let mut other = dial(cluster.tablet_servers()[leader]).await;
    let mut request = fetch(id, 0, &[]);
    request.min_bytes = Some(1);
    request.max_wait_ms = Some(wait.as_millis() as i32);
    let began = Instant::now();
    let waiting = tokio::spawn(async move { fetched(&mut tablet, request).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!waiting.is_finished());
    produce(&mut other, id, log_batch(7, "new", -1, -1)).await;
    let answer = waiting.await.unwrap();
    assert_eq!(records(answer.records, &[]), ["0 +A 7 new"]);
    began.elapsed()
}

/// `Replica#appendRecordsToLeader` leaves the fetches that wait alone; a follower's fetch completes them.
#[tokio::test(start_paused = true)]
async fn a_row_ends_a_fetch_that_waits_where_followers_fetch_it_and_else_is_in_the_answer_when_the_wait_is_over()
 {
    let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
    for release in [Release::V0_9_1, Release::V1_0] {
        let builder = || MockCluster::builder().release(release);
        assert_eq!(held(builder(), 1, minute).await, minute);
        assert_eq!(held(builder(), 3, minute).await, second);
        assert_eq!(held(builder().wakes_all_fetches(), 1, minute).await, second);
    }
}

#[tokio::test]
async fn a_fetch_that_waits_lets_later_requests_pass_and_ends_without_rows() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    let id = table(&mut coordinator, "events", descriptor(false)).await;
    let mut request = fetch(id, 0, &[]);
    request.min_bytes = Some(1);
    request.max_wait_ms = Some(20);
    let nothing = fetched(&mut tablet, request.clone()).await;
    assert_eq!(records(nothing.records, &[]), Vec::<String>::new());

    request.max_wait_ms = Some(60_000);
    tablet.send(0, &request).await;
    let later = tablet.send(0, &ListDatabasesRequest::default()).await;
    let Response::Success { request_id, .. } = tablet.receive().await else {
        panic!("an error");
    };
    assert_eq!(request_id, later);
}

#[tokio::test]
async fn a_batch_that_comes_again_is_found_among_the_last_five_and_gaps_are_refused() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    let id = table(&mut coordinator, "events", descriptor(false)).await;
    let writer = tablet
        .call(InitWriterRequest::default())
        .await
        .unwrap()
        .writer_id;
    let next = tablet
        .call(InitWriterRequest::default())
        .await
        .unwrap()
        .writer_id;
    assert_ne!(writer, next);
    let out_of_order = Some(ErrorCode::OUT_OF_ORDER_SEQUENCE_EXCEPTION.value());
    for (sequence, expected) in [
        (1, Err(out_of_order)),
        (0, Ok(Some(0))),
        (1, Ok(Some(1))),
        (1, Ok(Some(1))),
        (3, Err(out_of_order)),
        (2, Ok(Some(2))),
        (3, Ok(Some(3))),
        (4, Ok(Some(4))),
        (5, Ok(Some(5))),
        (1, Ok(Some(1))),
        (0, Err(out_of_order)),
    ] {
        let answer = produce(&mut tablet, id, log_batch(sequence, "x", writer, sequence)).await;
        let got = match answer.error_code {
            None => Ok(answer.base_offset),
            code => Err(code),
        };
        assert_eq!(got, expected, "sequence {sequence}");
    }
    assert_eq!(
        fetched(&mut tablet, fetch(id, 0, &[])).await.high_watermark,
        Some(6)
    );
}

#[tokio::test]
async fn bad_writes_get_the_codes_of_the_servers_and_leave_nothing() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    let id = table(&mut coordinator, "events", descriptor(false)).await;
    let mut flipped = log_batch(1, "x", -1, -1).to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    let corrupt = Some(ErrorCode::CORRUPT_RECORD_EXCEPTION.value());
    assert_eq!(
        produce(&mut tablet, id, flipped.into()).await.error_code,
        corrupt
    );
    let request = ProduceLogRequest {
        acks: 2,
        table_id: id,
        timeout_ms: 1000,
        buckets_req: Vec::new().into(),
    };
    assert_eq!(tablet.code(request).await, ErrorCode::INVALID_REQUIRED_ACKS);
    assert_eq!(
        fetched(&mut tablet, fetch(id, 0, &[])).await.high_watermark,
        Some(0)
    );
    let not_kv = lookup(&mut tablet, id, &[1]).await.unwrap_err();
    assert_eq!(not_kv, ErrorCode::NON_PRIMARY_KEY_TABLE_EXCEPTION);
}

#[tokio::test]
async fn offsets_are_found_by_kind_and_by_time() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    let id = table(&mut coordinator, "events", descriptor(false)).await;
    produce(&mut tablet, id, log_batch(1, "a", -1, -1)).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    produce(&mut tablet, id, log_batch(2, "b", -1, -1)).await;
    let all = fetched(&mut tablet, fetch(id, 0, &[]))
        .await
        .records
        .unwrap();
    let times = LogBatches::new(all).map(|batch| batch.unwrap().header().commit_timestamp());
    let times = times.collect::<Vec<_>>();
    assert!(times[0] < times[1]);
    let invalid = Err(ErrorCode::INVALID_TIMESTAMP_EXCEPTION.value());
    for (offset_type, start_timestamp, expected) in [
        (0, None, Ok(0)),
        (1, None, Ok(2)),
        (2, Some(0), Ok(0)),
        (2, Some(times[0] + 1), Ok(1)),
        (2, Some(times[1]), Ok(1)),
        (2, Some(times[1] + 3_600_000), invalid),
    ] {
        let request = ListOffsetsRequest {
            follower_server_id: -1,
            offset_type,
            table_id: id,
            bucket_id: vec![0].into(),
            start_timestamp,
            ..ListOffsetsRequest::default()
        };
        let answer = tablet
            .call(request)
            .await
            .unwrap()
            .buckets_resp
            .into_vec()
            .remove(0);
        let got = answer
            .error_code
            .map_or_else(|| Ok(answer.offset.unwrap()), Err);
        assert_eq!(got, expected, "{offset_type} {start_timestamp:?}");
    }
}

/// A row with a name that may be null, or none at all: a delete.
#[expect(clippy::option_option, reason = "no row, and a row with a null")]
async fn put(
    tablet: &mut Client,
    table_id: i64,
    target_columns: &[i32],
    changes: &[(i32, Option<Option<&str>>)],
) -> PbPutKvRespForBucket {
    let encoder = RowEncoder::new(KvFormat::Compacted, pk_schema().row_type()).unwrap();
    let mut batch = KvBatchBuilder::new(1).unwrap();
    for (id, name) in changes {
        let bytes = name.map(|name| {
            let mut bytes = Vec::new();
            encoder.encode(&row(*id, name), &mut bytes).unwrap();
            bytes
        });
        batch.append(&[*id as u8], bytes.as_deref()).unwrap();
    }
    let bucket = PbPutKvReqForBucket {
        records: batch.seal().stamp(-1, -1),
        ..PbPutKvReqForBucket::default()
    };
    let request = PutKvRequest {
        acks: -1,
        table_id,
        timeout_ms: 1000,
        target_columns: target_columns.to_vec().into(),
        buckets_req: vec![bucket].into(),
        agg_mode: None,
    };
    tablet
        .call(request)
        .await
        .unwrap()
        .buckets_resp
        .into_vec()
        .remove(0)
}

fn pk_schema() -> Schema {
    descriptor(true).build().unwrap().schema().clone()
}

fn name_of(value: &Bytes) -> String {
    let decoder = RowDecoder::new(KvFormat::Compacted, pk_schema().row_type()).unwrap();
    let row = decoder
        .decode(split_value(value.clone()).unwrap().row)
        .unwrap();
    let name = row.try_get::<Option<&str>>(1).unwrap().unwrap_or("null");
    format!("{} {name}", row.get_int(0))
}

async fn lookup(
    tablet: &mut Client,
    table_id: i64,
    ids: &[u8],
) -> Result<Vec<Option<String>>, ErrorCode> {
    let bucket = PbLookupReqForBucket {
        keys: ids
            .iter()
            .map(|id| Bytes::copy_from_slice(&[*id]))
            .collect(),
        ..PbLookupReqForBucket::default()
    };
    let request = LookupRequest {
        table_id,
        buckets_req: vec![bucket].into(),
        ..LookupRequest::default()
    };
    let answer = tablet
        .call(request)
        .await
        .unwrap()
        .buckets_resp
        .into_vec()
        .remove(0);
    match answer.error_code {
        Some(code) => Err(ErrorCode::new(code)),
        None => Ok(answer
            .values
            .iter()
            .map(|value| value.values.as_ref().map(name_of))
            .collect()),
    }
}

#[tokio::test]
async fn rows_are_upserted_and_deleted_and_the_changelog_tells_how() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    let id = table(&mut coordinator, "people", descriptor(true)).await;
    let first = put(
        &mut tablet,
        id,
        &[],
        &[
            (1, Some(Some("a"))),
            (2, Some(Some("b"))),
            (1, Some(Some("c"))),
        ],
    )
    .await;
    assert_eq!((first.error_code, first.log_end_offset), (None, Some(4)));
    let found = lookup(&mut tablet, id, &[2, 9, 1]).await.unwrap();
    assert_eq!(
        found,
        [Some("2 b".to_owned()), None, Some("1 c".to_owned())]
    );
    assert_eq!(
        put(&mut tablet, id, &[], &[(2, None), (9, None)])
            .await
            .log_end_offset,
        Some(5)
    );
    // Nothing changes, and yet an offset goes.
    assert_eq!(
        put(&mut tablet, id, &[], &[(9, None)]).await.log_end_offset,
        Some(6)
    );
    assert_eq!(
        put(&mut tablet, id, &[], &[(3, Some(None))])
            .await
            .log_end_offset,
        Some(7)
    );
    let log = fetched(&mut tablet, fetch(id, 0, &[])).await.records;
    assert_eq!(
        records(log, &[]),
        [
            "0 +I 1 a",
            "1 +I 2 b",
            "2 -U 1 a",
            "3 +U 1 c",
            "4 -D 2 b",
            "6 +I 3 null"
        ]
    );
    let projected = fetched(&mut tablet, fetch(id, 3, &[1])).await;
    let batches = LogBatches::new(projected.records.unwrap());
    let counts = batches.map(|batch| batch.unwrap().header().record_count());
    assert_eq!(
        counts.collect::<Vec<_>>(),
        [4, 1, 0, 1],
        "projected, the empty one as well"
    );

    let request = LimitScanRequest {
        table_id: id,
        limit: 1,
        ..LimitScanRequest::default()
    };
    let scanned = tablet.call(request).await.unwrap();
    assert_eq!(scanned.is_log_table, Some(false));
    let batch = ValueBatch::parse(scanned.records.unwrap()).unwrap();
    assert_eq!(batch.record_count(), 1);

    let request = PrefixLookupRequest {
        table_id: id,
        buckets_req: vec![PbPrefixLookupReqForBucket {
            keys: vec![Bytes::from_static(&[1]), Bytes::from_static(&[8])].into(),
            ..PbPrefixLookupReqForBucket::default()
        }]
        .into(),
    };
    let answer = tablet
        .call(request)
        .await
        .unwrap()
        .buckets_resp
        .into_vec()
        .remove(0);
    let lists = answer
        .value_lists
        .iter()
        .map(|list| list.values.iter().map(name_of).collect());
    assert_eq!(
        lists.collect::<Vec<Vec<_>>>(),
        [vec!["1 c".to_owned()], vec![]]
    );
}

#[tokio::test]
async fn deletes_follow_the_table_and_engines_keep_what_they_should() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    let disabled = descriptor(true).property("table.delete.behavior", "disable");
    let id = table(&mut coordinator, "disabled", disabled).await;
    let refused = put(&mut tablet, id, &[], &[(1, Some(Some("a"))), (1, None)]).await;
    assert_eq!(
        refused.error_code,
        Some(ErrorCode::DELETION_DISABLED_EXCEPTION.value())
    );
    assert_eq!(
        lookup(&mut tablet, id, &[1]).await.unwrap(),
        [None],
        "all or nothing"
    );

    let first = descriptor(true).property("table.merge-engine", "first_row");
    let id = table(&mut coordinator, "first", first).await;
    put(
        &mut tablet,
        id,
        &[],
        &[(1, Some(Some("a"))), (1, Some(Some("b"))), (1, None)],
    )
    .await;
    assert_eq!(
        lookup(&mut tablet, id, &[1]).await.unwrap(),
        [Some("1 a".to_owned())]
    );
    let partial = put(&mut tablet, id, &[0], &[(1, Some(Some("c")))]).await;
    assert_eq!(
        partial.error_code,
        Some(ErrorCode::UNKNOWN_SERVER_ERROR.value())
    );
}

#[tokio::test]
async fn partial_updates_leave_the_other_columns_and_partial_deletes_the_key() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    let id = table(&mut coordinator, "people", descriptor(true)).await;
    put(&mut tablet, id, &[], &[(1, Some(Some("a")))]).await;
    let only_key = put(
        &mut tablet,
        id,
        &[0],
        &[(1, Some(Some("ignored"))), (2, Some(Some("ignored")))],
    )
    .await;
    assert_eq!(only_key.error_code, None);
    let both = lookup(&mut tablet, id, &[1, 2]).await.unwrap();
    assert_eq!(both, [Some("1 a".to_owned()), Some("2 null".to_owned())]);
    let without_key = put(&mut tablet, id, &[1], &[(1, Some(Some("x")))]).await;
    assert_eq!(
        without_key.error_code,
        Some(ErrorCode::INVALID_TARGET_COLUMN.value())
    );
    // All columns beside the targets are null or none: the row goes.
    put(&mut tablet, id, &[0, 1], &[(1, None)]).await;
    assert_eq!(lookup(&mut tablet, id, &[1]).await.unwrap(), [None]);
}

#[tokio::test]
async fn the_versioned_engine_keeps_the_newer_row() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("version", DataTypes::bigint())
        .primary_key(["id"])
        .build()
        .unwrap();
    let encoder = RowEncoder::new(KvFormat::Compacted, schema.row_type()).unwrap();
    let versioned = fluss_metadata::TableDescriptor::builder()
        .schema(schema)
        .property("table.merge-engine", "versioned")
        .property("table.merge-engine.versioned.ver-column", "version");
    let id = table(&mut coordinator, "versioned", versioned).await;
    for (version, log_end) in [(5_i64, 1), (4, 2), (5, 4), (6, 6)] {
        let mut batch = KvBatchBuilder::new(1).unwrap();
        let mut bytes = Vec::new();
        let row = GenericRow::from_data(vec![Datum::from(1), Datum::from(version)]);
        encoder.encode(&row, &mut bytes).unwrap();
        batch.append(&[1], Some(&bytes)).unwrap();
        let request = PutKvRequest {
            acks: -1,
            table_id: id,
            timeout_ms: 1000,
            buckets_req: vec![PbPutKvReqForBucket {
                records: batch.seal().stamp(-1, -1),
                ..PbPutKvReqForBucket::default()
            }]
            .into(),
            ..PutKvRequest::default()
        };
        let answer = tablet
            .call(request)
            .await
            .unwrap()
            .buckets_resp
            .into_vec()
            .remove(0);
        assert_eq!(answer.log_end_offset, Some(log_end), "version {version}");
    }
}
