//! Partitions that are missing, against a server in memory, in paused time.
#![allow(clippy::unwrap_used, reason = "test code")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use fluss_metadata::{DataTypes, Schema, TableDescriptor};
use fluss_row::GenericRow;
use fluss_wire::api::ApiKey;
use fluss_wire::message::{
    CreatePartitionRequest, CreatePartitionResponse, InitWriterResponse, MetadataRequest,
    MetadataResponse, PbBucketMetadata, PbPartitionMetadata, PbProduceLogRespForBucket,
    PbServerNode, ProduceLogRequest, ProduceLogResponse,
};
use tokio::time::Instant;

use crate::error::ErrorKind;
use crate::scan::testing::{MemoryServer, Reply, Request, TABLE_ID, ok, open_table, refused};
use crate::table::FlussTable;

/// How long it takes to make a partition.
const MAKING: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
struct Partitions {
    ids: BTreeMap<String, i64>,
    /// Names that were asked to be made, in order.
    asked: Vec<String>,
}

fn node(id: i32, port: i32) -> PbServerNode {
    PbServerNode {
        node_id: id,
        host: "memory".into(),
        port,
        ..PbServerNode::default()
    }
}

/// Answers what concerns partitions; one whose name starts with `bad` cannot be made.
fn answer(request: &Request, partitions: &mut Partitions) -> Option<(Duration, Reply)> {
    let at_once = |reply| Some((Duration::ZERO, reply));
    match request.api {
        ApiKey::InitWriter => at_once(ok(request, &InitWriterResponse { writer_id: 1 })),
        ApiKey::CreatePartition => {
            let message: CreatePartitionRequest = request.message();
            let name = message
                .partition_spec
                .partition_key_values
                .first()
                .unwrap()
                .value
                .clone();
            partitions.asked.push(name.clone());
            if name.starts_with("bad") {
                return Some((MAKING, refused(request, 48)));
            }
            let next = 10 + partitions.ids.len() as i64;
            partitions.ids.entry(name).or_insert(next);
            Some((MAKING, ok(request, &CreatePartitionResponse {})))
        }
        ApiKey::GetMetadata => {
            let message: MetadataRequest = request.message();
            let mut found = Vec::new();
            for path in &message.partitions_path {
                let name = path.partition_name.clone().unwrap();
                let Some(id) = partitions.ids.get(&name) else {
                    return at_once(refused(request, 36));
                };
                found.push((name, *id));
            }
            if found.is_empty() {
                return None;
            }
            let partition_metadata = found
                .into_iter()
                .map(|(partition_name, partition_id)| PbPartitionMetadata {
                    table_id: TABLE_ID,
                    partition_name,
                    partition_id,
                    bucket_metadata: vec![PbBucketMetadata {
                        bucket_id: 0,
                        leader_id: Some(1),
                        ..PbBucketMetadata::default()
                    }]
                    .into(),
                    ..PbPartitionMetadata::default()
                })
                .collect();
            at_once(ok(
                request,
                &MetadataResponse {
                    coordinator_server: Some(node(0, 1)),
                    tablet_servers: vec![node(1, 2)].into(),
                    partition_metadata,
                    ..MetadataResponse::default()
                },
            ))
        }
        ApiKey::ProduceLog => {
            let message: ProduceLogRequest = request.message();
            let buckets_resp = message
                .buckets_req
                .iter()
                .map(|part| PbProduceLogRespForBucket {
                    bucket_id: part.bucket_id,
                    partition_id: part.partition_id,
                    base_offset: Some(0),
                    ..PbProduceLogRespForBucket::default()
                })
                .collect();
            at_once(ok(request, &ProduceLogResponse { buckets_resp }))
        }
        _ => None,
    }
}

fn row(n: i64, partition: &str) -> GenericRow<'static> {
    let mut row = GenericRow::new(2);
    row.set_field(0, n);
    row.set_field(1, partition.to_owned());
    row
}

/// A table of `n`, `p` and, if it is a key, `q`, partitioned by `keys`, with properties.
async fn open(keys: &[&str], properties: &[(&str, &str)]) -> (FlussTable, Arc<Mutex<Partitions>>) {
    let mut schema = Schema::builder()
        .column("n", DataTypes::bigint())
        .column("p", DataTypes::string());
    if keys.contains(&"q") {
        schema = schema.column("q", DataTypes::string());
    }
    let mut descriptor = TableDescriptor::builder()
        .schema(schema.build().unwrap())
        .partitioned_by(keys.iter().copied())
        .bucket_count(1);
    for (key, value) in properties {
        descriptor = descriptor.property(*key, *value);
    }
    let server = MemoryServer::new(descriptor.build().unwrap());
    let partitions = Arc::new(Mutex::new(Partitions::default()));
    server.script({
        let partitions = Arc::clone(&partitions);
        move |request: &Request| {
            let (pause, reply) = answer(request, &mut partitions.lock().unwrap())?;
            Some(async move {
                tokio::time::sleep(pause).await;
                reply
            })
        }
    });
    (open_table(&server, |_| ()).await, partitions)
}

