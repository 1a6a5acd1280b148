//! Reading a datum as a particular type: which conversions a column accepts.
//!
//! Integers of any width are accepted if the value fits, FLOAT for DOUBLE, and a decimal of another precision or
//! scale if no digit is lost. Nothing else converts.

use crate::{
    Date, Datum, Decimal, FieldRef, FlussArray, FlussMap, GenericRow, Result, RowError, Time,
    TimestampLtz, TimestampNtz,
};

macro_rules! read_copy {
    ($($name:ident, $type:ty, $variant:ident, $what:literal);* $(;)?) => {$(
        #[inline]
        pub(crate) fn $name(&self, pos: usize) -> Result<$type> {
            match self {
                Self::$variant(value) => Ok(*value),
                other => Err(other.unexpected(pos, $what)),
            }
        }
    )*};
}

macro_rules! read_integer {
    ($($name:ident, $type:ty, $variant:ident, $what:literal);* $(;)?) => {$(
        #[inline]
        pub(crate) fn $name(&self, pos: usize) -> Result<$type> {
            match self {
                Self::$variant(value) => Ok(*value),
                other => other.convert_integer(pos, $what),
            }
        }
    )*};
}

impl Datum<'_> {
    read_copy! {
        read_boolean, bool, Boolean, "BOOLEAN";
        read_float, f32, Float, "FLOAT";
        read_date, Date, Date, "DATE";
        read_time, Time, Time, "TIME";
        read_timestamp_ntz, TimestampNtz, Timestamp, "TIMESTAMP";
        read_timestamp_ltz, TimestampLtz, TimestampLtz, "TIMESTAMP_LTZ";
    }

    read_integer! {
        read_byte, i8, TinyInt, "TINYINT";
        read_short, i16, SmallInt, "SMALLINT";
        read_int, i32, Int, "INT";
        read_long, i64, BigInt, "BIGINT";
    }

    /// An integer of another width, when its value fits.
    #[cold]
    #[inline(never)]
    fn convert_integer<T: TryFrom<i64>>(&self, pos: usize, expected: &'static str) -> Result<T> {
        let wide = match self {
            Self::TinyInt(value) => i64::from(*value),
            Self::SmallInt(value) => i64::from(*value),
            Self::Int(value) => i64::from(*value),
            Self::BigInt(value) => *value,
            other => return Err(other.unexpected(pos, expected)),
        };
        T::try_from(wide).map_err(|_| RowError::ValueOutOfRange {
            field: FieldRef::at(pos),
            expected: expected.into(),
            value: wide.to_string().into(),
        })
    }

    #[inline]
    pub(crate) fn read_double(&self, pos: usize) -> Result<f64> {
        match self {
            Self::Double(value) => Ok(*value),
            other => other.convert_double(pos),
        }
    }

    #[cold]
    #[inline(never)]
    fn convert_double(&self, pos: usize) -> Result<f64> {
        match self {
            Self::Float(value) => Ok(f64::from(*value)),
            other => Err(other.unexpected(pos, "DOUBLE")),
        }
    }

    #[inline]
    pub(crate) fn read_string(&self, pos: usize) -> Result<&str> {
        match self {
            Self::String(value) => Ok(value),
            other => Err(other.unexpected(pos, "STRING")),
        }
    }

    #[inline]
    pub(crate) fn read_bytes(&self, pos: usize) -> Result<&[u8]> {
        match self {
            Self::Bytes(value) => Ok(value),
            other => Err(other.unexpected(pos, "BYTES")),
        }
    }

    #[inline]
    pub(crate) fn read_decimal(&self, pos: usize, precision: u32, scale: u32) -> Result<Decimal> {
        match self {
            Self::Decimal(value) => match value.unscaled_exact(precision, scale) {
                Some(unscaled) => Decimal::from_unscaled(unscaled, precision, scale),
                None => Err(RowError::ValueOutOfRange {
                    field: FieldRef::at(pos),
                    expected: format!("DECIMAL({precision}, {scale})").into(),
                    value: value.to_string().into(),
                }),
            },
            other => Err(other.unexpected(pos, "DECIMAL")),
        }
    }

    pub(crate) fn read_array(&self, pos: usize) -> Result<FlussArray<'_>> {
        match self {
            Self::Array(value) => Ok(value.borrow()),
            other => Err(other.unexpected(pos, "ARRAY")),
        }
    }

    pub(crate) fn read_map(&self, pos: usize) -> Result<FlussMap<'_>> {
        match self {
            Self::Map(value) => Ok(value.borrow()),
            other => Err(other.unexpected(pos, "MAP")),
        }
    }

    pub(crate) fn read_row(&self, pos: usize) -> Result<GenericRow<'_>> {
        match self {
            Self::Row(value) => Ok(value.borrow()),
            other => Err(other.unexpected(pos, "ROW")),
        }
    }
}

