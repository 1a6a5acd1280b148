//! Compacted rows, written: null bits, then the values back to back.
//!
//! Source: `CompactedRowWriter.java`.

use super::buffer::{RowBuffer, put_part};
use super::layout::{Field, Layout, Op};
use super::varint::{pack_varint, put_long, put_varint};
use super::{indexed, nested};
use crate::assign::{binary_of, char_of, instant_of, time_of, timestamp_of};
use crate::decimal::{column_decimal, unscaled_to_bytes};
use crate::{DataGetters, Datum, GenericRow, InternalRow, Result};

/// What values are written to.
pub(crate) trait Sink {
    type Buffer: RowBuffer + ?Sized;

    /// The first `length` bytes of a little-endian word.
    fn put_word(&mut self, word: u64, length: usize);

    /// A varint of 32 or 64 bits.
    fn put_varint(&mut self, value: u64);

    /// Length and bytes.
    fn put_bytes(&mut self, bytes: &[u8]) -> Result<()>;

    /// The buffer, with everything that was written so far.
    fn buffer(&mut self) -> &mut Self::Buffer;
}

/// Writes straight to a buffer: the best for one or two values, as most keys have.
pub(crate) struct Direct<'o, B: ?Sized>(pub(crate) &'o mut B);

impl<B: RowBuffer + ?Sized> Sink for Direct<'_, B> {
    type Buffer = B;

    #[inline]
    fn put_word(&mut self, word: u64, length: usize) {
        put_part(self.0, &word.to_le_bytes(), length);
    }

    #[inline]
    fn put_varint(&mut self, value: u64) {
        put_varint(self.0, value);
    }

    #[inline]
    fn put_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        indexed::length_u32(bytes.len())?;
        put_varint(self.0, bytes.len() as u64);
        self.0.put(bytes);
        Ok(())
    }

    #[inline]
    fn buffer(&mut self) -> &mut B {
        self.0
    }
}

/// Bytes that are collected before they go to the buffer.
const CHUNK: usize = 64;

/// Collects values before they go to a buffer: a small value costs one check and one store, the buffer's own
/// bookkeeping is done once a chunk.
pub(crate) struct Chunk<'o, B: ?Sized> {
    out: &'o mut B,
    bytes: [u8; CHUNK],
    used: usize,
}

impl<'o, B: RowBuffer + ?Sized> Chunk<'o, B> {
    #[inline]
    fn new(out: &'o mut B) -> Self {
        Self {
            out,
            bytes: [0; CHUNK],
            used: 0,
        }
    }

    /// Writes the rest; nothing may be added after this.
    #[inline]
    fn finish(&mut self) {
        put_part(self.out, &self.bytes, self.used);
    }
}

impl<B: RowBuffer + ?Sized> Chunk<'_, B> {
    /// As `put_varint`; numbers of up to three bytes take fewer steps.
    #[expect(clippy::inline_always, reason = "as put_varint")]
    #[inline(always)]
    fn put_varint32(&mut self, value: u32) {
        if value < 0x80 {
            self.put_word(u64::from(value), 1);
        } else if value < 1 << 21 {
            let low = value & 0x7f | value << 1 & 0x7f00;
            let (word, length) = if value < 1 << 14 {
                (low | 0x80, 2)
            } else {
                (low | value << 2 & 0x7f_0000 | 0x8080, 3)
            };
            self.put_word(u64::from(word), length);
        } else {
            let (word, length) = pack_varint(u64::from(value));
            self.put_word(word, length);
        }
    }
}

