//! A decoded row: shared bytes, and the position or value of each column.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use fluss_metadata::RowType;

use super::layout::{INLINE_COLUMNS, Kind, Layout, RowFormat};
use super::nested;
use super::read::{self, Value};
use crate::getters::row_getters;
use crate::{
    DataGetters, Date, Datum, Decimal, FieldRef, FlussArray, FlussMap, GenericRow, InternalRow,
    Result, RowError, Time, TimestampLtz, TimestampNtz,
};

/// A row of any binary format, decoded once: every column has been located and checked, so getters are cheap. Strings
/// and bytes are borrowed from the row's bytes; arrays, maps and nested rows are decoded on access.
///
/// Created by [`RowDecoder`](crate::RowDecoder). Clones share the bytes.
#[derive(Clone)]
pub struct BinaryRow {
    layout: Arc<Layout>,
    bytes: Bytes,
    slots: Slots,
}

/// What parsing left of each column. The kind of a null is [`Kind::None`].
#[derive(Clone)]
enum Slots {
    Inline([Kind; INLINE_COLUMNS], [u64; INLINE_COLUMNS]),
    Heap(Box<[Kind]>, Box<[u64]>),
}

impl Slots {
    /// Slots without values.
    #[inline]
    fn new(layout: &Layout) -> Self {
        let columns = layout.fields.len();
        if columns <= INLINE_COLUMNS {
            Self::Inline([Kind::None; INLINE_COLUMNS], [0; INLINE_COLUMNS])
        } else {
            Self::Heap(layout.kinds.clone(), vec![0; columns].into_boxed_slice())
        }
    }

    #[inline]
    fn parse(&mut self, layout: &Layout, bytes: &[u8]) -> Result<()> {
        let kinds: &mut [Kind] = match self {
            Self::Inline(kinds, slots) => {
                read::parse(layout, bytes, slots)?;
                *kinds = layout.first_kinds;
                kinds
            }
            Self::Heap(kinds, slots) => {
                read::parse(layout, bytes, slots)?;
                kinds.copy_from_slice(&layout.kinds);
                kinds
            }
        };
        if layout.has_nulls(bytes) {
            mark_nulls(layout, bytes, kinds);
        }
        Ok(())
    }

    #[cold]
    fn clear(&mut self) {
        match self {
            Self::Inline(kinds, _) => kinds.fill(Kind::None),
            Self::Heap(kinds, _) => kinds.fill(Kind::None),
        }
    }

    #[inline]
    fn values(&self) -> &[u64] {
        match self {
            Self::Inline(_, slots) => slots,
            Self::Heap(_, slots) => slots,
        }
    }

    #[inline]
    fn kind(&self, pos: usize) -> Kind {
        let kind = match self {
            Self::Inline(kinds, _) => kinds.get(pos),
            Self::Heap(kinds, _) => kinds.get(pos),
        };
        kind.copied().unwrap_or(Kind::None)
    }

    /// The slot of a column of this kind that is not null.
    #[inline]
    fn value(&self, pos: usize, kind: Kind) -> Option<u64> {
        match self {
            Self::Inline(kinds, slots) if kinds.get(pos) == Some(&kind) => slots.get(pos).copied(),
            Self::Heap(kinds, slots) if kinds.get(pos) == Some(&kind) => slots.get(pos).copied(),
            _ => None,
        }
    }
}

#[inline(never)]
fn mark_nulls(layout: &Layout, bytes: &[u8], kinds: &mut [Kind]) {
    for (pos, kind) in kinds.iter_mut().enumerate() {
        if nested::is_null(layout, bytes, pos) {
            *kind = Kind::None;
        }
    }
}

impl BinaryRow {
    pub(crate) fn decode(layout: &Arc<Layout>, bytes: Bytes) -> Result<Self> {
        let mut row = Self {
            layout: Arc::clone(layout),
            bytes,
            slots: Slots::new(layout),
        };
        row.slots.parse(layout, &row.bytes)?;
        Ok(row)
    }

    /// Decodes another row of the same type in place of this one, without any allocation. After an error
    /// the row has no bytes and its columns count as null.
    #[inline]
    pub fn decode_next(&mut self, bytes: Bytes) -> Result<()> {
        self.bytes = bytes;
        let result = self.slots.parse(&self.layout, &self.bytes);
        if result.is_err() {
            self.bytes = Bytes::new();
            self.slots.clear();
        }
        result
    }

    /// Returns the bytes of the row.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Consumes the row and returns its bytes.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Returns the format of the bytes.
    pub fn format(&self) -> RowFormat {
        self.layout.format
    }

    /// Returns the type of the row.
    pub fn row_type(&self) -> &RowType {
        &self.layout.row_type
    }

    row_getters!();

    /// A field that is read as a value.
    #[inline]
    fn value(&self, pos: usize) -> Result<Value<'_, '_>> {
        if self.slots.kind(pos) == Kind::None {
            return Err(self.null_error(pos));
        }
        nested::row_value(&self.layout, &self.bytes, self.slots.values(), pos)
    }

    /// Reads a value that is not of the type of the getter: one that converts, or the error.
    #[cold]
    #[inline(never)]
    fn convert<'r, T>(
        &'r self,
        pos: usize,
        read: impl Fn(&Value<'r, 'r>) -> Result<T>,
    ) -> Result<T> {
        read(&self.value(pos)?).map_err(|error| self.named(pos, error))
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
            Ok(self.slots.kind(position) == Kind::None)
        } else {
            Err(RowError::FieldOutOfRange {
                position,
                field_count,
            })
        }
    }
    #[inline]
    fn get_boolean(&self, pos: usize) -> Result<bool> {
        match self.slots.value(pos, Kind::Boolean) {
            Some(slot) => Ok(slot != 0),
            None => self.convert(pos, Value::boolean),
        }
    }
    #[inline]
    fn get_byte(&self, pos: usize) -> Result<i8> {
        match self.slots.value(pos, Kind::TinyInt) {
            Some(slot) => Ok(slot as i8),
            None => self.convert(pos, Value::byte),
        }
    }
    #[inline]
    fn get_short(&self, pos: usize) -> Result<i16> {
        match self.slots.value(pos, Kind::SmallInt) {
            Some(slot) => Ok(slot as i16),
            None => self.convert(pos, Value::short),
        }
    }
    #[inline]
    fn get_int(&self, pos: usize) -> Result<i32> {
        match self.slots.value(pos, Kind::Int) {
            Some(slot) => Ok(slot as i32),
            None => self.convert(pos, Value::int),
        }
    }
    #[inline]
    fn get_long(&self, pos: usize) -> Result<i64> {
        match self.slots.value(pos, Kind::BigInt) {
            Some(slot) => Ok(slot as i64),
            None => self.convert(pos, Value::long),
        }
    }
    #[inline]
    fn get_float(&self, pos: usize) -> Result<f32> {
        match self.slots.value(pos, Kind::Float) {
            Some(slot) => Ok(f32::from_bits(slot as u32)),
            None => self.convert(pos, Value::float),
        }
    }
    #[inline]
    fn get_double(&self, pos: usize) -> Result<f64> {
        match self.slots.value(pos, Kind::Double) {
            Some(slot) => Ok(f64::from_bits(slot)),
            None => self.convert(pos, Value::double),
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
        match self.slots.value(pos, Kind::Text) {
            Some(slot) => read::string(&self.bytes, slot),
            // A CHAR, too.
            None => self
                .value(pos)?
                .string()
                .map_err(|error| self.named(pos, error)),
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
