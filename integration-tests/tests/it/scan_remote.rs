//! Log segments that the servers moved to remote storage: all of it, from the middle, within the memory that is allowed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use fluss::client::{EARLIEST_OFFSET, FlussConnection, FlussTable};
use fluss::metadata::{DataTypes, OffsetSpec, Schema, TableDescriptor};
use fluss::row::GenericRow;
use futures::TryStreamExt;
use integration_tests::cluster::directory;

use crate::scan_support::table;
use crate::support::{PATIENCE, config};

const ROWS: i64 = 6000;

/// Rows of about 100 bytes: with segments of 64 KiB, many of them.
async fn filled(test: &str) -> FlussTable {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("text", DataTypes::string())
        .column("half", DataTypes::double())
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        // So that what was moved is no longer on the servers' disks.
        .property("table.log.tiered.local-segments", "1")
        .property("table.log.arrow.compression.type", "NONE")
        .build()
        .unwrap();
    let (_connection, table) = table(test, &descriptor).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for id in 0..ROWS {
        let mut row = GenericRow::new(3);
        row.set_field(0, id);
        row.set_field(1, text(id));
        row.set_field(2, id as f64 / 2.0);
        writer.append(&row).unwrap();
        if id % 100 == 99 {
            writer.flush().await.unwrap();
        }
    }
    wait_for_segments(&table).await;
    table
}

fn text(id: i64) -> String {
    format!("{id:0>90}")
}

/// Waits until the servers moved most of the log, and deleted it from their own disks.
async fn wait_for_segments(table: &FlussTable) {
    let cluster = directory();
    let path = table.table_path();
    let remote = cluster.join("remote/log").join(path.database());
    let local: Vec<PathBuf> = (0..3)
        .map(|server| {
            cluster
                .join(format!("data/tablet-{server}"))
                .join(path.database())
        })
        .collect();
    let started = Instant::now();
    loop {
        let moved = count_logs(&remote);
        let kept = local.iter().map(|dir| count_logs(dir)).max().unwrap_or(0);
        if moved >= 5 && kept <= 3 {
            return;
        }
        assert!(
            started.elapsed() < PATIENCE * 2,
            "{moved} segments moved, {kept} kept"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

pub(crate) fn count_logs(dir: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| {
            let path = entry.path();
            if path.is_dir() {
                count_logs(&path)
            } else {
                usize::from(path.extension().is_some_and(|end| end == "log"))
            }
        })
        .sum()
}

pub(crate) async fn remote_segments_are_read_from_the_beginning_and_from_the_middle() {
    let table = filled("remote_segments").await;
    let scanner = table.new_scan().create_log_scanner().unwrap();
    for start in [EARLIEST_OFFSET, 1234] {
        scanner.subscribe(0, start).await.unwrap();
        scanner.read_until(OffsetSpec::Latest).await.unwrap();
        let mut next = start.max(0);
        let mut since = Instant::now();
        while !scanner.is_finished() {
            assert!(since.elapsed() < PATIENCE, "{next} of {ROWS} rows");
            for record in scanner.poll(Duration::from_secs(1)).await.unwrap() {
                let row = record.row();
                assert_eq!((record.offset(), row.get_long(0)), (next, next));
                assert_eq!(row.get_string(1), text(next));
                next += 1;
                since = Instant::now();
            }
        }
        assert_eq!(next, ROWS);
    }

    // Segments hold whole rows whatever is asked for: the columns are left out here.
    let scan = table.new_scan().project_by_name(&["half", "id"]).unwrap();
    let scanner = scan.create_record_batch_log_scanner().unwrap();
    scanner.subscribe_from_beginning(0).await.unwrap();
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let batches: Vec<_> = tokio::time::timeout(PATIENCE, scanner.into_stream().try_collect())
        .await
        .unwrap()
        .unwrap();
    let ids: Vec<i64> = batches
        .iter()
        .flat_map(|batch: &fluss::client::ScanBatch| {
            assert_eq!(batch.batch().num_columns(), 2);
            batch
                .batch()
                .column(1)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        })
        .collect();
    assert_eq!(ids, (0..ROWS).collect::<Vec<_>>());
}

pub(crate) async fn remote_segments_are_read_in_small_pieces_where_memory_is_short() {
    let made = filled("remote_pieces").await;
    let mut config = config();
    // Less than a segment: it never is in memory as a whole.
    config.scanner_prefetch_max_bytes = 40_000;
    config.scanner_remote_read_bytes = 20_000;
    let connection = FlussConnection::new(config).await.unwrap();
    let table = connection.get_table(made.table_path()).await.unwrap();
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_from_beginning(0).await.unwrap();
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let mut stream = scanner.into_stream();
    let mut next = 0;
    while let Some((_, record)) = tokio::time::timeout(PATIENCE, stream.try_next())
        .await
        .unwrap()
        .unwrap()
    {
        assert_eq!(record.row().get_long(0), next);
        next += 1;
    }
    assert_eq!(next, ROWS);
}
