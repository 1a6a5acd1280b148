//! The scanner over rows.

use std::collections::HashMap;
use std::time::Duration;

use fluss_metadata::{OffsetSpec, PartitionId, TableBucket, TableId, TablePath};
use fluss_row::ChangeType;

use super::methods::log_scanner_methods;
use super::records::{ScanRecord, ScanRecords};
use super::scanner::{Polled, Scanner};
use super::start::{ScanBucket, StartOffset, Wanted};
use crate::engine::scan::EARLIEST_OFFSET;
use crate::error::Result;
use crate::turn::take_turn;

/// Reads the rows of a log table, or the changelog of a primary-key table, bucket by bucket.
///
/// Subscribe to buckets, then poll. The scanner prefetches batches as soon as a bucket is subscribed, up to
/// [`Config::scanner_prefetch_max_bytes`](crate::Config::scanner_prefetch_max_bytes); dropping the scanner stops it.
/// It recovers silently from a change of leader, a restarted server and a broken connection.
///
/// # Several tasks
///
/// All methods take `&self`, so tasks can share a scanner through an `Arc`. If several of them poll, each row is
/// returned by exactly one poll, and rows of one bucket can go to different tasks. For rows of a bucket in order,
/// poll from one task, or create a scanner per task.
#[derive(Debug)]
pub struct LogScanner {
    pub(super) scanner: Scanner,
}

impl LogScanner {
    pub(crate) fn new(scanner: Scanner) -> Self {
        Self { scanner }
    }

    log_scanner_methods!();

    /// Returns the next rows. Waits for some for at most `timeout`, and returns none if there are none by then.
    ///
    /// Returns at most [`Config::scanner_max_poll_records`](crate::Config::scanner_max_poll_records) rows, or one
    /// more so that the two rows of an update stay together. Buckets are served round-robin.
    ///
    /// # Errors
    ///
    /// A permanent failure of a bucket: an offset that is not in the log, a batch that cannot be read, a server that
    /// refuses. It is returned after the rows that precede it. The other buckets keep going, and polls that find
    /// nothing return the error again until you subscribe to the bucket again or unsubscribe from it, or the scan is
    /// [finished](Self::is_finished). To continue after a batch that cannot be read, subscribe to the bucket at the
    /// end of [`Error::offsets`](crate::Error::offsets).
    ///
    /// A transient failure that has lasted longer than [`Config::call_timeout`](crate::Config::call_timeout), by a
    /// poll that finds nothing; the scanner keeps trying.
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if you are not subscribed to any bucket.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: rows leave the scanner only when `poll` returns them.
    pub async fn poll(&self, timeout: Duration) -> Result<ScanRecords> {
        take_turn().await;
        let metrics = &self.scanner.shared.metrics;
        metrics.on_poll();
        let polled = self.scanner.poll(timeout).await?;
        Ok(polled.map_or_else(
            || {
                let mut none = ScanRecords::default();
                none.set_positions(self.scanner.progress());
                none
            },
            records,
        ))
    }
}

/// Creates a record for each row: a view of the batch with its index, without a copy.
fn records(polled: Polled) -> ScanRecords {
    let mut records = ScanRecords::default();
    for taken in polled.taken {
        let chunk = taken.chunk;
        let rows = records.bucket_mut(taken.bucket);
        let timestamp = chunk.timestamp();
        if let Some(columns) = chunk.appended_columns() {
            // The common case: nothing is decided per row.
            let first = chunk.offset(0);
            rows.extend(taken.rows.map(|row| {
                let offset = first + row as i64;
                ScanRecord::new(columns.row(row), offset, timestamp, ChangeType::AppendOnly)
            }));
            continue;
        }
        rows.extend(taken.rows.map(|row| {
            ScanRecord::new(
                chunk.row(row),
                chunk.offset(row),
                timestamp,
                chunk.change_type(row),
            )
        }));
    }
    records.set_positions(polled.positions);
    records
}
