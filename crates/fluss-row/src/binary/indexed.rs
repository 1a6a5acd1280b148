//! Indexed rows: null bits, the lengths of all values of variable length, then the values.
//!
//! Source: `IndexedRow.java`, `IndexedRowWriter.java`, `IndexedRowReader.java`.

use fluss_metadata::text::Count;

use super::buffer::RowBuffer;
use super::layout::{Layout, Op};
use super::read::{self, pack};
use super::{compacted, nested};
use crate::assign::{char_of, instant_of, time_of, timestamp_of};
use crate::decimal::{column_decimal, unscaled_to_bytes};
use crate::{DataGetters, FieldRef, Result, RowError};

/// Lengths are 32-bit integers, read as signed ones by Java.
#[inline]
pub(super) fn length_u32(length: usize) -> Result<i32> {
    i32::try_from(length).map_err(|_| length_error(length))
}

#[cold]
pub(super) fn length_error(length: usize) -> RowError {
    RowError::TooLarge {
        what: "value length",
        value: length as u64,
        max: i32::MAX as u64,
    }
}

/// Appends a row; on an error the buffer holds a part of it.
pub(crate) fn encode<R, B>(layout: &Layout, row: &R, out: &mut B) -> Result<()>
where
    R: DataGetters + ?Sized,
    B: RowBuffer + ?Sized,
{
    layout.check_count(row.field_count())?;
    let start = out.len();
    // The lengths of nulls are left out, not zero: unused entries are the last ones.
    let mut next_length = start + layout.null_bytes;
    out.put_zeros(layout.null_bytes + 4 * layout.variable_count);
    for (pos, field) in layout.fields.iter().enumerate() {
        match row.is_null_at(pos) {
            Ok(false) => {
                let value_start = out.len();
                let variable = write_value(&field.op, row, pos, out)
                    .map_err(|error| layout.explain(pos, error))?;
                if variable {
                    let length = length_u32(out.len() - value_start)?;
                    if let Some(entry) = out.get_mut(next_length..next_length + 4) {
                        entry.copy_from_slice(&length.to_le_bytes());
                    }
                    next_length += 4;
                }
            }
            Ok(true) if field.nullable => compacted::set_null(out, start, pos),
            Ok(true) => return Err(layout.null_error(pos)),
            Err(error) => return Err(layout.explain(pos, error)),
        }
    }
    Ok(())
}

