//! The values of a primary-key table as a server sends them, read as columns.

use arrow_array::RecordBatch;
use bytes::Bytes;
use fluss_row::ProjectedRow;
use fluss_row::kv::{LookupRow, ValueBatch};

use super::Projection;
use crate::connection::ConnectionInner;
use crate::error::Result;
use crate::lookup::{ValueReader, record_batch};

/// Reads batches of values into the columns of a projection.
#[derive(Debug)]
pub(super) struct ValueRows {
    values: ValueReader,
    projection: Projection,
}

impl ValueRows {
    pub(super) fn new(projection: Projection) -> Result<Self> {
        Ok(Self {
            values: ValueReader::new(projection.table())?,
            projection,
        })
    }

    pub(super) fn projection(&self) -> &Projection {
        &self.projection
    }

    /// The first rows of a batch, at most so many.
    pub(super) async fn read(
        &self,
        connection: &ConnectionInner,
        records: Bytes,
        most: usize,
    ) -> Result<RecordBatch> {
        let mut rows: Vec<LookupRow> = Vec::new();
        for record in ValueBatch::parse(records)?.records().take(most) {
            rows.push(self.values.read_record(connection, record?).await?);
        }
        let projected: Vec<_> = rows
            .iter()
            .map(|row| ProjectedRow::of_fields(row, self.projection.columns()))
            .collect();
        record_batch(self.projection.row_type(), &projected)
    }
}
