//! A decoded row: shared bytes, and the place or value of each column.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use fluss_metadata::RowType;

use super::layout::{Layout, Op, RowFormat};
use super::nested;
use super::read::{self, Value};
use crate::getters::row_getters;
use crate::{
    DataGetters, Date, Datum, Decimal, FieldRef, FlussArray, FlussMap, GenericRow, InternalRow,
    Result, RowError, Time, TimestampLtz, TimestampNtz,
};

/// Rows of up to so many columns need no allocation.
const INLINE_COLUMNS: usize = 8;

/// A row of any binary format, decoded once: every column has been found and checked, so that getters
/// only pick values up. Strings and bytes are borrowed from the row's bytes; arrays, maps and nested rows
/// are decoded when they are read.
///
/// Made by [`RowDecoder`](crate::RowDecoder). A clone shares the bytes.
#[derive(Clone)]
pub struct BinaryRow {
    layout: Arc<Layout>,
    bytes: Bytes,
    slots: Slots,
}

#[derive(Clone)]
enum Slots {
    Inline([u64; INLINE_COLUMNS]),
    Heap(Vec<u64>),
}

impl Slots {
    #[inline]
    fn as_slice(&self) -> &[u64] {
        match self {
            Self::Inline(slots) => slots,
            Self::Heap(slots) => slots,
        }
    }
}

impl BinaryRow {
    pub(crate) fn decode(layout: &Arc<Layout>, bytes: Bytes) -> Result<Self> {
        let columns = layout.fields.len();
        let slots = if columns <= INLINE_COLUMNS {
            let mut slots = [0; INLINE_COLUMNS];
            read::parse(layout, &bytes, &mut slots)?;
            Slots::Inline(slots)
        } else {
            let mut slots = vec![0; columns];
            read::parse(layout, &bytes, &mut slots)?;
            Slots::Heap(slots)
        };
        Ok(Self {
            layout: Arc::clone(layout),
            bytes,
            slots,
        })
    }

    /// Decodes another row of the same type in place of this one, without any allocation. After an error
    /// the row has no bytes and must not be read.
    pub fn decode_next(&mut self, bytes: Bytes) -> Result<()> {
        let slots: &mut [u64] = match &mut self.slots {
            Slots::Inline(slots) => slots,
            Slots::Heap(slots) => slots,
        };
        self.bytes = bytes;
        match read::parse(&self.layout, &self.bytes, slots) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.bytes = Bytes::new();
                Err(error)
            }
        }
    }

    /// The bytes of the row.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes of the row, taken out.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// The format of the bytes.
    pub fn format(&self) -> RowFormat {
        self.layout.format
    }

    /// The type of the row.
    pub fn row_type(&self) -> &RowType {
        &self.layout.row_type
    }

    row_getters!();

    /// A field that is read as a value.
    #[inline]
    fn value(&self, pos: usize) -> Result<Value<'_, '_>> {
        if nested::is_null(&self.layout, &self.bytes, pos) {
            return Err(self.null_error(pos));
        }
        nested::row_value(&self.layout, &self.bytes, self.slots.as_slice(), pos)
    }

    /// The slot of a field that is there and not null.
    #[inline]
    fn present(&self, pos: usize) -> Option<(&Op, u64)> {
        let field = self.layout.fields.get(pos)?;
        if nested::is_null(&self.layout, &self.bytes, pos) {
            return None;
        }
        Some((&field.op, *self.slots.as_slice().get(pos)?))
    }

    /// Why a getter has no value for a field.
    #[cold]
    #[inline(never)]
    fn refusal(&self, pos: usize, read: impl Fn(&Value<'_, '_>) -> Option<RowError>) -> RowError {
        match self.value(pos) {
            Ok(value) => match read(&value) {
                Some(error) => self.named(pos, error),
                None => self.null_error(pos),
            },
            Err(error) => error,
        }
    }

    #[cold]
    fn null_error(&self, position: usize) -> RowError {
        let field_count = self.layout.fields.len();
        if position < field_count {
            RowError::NullValue {
                field: FieldRef::named(position, self.layout.name(position)),
            }
        } else {
            RowError::FieldOutOfRange {
                position,
                field_count,
            }
        }
    }

    #[cold]
    fn named(&self, pos: usize, error: RowError) -> RowError {
        error.at_column(pos, self.layout.name(pos))
    }
}

