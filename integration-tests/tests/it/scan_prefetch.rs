//! What a scanner fetches ahead stays within its bound, however many buckets it reads.

use std::time::{Duration, Instant};

use fluss::client::FlussConnection;
use fluss::metadata::{DataTypes, OffsetSpec, Schema, TableDescriptor};
use fluss::row::GenericRow;

use crate::scan_support::{poll_rows, table_with};
use crate::support::{PATIENCE, config};

const BUCKETS: i32 = 16;
const ROWS: i64 = 4000;
const PREFETCH: u64 = 128 * 1024;

pub(crate) async fn what_is_fetched_ahead_of_poll_is_bounded_whatever_the_number_of_buckets() {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("text", DataTypes::string())
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .distributed_by(Some(BUCKETS), ["id"])
        .property("table.log.arrow.compression.type", "NONE")
        .build()
        .unwrap();
    let mut config = config();
    config.writer_batch_size = 8 * 1024;
    config.scanner_prefetch_max_bytes = PREFETCH as usize;
    config.scanner_fetch_max_bytes_for_bucket = 16 * 1024;
    let connection = FlussConnection::new(config).await.unwrap();
    let (connection, table) = table_with(connection, "prefetch", &descriptor).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let long = "x".repeat(1000);
    for id in 0..ROWS {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, &*long);
        writer.append(&row).unwrap();
    }
    writer.flush().await.unwrap();

    let fetched = || {
        let stats = connection.stats();
        stats
            .of_api("FETCH_LOG")
            .map_or(0, |fetches| fetches.bytes_received)
    };
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    let started = Instant::now();
    while fetched() == 0 {
        assert!(started.elapsed() < PATIENCE, "it fetches ahead");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Nobody polls, and yet no more comes than may be kept.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let ahead = fetched();
    // A bucket of each request may send one batch more than was left.
    assert!(ahead <= PREFETCH * 2, "{ahead} bytes ahead of poll");
    let seen = poll_rows(&scanner, ROWS as usize).await;
    assert_eq!(seen.len(), BUCKETS as usize);
    // How much of it came by fetches depends on how many segments were moved to remote storage by now.
    assert!(fetched() > ahead);
}