impl<B: RowBuffer + ?Sized> Sink for Chunk<'_, B> {
    type Buffer = B;

    #[inline]
    fn put_word(&mut self, word: u64, length: usize) {
        if self.used > CHUNK - 8 {
            self.buffer();
        }
        if let Some(place) = self
            .bytes
            .get_mut(self.used..)
            .and_then(<[u8]>::first_chunk_mut)
        {
            *place = word.to_le_bytes();
        }
        self.used += length;
    }

    #[expect(
        clippy::inline_always,
        reason = "a few instructions; as a call it costs three times as many"
    )]
    #[inline(always)]
    fn put_varint(&mut self, value: u64) {
        if value < 0x80 {
            self.put_word(value, 1);
        } else if value < 1 << 56 {
            let (word, length) = pack_varint(value);
            self.put_word(word, length);
        } else {
            put_long(self.buffer(), value);
        }
    }

    #[expect(clippy::inline_always, reason = "as put_varint")]
    #[inline(always)]
    fn put_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let length = bytes.len();
        if length < 0x80 {
            self.put_word(length as u64, 1);
        } else {
            indexed::length_u32(length)?;
            self.put_varint(length as u64);
        }
        // Sixteen to thirty-two bytes need no call: the first and the last sixteen may overlap.
        if length <= 32
            && self.used <= CHUNK - 32
            && let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>())
            && let Some(place) = self.bytes.get_mut(self.used..)
            && let Some((place, _)) = place.split_first_chunk_mut::<32>()
        {
            if let Some(place) = place.first_chunk_mut() {
                *place = *first;
            }
            if let Some(place) = place.get_mut(length - 16..)
                && let Some(place) = place.first_chunk_mut()
            {
                *place = *last;
            }
            self.used += length;
            return Ok(());
        }
        match self
            .bytes
            .get_mut(self.used..)
            .and_then(|room| room.get_mut(..length))
        {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.used += length;
            }
            None => self.buffer().put(bytes),
        }
        Ok(())
    }

    #[inline]
    fn buffer(&mut self) -> &mut B {
        flush(self.out, &self.bytes, self.used);
        self.used = 0;
        self.out
    }
}

#[inline(never)]
fn flush<B: RowBuffer + ?Sized>(out: &mut B, bytes: &[u8; CHUNK], used: usize) {
    put_part(out, bytes, used);
}

/// Appends a row; on an error the buffer holds a part of it.
#[inline]
pub(crate) fn encode<R, B>(layout: &Layout, row: &R, out: &mut B) -> Result<()>
where
    R: InternalRow + ?Sized,
    B: RowBuffer + ?Sized,
{
    match row.as_generic() {
        Some(row) => encode_values(layout, row, out),
        None => encode_fields(layout, row, out),
    }
}

