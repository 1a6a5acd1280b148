//! Batches: their size, the linger, requests, acknowledgements, memory.

use std::time::{Duration, Instant};

use fluss::client::{EARLIEST_OFFSET, FlussConnection, FlussTable};
use fluss::config::{Acks, Config};
use fluss::row::GenericRow;

use super::support::{self, PATIENCE, config};
use super::write_support::{expect_rows, kv_table, log_table, make, read_all, row};

async fn log_with(
    test: &str,
    compression: &str,
    buckets: i32,
    change: impl FnOnce(&mut Config),
) -> (FlussConnection, FlussTable) {
    let mut config = config();
    change(&mut config);
    let connection = FlussConnection::new(config).await.unwrap();
    let database = support::database(&connection, test).await;
    let descriptor = log_table()
        .bucket_count(buckets)
        .property("table.log.arrow.compression.type", compression)
        .build()
        .unwrap();
    let table = make(&connection, &database, "log", &descriptor).await;
    (connection, table)
}

/// The numbers of rows of the batches in a table of one bucket.
async fn batches(table: &FlussTable, rows: usize) -> Vec<usize> {
    let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let started = Instant::now();
    let mut counts = Vec::new();
    while counts.iter().sum::<usize>() < rows {
        assert!(started.elapsed() < PATIENCE, "{counts:?}");
        for batch in scanner.poll(Duration::from_secs(1)).await.unwrap() {
            counts.push(batch.num_records());
        }
    }
    counts
}

pub(crate) async fn batches_are_as_large_as_configured() {
    let (_connection, table) = log_with("batch_size", "NONE", 1, |config| {
        config.writer_batch_size = 16 * 1024;
        config.writer_batch_timeout = Duration::from_secs(10);
    })
    .await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for i in 0..10_000 {
        writer.append(&row(i)).unwrap();
    }
    writer.flush().await.unwrap();
    let counts = batches(&table, 10_000).await;
    let full = &counts[..counts.len() - 1];
    // About 31 bytes a row: 8 of the number, 4 of the offset, 19 of the text.
    assert!(
        full.iter().all(|rows| (400..=600).contains(rows)),
        "{counts:?}"
    );
}

