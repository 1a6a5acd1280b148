//! Batches of users, converted to batches of a table.

use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_schema::{DataType as ArrowType, Field, SchemaRef};
use fluss_metadata::RowType;

use super::builder::check_rows;
use super::columnar::ColumnarBatch;
use super::conform;
use super::flat::FlatBatch;
use super::types::to_arrow_schema;
use crate::error::metadata_error;
use crate::{Result, RowError};

/// A batch with the columns of a table: in their order, with their types, and with values that fit them. Cheap to
/// clone.
///
/// Columns of any Arrow type that holds the same values are converted: large and view types, dictionaries, run-end
/// encoding, lists of any kind, other time units and time zones, integers and decimals of other widths, precisions
/// and scales. Columns of the table's own types are shared, not copied.
///
/// ```
/// use std::sync::Arc;
///
/// use arrow_array::{ArrayRef, RecordBatch, UInt16Array};
/// use fluss_metadata::{DataTypes, RowType};
/// use fluss_row::arrow::TableBatch;
///
/// let row_type = RowType::new(vec![DataTypes::field("n", DataTypes::tinyint())]);
/// let batch = |numbers: Vec<u16>| {
///     let numbers: ArrayRef = Arc::new(UInt16Array::from(numbers));
///     RecordBatch::try_from_iter([("n", numbers)])
/// };
/// assert_eq!(TableBatch::try_new(&row_type, &batch(vec![1, 2])?)?.row_count(), 2);
/// let error = TableBatch::try_new(&row_type, &batch(vec![1, 200])?).unwrap_err();
/// assert_eq!(error.to_string(), "row 1, column \"n\" (position 0): 200 does not fit into TINYINT");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TableBatch {
    row_type: RowType,
    batch: RecordBatch,
}

impl TableBatch {
    /// Converts a batch to one of a table with columns of this type. Columns are matched by name.
    ///
    /// Differences in the schema only do not matter: metadata, nullability, the names of list elements and map
    /// entries, the time zone of instants. Digits of a time beyond the column's precision are truncated, as in rows.
    /// Returns an error with the name of the column if one is missing or unexpected, has a type that does not
    /// convert, or has a null although it is NOT NULL; and with column and row for a value that does not fit the
    /// column.
    pub fn try_new(row_type: &RowType, batch: &RecordBatch) -> Result<Self> {
        check_rows(batch.num_rows())?;
        let schema = to_arrow_schema(row_type)?;
        let columns = columns(row_type, &schema, batch)?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(schema, columns, &options)
            .map_err(|error| metadata_error("Arrow batch", error))?;
        Ok(Self {
            row_type: row_type.clone(),
            batch,
        })
    }

    /// Returns the type of the rows.
    pub fn row_type(&self) -> &RowType {
        &self.row_type
    }

    /// Returns the columns, with the schema that [`to_arrow_schema`](super::to_arrow_schema) returns.
    pub fn record_batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// Returns the number of rows.
    pub fn row_count(&self) -> usize {
        self.batch.num_rows()
    }

    /// Returns the bytes of the values of these rows. The arrays may hold more: of a slice, only what it covers counts.
    pub fn size_bytes(&self) -> usize {
        self.batch.columns().iter().map(size_of_array).sum()
    }

    /// Returns up to `length` rows from `offset`, without a copy.
    #[must_use]
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        let offset = offset.min(self.row_count());
        let length = length.min(self.row_count() - offset);
        Self {
            row_type: self.row_type.clone(),
            batch: self.batch.slice(offset, length),
        }
    }

    /// Returns the rows at these positions; their values are copied. Returns an error if a column would exceed 2 GiB,
    /// and for positions that the batch does not have.
    pub fn take(&self, rows: &[u32]) -> Result<Self> {
        if let Some(row) = rows.iter().find(|row| **row as usize >= self.row_count()) {
            return Err(RowError::InvalidValue {
                expected: format!("row of a batch of {}", self.row_count()).into(),
                value: row.to_string().into(),
            });
        }
        let positions = UInt32Array::from(rows.to_vec());
        let columns = self
            .row_type
            .fields()
            .iter()
            .zip(self.batch.columns())
            .enumerate()
            .map(|(position, (field, column))| {
                conform::gather(column, &positions)
                    .map_err(|fault| fault.into_error(position, field.name(), field.data_type()))
            })
            .collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let batch = RecordBatch::try_new_with_options(self.batch.schema(), columns, &options)
            .map_err(|error| metadata_error("Arrow batch", error))?;
        Ok(Self {
            row_type: self.row_type.clone(),
            batch,
        })
    }

    /// Returns the batch as rows.
    pub fn rows(&self) -> Result<ColumnarBatch> {
        ColumnarBatch::from_arrays(
            self.row_type.clone(),
            self.batch.schema(),
            self.batch.columns().to_vec(),
            self.row_count(),
        )
    }

    /// Returns the columns taken apart.
    pub(crate) fn flatten(&self) -> Result<FlatBatch<'static>> {
        let mut flat = FlatBatch::new(self.row_count());
        self.batch
            .columns()
            .iter()
            .try_for_each(|array| flat.push_array(array))?;
        Ok(flat)
    }
}

