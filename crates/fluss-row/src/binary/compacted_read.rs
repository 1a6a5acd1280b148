//! Compacted rows, read: one slot a column, or the values themselves.
//!
//! Source: `CompactedRowReader.java`.

use std::borrow::Cow;

use ascii::AsAsciiStr;

use super::layout::{Kind, Layout, Op};
use super::nested;
use super::read::{self, pack};
use super::varint::{quick_varint, quick_varint32, read_varint32, read_varint64};
use crate::{Datum, Result};

/// Finds the value of every column and checks it; what it leaves in `slots` is described in [`read`].
pub(super) fn parse(layout: &Layout, bytes: &[u8], slots: &mut [u64]) -> Result<()> {
    match bytes.split_at_checked(layout.null_bytes) {
        Some((nulls, values)) if no_nulls(nulls) => {
            parse_columns::<false>(layout, bytes, values, slots)
        }
        Some((_, values)) => parse_columns::<true>(layout, bytes, values, slots),
        None => read::need(bytes, 0, layout.null_bytes, "null bits"),
    }
}

/// `rest` is what lies behind the null bits; without `NULLS` none of them is set.
fn parse_columns<'b, const NULLS: bool>(
    layout: &Layout,
    bytes: &'b [u8],
    mut rest: &'b [u8],
    slots: &mut [u64],
) -> Result<()> {
    for (pos, (kind, slot)) in layout.kinds.iter().zip(slots).enumerate() {
        if NULLS && read::null_bit(bytes, pos) {
            continue;
        }
        // The most frequent types without the way through errors.
        match kind {
            Kind::BigInt => {
                if let Some((value, after)) = take_long(rest) {
                    (*slot, rest) = (value as u64, after);
                    continue;
                }
            }
            Kind::Int => {
                if let Some((value, after)) = take_int(rest) {
                    (*slot, rest) = (i64::from(value) as u64, after);
                    continue;
                }
            }
            Kind::Double => {
                if let Some((word, after)) = rest.split_first_chunk() {
                    (*slot, rest) = (u64::from_le_bytes(*word), after);
                    continue;
                }
            }
            Kind::Text => {
                if let Some((text, after)) = take_short(rest)
                    && read::is_ascii(text)
                {
                    let offset = bytes.len() - after.len() - text.len();
                    (*slot, rest) = (pack(offset, text.len()), after);
                    continue;
                }
            }
            _ => {}
        }
        let (value, after) = parse_other(layout, bytes, rest, pos)?;
        (*slot, rest) = (value, after);
    }
    read::end(bytes, bytes.len() - rest.len(), "compacted row")
}

/// As [`parse`], but gives the values themselves.
pub(super) fn decode_values<'b>(
    layout: &Layout,
    bytes: &'b [u8],
    values: &mut [Datum<'b>],
) -> Result<()> {
    match bytes.split_at_checked(layout.null_bytes) {
        Some((nulls, rest)) if no_nulls(nulls) => {
            decode_columns::<false>(layout, bytes, rest, values)
        }
        Some((_, rest)) => decode_columns::<true>(layout, bytes, rest, values),
        None => read::need(bytes, 0, layout.null_bytes, "null bits"),
    }
}

fn decode_columns<'b, const NULLS: bool>(
    layout: &Layout,
    bytes: &'b [u8],
    mut rest: &'b [u8],
    values: &mut [Datum<'b>],
) -> Result<()> {
    for (pos, (kind, value)) in layout.kinds.iter().zip(values).enumerate() {
        if NULLS && read::null_bit(bytes, pos) {
            *value = Datum::Null;
            continue;
        }
        // As above. A value of the same type is overwritten, which takes less than dropping it.
        match (kind, &mut *value) {
            (Kind::BigInt, Datum::BigInt(value)) => {
                if let Some((long, after)) = take_long(rest) {
                    (*value, rest) = (long, after);
                    continue;
                }
            }
            (Kind::Int, Datum::Int(value)) => {
                if let Some((int, after)) = take_int(rest) {
                    (*value, rest) = (int, after);
                    continue;
                }
            }
            (Kind::Double, Datum::Double(value)) => {
                if let Some((word, after)) = rest.split_first_chunk() {
                    (*value, rest) = (f64::from_le_bytes(*word), after);
                    continue;
                }
            }
            (Kind::Text, Datum::String(Cow::Borrowed(value))) => {
                if let Some((text, after)) = take_short(rest)
                    && let Ok(text) = text.as_ascii_str()
                {
                    (*value, rest) = (text.as_str(), after);
                    continue;
                }
            }
            _ => {}
        }
        rest = decode_other(layout, bytes, rest, pos, value)?;
    }
    read::end(bytes, bytes.len() - rest.len(), "compacted row")
}

/// The value of any column; returns what follows.
#[inline(never)]
fn decode_other<'b>(
    layout: &Layout,
    bytes: &'b [u8],
    rest: &'b [u8],
    pos: usize,
    value: &mut Datum<'b>,
) -> Result<&'b [u8]> {
    let (slot, after) = parse_other(layout, bytes, rest, pos)?;
    *value = nested::datum(layout, bytes, slot, pos)?;
    Ok(after)
}

#[inline]
fn no_nulls(bits: &[u8]) -> bool {
    match bits {
        [byte] => *byte == 0,
        bytes => bytes.iter().all(|byte| *byte == 0),
    }
}

/// A varint of up to eight bytes, and what follows; the others are left to [`parse_other`].
#[inline]
fn take_long(rest: &[u8]) -> Option<(i64, &[u8])> {
    let (value, length) = quick_varint(rest)?;
    Some((value as i64, rest.get(length..)?))
}

#[inline]
fn take_int(rest: &[u8]) -> Option<(i32, &[u8])> {
    let (value, length) = quick_varint32(rest)?;
    Some((value as i32, rest.get(length..)?))
}

/// A value of less than 128 bytes, and what follows.
#[inline]
fn take_short(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, after) = rest.split_first()?;
    if *length < 0x80 {
        after.split_at_checked(usize::from(*length))
    } else {
        None
    }
}

/// The slot of any value, and what follows.
#[inline(never)]
fn parse_other<'b>(
    layout: &Layout,
    bytes: &'b [u8],
    rest: &[u8],
    pos: usize,
) -> Result<(u64, &'b [u8])> {
    let mut at = bytes.len() - rest.len();
    let slot = match layout.fields.get(pos) {
        Some(field) => parse_value(&field.op, bytes, &mut at)?,
        None => 0,
    };
    Ok((slot, bytes.get(at..).unwrap_or_default()))
}

fn parse_value(op: &Op, bytes: &[u8], at: &mut usize) -> Result<u64> {
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
        Op::Char(_)
        | Op::String
        | Op::Binary(_)
        | Op::Bytes
        | Op::BigDecimal { .. }
        | Op::Array(_)
        | Op::Map(..)
        | Op::Row(_) => {
            let length = read_varint32(bytes, at, op.type_name())? as usize;
            let start = *at;
            read::need(bytes, start, length, op.type_name())?;
            *at = start + length;
            let slot = pack(start, length);
            match op {
                Op::Char(_) | Op::String => read::check_utf8(bytes, slot)?,
                Op::BigDecimal { .. } => read::check_decimal(op, bytes, slot)?,
                _ => {}
            }
            slot
        }
    })
}
