//! Checked reading of row bytes, and the slot values that parsing leaves behind.
//!
//! Parsing a row gives one `u64` a column. Numbers, dates and times are there themselves (integers sign
//! extended, floats as their bits). Strings, bytes, big decimals and nested values are their place,
//! packed as `offset << 32 | length`; a timestamp with nanoseconds is `offset << 32 | nanoseconds`, with
//! its milliseconds at that offset. The slot of a null is not set.

use ascii::AsAsciiStr;

use super::layout::{Layout, Op, RowFormat};
use super::varint::read_varint64;
use super::{aligned, compacted_read, indexed, nested};
use crate::decimal::unscaled_from_bytes;
use crate::{
    Date, Datum, Decimal, FieldRef, FlussArray, FlussMap, GenericRow, Result, RowError, Time,
    TimestampLtz, TimestampNtz,
};

/// Two numbers below 2^32 in one slot.
#[inline]
pub(crate) const fn pack(offset: usize, length: usize) -> u64 {
    (offset as u64) << 32 | length as u64
}

#[inline]
pub(crate) const fn unpack(slot: u64) -> (usize, usize) {
    ((slot >> 32) as usize, (slot & 0xffff_ffff) as usize)
}

#[cold]
pub(crate) fn truncated(
    what: &'static str,
    offset: usize,
    needed: usize,
    total: usize,
) -> RowError {
    RowError::Truncated {
        what,
        offset,
        needed,
        available: total.saturating_sub(offset),
    }
}

#[cold]
fn malformed(what: &'static str, offset: usize, problem: &'static str) -> RowError {
    RowError::Malformed {
        what,
        offset,
        problem,
    }
}

/// Returns an error unless `length` bytes are there from `offset` on.
#[inline]
pub(crate) fn need(bytes: &[u8], offset: usize, length: usize, what: &'static str) -> Result<()> {
    if bytes
        .len()
        .checked_sub(offset)
        .is_some_and(|left| left >= length)
    {
        Ok(())
    } else {
        Err(truncated(what, offset, length, bytes.len()))
    }
}

/// The `length` bytes from `offset` on.
#[inline]
pub(crate) fn slice<'b>(
    bytes: &'b [u8],
    offset: usize,
    length: usize,
    what: &'static str,
) -> Result<&'b [u8]> {
    offset
        .checked_add(length)
        .and_then(|end| bytes.get(offset..end))
        .ok_or_else(|| truncated(what, offset, length, bytes.len()))
}

/// The `N` bytes from `offset` on.
#[inline]
pub(crate) fn fixed<const N: usize>(
    bytes: &[u8],
    offset: usize,
    what: &'static str,
) -> Result<[u8; N]> {
    bytes
        .get(offset..)
        .and_then(<[u8]>::first_chunk)
        .copied()
        .ok_or_else(|| truncated(what, offset, N, bytes.len()))
}

/// The `N` bytes from `*at` on, moving on.
#[inline]
pub(crate) fn take<const N: usize>(
    bytes: &[u8],
    at: &mut usize,
    what: &'static str,
) -> Result<[u8; N]> {
    let value = fixed(bytes, *at, what)?;
    *at += N;
    Ok(value)
}

/// A row ends where its last value ends.
#[inline]
pub(crate) fn end(bytes: &[u8], at: usize, what: &'static str) -> Result<()> {
    if at == bytes.len() {
        Ok(())
    } else {
        Err(malformed(
            what,
            at,
            "followed by more bytes than its type has values",
        ))
    }
}

/// Offsets are kept in 32 bits.
#[inline]
pub(crate) fn check_size(bytes: &[u8]) -> Result<()> {
    if u32::try_from(bytes.len()).is_ok() {
        Ok(())
    } else {
        Err(RowError::TooLarge {
            what: "row",
            value: bytes.len() as u64,
            max: u64::from(u32::MAX),
        })
    }
}

/// Whether null bit `bit` is set; bits beyond the bytes are not.
#[inline]
pub(crate) fn null_bit(bytes: &[u8], bit: usize) -> bool {
    bytes
        .get(bit / 8)
        .is_some_and(|byte| byte >> (bit % 8) & 1 != 0)
}

/// `at` is the offset after the byte.
#[inline]
pub(crate) fn boolean(byte: [u8; 1], at: usize) -> Result<bool> {
    match byte {
        [0] => Ok(false),
        [1] => Ok(true),
        _ => Err(malformed(
            "BOOLEAN",
            at.saturating_sub(1),
            "neither 0 nor 1",
        )),
    }
}

