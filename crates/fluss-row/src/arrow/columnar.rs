//! Single rows of a decoded batch.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use fluss_metadata::RowType;

use super::conform;
use super::table_batch::TableBatch;
use super::view::{ColumnView, ViewValues};
use crate::getters::row_getters;
use crate::{
    BinaryRow, DataGetters, Date, Datum, Decimal, FieldRef, FlussArray, FlussMap, GenericRow,
    InternalRow, Result, RowError, Time, TimestampLtz, TimestampNtz,
};

/// Columns from which single rows can be read. Cheap to clone.
///
/// ```
/// use fluss_metadata::{DataTypes, RowType};
/// use fluss_row::{GenericRow, arrow::{ColumnBuilders, ColumnarBatch}};
///
/// let row_type = RowType::new(vec![DataTypes::field("id", DataTypes::int())]);
/// let mut columns = ColumnBuilders::new(&row_type)?;
/// columns.append_row(&GenericRow::from_data(vec![7]))?;
/// let batch = ColumnarBatch::try_new(&row_type, &columns.finish()?)?;
/// assert_eq!(batch.row(0).get_int(0), 7);
/// # Ok::<(), fluss_row::RowError>(())
/// ```
#[derive(Clone)]
pub struct ColumnarBatch {
    inner: Arc<Inner>,
}

struct Inner {
    row_type: RowType,
    schema: SchemaRef,
    arrays: Vec<ArrayRef>,
    columns: Box<[ColumnView]>,
    rows: usize,
}

impl ColumnarBatch {
    /// Takes the columns of a batch, matched by name and converted as in [`TableBatch::try_new`], which also
    /// documents the errors.
    pub fn try_new(row_type: &RowType, batch: &RecordBatch) -> Result<Self> {
        TableBatch::try_new(row_type, batch)?.rows()
    }

    /// Arrays of the types of the columns.
    pub(crate) fn from_arrays(
        row_type: RowType,
        schema: SchemaRef,
        arrays: Vec<ArrayRef>,
        rows: usize,
    ) -> Result<Self> {
        let columns = row_type
            .fields()
            .iter()
            .zip(&arrays)
            .enumerate()
            .map(|(position, (field, array))| {
                ColumnView::new(field.data_type(), array)
                    .map_err(|error| error.in_column(position, field.name(), field.data_type()))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            inner: Arc::new(Inner {
                row_type,
                schema,
                arrays,
                columns,
                rows,
            }),
        })
    }

    /// Returns the type of the rows.
    pub fn row_type(&self) -> &RowType {
        &self.inner.row_type
    }

    /// Returns the number of rows.
    pub fn row_count(&self) -> usize {
        self.inner.rows
    }

    /// A row. Reading from a row beyond the end returns an error.
    #[inline]
    pub fn row(&self, row: usize) -> ColumnarRow {
        ColumnarRow {
            source: Source::Columns {
                batch: Arc::clone(&self.inner),
                row,
            },
        }
    }

    /// Iterates over the rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = ColumnarRow> {
        (0..self.inner.rows).map(|row| self.row(row))
    }

    /// Returns the columns as an Arrow batch, which shares them. Returns an error with the column if one has a null
    /// although it is NOT NULL, or a decimal beyond its precision.
    pub fn record_batch(&self) -> Result<RecordBatch> {
        let rows = 0..self.row_count();
        match self.first_misfit(rows.clone()) {
            Some((_, error)) => Err(error),
            None => self.slice(rows),
        }
    }

    /// Returns some of the rows, each of which fits, as an Arrow batch.
    pub(crate) fn slice(&self, rows: Range<usize>) -> Result<RecordBatch> {
        let Inner { schema, arrays, .. } = &*self.inner;
        let arrays: Vec<ArrayRef> = if rows.len() == self.row_count() {
            arrays.clone()
        } else {
            let slice = |array: &ArrayRef| array.slice(rows.start, rows.len());
            arrays.iter().map(slice).collect()
        };
        let arrays = schema
            .fields()
            .iter()
            .zip(arrays)
            .map(|(field, array)| conform::as_declared(array, field.data_type()))
            .collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(SchemaRef::clone(schema), arrays, &options)
            .map_err(|source| RowError::Columns { source })
    }

    /// Returns the first of the rows that an Arrow batch cannot represent, and why: a null in a NOT NULL column, or a
    /// decimal beyond its precision. Servers store both.
    pub(crate) fn first_misfit(&self, rows: Range<usize>) -> Option<(usize, RowError)> {
        let fields = self.inner.row_type.fields();
        let misfits = fields.iter().zip(&self.inner.columns).enumerate();
        misfits
            .filter_map(|(position, (field, column))| {
                let data_type = field.data_type();
                let (row, error) = column.first_misfit(data_type, rows.clone())?;
                Some((row, error.in_column(position, field.name(), data_type)))
            })
            .min_by_key(|(row, _)| *row)
    }

    /// Returns the views of the columns.
    pub(crate) fn columns(&self) -> &[ColumnView] {
        &self.inner.columns
    }

    /// Returns the columns.
    pub(crate) fn arrays(&self) -> &[ArrayRef] {
        &self.inner.arrays
    }
}

