//! Compacted rows: null bits, then the values back to back.
//!
//! Source: `CompactedRowWriter.java`, `CompactedRowReader.java`.

use super::buffer::{RowBuffer, put_part};
use super::layout::{Field, Layout, Op};
use super::read::{self, pack};
use super::varint::{put_varint, read_varint32, read_varint64};
use super::{indexed, nested};
use crate::decimal::unscaled_to_bytes;
use crate::{DataGetters, Result};

/// Appends a row; on an error the buffer holds a part of it.
pub(crate) fn encode<R, B>(layout: &Layout, row: &R, out: &mut B) -> Result<()>
where
    R: DataGetters + ?Sized,
    B: RowBuffer + ?Sized,
{
    layout.check_count(row.field_count())?;
    let start = out.len();
    put_null_bits(out, layout.null_bytes);
    for (pos, field) in layout.fields.iter().enumerate() {
        match row.is_null_at(pos) {
            Ok(false) => {
                write_value(field, row, pos, out).map_err(|error| layout.explain(pos, error))?
            }
            Ok(true) if field.nullable => set_null(out, start, pos),
            Ok(true) => return Err(layout.null_error(pos)),
            Err(error) => return Err(layout.explain(pos, error)),
        }
    }
    Ok(())
}

/// Zeroed null bits.
#[inline]
pub(super) fn put_null_bits<B: RowBuffer + ?Sized>(out: &mut B, count: usize) {
    if count <= 8 {
        put_part(out, [0; 8], count)
    } else {
        out.put_zeros(count)
    }
}

#[inline]
pub(super) fn set_null<B: RowBuffer + ?Sized>(out: &mut B, start: usize, pos: usize) {
    if let Some(byte) = out.get_mut(start + pos / 8) {
        *byte |= 1 << (pos % 8);
    }
}

/// Appends a value that is not null, without a null bit. A compacted key is nothing but these.
#[inline]
pub(crate) fn write_value<R, B>(field: &Field, row: &R, pos: usize, out: &mut B) -> Result<()>
where
    R: DataGetters + ?Sized,
    B: RowBuffer + ?Sized,
{
    match &field.op {
        Op::Boolean => out.put(&[u8::from(row.get_boolean(pos)?)]),
        Op::TinyInt => out.put(&row.get_byte(pos)?.to_le_bytes()),
        Op::SmallInt => out.put(&row.get_short(pos)?.to_le_bytes()),
        Op::Int => put_varint(out, u64::from(row.get_int(pos)? as u32)),
        Op::BigInt => put_varint(out, row.get_long(pos)? as u64),
        Op::Float => out.put(&row.get_float(pos)?.to_bits().to_le_bytes()),
        Op::Double => out.put(&row.get_double(pos)?.to_bits().to_le_bytes()),
        Op::Char(length) => put_bytes(out, row.get_char(pos, *length as usize)?.as_bytes())?,
        Op::String => put_bytes(out, row.get_string(pos)?.as_bytes())?,
        Op::Binary(length) => put_bytes(out, row.get_binary(pos, *length as usize)?)?,
        Op::Bytes => put_bytes(out, row.get_bytes(pos)?)?,
        Op::Date => put_varint(out, u64::from(row.get_date(pos)?.get_inner() as u32)),
        Op::Time => put_varint(out, u64::from(row.get_time(pos)?.get_inner() as u32)),
        other => write_rare(other, row, pos, out)?,
    }
    Ok(())
}