#[inline]
pub(crate) fn check_nanos(nanos: u32, offset: usize) -> Result<()> {
    if nanos <= 999_999 {
        Ok(())
    } else {
        Err(malformed(
            "timestamp",
            offset,
            "of a million or more nanoseconds",
        ))
    }
}

/// Returns an error unless the bytes are text. Plain ASCII, which is most of it, takes a short cut.
#[inline]
pub(crate) fn check_utf8(bytes: &[u8], slot: u64) -> Result<()> {
    let (offset, length) = unpack(slot);
    let text = slice(bytes, offset, length, "STRING")?;
    if is_ascii(text) {
        Ok(())
    } else {
        string(bytes, slot).map(|_| ())
    }
}

/// Short texts in a few steps: the first and the last bytes may overlap.
#[inline]
pub(crate) fn is_ascii(text: &[u8]) -> bool {
    const MASK: u128 = 0x8080_8080_8080_8080_8080_8080_8080_8080;
    if text.len() <= 32
        && let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk())
    {
        (u128::from_le_bytes(*first) | u128::from_le_bytes(*last)) & MASK == 0
    } else {
        text.is_ascii()
    }
}

#[inline]
pub(crate) fn string(bytes: &[u8], slot: u64) -> Result<&str> {
    let (offset, length) = unpack(slot);
    let text = slice(bytes, offset, length, "STRING")?;
    // The standard library takes eight times as long for the short texts that most are.
    match text.as_ascii_str() {
        Ok(text) => Ok(text.as_str()),
        Err(_) => long_way(text, offset),
    }
}

#[inline(never)]
fn long_way(text: &[u8], offset: usize) -> Result<&str> {
    str::from_utf8(text).map_err(|_| malformed("STRING", offset, "not valid UTF-8"))
}

pub(crate) fn check_decimal(op: &Op, bytes: &[u8], slot: u64) -> Result<()> {
    if let Op::BigDecimal { precision, scale } = op {
        big_decimal(bytes, slot, u32::from(*precision), u32::from(*scale))?;
    }
    Ok(())
}

fn big_decimal(bytes: &[u8], slot: u64, precision: u32, scale: u32) -> Result<Decimal> {
    let (offset, length) = unpack(slot);
    unscaled_from_bytes(slice(bytes, offset, length, "DECIMAL")?)
        .and_then(|unscaled| Decimal::stored(unscaled, precision, scale))
        .ok_or_else(|| malformed("DECIMAL", offset, "beyond 38 digits"))
}

/// A value that is not null, not yet read as a type.
pub(crate) struct Value<'b, 'o> {
    pub(crate) op: &'o Op,
    pub(crate) slot: u64,
    pub(crate) bytes: &'b [u8],
    /// Position of the field or element, for errors.
    pub(crate) pos: usize,
    /// Whether the milliseconds of a timestamp with nanoseconds are a varint.
    pub(crate) compacted: bool,
}

