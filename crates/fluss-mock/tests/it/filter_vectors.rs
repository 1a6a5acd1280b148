//! Filters as the official Java classes write and evaluate them: a batch of one row comes if and only if the row matches, where the
//! statistics tell.

use bytes::Bytes;
use fluss_metadata::{
    ArrowCompression, DataType, DataTypeKind, DataTypeRoot, Schema, TableDescriptor,
};
use fluss_mock::{MockCluster, Release};
use fluss_row::log::{ArrowLogBatchBuilder, LogBatches};
use fluss_row::{Date, Datum, Decimal, GenericRow, Time, TimestampLtz, TimestampNtz};
use fluss_wire::codec;
use fluss_wire::message::{
    FetchLogRequest, GetTableInfoRequest, PbFetchLogReqForBucket, PbFetchLogReqForTable,
    PbPredicate, PbProduceLogReqForBucket, ProduceLogRequest,
};
use serde_json::Value;

use crate::client::{Client, create, path};

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    text.chunks(2).map(byte).collect()
}

fn long(value: &Value) -> i64 {
    match value.as_str() {
        Some(text) => text.parse().unwrap(),
        None => value.as_i64().unwrap(),
    }
}

fn datum(value: &Value, of: &DataType) -> Datum<'static> {
    use DataTypeRoot as R;
    if value.is_null() {
        return Datum::Null;
    }
    let bits = || {
        let digits = value.as_str().unwrap().strip_prefix("0x").unwrap();
        u64::from_str_radix(digits, 16).unwrap()
    };
    let nanos = || value[1].as_i64().unwrap() as i32;
    match of.root() {
        R::Boolean => Datum::from(value.as_bool().unwrap()),
        R::TinyInt => Datum::from(long(value) as i8),
        R::SmallInt => Datum::from(long(value) as i16),
        R::Integer => Datum::from(long(value) as i32),
        R::BigInt => Datum::from(long(value)),
        R::Float => Datum::from(f32::from_bits(bits() as u32)),
        R::Double => Datum::from(f64::from_bits(bits())),
        R::Char | R::String => Datum::from(value.as_str().unwrap().to_owned()),
        R::Decimal => {
            let DataTypeKind::Decimal { precision, scale } = *of.kind() else {
                panic!("{of}");
            };
            let unscaled = value.as_str().unwrap().parse().unwrap();
            Datum::Decimal(Decimal::from_unscaled(unscaled, precision, scale).unwrap())
        }
        R::Date => Datum::Date(Date::new(long(value) as i32)),
        R::Time => Datum::Time(Time::new(long(value) as i32)),
        R::Timestamp => {
            Datum::Timestamp(TimestampNtz::from_millis_nanos(long(&value[0]), nanos()).unwrap())
        }
        R::TimestampLtz => {
            Datum::TimestampLtz(TimestampLtz::from_millis_nanos(long(&value[0]), nanos()).unwrap())
        }
        R::Binary | R::Bytes => Datum::from(hex(value)),
        _ => panic!("{of}"),
    }
}

fn schema(json: &Value) -> Schema {
    let mut schema = Schema::builder();
    for column in json["columns"].as_array().unwrap() {
        let data_type = column["type_json"].to_string();
        let data_type = DataType::from_json(data_type.as_bytes()).unwrap();
        schema = schema.column(column["name"].as_str().unwrap(), data_type);
    }
    schema.build().unwrap()
}

/// Whether statistics decide what the filter asks: bytes have none, and ends of texts are not seen in them.
fn is_decided(predicate: &Value, bytes: &[String]) -> bool {
    if let Some(children) = predicate["children"].as_array() {
        return children.iter().all(|child| is_decided(child, bytes));
    }
    let (op, column) = (&predicate["op"], predicate["column"].as_str().unwrap());
    op != "EndsWith" && op != "Contains" && !bytes.iter().any(|name| name == column)
}

