//! Reading fields by position: the traits that encoders take, and the inherent getters of
//! concrete rows.

use std::fmt;

use crate::{
    Date, Datum, Decimal, FlussArray, FlussMap, GenericRow, Result, Time, TimestampLtz,
    TimestampNtz,
};

/// Reads the fields of a row, or the elements of an array, by position.
///
/// Every getter returns an error if the position is out of range, or if the value is null
/// ([`RowError::NullValue`](crate::RowError::NullValue)) or of another type
/// ([`RowError::WrongType`](crate::RowError::WrongType)). Precision, scale and length arguments
/// mirror Java's `DataGetters`; rows that know their type check against it and may ignore them.
///
/// Numbers convert as SQL assigns them, in every kind of row, when reading as when writing: an integer of another
/// width is accepted if its value fits ([`RowError::ValueOutOfRange`](crate::RowError::ValueOutOfRange) if not), and
/// a FLOAT is accepted as a DOUBLE. Nothing else converts.
///
/// The inherent getters of the same names, such as [`GenericRow::get_int`], return the value itself and panic where
/// these return an error. In code that is generic over rows, these are the ones that are called.
pub trait DataGetters {
    /// Number of fields or elements.
    fn field_count(&self) -> usize;
    /// Whether the field is null.
    fn is_null_at(&self, pos: usize) -> Result<bool>;
    /// A BOOLEAN.
    fn get_boolean(&self, pos: usize) -> Result<bool>;
    /// A TINYINT.
    fn get_byte(&self, pos: usize) -> Result<i8>;
    /// A SMALLINT.
    fn get_short(&self, pos: usize) -> Result<i16>;
    /// An INT.
    fn get_int(&self, pos: usize) -> Result<i32>;
    /// A BIGINT.
    fn get_long(&self, pos: usize) -> Result<i64>;
    /// A FLOAT.
    fn get_float(&self, pos: usize) -> Result<f32>;
    /// A DOUBLE.
    fn get_double(&self, pos: usize) -> Result<f64>;
    /// A CHAR of the given length.
    fn get_char(&self, pos: usize, length: usize) -> Result<&str>;
    /// A STRING (or CHAR).
    fn get_string(&self, pos: usize) -> Result<&str>;
    /// A DECIMAL. The value has the given precision and scale, or the getter returns an error. Only values from a
    /// server may have more digits, because servers do not check computed values such as sums; see
    /// [`Decimal::precision`].
    fn get_decimal(&self, pos: usize, precision: u32, scale: u32) -> Result<Decimal>;
    /// A DATE.
    fn get_date(&self, pos: usize) -> Result<Date>;
    /// A TIME.
    fn get_time(&self, pos: usize) -> Result<Time>;
    /// A TIMESTAMP.
    fn get_timestamp_ntz(&self, pos: usize, precision: u32) -> Result<TimestampNtz>;
    /// A `TIMESTAMP_LTZ`.
    fn get_timestamp_ltz(&self, pos: usize, precision: u32) -> Result<TimestampLtz>;
    /// A BINARY of the given length.
    fn get_binary(&self, pos: usize, length: usize) -> Result<&[u8]>;
    /// BYTES (or a BINARY).
    fn get_bytes(&self, pos: usize) -> Result<&[u8]>;
    /// An ARRAY.
    fn get_array(&self, pos: usize) -> Result<FlussArray<'_>>;
    /// A MAP.
    fn get_map(&self, pos: usize) -> Result<FlussMap<'_>>;
    /// A ROW.
    fn get_row(&self, pos: usize) -> Result<GenericRow<'_>>;
    /// The value of any type, borrowing strings and bytes; [`Datum::Null`] for null.
    fn datum(&self, pos: usize) -> Result<Datum<'_>>;
}

/// A row, as accepted by writers, encoders and lookups.
pub trait InternalRow: DataGetters {
    /// Number of fields; an alias of [`DataGetters::field_count`].
    fn get_field_count(&self) -> usize {
        self.field_count()
    }

    /// The position of a column by name, for rows that know their column names.
    fn field_index(&self, name: &str) -> Option<usize> {
        let _ = name;
        None
    }

    /// The row itself if it stores its values like a [`GenericRow`], so that encoders can read them directly.
    #[inline]
    fn as_generic(&self) -> Option<&GenericRow<'_>> {
        None
    }

    /// The whole row as values, borrowing strings and bytes.
    fn to_generic(&self) -> Result<GenericRow<'_>> {
        (0..self.field_count()).map(|pos| self.datum(pos)).collect()
    }
}

