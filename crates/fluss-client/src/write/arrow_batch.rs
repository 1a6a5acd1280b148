//! Arrow batches of users: which of their rows go to which bucket.

use std::sync::Arc;

use fluss_row::arrow::TableBatch;

use super::appender::{Load, Target};
use super::buckets::PartitionBuckets;
use super::route::{RowBucket, RowRoute};
use crate::error::Result;

/// A piece of this many bytes or more is a batch of its own, so that it is never copied. Smaller ones are combined.
const ALONE: usize = 128 * 1024;

/// Rows of a user's batch that go to one bucket.
#[derive(Debug)]
pub(super) struct Piece {
    pub(crate) buckets: Arc<PartitionBuckets>,
    /// The bucket; the sticky one if `None`.
    pub(crate) bucket: Option<u32>,
    pub(crate) rows: TableBatch,
    /// Approximate size of the rows.
    pub(crate) bytes: usize,
}

impl Piece {
    /// The bucket it goes to.
    pub(crate) fn target(&self) -> Target<'_> {
        Target {
            buckets: &self.buckets,
            bucket: self.bucket,
            bucket_key: None,
        }
    }

    /// Its rows and size, for the batch.
    pub(crate) fn load(&self) -> Load {
        Load {
            rows: self.rows.row_count() as u32,
            bytes: self.bytes,
            is_alone: self.bytes >= ALONE,
        }
    }
}

/// Splits a batch by partition and bucket, and by size. If all rows go to one bucket, they are not copied.
pub(super) fn pieces(batch: &TableBatch, route: &RowRoute, max_bytes: usize) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    for (buckets, bucket, rows) in split(batch, route)? {
        cut(&buckets, bucket, &rows, max_bytes, &mut pieces);
    }
    Ok(pieces)
}

type Part = (Arc<PartitionBuckets>, Option<u32>, TableBatch);

fn split(batch: &TableBatch, route: &RowRoute) -> Result<Vec<Part>> {
    if let Some(RowBucket { buckets, bucket }) = route.bucket_of_all() {
        return Ok(vec![(Arc::clone(&buckets), bucket, batch.clone())]);
    }
    let columns = batch.rows()?;
    let mut targets: Vec<(Arc<PartitionBuckets>, Option<u32>, Vec<u32>)> = Vec::new();
    let (mut last, mut are_checked, mut name) = (0, false, String::new());
    for (index, row) in columns.rows().enumerate() {
        if !are_checked && !route.is_known(&row, &mut name)? {
            // The first new partition: all rows are checked before it is created, so that a rejected batch creates none.
            for row in columns.rows().skip(index) {
                route.is_known(&row, &mut name)?;
            }
            are_checked = true;
        }
        let RowBucket { buckets, bucket } = route.bucket_of(&row)?;
        let is_there = |target: &(Arc<PartitionBuckets>, Option<u32>, Vec<u32>)| {
            target.1 == bucket && Arc::ptr_eq(&target.0, &buckets)
        };
        // Neighboring rows often go to the same bucket.
        if !targets.get(last).is_some_and(is_there) {
            last = targets.iter().position(is_there).unwrap_or(targets.len());
            if last == targets.len() {
                targets.push((Arc::clone(&buckets), bucket, Vec::new()));
            }
        }
        if let Some((_, _, rows)) = targets.get_mut(last) {
            rows.push(index as u32);
        }
    }
    targets
        .into_iter()
        .map(|(buckets, bucket, rows)| {
            let rows = match (rows.first(), rows.last()) {
                // They are contiguous: a view is enough.
                (Some(first), Some(end)) if (end - first) as usize + 1 == rows.len() => {
                    batch.slice(*first as usize, rows.len())
                }
                _ => batch.take(&rows)?,
            };
            Ok((buckets, bucket, rows))
        })
        .collect()
}

/// Cuts rows into views of at most about `max_bytes`.
fn cut(
    buckets: &Arc<PartitionBuckets>,
    bucket: Option<u32>,
    rows: &TableBatch,
    max_bytes: usize,
    pieces: &mut Vec<Piece>,
) {
    let bytes = rows.size_bytes();
    let count = bytes.div_ceil(max_bytes.max(1)).max(1);
    let step = rows.row_count().div_ceil(count).max(1);
    let mut at = 0;
    while at < rows.row_count() {
        let rows = rows.slice(at, step);
        at += rows.row_count();
        let bytes = if count == 1 { bytes } else { rows.size_bytes() };
        pieces.push(Piece {
            buckets: Arc::clone(buckets),
            bucket,
            rows,
            bytes,
        });
    }
}
