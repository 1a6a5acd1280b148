//! Compacted rows, read: one slot a column, or the values themselves.
//!
//! Source: `CompactedRowReader.java`.

use std::borrow::Cow;

use ascii::AsAsciiStr;

use super::layout::{Kind, Layout, Op};
use super::nested;
use super::read::{self, pack, unpack};
use super::varint::{quick_varint, quick_varint32, read_varint32, read_varint64};
use crate::{Datum, GenericRow, Result};

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

/// `rest` is what follows the null bits; without `NULLS` none of them is set.
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
                if let Some(text) = short_text::<0x80>(rest)
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

/// Decodes a row without nulls, each value of which is one that [`take`] takes, into a row that held values of the
/// same types before. `None` when that was all. Else where it stopped, for [`decode_rest`]: how many bytes are left,
/// and the column.
///
/// A loop of its own, which calls nothing and cannot err, so that its variables stay in registers.
#[inline(never)]
pub(super) fn decode_quickly<'b>(
    layout: &Layout,
    bytes: &'b [u8],
    row: &mut GenericRow<'b>,
) -> Option<u64> {
    let Some((nulls, mut rest)) = bytes.split_at_checked(layout.quick_null_bytes) else {
        return FROM_THE_START;
    };
    if !no_nulls(nulls) {
        return FROM_THE_START;
    }
    let Some(values) = row.values_if(layout.kinds.len()) else {
        return FROM_THE_START;
    };
    for (pos, (kind, value)) in layout.kinds.iter().zip(values).enumerate() {
        match take(*kind, value, rest) {
            Some(after) => rest = after,
            None => return Some(pack(rest.len(), pos)),
        }
    }
    if rest.is_empty() {
        None
    } else {
        Some(pack(rest.len(), layout.kinds.len()))
    }
}

/// Nothing is decoded yet.
const FROM_THE_START: Option<u64> = Some(0);

/// What [`decode_quickly`] leaves of a row, and all of it from column 0 on.
pub(super) fn decode_rest<'b>(
    layout: &Layout,
    bytes: &'b [u8],
    values: &mut [Datum<'b>],
    stop: u64,
) -> Result<()> {
    let (left, first) = unpack(stop);
    let mut rest = if first == 0 {
        read::need(bytes, 0, layout.null_bytes, "null bits")?;
        bytes.get(layout.null_bytes..).unwrap_or_default()
    } else {
        let at = bytes.len().saturating_sub(left);
        bytes.get(at..).unwrap_or_default()
    };
    let columns = layout.kinds.iter().zip(values).enumerate();
    for (pos, (kind, value)) in columns.skip(first) {
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

/// A value of the most frequent types, and what follows; `None` for whatever takes longer or is wrong. A value of the
/// same type is overwritten, which takes less than dropping it. Comparing step by step takes less than a table of
/// jumps.
#[expect(
    clippy::inline_always,
    reason = "as a call it costs a third of a whole row"
)]
#[inline(always)]
fn take<'b>(kind: Kind, value: &mut Datum<'b>, rest: &'b [u8]) -> Option<&'b [u8]> {
    if kind <= Kind::Int {
        if kind == Kind::Int {
            if let Datum::Int(value) = value
                && let Some((int, after)) = take_int(rest)
            {
                *value = int;
                return Some(after);
            }
        } else if let Datum::BigInt(value) = value
            && let Some((long, after)) = take_long(rest)
        {
            *value = long;
            return Some(after);
        }
    } else if kind == Kind::Double {
        if let Datum::Double(value) = value
            && let Some((word, after)) = rest.split_first_chunk()
        {
            *value = f64::from_le_bytes(*word);
            return Some(after);
        }
    } else if kind == Kind::Text
        && let Datum::String(Cow::Borrowed(value)) = value
        && let Some(text) = short_text::<0x40>(rest)
        && let Ok(ascii) = text.as_ascii_str()
        && let Some(after) = rest.get(1 + text.len()..)
    {
        *value = ascii.as_str();
        return Some(after);
    }
    None
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

/// A string of less than `MAX` bytes, after its one-byte length: `MAX` is at most 128.
#[inline]
fn short_text<const MAX: u8>(rest: &[u8]) -> Option<&[u8]> {
    let length = *rest.first()?;
    if length < MAX {
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
        Some(field) => {
            parse_value(&field.op, bytes, &mut at).map_err(|error| layout.corrupt(pos, error))?
        }
        None => 0,
    };
    Ok((slot, bytes.get(at..).unwrap_or_default()))
}

fn parse_value(op: &Op, bytes: &[u8], at: &mut usize) -> Result<u64> {
    Ok(match op {
        Op::Boolean => u64::from(read::boolean(read::take::<1>(bytes, at, "BOOLEAN")?, *at)?),
        Op::TinyInt => i64::from(i8::from_le_bytes(read::take(bytes, at, "TINYINT")?)) as u64,
        Op::SmallInt => i64::from(i16::from_le_bytes(read::take(bytes, at, "SMALLINT")?)) as u64,
        Op::Int | Op::Date | Op::Time { .. } => {
            i64::from(read_varint32(bytes, at, op.type_name())? as i32) as u64
        }
        Op::BigInt => read_varint64(bytes, at, "BIGINT")?,
        Op::Decimal { .. } | Op::Timestamp { .. } | Op::Ltz { .. } => {
            read_varint64(bytes, at, op.type_name())?
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
