//! Writing to primary-key tables: rows change, and the log of the bucket tells how.

use std::collections::BTreeMap;

use bytes::Bytes;
use fluss_metadata::{ChangelogImage, DeleteBehavior, KvFormat, LogFormat, RowType, Schema};
use fluss_row::ChangeType;
use fluss_row::kv::{KvBatch, KvRecord, NO_WRITER_ID};
use fluss_row::log::{ArrowLogBatchBuilder, RowLogBatchBuilder};
use fluss_row::{BinaryRow, RowDecoder};
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::message::{PbPutKvReqForBucket, PbPutKvRespForBucket, PutKvRequest, PutKvResponse};

use super::lookup::check_primary_key;
use super::merge::Merge;
use super::write::{check_acks, check_routing, split};
use super::{Result, fail};
use crate::state::{Bucket, State, Table, Value, internal};

pub(crate) fn put(state: &mut State, server: i32, request: &PutKvRequest) -> Result<PutKvResponse> {
    check_acks(request.acks)?;
    let answers = request.buckets_req.iter().map(|bucket| {
        let result = put_bucket(state, server, request, bucket);
        let (log_end_offset, (error_code, error_message)) = split(result);
        PbPutKvRespForBucket {
            partition_id: bucket.partition_id,
            bucket_id: bucket.bucket_id,
            error_code,
            error_message,
            log_end_offset,
            pressure: None,
            original_partition_name: bucket.original_partition_name.clone(),
        }
    });
    Ok(PutKvResponse {
        buckets_resp: answers.collect(),
    })
}

/// Puts one batch, and tells the offset behind the changes it made. Either all of it happens or nothing.
fn put_bucket(
    state: &mut State,
    server: i32,
    request: &PutKvRequest,
    bucket_request: &PbPutKvReqForBucket,
) -> Result<i64> {
    let now = state.clock.now_millis();
    let (table, bucket) = state.bucket(
        server,
        request.table_id,
        bucket_request.partition_id,
        bucket_request.bucket_id,
    )?;
    check_routing(table, bucket_request.routing_bucket_count)?;
    check_primary_key(table)?;
    let corrupt = |error: fluss_row::RowError| {
        ServerError::new(ErrorCode::CORRUPT_RECORD_EXCEPTION, error.to_string())
    };
    let batch = KvBatch::parse(bucket_request.records.clone()).map_err(corrupt)?;
    batch.verify_crc().map_err(corrupt)?;
    let schema_id = i32::from(batch.schema_id());
    let Some(schema) = table.schema(schema_id) else {
        return fail(
            ErrorCode::SCHEMA_NOT_EXIST,
            format!(
                "Invalid schema id: {schema_id}, latest schema id: {}",
                table.latest_schema_id()
            ),
        );
    };
    let merge = Merge::new(table, schema, &request.target_columns, request.agg_mode)?;
    if batch.writer_id() != NO_WRITER_ID {
        let before = bucket.log.duplicate_of(batch.writer_id(), batch.sequence());
        if let Some(before) = before {
            return Ok(before.next_offset);
        }
    }

    let mut changes = Changes::new(table, schema, schema_id, bucket, merge)?;
    for record in batch.records() {
        changes.apply(record.map_err(corrupt)?)?;
    }
    let (rows, records) = changes.seal(table, batch.writer_id(), batch.sequence())?;
    let appended = bucket.log.append(&records, now)?;
    for (key, value) in rows {
        match value {
            Some(value) => bucket.rows.insert(key, value),
            None => bucket.rows.remove(&key),
        };
    }
    Ok(appended.next_offset)
}

/// What a batch does, before it is done.
struct Changes<'a> {
    bucket: &'a Bucket,
    merge: Merge<'a>,
    schema_id: i32,
    row_type: &'a RowType,
    decoder: RowDecoder,
    deletes: DeleteBehavior,
    image: ChangelogImage,
    /// What the batch has changed so far, by key.
    rows: BTreeMap<Bytes, Option<Value>>,
    log: Vec<(ChangeType, BinaryRow)>,
}

