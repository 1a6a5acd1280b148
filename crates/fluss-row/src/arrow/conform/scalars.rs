//! Integers, floating point numbers and dates.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, downcast_integer_array};
use arrow_schema::DataType as ArrowType;
use fluss_metadata::DataType;

use super::{Conformed, Fault, is_valid, kernel};

const MILLIS_PER_DAY: i64 = 86_400_000;

/// A column of integers, of floating point numbers or of dates.
pub(super) fn column(data_type: &DataType, target: &ArrowType, array: &ArrayRef) -> Conformed {
    if array.data_type() == target {
        return Ok(ArrayRef::clone(array));
    }
    match (target, array.data_type()) {
        (ArrowType::Int8, _) => integers::<Int8Type>(data_type, array),
        (ArrowType::Int16, _) => integers::<Int16Type>(data_type, array),
        (ArrowType::Int32, _) => integers::<Int32Type>(data_type, array),
        (ArrowType::Int64, _) => integers::<Int64Type>(data_type, array),
        (ArrowType::Float32, ArrowType::Float16) => {
            convert::<Float16Type, Float32Type>(array.as_primitive(), |value| Some(value.to_f32()))
        }
        (ArrowType::Float64, ArrowType::Float16) => {
            convert::<Float16Type, Float64Type>(array.as_primitive(), |value| Some(value.to_f64()))
        }
        (ArrowType::Float64, ArrowType::Float32) => {
            convert::<Float32Type, Float64Type>(array.as_primitive(), |value| Some(value.into()))
        }
        (ArrowType::Date32, ArrowType::Date64) => {
            convert::<Date64Type, Date32Type>(array.as_primitive(), |millis| {
                let is_whole = millis % MILLIS_PER_DAY == 0;
                i32::try_from(millis / MILLIS_PER_DAY)
                    .ok()
                    .filter(|_| is_whole)
            })
        }
        (_, other) => Err(Fault::refused(data_type, other)),
    }
}

fn integers<T>(data_type: &DataType, array: &ArrayRef) -> Conformed
where
    T: ArrowPrimitiveType,
    T::Native: TryFrom<i128>,
{
    downcast_integer_array!(
        array => convert::<_, T>(array, |value| T::Native::try_from(i128::from(value)).ok()),
        other => Err(Fault::refused(data_type, other))
    )
}

/// Numbers of another type. Returns an error for the first one that `number` has none for.
pub(super) fn convert<S, T>(
    array: &PrimitiveArray<S>,
    number: impl Fn(S::Native) -> Option<T::Native>,
) -> Conformed
where
    S: ArrowPrimitiveType,
    T: ArrowPrimitiveType,
{
    Ok(Arc::new(typed::<S, T>(array, number)?))
}

/// As [`convert`], the array itself.
pub(super) fn typed<S, T>(
    array: &PrimitiveArray<S>,
    number: impl Fn(S::Native) -> Option<T::Native>,
) -> Conformed<PrimitiveArray<T>>
where
    S: ArrowPrimitiveType,
    T: ArrowPrimitiveType,
{
    let mut values = Vec::with_capacity(array.len());
    for (row, value) in array.values().iter().enumerate() {
        values.push(match number(*value) {
            Some(number) => number,
            // The value slot of a null is not a value.
            None if !is_valid(array, row) => T::Native::default(),
            None => return Err(Fault::misfit(row, format!("{value:?}"))),
        });
    }
    PrimitiveArray::try_new(values.into(), array.nulls().cloned())
        .map_err(|error| kernel(error).into())
}
