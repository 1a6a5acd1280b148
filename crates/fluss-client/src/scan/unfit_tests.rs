//! Tests of rows that servers store though the types of their columns do not allow them: nulls in NOT NULL columns, and decimals that
//! outgrew their precision.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use bytes::Bytes;
use fluss_metadata::{
    DataTypes, LogFormat, OffsetSpec, RowType, Schema, TableBucket, TableDescriptor,
};
use fluss_row::key::TableKeys;
use fluss_row::kv::{ValueBatchBuilder, write_value};
use fluss_row::log::{ArrowLogBatchBuilder, RowLogBatchBuilder};
use fluss_row::{Decimal, GenericRow, RowEncoder, RowFormat};
use fluss_wire::api::ApiKey;
use fluss_wire::message::{LimitScanResponse, ScanKvResponse};
use futures::StreamExt;

use super::testing::{MemoryServer, TABLE_ID, ok, open_table};
use crate::error::{Error, ErrorKind, Result};
use crate::table::{EARLIEST_OFFSET, FlussTable, ScanBatch};

const LONG: Duration = Duration::from_secs(5);

fn descriptor(format: LogFormat, keyed: bool) -> TableDescriptor {
    let mut schema = Schema::builder()
        .column("a", DataTypes::int())
        .column("n", DataTypes::int().as_non_nullable())
        .column("d", DataTypes::decimal(4, 2));
    if keyed {
        schema = schema.primary_key(["a"]);
    }
    TableDescriptor::builder()
        .schema(schema.build().unwrap())
        .bucket_count(2)
        .log_format(format)
        .property("table.log.arrow.compression.type", "NONE")
        .build()
        .unwrap()
}

/// The type of the rows as a server sees to it.
fn lenient() -> RowType {
    RowType::new(vec![
        DataTypes::field("a", DataTypes::int()),
        DataTypes::field("n", DataTypes::int()),
        DataTypes::field("d", DataTypes::decimal(8, 2)),
    ])
}

/// Row 1 has a null in the column that is NOT NULL, row 2 a decimal of five digits.
fn row(a: i32) -> GenericRow<'static> {
    let mut row = GenericRow::new(3);
    row.set_field(0, a);
    if a != 1 {
        row.set_field(1, a);
    }
    let unscaled = if a == 2 { 10_000 } else { i128::from(a) };
    row.set_field(2, Decimal::from_unscaled(unscaled, 8, 2).unwrap());
    row
}

fn batch(format: LogFormat, rows: std::ops::Range<i32>) -> Bytes {
    let row_type = lenient();
    if format == LogFormat::Arrow {
        let compression = descriptor(format, false).arrow_compression().unwrap();
        let mut builder = ArrowLogBatchBuilder::new(&row_type, 1, compression).unwrap();
        rows.for_each(|a| {
            builder.append(&row(a)).unwrap();
        });
        return builder.build().unwrap().stamp(1, 0);
    }
    let mut builder = RowLogBatchBuilder::new(&row_type, 1, format).unwrap();
    rows.for_each(|a| {
        builder.append(&row(a)).unwrap();
    });
    builder.build().stamp(1, 0)
}

fn value(a: i32) -> Vec<u8> {
    let encoder = RowEncoder::new(RowFormat::Compacted, &lenient()).unwrap();
    let mut bytes = Vec::new();
    encoder.encode(&row(a), &mut bytes).unwrap();
    bytes
}

fn values() -> Bytes {
    let mut batch = ValueBatchBuilder::new();
    for a in 0..5 {
        batch.append(1, &value(a)).unwrap();
    }
    batch.build()
}

/// A table of two buckets: rows 0 to 3 in one batch and row 4 in another one in the first, rows 5 and 6 in the second.
async fn filled(format: LogFormat) -> (Arc<MemoryServer>, FlussTable) {
    let server = MemoryServer::new(descriptor(format, false));
    server.with_log(0, |log| {
        log.append(4, &batch(format, 0..4));
        log.append(1, &batch(format, 4..5));
    });
    server.with_log(1, |log| log.append(2, &batch(format, 5..7)));
    let table = open_table(&server, |_| ()).await;
    (server, table)
}

const FORMATS: [LogFormat; 3] = [LogFormat::Arrow, LogFormat::Indexed, LogFormat::Compacted];

fn numbers(batch: &ScanBatch) -> Vec<i32> {
    let column = batch.batch().column(0).as_primitive::<Int32Type>();
    column.values().to_vec()
}

