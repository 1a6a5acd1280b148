//! Iceberg keys: the bytes over which Iceberg's bucket transform hashes a single value.
//!
//! Source: `IcebergKeyEncoder.java`, `IcebergBinaryRowWriter.java`.

use crate::assign::{binary_of, char_of, time_of, timestamp_of};
use crate::binary::RowBuffer;
use crate::binary::layout::{Layout, Op};
use crate::decimal::{column_decimal, unscaled_to_bytes};
use crate::{FieldRef, InternalRow, Result, RowError};

/// Exactly one column, of a type that Iceberg's transform takes.
pub(super) fn check(key: &Layout, place: &'static str) -> Result<()> {
    let [field] = &*key.fields else {
        let columns = key
            .row_type
            .fields()
            .iter()
            .map(|field| field.name().to_owned())
            .collect();
        return Err(RowError::KeyColumnCount {
            encoding: place,
            columns,
        });
    };
    match field.op {
        Op::Int
        | Op::BigInt
        | Op::Float
        | Op::Double
        | Op::Char(_)
        | Op::String
        | Op::Binary(_)
        | Op::Bytes
        | Op::Decimal { .. }
        | Op::BigDecimal { .. }
        | Op::Date
        | Op::Time { .. }
        | Op::Timestamp { .. }
        | Op::TimestampNanos { .. } => Ok(()),
        _ => Err(RowError::UnsupportedType {
            field: FieldRef::named(0, key.name(0)),
            data_type: field.data_type.to_string().into(),
            place,
        }),
    }
}

/// Appends the value at `pos`, which is not null.
#[inline]
pub(super) fn encode<R, B>(op: &Op, row: &R, pos: usize, out: &mut B) -> Result<()>
where
    R: InternalRow + ?Sized,
    B: RowBuffer + ?Sized,
{
    match op {
        Op::Int => out.put(&i64::from(row.get_int(pos)?).to_le_bytes()),
        Op::Date => out.put(&i64::from(row.get_date(pos)?.get_inner()).to_le_bytes()),
        Op::Time { precision } => {
            out.put(&(i64::from(time_of(row, pos, *precision)?.get_inner()) * 1_000).to_le_bytes());
        }
        Op::BigInt => out.put(&row.get_long(pos)?.to_le_bytes()),
        Op::Float => out.put(&row.get_float(pos)?.to_bits().to_le_bytes()),
        Op::Double => out.put(&row.get_double(pos)?.to_bits().to_le_bytes()),
        Op::Char(width) => out.put(char_of(row, pos, *width)?.as_bytes()),
        Op::String => out.put(row.get_string(pos)?.as_bytes()),
        Op::Binary(width) => out.put(binary_of(row, pos, *width)?),
        Op::Bytes => out.put(row.get_bytes(pos)?),
        Op::Decimal { precision, scale } | Op::BigDecimal { precision, scale } => {
            let value = column_decimal(row, pos, u32::from(*precision), u32::from(*scale))?;
            let (bytes, skip) = unscaled_to_bytes(value.unscaled());
            out.put(bytes.get(skip..).unwrap_or_default());
        }
        Op::Timestamp { precision } | Op::TimestampNanos { precision } => {
            let value = timestamp_of(row, pos, *precision)?;
            // Wraps around at the ends of the range, as Java's arithmetic does.
            let micros = value
                .get_millisecond()
                .wrapping_mul(1_000)
                .wrapping_add(i64::from(value.get_nano_of_millisecond() / 1_000));
            out.put(&micros.to_le_bytes());
        }
        _ => {}
    }
    Ok(())
}