impl<T: DataGetters + ?Sized> DataGetters for &T {
    #[inline]
    fn field_count(&self) -> usize {
        (**self).field_count()
    }
    #[inline]
    fn is_null_at(&self, pos: usize) -> Result<bool> {
        (**self).is_null_at(pos)
    }
    #[inline]
    fn get_boolean(&self, pos: usize) -> Result<bool> {
        (**self).get_boolean(pos)
    }
    #[inline]
    fn get_byte(&self, pos: usize) -> Result<i8> {
        (**self).get_byte(pos)
    }
    #[inline]
    fn get_short(&self, pos: usize) -> Result<i16> {
        (**self).get_short(pos)
    }
    #[inline]
    fn get_int(&self, pos: usize) -> Result<i32> {
        (**self).get_int(pos)
    }
    #[inline]
    fn get_long(&self, pos: usize) -> Result<i64> {
        (**self).get_long(pos)
    }
    #[inline]
    fn get_float(&self, pos: usize) -> Result<f32> {
        (**self).get_float(pos)
    }
    #[inline]
    fn get_double(&self, pos: usize) -> Result<f64> {
        (**self).get_double(pos)
    }
    #[inline]
    fn get_char(&self, pos: usize, length: usize) -> Result<&str> {
        (**self).get_char(pos, length)
    }
    #[inline]
    fn get_string(&self, pos: usize) -> Result<&str> {
        (**self).get_string(pos)
    }
    #[inline]
    fn get_decimal(&self, pos: usize, precision: u32, scale: u32) -> Result<Decimal> {
        (**self).get_decimal(pos, precision, scale)
    }
    #[inline]
    fn get_date(&self, pos: usize) -> Result<Date> {
        (**self).get_date(pos)
    }
    #[inline]
    fn get_time(&self, pos: usize) -> Result<Time> {
        (**self).get_time(pos)
    }
    #[inline]
    fn get_timestamp_ntz(&self, pos: usize, precision: u32) -> Result<TimestampNtz> {
        (**self).get_timestamp_ntz(pos, precision)
    }
    #[inline]
    fn get_timestamp_ltz(&self, pos: usize, precision: u32) -> Result<TimestampLtz> {
        (**self).get_timestamp_ltz(pos, precision)
    }
    #[inline]
    fn get_binary(&self, pos: usize, length: usize) -> Result<&[u8]> {
        (**self).get_binary(pos, length)
    }
    #[inline]
    fn get_bytes(&self, pos: usize) -> Result<&[u8]> {
        (**self).get_bytes(pos)
    }
    #[inline]
    fn get_array(&self, pos: usize) -> Result<FlussArray<'_>> {
        (**self).get_array(pos)
    }
    #[inline]
    fn get_map(&self, pos: usize) -> Result<FlussMap<'_>> {
        (**self).get_map(pos)
    }
    #[inline]
    fn get_row(&self, pos: usize) -> Result<GenericRow<'_>> {
        (**self).get_row(pos)
    }
    #[inline]
    fn datum(&self, pos: usize) -> Result<Datum<'_>> {
        (**self).datum(pos)
    }
}

impl<T: InternalRow + ?Sized> InternalRow for &T {
    fn field_index(&self, name: &str) -> Option<usize> {
        (**self).field_index(name)
    }

    #[inline]
    fn as_generic(&self) -> Option<&GenericRow<'_>> {
        (**self).as_generic()
    }
}

/// Prints a row as its values in parentheses: `(1, "Alice", null)`.
pub(crate) fn debug_row<R: DataGetters + ?Sized>(
    row: &R,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    f.write_str("(")?;
    for pos in 0..row.field_count() {
        if pos > 0 {
            f.write_str(", ")?;
        }
        match row.datum(pos) {
            Ok(value) => fmt::Debug::fmt(&value, f)?,
            Err(error) => write!(f, "<{error}>")?,
        }
    }
    f.write_str(")")
}

/// `Display` of rows and values: what `Debug` prints, whatever the width and flags of the format.
macro_rules! display_as_debug {
    ($(impl $([$($generics:tt)*])? for $type:ty;)*) => {$(
        impl $(<$($generics)*>)? std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{self:?}")
            }
        }
    )*};
}

display_as_debug! {
    impl for Datum<'_>;
    impl for FlussArray<'_>;
    impl for FlussMap<'_>;
    impl for GenericRow<'_>;
    impl for crate::NamedRow<'_>;
    impl for crate::BinaryRow;
    impl for crate::ColumnarRow;
    impl [R: InternalRow] for crate::ProjectedRow<R>;
}

/// The only place where a getter that returns a value panics.
#[cold]
#[inline(never)]
#[track_caller]
#[expect(
    clippy::panic,
    reason = "the documented contract of the get_* methods; try_get is the form with an error"
)]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a getter that keeps the error needs code to drop it, and is too large to be inlined then"
)]
pub(crate) fn getter_failed(error: crate::RowError) -> ! {
    panic!("{error}")
}