impl<'b> Value<'b, '_> {
    /// An integer of another width, if its value fits.
    #[cold]
    fn other_integer<T: TryFrom<i64>>(&self, expected: &'static str) -> Result<T> {
        let wide = match self.op {
            Op::TinyInt => i64::from(self.slot as i8),
            Op::SmallInt => i64::from(self.slot as i16),
            Op::Int => i64::from(self.slot as i32),
            Op::BigInt => self.slot as i64,
            _ => return Err(self.wrong_type(expected)),
        };
        T::try_from(wide).map_err(|_| RowError::ValueOutOfRange {
            field: FieldRef::at(self.pos),
            expected: expected.into(),
            value: wide.to_string().into(),
        })
    }

    /// A FLOAT that is read as a DOUBLE.
    #[cold]
    fn other_double(&self) -> Result<f64> {
        match self.op {
            Op::Float => Ok(f64::from(f32::from_bits(self.slot as u32))),
            _ => Err(self.wrong_type("DOUBLE")),
        }
    }

    #[cold]
    fn wrong_type(&self, expected: &'static str) -> RowError {
        RowError::WrongType {
            field: FieldRef::at(self.pos),
            expected: expected.into(),
            actual: self.op.type_name().into(),
        }
    }

    #[inline]
    pub(crate) fn boolean(&self) -> Result<bool> {
        if matches!(self.op, Op::Boolean) {
            Ok(self.slot != 0)
        } else {
            Err(self.wrong_type("BOOLEAN"))
        }
    }

    #[inline]
    pub(crate) fn byte(&self) -> Result<i8> {
        if matches!(self.op, Op::TinyInt) {
            Ok(self.slot as i8)
        } else {
            self.other_integer("TINYINT")
        }
    }

    #[inline]
    pub(crate) fn short(&self) -> Result<i16> {
        if matches!(self.op, Op::SmallInt) {
            Ok(self.slot as i16)
        } else {
            self.other_integer("SMALLINT")
        }
    }

    #[inline]
    pub(crate) fn int(&self) -> Result<i32> {
        if matches!(self.op, Op::Int) {
            Ok(self.slot as i32)
        } else {
            self.other_integer("INT")
        }
    }

    #[inline]
    pub(crate) fn long(&self) -> Result<i64> {
        if matches!(self.op, Op::BigInt) {
            Ok(self.slot as i64)
        } else {
            self.other_integer("BIGINT")
        }
    }

    #[inline]
    pub(crate) fn float(&self) -> Result<f32> {
        if matches!(self.op, Op::Float) {
            Ok(f32::from_bits(self.slot as u32))
        } else {
            Err(self.wrong_type("FLOAT"))
        }
    }

    #[inline]
    pub(crate) fn double(&self) -> Result<f64> {
        if matches!(self.op, Op::Double) {
            Ok(f64::from_bits(self.slot))
        } else {
            self.other_double()
        }
    }

    #[inline]
    pub(crate) fn string(&self) -> Result<&'b str> {
        if matches!(self.op, Op::String | Op::Char(_)) {
            string(self.bytes, self.slot)
        } else {
            Err(self.wrong_type("STRING"))
        }
    }

    #[inline]
    pub(crate) fn binary(&self) -> Result<&'b [u8]> {
        if matches!(self.op, Op::Bytes | Op::Binary(_)) {
            self.raw()
        } else {
            Err(self.wrong_type("BYTES"))
        }
    }

    #[inline]
    fn raw(&self) -> Result<&'b [u8]> {
        let (offset, length) = unpack(self.slot);
        slice(self.bytes, offset, length, self.op.type_name())
    }

    pub(crate) fn decimal(&self) -> Result<Decimal> {
        match self.op {
            Op::Decimal { precision, scale } => {
                let unscaled = i128::from(self.slot as i64);
                Decimal::stored(unscaled, u32::from(*precision), u32::from(*scale))
                    .ok_or_else(|| self.wrong_type("DECIMAL"))
            }
            Op::BigDecimal { precision, scale } => big_decimal(
                self.bytes,
                self.slot,
                u32::from(*precision),
                u32::from(*scale),
            ),
            _ => Err(self.wrong_type("DECIMAL")),
        }
    }

    /// As [`Value::decimal`], for a getter that names precision and scale. A value that outgrew its column is
    /// returned as it is to who names those of the column.
    #[inline]
    pub(crate) fn decimal_of(&self, precision: u32, scale: u32) -> Result<Decimal> {
        let value = self.decimal()?;
        let is_declared = match self.op {
            Op::Decimal {
                precision: declared,
                ..
            }
            | Op::BigDecimal {
                precision: declared,
                ..
            } => u32::from(*declared) == precision,
            _ => false,
        };
        if is_declared && value.scale() == scale {
            Ok(value)
        } else {
            Datum::Decimal(value).read_decimal(self.pos, precision, scale)
        }
    }

    #[inline]
    pub(crate) fn date(&self) -> Result<Date> {
        if matches!(self.op, Op::Date) {
            Ok(Date::new(self.slot as i32))
        } else {
            Err(self.wrong_type("DATE"))
        }
    }

    #[inline]
    pub(crate) fn time(&self) -> Result<Time> {
        if matches!(self.op, Op::Time { .. }) {
            Ok(Time::new(self.slot as i32))
        } else {
            Err(self.wrong_type("TIME"))
        }
    }

    /// Milliseconds and nanoseconds of a timestamp that keeps both.
    fn millis_nanos(&self) -> Result<(i64, i32)> {
        let (mut offset, nanos) = unpack(self.slot);
        let millis = if self.compacted {
            read_varint64(self.bytes, &mut offset, "timestamp")? as i64
        } else {
            i64::from_le_bytes(fixed(self.bytes, offset, "timestamp")?)
        };
        Ok((millis, nanos as i32))
    }

    #[inline]
    pub(crate) fn timestamp_ntz(&self) -> Result<TimestampNtz> {
        match self.op {
            Op::Timestamp { .. } => Ok(TimestampNtz::new(self.slot as i64)),
            Op::TimestampNanos { .. } => {
                let (millis, nanos) = self.millis_nanos()?;
                TimestampNtz::from_millis_nanos(millis, nanos)
            }
            _ => Err(self.wrong_type("TIMESTAMP")),
        }
    }

    #[inline]
    pub(crate) fn timestamp_ltz(&self) -> Result<TimestampLtz> {
        match self.op {
            Op::Ltz { .. } => Ok(TimestampLtz::new(self.slot as i64)),
            Op::LtzNanos { .. } => {
                let (millis, nanos) = self.millis_nanos()?;
                TimestampLtz::from_millis_nanos(millis, nanos)
            }
            _ => Err(self.wrong_type("TIMESTAMP_LTZ")),
        }
    }

    pub(crate) fn array(&self) -> Result<FlussArray<'b>> {
        match self.op {
            Op::Array(element) => FlussArray::from_binary(self.raw()?, element),
            _ => Err(self.wrong_type("ARRAY")),
        }
    }

    pub(crate) fn map(&self) -> Result<FlussMap<'b>> {
        match self.op {
            Op::Map(key, value) => nested::read_map(self.raw()?, key, value),
            _ => Err(self.wrong_type("MAP")),
        }
    }

    pub(crate) fn row(&self) -> Result<GenericRow<'b>> {
        match self.op {
            Op::Row(layout) => nested::read_row(self.raw()?, layout),
            _ => Err(self.wrong_type("ROW")),
        }
    }

    pub(crate) fn datum(&self) -> Result<Datum<'b>> {
        Ok(match self.op {
            Op::Boolean => self.boolean()?.into(),
            Op::TinyInt => self.byte()?.into(),
            Op::SmallInt => self.short()?.into(),
            Op::Int => self.int()?.into(),
            Op::BigInt => self.long()?.into(),
            Op::Float => self.float()?.into(),
            Op::Double => self.double()?.into(),
            Op::Char(_) | Op::String => self.string()?.into(),
            Op::Binary(_) | Op::Bytes => self.binary()?.into(),
            Op::Decimal { .. } | Op::BigDecimal { .. } => self.decimal()?.into(),
            Op::Date => self.date()?.into(),
            Op::Time { .. } => self.time()?.into(),
            Op::Timestamp { .. } | Op::TimestampNanos { .. } => self.timestamp_ntz()?.into(),
            Op::Ltz { .. } | Op::LtzNanos { .. } => self.timestamp_ltz()?.into(),
            Op::Array(_) => self.array()?.into(),
            Op::Map(..) => self.map()?.into(),
            Op::Row(_) => self.row()?.into(),
        })
    }
}