impl fmt::Debug for ColumnarBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ColumnarBatch")
            .field("row_type", &self.inner.row_type)
            .field("rows", &self.inner.rows)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// Why there is no value to return.
    #[cold]
    #[inline(never)]
    fn failed(&self, position: usize, row: usize, expected: &'static str) -> RowError {
        let (Some(column), Some(field)) = (
            self.columns.get(position),
            self.row_type.fields().get(position),
        ) else {
            return RowError::FieldOutOfRange {
                position,
                field_count: self.columns.len(),
            };
        };
        if row >= self.rows {
            return RowError::InvalidValue {
                expected: format!("row of a batch of {}", self.rows).into(),
                value: row.to_string().into(),
            };
        }
        let field = FieldRef::named(position, field.name());
        if column.is_null(row) {
            RowError::NullValue { field }
        } else {
            RowError::WrongType {
                field,
                expected: expected.into(),
                actual: column.type_name().into(),
            }
        }
    }

    #[cold]
    fn named(&self, position: usize, error: RowError) -> RowError {
        match self.row_type.fields().get(position) {
            Some(field) => error.at_column(position, field.name()),
            None => error,
        }
    }

    /// Whether a column is of this type.
    #[inline]
    fn is_decimal(&self, position: usize, precision: u32, scale: u32) -> bool {
        self.columns.get(position).is_some_and(|column| {
            matches!(
                &column.values,
                ViewValues::Decimal { precision: declared, scale: at, .. } if *declared == precision && *at == scale
            )
        })
    }

    /// A column, if its value in the row is not null.
    #[inline]
    fn value(&self, position: usize, row: usize) -> Option<&ColumnView> {
        self.columns
            .get(position)
            .filter(|column| !column.is_null(row))
    }
}

/// Which fields of a binary row are the columns that are read.
#[derive(Debug)]
pub(crate) struct BinaryView {
    pub(crate) row_type: RowType,
    /// The position of each column in the row, `None` for one that the row does not have.
    pub(crate) positions: Box<[Option<usize>]>,
}

/// A row of a scanned batch: a view of its columns, cheap to clone. The batch stays in memory as long as one of its
/// rows does.
///
/// The `get_*` methods return values and panic for a wrong position, a wrong type or a null;
/// [`try_get`](Self::try_get) returns an error instead. Strings and bytes are borrowed from the batch.
#[derive(Clone)]
pub struct ColumnarRow {
    source: Source,
}

#[derive(Clone)]
enum Source {
    Columns {
        batch: Arc<Inner>,
        row: usize,
    },
    /// A row of a batch in one of the row formats; `None` if the batch does not have it.
    Binary {
        row: Option<Arc<BinaryRow>>,
        view: Arc<BinaryView>,
    },
}

impl ColumnarRow {
    pub(crate) fn binary(row: Option<BinaryRow>, view: &Arc<BinaryView>) -> Self {
        Self {
            source: Source::Binary {
                row: row.map(Arc::new),
                view: Arc::clone(view),
            },
        }
    }

    /// Returns the type of the row.
    pub fn row_type(&self) -> &RowType {
        match &self.source {
            Source::Columns { batch, .. } => &batch.row_type,
            Source::Binary { view, .. } => &view.row_type,
        }
    }

    row_getters!();