impl<'a> Changes<'a> {
    fn new(
        table: &Table,
        schema: &'a Schema,
        schema_id: i32,
        bucket: &'a Bucket,
        merge: Merge<'a>,
    ) -> Result<Self> {
        let descriptor = &table.descriptor;
        let format = descriptor.kv_format().map_err(internal)?;
        let log_format = descriptor.log_format().map_err(internal)?;
        if (format, log_format) == (KvFormat::Compacted, LogFormat::Indexed) {
            return Err(internal(
                "tables with COMPACTED rows and an INDEXED log can't be written to",
            ));
        }
        Ok(Self {
            bucket,
            merge,
            schema_id,
            row_type: schema.row_type(),
            decoder: RowDecoder::new(format, schema.row_type()).map_err(internal)?,
            deletes: descriptor.delete_behavior().map_err(internal)?,
            image: descriptor.changelog_image().map_err(internal)?,
            rows: BTreeMap::new(),
            log: Vec::new(),
        })
    }

    fn apply(&mut self, record: KvRecord) -> Result<()> {
        let KvRecord { key, row } = record;
        let old = match self.rows.get(&key) {
            Some(changed) => changed.as_ref(),
            None => self.bucket.rows.get(&key),
        };
        let old = old.map(|value| value.row.clone());
        let old = old.map(|row| self.decode(row)).transpose()?;
        match row {
            Some(row) => {
                let new = self.decode(row)?;
                self.upsert(key, old, new)
            }
            None => self.delete(key, old),
        }
    }

    fn decode(&self, row: Bytes) -> Result<BinaryRow> {
        self.decoder.decode(row).map_err(internal)
    }

    fn upsert(&mut self, key: Bytes, old: Option<BinaryRow>, new: BinaryRow) -> Result<()> {
        let is_wal = self.image == ChangelogImage::Wal;
        let merged = self.merge.upsert(old.as_ref(), new)?;
        let Some(merged) = merged else {
            return Ok(());
        };
        let merged = self.decode(merged)?;
        match old {
            // Without the need to know the row before, the server doesn't look whether there is one.
            _ if is_wal && self.merge.replaces() => {}
            Some(old) if !is_wal => self.log.push((ChangeType::UpdateBefore, old)),
            Some(_) => {}
            None => {
                self.log.push((ChangeType::Insert, merged.clone()));
                self.set(key, Some(merged));
                return Ok(());
            }
        }
        self.log.push((ChangeType::UpdateAfter, merged.clone()));
        self.set(key, Some(merged));
        Ok(())
    }

    fn delete(&mut self, key: Bytes, old: Option<BinaryRow>) -> Result<()> {
        match self.deletes {
            DeleteBehavior::Ignore => return Ok(()),
            DeleteBehavior::Disable => {
                return fail(
                    ErrorCode::DELETION_DISABLED_EXCEPTION,
                    "Delete operations are disabled for this table. The table.delete.behavior is set to 'disable'.",
                );
            }
            DeleteBehavior::Allow => {}
        }
        let Some(old) = old else {
            return Ok(());
        };
        match self.merge.delete(&old)? {
            None => {
                self.log.push((ChangeType::Delete, old));
                self.set(key, None);
            }
            Some(left) => {
                let left = self.decode(left)?;
                if self.image != ChangelogImage::Wal {
                    self.log.push((ChangeType::UpdateBefore, old));
                }
                self.log.push((ChangeType::UpdateAfter, left.clone()));
                self.set(key, Some(left));
            }
        }
        Ok(())
    }

    fn set(&mut self, key: Bytes, row: Option<BinaryRow>) {
        let value = row.map(|row| Value {
            schema_id: self.schema_id,
            row: row.into_bytes(),
        });
        self.rows.insert(key, value);
    }

    /// The rows to change, and the batch for the log. A batch without changes is written as well: it carries the sequence.
    fn seal(
        self,
        table: &Table,
        writer_id: i64,
        sequence: i32,
    ) -> Result<(BTreeMap<Bytes, Option<Value>>, Bytes)> {
        let format = table.descriptor.log_format().map_err(internal)?;
        let mut sealed = if format == LogFormat::Arrow {
            let compression = table.descriptor.arrow_compression().map_err(internal)?;
            let mut batch = ArrowLogBatchBuilder::new(self.row_type, self.schema_id, compression)
                .map_err(internal)?
                .with_change_types();
            for (change, row) in &self.log {
                batch.append_change(*change, row).map_err(internal)?;
            }
            batch.build().map_err(internal)?
        } else {
            let mut batch = RowLogBatchBuilder::new(self.row_type, self.schema_id, format)
                .map_err(internal)?
                .with_change_types();
            for (change, row) in &self.log {
                batch.append_change(*change, row).map_err(internal)?;
            }
            batch.build()
        };
        Ok((self.rows, sealed.stamp(writer_id, sequence)))
    }
}