impl DataGetters for BinaryRow {
    #[inline]
    fn field_count(&self) -> usize {
        self.layout.fields.len()
    }
    #[inline]
    fn is_null_at(&self, position: usize) -> Result<bool> {
        let field_count = self.layout.fields.len();
        if position < field_count {
            Ok(nested::is_null(&self.layout, &self.bytes, position))
        } else {
            Err(RowError::FieldOutOfRange {
                position,
                field_count,
            })
        }
    }
    #[inline]
    fn get_boolean(&self, pos: usize) -> Result<bool> {
        match self.present(pos) {
            Some((Op::Boolean, slot)) => Ok(slot != 0),
            _ => Err(self.refusal(pos, |value| value.boolean().err())),
        }
    }
    #[inline]
    fn get_byte(&self, pos: usize) -> Result<i8> {
        match self.present(pos) {
            Some((Op::TinyInt, slot)) => Ok(slot as i8),
            _ => Err(self.refusal(pos, |value| value.byte().err())),
        }
    }
    #[inline]
    fn get_short(&self, pos: usize) -> Result<i16> {
        match self.present(pos) {
            Some((Op::SmallInt, slot)) => Ok(slot as i16),
            _ => Err(self.refusal(pos, |value| value.short().err())),
        }
    }
    #[inline]
    fn get_int(&self, pos: usize) -> Result<i32> {
        match self.present(pos) {
            Some((Op::Int, slot)) => Ok(slot as i32),
            _ => Err(self.refusal(pos, |value| value.int().err())),
        }
    }
    #[inline]
    fn get_long(&self, pos: usize) -> Result<i64> {
        match self.present(pos) {
            Some((Op::BigInt, slot)) => Ok(slot as i64),
            _ => Err(self.refusal(pos, |value| value.long().err())),
        }
    }
    #[inline]
    fn get_float(&self, pos: usize) -> Result<f32> {
        match self.present(pos) {
            Some((Op::Float, slot)) => Ok(f32::from_bits(slot as u32)),
            _ => Err(self.refusal(pos, |value| value.float().err())),
        }
    }
    #[inline]
    fn get_double(&self, pos: usize) -> Result<f64> {
        match self.present(pos) {
            Some((Op::Double, slot)) => Ok(f64::from_bits(slot)),
            _ => Err(self.refusal(pos, |value| value.double().err())),
        }
    }
    #[inline]
    fn get_char(&self, pos: usize, _length: usize) -> Result<&str> {
        self.value(pos)?
            .string()
            .map_err(|error| self.named(pos, error))
    }
    #[inline]
    fn get_string(&self, pos: usize) -> Result<&str> {
        match self.present(pos) {
            Some((Op::String | Op::Char(_), slot)) => read::string(&self.bytes, slot),
            _ => Err(self.refusal(pos, |value| value.string().err())),
        }
    }
    #[inline]
    fn get_decimal(&self, pos: usize, precision: u32, scale: u32) -> Result<Decimal> {
        self.value(pos)?
            .decimal_of(precision, scale)
            .map_err(|error| self.named(pos, error))
    }
    #[inline]
    fn get_date(&self, pos: usize) -> Result<Date> {
        self.value(pos)?
            .date()
            .map_err(|error| self.named(pos, error))
    }
    #[inline]
    fn get_time(&self, pos: usize) -> Result<Time> {
        self.value(pos)?
            .time()
            .map_err(|error| self.named(pos, error))
    }
    #[inline]
    fn get_timestamp_ntz(&self, pos: usize, _precision: u32) -> Result<TimestampNtz> {
        self.value(pos)?
            .timestamp_ntz()
            .map_err(|error| self.named(pos, error))
    }
    #[inline]
    fn get_timestamp_ltz(&self, pos: usize, _precision: u32) -> Result<TimestampLtz> {
        self.value(pos)?
            .timestamp_ltz()
            .map_err(|error| self.named(pos, error))
    }
    #[inline]
    fn get_binary(&self, pos: usize, _length: usize) -> Result<&[u8]> {
        self.value(pos)?
            .binary()
            .map_err(|error| self.named(pos, error))
    }
    #[inline]
    fn get_bytes(&self, pos: usize) -> Result<&[u8]> {
        self.value(pos)?
            .binary()
            .map_err(|error| self.named(pos, error))
    }
    #[inline]
    fn get_array(&self, pos: usize) -> Result<FlussArray<'_>> {
        self.value(pos)?
            .array()
            .map_err(|error| self.named(pos, error))
    }
    #[inline]
    fn get_map(&self, pos: usize) -> Result<FlussMap<'_>> {
        self.value(pos)?
            .map()
            .map_err(|error| self.named(pos, error))
    }
    #[inline]
    fn get_row(&self, pos: usize) -> Result<GenericRow<'_>> {
        self.value(pos)?
            .row()
            .map_err(|error| self.named(pos, error))
    }
    fn datum(&self, pos: usize) -> Result<Datum<'_>> {
        if DataGetters::is_null_at(self, pos)? {
            Ok(Datum::Null)
        } else {
            self.value(pos)?.datum()
        }
    }
}

impl InternalRow for BinaryRow {
    fn field_index(&self, name: &str) -> Option<usize> {
        self.layout.row_type.index_of(name)
    }
}

impl fmt::Debug for BinaryRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::getters::debug_row(self, f)
    }
}
