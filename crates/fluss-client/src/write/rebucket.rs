//! Rows whose bucket was chosen from a wrong number of buckets: they move to the right buckets, those of one key in their order.
//!
//! Tables of release 1.0 can be rescaled: partitions that are created later have another number of buckets. A writer that meets such a
//! partition assumes the number of buckets of the table. If the cluster reports another number, nothing was sent yet: the batches are taken
//! apart and their rows written again. Source: `BucketRescaleException` in the Java client of release 1.0.

use std::sync::Arc;

use fluss_row::key::TableKeys;
use fluss_row::kv::KvBatch;
use fluss_row::log::{LogBatch, ReadContext};
use fluss_wire::error_code::{ErrorCode, ServerError};
use tracing::debug;

use super::batch::{Batch, OpenBatch, Rerouted};
use super::buckets::{LockedBucket, PartitionBuckets};
use super::completion::{Completion, Outcome, RowPlace};
use super::encoder::{Encoder, Sealed};
use super::memory::Memory;
use crate::engine::write::Stamp;
use crate::error::{Error, Result};

/// Writes the rows of a batch again, after those that moved before. They end with the batches they move to. `most` is the largest size of a
/// batch.
pub(super) fn reroute(
    rerouted: Rerouted,
    buckets: &PartitionBuckets,
    memory: &Arc<Memory>,
    most: usize,
) {
    let Rerouted { batch, sealed } = rerouted;
    let count = batch.rows() as usize;
    debug!(
        table = %buckets.table_path,
        buckets = buckets.count(),
        rows = count,
        "rows move to the buckets that their partition has"
    );
    let mut rows = Rows {
        batch: &batch,
        buckets,
        memory,
        most,
        places: Vec::with_capacity(count),
    };
    if let Err(error) = rows.move_all(sealed) {
        // The rows that were not reached.
        while rows.places.len() < count {
            rows.fail(&error);
        }
    }
    let outcome = Outcome::Moved(rows.places.into());
    let urgency = batch.completion.urgency();
    for to in outcome.moved_to() {
        to.want(urgency);
    }
    // Memory first: a woken caller may want to write at once.
    drop(batch.credit);
    batch.completion.complete(outcome);
    buckets.mark_ready();
}

/// The rows of a batch while they move.
struct Rows<'a> {
    batch: &'a Batch,
    buckets: &'a PartitionBuckets,
    memory: &'a Arc<Memory>,
    most: usize,
    /// Where the rows are now.
    places: Vec<RowPlace>,
}

impl Rows<'_> {
    fn move_all(&mut self, mut sealed: Sealed) -> Result<()> {
        let batch = self.batch;
        let format = &batch.format;
        let keys = TableKeys::of_rows(&format.info)?;
        let buckets = self.buckets.count() as i32;
        let bytes = sealed.stamp(Stamp::NONE);
        match sealed {
            Sealed::Log(_) => {
                let log_format = format.info.descriptor().log_format()?;
                let context = ReadContext::new(log_format, format.row_type())?;
                let rows = LogBatch::parse(bytes)?.read(&context)?;
                let mut scratch = Vec::new();
                for row in rows.rows() {
                    let bucket = keys.bucket_of(&row, &[], &mut scratch, buckets)?;
                    self.add(bucket, |encoder| encoder.append(&row));
                }
            }
            Sealed::Kv(_) => {
                for (index, record) in KvBatch::parse(bytes)?.records().enumerate() {
                    let record = record?;
                    let key = match batch.bucket_keys.get(index) {
                        Some(key) => key,
                        None if keys.key_is_bucket_key() => &record.key,
                        None => {
                            return Err(write_again(&format!(
                                "the partition was re-created with {buckets} buckets"
                            )));
                        }
                    };
                    let bucket = keys.bucket_of_key(key, buckets)?;
                    self.add(Some(bucket), |encoder| {
                        encoder.record(&record.key, record.row.as_deref())
                    });
                }
            }
        }
        Ok(())
    }

    /// Writes the next row.
    fn add(&mut self, bucket: Option<i32>, encode: impl FnOnce(&mut Encoder) -> Result<usize>) {
        let buckets = self.buckets;
        let bucket = bucket.map_or_else(|| buckets.sticky_bucket(), |bucket| bucket as u32);
        let place = match buckets.lock(bucket) {
            Some(mut bucket) => self.add_to(&mut bucket, encode),
            None => Err(Error::internal(format!("there is no bucket {bucket}"))),
        };
        match place {
            Ok(place) => self.places.push(place),
            Err(error) => self.fail(&error),
        }
    }

    fn add_to(
        &self,
        bucket: &mut LockedBucket<'_>,
        encode: impl FnOnce(&mut Encoder) -> Result<usize>,
    ) -> Result<RowPlace> {
        let batch = self.batch;
        if let Some(error) = bucket.failed() {
            return Err(error.clone());
        }
        if bucket.moved().is_some() {
            return Err(write_again(
                "the number of buckets of the partition changed again",
            ));
        }
        let is_other = |open: &OpenBatch| !Arc::ptr_eq(&open.batch.format, &batch.format);
        if bucket.open().is_some_and(is_other) {
            bucket.close_open();
        }
        if bucket.open().is_none() {
            let new = bucket.new_batch(&batch.format, self.memory.credit(), batch.since);
            bucket.set_open(new, self.most, self.memory)?;
        }
        let Some(open) = bucket.open_mut() else {
            return Err(Error::internal("there is no open batch"));
        };
        let added = match encode(&mut open.encoder) {
            Ok(added) => added,
            Err(error) => {
                bucket.drop_empty();
                return Err(error);
            }
        };
        // The row counts twice until the batch it came from is released.
        let index = open.add(1, added);
        for writer in &batch.writers {
            open.batch.join(writer);
        }
        let place = RowPlace {
            batch: Arc::clone(&open.batch.completion),
            index,
        };
        if open.bytes >= open.full_at {
            bucket.close_open();
        }
        Ok(place)
    }

    /// The next row cannot be written.
    fn fail(&mut self, error: &Error) {
        let error = error.clone().of_table(&self.buckets.table_path);
        let completion = Arc::new(Completion::new(None));
        let writers = &self.batch.writers;
        for writer in writers {
            writer.on_failure(&completion, &error, writers.len() > 1);
        }
        completion.complete(Outcome::Failed(error));
        self.places.push(RowPlace {
            batch: completion,
            index: 0,
        });
    }
}

fn write_again(reason: &str) -> Error {
    let text = format!("{reason}: write the rows again");
    ServerError::new(ErrorCode::INVALID_BUCKET_ROUTING, text).into()
}
