//! Things done over and over: nothing is lost by a thousand cancelled polls, nothing leaks by a thousand connections.

use std::fs;
use std::time::Duration;

use fluss::client::{EARLIEST_OFFSET, FlussConnection};
use fluss::config::Config;
use fluss::record::ScanRecords;
use fluss_mock::MockCluster;
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::support::{Bench, log_row};

const POLLS: usize = 100_000;
const CONNECTS: usize = 10_000;

#[tokio::test(start_paused = true)]
async fn a_poll_in_a_select_loses_no_row() {
    let bench = Bench::new().await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    let scanner = bench.log.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    scanner.subscribe(1, EARLIEST_OFFSET).await.unwrap();
    let mut next = [0, 0];
    let (mut read, mut cut_short, mut written) = (0, 0, 20);
    for turn in 0..POLLS {
        if turn % 10 == 0 {
            drop(writer.append(&log_row(turn as i32)).unwrap());
            written += 1;
        }
        // From nothing to several times what an answer takes.
        let patience = Duration::from_micros((turn % 97) as u64 * 20);
        tokio::select! {
            biased;
            records = scanner.poll(Duration::from_secs(1)) => {
                read += take(&records.unwrap(), &mut next);
            }
            () = sleep(patience) => cut_short += 1,
        }
    }
    writer.flush().await.unwrap();
    while read < written {
        let records = scanner.poll(Duration::from_secs(10)).await.unwrap();
        read += take(&records, &mut next);
    }
    println!("{read} rows, {cut_short} of {POLLS} polls were cut short");
    assert_eq!(read, written);
    assert!(cut_short > POLLS / 10, "{cut_short}");
}

/// Counts the rows, each of which must be the next one of its bucket.
fn take(records: &ScanRecords, next: &mut [i64; 2]) -> usize {
    let mut rows = 0;
    for (bucket, records) in records.records_by_buckets() {
        let next = &mut next[bucket.bucket_id() as usize];
        for record in records {
            assert_eq!(record.offset(), *next, "of {bucket:?}");
            *next += 1;
            rows += 1;
        }
    }
    rows
}

fn count(directory: &str) -> usize {
    fs::read_dir(directory).unwrap().count()
}

#[test]
fn connections_made_and_closed_leave_nothing_behind() {
    // Over sockets, where descriptors could leak.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (before, after) = runtime.block_on(async {
        let cluster = MockCluster::start().await.unwrap();
        let config = Config {
            bootstrap_server: cluster.bootstrap_servers(),
            ..Config::default()
        };
        let open_and_close = async |count: usize| {
            for _ in 0..count {
                let connection = FlussConnection::new(config.clone()).await.unwrap();
                connection.close(Duration::from_secs(5)).await.unwrap();
            }
            // Servers notice by and by that a socket was closed.
            sleep(Duration::from_millis(500)).await;
            let tasks = Handle::current().metrics().num_alive_tasks();
            (
                tasks,
                self::count("/proc/self/fd"),
                self::count("/proc/self/task"),
            )
        };
        (open_and_close(100).await, open_and_close(CONNECTS).await)
    });
    println!("tasks, descriptors, threads: {before:?}, then {after:?}");
    assert!(
        after.0 <= before.0 + 5,
        "tasks: {} became {}",
        before.0,
        after.0
    );
    assert!(
        after.1 <= before.1 + 8,
        "descriptors: {} became {}",
        before.1,
        after.1
    );
    assert!(
        after.2 <= before.2 + 4,
        "threads: {} became {}",
        before.2,
        after.2
    );
}
