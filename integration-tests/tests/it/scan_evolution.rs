//! Rows that are older than the table's newest columns: scans, projections, lookups, limit scans.

use std::time::Duration;

use arrow_array::Array as _;

use fluss::client::{FlussTable, LogScanner};
use fluss::metadata::{DataTypes, LogFormat, OffsetSpec, Schema, TableChange, TableDescriptor};
use fluss::row::GenericRow;

use crate::scan_support::table;
use crate::support::PATIENCE;

fn schema(primary_key: bool) -> Schema {
    let builder = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("name", DataTypes::string());
    let builder = if primary_key {
        builder.primary_key(["id"])
    } else {
        builder
    };
    builder.build().unwrap()
}

fn added() -> TableChange {
    TableChange::add_column("score", DataTypes::int())
}

/// Rows of the columns that the table had when its handle was made.
fn row(table: &FlussTable, id: i64) -> GenericRow<'static> {
    let width = table.get_table_info().schema().columns().len();
    let mut row = GenericRow::new(width);
    row.set_field(0, id);
    row.set_field(1, format!("name-{id}"));
    if width > 2 {
        row.set_field(2, id as i32 * 10);
    }
    row
}

/// Ids and scores, in the order of the log.
async fn scores(scanner: LogScanner, id: usize, score: usize) -> Vec<(i64, Option<i32>)> {
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let started = std::time::Instant::now();
    let mut found = Vec::new();
    while !scanner.is_finished() {
        assert!(started.elapsed() < PATIENCE, "{found:?}");
        for record in scanner.poll(Duration::from_secs(1)).await.unwrap() {
            let row = record.row();
            let value = (!row.is_null_at(score)).then(|| row.get_int(score));
            found.push((row.get_long(id), value));
        }
    }
    found
}

pub(crate) async fn old_batches_are_read_with_the_newer_schema() {
    for format in [LogFormat::Arrow, LogFormat::Indexed, LogFormat::Compacted] {
        let descriptor = TableDescriptor::builder()
            .schema(schema(false))
            .bucket_count(1)
            .log_format(format)
            .build()
            .unwrap();
        let (connection, old) = table("evolution_log", &descriptor).await;
        let write = async |table: &FlussTable, ids: std::ops::Range<i64>| {
            let writer = table.new_append().unwrap().create_writer().unwrap();
            for id in ids {
                writer.append(&row(table, id)).unwrap();
            }
            writer.flush().await.unwrap();
        };
        write(&old, 0..50).await;
        let admin = connection.get_admin().await.unwrap();
        admin
            .alter_table(old.table_path(), &[added()], false)
            .await
            .unwrap();
        let new = connection.get_table(old.table_path()).await.unwrap();
        assert_eq!(new.get_table_info().schema().columns().len(), 3);
        write(&new, 50..100).await;
        // A handle that is older than the column goes on writing without it.
        write(&old, 100..120).await;

        let expected: Vec<(i64, Option<i32>)> = (0..120)
            .map(|id| (id, (50..100).contains(&id).then_some(id as i32 * 10)))
            .collect();
        let scan = new.new_scan();
        assert_eq!(
            scores(scan.create_log_scanner().unwrap(), 0, 2).await,
            expected,
            "{format:?}"
        );
        // The server refuses to pick a column that its old batches do not have.
        let scan = new.new_scan().project_by_name(&["score", "id"]).unwrap();
        assert_eq!(
            scores(scan.create_log_scanner().unwrap(), 1, 0).await,
            expected,
            "{format:?}"
        );

        // The older handle sees the columns that it knows, of new batches, too.
        let scanner = old.new_scan().create_log_scanner().unwrap();
        scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
        scanner.read_until(OffsetSpec::Latest).await.unwrap();
        let mut next = 0;
        while !scanner.is_finished() {
            for record in scanner.poll(Duration::from_secs(1)).await.unwrap() {
                assert_eq!(record.row().get_long(0), next);
                assert_eq!(record.row().get_string(1), format!("name-{next}"));
                next += 1;
            }
        }
        assert_eq!(next, 120);
    }
}

pub(crate) async fn old_rows_are_looked_up_with_the_newer_schema() {
    let descriptor = TableDescriptor::builder()
        .schema(schema(true))
        .bucket_count(2)
        .build()
        .unwrap();
    let (connection, old) = table("evolution_keys", &descriptor).await;
    let write = async |table: &FlussTable, ids: std::ops::Range<i64>| {
        let writer = table.new_upsert().unwrap().create_writer().unwrap();
        for id in ids {
            writer.upsert(&row(table, id)).unwrap();
        }
        writer.flush().await.unwrap();
    };
    write(&old, 0..20).await;
    let admin = connection.get_admin().await.unwrap();
    admin
        .alter_table(old.table_path(), &[added()], false)
        .await
        .unwrap();
    let new = connection.get_table(old.table_path()).await.unwrap();
    write(&new, 20..40).await;

    let lookuper = new.new_lookup().unwrap().create_lookuper().unwrap();
    let early = old.new_lookup().unwrap().create_lookuper().unwrap();
    for id in 0..40_i64 {
        let mut key = GenericRow::new(1);
        key.set_field(0, id);
        let row = lookuper
            .lookup(&key)
            .await
            .unwrap()
            .get_single_row()
            .unwrap()
            .unwrap();
        assert_eq!(row.get_string(1), format!("name-{id}"));
        let score = (!row.is_null_at(2)).then(|| row.get_int(2));
        assert_eq!(score, (id >= 20).then_some(id as i32 * 10), "row {id}");
        let row = early
            .lookup(&key)
            .await
            .unwrap()
            .get_single_row()
            .unwrap()
            .unwrap();
        assert_eq!(row.get_string(1), format!("name-{id}"));
    }
    let mut changes = scores(new.new_scan().create_log_scanner().unwrap(), 0, 2).await;
    changes.sort_unstable();
    let expected: Vec<(i64, Option<i32>)> = (0..40)
        .map(|id| (id, (id >= 20).then_some(id as i32 * 10)))
        .collect();
    assert_eq!(changes, expected);
    let scan = new.new_scan().limit(100).unwrap();
    let batches = scan
        .create_batch_scanner()
        .unwrap()
        .collect_all_batches()
        .await
        .unwrap();
    let nulls: usize = batches
        .iter()
        .map(|batch| batch.batch().column(2).null_count())
        .sum();
    assert_eq!(nulls, 20);
}