/// The types that take more work, apart so that the others stay in the encoder's loop.
#[inline(never)]
fn write_rare<R, B>(op: &Op, row: &R, pos: usize, out: &mut B) -> Result<()>
where
    R: DataGetters + ?Sized,
    B: RowBuffer + ?Sized,
{
    match op {
        Op::Decimal { precision, scale } => {
            let value = row.get_decimal(pos, u32::from(*precision), u32::from(*scale))?;
            put_varint(out, value.unscaled() as u64);
        }
        Op::BigDecimal { precision, scale } => {
            let value = row.get_decimal(pos, u32::from(*precision), u32::from(*scale))?;
            let (bytes, skip) = unscaled_to_bytes(value.unscaled());
            put_bytes(out, bytes.get(skip..).unwrap_or_default())?;
        }
        Op::Timestamp { precision } => {
            let value = row.get_timestamp_ntz(pos, u32::from(*precision))?;
            put_varint(out, value.get_millisecond() as u64);
        }
        Op::TimestampNanos { precision } => {
            let value = row.get_timestamp_ntz(pos, u32::from(*precision))?;
            put_varint(out, value.get_millisecond() as u64);
            put_varint(out, u64::from(value.get_nano_of_millisecond() as u32));
        }
        Op::Ltz { precision } => {
            let value = row.get_timestamp_ltz(pos, u32::from(*precision))?;
            put_varint(out, value.get_epoch_millisecond() as u64);
        }
        Op::LtzNanos { precision } => {
            let value = row.get_timestamp_ltz(pos, u32::from(*precision))?;
            put_varint(out, value.get_epoch_millisecond() as u64);
            put_varint(out, u64::from(value.get_nano_of_millisecond() as u32));
        }
        Op::Array(_) | Op::Map(..) | Op::Row(_) => {
            // The length comes first but is known last: write the value, then the length, then
            // let them change places. No second buffer.
            let start = out.len();
            nested::write(op, row, pos, out)?;
            let end = out.len();
            indexed::length_u32(end - start)?;
            put_varint(out, (end - start) as u64);
            let length_bytes = out.len() - end;
            if let Some(both) = out.get_mut(start..) {
                both.rotate_right(length_bytes);
            }
        }
        _ => {}
    }
    Ok(())
}

#[inline]
fn put_bytes<B: RowBuffer + ?Sized>(out: &mut B, bytes: &[u8]) -> Result<()> {
    indexed::length_u32(bytes.len())?;
    put_varint(out, bytes.len() as u64);
    out.put(bytes);
    Ok(())
}

/// Finds the value of every column and checks it; what it leaves in `slots` is described in [`read`].
pub(super) fn parse(layout: &Layout, bytes: &[u8], slots: &mut [u64]) -> Result<()> {
    let mut at = layout.null_bytes;
    read::need(bytes, 0, at, "null bits")?;
    for ((pos, field), slot) in layout.fields.iter().enumerate().zip(slots.iter_mut()) {
        if !read::null_bit(bytes, pos) {
            *slot = parse_value(&field.op, bytes, &mut at)?;
        }
    }
    read::end(bytes, at, "compacted row")
}

#[inline]
pub(crate) fn parse_value(op: &Op, bytes: &[u8], at: &mut usize) -> Result<u64> {
    Ok(match op {
        Op::Boolean => u64::from(read::boolean(read::take::<1>(bytes, at, "BOOLEAN")?, *at)?),
        Op::TinyInt => i64::from(i8::from_le_bytes(read::take(bytes, at, "TINYINT")?)) as u64,
        Op::SmallInt => i64::from(i16::from_le_bytes(read::take(bytes, at, "SMALLINT")?)) as u64,
        Op::Int | Op::Date | Op::Time => {
            i64::from(read_varint32(bytes, at, op.type_name())? as i32) as u64
        }
        Op::BigInt => read_varint64(bytes, at, "BIGINT")?,
        Op::Decimal { .. } | Op::Timestamp { .. } | Op::Ltz { .. } => {
            let slot = read_varint64(bytes, at, op.type_name())?;
            read::check_compact_decimal(op, slot, *at)?;
            slot
        }
        Op::Float => u64::from(u32::from_le_bytes(read::take(bytes, at, "FLOAT")?)),
        Op::Double => u64::from_le_bytes(read::take(bytes, at, "DOUBLE")?),
        Op::TimestampNanos { .. } | Op::LtzNanos { .. } => {
            let start = *at;
            read_varint64(bytes, at, op.type_name())?;
            let nanos = read_varint32(bytes, at, op.type_name())?;
            read::check_nanos(nanos, start)?;
            pack(start, nanos as usize)
        }
        Op::Char(_) | Op::String => {
            let slot = parse_length(op, bytes, at)?;
            read::check_utf8(bytes, slot)?;
            slot
        }
        Op::BigDecimal { .. } => {
            let slot = parse_length(op, bytes, at)?;
            read::check_decimal(op, bytes, slot)?;
            slot
        }
        Op::Binary(_) | Op::Bytes | Op::Array(_) | Op::Map(..) | Op::Row(_) => {
            parse_length(op, bytes, at)?
        }
    })
}

#[inline]
fn parse_length(op: &Op, bytes: &[u8], at: &mut usize) -> Result<u64> {
    let length = read_varint32(bytes, at, op.type_name())? as usize;
    let start = *at;
    read::need(bytes, start, length, op.type_name())?;
    *at = start + length;
    Ok(pack(start, length))
}
