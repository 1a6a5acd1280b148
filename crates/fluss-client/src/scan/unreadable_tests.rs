//! Tests of single rows that cannot be read as they are declared: nulls deep inside of a column, and rows that are none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

use std::future::ready;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use bytes::{Bytes, BytesMut};
use fluss_metadata::{
    DataType, DataTypes, LogFormat, OffsetSpec, RowType, Schema, TableBucket, TableDescriptor,
};
use fluss_row::log::{ArrowLogBatchBuilder, RowLogBatchBuilder};
use fluss_row::{Datum, FlussArray, FlussMap, GenericRow};
use fluss_wire::api::ApiKey;
use fluss_wire::message::LimitScanResponse;
use futures::StreamExt;

use super::testing::{BucketLog, MemoryServer, TABLE_ID, ok, open_table};
use crate::error::{Error, ErrorKind, Result};
use crate::table::{EARLIEST_OFFSET, FlussTable, ScanBatch};

const LONG: Duration = Duration::from_secs(5);

fn descriptor(format: LogFormat, second: DataType) -> TableDescriptor {
    let schema = Schema::builder()
        .column("a", DataTypes::int())
        .column("b", second);
    TableDescriptor::builder()
        .schema(schema.build().unwrap())
        .bucket_count(1)
        .log_format(format)
        .property("table.log.arrow.compression.type", "NONE")
        .build()
        .unwrap()
}

fn batch(
    descriptor: &TableDescriptor,
    second: DataType,
    rows: Range<i32>,
    mut value: impl FnMut(i32) -> Datum<'static>,
) -> Bytes {
    let row_type = RowType::new(vec![
        DataTypes::field("a", DataTypes::int()),
        DataTypes::field("b", second),
    ]);
    let format = descriptor.log_format().unwrap();
    let rows = rows.map(|a| GenericRow::from_data(vec![Datum::Int(a), value(a)]));
    if format == LogFormat::Arrow {
        let compression = descriptor.arrow_compression().unwrap();
        let mut builder = ArrowLogBatchBuilder::new(&row_type, 1, compression).unwrap();
        rows.for_each(|row| {
            builder.append(&row).unwrap();
        });
        return builder.build().unwrap().stamp(1, 0);
    }
    let mut builder = RowLogBatchBuilder::new(&row_type, 1, format).unwrap();
    rows.for_each(|row| {
        builder.append(&row).unwrap();
    });
    builder.build().stamp(1, 0)
}

async fn filled(
    descriptor: &TableDescriptor,
    batches: &[(i64, Bytes)],
) -> (Arc<MemoryServer>, FlussTable) {
    let server = MemoryServer::new(descriptor.clone());
    server.with_log(0, |log| {
        for (rows, batch) in batches {
            log.append(*rows, batch);
        }
    });
    let table = open_table(&server, |config| config.scanner_check_crc = false).await;
    (server, table)
}

fn numbers(batch: &ScanBatch) -> Vec<i32> {
    let column = batch.batch().column(0).as_primitive::<Int32Type>();
    column.values().to_vec()
}

fn assert_names(error: &Error, offsets: Range<i64>, texts: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(error.table().unwrap().to_string(), "db.t", "{error}");
    assert_eq!(error.bucket(), Some(TableBucket::new(TABLE_ID, 0)));
    assert_eq!(error.offsets(), Some(offsets), "{error}");
    for text in texts {
        assert!(error.to_string().contains(text), "{error} without {text}");
    }
    assert!(std::error::Error::source(error).is_some(), "{error}");
}

/// The rows of a record-batch scan from an offset on, until its first error or its end.
async fn batches_from(table: &FlussTable, offset: i64) -> (Vec<i32>, Option<Error>) {
    let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
    scanner.subscribe(0, offset).await.unwrap();
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let mut rows = Vec::new();
    while !scanner.is_finished() {
        match scanner.poll(LONG).await {
            Ok(batches) => rows.extend(batches.iter().flat_map(numbers)),
            Err(error) => return (rows, Some(error)),
        }
    }
    (rows, None)
}

