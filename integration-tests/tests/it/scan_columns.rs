//! What comes of a scan: columns in any order, changelogs, nested values, batches.

use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use fluss::client::{EARLIEST_OFFSET, FlussTable, RecordBatchLogScanner, ScanBatch};
use fluss::error::ErrorKind;
use fluss::metadata::{DataTypes, LogFormat, Schema, TableDescriptor};
use fluss::record::ChangeType;
use fluss::row::{DataGetters, Datum, GenericRow};

use crate::scan_support::{append, log_table, table};
use crate::support::{PATIENCE, read};

/// Polls batches of bucket 0 from its beginning until so many rows came.
async fn read_batches(scanner: &RecordBatchLogScanner, rows: usize) -> Vec<ScanBatch> {
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let started = Instant::now();
    let mut batches: Vec<ScanBatch> = Vec::new();
    while batches.iter().map(ScanBatch::num_records).sum::<usize>() < rows {
        assert!(started.elapsed() < PATIENCE, "{batches:?}");
        batches.extend(scanner.poll(Duration::from_secs(1)).await.unwrap());
    }
    assert_eq!(
        batches.iter().map(ScanBatch::num_records).sum::<usize>(),
        rows
    );
    batches
}

fn wide(format: LogFormat) -> TableDescriptor {
    let schema = Schema::builder()
        .column("a", DataTypes::int())
        .column("b", DataTypes::string())
        .column("c", DataTypes::double())
        .column("d", DataTypes::bigint())
        .build()
        .unwrap();
    TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .log_format(format)
        .build()
        .unwrap()
}

async fn fill_wide(table: &FlussTable, rows: i32) {
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for i in 0..rows {
        let mut row = GenericRow::new(4);
        row.set_field(0, i);
        row.set_field(1, format!("b{i}"));
        row.set_field(2, f64::from(i) / 2.0);
        row.set_field(3, i64::from(i) * 10);
        writer.append(&row).unwrap();
    }
    writer.flush().await.unwrap();
}

pub(crate) async fn columns_come_in_the_order_asked_for_in_every_log_format() {
    for format in [LogFormat::Arrow, LogFormat::Indexed, LogFormat::Compacted] {
        let (_connection, table) = table("scan_projection", &wide(format)).await;
        fill_wide(&table, 50).await;
        let scans = [
            table.new_scan().project(&[3, 1]).unwrap(),
            table.new_scan().project_by_name(&["d", "b"]).unwrap(),
        ];
        for scan in scans {
            let scanner = scan.create_log_scanner().unwrap();
            scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
            let mut next = 0;
            let started = Instant::now();
            while next < 50 {
                assert!(started.elapsed() < PATIENCE, "{next} rows of {format:?}");
                for record in scanner.poll(Duration::from_secs(1)).await.unwrap() {
                    let row = record.row();
                    assert_eq!(row.field_count(), 2);
                    assert_eq!(row.get_long(0), next * 10, "{format:?}");
                    assert_eq!(row.get_string(1), format!("b{next}"));
                    assert_eq!(row.try_get::<i64>("d").unwrap(), next * 10);
                    next += 1;
                }
            }
            let batches = read_batches(&scan.create_record_batch_log_scanner().unwrap(), 50).await;
            let schema = batches[0].batch().schema();
            let names: Vec<_> = schema
                .fields()
                .iter()
                .map(|field| field.name().as_str())
                .collect();
            assert_eq!(names, ["d", "b"]);
            let longs: Vec<i64> = batches
                .iter()
                .flat_map(|batch| {
                    batch
                        .batch()
                        .column(0)
                        .as_primitive::<Int64Type>()
                        .values()
                        .to_vec()
                })
                .collect();
            assert_eq!(longs, (0..50).map(|i| i * 10).collect::<Vec<_>>());
        }
        // No column at all: a scan that counts.
        let none = table.new_scan().project(&[]).unwrap();
        let batches = read_batches(&none.create_record_batch_log_scanner().unwrap(), 50).await;
        assert!(batches.iter().all(|batch| batch.batch().num_columns() == 0));
        for wrong in [
            table.new_scan().project(&[4]),
            table.new_scan().project(&[1, 1]),
            table.new_scan().project_by_name(&["x"]),
        ] {
            assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Usage);
        }
    }
}