impl fmt::Debug for TableBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableBatch")
            .field("row_type", &self.row_type)
            .field("rows", &self.row_count())
            .finish_non_exhaustive()
    }
}

/// A batch whose columns have been checked, taken apart to be written.
#[derive(Debug)]
pub(crate) struct UserBatch {
    flat: FlatBatch<'static>,
    size_bytes: usize,
}

impl UserBatch {
    pub(crate) fn new(batch: &TableBatch) -> Result<Self> {
        let flat = batch.flatten()?;
        let size_bytes = flat.size_bytes();
        Ok(Self { flat, size_bytes })
    }

    pub(crate) fn rows(&self) -> usize {
        self.flat.rows
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    pub(crate) fn flat(&self) -> &FlatBatch<'static> {
        &self.flat
    }
}

/// The columns in the order and the types of the row type.
fn columns(row_type: &RowType, schema: &SchemaRef, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    let (expected, actual) = (row_type.fields().len(), batch.num_columns());
    let arrays = row_type
        .fields()
        .iter()
        .zip(schema.fields())
        .enumerate()
        .map(|(position, (field, target))| {
            let (name, data_type) = (field.name(), field.data_type());
            let array = batch
                .column_by_name(name)
                .ok_or_else(|| RowError::UnknownColumn { name: name.into() })?;
            let nullable = data_type.is_nullable();
            conform::column(data_type, nullable, target.data_type(), array, None)
                .map_err(|fault| fault.into_error(position, name, data_type))
        })
        .collect::<Result<Vec<_>>>()?;
    if expected == actual {
        return Ok(arrays);
    }
    let schema = batch.schema_ref();
    let is_surplus = |field: &&Arc<Field>| row_type.field(field.name()).is_none();
    Err(match schema.fields().iter().find(is_surplus) {
        Some(surplus) => RowError::SurplusColumn {
            name: surplus.name().as_str().into(),
        },
        // A name occurs twice.
        None => RowError::FieldCount { expected, actual },
    })
}

/// Bytes of the values that an array of a column covers.
fn size_of_array(array: &ArrayRef) -> usize {
    let bits = |len: usize| len.div_ceil(8);
    let len = array.len();
    let reach = |offsets: &[i32]| match offsets {
        [first, .., last] => (*first as usize, (last - first) as usize),
        _ => (0, 0),
    };
    let validity = if array.null_count() > 0 { bits(len) } else { 0 };
    let offsets = (len + 1) * size_of::<i32>();
    validity
        + match array.data_type() {
            ArrowType::Boolean => bits(len),
            ArrowType::Utf8 => offsets + reach(array.as_string::<i32>().value_offsets()).1,
            ArrowType::Binary => offsets + reach(array.as_binary::<i32>().value_offsets()).1,
            ArrowType::FixedSizeBinary(width) => len * usize::try_from(*width).unwrap_or(0),
            ArrowType::List(_) => {
                let list = array.as_list::<i32>();
                let (first, count) = reach(list.value_offsets());
                offsets + size_of_array(&list.values().slice(first, count))
            }
            ArrowType::Map(..) => {
                let map = array.as_map();
                let (first, count) = reach(map.value_offsets());
                let part = |values: &ArrayRef| size_of_array(&values.slice(first, count));
                offsets + part(map.keys()) + part(map.values())
            }
            ArrowType::Struct(_) => array.as_struct().columns().iter().map(size_of_array).sum(),
            other => len * other.primitive_width().unwrap_or(0),
        }
}
