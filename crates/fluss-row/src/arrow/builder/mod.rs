//! Rows appended straight into columns.

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

/// Most rows of a batch.
const MAX_ROWS: usize = i32::MAX as usize;

/// Builds the columns of a row type: rows are appended value by value, without an intermediate form and without an allocation
/// a row.
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
    /// Bytes of values whose size is not that of their type: texts, elements.
    variable_bytes: usize,
    /// Bytes that every row takes.
    row_bytes: usize,
}

impl ColumnBuilders {
    /// Errs for types that Arrow batches cannot have.
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

    /// Empty builders of the same columns.
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

    /// The type of the rows.
    pub fn row_type(&self) -> &RowType {
        &self.row_type
    }

    /// The schema of the batches that [`finish`](Self::finish) makes.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Bytes of the rows before compression, padding left out. An upper bound: each value counts with the bit that would tell
    /// whether it is null.
    #[inline]
    pub fn size_bytes(&self) -> usize {
        self.variable_bytes + self.rows * self.row_bytes
    }

    /// Appends a row and returns by how many bytes [`size_bytes`](Self::size_bytes) grew.
    ///
    /// Errs when the row has another number of fields, when a value is null in a NOT NULL column or does not fit its column, and
    /// when a column would exceed 2 GiB. The error names the column, and nothing was appended then.
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

    /// Appends the rows of a batch, whose columns are found by name, and returns by how many bytes it grew. The values are copied.
    ///
    /// They are converted as [`TableBatch::try_new`] does, which also says what errs. Nothing was appended then.
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

    /// Takes back what was appended to the columns up to the one that failed.
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

    /// Drops all rows; the columns keep their memory.
    pub fn clear(&mut self) {
        self.columns
            .iter_mut()
            .for_each(|column| column.truncate(0));
        self.rows = 0;
        self.variable_bytes = 0;
    }

    /// Ends the batch: its columns are the memory that was built, not a copy. The builders are empty then and can be used for
    /// the next batch.
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

    /// The columns as a message lists them.
    pub(crate) fn flatten(&self) -> FlatBatch<'_> {
        let mut flat = FlatBatch::new(self.rows);
        self.columns
            .iter()
            .for_each(|column| column.flatten(&mut flat));
        flat
    }
}

/// Rows, of a lookup or a scan for example, as an Arrow batch. Errs like [`ColumnBuilders::append_row`].
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

/// Errs for more rows than a batch can have.
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
