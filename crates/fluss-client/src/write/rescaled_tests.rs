//! Tables whose partitions have different numbers of buckets, as release 1.0 allows it, against a server in memory.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fluss_metadata::{DataTypes, Schema, SchemaBuilder, TableDescriptor};
use fluss_row::GenericRow;
use fluss_row::key::TableKeys;
use fluss_wire::api::ApiKey;
use fluss_wire::message::{
    CreatePartitionRequest, CreatePartitionResponse, GetTableInfoResponse, InitWriterResponse,
    ListPartitionInfosResponse, LookupRequest, LookupResponse, MetadataRequest, MetadataResponse,
    PbBucketMetadata, PbKeyValue, PbLookupRespForBucket, PbPartitionInfo, PbPartitionMetadata,
    PbPartitionSpec, PbProduceLogRespForBucket, PbServerNode, PbTableMetadata, PbValue,
    ProduceLogRequest, ProduceLogResponse,
};

use crate::scan::testing::{MemoryServer, Reply, Request, TABLE_ID, ok, open_table, refused};
use crate::table::FlussTable;

/// Buckets of the table and of partitions that are made now.
const NOW: i32 = 2;

/// By name: id, number of buckets, whether lists of partitions have it.
type Partitions = BTreeMap<String, (i64, i32, bool)>;

/// What came: partition, bucket, the number of buckets it was chosen from.
type Seen = Vec<(i64, i32, Option<i32>)>;

struct Bench {
    table: FlussTable,
    seen: Arc<Mutex<Seen>>,
    /// Keeps what the connection dials.
    _server: Arc<MemoryServer>,
}

impl Bench {
    async fn new(schema: SchemaBuilder) -> Self {
        let descriptor = TableDescriptor::builder()
            .schema(schema.build().unwrap())
            .partitioned_by(["p"])
            .distributed_by(Some(NOW), ["n"])
            .build()
            .unwrap();
        let server = MemoryServer::new(descriptor.clone());
        let seen: Arc<Mutex<Seen>> = Arc::default();
        // "late" was made after this client listed the partitions.
        let partitions = Mutex::new(Partitions::from([
            ("old".to_owned(), (5, 4, true)),
            ("late".to_owned(), (6, 3, false)),
        ]));
        server.script({
            let seen = Arc::clone(&seen);
            move |request: &Request| {
                let mut partitions = partitions.lock().unwrap();
                let mut seen = seen.lock().unwrap();
                answer(request, &descriptor, &mut partitions, &mut seen).map(ready)
            }
        });
        Self {
            table: open_table(&server, |_| ()).await,
            seen,
            _server: server,
        }
    }

    /// The bucket that a key has among so many.
    fn bucket(&self, n: i64, count: i32) -> i32 {
        let keys = TableKeys::of_rows(self.table.get_table_info()).unwrap();
        let row = row(n, "any");
        let (mut key, mut scratch) = (Vec::new(), Vec::new());
        keys.encode_key(&row, &mut key).unwrap();
        let bucket = keys.bucket_of(&row, &key, &mut scratch, count);
        bucket.unwrap().unwrap()
    }