pub(crate) async fn batches_begin_at_the_offset_asked_for() {
    let (_connection, table) = log_table("scan_batches_offset", 1).await;
    append(&table, 0..100).await;
    let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
    scanner.subscribe(0, 42).await.unwrap();
    let mut ids: Vec<i64> = Vec::new();
    let started = Instant::now();
    while ids.len() < 58 {
        assert!(started.elapsed() < PATIENCE);
        for batch in scanner.poll(Duration::from_secs(1)).await.unwrap() {
            assert_eq!(batch.base_offset(), 42 + ids.len() as i64);
            assert_eq!(
                batch.last_offset() - batch.base_offset() + 1,
                batch.num_records() as i64
            );
            assert!(batch.timestamp().unwrap() > 1_600_000_000_000);
            ids.extend(batch.batch().column(0).as_primitive::<Int64Type>().values());
        }
    }
    assert_eq!(ids, (42..100).collect::<Vec<i64>>());
    assert_eq!(scanner.position(0), Some(100));
}

fn keyed(image: Option<&str>) -> TableDescriptor {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("name", DataTypes::string())
        .primary_key(["id"])
        .build()
        .unwrap();
    let mut builder = TableDescriptor::builder().schema(schema).bucket_count(1);
    if let Some(image) = image {
        builder = builder.property("table.changelog.image", image);
    }
    builder.build().unwrap()
}

/// Two inserts, an update and a delete, each in a batch of its own.
async fn change(table: &FlussTable) {
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    for (id, name) in [
        (1_i64, Some("one")),
        (2, Some("two")),
        (1, Some("uno")),
        (2, None),
    ] {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        match name {
            Some(name) => {
                row.set_field(1, name);
                writer.upsert(&row).unwrap();
            }
            None => {
                writer.delete(&row).unwrap();
            }
        }
        writer.flush().await.unwrap();
    }
}

pub(crate) async fn a_changelog_tells_what_happened_to_each_row() {
    let expected = [
        (ChangeType::Insert, "insert", 1, "one"),
        (ChangeType::Insert, "insert", 2, "two"),
        (ChangeType::UpdateBefore, "update_before", 1, "one"),
        (ChangeType::UpdateAfter, "update_after", 1, "uno"),
        (ChangeType::Delete, "delete", 2, "two"),
    ];
    let (_connection, table) = table("scan_changelog", &keyed(None)).await;
    change(&table).await;

    let records = read(&table, expected.len()).await;
    let found: Vec<_> = records[&0]
        .iter()
        .map(|record| {
            let row = record.row();
            (
                *record.change_type(),
                record.offset(),
                row.get_long(0),
                row.get_string(1).to_owned(),
            )
        })
        .collect();
    let wanted: Vec<_> = expected
        .iter()
        .zip(0..)
        .map(|((change, _, id, name), offset)| (*change, offset, *id, (*name).to_owned()))
        .collect();
    assert_eq!(found, wanted);

    // The change type is a column of the batches, behind those that are projected.
    for (columns, id_at) in [(vec![0, 1], 0), (vec![1, 0], 1)] {
        let scan = table.new_scan().project(&columns).unwrap();
        let scanner = scan.create_record_batch_log_scanner().unwrap();
        let batches = read_batches(&scanner, expected.len()).await;
        let mut rows = Vec::new();
        for batch in &batches {
            let batch = batch.batch();
            assert_eq!(batch.schema(), scanner.schema());
            assert_eq!(batch.schema().field(2).name(), "_change_type");
            for row in 0..batch.num_rows() {
                rows.push((
                    batch.column(2).as_string::<i32>().value(row).to_owned(),
                    batch.column(id_at).as_primitive::<Int64Type>().value(row),
                    batch
                        .column(1 - id_at)
                        .as_string::<i32>()
                        .value(row)
                        .to_owned(),
                ));
            }
        }
        let wanted: Vec<_> = expected
            .iter()
            .map(|(_, change, id, name)| ((*change).to_owned(), *id, (*name).to_owned()))
            .collect();
        assert_eq!(rows, wanted);
    }
}

