//! A value of any type.

use std::borrow::Cow;
use std::fmt;

use crate::{
    Date, Decimal, FieldRef, FlussArray, FlussMap, GenericRow, RowError, Time, TimestampLtz,
    TimestampNtz,
};

/// A value: null, or a value of one of Fluss's types.
///
/// Created from plain Rust values with `From`: integers, floats, `bool`, `&str`, `String`, `&[u8]`, `Vec<u8>`,
/// `bytes::Bytes`, `Option<T>` (null for `None`), `Vec<T>` (an ARRAY), maps, and the value types of this
/// crate. Strings and bytes may be borrowed for `'a`; [`Datum::into_owned`] ends the borrow.
///
/// A column accepts a value if nothing is lost: any integer within the range of an integer column, a FLOAT for a
/// DOUBLE column, a decimal whose digits fit.
// A tag of its own, instead of one hidden in the pointers of a variant: eight bytes more, but each of the many
// comparisons of tags when rows are written is one instruction instead of three.
#[repr(u8)]
#[derive(Clone, PartialEq, Default)]
pub enum Datum<'a> {
    /// Null.
    #[default]
    Null,
    /// BOOLEAN.
    Boolean(bool),
    /// TINYINT.
    TinyInt(i8),
    /// SMALLINT.
    SmallInt(i16),
    /// INT.
    Int(i32),
    /// BIGINT.
    BigInt(i64),
    /// FLOAT.
    Float(f32),
    /// DOUBLE.
    Double(f64),
    /// CHAR or STRING.
    String(Cow<'a, str>),
    /// BINARY or BYTES.
    Bytes(Cow<'a, [u8]>),
    /// DECIMAL.
    Decimal(Decimal),
    /// DATE.
    Date(Date),
    /// TIME.
    Time(Time),
    /// TIMESTAMP.
    Timestamp(TimestampNtz),
    /// `TIMESTAMP_LTZ`.
    TimestampLtz(TimestampLtz),
    /// ARRAY.
    Array(FlussArray<'a>),
    /// MAP.
    Map(FlussMap<'a>),
    /// ROW.
    Row(GenericRow<'a>),
}

impl Datum<'_> {
    /// Replaces the value.
    #[inline]
    pub(crate) fn set(&mut self, value: Self) {
        if self.owns_memory() {
            *self = value;
        } else {
            // Nothing is forgotten here but the question what there is to drop, which costs more than the rest.
            std::mem::forget(std::mem::replace(self, value));
        }
    }

    /// Whether dropping it may have to give memory back.
    #[inline]
    const fn owns_memory(&self) -> bool {
        !matches!(
            self,
            Self::Null
                | Self::Boolean(_)
                | Self::TinyInt(_)
                | Self::SmallInt(_)
                | Self::Int(_)
                | Self::BigInt(_)
                | Self::Float(_)
                | Self::Double(_)
                | Self::String(Cow::Borrowed(_))
                | Self::Bytes(Cow::Borrowed(_))
                | Self::Date(_)
                | Self::Time(_)
                | Self::Timestamp(_)
                | Self::TimestampLtz(_)
        )
    }

    /// Returns whether the value is null.
    #[inline]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Name of the type of the value, for messages: `INT`.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Boolean(_) => "BOOLEAN",
            Self::TinyInt(_) => "TINYINT",
            Self::SmallInt(_) => "SMALLINT",
            Self::Int(_) => "INT",
            Self::BigInt(_) => "BIGINT",
            Self::Float(_) => "FLOAT",
            Self::Double(_) => "DOUBLE",
            Self::String(_) => "STRING",
            Self::Bytes(_) => "BYTES",
            Self::Decimal(_) => "DECIMAL",
            Self::Date(_) => "DATE",
            Self::Time(_) => "TIME",
            Self::Timestamp(_) => "TIMESTAMP",
            Self::TimestampLtz(_) => "TIMESTAMP_LTZ",
            Self::Array(_) => "ARRAY",
            Self::Map(_) => "MAP",
            Self::Row(_) => "ROW",
        }
    }

    /// Returns the same value without borrowed parts. Strings, bytes and nested binary values are copied unless they
    /// are already owned.
    #[must_use]
    pub fn into_owned(self) -> Datum<'static> {
        match self {
            Self::Null => Datum::Null,
            Self::Boolean(value) => Datum::Boolean(value),
            Self::TinyInt(value) => Datum::TinyInt(value),
            Self::SmallInt(value) => Datum::SmallInt(value),
            Self::Int(value) => Datum::Int(value),
            Self::BigInt(value) => Datum::BigInt(value),
            Self::Float(value) => Datum::Float(value),
            Self::Double(value) => Datum::Double(value),
            Self::String(value) => Datum::String(Cow::Owned(value.into_owned())),
            Self::Bytes(value) => Datum::Bytes(Cow::Owned(value.into_owned())),
            Self::Decimal(value) => Datum::Decimal(value),
            Self::Date(value) => Datum::Date(value),
            Self::Time(value) => Datum::Time(value),
            Self::Timestamp(value) => Datum::Timestamp(value),
            Self::TimestampLtz(value) => Datum::TimestampLtz(value),
            Self::Array(value) => Datum::Array(value.into_owned()),
            Self::Map(value) => Datum::Map(value.into_owned()),
            Self::Row(value) => Datum::Row(value.into_owned()),
        }
    }

    /// Returns the same value with strings and bytes borrowed from this one. Values nested in arrays, maps and rows
    /// that were built from Rust values are cloned.
    pub fn borrow(&self) -> Datum<'_> {
        match self {
            Self::String(value) => Datum::String(Cow::Borrowed(value)),
            Self::Bytes(value) => Datum::Bytes(Cow::Borrowed(value)),
            Self::Array(value) => Datum::Array(value.borrow()),
            Self::Map(value) => Datum::Map(value.borrow()),
            Self::Row(value) => Datum::Row(value.borrow()),
            other => other.clone(),
        }
    }

    /// Returns the error for a value of this type where another was wanted.
    #[cold]
    pub(crate) fn unexpected(&self, position: usize, expected: &'static str) -> RowError {
        let field = FieldRef::at(position);
        if self.is_null() {
            RowError::NullValue { field }
        } else {
            RowError::WrongType {
                field,
                expected: expected.into(),
                actual: self.type_name().into(),
            }
        }
    }
}

impl fmt::Debug for Datum<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => value.fmt(f),
            Self::TinyInt(value) => fmt::Display::fmt(value, f),
            Self::SmallInt(value) => fmt::Display::fmt(value, f),
            Self::Int(value) => fmt::Display::fmt(value, f),
            Self::BigInt(value) => fmt::Display::fmt(value, f),
            Self::Float(value) => fmt::Debug::fmt(value, f),
            Self::Double(value) => fmt::Debug::fmt(value, f),
            Self::String(value) => fmt::Debug::fmt(value, f),
            Self::Bytes(value) => {
                f.write_str("0x")?;
                value.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Decimal(value) => fmt::Debug::fmt(value, f),
            Self::Date(value) => fmt::Debug::fmt(value, f),
            Self::Time(value) => fmt::Debug::fmt(value, f),
            Self::Timestamp(value) => fmt::Debug::fmt(value, f),
            Self::TimestampLtz(value) => fmt::Debug::fmt(value, f),
            Self::Array(value) => fmt::Debug::fmt(value, f),
            Self::Map(value) => fmt::Debug::fmt(value, f),
            Self::Row(value) => fmt::Debug::fmt(value, f),
        }
    }
}