/// Decodes a row of any format into its values, whatever `row` held before.
#[inline]
pub(crate) fn decode_values<'b>(
    layout: &Layout,
    bytes: &'b [u8],
    row: &mut GenericRow<'b>,
) -> Result<()> {
    match compacted_read::decode_quickly(layout, bytes, row) {
        None => Ok(()),
        Some(stop) => decode_slowly(layout, bytes, row, stop),
    }
}

/// Rows of other formats, and what [`compacted_read::decode_quickly`] leaves of compacted ones.
#[inline(never)]
fn decode_slowly<'b>(
    layout: &Layout,
    bytes: &'b [u8],
    row: &mut GenericRow<'b>,
    stop: u64,
) -> Result<()> {
    check_size(bytes)?;
    row.resize(layout.fields.len());
    let values = row.values_mut();
    if layout.format == RowFormat::Compacted {
        return compacted_read::decode_rest(layout, bytes, values, stop);
    }
    let mut slots = vec![0; values.len()];
    parse(layout, bytes, &mut slots)?;
    for (pos, value) in values.iter_mut().enumerate() {
        *value = nested::row_datum(layout, bytes, &slots, pos)?;
    }
    Ok(())
}

/// Parses a row of any format into one slot a column.
pub(crate) fn parse(layout: &Layout, bytes: &[u8], slots: &mut [u64]) -> Result<()> {
    check_size(bytes)?;
    match layout.format {
        RowFormat::Compacted => compacted_read::parse(layout, bytes, slots),
        RowFormat::Indexed => indexed::parse(layout, bytes, slots),
        RowFormat::Aligned => aligned::parse(layout, bytes, slots),
    }
}
