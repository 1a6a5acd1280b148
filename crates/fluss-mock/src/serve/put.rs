//! Writes to primary-key tables: changes rows, and logs the changes.

use std::collections::BTreeMap;

use bytes::Bytes;
use fluss_metadata::{
    ChangelogImage, DataTypeRoot, DeleteBehavior, KvFormat, LogFormat, OperationType, TableBucket,
};
use fluss_row::kv::{KvBatch, KvRecord, NO_WRITER_ID};
use fluss_row::log::{ArrowLogBatchBuilder, RowLogBatchBuilder};
use fluss_row::{ChangeType, Datum};
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::message::{PbPutKvReqForBucket, PbPutKvRespForBucket, PutKvRequest, PutKvResponse};

use super::caller::Caller;
use super::checks::{ALL, check_acks, check_in_sync, check_primary_key, check_routing, split};
use super::merge::Merge;
use super::rows::{Row, Rows};
use crate::reply::{Result, fail, internal};
use crate::state::{Bucket, Numbers, State, Table, Value};

pub(crate) fn put(
    state: &mut State,
    caller: &Caller,
    request: &PutKvRequest,
) -> Result<PutKvResponse> {
    caller.must_on_table_id(state, OperationType::Write, request.table_id)?;
    check_acks(request.acks)?;
    let answers = request.buckets_req.iter().map(|bucket| {
        let result = put_bucket(state, caller, request, bucket);
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

/// Puts one batch, all or nothing. Returns the offset after its changes.
fn put_bucket(
    state: &mut State,
    caller: &Caller,
    request: &PutKvRequest,
    bucket_request: &PbPutKvReqForBucket,
) -> Result<i64> {
    let (now, release) = (state.clock.now_millis(), state.release);
    let partition_id = bucket_request.partition_id;
    let id =
        TableBucket::new_with_partition(request.table_id, partition_id, bucket_request.bucket_id);
    if request.acks == ALL {
        check_in_sync(state, &id)?;
    }
    let (table, bucket) = state.bucket(
        caller.server,
        request.table_id,
        bucket_request.partition_id,
        bucket_request.bucket_id,
    )?;
    check_routing(table, partition_id, bucket_request.routing_bucket_count)?;
    check_primary_key(table)?;
    let corrupt = |error: fluss_row::RowError| {
        ServerError::new(ErrorCode::CORRUPT_RECORD_EXCEPTION, error.to_string())
    };
    let batch = KvBatch::parse(bucket_request.records.clone()).map_err(corrupt)?;
    batch.verify_crc().map_err(corrupt)?;
    let schema_id = i32::from(batch.schema_id());
    if table.schema(schema_id).is_none() {
        return fail(
            ErrorCode::SCHEMA_NOT_EXIST,
            format!(
                "Invalid schema id: {schema_id}, latest schema id: {}",
                table.latest_schema_id()
            ),
        );
    }
    let target_columns: Vec<_> = request.target_columns.iter().copied().collect();
    let merge = Merge::new(release, table, &target_columns, request.agg_mode)?;
    if batch.writer_id() != NO_WRITER_ID {
        let before = bucket.log.duplicate_of(batch.writer_id(), batch.sequence());
        if let Some(before) = before {
            return Ok(before.next_offset);
        }
    }
    let records = batch.records().map(|record| {
        let KvRecord { key, row } = record.map_err(corrupt)?;
        Ok((key, row.map(|row| Value { schema_id, row })))
    });
    let records = records.collect::<Result<Vec<_>>>()?;
    let writer = (batch.writer_id(), batch.sequence());
    let end = write(table, bucket, merge, records, writer, now)?;
    state.tier(&id).map_err(internal)?;
    Ok(end)
}

/// Writes rows, `None` to delete them. Returns the offset after the changes.
pub(super) fn write(
    table: &Table,
    bucket: &mut Bucket,
    merge: Merge,
    records: Vec<(Bytes, Option<Value>)>,
    (writer_id, sequence): (i64, i32),
    now: i64,
) -> Result<i64> {
    let mut numbers = bucket.numbers;
    let mut changes = Changes::new(table, bucket, merge, &mut numbers)?;
    let done = changes.apply(records);
    let sealed = done.and_then(|()| changes.seal(writer_id, sequence));
    let rows = changes.changed;
    // Numbers that were taken are used up, even if the batch fails.
    bucket.numbers = numbers;
    let appended = bucket.log.append(&sealed?, now)?;
    for (key, value) in rows {
        match value {
            Some(value) => bucket.rows.insert(key, value),
            None => bucket.rows.remove(&key),
        };
    }
    Ok(appended.next_offset)
}

/// The changes of a batch, before they are applied.
struct Changes<'a> {
    table: &'a Table,
    bucket: &'a Bucket,
    merge: Merge,
    rows: Rows,
    deletes: DeleteBehavior,
    image: ChangelogImage,
    /// The auto-increment column.
    numbered: Option<usize>,
    numbers: &'a mut Numbers,
    /// Changes so far, by key.
    changed: BTreeMap<Bytes, Option<Value>>,
    log: Vec<(ChangeType, Row)>,
}

impl<'a> Changes<'a> {
    fn new(
        table: &'a Table,
        bucket: &'a Bucket,
        merge: Merge,
        numbers: &'a mut Numbers,
    ) -> Result<Self> {
        let descriptor = &table.descriptor;
        let schema = table.latest_schema();
        let numbered = schema.auto_increment_column();
        Ok(Self {
            table,
            bucket,
            merge,
            rows: Rows::new(table)?,
            deletes: descriptor.delete_behavior().map_err(internal)?,
            image: descriptor.changelog_image().map_err(internal)?,
            numbered: numbered.and_then(|name| schema.column_index(name)),
            numbers,
            changed: BTreeMap::new(),
            log: Vec::new(),
        })
    }

    fn apply(&mut self, records: Vec<(Bytes, Option<Value>)>) -> Result<()> {
        for (key, value) in records {
            match value {
                Some(value) => {
                    let new = self.rows.decode(value)?;
                    self.upsert(key, new)?;
                }
                None => self.delete(key)?,
            }
        }
        Ok(())
    }

    fn before(&self, key: &Bytes) -> Result<Option<Row>> {
        let value = match self.changed.get(key) {
            Some(changed) => changed.as_ref(),
            None => self.bucket.rows.get(key),
        };
        value
            .cloned()
            .map(|value| self.rows.decode(value))
            .transpose()
    }

    fn upsert(&mut self, key: Bytes, new: Row) -> Result<()> {
        let is_wal = self.image == ChangelogImage::Wal;
        if is_wal && self.merge.replaces() && self.numbered.is_none() {
            // The server does not check whether the row exists.
            self.change(key, ChangeType::UpdateAfter, new);
            return Ok(());
        }
        let Some(old) = self.before(&key)? else {
            let first = self.merge.first(&self.rows, new)?;
            let first = self.number(first)?;
            self.change(key, ChangeType::Insert, first);
            return Ok(());
        };
        if let Some(merged) = self.merge.upsert(&self.rows, &old, new)? {
            self.update(key, old, merged);
        }
        Ok(())
    }

    fn delete(&mut self, key: Bytes) -> Result<()> {
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
        let Some(old) = self.before(&key)? else {
            return Ok(());
        };
        match self.merge.delete(&self.rows, &old)? {
            None => {
                self.log.push((ChangeType::Delete, old));
                self.changed.insert(key, None);
            }
            Some(left) => self.update(key, old, left),
        }
        Ok(())
    }

    fn update(&mut self, key: Bytes, old: Row, new: Row) {
        if self.image != ChangelogImage::Wal {
            self.log.push((ChangeType::UpdateBefore, old));
        }
        self.change(key, ChangeType::UpdateAfter, new);
    }

    fn change(&mut self, key: Bytes, change: ChangeType, row: Row) {
        self.changed.insert(key, Some(row.value.clone()));
        self.log.push((change, row));
    }

    /// Fills the auto-increment column.
    fn number(&mut self, row: Row) -> Result<Row> {
        let Some(numbered) = self.numbered else {
            return Ok(row);
        };
        let number = self.numbers.take(self.table);
        let mut columns = row.columns().to_vec();
        let schema = self.table.latest_schema();
        if let (Some(column), Some(of)) =
            (columns.get_mut(numbered), schema.columns().get(numbered))
        {
            *column = if of.data_type().root() == DataTypeRoot::Integer {
                let number = i32::try_from(number);
                Datum::Int(number.map_err(|_| reached_maximum(of.name(), i64::from(i32::MAX)))?)
            } else {
                Datum::BigInt(number)
            };
        }
        self.rows.encode(columns)
    }

    /// Returns the batch for the log. An empty one is written as well, because it carries the sequence.
    fn seal(&self, writer_id: i64, sequence: i32) -> Result<Bytes> {
        let table = self.table;
        let format = table.descriptor.log_format().map_err(internal)?;
        let kv_format = table.descriptor.kv_format().map_err(internal)?;
        if (kv_format, format) == (KvFormat::Compacted, LogFormat::Indexed) {
            return Err(internal(
                "tables with COMPACTED rows and an INDEXED log can't be written to",
            ));
        }
        let (row_type, schema_id) = (table.latest_schema().row_type(), table.latest_schema_id());
        let mut sealed = if format == LogFormat::Arrow {
            let compression = table.descriptor.arrow_compression().map_err(internal)?;
            let mut batch = ArrowLogBatchBuilder::new(row_type, schema_id, compression)
                .map_err(internal)?
                .with_change_types();
            for (change, row) in &self.log {
                batch
                    .append_change(*change, &self.rows.with_decimals(row)?)
                    .map_err(internal)?;
            }
            batch.build().map_err(internal)?
        } else {
            let mut batch = RowLogBatchBuilder::new(self.rows.stored_type(), schema_id, format)
                .map_err(internal)?
                .with_change_types();
            for (change, row) in &self.log {
                batch
                    .append_change(*change, &row.to_generic())
                    .map_err(internal)?;
            }
            batch.build()
        };
        Ok(sealed.stamp(writer_id, sequence))
    }
}

fn reached_maximum(column: &str, maximum: i64) -> ServerError {
    internal(format!(
        "Reached maximum value of sequence \"<{column}>\" ({maximum})."
    ))
}