    fn take_seen(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn answer(
    request: &Request,
    descriptor: &TableDescriptor,
    partitions: &mut Partitions,
    seen: &mut Seen,
) -> Option<Reply> {
    Some(match request.api {
        ApiKey::GetTableInfo => {
            let answer = GetTableInfoResponse {
                table_id: TABLE_ID,
                schema_id: 1,
                table_json: Bytes::from(descriptor.to_json()),
                bucket_count_epoch: Some(1),
                ..GetTableInfoResponse::default()
            };
            ok(request, &answer)
        }
        ApiKey::ListPartitionInfos => {
            let listed = partitions.iter().filter(|(_, partition)| partition.2);
            let listed = listed.map(|(name, (id, count, _))| PbPartitionInfo {
                partition_id: *id,
                partition_spec: PbPartitionSpec {
                    partition_key_values: vec![PbKeyValue {
                        key: "p".into(),
                        value: name.clone(),
                    }]
                    .into(),
                },
                bucket_count: Some(*count),
                ..PbPartitionInfo::default()
            });
            let answer = ListPartitionInfosResponse {
                partitions_info: listed.collect(),
                ..ListPartitionInfosResponse::default()
            };
            ok(request, &answer)
        }
        ApiKey::InitWriter => ok(request, &InitWriterResponse { writer_id: 1 }),
        ApiKey::CreatePartition => {
            let message: CreatePartitionRequest = request.message();
            let name = &message
                .partition_spec
                .partition_key_values
                .first()
                .unwrap()
                .value;
            partitions.insert(name.clone(), (7, NOW, true));
            ok(request, &CreatePartitionResponse {})
        }
        ApiKey::GetMetadata => {
            let message: MetadataRequest = request.message();
            let mut found = Vec::new();
            for path in &message.partitions_path {
                let name = path.partition_name.clone().unwrap();
                let Some(partition) = partitions.get(&name) else {
                    return Some(refused(request, 36));
                };
                found.push((name, *partition));
            }
            for id in &message.partitions_id {
                let with_id = partitions.iter().find(|(_, partition)| partition.0 == *id);
                found.extend(with_id.map(|(name, partition)| (name.clone(), *partition)));
            }
            if found.is_empty() {
                return None;
            }
            ok(request, &metadata(&message, found))
        }
        ApiKey::ProduceLog => {
            let message: ProduceLogRequest = request.message();
            let buckets = message.buckets_req.iter().map(|part| {
                let partition = part.partition_id.unwrap();
                seen.push((partition, part.bucket_id, part.routing_bucket_count));
                PbProduceLogRespForBucket {
                    bucket_id: part.bucket_id,
                    partition_id: part.partition_id,
                    base_offset: Some(0),
                    ..PbProduceLogRespForBucket::default()
                }
            });
            let buckets_resp = buckets.collect();
            ok(request, &ProduceLogResponse { buckets_resp })
        }
        ApiKey::Lookup => {
            let message: LookupRequest = request.message();
            let buckets = message.buckets_req.iter().map(|part| {
                let partition = part.partition_id.unwrap();
                seen.push((partition, part.bucket_id, part.routing_bucket_count));
                PbLookupRespForBucket {
                    partition_id: part.partition_id,
                    bucket_id: part.bucket_id,
                    values: vec![PbValue { values: None }; part.keys.len()].into(),
                    ..PbLookupRespForBucket::default()
                }
            });
            let buckets_resp = buckets.collect();
            ok(request, &LookupResponse { buckets_resp })
        }
        _ => return None,
    })
}

fn metadata(asked: &MetadataRequest, found: Vec<(String, (i64, i32, bool))>) -> MetadataResponse {
    let node = |node_id, port| PbServerNode {
        node_id,
        host: "memory".into(),
        port,
        ..PbServerNode::default()
    };
    let partitions =
        found.into_iter().map(
            |(partition_name, (partition_id, count, _))| PbPartitionMetadata {
                table_id: TABLE_ID,
                partition_name,
                partition_id,
                bucket_metadata: (0..count)
                    .map(|bucket_id| PbBucketMetadata {
                        bucket_id,
                        leader_id: Some(1),
                        ..PbBucketMetadata::default()
                    })
                    .collect(),
                bucket_count: Some(count),
            },
        );
    MetadataResponse {
        coordinator_server: Some(node(0, 1)),
        tablet_servers: vec![node(1, 2)].into(),
        table_metadata: asked
            .table_path
            .iter()
            .map(|path| PbTableMetadata {
                table_path: path.clone(),
                table_id: TABLE_ID,
                ..PbTableMetadata::default()
            })
            .collect(),
        partition_metadata: partitions.collect(),
    }
}

fn row(n: i64, partition: &str) -> GenericRow<'static> {
    let mut row = GenericRow::new(2);
    row.set_field(0, n);
    row.set_field(1, partition.to_owned());
    row
}

fn columns() -> SchemaBuilder {
    Schema::builder()
        .column("n", DataTypes::bigint())
        .column("p", DataTypes::string())
}

#[tokio::test(start_paused = true)]
async fn rows_are_hashed_with_the_bucket_count_of_their_partition() {
    let bench = Bench::new(columns()).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    for (partition, id, count) in [("old", 5, 4), ("new", 7, NOW)] {
        for n in 0..40 {
            let result = writer.append(&row(n, partition)).unwrap();
            let result = result.await.unwrap();
            assert_eq!(result.bucket().partition_id(), Some(id));
            let bucket = bench.bucket(n, count);
            assert_eq!(bench.take_seen(), [(id, bucket, Some(count))], "{n}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rows_of_a_partition_whose_bucket_count_was_not_known_move_before_they_are_sent() {
    let bench = Bench::new(columns()).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    let results: Vec<_> = (0..20)
        .map(|n| writer.append(&row(n, "late")).unwrap())
        .collect();
    for (n, result) in results.into_iter().enumerate() {
        let bucket = result.await.unwrap().bucket().bucket_id();
        assert_eq!(bucket, bench.bucket(n as i64, 3), "{n}");
    }
    let mut seen = bench.take_seen();
    seen.sort_unstable();
    assert_eq!(seen, [(6, 0, Some(3)), (6, 1, Some(3)), (6, 2, Some(3))]);
    for n in 0..20 {
        writer.append(&row(n, "late")).unwrap().await.unwrap();
        let bucket = bench.bucket(n, 3);
        assert_eq!(bench.take_seen(), [(6, bucket, Some(3))]);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_looked_up_in_the_buckets_of_their_partition() {
    let bench = Bench::new(columns().primary_key(["n", "p"])).await;
    let lookuper = bench.table.new_lookup().unwrap();
    let lookuper = lookuper.create_lookuper().unwrap();
    for (partition, id, count) in [("old", 5, 4), ("late", 6, 3)] {
        for n in 0..20 {
            let found = lookuper.lookup(&row(n, partition)).await.unwrap();
            assert!(found.is_empty());
            let bucket = bench.bucket(n, count);
            assert_eq!(bench.take_seen(), [(id, bucket, Some(count))]);
        }
    }
}
