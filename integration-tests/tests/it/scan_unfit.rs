//! Rows that servers store though the types of their columns do not allow them: rows of scans and lookups have what was stored, Arrow
//! batches stop before it and say where.

use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use fluss::client::{EARLIEST_OFFSET, FlussTable, RecordBatchLogScanner};
use fluss::error::{Error, ErrorKind};
use fluss::metadata::{
    AggFunction, AggFunctionType, DataTypes, LogFormat, OffsetSpec, RowType, Schema, TableBucket,
    TableDescriptor,
};
use fluss::row::{Decimal, GenericRow};
use fluss_row::log::{ArrowLogBatchBuilder, RowLogBatchBuilder};
use fluss_wire::message::{PbProduceLogReqForBucket, ProduceLogRequest};
use tokio::time::{Instant, timeout};

use crate::scan_support::table;
use crate::support::{PATIENCE, leader_of, raw_cluster};

/// A log table with a column that is NOT NULL, into which rows were written with nulls, as the Java client does it: the rows 0 to 2 in one
/// batch, of which row 1 has the null, and row 3 in another.
async fn with_null(test: &str, format: LogFormat) -> FlussTable {
    let schema = |number| {
        Schema::builder()
            .column("a", DataTypes::int())
            .column("n", number)
            .build()
            .unwrap()
    };
    let descriptor = TableDescriptor::builder()
        .schema(schema(DataTypes::int().as_non_nullable()))
        .bucket_count(1)
        .log_format(format)
        .build()
        .unwrap();
    let (_connection, table) = table(test, &descriptor).await;
    let id = table.get_table_info().table_id();
    let bucket = TableBucket::new(id, 0);
    let leader = leader_of(table.table_path(), bucket).await;
    let lenient = schema(DataTypes::int());
    for rows in [0..3, 3..4] {
        let request = ProduceLogRequest {
            acks: -1,
            table_id: id,
            timeout_ms: 10_000,
            buckets_req: vec![PbProduceLogReqForBucket {
                bucket_id: 0,
                records: batch(&descriptor, lenient.row_type(), format, rows),
                ..PbProduceLogReqForBucket::default()
            }]
            .into(),
        };
        let cluster = raw_cluster().await;
        let deadline = Instant::now() + PATIENCE;
        let written = cluster.call_server(
            i32::try_from(leader).unwrap(),
            fluss_rpc::Lane::FIRST,
            &request,
            deadline,
        );
        let written = written.await.unwrap();
        let code = written.buckets_resp.first().unwrap().error_code;
        assert_eq!(code, None, "{written:?}");
    }
    table
}

fn batch(
    descriptor: &TableDescriptor,
    row_type: &RowType,
    format: LogFormat,
    rows: std::ops::Range<i32>,
) -> bytes::Bytes {
    let rows = rows.map(|a| {
        let mut row = GenericRow::new(2);
        row.set_field(0, a);
        if a != 1 {
            row.set_field(1, a);
        }
        row
    });
    if format == LogFormat::Arrow {
        let compression = descriptor.arrow_compression().unwrap();
        let mut builder = ArrowLogBatchBuilder::new(row_type, 1, compression).unwrap();
        for row in rows {
            builder.append(&row).unwrap();
        }
        return builder.build().unwrap().stamp(-1, -1);
    }
    let mut builder = RowLogBatchBuilder::new(row_type, 1, format).unwrap();
    for row in rows {
        builder.append(&row).unwrap();
    }
    builder.build().stamp(-1, -1)
}

/// The first column of what a scanner hands out until its error.
async fn until_error(scanner: &RecordBatchLogScanner) -> (Vec<i32>, Error) {
    let mut seen = Vec::new();
    let read = async {
        loop {
            match scanner.poll(Duration::from_secs(1)).await {
                Ok(batches) => {
                    for batch in batches {
                        let column = batch.batch().column(0).as_primitive::<Int32Type>();
                        seen.extend_from_slice(column.values());
                    }
                }
                Err(error) => return error,
            }
        }
    };
    let error = timeout(PATIENCE, read).await.expect("an error");
    (seen, error)
}