#[tokio::test(start_paused = true)]
async fn each_missing_partition_is_asked_for_once_while_rows_of_others_go_on() {
    let (table, partitions) = open(&["p"], &[]).await;
    partitions.lock().unwrap().ids.insert("there".into(), 5);
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let started = Instant::now();
    let missing: Vec<_> = (0..100)
        .map(|n| writer.append(&row(n, "new")).unwrap())
        .collect();
    let bad: Vec<_> = (0..100)
        .map(|n| writer.append(&row(n, "bad")).unwrap())
        .collect();
    for n in 0..10 {
        let result = writer.append(&row(n, "there")).unwrap().await.unwrap();
        assert_eq!(result.bucket().partition_id(), Some(5));
    }
    assert!(started.elapsed() < MAKING, "{:?}", started.elapsed());
    for result in missing {
        assert!(result.await.unwrap().bucket().partition_id() >= Some(10));
    }
    for result in bad {
        let error = result.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authorization, "{error}");
        assert_eq!(error.table(), Some(table.table_path()));
    }
    assert_eq!(
        writer.flush().await.unwrap_err().kind(),
        ErrorKind::Authorization
    );
    {
        let mut asked = partitions.lock().unwrap().asked.clone();
        asked.sort_unstable();
        assert_eq!(asked, ["bad", "new"], "one request for each");
    }
    // The next row of the one that failed tries anew, and the others still go on.
    let again = writer.append(&row(1, "bad")).unwrap();
    writer.append(&row(1, "new")).unwrap().await.unwrap();
    assert_eq!(again.await.unwrap_err().kind(), ErrorKind::Authorization);
    assert_eq!(partitions.lock().unwrap().asked.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_names_no_partition_is_refused_by_column_and_character() {
    let (table, partitions) = open(&["p", "q"], &[]).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for (p, q, column, character) in [
        ("x$", "b", "p", Some('$')),
        ("$", "b", "p", Some('$')),
        ("a$b", "c", "p", Some('$')),
        ("a", "b$c", "q", Some('$')),
        ("a", "b$", "q", Some('$')),
        ("a", "$", "q", Some('$')),
        ("a", "$b", "q", Some('$')),
        ("a/b", "c", "p", Some('/')),
        ("a", "b c", "q", Some(' ')),
        ("a", "ä", "q", Some('ä')),
        ("a", "b.c", "q", Some('.')),
        ("", "b", "p", None),
        ("a", "", "q", None),
        ("..", "b", "p", None),
        ("a", "__b", "q", None),
    ] {
        let mut row = GenericRow::new(3);
        row.set_field(0, 1_i64);
        row.set_field(1, p);
        row.set_field(2, q);
        let error = writer.append(&row).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
        assert_eq!(error.table(), Some(table.table_path()), "{text}");
        assert!(
            text.contains(&format!("partition key {column:?}")),
            "{text}"
        );
        if let Some(character) = character {
            assert!(text.contains(&format!("{character:?}")), "{text}");
        }
    }
    // Nor does an Arrow batch make the partitions of its other rows.
    let text = |values: [&str; 3]| Arc::new(StringArray::from_iter_values(values)) as ArrayRef;
    let batch = RecordBatch::try_from_iter([
        ("n", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef),
        ("p", text(["a", "b", "c"])),
        ("q", text(["a", "b", "c$"])),
    ]);
    let error = writer.append_arrow_batch(&batch.unwrap()).unwrap_err();
    assert!(error.to_string().contains("partition key \"q\""), "{error}");
    tokio::time::sleep(10 * MAKING).await;
    assert_eq!(partitions.lock().unwrap().asked, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn which_times_are_taken_is_for_the_server_to_say() {
    for unit in ["YEAR", "QUARTER", "DAY"] {
        let properties = [
            ("table.auto-partition.enabled", "true"),
            ("table.auto-partition.time-unit", unit),
            ("table.auto-partition.num-retention", "1"),
        ];
        let (table, partitions) = open(&["p"], &properties).await;
        let writer = table.new_append().unwrap().create_writer().unwrap();
        for name in ["1999", "19984", "20010101", "2001-01-01"] {
            writer.append(&row(1, name)).unwrap().await.unwrap();
        }
        assert_eq!(partitions.lock().unwrap().asked.len(), 4, "{unit}");
    }
}

#[tokio::test(start_paused = true)]
async fn partitions_by_time_are_named_in_the_time_zone_of_the_servers() {
    // 2026-01-01 17:00 UTC.
    const NOW: i64 = 1_767_286_800_000;
    for (of_table, of_servers, expected) in [
        (None, None, "20260101"),
        (None, Some("Asia/Shanghai"), "20260102"),
        (Some("GMT"), Some("Asia/Shanghai"), "20260101"),
        (Some("Asia/Tokyo"), None, "20260102"),
    ] {
        let schema = Schema::builder().column("p", DataTypes::string());
        let mut descriptor = TableDescriptor::builder()
            .schema(schema.build().unwrap())
            .partitioned_by(["p"])
            .bucket_count(1)
            .property("table.auto-partition.enabled", "true");
        if let Some(zone) = of_table {
            descriptor = descriptor.property("table.auto-partition.time-zone", zone);
        }
        let server = MemoryServer::new(descriptor.build().unwrap());
        let table = open_table(&server, |config| {
            if let Some(zone) = of_servers {
                zone.clone_into(&mut config.server_time_zone);
            }
        })
        .await;
        let strategy = table.auto_partition().unwrap();
        assert_eq!(strategy.partition_time(NOW, 0).unwrap(), expected);
    }
}
