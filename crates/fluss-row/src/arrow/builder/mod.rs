//! Rows appended directly to columns.

mod append;
mod column;
mod extend;
mod finish;
mod validity;

pub(in crate::arrow) use append::column_full;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use fluss_metadata::RowType;

use self::column::Column;
use super::flat::FlatBatch;
use super::table_batch::TableBatch;
use super::types::to_arrow_schema;
use crate::{InternalRow, Result, RowError};

/// Maximum number of rows of a batch.
const MAX_ROWS: usize = i32::MAX as usize;

/// Builds the columns of a row type. Rows are appended value by value, without an intermediate form and without an
/// allocation per row.
///
/// ```
/// use fluss_metadata::{DataTypes, RowType};
/// use fluss_row::{GenericRow, arrow::ColumnBuilders};
///
/// let row_type = RowType::new(vec![
///     DataTypes::field("id", DataTypes::bigint().as_non_nullable()),
///     DataTypes::field("name", DataTypes::string()),
/// ]);
/// let mut columns = ColumnBuilders::new(&row_type)?;
/// let mut row = GenericRow::new(2);
/// row.set_field(0, 1_i64);
/// row.set_field(1, "Alice");
/// columns.append_row(&row)?;
/// row.set_field(0, "not a number");
/// let error = columns.append_row(&row).unwrap_err();
/// assert!(error.to_string().contains("\"id\""));
/// assert_eq!(columns.finish()?.num_rows(), 1);
/// # Ok::<(), fluss_row::RowError>(())
/// ```
#[derive(Debug)]
pub struct ColumnBuilders {
    row_type: RowType,
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
    /// Bytes of values of variable size: strings, elements.
    variable_bytes: usize,
    /// Bytes per row.
    row_bytes: usize,
}

impl ColumnBuilders {
    /// Returns an error for types that Arrow batches cannot have.
    pub fn new(row_type: &RowType) -> Result<Self> {
        let schema = to_arrow_schema(row_type)?;
        let columns: Vec<_> = row_type
            .fields()
            .iter()
            .map(|field| Column::new(field.data_type()))
            .collect();
        let row_bytes = columns
            .iter()
            .map(Column::fixed_bits)
            .sum::<usize>()
            .div_ceil(8);
        Ok(Self {
            row_type: row_type.clone(),
            schema,
            columns,
            rows: 0,
            variable_bytes: 0,
            row_bytes,
        })
    }

    /// Returns empty builders of the same columns.
    pub(crate) fn another(&self) -> Self {
        let fields = self.row_type.fields();
        Self {
            row_type: self.row_type.clone(),
            schema: SchemaRef::clone(&self.schema),
            columns: fields
                .iter()
                .map(|field| Column::new(field.data_type()))
                .collect(),
            rows: 0,
            variable_bytes: 0,
            row_bytes: self.row_bytes,
        }
    }

    /// Buffers that a message lists of the columns.
    pub(crate) fn buffer_count(&self) -> usize {
        self.flatten().buffers.len()
    }

    /// Returns the type of the rows.
    pub fn row_type(&self) -> &RowType {
        &self.row_type
    }

    /// Returns the schema of the batches that [`finish`](Self::finish) returns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Returns the bytes of the rows before compression, without padding. This is an upper bound: each value counts
    /// with its validity bit.
    #[inline]
    pub fn size_bytes(&self) -> usize {
        self.variable_bytes + self.rows * self.row_bytes
    }

    /// Appends a row and returns by how many bytes [`size_bytes`](Self::size_bytes) grew.
    ///
    /// Returns an error if the row has the wrong number of fields, if a value is null in a NOT NULL column or does
    /// not fit its column, or if a column would exceed 2 GiB. The error names the column, and nothing is appended.
    #[inline]
    pub fn append_row<R: InternalRow + ?Sized>(&mut self, row: &R) -> Result<usize> {
        let actual = row.field_count();
        if actual != self.columns.len() {
            return Err(RowError::FieldCount {
                expected: self.columns.len(),
                actual,
            });
        }
        check_rows(self.rows + 1)?;
        let mut variable = 0;
        for (position, column) in self.columns.iter_mut().enumerate() {
            match column.append(row, position) {
                Ok(bytes) => variable += bytes,
                Err(error) => return Err(self.undo(position, error)),
            }
        }
        self.rows += 1;
        self.variable_bytes += variable;
        Ok(variable + self.row_bytes)
    }