/// Checks that an error says everything of one row.
fn assert_names(error: &Error, bucket: i32, offset: i64, texts: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(error.table().unwrap().to_string(), "db.t", "{error}");
    assert_eq!(error.bucket(), Some(TableBucket::new(TABLE_ID, bucket)));
    assert_eq!(error.offsets(), Some(offset..offset + 1), "{error}");
    for text in texts {
        assert!(error.to_string().contains(text), "{error} without {text}");
    }
    assert!(std::error::Error::source(error).is_some(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn rows_are_handed_out_as_the_server_stored_them() {
    for format in FORMATS {
        let (_server, table) = filled(format).await;
        let scanner = table.new_scan().create_log_scanner().unwrap();
        scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
        scanner.read_until(OffsetSpec::Latest).await.unwrap();
        let mut seen = Vec::new();
        while !scanner.is_finished() {
            for record in scanner.poll(LONG).await.unwrap() {
                let row = record.row();
                let null = row.is_null_at(1);
                let decimal = row.get_decimal(2, 4, 2);
                assert_eq!(row.try_get::<Decimal>("d").unwrap(), decimal);
                seen.push((row.get_int(0), null, decimal.to_string()));
            }
        }
        let text = |text: &str| text.to_owned();
        let expected = [
            (0, false, text("0.00")),
            (1, true, text("0.01")),
            (2, false, text("100.00")),
            (3, false, text("0.03")),
            (4, false, text("0.04")),
        ];
        assert_eq!(seen, expected, "{format:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_arrow_does_not_hold_stops_its_bucket_and_is_named() {
    for format in FORMATS {
        let (_server, table) = filled(format).await;
        let scan = table.new_scan();
        let scanner = scan.create_record_batch_log_scanner().unwrap();
        scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
        let batches = scanner.poll(LONG).await.unwrap();
        assert_eq!(batches.len(), 1, "{format:?}");
        assert_eq!(numbers(&batches[0]), [0], "{format:?}");
        for _ in 0..2 {
            // It stays where it is: nothing behind the row comes.
            let error = scanner.poll(LONG).await.unwrap_err();
            let texts = ["\"n\"", "NOT NULL", "offset 1"];
            assert_names(&error, 0, 1, &texts);
            assert_eq!(scanner.position(0), Some(1));
        }
        // The other bucket is read on.
        scanner.subscribe(1, EARLIEST_OFFSET).await.unwrap();
        let batches = scanner.poll(LONG).await.unwrap();
        assert_eq!(numbers(&batches[0]), [5, 6], "{format:?}");
        // Who wants to go on behind the row says so.
        let behind = 2;
        scanner.subscribe(0, behind).await.unwrap();
        let error = scanner.poll(LONG).await.unwrap_err();
        assert_names(
            &error,
            0,
            2,
            &["\"d\"", "100.00", "DECIMAL(4, 2)", "offset 2"],
        );
        let behind = error.offsets().unwrap().end;
        scanner.subscribe(0, behind).await.unwrap();
        let mut rest = Vec::new();
        while rest.len() < 2 {
            let batches = scanner.poll(LONG).await.unwrap();
            rest.extend(batches.iter().flat_map(numbers));
        }
        assert_eq!(rest, [3, 4], "{format:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_and_a_bounded_scan_tell_of_such_a_row_before_they_end() {
    for format in FORMATS {
        let (_server, table) = filled(format).await;
        let scan = table.new_scan();
        let scanner = scan.create_record_batch_log_scanner().unwrap();
        scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
        scanner.read_until(OffsetSpec::Latest).await.unwrap();
        let items: Vec<Result<ScanBatch>> = scanner.into_stream().collect().await;
        let mut rows: Vec<i32> = items.iter().flatten().flat_map(numbers).collect();
        rows.sort_unstable();
        assert_eq!(rows, [0, 5, 6], "{format:?}");
        let errors: Vec<_> = items
            .iter()
            .filter_map(|item| item.as_ref().err())
            .collect();
        assert_eq!(errors.len(), 1, "{format:?}");
        assert_names(errors[0], 0, 1, &["\"n\""]);

        // Columns that are not asked for don't matter.
        let scan = table.new_scan().project(&[0]).unwrap();
        let scanner = scan.create_record_batch_log_scanner().unwrap();
        scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
        scanner.read_until(OffsetSpec::Latest).await.unwrap();
        let items: Vec<Result<ScanBatch>> = scanner.into_stream().collect().await;
        let rows: Vec<i32> = items
            .into_iter()
            .flat_map(|item| numbers(&item.unwrap()))
            .collect();
        assert_eq!(rows, [0, 1, 2, 3, 4], "{format:?}");
    }
}

/// What the batches of a scan that ends are: their first column, or why there is none.
async fn collect(
    mut next: impl AsyncFnMut() -> Result<Option<ScanBatch>>,
) -> Vec<Result<Vec<i32>>> {
    let mut items = Vec::new();
    loop {
        match next().await {
            Ok(None) => return items,
            Ok(Some(batch)) => items.push(Ok(numbers(&batch))),
            Err(error) => items.push(Err(error)),
        }
        assert!(items.len() < 20, "no end: {items:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_scan_hands_out_the_rows_around_such_a_row() {
    for format in FORMATS {
        let (server, table) = filled(format).await;
        server.script(move |request| {
            (request.api == ApiKey::LimitScan).then(|| {
                let second: Bytes = batch(format, 4..5);
                let mut records = batch(format, 0..4).to_vec();
                let start = records.len();
                records.extend_from_slice(&second);
                records[start..start + 8].copy_from_slice(&4_i64.to_le_bytes());
                let response = LimitScanResponse {
                    is_log_table: Some(true),
                    records: Some(records.into()),
                    ..LimitScanResponse::default()
                };
                ready(ok(request, &response))
            })
        });
        let bucket = TableBucket::new(TABLE_ID, 0);
        let scan = table.new_scan().limit(10).unwrap();
        let scanner = scan.create_bucket_batch_scanner(bucket).unwrap();
        let items = collect(async || scanner.next_batch().await).await;
        let [Ok(first), Err(null), Err(long), Ok(third), Ok(last)] = &items[..] else {
            panic!("{format:?}: {items:?}")
        };
        assert_eq!(
            (&first[..], &third[..], &last[..]),
            (&[0][..], &[3][..], &[4][..])
        );
        assert_names(null, 0, 1, &["\"n\"", "limit_scan"]);
        assert_names(long, 0, 2, &["\"d\"", "100.00"]);
    }
}

#[tokio::test(start_paused = true)]
async fn scans_of_a_primary_key_table_hand_out_the_rows_around_such_a_row() {
    let server = MemoryServer::new(descriptor(LogFormat::Compacted, true));
    server.become_newer();
    let table = open_table(&server, |_| ()).await;
    server.script(move |request| match request.api {
        ApiKey::LimitScan => {
            let response = LimitScanResponse {
                is_log_table: Some(false),
                records: Some(values()),
                ..LimitScanResponse::default()
            };
            Some(ready(ok(request, &response)))
        }
        ApiKey::ScanKv => {
            let response = ScanKvResponse {
                records: Some(values()),
                has_more_results: Some(false),
                log_offset: Some(5),
                ..ScanKvResponse::default()
            };
            Some(ready(ok(request, &response)))
        }
        _ => None,
    });
    let bucket = TableBucket::new(TABLE_ID, 0);
    for limit in [Some(20), None] {
        let scan = table.new_scan();
        let scan = match limit {
            Some(limit) => scan.limit(limit).unwrap(),
            None => scan,
        };
        let one = scan.create_bucket_batch_scanner(bucket).unwrap();
        let mut read = vec![collect(async || one.next_batch().await).await];
        let all = scan.create_batch_scanner().unwrap();
        let items = collect(async || all.next_batch().await).await;
        read.extend(items.chunks(4).map(|chunk| {
            let again = chunk.iter().map(|item| match item {
                Ok(rows) => Ok(rows.clone()),
                Err(error) => Err(error.clone()),
            });
            again.collect()
        }));
        for items in read {
            let [Ok(first), Err(null), Err(long), Ok(last)] = &items[..] else {
                panic!("{limit:?}: {items:?}")
            };
            assert_eq!((&first[..], &last[..]), (&[0][..], &[3, 4][..]));
            for (error, texts) in [(null, ["\"n\"", "row 1"]), (long, ["100.00", "row 2"])] {
                assert_eq!(error.kind(), ErrorKind::Corrupt);
                assert!(
                    error.bucket().is_some() && error.table().is_some(),
                    "{error}"
                );
                let text = error.to_string();
                assert!(texts.iter().all(|part| text.contains(part)), "{text}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lookup_finds_a_decimal_that_outgrew_its_column() {
    let server = MemoryServer::new(descriptor(LogFormat::Compacted, true));
    let table = open_table(&server, |_| ()).await;
    let mut key = GenericRow::new(1);
    key.set_field(0, 2);
    let mut encoded = Vec::new();
    let keys = TableKeys::of_lookups(table.get_table_info()).unwrap();
    keys.encode_key(&key, &mut encoded).unwrap();
    let mut stored = Vec::new();
    write_value(1, &value(2), &mut stored).unwrap();
    server
        .values
        .lock()
        .unwrap()
        .insert(encoded.into(), stored.into());
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    let found = lookuper.lookup(&key).await.unwrap();
    let row = found.get_single_row().unwrap().unwrap();
    assert_eq!(row.get_decimal(2, 4, 2).to_string(), "100.00");
    // Arrow cannot hold it.
    let error = found.to_record_batch().unwrap_err();
    assert!(error.to_string().contains("\"d\""), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_cannot_be_read_says_why_and_where() {
    let (server, table) = filled(LogFormat::Arrow).await;
    server.with_log(1, |log| {
        log.append(3, &batch(LogFormat::Arrow, 7..10));
        log.corrupt_last();
    });
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(1, 0).await.unwrap();
    assert_eq!(scanner.poll(LONG).await.unwrap().count(), 2);
    let error = scanner.poll(LONG).await.unwrap_err();
    assert_eq!(error.offsets(), Some(2..5));
    let text = error.to_string();
    for part in [
        "db.t",
        "bucket 1",
        "offsets 2 to 4",
        "has checksum 0x",
        "its bytes have 0x",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let mut sources = Vec::new();
    let mut next = std::error::Error::source(&error);
    while let Some(source) = next {
        sources.push(source.to_string());
        next = source.source();
    }
    assert!(
        sources.iter().any(|text| text.contains("checksum")),
        "{sources:?}"
    );
}