/// Columns with a field inside that is declared NOT NULL, the same as Java writes them, a value with a null there, and the path to it.
fn nested() -> Vec<(
    DataType,
    DataType,
    Datum<'static>,
    Datum<'static>,
    &'static str,
)> {
    let strict = || DataTypes::int().as_non_nullable();
    let row = |field| {
        DataTypes::row(vec![
            DataTypes::field("x", DataTypes::int()),
            DataTypes::field("n", field),
        ])
    };
    let row_of = |n: Option<i32>| {
        GenericRow::from_data(vec![Datum::Int(5), n.map_or(Datum::Null, Datum::Int)])
    };
    let list_of =
        |n: Option<i32>| FlussArray::from(vec![Datum::Int(5), n.map_or(Datum::Null, Datum::Int)]);
    let map_of = |n: Option<i32>| {
        FlussMap::from_arrays(
            FlussArray::from(vec![Datum::Int(1), Datum::Int(2)]),
            list_of(n),
        )
        .unwrap()
    };
    let deep = |field| {
        DataTypes::array(DataTypes::row(vec![DataTypes::field(
            "m",
            DataTypes::map(DataTypes::int(), row(field)),
        )]))
    };
    let deep_of = |n: Option<i32>| {
        let map = FlussMap::from_arrays(
            FlussArray::from(vec![Datum::Int(1)]),
            FlussArray::from(vec![Datum::Row(row_of(n))]),
        )
        .unwrap();
        let inner = GenericRow::from_data(vec![Datum::Map(map)]);
        FlussArray::from(vec![Datum::Null, Datum::Row(inner)])
    };
    let mut cases = vec![
        (
            row(strict()),
            row(DataTypes::int()),
            Datum::Row(row_of(None)),
            Datum::Row(row_of(Some(6))),
            "b.n",
        ),
        (
            DataTypes::array(strict()),
            DataTypes::array(DataTypes::int()),
            Datum::Array(list_of(None)),
            Datum::Array(list_of(Some(6))),
            "b[1]",
        ),
        (
            DataTypes::map(DataTypes::int(), strict()),
            DataTypes::map(DataTypes::int(), DataTypes::int()),
            Datum::Map(map_of(None)),
            Datum::Map(map_of(Some(6))),
            "b[value 1]",
        ),
        (
            deep(strict()),
            deep(DataTypes::int()),
            Datum::Array(deep_of(None)),
            Datum::Array(deep_of(Some(6))),
            "b[1].m[value 0].n",
        ),
    ];
    let rows = |field: DataType| DataTypes::row(vec![DataTypes::field("r", field)]);
    let inner = row(strict()).as_non_nullable();
    cases.push((
        rows(inner),
        rows(row(DataTypes::int())),
        Datum::Row(GenericRow::from_data(vec![Datum::Null])),
        Datum::Row(GenericRow::from_data(vec![Datum::Row(row_of(Some(6)))])),
        "b.r",
    ));
    cases
}