pub(crate) async fn a_null_in_a_not_null_column_is_read_as_a_row_and_named_for_arrow() {
    for (test, format) in [
        ("unfit_arrow", LogFormat::Arrow),
        ("unfit_compacted", LogFormat::Compacted),
    ] {
        let table = with_null(test, format).await;
        let scanner = table.new_scan().create_log_scanner().unwrap();
        scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
        scanner.read_until(OffsetSpec::Latest).await.unwrap();
        let mut seen = Vec::new();
        while !scanner.is_finished() {
            for record in scanner.poll(Duration::from_secs(1)).await.unwrap() {
                let row = record.row();
                seen.push((row.get_int(0), row.try_get::<Option<i32>>(1).unwrap()));
            }
        }
        let expected = [(0, Some(0)), (1, None), (2, Some(2)), (3, Some(3))];
        assert_eq!(seen, expected, "{format:?}");

        let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
        scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
        let (seen, error) = until_error(&scanner).await;
        assert_eq!(seen, [0], "{format:?}");
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert_eq!(error.table(), Some(table.table_path()));
        assert_eq!(error.bucket().unwrap().bucket_id(), 0);
        assert_eq!(error.offsets(), Some(1..2), "{error}");
        assert!(error.to_string().contains("\"n\""), "{error}");
        scanner.subscribe(0, 2).await.unwrap();
        let mut seen = Vec::new();
        while seen.len() < 2 {
            for batch in scanner.poll(Duration::from_secs(1)).await.unwrap() {
                let column = batch.batch().column(0).as_primitive::<Int32Type>();
                seen.extend_from_slice(column.values());
            }
        }
        assert_eq!(seen, [2, 3], "{format:?}");

        let bucket = TableBucket::new(table.get_table_info().table_id(), 0);
        let scan = table.new_scan().limit(3).unwrap();
        let scanner = scan.create_bucket_batch_scanner(bucket).unwrap();
        let error = scanner.next_batch().await.unwrap_err();
        assert_eq!(error.offsets(), Some(1..2), "{error}");
        let mut rows = 0;
        while let Some(batch) = scanner.next_batch().await.unwrap() {
            rows += batch.num_records();
        }
        assert_eq!(rows, 2, "{format:?}");
    }
}

pub(crate) async fn a_sum_that_outgrew_its_column_is_read_as_it_was_stored() {
    let schema = Schema::builder()
        .column("k", DataTypes::int())
        .column_with_agg(
            "amount",
            DataTypes::decimal(4, 2),
            AggFunction::new(AggFunctionType::Sum),
        )
        .primary_key(["k"])
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .property("table.merge-engine", "aggregation")
        .log_format(LogFormat::Compacted)
        .build()
        .unwrap();
    let (_connection, table) = table("unfit_sum", &descriptor).await;
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    for (key, unscaled) in [(1, 9900), (1, 100), (2, 1)] {
        let mut row = GenericRow::new(2);
        row.set_field(0, key);
        row.set_field(1, Decimal::from_unscaled(unscaled, 4, 2).unwrap());
        writer.upsert(&row).unwrap().await.unwrap();
    }
    let mut key = GenericRow::new(1);
    key.set_field(0, 1);
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    let found = lookuper.lookup(&key).await.unwrap();
    let row = found.get_single_row().unwrap().unwrap();
    assert_eq!(row.get_decimal(1, 4, 2).to_string(), "100.00");
    let error = found.to_record_batch().unwrap_err();
    assert!(error.to_string().contains("100.00"), "{error}");

    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let mut seen = Vec::new();
    while !scanner.is_finished() {
        for record in scanner.poll(Duration::from_secs(1)).await.unwrap() {
            seen.push(record.row().get_decimal(1, 4, 2).to_string());
        }
    }
    assert_eq!(seen, ["99.00", "99.00", "100.00", "0.01"]);

    let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let (seen, error) = until_error(&scanner).await;
    assert_eq!(seen, [1, 1]);
    assert_eq!(error.offsets(), Some(2..3), "{error}");
    assert!(error.to_string().contains("\"amount\""), "{error}");

    // Any rows of the table: the other one comes whatever is wrong with this.
    let bucket = TableBucket::new(table.get_table_info().table_id(), 0);
    let scan = table.new_scan().limit(10).unwrap();
    let scanner = scan.create_bucket_batch_scanner(bucket).unwrap();
    let (mut rows, mut errors) = (0, 0);
    loop {
        match scanner.next_batch().await {
            Ok(None) => break,
            Ok(Some(batch)) => rows += batch.num_records(),
            Err(error) => {
                assert!(error.to_string().contains("100.00"), "{error}");
                errors += 1;
            }
        }
    }
    assert_eq!((rows, errors), (1, 1));
}
