//! Converts arrays of users to arrays of a table's columns: of the same type, with values that fit the column.
//!
//! An array that already conforms is shared, not copied. Others are converted if each value is preserved; digits of a
//! time beyond the column's precision are truncated, as in rows.

mod decimals;
mod declared;
mod expand;
mod nested;
mod scalars;
mod times;
mod variable;

pub(super) use declared::as_declared;
pub(super) use expand::gather;

use arrow_array::{Array, ArrayRef};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType as ArrowType};
use fluss_metadata::{DataType, DataTypeKind};

use super::builder::column_full;
use crate::error::metadata_error;
use crate::{FieldRef, RowError};

/// Why an array cannot be converted to a column.
#[derive(Debug)]
pub(super) struct Fault {
    /// Position of the value at fault, if it is a value.
    row: Option<usize>,
    error: RowError,
}

type Conformed<T = ArrayRef> = Result<T, Fault>;

impl From<RowError> for Fault {
    fn from(error: RowError) -> Self {
        Self { row: None, error }
    }
}

impl Fault {
    /// The value at `row` does not fit. The caller that knows the column adds the type.
    #[cold]
    fn misfit(row: usize, value: impl Into<Box<str>>) -> Self {
        Self {
            row: Some(row),
            error: RowError::ValueOutOfRange {
                field: FieldRef::at(0),
                expected: "".into(),
                value: value.into(),
            },
        }
    }

    #[cold]
    fn refused(data_type: &DataType, arrow: &ArrowType) -> Self {
        let error = RowError::WrongType {
            field: FieldRef::at(0),
            expected: data_type.to_string().into(),
            actual: format!("Arrow's {arrow}").into(),
        };
        Self { row: None, error }
    }

    /// Adds the name of the column, or of the part of one.
    #[cold]
    fn in_column(self, position: usize, name: &str, data_type: &DataType) -> Self {
        Self {
            error: self.error.in_column(position, name, data_type),
            ..self
        }
    }

    /// Returns the error for the user, once the column is named.
    #[cold]
    pub(super) fn into_error(self, position: usize, name: &str, data_type: &DataType) -> RowError {
        match (self.row, self.error.in_column(position, name, data_type)) {
            (
                Some(row),
                RowError::ValueOutOfRange {
                    field,
                    expected,
                    value,
                },
            ) => RowError::BatchValue {
                row,
                field,
                expected,
                value,
            },
            (_, error) => error,
        }
    }
}

/// An array as a column of this type, whose Arrow type is `target`. Rows that are null in `masked` do not exist: what
/// they are part of is null.
pub(super) fn column(
    data_type: &DataType,
    nullable: bool,
    target: &ArrowType,
    array: &ArrayRef,
    masked: Option<&NullBuffer>,
) -> Conformed {
    if let Some(plain) = expand::plain(array, target)? {
        return column(data_type, nullable, target, &plain, masked);
    }
    let array = match data_type.kind() {
        DataTypeKind::Boolean if array.data_type() == target => ArrayRef::clone(array),
        DataTypeKind::Boolean => return Err(Fault::refused(data_type, array.data_type())),
        DataTypeKind::TinyInt
        | DataTypeKind::SmallInt
        | DataTypeKind::Int
        | DataTypeKind::BigInt
        | DataTypeKind::Float
        | DataTypeKind::Double
        | DataTypeKind::Date => scalars::column(data_type, target, array)?,
        DataTypeKind::Decimal { precision, scale } => {
            decimals::column(data_type, (*precision, *scale), array)?
        }
        DataTypeKind::Time { .. }
        | DataTypeKind::Timestamp { .. }
        | DataTypeKind::TimestampLtz { .. } => times::column(data_type, target, array)?,
        DataTypeKind::Char { .. }
        | DataTypeKind::String
        | DataTypeKind::Binary { .. }
        | DataTypeKind::Bytes => variable::column(data_type, array)?,
        DataTypeKind::Array(element) => nested::list(data_type, element, target, array)?,
        DataTypeKind::Map { key, value } => nested::map(data_type, (key, value), target, array)?,
        DataTypeKind::Row(row_type) => nested::structure(data_type, row_type, target, array)?,
    };
    if !nullable {
        check_nulls(&array, masked)?;
    }
    Ok(array)
}

/// Returns an error for a null that is not masked.
fn check_nulls(array: &ArrayRef, masked: Option<&NullBuffer>) -> Conformed<()> {
    let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Ok(());
    };
    if masked.is_some_and(|masked| masked.contains(nulls)) {
        return Ok(());
    }
    let is_masked = |row| masked.is_some_and(|masked| masked.is_null(row));
    let row = (0..nulls.len()).find(|row| nulls.is_null(*row) && !is_masked(*row));
    let field = FieldRef::at(0);
    Err(Fault {
        row,
        error: RowError::NullValue { field },
    })
}

/// Whether the value counts.
#[inline]
fn is_valid(array: &dyn Array, row: usize) -> bool {
    array.nulls().is_none_or(|nulls| nulls.is_valid(row))
}

/// An error of a kernel that made a column.
#[cold]
fn kernel(error: ArrowError) -> RowError {
    match error {
        ArrowError::OffsetOverflowError(bytes) => column_full(bytes),
        other => metadata_error("column of an Arrow batch", other),
    }
}