    /// Reads a number of another type, if it converts, or returns why not.
    #[cold]
    #[inline(never)]
    fn read_number<T>(
        &self,
        position: usize,
        expected: &'static str,
        read: fn(&BinaryRow, usize) -> Result<T>,
        convert: fn(&Datum<'static>, usize) -> Result<T>,
    ) -> Result<T> {
        if let Source::Columns { batch, row } = &self.source
            && let Some(column) = batch.value(position, *row)
            && let Some(value) = column.number(*row)
        {
            return convert(&value, position).map_err(|error| batch.named(position, error));
        }
        self.read_otherwise(position, expected, read)
    }

    /// Reads a value of a binary row, or returns why a column has none.
    #[cold]
    #[inline(never)]
    fn read_otherwise<'r, T>(
        &'r self,
        position: usize,
        expected: &'static str,
        read: impl FnOnce(&'r BinaryRow, usize) -> Result<T>,
    ) -> Result<T> {
        match &self.source {
            Source::Columns { batch, row } => Err(batch.failed(position, *row, expected)),
            Source::Binary { row, view } => {
                let (row, position) = binary_value(row.as_deref(), view, position)?;
                read(row, position)
            }
        }
    }
}

/// The underlying row and the position of a column in it; `None` for a column that it does not have.
fn binary_field<'r>(
    row: Option<&'r BinaryRow>,
    view: &BinaryView,
    position: usize,
) -> Result<Option<(&'r BinaryRow, usize)>> {
    let field_count = view.positions.len();
    let source = view
        .positions
        .get(position)
        .ok_or(RowError::FieldOutOfRange {
            position,
            field_count,
        })?;
    let row = row.ok_or_else(|| RowError::InvalidValue {
        expected: "row of a batch".into(),
        value: "a row after its end".into(),
    })?;
    Ok(source.map(|source| (row, source)))
}

fn binary_value<'r>(
    row: Option<&'r BinaryRow>,
    view: &BinaryView,
    position: usize,
) -> Result<(&'r BinaryRow, usize)> {
    binary_field(row, view, position)?.ok_or_else(|| RowError::NullValue {
        field: match view.row_type.fields().get(position) {
            Some(field) => FieldRef::named(position, field.name()),
            None => FieldRef::at(position),
        },
    })
}

#[inline(never)]
fn is_binary_null(row: Option<&BinaryRow>, view: &BinaryView, position: usize) -> Result<bool> {
    match binary_field(row, view, position)? {
        Some((row, position)) => DataGetters::is_null_at(row, position),
        None => Ok(true),
    }
}

/// A getter of values that lie in the column as they are. All that is not plain is apart, so that it gets inlined.
macro_rules! plain_getter {
    ($($name:ident, $type:ty, $variant:ident, $read:ident, $what:literal);* $(;)?) => {$(
        #[inline]
        fn $name(&self, pos: usize) -> Result<$type> {
            if let Source::Columns { batch, row } = &self.source
                && let Some(column) = batch.value(pos, *row)
                && let ViewValues::$variant(values) = &column.values
                && let Some(value) = values.get(*row)
            {
                return Ok(*value);
            }
            self.read_number(pos, $what, DataGetters::$name, Datum::$read)
        }
    )*};
}

/// A getter of values that the view makes.
macro_rules! made_getter {
    ($($name:ident($($arg:ident: $arg_type:ty),*), $type:ty, $made:expr, $what:literal);* $(;)?) => {$(
        #[inline]
        fn $name(&self, pos: usize $(, $arg: $arg_type)*) -> Result<$type> {
            if let Source::Columns { batch, row } = &self.source
                && let Some(column) = batch.value(pos, *row)
                && let Some(value) = $made(column, *row)
            {
                return Ok(value);
            }
            self.read_otherwise(pos, $what, |row, pos| DataGetters::$name(row, pos $(, $arg)*))
        }
    )*};
}

/// A getter of values that the view makes, or errs.
macro_rules! checked_getter {
    ($($name:ident($($arg:ident: $arg_type:ty),*), $type:ty, $made:expr, $what:literal);* $(;)?) => {$(
        fn $name(&self, pos: usize $(, $arg: $arg_type)*) -> Result<$type> {
            if let Source::Columns { batch, row } = &self.source
                && let Some(column) = batch.value(pos, *row)
                && let Some(value) = $made(column, *row)?
            {
                return Ok(value);
            }
            self.read_otherwise(pos, $what, |row, pos| DataGetters::$name(row, pos $(, $arg)*))
        }
    )*};
}