pub(crate) async fn a_changelog_of_new_images_alone_has_no_old_rows() {
    let (_connection, table) = table("scan_changelog_wal", &keyed(Some("WAL"))).await;
    change(&table).await;
    let records = read(&table, 4).await;
    let found: Vec<_> = records[&0]
        .iter()
        .map(|record| (*record.change_type(), record.row().get_long(0)))
        .collect();
    assert!(
        found
            .iter()
            .all(|(change, _)| *change != ChangeType::UpdateBefore),
        "{found:?}"
    );
    assert_eq!(
        found.iter().map(|(_, id)| *id).collect::<Vec<_>>(),
        [1, 2, 1, 2]
    );
    assert_eq!(found[3].0, ChangeType::Delete);
}

pub(crate) async fn nested_columns_come_back() {
    let inner = DataTypes::row(vec![
        DataTypes::field("x", DataTypes::int()),
        DataTypes::field("y", DataTypes::string()),
    ]);
    for format in [LogFormat::Arrow, LogFormat::Indexed, LogFormat::Compacted] {
        let schema = Schema::builder()
            .column("id", DataTypes::int())
            .column("numbers", DataTypes::array(DataTypes::bigint()))
            .column(
                "counts",
                DataTypes::map(DataTypes::string().as_non_nullable(), DataTypes::int()),
            )
            .column("point", inner.clone())
            .build()
            .unwrap();
        let descriptor = TableDescriptor::builder()
            .schema(schema)
            .bucket_count(1)
            .log_format(format)
            .build()
            .unwrap();
        let (_connection, table) = table("scan_nested", &descriptor).await;
        let writer = table.new_append().unwrap().create_writer().unwrap();
        for i in 0..20_i32 {
            let mut row = GenericRow::new(4);
            row.set_field(0, i);
            if i % 5 != 4 {
                let numbers: Vec<i64> = (0..i64::from(i % 4)).map(|j| i64::from(i) + j).collect();
                row.set_field(1, numbers);
                row.set_field(2, vec![(format!("k{i}"), i)]);
                let mut point = GenericRow::new(2);
                point.set_field(0, -i);
                point.set_field(1, format!("y{i}"));
                row.set_field(3, Datum::from(point));
            }
            writer.append(&row).unwrap();
        }
        writer.flush().await.unwrap();
        let records = read(&table, 20).await;
        for (i, record) in records[&0].iter().enumerate() {
            let (i, row) = (i as i32, record.row());
            assert_eq!(row.get_int(0), i);
            if i % 5 == 4 {
                assert!(
                    (1..4).all(|column| row.is_null_at(column)),
                    "row {i}, {format:?}"
                );
                continue;
            }
            let numbers = DataGetters::get_array(row, 1).unwrap();
            assert_eq!(numbers.len(), (i % 4) as usize, "row {i}, {format:?}");
            for j in 0..numbers.len() {
                assert_eq!(numbers.try_get::<i64>(j).unwrap(), i64::from(i) + j as i64);
            }
            let point = DataGetters::get_row(row, 3).unwrap();
            assert_eq!(DataGetters::get_int(&point, 0).unwrap(), -i);
            assert_eq!(DataGetters::get_string(&point, 1).unwrap(), format!("y{i}"));
            let counts = DataGetters::get_map(row, 2).unwrap();
            assert_eq!(counts.len(), 1);
        }
    }
}