/// Inherent getters for a concrete row: `get_int(0)` and its kin, which return the value
/// and panic on a wrong position, a wrong type or a null, and `try_get`, which returns an error instead.
///
/// Use inside an `impl` block of a type that is [`InternalRow`].
macro_rules! row_getters {
    () => {
        $crate::getters::row_getters!(@value
            (get_boolean, bool, "a BOOLEAN"),
            (get_byte, i8, "a TINYINT"),
            (get_short, i16, "a SMALLINT"),
            (get_int, i32, "an INT"),
            (get_long, i64, "a BIGINT"),
            (get_float, f32, "a FLOAT"),
            (get_double, f64, "a DOUBLE"),
            (get_string, &str, "a STRING or CHAR"),
            (get_bytes, &[u8], "BYTES or a BINARY"),
            (get_date, $crate::Date, "a DATE"),
            (get_time, $crate::Time, "a TIME"),
        );
        $crate::getters::row_getters!(@value_with
            (get_char, &str, "a CHAR", length: usize),
            (get_binary, &[u8], "a BINARY", length: usize),
            (get_decimal, $crate::Decimal, "a DECIMAL", precision: u32, scale: u32),
            (get_timestamp_ntz, $crate::TimestampNtz, "a TIMESTAMP", precision: u32),
            (get_timestamp_ltz, $crate::TimestampLtz, "a `TIMESTAMP_LTZ`", precision: u32),
        );

        /// Returns the value of an ARRAY column. Unlike the getters of scalars this returns an error instead of panicking,
        /// because nested bytes are only validated when they are read.
        #[inline]
        pub fn get_array(&self, pos: usize) -> $crate::Result<$crate::FlussArray<'_>> {
            $crate::DataGetters::get_array(self, pos)
        }

        /// Returns the value of a MAP column; returns the same errors as `get_array`.
        #[inline]
        pub fn get_map(&self, pos: usize) -> $crate::Result<$crate::FlussMap<'_>> {
            $crate::DataGetters::get_map(self, pos)
        }

        /// Returns the value of a ROW column; returns the same errors as `get_array`.
        #[inline]
        pub fn get_row(&self, pos: usize) -> $crate::Result<$crate::GenericRow<'_>> {
            $crate::DataGetters::get_row(self, pos)
        }

        /// Returns whether the field is null.
        ///
        /// # Panics
        ///
        /// If the position is out of range.
        #[inline]
        #[track_caller]
        pub fn is_null_at(&self, pos: usize) -> bool {
            match $crate::DataGetters::is_null_at(self, pos) {
                Ok(null) => null,
                Err(error) => $crate::getters::getter_failed(error),
            }
        }

        /// Returns the value of a column, by position or by name, as a plain Rust type; use `Option<T>` for a
        /// nullable column. Returns an error for a wrong position, name or type, and for a null if the type is not an
        /// `Option`.
        #[inline]
        pub fn try_get<'r, T: $crate::FromField<'r>>(&'r self, column: impl $crate::ColumnSelector) -> $crate::Result<T> {
            T::from_field(self, column.position(self)?)
        }

        /// Returns the number of fields.
        #[inline]
        pub fn get_field_count(&self) -> usize {
            $crate::DataGetters::field_count(self)
        }
    };
    (@value $(($name:ident, $type:ty, $what:literal),)*) => {$(
        #[doc = concat!("The value of ", $what, " column.")]
        ///
        /// # Panics
        ///
        /// If the position is out of range, or if the value is null or has a different type. `try_get` returns an
        /// error instead.
        #[inline]
        #[track_caller]
        pub fn $name(&self, pos: usize) -> $type {
            match $crate::DataGetters::$name(self, pos) {
                Ok(value) => value,
                Err(error) => $crate::getters::getter_failed(error),
            }
        }
    )*};
    (@value_with $(($name:ident, $type:ty, $what:literal, $($arg:ident: $arg_type:ty),+),)*) => {$(
        #[doc = concat!("The value of ", $what, " column.")]
        ///
        /// # Panics
        ///
        /// If the position is out of range, or if the value is null or has a different type. `try_get` returns an
        /// error instead.
        #[inline]
        #[track_caller]
        pub fn $name(&self, pos: usize, $($arg: $arg_type),+) -> $type {
            match $crate::DataGetters::$name(self, pos, $($arg),+) {
                Ok(value) => value,
                Err(error) => $crate::getters::getter_failed(error),
            }
        }
    )*};
}
pub(crate) use row_getters;
