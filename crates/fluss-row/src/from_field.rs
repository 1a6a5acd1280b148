//! Plain Rust types of fields, as returned by `try_get`.

use crate::{
    DataGetters, Date, Datum, Decimal, FlussArray, FlussMap, GenericRow, InternalRow, Result,
    RowError, Time, TimestampLtz, TimestampNtz,
};

/// A type that a field can be read as.
///
/// Implemented for the Rust types of Fluss' values, for [`Datum`], and for `Option<T>` of each, which
/// reads null as `None`.
pub trait FromField<'r>: Sized {
    /// Reads field `pos` of `row`.
    fn from_field<R: DataGetters + ?Sized>(row: &'r R, pos: usize) -> Result<Self>;
}

macro_rules! from_field {
    ($($type:ty => $getter:ident),* $(,)?) => {$(
        impl<'r> FromField<'r> for $type {
            #[inline]
            fn from_field<R: DataGetters + ?Sized>(row: &'r R, pos: usize) -> Result<Self> {
                row.$getter(pos)
            }
        }
    )*};
}

from_field! {
    bool => get_boolean,
    i8 => get_byte,
    i16 => get_short,
    i32 => get_int,
    i64 => get_long,
    f32 => get_float,
    f64 => get_double,
    &'r str => get_string,
    &'r [u8] => get_bytes,
    Date => get_date,
    Time => get_time,
    FlussArray<'r> => get_array,
    FlussMap<'r> => get_map,
    GenericRow<'r> => get_row,
    Datum<'r> => datum,
}

impl<'r> FromField<'r> for String {
    fn from_field<R: DataGetters + ?Sized>(row: &'r R, pos: usize) -> Result<Self> {
        row.get_string(pos).map(str::to_owned)
    }
}

impl<'r> FromField<'r> for Vec<u8> {
    fn from_field<R: DataGetters + ?Sized>(row: &'r R, pos: usize) -> Result<Self> {
        row.get_bytes(pos).map(<[u8]>::to_vec)
    }
}

/// Reads a value whose getter wants a precision through its datum, which knows its own.
macro_rules! from_datum {
    ($($type:ident, $variant:ident, $name:literal);* $(;)?) => {$(
        impl<'r> FromField<'r> for $type {
            fn from_field<R: DataGetters + ?Sized>(row: &'r R, pos: usize) -> Result<Self> {
                match row.datum(pos)? {
                    Datum::$variant(value) => Ok(value),
                    other => Err(other.unexpected(pos, $name)),
                }
            }
        }
    )*};
}

from_datum! {
    Decimal, Decimal, "DECIMAL";
    TimestampNtz, Timestamp, "TIMESTAMP";
    TimestampLtz, TimestampLtz, "TIMESTAMP_LTZ";
}

impl<'r, T: FromField<'r>> FromField<'r> for Option<T> {
    #[inline]
    fn from_field<R: DataGetters + ?Sized>(row: &'r R, pos: usize) -> Result<Self> {
        if row.is_null_at(pos)? {
            Ok(None)
        } else {
            T::from_field(row, pos).map(Some)
        }
    }
}

/// A column by position (`usize`) or by name (`&str`).
pub trait ColumnSelector {
    /// The position of the column in `row`.
    fn position<R: InternalRow + ?Sized>(&self, row: &R) -> Result<usize>;
}

impl ColumnSelector for usize {
    #[inline]
    fn position<R: InternalRow + ?Sized>(&self, _row: &R) -> Result<usize> {
        Ok(*self)
    }
}

impl ColumnSelector for &str {
    fn position<R: InternalRow + ?Sized>(&self, row: &R) -> Result<usize> {
        row.field_index(self)
            .ok_or_else(|| RowError::UnknownColumn {
                name: (*self).into(),
            })
    }
}

impl ColumnSelector for &String {
    fn position<R: InternalRow + ?Sized>(&self, row: &R) -> Result<usize> {
        self.as_str().position(row)
    }
}
