//! What went wrong in clients of Fluss before, each once more on the mock cluster. The numbers are those of issues and pull requests of
//! the project that had the fault.
//!
//! Not here: fluss#3627 and fluss#3135, faults of reads that merge a lake with a log, which this client does not do; rust#171, a checksum over
//! a slice cut too short, which the tests of hostile input of `fluss-row` show for every length.

mod bytes;
mod locks;
mod memory;
mod reading;
mod servers;
mod writing;

use std::time::Duration;

use fluss::client::{AppendWriter, EARLIEST_OFFSET, FlussTable};
use fluss::metadata::{SchemaBuilder, TableDescriptor, TableDescriptorBuilder, TablePath};
use tokio::time::{sleep, timeout};

use crate::support::{Bench, DATABASE, log_row};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const HANG: Duration = Duration::from_secs(60);

/// Appends rows, each a batch of its own, and waits for all of them.
pub(super) async fn append_each(writer: &AppendWriter, ids: std::ops::Range<i32>) {
    for id in ids {
        drop(writer.append(&log_row(id)).unwrap());
        sleep(Duration::from_millis(101)).await;
    }
    let flushed = timeout(HANG, writer.flush()).await;
    flushed.expect("it ends").unwrap();
}

/// Every row of the table, those of each bucket in order.
pub(super) async fn rows(table: &FlussTable, count: usize) -> Vec<i32> {
    let scanner = table.new_scan().create_log_scanner().unwrap();
    for bucket in 0..table.get_table_info().num_buckets() {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    }
    let mut rows = vec![Vec::new(); 4];
    let mut polls = 0;
    while rows.iter().map(Vec::len).sum::<usize>() < count && polls < 50 {
        polls += 1;
        let records = scanner.poll(SECOND).await.unwrap();
        for (bucket, records) in records.records_by_buckets() {
            let ids = records.iter().map(|record| record.row().get_int(0));
            rows[bucket.bucket_id() as usize].extend(ids);
        }
    }
    // Nothing may come behind the last row either.
    assert!(scanner.poll(SECOND).await.unwrap().is_empty());
    for ids in &rows {
        let new = ids.iter().filter(|id| **id >= 1_000).collect::<Vec<_>>();
        assert!(new.is_sorted(), "{new:?}");
    }
    let mut all: Vec<i32> = rows.concat();
    all.sort_unstable();
    all
}

pub(super) async fn assert_exactly_once(bench: &Bench, ids: std::ops::Range<i32>) {
    let expected: Vec<i32> = (0..20).chain(ids).collect();
    assert_eq!(rows(&bench.log, expected.len()).await, expected);
}

/// Makes a table and opens it.
pub(super) async fn table(
    bench: &Bench,
    name: &str,
    schema: SchemaBuilder,
    shape: impl FnOnce(TableDescriptorBuilder) -> TableDescriptorBuilder,
) -> FlussTable {
    let path = TablePath::new(DATABASE, name);
    let builder = TableDescriptor::builder().schema(schema.build().unwrap());
    let descriptor = shape(builder.bucket_count(1)).build().unwrap();
    let made = bench.admin.create_table(&path, &descriptor, false).await;
    made.unwrap();
    bench.connection.get_table(&path).await.unwrap()
}
