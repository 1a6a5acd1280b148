//! Times of day and timestamps, in any unit.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowTimestampType, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use fluss_metadata::{DataType, DataTypeKind};

use super::scalars::typed;
use super::{Conformed, Fault, is_valid};

/// How numbers of one unit become numbers of a column.
#[derive(Debug, Clone, Copy)]
struct Conversion {
    from: TimeUnit,
    to: TimeUnit,
    /// Numbers of the column are multiples of it: what is between is beyond its precision.
    step: i64,
    /// Smallest and largest number that rows of the column can hold.
    range: (i64, i64),
}

const fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

impl Conversion {
    /// `millis` are the smallest and the largest number of milliseconds that rows can hold.
    fn new(from: TimeUnit, to: TimeUnit, precision: u32, millis: (i64, i64)) -> Self {
        let digits = 10_i64.pow(precision.min(9));
        let limit = |millis: i64| match to {
            TimeUnit::Second => millis / 1_000,
            _ => millis.saturating_mul(per_second(to) / 1_000),
        };
        Self {
            from,
            to,
            step: (per_second(to) / digits).max(1),
            range: (limit(millis.0), limit(millis.1)),
        }
    }

    /// The number in the column's unit, less the digits that it does not have.
    #[inline]
    fn apply(&self, value: i64) -> Option<i64> {
        let (from, to) = (per_second(self.from), per_second(self.to));
        let value = if to >= from {
            value.checked_mul(to / from)?
        } else {
            value.div_euclid(from / to)
        };
        let value = value.checked_sub(value.rem_euclid(self.step))?;
        (self.range.0 <= value && value <= self.range.1).then_some(value)
    }

    /// Whether numbers stay as they are, whatever they are.
    fn keeps_all(&self) -> bool {
        self.from == self.to
            && self.step == 1
            && (self.to == TimeUnit::Millisecond || self.range == (i64::MIN, i64::MAX))
    }
}

/// A column of times of day or of timestamps.
pub(super) fn column(data_type: &DataType, target: &ArrowType, array: &ArrayRef) -> Conformed {
    match (data_type.kind(), array.data_type(), target) {
        (
            DataTypeKind::Time { precision },
            ArrowType::Time32(from) | ArrowType::Time64(from),
            ArrowType::Time32(to) | ArrowType::Time64(to),
        ) => {
            // A TIME is a 32-bit number of milliseconds to Java and in rows.
            let conversion = Conversion::new(*from, *to, *precision, (i32::MIN.into(), i32::MAX.into()));
            match from {
                TimeUnit::Second => time::<Time32SecondType>(conversion, array),
                TimeUnit::Millisecond => time::<Time32MillisecondType>(conversion, array),
                TimeUnit::Microsecond => time::<Time64MicrosecondType>(conversion, array),
                TimeUnit::Nanosecond => time::<Time64NanosecondType>(conversion, array),
            }
        }
        (
            DataTypeKind::Timestamp { precision },
            ArrowType::Timestamp(from, None),
            ArrowType::Timestamp(to, _),
        )
        // The zone of an instant is a matter of display.
        | (
            DataTypeKind::TimestampLtz { precision },
            ArrowType::Timestamp(from, _),
            ArrowType::Timestamp(to, _),
        ) => {
            let conversion = Conversion::new(*from, *to, *precision, (i64::MIN, i64::MAX));
            match from {
                TimeUnit::Second => timestamp::<TimestampSecondType>(conversion, target, array),
                TimeUnit::Millisecond => {
                    timestamp::<TimestampMillisecondType>(conversion, target, array)
                }
                TimeUnit::Microsecond => {
                    timestamp::<TimestampMicrosecondType>(conversion, target, array)
                }
                TimeUnit::Nanosecond => {
                    timestamp::<TimestampNanosecondType>(conversion, target, array)
                }
            }
        }
        (_, other, _) => Err(Fault::refused(data_type, other)),
    }
}

/// Whether all values are as the column has them already.
fn is_exact<S>(conversion: &Conversion, array: &PrimitiveArray<S>) -> bool
where
    S: ArrowPrimitiveType,
    S::Native: Into<i64>,
{
    conversion.from == conversion.to
        && (conversion.keeps_all()
            || array.values().iter().enumerate().all(|(row, value)| {
                let value: i64 = (*value).into();
                conversion.apply(value) == Some(value) || !is_valid(array, row)
            }))
}

fn time<S>(conversion: Conversion, array: &ArrayRef) -> Conformed
where
    S: ArrowPrimitiveType,
    S::Native: Into<i64>,
{
    let times = array.as_primitive::<S>();
    if is_exact(&conversion, times) {
        return Ok(ArrayRef::clone(array));
    }
    let narrow = |value: S::Native| i32::try_from(conversion.apply(value.into())?).ok();
    let wide = |value: S::Native| conversion.apply(value.into());
    Ok(match conversion.to {
        TimeUnit::Second => Arc::new(typed::<S, Time32SecondType>(times, narrow)?),
        TimeUnit::Millisecond => Arc::new(typed::<S, Time32MillisecondType>(times, narrow)?),
        TimeUnit::Microsecond => Arc::new(typed::<S, Time64MicrosecondType>(times, wide)?),
        TimeUnit::Nanosecond => Arc::new(typed::<S, Time64NanosecondType>(times, wide)?),
    })
}

fn timestamp<S>(conversion: Conversion, target: &ArrowType, array: &ArrayRef) -> Conformed
where
    S: ArrowTimestampType,
{
    let ArrowType::Timestamp(unit, zone) = target else {
        return Ok(ArrayRef::clone(array));
    };
    let timestamps = array.as_primitive::<S>();
    if is_exact(&conversion, timestamps) {
        return Ok(if array.data_type() == target {
            ArrayRef::clone(array)
        } else {
            Arc::new(timestamps.clone().with_timezone_opt(zone.clone()))
        });
    }
    macro_rules! converted {
        ($type:ty) => {
            Arc::new(
                typed::<S, $type>(timestamps, |value| conversion.apply(value))?
                    .with_timezone_opt(zone.clone()),
            )
        };
    }
    Ok(match unit {
        TimeUnit::Second => converted!(TimestampSecondType),
        TimeUnit::Millisecond => converted!(TimestampMillisecondType),
        TimeUnit::Microsecond => converted!(TimestampMicrosecondType),
        TimeUnit::Nanosecond => converted!(TimestampNanosecondType),
    })
}
