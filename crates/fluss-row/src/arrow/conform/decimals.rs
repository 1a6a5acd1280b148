//! Decimals: of any width, precision and scale, and integers.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, downcast_integer_array};
use arrow_buffer::i256;
use arrow_schema::DataType as ArrowType;
use fluss_metadata::DataType;

use super::scalars::typed;
use super::{Conformed, Fault, is_valid, kernel};
use crate::decimal::power;

/// Powers of ten beyond 38, which wide decimals have.
fn wide_power(exponent: u32) -> Option<i256> {
    i256::from_i128(10).checked_pow(exponent)
}

/// A column of decimals of this precision and scale.
pub(super) fn column(
    data_type: &DataType,
    (precision, scale): (u32, u32),
    array: &ArrayRef,
) -> Conformed {
    let limit = power(precision).ok_or_else(|| Fault::refused(data_type, array.data_type()))?;
    let fits = |unscaled: &i128| *unscaled < limit && *unscaled > -limit;
    let is = |other_precision: u8, other_scale: i8| {
        u32::from(other_precision) == precision && i64::from(other_scale) == i64::from(scale)
    };
    let to_scale = |unscaled: i128, from: i32| {
        rescale(unscaled, from, scale).filter(|unscaled| fits(unscaled))
    };
    let converted = match array.data_type() {
        ArrowType::Decimal128(other_precision, other_scale)
            if is(*other_precision, *other_scale) =>
        {
            // Arrow does not ensure that values are within the precision.
            let decimals = array.as_primitive::<Decimal128Type>();
            if decimals.values().iter().all(fits) {
                return Ok(ArrayRef::clone(array));
            }
            let misfit = (0..decimals.len())
                .zip(decimals.values())
                .find(|(row, unscaled)| is_valid(decimals, *row) && !fits(unscaled));
            return match misfit {
                Some((row, unscaled)) => Err(Fault::misfit(
                    row,
                    text(&unscaled.to_string(), scale as i32),
                )),
                // The value slot of a null is not a value.
                None => Ok(ArrayRef::clone(array)),
            };
        }
        ArrowType::Decimal32(_, from) => convert::<Decimal32Type>(array, *from, |unscaled| {
            to_scale(unscaled.into(), (*from).into())
        })?,
        ArrowType::Decimal64(_, from) => convert::<Decimal64Type>(array, *from, |unscaled| {
            to_scale(unscaled.into(), (*from).into())
        })?,
        ArrowType::Decimal128(_, from) => {
            convert::<Decimal128Type>(array, *from, |unscaled| to_scale(unscaled, (*from).into()))?
        }
        ArrowType::Decimal256(_, from) => convert::<Decimal256Type>(array, *from, |unscaled| {
            rescale_wide(unscaled, (*from).into(), scale).filter(|unscaled| fits(unscaled))
        })?,
        other if other.is_integer() => downcast_integer_array!(
            array => typed::<_, Decimal128Type>(array, |value| to_scale(i128::from(value), 0))?,
            other => return Err(Fault::refused(data_type, other))
        ),
        other => return Err(Fault::refused(data_type, other)),
    };
    let converted = converted
        .with_precision_and_scale(precision as u8, scale as i8)
        .map_err(kernel)?;
    Ok(Arc::new(converted))
}

/// The same number with another scale; `None` if digits would get lost or it is too large.
fn rescale(unscaled: i128, from: i32, to: u32) -> Option<i128> {
    let more = to as i32 - from;
    let factor = power(more.unsigned_abs());
    match factor {
        _ if unscaled == 0 => Some(0),
        Some(factor) if more >= 0 => unscaled.checked_mul(factor),
        Some(factor) if unscaled % factor == 0 => Some(unscaled / factor),
        _ => None,
    }
}

fn rescale_wide(unscaled: i256, from: i32, to: u32) -> Option<i128> {
    if let Some(unscaled) = unscaled.to_i128() {
        return rescale(unscaled, from, to);
    }
    // It is beyond 38 digits: it has to lose some.
    let fewer = u32::try_from(from - to as i32).ok()?;
    let divisor = wide_power(fewer)?;
    if unscaled.checked_rem(divisor)? == i256::ZERO {
        unscaled.checked_div(divisor)?.to_i128()
    } else {
        None
    }
}

/// Decimals of another kind, with the values in the column's scale.
fn convert<S: DecimalType + ArrowPrimitiveType>(
    array: &ArrayRef,
    from: i8,
    unscaled: impl Fn(S::Native) -> Option<i128>,
) -> Conformed<PrimitiveArray<Decimal128Type>> {
    let array = array.as_primitive::<S>();
    typed::<S, Decimal128Type>(array, unscaled).map_err(|fault| match fault.row {
        Some(row) => {
            let unscaled = array.values().get(row).copied().unwrap_or_default();
            Fault::misfit(row, text(&format!("{unscaled:?}"), from.into()))
        }
        None => fault,
    })
}

/// A decimal as text, whatever its precision. Arrow's own text leaves digits out of one that is too large.
#[cold]
fn text(unscaled: &str, scale: i32) -> String {
    let Ok(scale) = usize::try_from(scale) else {
        return format!("{unscaled}e{}", -scale);
    };
    let (sign, digits) = match unscaled.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", unscaled),
    };
    if scale == 0 {
        return unscaled.to_owned();
    }
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_shown_with_all_its_digits() {
        for (unscaled, scale, shown) in [
            ("10000", 2, "100.00"),
            ("-1", 2, "-0.01"),
            ("0", 0, "0"),
            ("-1234", 4, "-0.1234"),
            ("5", -3, "5e3"),
        ] {
            assert_eq!(text(unscaled, scale), shown);
        }
    }
}
