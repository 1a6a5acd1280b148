//! The functions of the aggregation merge engine.
//!
//! Source: the classes of the package `org.apache.fluss.server.kv.rowmerger.aggregate.functions`.

use std::cmp::Ordering;

use fluss_metadata::{AggFunction, AggFunctionType, DataType};
use fluss_row::{Datum, Decimal};
use fluss_wire::error_code::ErrorCode;

use super::rows::compact_decimal;
use crate::reply::{Result, fail, internal};

/// The value of a column after `new` was written over `old`.
pub(super) fn aggregate<'a>(
    function: &AggFunction,
    of: &DataType,
    old: Datum<'a>,
    new: Datum<'a>,
) -> Result<Datum<'a>> {
    use AggFunctionType as F;
    let kind = function.function();
    if kind == F::LastValue {
        return Ok(new);
    }
    // All others ignore nulls.
    if old == Datum::Null {
        return Ok(new);
    }
    if new == Datum::Null {
        return Ok(old);
    }
    match kind {
        F::LastValueIgnoreNulls => Ok(new),
        F::FirstValue | F::FirstValueIgnoreNulls => Ok(old),
        F::Sum => sum(of, &old, &new),
        F::Product => product(of, &old, &new),
        F::Max => Ok(if compare(&old, &new) == Some(Ordering::Less) {
            new
        } else {
            old
        }),
        F::Min => Ok(if compare(&old, &new) == Some(Ordering::Greater) {
            new
        } else {
            old
        }),
        F::Listagg | F::StringAgg => match (&old, &new) {
            (Datum::String(old), Datum::String(new)) => {
                let delimiter = function.parameters().get("delimiter");
                let delimiter = delimiter.map_or(",", String::as_str);
                Ok(Datum::from(format!("{old}{delimiter}{new}")))
            }
            _ => Err(internal("only texts are strung together")),
        },
        F::BoolAnd | F::BoolOr => match (&old, &new) {
            (Datum::Boolean(old), Datum::Boolean(new)) if kind == F::BoolAnd => {
                Ok(Datum::Boolean(*old && *new))
            }
            (Datum::Boolean(old), Datum::Boolean(new)) => Ok(Datum::Boolean(*old || *new)),
            _ => Err(internal("only booleans are combined")),
        },
        _ => fail(
            ErrorCode::UNSUPPORTED_VERSION,
            format!("the mock cluster does not aggregate by {kind}"),
        ),
    }
}

/// Integers wrap around, as in Java. A decimal that becomes too large is null, unless it is stored as an integer: then
/// it outgrows its precision, and a log of Arrow batches has no place for it.
fn sum<'a>(of: &DataType, old: &Datum<'a>, new: &Datum<'a>) -> Result<Datum<'a>> {
    Ok(match (old, new) {
        (Datum::TinyInt(old), Datum::TinyInt(new)) => Datum::TinyInt(old.wrapping_add(*new)),
        (Datum::SmallInt(old), Datum::SmallInt(new)) => Datum::SmallInt(old.wrapping_add(*new)),
        (Datum::Int(old), Datum::Int(new)) => Datum::Int(old.wrapping_add(*new)),
        (Datum::BigInt(old), Datum::BigInt(new)) if compact_decimal(of).is_some() => {
            old.checked_add(*new).map_or(Datum::Null, Datum::BigInt)
        }
        (Datum::BigInt(old), Datum::BigInt(new)) => Datum::BigInt(old.wrapping_add(*new)),
        (Datum::Float(old), Datum::Float(new)) => Datum::Float(old + new),
        (Datum::Double(old), Datum::Double(new)) => Datum::Double(old + new),
        (Datum::Decimal(old), Datum::Decimal(new)) => {
            let total = old.unscaled().checked_add(new.unscaled());
            decimal(total, old)
        }
        _ => return Err(internal("only numbers of one type are added up")),
    })
}

