//! Arrays from the parts of a message.
//!
//! Nothing that a message declares is trusted: every length is checked against the available bytes before memory is
//! allocated or an array is created, and arrays are created by Arrow's validating constructors. Arrow's own IPC
//! reader is not used, because it trusts the lengths.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, FixedSizeBinaryArray,
    ListArray, MapArray, PrimitiveArray, StringArray, StructArray,
};
use arrow_buffer::{
    ArrowNativeType, BooleanBuffer, Buffer, MutableBuffer, NullBuffer, OffsetBuffer, ScalarBuffer,
};
use arrow_schema::{ArrowError, DataType as ArrowType, Field, FieldRef, Fields, TimeUnit};

use super::DecodeLimits;
use super::message::{Message, WireNode};
use crate::compression::{self, Decompressor};
use crate::{Result, RowError};

/// A column as it is expected in a message.
#[derive(Debug, Clone)]
pub(crate) struct WireColumn {
    pub(crate) name: Box<str>,
    pub(crate) arrow: ArrowType,
    /// Whether it is to be read, not only passed over.
    pub(crate) wanted: bool,
    nodes: usize,
    buffers: usize,
}

impl WireColumn {
    pub(crate) fn new(name: &str, arrow: ArrowType, wanted: bool) -> Self {
        let (nodes, buffers) = parts(&arrow);
        Self {
            name: name.into(),
            arrow,
            wanted,
            nodes,
            buffers,
        }
    }

    /// How many nodes and buffers it has in a message.
    pub(crate) const fn parts(&self) -> (usize, usize) {
        (self.nodes, self.buffers)
    }
}

/// How many nodes and buffers an array has in a message.
fn parts(arrow: &ArrowType) -> (usize, usize) {
    let add = |(nodes, buffers): (usize, usize), (more_nodes, more_buffers)| {
        (nodes + more_nodes, buffers + more_buffers)
    };
    match arrow {
        ArrowType::Utf8 | ArrowType::Binary => (1, 3),
        ArrowType::List(element) | ArrowType::Map(element, _) => {
            add((1, 2), parts(element.data_type()))
        }
        ArrowType::Struct(fields) => fields
            .iter()
            .map(|field| parts(field.data_type()))
            .fold((1, 1), add),
        _ => (1, 2),
    }
}

/// What was read of a message.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    /// The arrays of the wanted columns; `None` for the others.
    pub(crate) arrays: Vec<Option<ArrayRef>>,
    /// Bytes of memory that the arrays take in addition to the message: what was decompressed or copied.
    pub(crate) own_bytes: usize,
}

/// Makes the arrays of the wanted columns. `more` bytes will be needed besides, within the limits.
pub(crate) fn decode(
    message: &Message,
    columns: &[WireColumn],
    rows: usize,
    limits: &DecodeLimits,
    more: usize,
) -> Result<Decoded> {
    let malformed = |problem| RowError::Malformed {
        what: "Arrow message",
        offset: message.body_offset,
        problem,
    };
    if message.rows != rows {
        return Err(malformed("of another number of rows than its batch"));
    }
    let (mut nodes, mut wanted) = (0, Vec::with_capacity(message.buffers.len()));
    for column in columns {
        nodes += column.nodes;
        wanted.extend(std::iter::repeat_n(column.wanted, column.buffers));
    }
    if nodes != message.nodes.len() || wanted.len() != message.buffers.len() {
        return Err(malformed("of other columns than its schema has"));
    }
    message.check_limits(limits, more, |index| {
        wanted.get(index).copied().unwrap_or(false)
    })?;
    let decompressor = message.codec.map(Decompressor::new).transpose()?;
    let mut decoder = Decoder {
        message,
        node: 0,
        buffer: 0,
        decompressor,
        own_bytes: 0,
    };
    let arrays = columns
        .iter()
        .map(|column| {
            let corrupt = |source| RowError::CorruptColumn {
                column: column.name.clone(),
                source: Box::new(source),
            };
            if column.wanted {
                decoder
                    .array(&column.arrow, Some(rows))
                    .map(Some)
                    .map_err(corrupt)
            } else {
                decoder.node += column.nodes;
                decoder.buffer += column.buffers;
                Ok(None)
            }
        })
        .collect::<Result<_>>()?;
    Ok(Decoded {
        arrays,
        own_bytes: decoder.own_bytes,
    })
}

