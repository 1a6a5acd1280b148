//! The rows of the interop tests as rows of this client, and back.

use fluss::metadata::{DataType, MetadataError, Schema};
use fluss::row::{
    DataGetters, Date, Datum, Decimal, GenericRow, RowError, Time, TimestampLtz, TimestampNtz,
};

use crate::rows::{COLUMNS, FIRST_NULLABLE, Value};

/// The columns of [`rows`](crate::rows): a log table's, or a primary-key table's with the first two as its key.
///
/// # Errors
///
/// What [`Schema`] refuses.
pub fn schema(primary_key: bool) -> Result<Schema, MetadataError> {
    let mut builder = Schema::builder();
    for (name, text) in COLUMNS {
        builder = builder.column(name, data_type(text)?);
    }
    if primary_key {
        builder = builder.primary_key(COLUMNS.iter().take(FIRST_NULLABLE).map(|(name, _)| *name));
    }
    builder.build()
}

/// The type that [`COLUMNS`] spells.
///
/// # Errors
///
/// If it is not spelt as types are.
pub fn data_type(text: &str) -> Result<DataType, MetadataError> {
    text.parse()
}

/// Precision and scale of the decimal column at `position`.
fn decimal_of(position: usize) -> (u32, u32) {
    match COLUMNS.get(position) {
        Some((_, "DECIMAL(10, 2)")) => (10, 2),
        _ => (30, 5),
    }
}

/// A row to be written.
///
/// # Errors
///
/// If a value is out of the bounds of its type.
pub fn to_row(values: &[Value]) -> Result<GenericRow<'static>, RowError> {
    let mut row = GenericRow::new(values.len());
    for (position, value) in values.iter().enumerate() {
        let datum: Datum<'static> = match value.clone() {
            Value::Null => Datum::Null,
            Value::Boolean(value) => value.into(),
            Value::TinyInt(value) => value.into(),
            Value::SmallInt(value) => value.into(),
            Value::Int(value) => value.into(),
            Value::BigInt(value) => value.into(),
            Value::Float(value) => value.into(),
            Value::Double(value) => value.into(),
            Value::Text(value) => value.into(),
            Value::Bytes(value) => value.into(),
            Value::Decimal(unscaled) => {
                let (precision, scale) = decimal_of(position);
                Decimal::from_unscaled(unscaled, precision, scale)?.into()
            }
            Value::Date(days) => Date::new(days).into(),
            Value::Time(millis) => Time::new(millis).into(),
            Value::Timestamp(millis, nanos) => {
                TimestampNtz::from_millis_nanos(millis, nanos)?.into()
            }
            Value::TimestampLtz(millis, nanos) => {
                TimestampLtz::from_millis_nanos(millis, nanos)?.into()
            }
        };
        row.try_set_field(position, datum)?;
    }
    Ok(row)
}

/// The values of a row that was read.
///
/// # Errors
///
/// If a field cannot be read.
pub fn from_row<R: DataGetters>(row: &R) -> Result<Vec<Value>, RowError> {
    (0..row.field_count())
        .map(|position| row.datum(position).map(from_datum))
        .collect()
}

fn from_datum(datum: Datum<'_>) -> Value {
    match datum {
        Datum::Boolean(value) => Value::Boolean(value),
        Datum::TinyInt(value) => Value::TinyInt(value),
        Datum::SmallInt(value) => Value::SmallInt(value),
        Datum::Int(value) => Value::Int(value),
        Datum::BigInt(value) => Value::BigInt(value),
        Datum::Float(value) => Value::Float(value),
        Datum::Double(value) => Value::Double(value),
        Datum::String(value) => Value::Text(value.into_owned()),
        Datum::Bytes(value) => Value::Bytes(value.into_owned()),
        Datum::Decimal(value) => Value::Decimal(value.unscaled()),
        Datum::Date(value) => Value::Date(value.get_inner()),
        Datum::Time(value) => Value::Time(value.get_inner()),
        Datum::Timestamp(value) => {
            Value::Timestamp(value.get_millisecond(), value.get_nano_of_millisecond())
        }
        Datum::TimestampLtz(value) => Value::TimestampLtz(
            value.get_epoch_millisecond(),
            value.get_nano_of_millisecond(),
        ),
        // No column here has nested values.
        _ => Value::Null,
    }
}
