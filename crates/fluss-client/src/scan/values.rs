//! The values of a primary-key table as a server sends them, read as columns.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use bytes::Bytes;
use fluss_row::arrow::ColumnBuilders;
use fluss_row::kv::ValueBatch;
use fluss_row::{ProjectedRow, RowError};

use super::projection::Projection;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::values::ValueReader;

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

    /// The first rows of a batch, at most so many. In the place of a row that cannot be read, or that an Arrow batch
    /// cannot hold, stands why; the rows after it are another batch.
    pub(super) async fn read(
        &self,
        context: &Context,
        records: Bytes,
        most: usize,
    ) -> Result<VecDeque<Result<RecordBatch>>> {
        let mut batches = VecDeque::new();
        let mut columns = ColumnBuilders::new(self.projection.row_type())?;
        let batch = ValueBatch::parse(records).map_err(|error| unreadable(None, error))?;
        for (index, record) in batch.records().take(most).enumerate() {
            let record = record.map_err(|error| unreadable(Some(index), error))?;
            let unfit = match self.values.read_record(context, record).await {
                Ok(row) => {
                    let row = ProjectedRow::of_fields(&row, self.projection.columns());
                    let appended = columns.append_row(&row);
                    appended.err().map(|error| unreadable(Some(index), error))
                }
                Err(error) if error.kind() == ErrorKind::Corrupt => Some(error),
                Err(error) => return Err(error),
            };
            if let Some(error) = unfit {
                if !columns.is_empty() {
                    batches.push_back(Ok(columns.finish()?));
                }
                batches.push_back(Err(error));
            }
        }
        if !columns.is_empty() || batches.is_empty() {
            batches.push_back(Ok(columns.finish()?));
        }
        Ok(batches)
    }
}

fn unreadable(row: Option<usize>, error: RowError) -> Error {
    match row {
        Some(index) => {
            let what = format!("row {index} of the answer cannot be read into an Arrow batch");
            Error::unreadable_rows(what, error)
        }
        None => Error::unreadable_rows("the answer cannot be read", error),
    }
}
