//! Reading the values that lookups find, whatever schema they were written with.

use std::sync::{Arc, PoisonError, RwLock};

use arrow_array::RecordBatch;
use bytes::Bytes;
use fluss_metadata::{RowType, TableInfo};
use fluss_row::arrow::ColumnBuilders;
use fluss_row::kv::{LookupRow, ValueDecoder, ValueRecord, split_value};
use fluss_row::{InternalRow, RowDecoder};

use crate::context::Context;
use crate::error::{Error, Result};

/// Decodes values into rows of the table's columns. Schemas that it meets for the first time are fetched.
#[derive(Debug)]
pub(crate) struct ValueReader {
    info: TableInfo,
    /// For values of the table's own schema, which most are.
    current: RowDecoder,
    columns: Arc<[Option<usize>]>,
    /// For all others.
    decoder: RwLock<ValueDecoder>,
}

impl ValueReader {
    pub(crate) fn new(info: &TableInfo) -> Result<Self> {
        let format = info.descriptor().kv_format()?;
        let decoder = ValueDecoder::new(format, info.schema_id(), info.schema())?;
        let columns = (0..info.row_type().fields().len()).map(Some).collect();
        Ok(Self {
            info: info.clone(),
            current: RowDecoder::new(format, info.row_type())?,
            columns,
            decoder: RwLock::new(decoder),
        })
    }

    /// Returns the row of a value of the table's own schema, at once; any other value comes back.
    #[inline]
    pub(crate) fn read_current(&self, value: Bytes) -> Result<Result<LookupRow, ValueRecord>> {
        let record = split_value(value)?;
        if i32::from(record.schema_id) == self.info.schema_id() {
            self.decode_current(record.row).map(Ok)
        } else {
            Ok(Err(record))
        }
    }

    /// The row of a value whose schema id was taken off.
    pub(crate) async fn read_record(
        &self,
        context: &Context,
        record: ValueRecord,
    ) -> Result<LookupRow> {
        let schema_id = i32::from(record.schema_id);
        if schema_id == self.info.schema_id() {
            return self.decode_current(record.row);
        }
        if let Some(row) = self.decode(record.schema_id, &record.row)? {
            return Ok(row);
        }
        let schema = context
            .schema(self.info.table_path(), self.info.table_id(), schema_id)
            .await?;
        self.decoder
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .add_schema(schema_id, &schema)?;
        self.decode(record.schema_id, &record.row)?
            .ok_or_else(|| Error::corrupt(format!("a value of schema {schema_id} cannot be read")))
    }

    #[inline]
    fn decode_current(&self, row: Bytes) -> Result<LookupRow> {
        let row = self.current.decode(row)?;
        Ok(LookupRow::new(row, Arc::clone(&self.columns))
            .with_row_type(self.info.row_type().clone()))
    }

    /// The row, if the schema is known.
    fn decode(&self, schema_id: i16, row: &Bytes) -> Result<Option<LookupRow>> {
        let decoder = self.decoder.read().unwrap_or_else(PoisonError::into_inner);
        if decoder.knows(i32::from(schema_id)) {
            Ok(Some(decoder.decode_row(schema_id, row.clone())?))
        } else {
            Ok(None)
        }
    }
}

/// The rows as an Arrow batch.
pub(crate) fn record_batch<'r, R: InternalRow + 'r>(
    row_type: &RowType,
    rows: impl IntoIterator<Item = &'r R>,
) -> Result<RecordBatch> {
    let mut columns = ColumnBuilders::new(row_type)?;
    for row in rows {
        columns.append_row(row)?;
    }
    Ok(columns.finish()?)
}
