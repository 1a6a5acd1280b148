//! Rows that were given buckets before the number of buckets of their partition was known, and were given wrong ones: they move to the
//! right ones, those of one key in their order.
//!
//! Tables of release 1.0 can be rescaled: partitions that are made from then on have another number of buckets. A writer that meets such
//! a partition takes the number it knows of the table for the one of the partition. If the cluster tells another one, nothing was sent
//! yet: the batches are taken apart and their rows written anew. Source: `BucketRescaleException` in the Java client of release 1.0.

use std::sync::{Arc, Weak};

use fluss_row::key::TableKeys;
use fluss_row::kv::KvBatch;
use fluss_row::log::{LogBatch, ReadContext};
use fluss_wire::error_code::{ErrorCode, ServerError};
use tracing::debug;

use super::batch::{Batch, Loose, OpenBatch};
use super::completion::{Completion, Outcome, RowPlace};
use super::encoder::{Encoder, Sealed};
use super::memory::Memory;
use super::slot::{BucketGroup, BucketSlot};
use crate::engine::write::Stamp;
use crate::error::{Error, Result};

/// Where rows move to.
#[derive(Debug)]
pub(super) struct Rebucket {
    group: Arc<BucketGroup>,
    memory: Arc<Memory>,
    /// Largest size of a batch.
    batch_size: usize,
}

impl Rebucket {
    pub(super) fn new(group: Arc<BucketGroup>, memory: Arc<Memory>, batch_size: usize) -> Self {
        Self {
            group,
            memory,
            batch_size,
        }
    }

    /// Writes the rows of a batch anew, behind those that moved before. They are told of their end by the batches they come to.
    pub(super) fn pour(&self, loose: Loose) {
        let Loose { batch, sealed } = loose;
        let count = batch.rows() as usize;
        debug!(
            table = %self.group.table_path,
            buckets = self.group.slots.len(),
            rows = count,
            "rows move to the buckets that their partition has"
        );
        let mut rows = Pouring {
            to: self,
            places: Vec::with_capacity(count),
            batch: &batch,
        };
        if let Err(error) = rows.pour_all(sealed) {
            // Those that were not reached.
            while rows.places.len() < count {
                rows.fail(&error);
            }
        }
        let outcome = Outcome::Moved(rows.places.into());
        let wish = batch.completion.wish();
        for to in outcome.moved_to() {
            to.want(wish);
        }
        // Memory first: whoever is woken may want to write at once.
        drop(batch.credit);
        batch.completion.complete(outcome);
        for slot in &self.group.slots {
            Arc::clone(slot).want_attention();
        }
    }

    fn slot(&self, bucket: Option<i32>) -> Result<&Arc<BucketSlot>> {
        let bucket = bucket.map_or_else(|| self.group.sticky_bucket(), |bucket| bucket as u32);
        let slot = self.group.slots.get(bucket as usize);
        slot.ok_or_else(|| Error::usage(format!("there is no bucket {bucket}")))
    }
}

/// A batch on its way out.
struct Pouring<'a> {
    to: &'a Rebucket,
    batch: &'a Batch,
    /// Where its rows are now.
    places: Vec<RowPlace>,
}

impl Pouring<'_> {
    fn pour_all(&mut self, mut sealed: Sealed) -> Result<()> {
        let batch = self.batch;
        let format = &batch.format;
        let keys = TableKeys::of_rows(&format.info)?;
        let buckets = self.to.group.slots.len() as i32;
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
                                "the partition was made anew with {buckets} buckets"
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
        let place = self
            .to
            .slot(bucket)
            .and_then(|slot| self.add_to(slot, encode));
        match place {
            Ok(place) => self.places.push(place),
            Err(error) => self.fail(&error),
        }
    }

    fn add_to(
        &self,
        slot: &Arc<BucketSlot>,
        encode: impl FnOnce(&mut Encoder) -> Result<usize>,
    ) -> Result<RowPlace> {
        let Rebucket {
            group,
            memory,
            batch_size,
        } = self.to;
        let batch = self.batch;
        let mut state = slot.state();
        if let Some(error) = &state.failed {
            return Err(error.clone());
        }
        if state.moved.is_some() {
            return Err(write_again(
                "the number of buckets of the partition changed again",
            ));
        }
        let is_other = |open: &OpenBatch| !Arc::ptr_eq(&open.batch.format, &batch.format);
        if state.open.as_ref().is_some_and(is_other) {
            slot.close_open(&mut state);
        }
        let mut open = match state.open.take() {
            Some(open) => open,
            None => {
                let completion = Completion::new(Arc::downgrade(slot));
                let new = Batch::new(&batch.format, completion, memory.credit(), batch.since);
                OpenBatch::new(new, group.batch_size(*batch_size), memory)?
            }
        };
        // Its room is given back there, at the end of the batch: until then it counts twice.
        let index = encode(&mut open.encoder).map(|bytes| open.add(1, bytes));
        let place = index.map(|index| {
            for member in &batch.members {
                open.batch.join(member);
            }
            RowPlace {
                batch: Arc::clone(&open.batch.completion),
                index,
            }
        });
        let is_full = open.bytes >= open.full_at;
        if open.batch.rows() > 0 {
            state.open = Some(open);
        }
        if is_full {
            slot.close_open(&mut state);
        }
        place
    }

    /// The next row cannot be written.
    fn fail(&mut self, error: &Error) {
        let error = error.clone().of_table(&self.to.group.table_path);
        let completion = Arc::new(Completion::new(Weak::new()));
        let members = &self.batch.members;
        for member in members {
            member.on_failure(&completion, &error, members.len() > 1);
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
