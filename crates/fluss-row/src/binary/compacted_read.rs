//! Compacted rows, read: one slot a column, or the values themselves.
//!
//! Source: `CompactedRowReader.java`.

use std::borrow::Cow;

use ascii::AsAsciiStr;

use super::layout::{Kind, Layout, Op};
use super::nested;
use super::read::{self, pack, unpack};
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
                if let Some(text) = short_text(rest)
                    && read::is_ascii(text)
                    && let Some(after) = rest.get(1 + text.len()..)
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

/// The values of a row without nulls, none of which needs a closer look; `None` when they are all read and nothing follows.
/// Else how many columns and how many bytes are left, for [`decode_rest`].
///
/// A loop of its own, from which nothing is called and which cannot err: its variables stay in registers.
#[inline(never)]
pub(super) fn decode_quickly<'b>(
    layout: &Layout,
    bytes: &'b [u8],
    values: &mut [Datum<'b>],
) -> Option<u64> {
    let all = Some(pack(layout.kinds.len(), bytes.len()));
    let Some((nulls, mut rest)) = bytes.split_at_checked(layout.null_bytes) else {
        return all;
    };
    if !no_nulls(nulls) || values.len() != layout.kinds.len() {
        return all;
    }
    for (pos, (kind, value)) in layout.kinds.iter().zip(values).enumerate() {
        let Some(after) = take(*kind, value, rest) else {
            return Some(pack(layout.kinds.len() - pos, rest.len()));
        };
        rest = after;
    }
    (!rest.is_empty()).then(|| pack(0, rest.len()))
}

/// The values that [`decode_quickly`] has left. With all of them left, the null bits are, too.
pub(super) fn decode_rest<'b>(
    layout: &Layout,
    bytes: &'b [u8],
    values: &mut [Datum<'b>],
    left: u64,
) -> Result<()> {
    let (columns_left, length) = unpack(left);
    let count = layout.kinds.len();
    let mut rest = bytes
        .get(bytes.len().saturating_sub(length)..)
        .unwrap_or_default();
    if columns_left == count {
        read::need(bytes, 0, layout.null_bytes, "null bits")?;
        rest = bytes.get(layout.null_bytes..).unwrap_or_default();
    }
    let columns = layout.kinds.iter().zip(values).enumerate();
    for (pos, (kind, value)) in columns.skip(count.saturating_sub(columns_left)) {
        if read::null_bit(bytes, pos) {
            *value = Datum::Null;
        } else if let Some(after) = take(*kind, value, rest) {
            rest = after;
        } else {
            rest = decode_other(layout, bytes, rest, pos, value)?;
        }
    }
    read::end(bytes, bytes.len() - rest.len(), "compacted row")
}

/// A value of the most frequent types, and what follows; `None` for whatever takes longer or is wrong. A value of the same type
/// is overwritten, which takes less than dropping it. Comparing step by step takes less than a table of jumps.
#[inline]
fn take<'b>(kind: Kind, value: &mut Datum<'b>, rest: &'b [u8]) -> Option<&'b [u8]> {
    if kind <= Kind::Int {
        if kind == Kind::Int {
            let Datum::Int(value) = value else {
                return None;
            };
            let (int, after) = take_int(rest)?;
            *value = int;
            Some(after)
        } else {
            let Datum::BigInt(value) = value else {
                return None;
            };
            let (long, after) = take_long(rest)?;
            *value = long;
            Some(after)
        }
    } else if kind == Kind::Double {
        let Datum::Double(value) = value else {
            return None;
        };
        let (word, after) = rest.split_first_chunk()?;
        *value = f64::from_le_bytes(*word);
        Some(after)
    } else if kind == Kind::Text {
        let Datum::String(Cow::Borrowed(value)) = value else {
            return None;
        };
        let text = short_text(rest)?;
        *value = text.as_ascii_str().ok()?.as_str();
        rest.get(1 + text.len()..)
    } else {
        None
    }
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
        [0] => true,
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

/// A text of less than 128 bytes, behind its length.
#[inline]
fn short_text(rest: &[u8]) -> Option<&[u8]> {
    let length = *rest.first()?;
    if length < 0x80 {
        rest.get(1..1 + usize::from(length))
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