#[tokio::test(start_paused = true)]
async fn a_null_inside_of_a_column_is_read_as_a_row_and_named_for_arrow() {
    for format in [LogFormat::Arrow, LogFormat::Compacted, LogFormat::Indexed] {
        for (strict, lenient, null, value, path) in nested() {
            let case = format!("{format:?} {strict}");
            let descriptor = descriptor(format, strict);
            // Row 1 has the null inside, row 2 is null as a whole.
            let values = |a| match a {
                1 => null.clone(),
                2 => Datum::Null,
                _ => value.clone(),
            };
            let batches = [
                (4, batch(&descriptor, lenient.clone(), 0..4, values)),
                (1, batch(&descriptor, lenient.clone(), 4..5, values)),
            ];
            let (server, table) = filled(&descriptor, &batches).await;
            let scanner = table.new_scan().create_log_scanner().unwrap();
            scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
            scanner.read_until(OffsetSpec::Latest).await.unwrap();
            let mut seen = Vec::new();
            while !scanner.is_finished() {
                for record in scanner
                    .poll(LONG)
                    .await
                    .unwrap_or_else(|e| panic!("{case}: {e}"))
                {
                    let row = record.row();
                    seen.push((
                        row.get_int(0),
                        row.try_get::<Datum<'_>>(1).unwrap().into_owned(),
                    ));
                }
            }
            let expected = (0..5).map(|a| (a, values(a))).collect::<Vec<_>>();
            assert_eq!(seen, expected, "{case}");

            let (rows, error) = batches_from(&table, 0).await;
            assert_eq!(rows, [0], "{case}");
            let texts = [&format!("\"{path}\""), "NOT NULL", "offset 1"];
            assert_names(&error.unwrap(), 1..2, &texts);
            let (rows, error) = batches_from(&table, 2).await;
            assert_eq!(rows, [2, 3, 4], "{case}");
            assert!(error.is_none(), "{case}: {error:?}");

            // A stream says so before it ends.
            let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
            scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
            scanner.read_until(OffsetSpec::Latest).await.unwrap();
            let items: Vec<Result<ScanBatch>> = scanner.into_stream().collect().await;
            assert_eq!(
                items.iter().flatten().flat_map(numbers).collect::<Vec<_>>(),
                [0]
            );
            assert_eq!(
                items.iter().filter(|item| item.is_err()).count(),
                1,
                "{case}"
            );

            let items = last_rows(&server, &table, batches[0].1.clone()).await;
            let [Ok(first), Err(error), Ok(rest)] = &items[..] else {
                panic!("{case}: {items:?}")
            };
            assert_eq!(
                (numbers(first), numbers(rest)),
                (vec![0], vec![2, 3]),
                "{case}"
            );
            assert_names(error, 1..2, &["\"b"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_null_for_the_key_of_a_map_is_read_as_a_row_and_named_for_arrow() {
    let map = DataTypes::map(DataTypes::int(), DataTypes::int());
    let descriptor = descriptor(LogFormat::Arrow, map);
    // A list of rows lies in a batch as a map does.
    let field = |name| DataTypes::field(name, DataTypes::int());
    let lenient = DataTypes::array(DataTypes::row(vec![field("key"), field("value")]));
    let key = |a| if a == 1 { Datum::Null } else { Datum::Int(a) };
    let entries = |a| {
        let entry = |key| Datum::Row(GenericRow::from_data(vec![key, Datum::Int(7)]));
        Datum::Array(FlussArray::from(vec![entry(Datum::Int(9)), entry(key(a))]))
    };
    let records = batch(&descriptor, lenient, 0..3, entries);
    let (_server, table) = filled(&descriptor, &[(3, records)]).await;
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let records = scanner.poll(LONG).await.unwrap();
    for (a, record) in (0..).zip(records) {
        let keys = FlussArray::from(vec![Datum::Int(9), key(a)]);
        let values = FlussArray::from(vec![Datum::Int(7), Datum::Int(7)]);
        let expected = FlussMap::from_arrays(keys, values).unwrap();
        assert_eq!(record.row().get_map(1).unwrap(), expected);
    }
    let (rows, error) = batches_from(&table, 0).await;
    assert_eq!(rows, [0]);
    assert_names(&error.unwrap(), 1..2, &["\"b[key 1]\"", "NOT NULL"]);
    let (rows, error) = batches_from(&table, 2).await;
    assert_eq!(rows, [2]);
    assert!(error.is_none(), "{error:?}");
}

/// What a limit scan hands out of a batch.
async fn last_rows(
    server: &Arc<MemoryServer>,
    table: &FlussTable,
    records: Bytes,
) -> Vec<Result<ScanBatch>> {
    server.with_log(0, |log| {
        *log = BucketLog::default();
        log.append(4, &records);
    });
    server.script(move |request| {
        (request.api == ApiKey::LimitScan).then(|| {
            let response = LimitScanResponse {
                is_log_table: Some(true),
                records: Some(records.clone()),
                ..LimitScanResponse::default()
            };
            ready(ok(request, &response))
        })
    });
    let bucket = TableBucket::new(TABLE_ID, 0);
    let scan = table.new_scan().limit(10).unwrap();
    let scanner = scan.create_bucket_batch_scanner(bucket).unwrap();
    let mut items = Vec::new();
    while let Some(item) = scanner.next_batch().await.transpose() {
        items.push(item);
        assert!(items.len() < 20, "no end: {items:?}");
    }
    server.no_script();
    items
}

/// What a row scan hands out from an offset on, until its first error or its end.
async fn rows_from(table: &FlussTable, offset: i64) -> (Vec<i32>, Option<Error>) {
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, offset).await.unwrap();
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let mut rows = Vec::new();
    while !scanner.is_finished() {
        match scanner.poll(LONG).await {
            Ok(records) => rows.extend(records.into_iter().map(|record| record.row().get_int(0))),
            Err(error) => return (rows, Some(error)),
        }
    }
    (rows, None)
}

#[tokio::test(start_paused = true)]
async fn a_row_that_is_none_does_not_take_the_rows_around_it_with_it() {
    for format in [LogFormat::Compacted, LogFormat::Indexed] {
        let descriptor = descriptor(format, DataTypes::string());
        // Row 1 and row 5 are not text.
        let text = |a: i32| match a {
            1 | 5 => Datum::from(vec![0xff_u8, 0xfe]),
            _ => Datum::from(format!("text {a}").into_bytes()),
        };
        let batches = [
            (4, batch(&descriptor, DataTypes::bytes(), 0..4, text)),
            (2, batch(&descriptor, DataTypes::bytes(), 4..6, text)),
        ];
        let (server, table) = filled(&descriptor, &batches).await;
        for columns in [false, true] {
            let read = async |offset| {
                if columns {
                    batches_from(&table, offset).await
                } else {
                    rows_from(&table, offset).await
                }
            };
            let (rows, error) = read(0).await;
            assert_eq!(rows, [0], "{format:?} {columns}");
            assert_names(&error.unwrap(), 1..2, &["\"b\"", "offset 1", "UTF-8"]);
            let (rows, error) = read(2).await;
            assert_eq!(rows, [2, 3, 4], "{format:?} {columns}");
            assert_names(&error.unwrap(), 5..6, &["\"b\"", "offset 5"]);
        }
        let items = last_rows(&server, &table, batches[0].1.clone()).await;
        let [Ok(first), Err(error), Ok(rest)] = &items[..] else {
            panic!("{format:?}: {items:?}")
        };
        assert_eq!((numbers(first), numbers(rest)), (vec![0], vec![2, 3]));
        assert_names(error, 1..2, &["\"b\""]);
    }
}

#[tokio::test(start_paused = true)]
async fn rows_before_a_record_without_an_end_are_handed_out() {
    for format in [LogFormat::Compacted, LogFormat::Indexed] {
        let descriptor = descriptor(format, DataTypes::string());
        let text = |a: i32| Datum::from(format!("text {a}"));
        let whole = batch(&descriptor, DataTypes::string(), 0..4, text);
        // The record of row 2 announces more bytes than there are.
        let at = whole
            .windows(6)
            .position(|bytes| bytes == b"text 2")
            .unwrap();
        let row = whole
            .windows(6)
            .position(|bytes| bytes == b"text 1")
            .unwrap();
        let mut broken = BytesMut::from(&whole[..]);
        let record = at - row;
        let start = (row + 6..at).find(|start| {
            let length = i32::from_le_bytes(whole[*start..start + 4].try_into().unwrap());
            usize::try_from(length) == Ok(record - 4)
        });
        broken[start.unwrap() + 2] = 1;
        let next = batch(&descriptor, DataTypes::string(), 4..6, text);
        let batches = [(4, broken.freeze()), (2, next)];
        let (_server, table) = filled(&descriptor, &batches).await;
        for columns in [false, true] {
            let read = async |offset| {
                if columns {
                    batches_from(&table, offset).await
                } else {
                    rows_from(&table, offset).await
                }
            };
            let (rows, error) = read(0).await;
            assert_eq!(rows, [0, 1], "{format:?} {columns}");
            assert_names(&error.unwrap(), 2..4, &["record"]);
            let (rows, error) = read(4).await;
            assert_eq!(rows, [4, 5], "{format:?} {columns}");
            assert!(error.is_none(), "{error:?}");
        }
    }
}
