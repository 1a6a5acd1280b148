//! Slots of eight bytes, as in aligned rows and in arrays: small values inside, large ones after them.
//!
//! Source: `AbstractBinaryWriter.java`, `BinarySegmentUtils.java`.

use super::buffer::RowBuffer;
use super::indexed::length_u32;
use super::layout::{Field, Op};
use super::nested;
use super::read::{self, pack};
use crate::assign::{binary_of, char_of, instant_of, time_of, timestamp_of};
use crate::decimal::{column_decimal, unscaled_to_bytes};
use crate::{DataGetters, Result, RowError};

/// Longest string or bytes that fit into the slot itself.
const MAX_INLINE: usize = 7;

/// Bytes that a big decimal takes in the variable part, whatever its length.
const DECIMAL_BYTES: usize = 16;

/// Writes a value that is not null: into the slot at `slot`, and at the end of the buffer what does
/// not fit there. Offsets count from `base`.
#[inline]
pub(super) fn write<R, B>(
    field: &Field,
    row: &R,
    pos: usize,
    out: &mut B,
    base: usize,
    slot: usize,
) -> Result<()>
where
    R: DataGetters + ?Sized,
    B: RowBuffer + ?Sized,
{
    match &field.op {
        Op::Boolean => set(out, slot, [u8::from(row.get_boolean(pos)?)]),
        Op::TinyInt => set(out, slot, row.get_byte(pos)?.to_le_bytes()),
        Op::SmallInt => set(out, slot, row.get_short(pos)?.to_le_bytes()),
        Op::Int => set(out, slot, row.get_int(pos)?.to_le_bytes()),
        Op::BigInt => set(out, slot, row.get_long(pos)?.to_le_bytes()),
        Op::Float => set(out, slot, row.get_float(pos)?.to_bits().to_le_bytes()),
        Op::Double => set(out, slot, row.get_double(pos)?.to_bits().to_le_bytes()),
        Op::Date => set(out, slot, row.get_date(pos)?.get_inner().to_le_bytes()),
        Op::Time { precision } => set(
            out,
            slot,
            time_of(row, pos, *precision)?.get_inner().to_le_bytes(),
        ),
        Op::Char(width) => write_bytes(out, base, slot, char_of(row, pos, *width)?.as_bytes())?,
        Op::String => write_bytes(out, base, slot, row.get_string(pos)?.as_bytes())?,
        Op::Binary(width) => write_bytes(out, base, slot, binary_of(row, pos, *width)?)?,
        Op::Bytes => write_bytes(out, base, slot, row.get_bytes(pos)?)?,
        Op::Decimal { precision, scale } => {
            let value = column_decimal(row, pos, u32::from(*precision), u32::from(*scale))?;
            set(out, slot, (value.unscaled() as i64).to_le_bytes());
        }
        Op::BigDecimal { precision, scale } => {
            let value = column_decimal(row, pos, u32::from(*precision), u32::from(*scale))?;
            let (bytes, skip) = unscaled_to_bytes(value.unscaled());
            let bytes = bytes.get(skip..).unwrap_or_default();
            point(out, base, slot, bytes.len())?;
            out.put(bytes);
            out.put_zeros(DECIMAL_BYTES - bytes.len());
        }
        Op::Timestamp { precision } => {
            let value = timestamp_of(row, pos, *precision)?;
            set(out, slot, value.get_millisecond().to_le_bytes());
        }
        Op::TimestampNanos { precision } => {
            let value = timestamp_of(row, pos, *precision)?;
            point(out, base, slot, value.get_nano_of_millisecond() as usize)?;
            out.put(&value.get_millisecond().to_le_bytes());
        }
        Op::Ltz { precision } => {
            let value = instant_of(row, pos, *precision)?;
            set(out, slot, value.get_epoch_millisecond().to_le_bytes());
        }
        Op::LtzNanos { precision } => {
            let value = instant_of(row, pos, *precision)?;
            point(out, base, slot, value.get_nano_of_millisecond() as usize)?;
            out.put(&value.get_epoch_millisecond().to_le_bytes());
        }
        Op::Array(_) | Op::Map(..) | Op::Row(_) => {
            let start = out.len();
            nested::write(&field.op, row, pos, out)?;
            let length = out.len() - start;
            pad(out, length);
            point_to(out, slot, start - base, length)?;
        }
    }
    Ok(())
}

