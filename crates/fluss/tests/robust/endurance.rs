//! Things done over and over: nothing is lost by a hundred thousand polls of which many are cancelled.

use std::time::Duration;

use fluss::client::EARLIEST_OFFSET;
use fluss::record::ScanRecords;
use tokio::time::sleep;

use crate::support::{Bench, log_row};

const POLLS: usize = 100_000;

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