pub(crate) async fn a_quiet_table_gets_smaller_batches_for_its_next_burst() {
    let long = "x".repeat(1000);
    for (dynamic, expected) in [(true, 4..20), (false, 1..3)] {
        let (connection, table) = log_with("batch_dynamic", "NONE", 1, |config| {
            config.writer_dynamic_batch_size = dynamic;
        })
        .await;
        let linger = connection.config().writer_batch_timeout;
        let writer = table.new_append().unwrap().create_writer().unwrap();
        for i in 0..45 {
            let written = writer.append(&row(i)).unwrap();
            while written.try_result().is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        let started = Instant::now();
        for i in 45_i64..1500 {
            let mut large = GenericRow::new(2);
            large.set_field(0, i);
            large.set_field(1, &*long);
            writer.append(&large).unwrap();
        }
        writer.flush().await.unwrap();
        // On a slow machine, a batch more for each time that the linger was over meanwhile.
        let lingers = started.elapsed().div_duration_f32(linger) as usize;
        let counts = batches(&table, 1500).await;
        assert!(counts[..45].iter().all(|rows| *rows == 1), "{counts:?}");
        let burst = counts.len() - 45;
        let expected = expected.start..expected.end + lingers;
        assert!(expected.contains(&burst), "dynamic {dynamic}: {counts:?}");
    }
}

pub(crate) async fn batches_that_compress_well_take_more_rows() {
    let (_connection, table) = log_with("batch_ratio", "ZSTD", 1, |config| {
        config.writer_batch_size = 16 * 1024;
        config.writer_batch_timeout = Duration::from_secs(10);
    })
    .await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for i in 0..30_000 {
        writer.append(&row(i)).unwrap();
        if i % 5000 == 0 {
            // Batches are made in the background; the ratio is known once the first is.
            writer.flush().await.unwrap();
        }
    }
    writer.flush().await.unwrap();
    let counts = batches(&table, 30_000).await;
    let first = counts.iter().copied().find(|rows| *rows > 1).unwrap();
    let most = counts.iter().copied().max().unwrap();
    assert!(most > first && first >= 400, "{counts:?}");
}

pub(crate) async fn rows_that_nobody_awaits_wait_out_the_linger_together() {
    const LINGER: Duration = Duration::from_millis(400);
    let (_connection, table) = log_with("batch_linger", "NONE", 1, |config| {
        config.writer_batch_timeout = LINGER;
    })
    .await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    writer.append(&row(0)).unwrap().await.unwrap();
    let started = Instant::now();
    let mut last = None;
    for i in 1..=100 {
        last = Some(writer.append(&row(i)).unwrap());
    }
    let last = last.unwrap();
    while last.try_result().is_none() {
        assert!(started.elapsed() <= PATIENCE, "not sent");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(started.elapsed() >= LINGER, "{:?}", started.elapsed());
    assert_eq!(batches(&table, 101).await, [1, 100]);
}

pub(crate) async fn requests_of_any_size_carry_everything() {
    for request_max_size in [1, 10_000, 1 << 20] {
        let (connection, table) = log_with("request_size", "LZ4_FRAME", 6, |config| {
            config.writer_batch_size = 4096;
            config.writer_request_max_size = request_max_size;
        })
        .await;
        let writer = table.new_append().unwrap().create_writer().unwrap();
        for i in 0..5000 {
            writer.append(&row(i)).unwrap();
        }
        writer.flush().await.unwrap();
        expect_rows(&read_all(&connection, &table, 5000).await, 0..5000);
    }
}

pub(crate) async fn a_row_larger_than_a_batch_goes_alone() {
    let (connection, table) = log_with("large_row", "NONE", 1, |config| {
        config.writer_batch_size = 64 * 1024;
        config.writer_request_max_size = 64 * 1024;
    })
    .await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let long = "x".repeat(3 << 20);
    for i in 0..4_i64 {
        let mut large = GenericRow::new(2);
        large.set_field(0, i);
        large.set_field(1, &*long);
        writer.append(&large).unwrap();
    }
    writer.flush().await.unwrap();
    let read = read_all(&connection, &table, 4).await;
    assert!(
        read.iter()
            .all(|record| record.text.as_deref() == Some(&*long))
    );
}

pub(crate) async fn every_level_of_acknowledgement_writes_every_row() {
    for (acks, idempotence) in [
        (Acks::All, true),
        (Acks::All, false),
        (Acks::Leader, false),
        (Acks::None, false),
    ] {
        let (connection, table) = log_with("acks", "NONE", 2, |config| {
            config.writer_acks = acks;
            config.writer_enable_idempotence = idempotence;
            config.writer_batch_size = 4096;
        })
        .await;
        let writer = table.new_append().unwrap().create_writer().unwrap();
        for i in 0..1000 {
            writer.append(&row(i)).unwrap();
        }
        writer.flush().await.unwrap();
        let result = writer.append(&row(1000)).unwrap().await.unwrap();
        let read = read_all(&connection, &table, 1001).await;
        expect_rows(&read, 0..=1000);
        let last = read.iter().find(|record| record.id == 1000).unwrap();
        assert_eq!(
            (result.bucket().bucket_id(), result.offset()),
            (last.bucket, Some(last.offset)),
            "{acks}"
        );
    }
}

pub(crate) async fn a_table_that_floods_the_buffer_does_not_starve_another() {
    let (connection, table) = log_with("fair", "NONE", 3, |config| {
        config.writer_buffer_memory_size = 256 * 1024;
        config.writer_batch_size = 64 * 1024;
    })
    .await;
    let database = support::database(&connection, "fair_kv").await;
    let descriptor = kv_table().bucket_count(1).build().unwrap();
    let other = make(&connection, &database, "kv", &descriptor).await;
    let flood = table.new_append().unwrap().create_writer().unwrap();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flooding = tokio::task::spawn_blocking({
        let stop = std::sync::Arc::clone(&stop);
        move || {
            let mut written = 0;
            while written <= 10_000 || !stop.load(std::sync::atomic::Ordering::Relaxed) {
                flood.append(&row(written)).unwrap();
                written += 1;
            }
            (flood, written)
        }
    });
    let writer = other.new_upsert().unwrap().create_writer().unwrap();
    for i in 0..100 {
        let upsert = async { writer.upsert_async(&row(i)).await.unwrap().await };
        let written = tokio::time::timeout(PATIENCE, upsert).await;
        written.expect("there is room for it").unwrap();
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let (flood, written) = flooding.await.unwrap();
    flood.flush().await.unwrap();
    expect_rows(
        &read_all(&connection, &table, written as usize).await,
        0..written,
    );
}