#[inline]
fn set<B: RowBuffer + ?Sized, const N: usize>(out: &mut B, slot: usize, value: [u8; N]) {
    if let Some(place) = out.get_mut(slot..).and_then(<[u8]>::first_chunk_mut) {
        *place = value;
    }
}

/// Fills up to a multiple of eight after `length` bytes.
#[inline]
fn pad<B: RowBuffer + ?Sized>(out: &mut B, length: usize) {
    out.put_zeros(length.next_multiple_of(8) - length);
}

/// Lets the slot point to the end of the buffer.
#[inline]
fn point<B: RowBuffer + ?Sized>(
    out: &mut B,
    base: usize,
    slot: usize,
    length: usize,
) -> Result<()> {
    let offset = out.len() - base;
    point_to(out, slot, offset, length)
}

#[inline]
fn point_to<B: RowBuffer + ?Sized>(
    out: &mut B,
    slot: usize,
    offset: usize,
    length: usize,
) -> Result<()> {
    length_u32(offset)?;
    length_u32(length)?;
    set(out, slot, pack(offset, length).to_le_bytes());
    Ok(())
}

#[inline]
fn write_bytes<B: RowBuffer + ?Sized>(
    out: &mut B,
    base: usize,
    slot: usize,
    bytes: &[u8],
) -> Result<()> {
    if bytes.len() > MAX_INLINE {
        point(out, base, slot, bytes.len())?;
        out.put(bytes);
        pad(out, bytes.len());
    } else {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(bytes) {
            *to = *from;
        }
        let [.., last] = &mut word;
        *last = 0x80 | bytes.len() as u8;
        set(out, slot, word);
    }
    Ok(())
}

/// Reads the slot at `slot` and checks what it points to; the result is as described in [`read`].
#[inline]
pub(crate) fn parse(op: &Op, bytes: &[u8], slot: usize) -> Result<u64> {
    Ok(match op {
        Op::Boolean => u64::from(read::boolean(
            read::fixed(bytes, slot, "BOOLEAN")?,
            slot + 1,
        )?),
        Op::TinyInt => i64::from(i8::from_le_bytes(read::fixed(bytes, slot, "TINYINT")?)) as u64,
        Op::SmallInt => i64::from(i16::from_le_bytes(read::fixed(bytes, slot, "SMALLINT")?)) as u64,
        Op::Int | Op::Date | Op::Time { .. } => i64::from(i32::from_le_bytes(read::fixed(
            bytes,
            slot,
            op.type_name(),
        )?)) as u64,
        Op::Float => u64::from(u32::from_le_bytes(read::fixed(bytes, slot, "FLOAT")?)),
        Op::BigInt | Op::Double | Op::Decimal { .. } | Op::Timestamp { .. } | Op::Ltz { .. } => {
            u64::from_le_bytes(read::fixed(bytes, slot, op.type_name())?)
        }
        Op::Char(_) | Op::String | Op::Binary(_) | Op::Bytes => {
            let word = u64::from_le_bytes(read::fixed(bytes, slot, op.type_name())?);
            if word >> 63 == 1 {
                let length = (word >> 56) as usize & 0x7f;
                if length > MAX_INLINE {
                    return Err(RowError::Malformed {
                        what: op.type_name(),
                        offset: slot,
                        problem: "longer than the slot it is in",
                    });
                }
                pack(slot, length)
            } else {
                pointed(op, bytes, word)?
            }
        }
        Op::BigDecimal { .. } => {
            let word = pointed(
                op,
                bytes,
                u64::from_le_bytes(read::fixed(bytes, slot, "DECIMAL")?),
            )?;
            read::check_decimal(op, bytes, word)?;
            word
        }
        Op::TimestampNanos { .. } | Op::LtzNanos { .. } => {
            let word = u64::from_le_bytes(read::fixed(bytes, slot, op.type_name())?);
            let (offset, nanos) = read::unpack(word);
            read::check_nanos(nanos as u32, slot)?;
            read::need(bytes, offset, 8, op.type_name())?;
            word
        }
        Op::Array(_) | Op::Map(..) | Op::Row(_) => pointed(
            op,
            bytes,
            u64::from_le_bytes(read::fixed(bytes, slot, op.type_name())?),
        )?,
    })
}

#[inline]
fn pointed(op: &Op, bytes: &[u8], word: u64) -> Result<u64> {
    let (offset, length) = read::unpack(word);
    read::need(bytes, offset, length, op.type_name())?;
    Ok(word)
}
