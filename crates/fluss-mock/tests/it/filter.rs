//! Fetches with a filter, on a server of release 1.0: which batches stay away, by their statistics.

use bytes::Bytes;
use fluss_metadata::{ArrowCompression, DataTypes, Schema, TableDescriptor};
use fluss_mock::{MockCluster, Release};
use fluss_row::log::{ArrowLogBatchBuilder, LogBatches};
use fluss_row::{Datum, GenericRow};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    AlterTableRequest, FetchLogRequest, GetTableInfoRequest, PbAddColumn, PbCompoundPredicate,
    PbFetchLogReqForBucket, PbFetchLogReqForTable, PbFetchLogRespForBucket, PbLeafPredicate,
    PbLiteralValue, PbPredicate, PbProduceLogReqForBucket, ProduceLogRequest,
};

use crate::client::{Client, create, path};

const EQUAL: i32 = 0;
const LESS: i32 = 2;
const GREATER: i32 = 4;
const IS_NULL: i32 = 6;

fn schema() -> Schema {
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string());
    schema.build().unwrap()
}

/// A batch of rows with these ids, with statistics of the ids or without.
fn batch(ids: &[Option<i32>], with_statistics: bool, sequence: i32) -> Bytes {
    let schema = schema();
    let mut batch =
        ArrowLogBatchBuilder::new(schema.row_type(), 1, ArrowCompression::NONE).unwrap();
    if with_statistics {
        batch = batch.with_statistics(&[0]).unwrap();
    }
    for id in ids {
        let row = GenericRow::from_data(vec![Datum::from(*id), Datum::from("x")]);
        batch.append(&row).unwrap();
    }
    batch.build().unwrap().stamp(7, sequence)
}

fn leaf(function: i32, field_id: i32, int_value: Option<i32>) -> PbPredicate {
    let literals = int_value.map(|value| PbLiteralValue {
        literal_type: 3,
        int_value: Some(value),
        ..PbLiteralValue::default()
    });
    PbPredicate {
        r#type: 0,
        leaf: Some(PbLeafPredicate {
            function,
            field_id,
            literals: literals.into_iter().collect(),
        }),
        compound: None,
    }
}

fn compound(function: i32, children: Vec<PbPredicate>) -> PbPredicate {
    PbPredicate {
        r#type: 1,
        leaf: None,
        compound: Some(PbCompoundPredicate {
            function,
            children: children.into(),
        }),
    }
}

struct Log {
    tablet: Client,
    coordinator: Client,
    table_id: i64,
    _cluster: MockCluster,
}

impl Log {
    /// Five batches: 0..=2, 3..=4, 5..=7 without statistics, 8 and a null, nulls.
    async fn new(release: Release) -> Self {
        let cluster = MockCluster::builder().release(release).start().await;
        let cluster = cluster.unwrap();
        let mut coordinator = Client::connect(cluster.coordinator()).await;
        let mut tablet = Client::connect(cluster.tablet_servers()[0]).await;
        let table = TableDescriptor::builder().schema(schema());
        coordinator.call(create("log", table)).await.unwrap();
        let request = GetTableInfoRequest {
            table_path: path("log"),
        };
        let table_id = coordinator.call(request).await.unwrap().table_id;
        let batches = [
            batch(&[Some(0), Some(1), Some(2)], true, 0),
            batch(&[Some(3), Some(4)], true, 1),
            batch(&[Some(5), Some(6), Some(7)], false, 2),
            batch(&[Some(8), None], true, 3),
            batch(&[None, None], true, 4),
        ];
        for records in batches {
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
            let answer = tablet.call(request).await.unwrap();
            assert_eq!(answer.buckets_resp.first().unwrap().error_code, None);
        }
        Self {
            tablet,
            coordinator,
            table_id,
            _cluster: cluster,
        }
    }