fn boolean(column: &ColumnView, row: usize) -> Option<bool> {
    match &column.values {
        ViewValues::Boolean(bits) if row < bits.len() => Some(bits.value(row)),
        _ => None,
    }
}

fn date(column: &ColumnView, row: usize) -> Option<Date> {
    match &column.values {
        ViewValues::Date(values) => values.get(row).copied().map(Date::new),
        _ => None,
    }
}

impl DataGetters for ColumnarRow {
    #[inline]
    fn field_count(&self) -> usize {
        match &self.source {
            Source::Columns { batch, .. } => batch.columns.len(),
            Source::Binary { view, .. } => view.positions.len(),
        }
    }

    #[inline]
    fn is_null_at(&self, pos: usize) -> Result<bool> {
        match &self.source {
            Source::Columns { batch, row } => match batch.columns.get(pos) {
                Some(column) => Ok(column.is_null(*row)),
                None => Err(batch.failed(pos, *row, "a column")),
            },
            Source::Binary { row, view } => is_binary_null(row.as_deref(), view, pos),
        }
    }

    plain_getter! {
        get_byte, i8, TinyInt, read_byte, "TINYINT";
        get_short, i16, SmallInt, read_short, "SMALLINT";
        get_int, i32, Int, read_int, "INT";
        get_long, i64, BigInt, read_long, "BIGINT";
        get_float, f32, Float, read_float, "FLOAT";
        get_double, f64, Double, read_double, "DOUBLE";
    }

    made_getter! {
        get_boolean(), bool, boolean, "BOOLEAN";
        get_char(_length: usize), &str, ColumnView::text, "CHAR";
        get_string(), &str, ColumnView::text, "STRING";
        get_date(), Date, date, "DATE";
        get_time(), Time, ColumnView::time, "TIME";
        get_binary(_length: usize), &[u8], ColumnView::bytes, "BINARY";
        get_bytes(), &[u8], ColumnView::bytes, "BYTES";
    }

    checked_getter! {
        get_timestamp_ntz(_precision: u32), TimestampNtz, ColumnView::timestamp, "TIMESTAMP";
        get_timestamp_ltz(_precision: u32), TimestampLtz, ColumnView::timestamp_ltz, "TIMESTAMP_LTZ";
        get_array(), FlussArray<'_>, ColumnView::array, "ARRAY";
        get_map(), FlussMap<'_>, ColumnView::map, "MAP";
        get_row(), GenericRow<'_>, ColumnView::row, "ROW";
    }

    fn get_decimal(&self, pos: usize, precision: u32, scale: u32) -> Result<Decimal> {
        match &self.source {
            Source::Columns { batch, row } => {
                match batch
                    .value(pos, *row)
                    .map(|column| column.decimal(*row))
                    .transpose()?
                    .flatten()
                {
                    // A value that outgrew its column is returned as it is to who names the type of the column.
                    Some(value) if batch.is_decimal(pos, precision, scale) => Ok(value),
                    Some(value) => Datum::Decimal(value).read_decimal(pos, precision, scale),
                    None => Err(batch.failed(pos, *row, "DECIMAL")),
                }
            }
            Source::Binary { .. } => self.read_otherwise(pos, "DECIMAL", |row, pos| {
                DataGetters::get_decimal(row, pos, precision, scale)
            }),
        }
    }

    fn datum(&self, pos: usize) -> Result<Datum<'_>> {
        match &self.source {
            Source::Columns { batch, row } => {
                let value = batch
                    .columns
                    .get(pos)
                    .map(|column| column.datum(*row))
                    .transpose()?
                    .flatten();
                value.ok_or_else(|| batch.failed(pos, *row, "a value"))
            }
            Source::Binary { row, view } => match binary_field(row.as_deref(), view, pos)? {
                Some((row, pos)) => row.datum(pos),
                None => Ok(Datum::Null),
            },
        }
    }
}

impl InternalRow for ColumnarRow {
    fn field_index(&self, name: &str) -> Option<usize> {
        self.row_type().index_of(name)
    }
}

impl fmt::Debug for ColumnarRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::getters::debug_row(self, f)
    }
}