    /// Appends the rows of a batch, whose columns are found by name, and returns by how many bytes it grew. The
    /// values are copied.
    ///
    /// They are converted as [`TableBatch::try_new`] does, which also documents the errors. Nothing is appended on
    /// error.
    pub fn append_batch(&mut self, batch: &RecordBatch) -> Result<usize> {
        self.extend(&TableBatch::try_new(&self.row_type, batch)?.flatten()?)
    }

    /// Appends columns that are known to be of the right types.
    pub(crate) fn extend(&mut self, flat: &FlatBatch<'_>) -> Result<usize> {
        let rows = self.rows + flat.rows;
        check_rows(rows)?;
        let before = self.size_bytes();
        let mut nodes = flat.nodes.iter();
        let mut buffers = flat.buffers.iter();
        let mut variable = 0;
        for position in 0..self.columns.len() {
            let Some(column) = self.columns.get_mut(position) else {
                break;
            };
            match column.extend(&mut nodes, &mut buffers) {
                Ok(bytes) => variable += bytes,
                Err(error) => return Err(self.undo(position, error)),
            }
        }
        self.rows = rows;
        self.variable_bytes += variable;
        Ok(self.size_bytes() - before)
    }

    /// Reverts what was appended to the columns before the one that failed.
    #[cold]
    #[inline(never)]
    fn undo(&mut self, position: usize, error: RowError) -> RowError {
        let rows = self.rows;
        self.columns
            .iter_mut()
            .take(position + 1)
            .for_each(|column| column.truncate(rows));
        match self.row_type.fields().get(position) {
            Some(field) => error.in_column(position, field.name(), field.data_type()),
            None => error,
        }
    }

    /// Removes all rows; the columns keep their memory.
    pub fn clear(&mut self) {
        self.columns
            .iter_mut()
            .for_each(|column| column.truncate(0));
        self.rows = 0;
        self.variable_bytes = 0;
    }

    /// Finishes the batch. Its columns use the memory of the builders without a copy. The builders are empty
    /// afterwards and can be used for the next batch.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        let schema = SchemaRef::clone(&self.schema);
        let arrays = self
            .columns
            .iter_mut()
            .zip(schema.fields())
            .map(|(column, field)| column.take(field.data_type()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| RowError::Columns { source })?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        self.variable_bytes = 0;
        RecordBatch::try_new_with_options(schema, arrays, &options)
            .map_err(|source| RowError::Columns { source })
    }

    /// Returns the columns as a message lists them.
    pub(crate) fn flatten(&self) -> FlatBatch<'_> {
        let mut flat = FlatBatch::new(self.rows);
        self.columns
            .iter()
            .for_each(|column| column.flatten(&mut flat));
        flat
    }
}

/// Converts rows, for example of a lookup or a scan, to an Arrow batch. Returns the same errors as
/// [`ColumnBuilders::append_row`].
pub fn rows_to_batch<R: InternalRow>(
    row_type: &RowType,
    rows: impl IntoIterator<Item = R>,
) -> Result<RecordBatch> {
    let mut columns = ColumnBuilders::new(row_type)?;
    for row in rows {
        columns.append_row(&row)?;
    }
    columns.finish()
}

/// Returns an error for more rows than fit into a batch.
#[inline]
pub(crate) fn check_rows(rows: usize) -> Result<()> {
    if rows <= MAX_ROWS {
        return Ok(());
    }
    Err(RowError::TooLarge {
        what: "number of rows of a batch",
        value: rows as u64,
        max: MAX_ROWS as u64,
    })
}
