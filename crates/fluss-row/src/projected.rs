//! A projection of a row.

use std::fmt;
use std::sync::Arc;

use fluss_metadata::RowType;

use crate::getters::row_getters;
use crate::{
    DataGetters, Date, Datum, Decimal, FieldRef, FlussArray, FlussMap, GenericRow, InternalRow,
    Result, RowError, Time, TimestampLtz, TimestampNtz,
};

/// Selected and reordered fields of another row. A selected field may be missing; it is null then.
///
/// Use it to read some columns of a row, or to read a row that was written with an older schema.
///
/// ```
/// use fluss_row::{GenericRow, ProjectedRow};
///
/// let row = GenericRow::from_data(vec![1, 2, 3]);
/// let projected = ProjectedRow::new(row, vec![Some(2), None]);
/// assert_eq!(projected.get_int(0), 3);
/// assert!(projected.is_null_at(1));
/// ```
#[derive(Clone)]
pub struct ProjectedRow<R> {
    row: R,
    positions: Arc<[Option<usize>]>,
    row_type: Option<RowType>,
}

impl<R: InternalRow> ProjectedRow<R> {
    /// Creates a projection of `row`: field i is the row's field `positions[i]`, or null for `None`.
    pub fn new(row: R, positions: impl Into<Arc<[Option<usize>]>>) -> Self {
        Self {
            row,
            positions: positions.into(),
            row_type: None,
        }
    }

    /// Creates a projection of `row` to these fields.
    pub fn of_fields(row: R, positions: &[usize]) -> Self {
        Self::new(
            row,
            positions.iter().copied().map(Some).collect::<Arc<[_]>>(),
        )
    }

    /// Names the fields, including those that are missing in the underlying row.
    #[must_use]
    pub fn with_row_type(mut self, row_type: RowType) -> Self {
        self.row_type = Some(row_type);
        self
    }

    /// Returns the type set by [`ProjectedRow::with_row_type`].
    pub fn row_type(&self) -> Option<&RowType> {
        self.row_type.as_ref()
    }

    /// Returns the underlying row.
    pub fn inner(&self) -> &R {
        &self.row
    }

    /// Consumes this and returns the underlying row.
    pub fn into_inner(self) -> R {
        self.row
    }

    row_getters!();

    #[inline]
    fn source(&self, position: usize) -> Result<Option<usize>> {
        self.positions
            .get(position)
            .copied()
            .ok_or_else(|| RowError::FieldOutOfRange {
                position,
                field_count: self.positions.len(),
            })
    }

    /// The underlying position of a field that is read as a value.
    #[inline]
    fn value_source(&self, position: usize) -> Result<usize> {
        self.source(position)?.ok_or_else(|| RowError::NullValue {
            field: FieldRef::at(position),
        })
    }
}

impl<R: InternalRow> DataGetters for ProjectedRow<R> {
    #[inline]
    fn field_count(&self) -> usize {
        self.positions.len()
    }
    #[inline]
    fn is_null_at(&self, pos: usize) -> Result<bool> {
        match self.source(pos)? {
            Some(source) => DataGetters::is_null_at(&self.row, source),
            None => Ok(true),
        }
    }
    #[inline]
    fn get_boolean(&self, pos: usize) -> Result<bool> {
        DataGetters::get_boolean(&self.row, self.value_source(pos)?)
    }
    #[inline]
    fn get_byte(&self, pos: usize) -> Result<i8> {
        DataGetters::get_byte(&self.row, self.value_source(pos)?)
    }
    #[inline]
    fn get_short(&self, pos: usize) -> Result<i16> {
        DataGetters::get_short(&self.row, self.value_source(pos)?)
    }
    #[inline]
    fn get_int(&self, pos: usize) -> Result<i32> {
        DataGetters::get_int(&self.row, self.value_source(pos)?)
    }
    #[inline]
    fn get_long(&self, pos: usize) -> Result<i64> {
        DataGetters::get_long(&self.row, self.value_source(pos)?)
    }
    #[inline]
    fn get_float(&self, pos: usize) -> Result<f32> {
        DataGetters::get_float(&self.row, self.value_source(pos)?)
    }
    #[inline]
    fn get_double(&self, pos: usize) -> Result<f64> {
        DataGetters::get_double(&self.row, self.value_source(pos)?)
    }
    #[inline]
    fn get_char(&self, pos: usize, length: usize) -> Result<&str> {
        DataGetters::get_char(&self.row, self.value_source(pos)?, length)
    }
    #[inline]
    fn get_string(&self, pos: usize) -> Result<&str> {
        DataGetters::get_string(&self.row, self.value_source(pos)?)
    }
    #[inline]
    fn get_decimal(&self, pos: usize, precision: u32, scale: u32) -> Result<Decimal> {
        DataGetters::get_decimal(&self.row, self.value_source(pos)?, precision, scale)
    }
    #[inline]
    fn get_date(&self, pos: usize) -> Result<Date> {
        DataGetters::get_date(&self.row, self.value_source(pos)?)
    }
    #[inline]
    fn get_time(&self, pos: usize) -> Result<Time> {
        DataGetters::get_time(&self.row, self.value_source(pos)?)
    }
    #[inline]
    fn get_timestamp_ntz(&self, pos: usize, precision: u32) -> Result<TimestampNtz> {
        DataGetters::get_timestamp_ntz(&self.row, self.value_source(pos)?, precision)
    }
    #[inline]
    fn get_timestamp_ltz(&self, pos: usize, precision: u32) -> Result<TimestampLtz> {
        DataGetters::get_timestamp_ltz(&self.row, self.value_source(pos)?, precision)
    }
    #[inline]
    fn get_binary(&self, pos: usize, length: usize) -> Result<&[u8]> {
        DataGetters::get_binary(&self.row, self.value_source(pos)?, length)
    }
    #[inline]
    fn get_bytes(&self, pos: usize) -> Result<&[u8]> {
        DataGetters::get_bytes(&self.row, self.value_source(pos)?)
    }
    #[inline]
    fn get_array(&self, pos: usize) -> Result<FlussArray<'_>> {
        DataGetters::get_array(&self.row, self.value_source(pos)?)
    }
    #[inline]
    fn get_map(&self, pos: usize) -> Result<FlussMap<'_>> {
        DataGetters::get_map(&self.row, self.value_source(pos)?)
    }
    #[inline]
    fn get_row(&self, pos: usize) -> Result<GenericRow<'_>> {
        DataGetters::get_row(&self.row, self.value_source(pos)?)
    }
    #[inline]
    fn datum(&self, pos: usize) -> Result<Datum<'_>> {
        match self.source(pos)? {
            Some(source) => self.row.datum(source),
            None => Ok(Datum::Null),
        }
    }
}

impl<R: InternalRow> InternalRow for ProjectedRow<R> {
    fn field_index(&self, name: &str) -> Option<usize> {
        if let Some(row_type) = &self.row_type {
            return row_type.index_of(name);
        }
        let source = self.row.field_index(name)?;
        self.positions
            .iter()
            .position(|position| *position == Some(source))
    }
}

impl<R: InternalRow> fmt::Debug for ProjectedRow<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::getters::debug_row(self, f)
    }
}