/// As `encode`, for a row whose values are at hand.
fn encode_values<B>(layout: &Layout, row: &GenericRow<'_>, out: &mut B) -> Result<()>
where
    B: RowBuffer + ?Sized,
{
    layout.check_count(row.values().len())?;
    let start = out.len();
    let mut chunk = Chunk::new(out);
    put_null_bits(&mut chunk, layout.null_bytes);
    for (pos, (field, value)) in layout.fields.iter().zip(row.values()).enumerate() {
        // The values of exactly the column's type, then those that convert. No call gets the chunk as a whole: what
        // is used of it stays in a register.
        match value {
            Datum::BigInt(value) if matches!(field.op, Op::BigInt) => {
                chunk.put_varint(*value as u64);
            }
            Datum::Int(value) if matches!(field.op, Op::Int) => {
                chunk.put_varint32(*value as u32);
            }
            Datum::Double(value) if matches!(field.op, Op::Double) => {
                chunk.put_word(value.to_bits(), 8);
            }
            Datum::String(value) if matches!(field.op, Op::String) => {
                chunk.put_bytes(value.as_bytes())?;
            }
            Datum::Null => put_null(layout, chunk.out, &mut chunk.bytes, start, pos)?,
            _ => write_other(layout, row, pos, chunk.buffer())?,
        }
    }
    chunk.finish();
    Ok(())
}

/// The other types, and values that are not exactly of the column's type.
#[inline(never)]
fn write_other<B>(layout: &Layout, row: &GenericRow<'_>, pos: usize, out: &mut B) -> Result<()>
where
    B: RowBuffer + ?Sized,
{
    match layout.fields.get(pos) {
        Some(field) => write_value(field, row, pos, &mut Direct(out))
            .map_err(|error| layout.explain(pos, error)),
        None => Ok(()),
    }
}

/// As `encode`, for a row that is asked for its fields.
fn encode_fields<R, B>(layout: &Layout, row: &R, out: &mut B) -> Result<()>
where
    R: DataGetters + ?Sized,
    B: RowBuffer + ?Sized,
{
    layout.check_count(row.field_count())?;
    let start = out.len();
    let mut chunk = Chunk::new(out);
    put_null_bits(&mut chunk, layout.null_bytes);
    for (pos, field) in layout.fields.iter().enumerate() {
        match row.is_null_at(pos) {
            Ok(false) => write_value(field, row, pos, &mut chunk)
                .map_err(|error| layout.explain(pos, error))?,
            Ok(true) => put_null(layout, chunk.out, &mut chunk.bytes, start, pos)?,
            Err(error) => return Err(layout.explain(pos, error)),
        }
    }
    chunk.finish();
    Ok(())
}

/// Zeroed null bits.
#[inline]
fn put_null_bits<B: RowBuffer + ?Sized>(chunk: &mut Chunk<'_, B>, count: usize) {
    if count <= CHUNK {
        chunk.used = count;
    } else {
        chunk.out.put_zeros(count);
    }
}

/// Sets a null bit, in the bytes that have been collected or in the buffer.
#[inline(never)]
fn put_null<B>(
    layout: &Layout,
    out: &mut B,
    collected: &mut [u8; CHUNK],
    start: usize,
    pos: usize,
) -> Result<()>
where
    B: RowBuffer + ?Sized,
{
    if !layout.fields.get(pos).is_some_and(|field| field.nullable) {
        return Err(layout.null_error(pos));
    }
    if out.len() == start {
        if let Some(byte) = collected.get_mut(pos / 8) {
            *byte |= 1 << (pos % 8);
        }
    } else {
        set_null(out, start, pos);
    }
    Ok(())
}

#[inline]
pub(super) fn set_null<B: RowBuffer + ?Sized>(out: &mut B, start: usize, pos: usize) {
    if let Some(byte) = out.get_mut(start + pos / 8) {
        *byte |= 1 << (pos % 8);
    }
}

/// Appends a value that is not null, without a null bit. A compacted key is nothing but these.
#[inline]
pub(crate) fn write_value<R, S>(field: &Field, row: &R, pos: usize, sink: &mut S) -> Result<()>
where
    R: DataGetters + ?Sized,
    S: Sink,
{
    match &field.op {
        Op::Boolean => sink.put_word(u64::from(row.get_boolean(pos)?), 1),
        Op::TinyInt => sink.put_word(row.get_byte(pos)? as u64, 1),
        Op::SmallInt => sink.put_word(row.get_short(pos)? as u64, 2),
        Op::Int => sink.put_varint(u64::from(row.get_int(pos)? as u32)),
        Op::BigInt => sink.put_varint(row.get_long(pos)? as u64),
        Op::Float => sink.put_word(u64::from(row.get_float(pos)?.to_bits()), 4),
        Op::Double => sink.put_word(row.get_double(pos)?.to_bits(), 8),
        Op::Char(width) => sink.put_bytes(char_of(row, pos, *width)?.as_bytes())?,
        Op::String => sink.put_bytes(row.get_string(pos)?.as_bytes())?,
        Op::Binary(width) => sink.put_bytes(binary_of(row, pos, *width)?)?,
        Op::Bytes => sink.put_bytes(row.get_bytes(pos)?)?,
        Op::Date => sink.put_varint(u64::from(row.get_date(pos)?.get_inner() as u32)),
        Op::Time { precision } => {
            sink.put_varint(u64::from(time_of(row, pos, *precision)?.get_inner() as u32));
        }
        other => write_rare(other, row, pos, sink)?,
    }
    Ok(())
}

/// The types that take more work, apart so that the others stay in the encoder's loop.
#[inline(never)]
fn write_rare<R, S>(op: &Op, row: &R, pos: usize, sink: &mut S) -> Result<()>
where
    R: DataGetters + ?Sized,
    S: Sink,
{
    match op {
        Op::Decimal { precision, scale } => {
            let value = column_decimal(row, pos, u32::from(*precision), u32::from(*scale))?;
            sink.put_varint(value.unscaled() as u64);
        }
        Op::BigDecimal { precision, scale } => {
            let value = column_decimal(row, pos, u32::from(*precision), u32::from(*scale))?;
            let (bytes, skip) = unscaled_to_bytes(value.unscaled());
            sink.put_bytes(bytes.get(skip..).unwrap_or_default())?;
        }
        Op::Timestamp { precision } => {
            let value = timestamp_of(row, pos, *precision)?;
            sink.put_varint(value.get_millisecond() as u64);
        }
        Op::TimestampNanos { precision } => {
            let value = timestamp_of(row, pos, *precision)?;
            sink.put_varint(value.get_millisecond() as u64);
            sink.put_varint(u64::from(value.get_nano_of_millisecond() as u32));
        }
        Op::Ltz { precision } => {
            let value = instant_of(row, pos, *precision)?;
            sink.put_varint(value.get_epoch_millisecond() as u64);
        }
        Op::LtzNanos { precision } => {
            let value = instant_of(row, pos, *precision)?;
            sink.put_varint(value.get_epoch_millisecond() as u64);
            sink.put_varint(u64::from(value.get_nano_of_millisecond() as u32));
        }
        Op::Array(_) | Op::Map(..) | Op::Row(_) => {
            // The length comes first but is known last: write the value, then the length, then
            // let them change places. No second buffer.
            let out = sink.buffer();
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
