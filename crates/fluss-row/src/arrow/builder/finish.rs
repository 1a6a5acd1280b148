//! Columns turned into arrays.

use std::mem::take;
use std::sync::Arc;

use arrow_array::types::{
    ArrowTimestampType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, FixedSizeBinaryArray, ListArray,
    MapArray, PrimitiveArray, StringArray, StructArray,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType as ArrowType, Fields, TimeUnit};

use super::column::{Column, Offsets, Values};

impl Column {
    /// Returns the values as an array of this type, which is the column's; the column is empty then.
    pub(super) fn take(&mut self, arrow: &ArrowType) -> Result<ArrayRef, ArrowError> {
        let len = self.validity.len();
        let nulls = self.validity.take();
        Ok(match &mut self.values {
            Values::Boolean(bits) => Arc::new(BooleanArray::new(bits.take(), nulls)),
            Values::TinyInt(values) => primitive::<Int8Type>(values, nulls)?,
            Values::SmallInt(values) => primitive::<Int16Type>(values, nulls)?,
            Values::Int(values) => primitive::<Int32Type>(values, nulls)?,
            Values::BigInt(values) => primitive::<Int64Type>(values, nulls)?,
            Values::Float(values) => primitive::<Float32Type>(values, nulls)?,
            Values::Double(values) => primitive::<Float64Type>(values, nulls)?,
            Values::Text(variable, _) => {
                let data = Buffer::from_vec(take(&mut variable.data));
                Arc::new(StringArray::try_new(variable.offsets.take(), data, nulls)?)
            }
            Values::Bytes(variable) => {
                let data = Buffer::from_vec(take(&mut variable.data));
                Arc::new(BinaryArray::try_new(variable.offsets.take(), data, nulls)?)
            }
            Values::Fixed { width, data } => Arc::new(FixedSizeBinaryArray::try_new_with_len(
                *width as i32,
                Buffer::from_vec(take(data)),
                nulls,
                len,
            )?),
            Values::Decimal {
                precision,
                scale,
                values,
            } => {
                let array = PrimitiveArray::<Decimal128Type>::try_new(take(values).into(), nulls)?;
                Arc::new(array.with_precision_and_scale(*precision as u8, *scale as i8)?)
            }
            Values::Date(values) => primitive::<Date32Type>(values, nulls)?,
            Values::Time32(values, 1) => primitive::<Time32MillisecondType>(values, nulls)?,
            Values::Time32(values, _) => primitive::<Time32SecondType>(values, nulls)?,
            Values::Time64(values, 1000) => primitive::<Time64MicrosecondType>(values, nulls)?,
            Values::Time64(values, _) => primitive::<Time64NanosecondType>(values, nulls)?,
            Values::Timestamp { unit, values, .. } | Values::TimestampLtz { unit, values, .. } => {
                let ArrowType::Timestamp(_, zone) = arrow else {
                    return Err(misfit(arrow));
                };
                let zone = zone.as_ref();
                match unit {
                    TimeUnit::Second => timestamp::<TimestampSecondType>(values, zone, nulls)?,
                    TimeUnit::Millisecond => {
                        timestamp::<TimestampMillisecondType>(values, zone, nulls)?
                    }
                    TimeUnit::Microsecond => {
                        timestamp::<TimestampMicrosecondType>(values, zone, nulls)?
                    }
                    TimeUnit::Nanosecond => {
                        timestamp::<TimestampNanosecondType>(values, zone, nulls)?
                    }
                }
            }
            Values::Array(offsets, element) => {
                let ArrowType::List(field) = arrow else {
                    return Err(misfit(arrow));
                };
                Arc::new(ListArray::try_new(
                    Arc::clone(field),
                    offsets.take(),
                    element.take(field.data_type())?,
                    nulls,
                )?)
            }
            Values::Map(offsets, entries) => {
                let ArrowType::Map(field, sorted) = arrow else {
                    return Err(misfit(arrow));
                };
                let ArrowType::Struct(fields) = field.data_type() else {
                    return Err(misfit(arrow));
                };
                let count = offsets.last() as usize;
                let entries = structure(
                    fields,
                    [&mut entries.0, &mut entries.1].into_iter(),
                    None,
                    count,
                )?;
                Arc::new(MapArray::try_new(
                    Arc::clone(field),
                    offsets.take(),
                    entries,
                    nulls,
                    *sorted,
                )?)
            }
            Values::Row(columns) => {
                let ArrowType::Struct(fields) = arrow else {
                    return Err(misfit(arrow));
                };
                Arc::new(structure(fields, columns.iter_mut(), nulls, len)?)
            }
        })
    }
}

impl Offsets {
    fn take(&mut self) -> OffsetBuffer<i32> {
        // They never fall: each is the end of one more value.
        OffsetBuffer::new(ScalarBuffer::from(take(self).0))
    }
}

fn primitive<T: ArrowPrimitiveType>(
    values: &mut Vec<T::Native>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(PrimitiveArray::<T>::try_new(
        take(values).into(),
        nulls,
    )?))
}

fn timestamp<T: ArrowTimestampType>(
    values: &mut Vec<i64>,
    zone: Option<&Arc<str>>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let array = PrimitiveArray::<T>::try_new(take(values).into(), nulls)?;
    Ok(Arc::new(array.with_timezone_opt(zone.cloned())))
}

fn structure<'c>(
    fields: &Fields,
    columns: impl Iterator<Item = &'c mut Column>,
    nulls: Option<NullBuffer>,
    len: usize,
) -> Result<StructArray, ArrowError> {
    let arrays = columns
        .zip(fields)
        .map(|(column, field)| column.take(field.data_type()))
        .collect::<Result<Vec<_>, _>>()?;
    StructArray::try_new_with_length(fields.clone(), arrays, nulls, len)
}

fn misfit(arrow: &ArrowType) -> ArrowError {
    ArrowError::SchemaError(format!("the builder's column is no {arrow}"))
}