fn product<'a>(of: &DataType, old: &Datum<'a>, new: &Datum<'a>) -> Result<Datum<'a>> {
    Ok(match (old, new) {
        (Datum::TinyInt(old), Datum::TinyInt(new)) => Datum::TinyInt(old.wrapping_mul(*new)),
        (Datum::SmallInt(old), Datum::SmallInt(new)) => Datum::SmallInt(old.wrapping_mul(*new)),
        (Datum::Int(old), Datum::Int(new)) => Datum::Int(old.wrapping_mul(*new)),
        (Datum::BigInt(old), Datum::BigInt(new)) => match compact_decimal(of) {
            None => Datum::BigInt(old.wrapping_mul(*new)),
            Some((precision, scale)) => {
                let total = rounded(i128::from(*old) * i128::from(*new), scale);
                let fits = |total: &i128| total.unsigned_abs() < 10_u128.pow(precision);
                let total = total
                    .filter(fits)
                    .and_then(|total| i64::try_from(total).ok());
                total.map_or(Datum::Null, Datum::BigInt)
            }
        },
        (Datum::Float(old), Datum::Float(new)) => Datum::Float(old * new),
        (Datum::Double(old), Datum::Double(new)) => Datum::Double(old * new),
        (Datum::Decimal(old), Datum::Decimal(new)) => {
            let total = old.unscaled().checked_mul(new.unscaled());
            decimal(total.and_then(|total| rounded(total, old.scale())), old)
        }
        _ => return Err(internal("only numbers of one type are multiplied")),
    })
}

/// Rounds half away from zero.
fn rounded(unscaled: i128, digits: u32) -> Option<i128> {
    let unit = 10_i128.checked_pow(digits)?;
    let half = unit / 2;
    let half = if unscaled < 0 { -half } else { half };
    Some(unscaled.checked_add(half)? / unit)
}

fn decimal<'a>(unscaled: Option<i128>, like: &Decimal) -> Datum<'a> {
    let value = unscaled
        .and_then(|unscaled| Decimal::from_unscaled(unscaled, like.precision(), like.scale()).ok());
    value.map_or(Datum::Null, Datum::Decimal)
}

/// Compares values of one type as Java does: NaN is larger than all numbers. `None` for types without an order.
pub(super) fn compare(old: &Datum<'_>, new: &Datum<'_>) -> Option<Ordering> {
    match (old, new) {
        (Datum::Boolean(old), Datum::Boolean(new)) => Some(old.cmp(new)),
        (Datum::TinyInt(old), Datum::TinyInt(new)) => Some(old.cmp(new)),
        (Datum::SmallInt(old), Datum::SmallInt(new)) => Some(old.cmp(new)),
        (Datum::Int(old), Datum::Int(new)) => Some(old.cmp(new)),
        (Datum::BigInt(old), Datum::BigInt(new)) => Some(old.cmp(new)),
        (Datum::Float(old), Datum::Float(new)) => {
            Some(canonical((*old).into()).total_cmp(&canonical((*new).into())))
        }
        (Datum::Double(old), Datum::Double(new)) => {
            Some(canonical(*old).total_cmp(&canonical(*new)))
        }
        (Datum::String(old), Datum::String(new)) => Some(old.as_bytes().cmp(new.as_bytes())),
        (Datum::Decimal(old), Datum::Decimal(new)) => Some(old.unscaled().cmp(&new.unscaled())),
        (Datum::Date(old), Datum::Date(new)) => Some(old.get_inner().cmp(&new.get_inner())),
        (Datum::Time(old), Datum::Time(new)) => Some(old.get_inner().cmp(&new.get_inner())),
        (Datum::Timestamp(old), Datum::Timestamp(new)) => Some(
            (old.get_millisecond(), old.get_nano_of_millisecond())
                .cmp(&(new.get_millisecond(), new.get_nano_of_millisecond())),
        ),
        (Datum::TimestampLtz(old), Datum::TimestampLtz(new)) => Some(
            (old.get_epoch_millisecond(), old.get_nano_of_millisecond())
                .cmp(&(new.get_epoch_millisecond(), new.get_nano_of_millisecond())),
        ),
        _ => None,
    }
}

fn canonical(value: f64) -> f64 {
    if value.is_nan() {
        f64::NAN.abs()
    } else {
        value
    }
}