/// [`DataGetters`](crate::DataGetters) of a type that finds a field as `&Datum` by `self.at(pos)?`.
macro_rules! getters_over_datums {
    ($length:expr) => {
        #[inline]
        fn field_count(&self) -> usize {
            $length(self)
        }
        #[inline]
        fn is_null_at(&self, pos: usize) -> $crate::Result<bool> {
            Ok(self.at(pos)?.is_null())
        }
        #[inline]
        fn get_boolean(&self, pos: usize) -> $crate::Result<bool> {
            self.at(pos)?.read_boolean(pos)
        }
        #[inline]
        fn get_byte(&self, pos: usize) -> $crate::Result<i8> {
            self.at(pos)?.read_byte(pos)
        }
        #[inline]
        fn get_short(&self, pos: usize) -> $crate::Result<i16> {
            self.at(pos)?.read_short(pos)
        }
        #[inline]
        fn get_int(&self, pos: usize) -> $crate::Result<i32> {
            self.at(pos)?.read_int(pos)
        }
        #[inline]
        fn get_long(&self, pos: usize) -> $crate::Result<i64> {
            self.at(pos)?.read_long(pos)
        }
        #[inline]
        fn get_float(&self, pos: usize) -> $crate::Result<f32> {
            self.at(pos)?.read_float(pos)
        }
        #[inline]
        fn get_double(&self, pos: usize) -> $crate::Result<f64> {
            self.at(pos)?.read_double(pos)
        }
        #[inline]
        fn get_char(&self, pos: usize, _length: usize) -> $crate::Result<&str> {
            self.at(pos)?.read_string(pos)
        }
        #[inline]
        fn get_string(&self, pos: usize) -> $crate::Result<&str> {
            self.at(pos)?.read_string(pos)
        }
        #[inline]
        fn get_decimal(
            &self,
            pos: usize,
            precision: u32,
            scale: u32,
        ) -> $crate::Result<$crate::Decimal> {
            self.at(pos)?.read_decimal(pos, precision, scale)
        }
        #[inline]
        fn get_date(&self, pos: usize) -> $crate::Result<$crate::Date> {
            self.at(pos)?.read_date(pos)
        }
        #[inline]
        fn get_time(&self, pos: usize) -> $crate::Result<$crate::Time> {
            self.at(pos)?.read_time(pos)
        }
        #[inline]
        fn get_timestamp_ntz(
            &self,
            pos: usize,
            _precision: u32,
        ) -> $crate::Result<$crate::TimestampNtz> {
            self.at(pos)?.read_timestamp_ntz(pos)
        }
        #[inline]
        fn get_timestamp_ltz(
            &self,
            pos: usize,
            _precision: u32,
        ) -> $crate::Result<$crate::TimestampLtz> {
            self.at(pos)?.read_timestamp_ltz(pos)
        }
        #[inline]
        fn get_binary(&self, pos: usize, _length: usize) -> $crate::Result<&[u8]> {
            self.at(pos)?.read_bytes(pos)
        }
        #[inline]
        fn get_bytes(&self, pos: usize) -> $crate::Result<&[u8]> {
            self.at(pos)?.read_bytes(pos)
        }
        fn get_array(&self, pos: usize) -> $crate::Result<$crate::FlussArray<'_>> {
            self.at(pos)?.read_array(pos)
        }
        fn get_map(&self, pos: usize) -> $crate::Result<$crate::FlussMap<'_>> {
            self.at(pos)?.read_map(pos)
        }
        fn get_row(&self, pos: usize) -> $crate::Result<$crate::GenericRow<'_>> {
            self.at(pos)?.read_row(pos)
        }
        fn datum(&self, pos: usize) -> $crate::Result<$crate::Datum<'_>> {
            Ok(self.at(pos)?.borrow())
        }
    };
}
pub(crate) use getters_over_datums;
