//! Memory: what is read ahead, what is kept. What is given back is counted in the tests of `fluss-mock`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use fluss::client::EARLIEST_OFFSET;
use fluss_mock::MockCluster;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tokio::time::sleep;

use super::{SECOND, append_each};
use crate::support::{Bench, connect, log_row};

/// The bytes read from remote storage.
#[derive(Default)]
struct RemoteBytes(Arc<AtomicU64>);

impl Recorder for RemoteBytes {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        if key.name().ends_with("remoteFetchBytesPerSecond") {
            Counter::from_arc(Arc::clone(&self.0))
        } else {
            Counter::noop()
        }
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// rust#140: segments in remote storage were read without limit, however slow the reader was, until there was no memory left.
#[tokio::test(start_paused = true)]
async fn segments_in_remote_storage_are_read_no_faster_than_the_reader_polls() {
    const ROWS: usize = 4000;
    const AHEAD: usize = 32 * 1024;
    const AT_ONCE: usize = 8 * 1024;

    let directory = std::env::temp_dir().join(format!("fluss-robust-ahead-{}", std::process::id()));
    let builder = MockCluster::builder()
        .config("remote.data.dir", directory.display().to_string())
        .config("log.segment.file-size", "4kb");
    let mut bench = Bench::on(builder, 1).await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    for id in 20..ROWS as i32 {
        drop(writer.append(&log_row(id)).unwrap());
        if id % 20 == 0 {
            writer.flush().await.unwrap();
        }
    }
    writer.flush().await.unwrap();

    let remote = RemoteBytes::default();
    let _recorder = metrics::set_default_local_recorder(&remote);
    bench.config.scanner_prefetch_max_bytes = AHEAD;
    bench.config.scanner_remote_read_bytes = AT_ONCE;
    let connection = connect(&bench.cluster, &bench.config).await.unwrap();
    let table = connection.get_table(bench.log.table_path()).await.unwrap();
    let scanner = table.new_scan().create_log_scanner().unwrap();
    for bucket in 0..2 {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    }
    sleep(60 * SECOND).await;
    let ahead = remote.0.load(Ordering::Relaxed) as usize;
    assert!((1..=AHEAD + 2 * AT_ONCE).contains(&ahead), "{ahead} bytes");

    let mut read = 0;
    while read < ROWS {
        let records = scanner.poll(10 * SECOND).await.unwrap();
        assert!(!records.is_empty(), "{read} of {ROWS}");
        read += records.count();
    }
    let all = remote.0.load(Ordering::Relaxed) as usize;
    assert!(all > 3 * ahead, "{all} bytes in all, {ahead} ahead");
    std::fs::remove_dir_all(directory).unwrap();
}

fn ids(batch: &RecordBatch) -> Vec<i32> {
    batch
        .column(0)
        .as_primitive::<Int32Type>()
        .values()
        .to_vec()
}

/// fluss#2040: the memory of Arrow batches was used again while somebody read them.
#[tokio::test(start_paused = true)]
async fn batches_keep_their_values_whatever_is_read_after_them() {
    let bench = Bench::new().await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    let scanner = bench.log.new_scan();
    let scanner = scanner.create_record_batch_log_scanner().unwrap();
    for bucket in 0..2 {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    }
    let mut kept = Vec::new();
    for round in 0..50 {
        append_each(&writer, 20 + round * 10..30 + round * 10).await;
        for batch in scanner.poll(SECOND).await.unwrap() {
            let text = batch.batch().column(1).as_string::<i32>();
            let texts: Vec<_> = text.iter().map(|text| text.unwrap().to_owned()).collect();
            kept.push((batch.batch().clone(), ids(batch.batch()), texts));
        }
    }
    drop(scanner);
    bench.connection.close(SECOND).await.unwrap();
    drop(bench);
    let mut rows = 0;
    for (batch, expected, texts) in &kept {
        assert_eq!(ids(batch), *expected);
        assert!(
            batch
                .column(1)
                .as_string::<i32>()
                .iter()
                .flatten()
                .eq(texts)
        );
        for (id, text) in expected.iter().zip(texts) {
            assert_eq!(*text, format!("row {id}"));
        }
        rows += batch.num_rows();
    }
    assert!(rows >= 500, "{rows}");
}
