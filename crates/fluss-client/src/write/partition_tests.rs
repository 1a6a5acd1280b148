//! Partitions that are missing, against a server in memory, in paused time.
#![allow(clippy::unwrap_used, reason = "test code")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

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

#[tokio::test(start_paused = true)]
async fn each_missing_partition_is_asked_for_once_while_rows_of_others_go_on() {
    let schema = Schema::builder()
        .column("n", DataTypes::bigint())
        .column("p", DataTypes::string())
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .partitioned_by(["p"])
        .bucket_count(1)
        .build()
        .unwrap();
    let server = MemoryServer::new(descriptor);
    let partitions = Arc::new(Mutex::new(Partitions::default()));
    partitions.lock().unwrap().ids.insert("there".into(), 5);
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
    let table = open_table(&server, |_| ()).await;
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