/// Appends a value and says whether its length has to be listed.
#[inline]
fn write_value<R, B>(op: &Op, row: &R, pos: usize, out: &mut B) -> Result<bool>
where
    R: DataGetters + ?Sized,
    B: RowBuffer + ?Sized,
{
    match op {
        Op::Boolean => out.put(&[u8::from(row.get_boolean(pos)?)]),
        Op::TinyInt => out.put(&row.get_byte(pos)?.to_le_bytes()),
        Op::SmallInt => out.put(&row.get_short(pos)?.to_le_bytes()),
        Op::Int => out.put(&row.get_int(pos)?.to_le_bytes()),
        Op::BigInt => out.put(&row.get_long(pos)?.to_le_bytes()),
        Op::Float => out.put(&row.get_float(pos)?.to_bits().to_le_bytes()),
        Op::Double => out.put(&row.get_double(pos)?.to_bits().to_le_bytes()),
        Op::Date => out.put(&row.get_date(pos)?.get_inner().to_le_bytes()),
        Op::Time { precision } => {
            out.put(&time_of(row, pos, *precision)?.get_inner().to_le_bytes());
        }
        Op::Char(width) => {
            put_padded(
                out,
                char_of(row, pos, *width)?.as_bytes(),
                width.length,
                "CHAR",
                pos,
            )?;
        }
        Op::Binary(width) => put_padded(
            out,
            row.get_binary(pos, width.length as usize)?,
            width.length,
            "BINARY",
            pos,
        )?,
        Op::Decimal { precision, scale } => {
            let value = column_decimal(row, pos, u32::from(*precision), u32::from(*scale))?;
            out.put(&(value.unscaled() as i64).to_le_bytes());
        }
        Op::Timestamp { precision } => {
            let value = timestamp_of(row, pos, *precision)?;
            out.put(&value.get_millisecond().to_le_bytes());
        }
        Op::TimestampNanos { precision } => {
            let value = timestamp_of(row, pos, *precision)?;
            out.put(&value.get_millisecond().to_le_bytes());
            out.put(&value.get_nano_of_millisecond().to_le_bytes());
        }
        Op::Ltz { precision } => {
            let value = instant_of(row, pos, *precision)?;
            out.put(&value.get_epoch_millisecond().to_le_bytes());
        }
        Op::LtzNanos { precision } => {
            let value = instant_of(row, pos, *precision)?;
            out.put(&value.get_epoch_millisecond().to_le_bytes());
            out.put(&value.get_nano_of_millisecond().to_le_bytes());
        }
        Op::String => {
            out.put(row.get_string(pos)?.as_bytes());
            return Ok(true);
        }
        Op::Bytes => {
            out.put(row.get_bytes(pos)?);
            return Ok(true);
        }
        Op::BigDecimal { precision, scale } => {
            let value = column_decimal(row, pos, u32::from(*precision), u32::from(*scale))?;
            let (bytes, skip) = unscaled_to_bytes(value.unscaled());
            out.put(bytes.get(skip..).unwrap_or_default());
            return Ok(true);
        }
        Op::Array(_) | Op::Map(..) | Op::Row(_) => {
            nested::write(op, row, pos, out)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// CHAR and BINARY take exactly the bytes of their type.
fn put_padded<B: RowBuffer + ?Sized>(
    out: &mut B,
    bytes: &[u8],
    length: u32,
    type_name: &'static str,
    pos: usize,
) -> Result<()> {
    let Some(padding) = (length as usize).checked_sub(bytes.len()) else {
        return Err(RowError::ValueOutOfRange {
            field: FieldRef::at(pos),
            expected: format!("{type_name}({length})").into(),
            value: format!("a value of {}", Count(bytes.len(), "byte")).into(),
        });
    };
    out.put(bytes);
    out.put_zeros(padding);
    Ok(())
}

/// Finds the value of every column and checks it; what it leaves in `slots` is described in [`read`].
pub(super) fn parse(layout: &Layout, bytes: &[u8], slots: &mut [u64]) -> Result<()> {
    let mut next_length = layout.null_bytes;
    let mut at = next_length + 4 * layout.variable_count;
    read::need(bytes, 0, at, "null bits and lengths")?;
    for ((pos, field), slot) in layout.fields.iter().enumerate().zip(slots.iter_mut()) {
        if !read::null_bit(bytes, pos) {
            *slot = parse_value(&field.op, bytes, &mut at, &mut next_length)
                .map_err(|error| layout.corrupt(pos, error))?;
        }
    }
    read::end(bytes, at, "indexed row")
}

#[inline]
fn parse_value(op: &Op, bytes: &[u8], at: &mut usize, next_length: &mut usize) -> Result<u64> {
    Ok(match op {
        Op::Boolean => u64::from(read::boolean(read::take(bytes, at, "BOOLEAN")?, *at)?),
        Op::TinyInt => i64::from(i8::from_le_bytes(read::take(bytes, at, "TINYINT")?)) as u64,
        Op::SmallInt => i64::from(i16::from_le_bytes(read::take(bytes, at, "SMALLINT")?)) as u64,
        Op::Int | Op::Date | Op::Time { .. } => {
            i64::from(i32::from_le_bytes(read::take(bytes, at, op.type_name())?)) as u64
        }
        Op::Float => u64::from(u32::from_le_bytes(read::take(bytes, at, "FLOAT")?)),
        Op::BigInt | Op::Double | Op::Decimal { .. } | Op::Timestamp { .. } | Op::Ltz { .. } => {
            u64::from_le_bytes(read::take(bytes, at, op.type_name())?)
        }
        Op::TimestampNanos { .. } | Op::LtzNanos { .. } => {
            let start = *at;
            let _millis = read::take::<8>(bytes, at, op.type_name())?;
            let nanos = u32::from_le_bytes(read::take(bytes, at, op.type_name())?);
            read::check_nanos(nanos, start)?;
            pack(start, nanos as usize)
        }
        Op::Char(width) => {
            let length = width.length as usize;
            let slot = parse_bytes(op, bytes, at, length)?;
            let (offset, _) = read::unpack(slot);
            // The padding is no part of the text.
            let text = read::slice(bytes, offset, length, "CHAR")?;
            let trimmed = text
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |last| last + 1);
            let slot = pack(offset, trimmed);
            read::check_utf8(bytes, slot)?;
            slot
        }
        Op::Binary(width) => parse_bytes(op, bytes, at, width.length as usize)?,
        Op::String
        | Op::Bytes
        | Op::BigDecimal { .. }
        | Op::Array(_)
        | Op::Map(..)
        | Op::Row(_) => {
            let length = i32::from_le_bytes(read::take(bytes, next_length, "value length")?);
            let Ok(length) = usize::try_from(length) else {
                return Err(RowError::Malformed {
                    what: "value length",
                    offset: *next_length - 4,
                    problem: "negative",
                });
            };
            let slot = parse_bytes(op, bytes, at, length)?;
            match op {
                Op::String => read::check_utf8(bytes, slot)?,
                Op::BigDecimal { .. } => read::check_decimal(op, bytes, slot)?,
                _ => {}
            }
            slot
        }
    })
}

#[inline]
fn parse_bytes(op: &Op, bytes: &[u8], at: &mut usize, length: usize) -> Result<u64> {
    let start = *at;
    read::need(bytes, start, length, op.type_name())?;
    *at = start + length;
    Ok(pack(start, length))
}