struct Decoder<'m> {
    message: &'m Message,
    /// The next node and the next buffer.
    node: usize,
    buffer: usize,
    decompressor: Option<Decompressor>,
    own_bytes: usize,
}

impl Decoder<'_> {
    #[cold]
    fn malformed(&self, problem: &'static str) -> RowError {
        let offset = self
            .message
            .buffers
            .get(self.buffer.saturating_sub(1))
            .map_or(0, |range| range.start);
        RowError::Malformed {
            what: "buffer",
            offset: self.message.body_offset + offset,
            problem,
        }
    }

    fn next_node(&mut self, len: Option<usize>) -> Result<WireNode> {
        let node = self.message.nodes.get(self.node).copied();
        self.node += 1;
        match node {
            Some(node) if len.is_none_or(|len| len == node.len) => Ok(node),
            _ => Err(self.malformed("of an array of another length than expected")),
        }
    }

    fn next_range(&mut self) -> Result<Range<usize>> {
        let range = self.message.buffers.get(self.buffer).cloned();
        self.buffer += 1;
        range.ok_or_else(|| self.malformed("missing"))
    }

    /// The next buffer, which has at least `needed` bytes and is aligned to `alignment`.
    fn next_buffer(&mut self, needed: usize, alignment: usize) -> Result<Buffer> {
        let range = self.next_range()?;
        let announced = self.message.announced(&range)?;
        if let Some(length) = announced {
            if length < needed {
                return Err(self.malformed("too short for the values it has to hold"));
            }
            let Some(decompressor) = self.decompressor.as_mut().filter(|_| length > 0) else {
                return Ok(MutableBuffer::new(0).into());
            };
            let stored = self
                .message
                .stored(&range)
                .get(compression::PREFIX_BYTES..)
                .unwrap_or_default();
            let offset = self.message.body_offset + range.start;
            let bytes = decompressor.decompress(stored, length, offset)?;
            self.own_bytes += length;
            return Ok(if bytes.as_ptr().align_offset(alignment) == 0 {
                Buffer::from_vec(bytes)
            } else {
                // Allocators align far enough for all numbers, though none has to.
                Buffer::from_slice_ref(&bytes)
            });
        }
        let prefix = if self.message.codec.is_some() {
            compression::PREFIX_BYTES.min(range.len())
        } else {
            0
        };
        let raw = self.message.body.slice(range.start + prefix..range.end);
        if raw.len() < needed {
            return Err(self.malformed("too short for the values it has to hold"));
        }
        if raw.as_ptr().align_offset(alignment) == 0 {
            Ok(Buffer::from(raw))
        } else {
            // Numbers have to be aligned in memory, and a batch may begin anywhere: this copy is the price.
            self.own_bytes += raw.len();
            Ok(Buffer::from(&*raw))
        }
    }

    fn next_values<T: ArrowNativeType>(&mut self, len: usize) -> Result<ScalarBuffer<T>> {
        let needed = len
            .checked_mul(size_of::<T>())
            .ok_or_else(|| self.malformed("of more values than there can be"))?;
        let buffer = self.next_buffer(needed, align_of::<T>())?;
        Ok(ScalarBuffer::new(buffer, 0, len))
    }

    fn next_validity(&mut self, node: WireNode) -> Result<Option<NullBuffer>> {
        if node.nulls == 0 {
            self.next_range()?;
            return Ok(None);
        }
        let bits = self.next_bits(node.len)?;
        let nulls = NullBuffer::new(bits);
        if nulls.null_count() != node.nulls {
            return Err(self.malformed("of another number of nulls than announced"));
        }
        Ok(Some(nulls))
    }

    fn next_bits(&mut self, len: usize) -> Result<BooleanBuffer> {
        let buffer = self.next_buffer(len.div_ceil(8), 1)?;
        Ok(BooleanBuffer::new(buffer, 0, len))
    }

    fn next_offsets(&mut self, len: usize) -> Result<OffsetBuffer<i32>> {
        if len == 0 {
            // Both no offset at all and a single one are written.
            self.next_range()?;
            return Ok(OffsetBuffer::new_empty());
        }
        let count = len
            .checked_add(1)
            .ok_or_else(|| self.malformed("of more values than there can be"))?;
        let offsets = self.next_values::<i32>(count)?;
        let ends = offsets.get(1..).unwrap_or_default();
        // Counted to the end, so that many are compared at once.
        let falls = offsets.iter().zip(ends).filter(|(start, end)| start > end);
        if falls.count() > 0 || offsets.first().is_none_or(|first| *first < 0) {
            return Err(self.malformed("of offsets that fall or are negative"));
        }
        Ok(OffsetBuffer::new(offsets))
    }

    /// Offsets, and the bytes they point to.
    fn next_variable(&mut self, len: usize) -> Result<(OffsetBuffer<i32>, Buffer)> {
        let offsets = self.next_offsets(len)?;
        let end = offsets.last().copied().unwrap_or(0) as usize;
        let data = self.next_buffer(end, 1)?;
        // What follows the last value is not checked for UTF-8, and never read.
        Ok((offsets, data.slice_with_length(0, end)))
    }

    fn primitive<T: ArrowPrimitiveType>(
        &mut self,
        len: usize,
        nulls: Option<NullBuffer>,
    ) -> Result<PrimitiveArray<T>> {
        let values = self.next_values::<T::Native>(len)?;
        PrimitiveArray::try_new(values, nulls).map_err(columns)
    }

    fn array(&mut self, arrow: &ArrowType, len: Option<usize>) -> Result<ArrayRef> {
        let node = self.next_node(len)?;
        let len = node.len;
        let nulls = self.next_validity(node)?;
        Ok(match arrow {
            ArrowType::Boolean => {
                let bits = self.next_bits(len)?;
                Arc::new(BooleanArray::new(bits, nulls))
            }
            ArrowType::Int8 => Arc::new(self.primitive::<Int8Type>(len, nulls)?),
            ArrowType::Int16 => Arc::new(self.primitive::<Int16Type>(len, nulls)?),
            ArrowType::Int32 => Arc::new(self.primitive::<Int32Type>(len, nulls)?),
            ArrowType::Int64 => Arc::new(self.primitive::<Int64Type>(len, nulls)?),
            ArrowType::Float32 => Arc::new(self.primitive::<Float32Type>(len, nulls)?),
            ArrowType::Float64 => Arc::new(self.primitive::<Float64Type>(len, nulls)?),
            ArrowType::Decimal128(precision, scale) => {
                let array = self.primitive::<Decimal128Type>(len, nulls)?;
                Arc::new(
                    array
                        .with_precision_and_scale(*precision, *scale)
                        .map_err(columns)?,
                )
            }
            ArrowType::Date32 => Arc::new(self.primitive::<Date32Type>(len, nulls)?),
            ArrowType::Time32(TimeUnit::Second) => {
                Arc::new(self.primitive::<Time32SecondType>(len, nulls)?)
            }
            ArrowType::Time32(_) => Arc::new(self.primitive::<Time32MillisecondType>(len, nulls)?),
            ArrowType::Time64(TimeUnit::Microsecond) => {
                Arc::new(self.primitive::<Time64MicrosecondType>(len, nulls)?)
            }
            ArrowType::Time64(_) => Arc::new(self.primitive::<Time64NanosecondType>(len, nulls)?),
            ArrowType::Timestamp(TimeUnit::Second, zone) => Arc::new(
                self.primitive::<TimestampSecondType>(len, nulls)?
                    .with_timezone_opt(zone.clone()),
            ),
            ArrowType::Timestamp(TimeUnit::Millisecond, zone) => Arc::new(
                self.primitive::<TimestampMillisecondType>(len, nulls)?
                    .with_timezone_opt(zone.clone()),
            ),
            ArrowType::Timestamp(TimeUnit::Microsecond, zone) => Arc::new(
                self.primitive::<TimestampMicrosecondType>(len, nulls)?
                    .with_timezone_opt(zone.clone()),
            ),
            ArrowType::Timestamp(TimeUnit::Nanosecond, zone) => Arc::new(
                self.primitive::<TimestampNanosecondType>(len, nulls)?
                    .with_timezone_opt(zone.clone()),
            ),
            ArrowType::Utf8 => {
                let (offsets, data) = self.next_variable(len)?;
                Arc::new(StringArray::try_new(offsets, data, nulls).map_err(columns)?)
            }
            ArrowType::Binary => {
                let (offsets, data) = self.next_variable(len)?;
                Arc::new(BinaryArray::try_new(offsets, data, nulls).map_err(columns)?)
            }
            ArrowType::FixedSizeBinary(width) => {
                let bytes = usize::try_from(*width)
                    .ok()
                    .and_then(|width| width.checked_mul(len));
                let bytes =
                    bytes.ok_or_else(|| self.malformed("of more values than there can be"))?;
                let data = self.next_buffer(bytes, 1)?.slice_with_length(0, bytes);
                Arc::new(
                    FixedSizeBinaryArray::try_new_with_len(*width, data, nulls, len)
                        .map_err(columns)?,
                )
            }
            ArrowType::List(element) => {
                let offsets = self.next_offsets(len)?;
                let values = self.array(element.data_type(), None)?;
                let element = field_of(element, &values, None);
                Arc::new(ListArray::try_new(element, offsets, values, nulls).map_err(columns)?)
            }
            ArrowType::Map(entries, sorted) => self.map(entries, *sorted, nulls, len)?,
            ArrowType::Struct(fields) => Arc::new(self.structure(fields, nulls, len)?),
            other => return Err(unreadable(other)),
        })
    }

    fn map(
        &mut self,
        entries: &FieldRef,
        sorted: bool,
        nulls: Option<NullBuffer>,
        len: usize,
    ) -> Result<ArrayRef> {
        let offsets = self.next_offsets(len)?;
        let ArrowType::Struct(fields) = entries.data_type() else {
            return Err(unreadable(entries.data_type()));
        };
        let node = self.next_node(None)?;
        if self.next_validity(node)?.is_some() {
            return Err(self.malformed("of map entries that are null"));
        }
        let pairs = self.structure(fields, None, node.len)?;
        let keys_are_null = pairs.fields().first().is_some_and(|key| key.is_nullable());
        let entries = if pairs.data_type() == entries.data_type() {
            Arc::clone(entries)
        } else {
            let field = Field::clone(entries);
            Arc::new(field.with_data_type(pairs.data_type().clone()))
        };
        if keys_are_null {
            // An Arrow map cannot have such keys.
            let list = ListArray::try_new(entries, offsets, Arc::new(pairs), nulls);
            return Ok(Arc::new(list.map_err(columns)?));
        }
        let map = MapArray::try_new(entries, offsets, pairs, nulls, sorted);
        Ok(Arc::new(map.map_err(columns)?))
    }

    fn structure(
        &mut self,
        fields: &Fields,
        nulls: Option<NullBuffer>,
        len: usize,
    ) -> Result<StructArray> {
        let arrays = fields
            .iter()
            .map(|field| self.array(field.data_type(), Some(len)))
            .collect::<Result<Vec<_>>>()?;
        let fields = fields
            .iter()
            .zip(&arrays)
            .map(|(field, array)| field_of(field, array, nulls.as_ref()))
            .collect();
        StructArray::try_new_with_length(fields, arrays, nulls, len).map_err(columns)
    }
}

/// The field of an array inside of another: as declared, or nullable if it has nulls anyway. Java writes nulls
/// whatever is declared, and servers store them. Rows that are null in `masked` do not exist.
fn field_of(field: &FieldRef, array: &ArrayRef, masked: Option<&NullBuffer>) -> FieldRef {
    let has_nulls = || {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        nulls.is_some_and(|nulls| !masked.is_some_and(|masked| masked.contains(nulls)))
    };
    let nullable = field.is_nullable() || has_nulls();
    if nullable == field.is_nullable() && array.data_type() == field.data_type() {
        return Arc::clone(field);
    }
    Arc::new(Field::new(
        field.name(),
        array.data_type().clone(),
        nullable,
    ))
}

fn columns(source: ArrowError) -> RowError {
    RowError::Columns { source }
}

#[cold]
fn unreadable(arrow: &ArrowType) -> RowError {
    RowError::UnsupportedType {
        field: crate::FieldRef::at(0),
        data_type: arrow.to_string().into(),
        place: "log batches",
    }
}