    fn request(&self, filter: Option<PbPredicate>, schema_id: Option<i32>) -> FetchLogRequest {
        FetchLogRequest {
            follower_server_id: -1,
            max_bytes: 1 << 20,
            tables_req: vec![PbFetchLogReqForTable {
                table_id: self.table_id,
                filter_predicate: filter,
                filter_schema_id: schema_id,
                buckets_req: vec![PbFetchLogReqForBucket {
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

    async fn fetch(&mut self, filter: PbPredicate) -> (Vec<i64>, Option<i64>) {
        let request = self.request(Some(filter), Some(1));
        let answer = self.tablet.call(request).await.unwrap();
        let table = answer.tables_resp.into_vec().remove(0);
        let bucket: PbFetchLogRespForBucket = table.buckets_resp.into_vec().remove(0);
        assert_eq!(bucket.error_code, None);
        let batches = LogBatches::new(bucket.records.unwrap_or_default());
        let offsets = batches.map(|batch| batch.unwrap().header().base_offset());
        (offsets.collect(), bucket.filtered_end_offset)
    }
}

#[tokio::test]
async fn a_filter_leaves_out_batches_whose_statistics_say_that_no_row_matches() {
    let mut log = Log::new(Release::V1_0).await;
    // Offsets at which batches begin: 0, 3, 5, 8, 10. That at 5 has no statistics, and comes always.
    let all = vec![0, 3, 5, 8, 10];
    for (name, filter, batches, end) in [
        ("equal", leaf(EQUAL, 0, Some(4)), vec![3, 5], Some(12)),
        ("less", leaf(LESS, 0, Some(1)), vec![0, 5], Some(12)),
        ("greater", leaf(GREATER, 0, Some(7)), vec![5, 8], Some(12)),
        ("null", leaf(IS_NULL, 0, None), vec![5, 8, 10], None),
        ("no statistics", leaf(EQUAL, 1, None), all.clone(), None),
        (
            "and",
            compound(0, vec![leaf(GREATER, 0, Some(1)), leaf(LESS, 0, Some(4))]),
            vec![0, 3, 5],
            Some(12),
        ),
        (
            "or",
            compound(1, vec![leaf(LESS, 0, Some(1)), leaf(GREATER, 0, Some(7))]),
            vec![0, 5, 8],
            Some(12),
        ),
        // Not understood, and so none.
        (
            "no such column",
            leaf(EQUAL, 77, Some(1)),
            all.clone(),
            None,
        ),
        ("no such function", leaf(99, 0, Some(1)), all.clone(), None),
        (
            "of another type",
            leaf(EQUAL, 1, Some(1)),
            all.clone(),
            None,
        ),
    ] {
        assert_eq!(log.fetch(filter).await, (batches, end), "{name}");
    }
}

#[tokio::test]
async fn a_filter_without_its_schema_is_an_error_and_an_unknown_schema_no_filter() {
    let mut log = Log::new(Release::V1_0).await;
    let filter = leaf(EQUAL, 0, Some(4));
    for schema_id in [None, Some(-1)] {
        let request = log.request(Some(filter.clone()), schema_id);
        let answer = log.tablet.call(request).await;
        let failed = match answer {
            Ok(answer) => {
                let table = answer.tables_resp.into_vec().remove(0);
                table.buckets_resp.first().unwrap().error_code
            }
            Err(error) => Some(error.code.value()),
        };
        assert_eq!(failed, Some(ErrorCode::UNKNOWN_SERVER_ERROR.value()));
    }
    let request = log.request(Some(filter), Some(9));
    let answer = log.tablet.call(request).await.unwrap();
    let table = answer.tables_resp.into_vec().remove(0);
    let bucket = table.buckets_resp.into_vec().remove(0);
    assert_eq!(LogBatches::new(bucket.records.unwrap()).count(), 5);
}

#[tokio::test]
async fn a_filter_of_a_newer_schema_passes_batches_that_lack_its_column() {
    let mut log = Log::new(Release::V1_0).await;
    let request = AlterTableRequest {
        table_path: path("log"),
        add_columns: vec![PbAddColumn {
            column_name: "score".to_owned(),
            data_type_json: DataTypes::int().to_json().into(),
            ..PbAddColumn::default()
        }]
        .into(),
        ..AlterTableRequest::default()
    };
    log.coordinator.call(request).await.unwrap();
    let request = log.request(Some(leaf(EQUAL, 2, Some(4))), Some(2));
    let answer = log.tablet.call(request).await.unwrap();
    let table = answer.tables_resp.into_vec().remove(0);
    let bucket = table.buckets_resp.into_vec().remove(0);
    assert_eq!(LogBatches::new(bucket.records.unwrap()).count(), 5);
    assert_eq!(bucket.filtered_end_offset, None);
}

#[tokio::test]
async fn a_server_of_release_0_9_1_knows_no_filter() {
    let mut log = Log::new(Release::V0_9_1).await;
    let found = log.fetch(leaf(EQUAL, 0, Some(4))).await;
    assert_eq!(found, (vec![0, 3, 5, 8, 10], None));
}
