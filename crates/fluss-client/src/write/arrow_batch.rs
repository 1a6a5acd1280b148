//! Arrow batches that users append: which of their rows go where.

use std::sync::Arc;

use fluss_row::arrow::TableBatch;

use super::appender::{Load, Target};
use super::buckets::PartitionBuckets;
use super::route::RowRoute;
use crate::error::Result;

/// Bytes from which a piece is a batch of its own, so that it is never copied. Smaller ones are collected.
const ALONE: usize = 128 * 1024;

/// Rows of a user's batch that go to one bucket.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) buckets: Arc<PartitionBuckets>,
    /// The bucket; that of the moment if `None`.
    pub(crate) bucket: Option<u32>,
    pub(crate) rows: TableBatch,
    /// About how many bytes they take.
    pub(crate) bytes: usize,
}

impl Piece {
    /// Where it goes.
    pub(crate) fn target(&self) -> Target<'_> {
        Target {
            buckets: &self.buckets,
            bucket: self.bucket,
            bucket_key: None,
        }
    }

    /// What it is to its batch.
    pub(crate) fn load(&self) -> Load {
        Load {
            rows: self.rows.row_count() as u32,
            bytes: self.bytes,
            is_alone: self.bytes >= ALONE,
        }
    }
}

/// Splits a batch by partition and bucket, and by size. What goes to one place is not copied.
pub(crate) fn pieces(batch: &TableBatch, route: &RowRoute, max_bytes: usize) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    for (buckets, bucket, rows) in split(batch, route)? {
        cut(&buckets, bucket, &rows, max_bytes, &mut pieces);
    }
    Ok(pieces)
}

type Part = (Arc<PartitionBuckets>, Option<u32>, TableBatch);

fn split(batch: &TableBatch, route: &RowRoute) -> Result<Vec<Part>> {
    if let Some((buckets, bucket)) = route.of_any_row() {
        return Ok(vec![(Arc::clone(&buckets), bucket, batch.clone())]);
    }
    let columns = batch.rows()?;
    let mut places: Vec<(Arc<PartitionBuckets>, Option<u32>, Vec<u32>)> = Vec::new();
    let (mut last, mut are_checked, mut name) = (0, false, String::new());
    for (index, row) in columns.rows().enumerate() {
        if !are_checked && !route.is_known(&row, &mut name)? {
            // The first new partition: all rows are checked before it is made, so that a batch that is refused leaves none behind.
            for row in columns.rows().skip(index) {
                route.is_known(&row, &mut name)?;
            }
            are_checked = true;
        }
        let (buckets, bucket) = route.of(&row)?;
        let is_there = |place: &(Arc<PartitionBuckets>, Option<u32>, Vec<u32>)| {
            place.1 == bucket && Arc::ptr_eq(&place.0, &buckets)
        };
        // Neighbors often go to the same place.
        if !places.get(last).is_some_and(is_there) {
            last = places.iter().position(is_there).unwrap_or(places.len());
            if last == places.len() {
                places.push((Arc::clone(&buckets), bucket, Vec::new()));
            }
        }
        if let Some((_, _, rows)) = places.get_mut(last) {
            rows.push(index as u32);
        }
    }
    places
        .into_iter()
        .map(|(buckets, bucket, rows)| {
            let rows = match (rows.first(), rows.last()) {
                // They lie side by side: a view will do.
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