#[expect(clippy::too_many_lines, reason = "one story, told from the top")]
#[tokio::test]
async fn a_batch_of_one_row_comes_if_the_row_matches() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../testdata/vectors/predicates.json"
    );
    let cases: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let cluster = MockCluster::builder().release(Release::V1_0).start().await;
    let cluster = cluster.unwrap();
    let mut coordinator = Client::connect(cluster.coordinator()).await;
    let mut tablet = Client::connect(cluster.tablet_servers()[0]).await;
    let (mut kept, mut left_out) = (0, 0);
    for case in cases.as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let tests = case["tests"].as_array().unwrap();
        if tests.is_empty() {
            continue;
        }
        let schema = schema(&case["schema"]);
        let types: Vec<DataType> = schema
            .columns()
            .iter()
            .map(|column| column.data_type().clone())
            .collect();
        let is_bytes =
            |of: &DataType| matches!(of.root(), DataTypeRoot::Binary | DataTypeRoot::Bytes);
        let with_statistics: Vec<usize> = (0..types.len())
            .filter(|at| !is_bytes(&types[*at]))
            .collect();
        let columns = schema.columns().iter();
        let bytes = columns.filter(|column| is_bytes(column.data_type()));
        let bytes: Vec<String> = bytes.map(|column| column.name().to_owned()).collect();

        let table = TableDescriptor::builder().schema(schema.clone());
        coordinator.call(create(name, table)).await.unwrap();
        let request = GetTableInfoRequest {
            table_path: path(name),
        };
        let table_id = coordinator.call(request).await.unwrap().table_id;
        for (sequence, test) in tests.iter().enumerate() {
            let values = test["row"].as_array().unwrap().iter().zip(&types);
            let row = GenericRow::from_data(
                values
                    .map(|(value, of)| datum(value, of))
                    .collect::<Vec<_>>(),
            );
            let builder = ArrowLogBatchBuilder::new(schema.row_type(), 1, ArrowCompression::NONE);
            let mut batch = builder.unwrap().with_statistics(&with_statistics).unwrap();
            batch.append(&row).unwrap();
            let bucket = PbProduceLogReqForBucket {
                records: batch.build().unwrap().stamp(7, sequence as i32),
                ..PbProduceLogReqForBucket::default()
            };
            let request = ProduceLogRequest {
                acks: -1,
                table_id,
                timeout_ms: 1000,
                buckets_req: vec![bucket].into(),
            };
            let answer = tablet.call(request).await.unwrap();
            assert_eq!(
                answer.buckets_resp.first().unwrap().error_code,
                None,
                "{name}"
            );
        }
        let predicate: PbPredicate = codec::decode(Bytes::from(hex(&case["bytes"]))).unwrap();
        let request = FetchLogRequest {
            follower_server_id: -1,
            max_bytes: 1 << 20,
            tables_req: vec![PbFetchLogReqForTable {
                table_id,
                filter_predicate: Some(predicate),
                filter_schema_id: Some(1),
                buckets_req: vec![PbFetchLogReqForBucket {
                    max_fetch_bytes: 1 << 20,
                    ..PbFetchLogReqForBucket::default()
                }]
                .into(),
                ..PbFetchLogReqForTable::default()
            }]
            .into(),
            ..FetchLogRequest::default()
        };
        let answer = tablet.call(request).await.unwrap();
        let table = answer.tables_resp.into_vec().remove(0);
        let bucket = table.buckets_resp.into_vec().remove(0);
        let batches = LogBatches::new(bucket.records.unwrap_or_default());
        let offsets: Vec<i64> = batches
            .map(|batch| batch.unwrap().header().base_offset())
            .collect();
        let decided = is_decided(&case["predicate"], &bytes);
        for (offset, test) in (0..).zip(tests) {
            let matches = test["matches"].as_bool().unwrap();
            let comes = offsets.contains(&offset);
            assert!(
                if decided {
                    comes == matches
                } else {
                    comes || !matches
                },
                "{name}, row {offset}: comes {comes}, matches {matches}"
            );
            kept += i32::from(comes);
            left_out += i32::from(!comes);
        }
    }
    assert!(kept > 100 && left_out > 100, "{kept} {left_out}");
}
