//! How soon a new row is seen by a reader at the end of the log.
//!
//! Machines that run tests are busy, so the bounds are wide: they distinguish a row that is fetched at once from one that arrives when the
//! wait of a held fetch is over.

use std::time::{Duration, Instant};

use fluss::client::{EARLIEST_OFFSET, FlussTable};
use fluss::metadata::{DataTypes, Schema, TableDescriptor};
use futures::TryStreamExt;
use integration_tests::cluster::spawn;

use crate::scan_support::{append, log_table, row, table, table_with};
use crate::support::{PATIENCE, config};

/// Rows of which each is read before the next one is written.
const ROWS: i64 = 30;
/// Between them.
const PAUSE: Duration = Duration::from_millis(40);
/// A row would wait for 250 ms on average, half of the time for which servers hold a fetch.
const SOON: Duration = Duration::from_millis(120);

/// The median of the times that `see` takes for a row after it was written.
async fn median(writer: impl AsyncFn(i64), mut see: impl AsyncFnMut(i64)) -> Duration {
    let mut times = Vec::new();
    for id in 0..ROWS {
        tokio::time::sleep(PAUSE).await;
        writer(id).await;
        let written = Instant::now();
        tokio::time::timeout(PATIENCE, see(id)).await.unwrap();
        times.push(written.elapsed());
    }
    times.sort_unstable();
    let median = times[times.len() / 2];
    println!("median {median:?}, maximum {:?}", times.last());
    median
}

/// By rows of a scanner.
async fn by_rows(table: &FlussTable) -> Duration {
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let scanner = table.new_scan().create_log_scanner().unwrap();
    for bucket in 0..table.get_table_info().num_buckets() {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    }
    let write = async |id| {
        writer.append(&row(id)).unwrap().await.unwrap();
    };
    let see = async |id| {
        loop {
            let records = scanner.poll(PATIENCE).await.unwrap();
            if let Some(record) = records.into_iter().next() {
                assert_eq!(record.row().get_long(0), id);
                return;
            }
        }
    };
    median(write, see).await
}

pub(crate) async fn a_row_is_seen_soon_after_it_is_written() {
    let (_connection, table) = log_table("latency_rows", 3).await;
    let time = by_rows(&table).await;
    assert!(time < SOON, "{time:?}");
}

pub(crate) async fn a_row_is_seen_soon_by_a_stream() {
    let (_connection, table) = log_table("latency_stream", 3).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let scanner = table.new_scan().create_log_scanner().unwrap();
    for bucket in 0..3 {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    }
    let mut stream = scanner.into_stream();
    let write = async |id| {
        writer.append(&row(id)).unwrap().await.unwrap();
    };
    let see = async |id| {
        let (_, record) = stream.try_next().await.unwrap().unwrap();
        assert_eq!(record.row().get_long(0), id);
    };
    let time = median(write, see).await;
    assert!(time < SOON, "{time:?}");
}

pub(crate) async fn a_row_is_seen_soon_in_an_arrow_batch() {
    let (_connection, table) = log_table("latency_batches", 3).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
    for bucket in 0..3 {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    }
    let mut stream = scanner.into_stream();
    let write = async |id| {
        writer.append(&row(id)).unwrap().await.unwrap();
    };
    let see = async |_| {
        let batch = stream.try_next().await.unwrap().unwrap();
        assert_eq!(batch.num_records(), 1);
    };
    let time = median(write, see).await;
    assert!(time < SOON, "{time:?}");
}

pub(crate) async fn a_change_of_a_primary_key_table_is_seen_soon() {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("name", DataTypes::string())
        .primary_key(["id"])
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(3)
        .build()
        .unwrap();
    let (_connection, table) = table("latency_changes", &descriptor).await;
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    let scanner = table.new_scan().create_log_scanner().unwrap();
    for bucket in 0..3 {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    }
    let write = async |id| {
        writer.upsert(&row(id)).unwrap().await.unwrap();
    };
    let see = async |id| {
        loop {
            let records = scanner.poll(PATIENCE).await.unwrap();
            if let Some(record) = records.into_iter().next() {
                assert_eq!(record.row().get_long(0), id);
                return;
            }
        }
    };
    let time = median(write, see).await;
    assert!(time < SOON, "{time:?}");
}

pub(crate) async fn a_row_of_a_table_with_three_replicas_is_seen_soon() {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("name", DataTypes::string())
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(3)
        .property("table.replication.factor", "3")
        .build()
        .unwrap();
    let (_connection, table) = table("latency_replicas", &descriptor).await;
    let time = by_rows(&table).await;
    assert!(time < SOON, "{time:?}");
}

/// A server handles the requests of one connection in order, but a fetch that it holds does not delay those after it.
pub(crate) async fn a_fetch_that_is_held_does_not_keep_a_write_waiting_on_its_connection() {
    let wait = Duration::from_secs(20);
    let config = fluss::config::Config {
        connections_per_server: 1,
        scanner_fetch_wait_max_time: wait,
        scanner_tail_latency: wait,
        ..config()
    };
    let connection = fluss::client::FlussConnection::new(config).await.unwrap();
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("name", DataTypes::string())
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .build()
        .unwrap();
    let (_connection, table) = table_with(connection, "latency_held", &descriptor).await;
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let reading = spawn(async move { scanner.poll(PATIENCE).await.unwrap().count() });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    append(&table, 0..1).await;
    assert!(began.elapsed() < wait / 2, "{:?}", began.elapsed());
    reading.abort();
}
