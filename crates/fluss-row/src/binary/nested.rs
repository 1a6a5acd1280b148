//! Arrays, maps and rows inside rows.
//!
//! Source: `BinaryArray.java`, `BinaryArrayWriter.java`, `BinaryMap.java`.

use std::sync::Arc;

use fluss_metadata::DataType;

use super::buffer::RowBuffer;
use super::layout::{Field, Layout, Op, RowFormat};
use super::read::{self, Value};
use super::{aligned, compacted, indexed, slots};
use crate::assign::Values;
use crate::{DataGetters, Datum, FieldRef, FlussArray, FlussMap, GenericRow, Result, RowError};

/// Appends the array, map or row at `pos` of `row`, without length or padding.
pub(super) fn write<R, B>(op: &Op, row: &R, pos: usize, out: &mut B) -> Result<()>
where
    R: DataGetters + ?Sized,
    B: RowBuffer + ?Sized,
{
    match op {
        Op::Array(element) => write_array(element, &row.get_array(pos)?, out),
        Op::Map(key, value) => write_map(key, value, &row.get_map(pos)?, out),
        Op::Row(layout) => write_row(layout, &row.get_row(pos)?, out),
        _ => Ok(()),
    }
}

/// Appends a row in the format of its layout.
pub(super) fn write_row<B: RowBuffer + ?Sized>(
    layout: &Layout,
    row: &GenericRow<'_>,
    out: &mut B,
) -> Result<()> {
    match layout.format {
        RowFormat::Compacted => compacted::encode(layout, row, out),
        RowFormat::Indexed => indexed::encode(layout, row, out),
        RowFormat::Aligned => {
            layout.check_count(DataGetters::field_count(row))?;
            aligned::encode(layout, row, out, |column| column)
        }
    }
}

/// Bytes before the elements: the count and the null bits in words of four bytes.
const fn header_bytes(count: usize) -> usize {
    4 + count.div_ceil(32) * 4
}

/// Appends an array: count, null bits, elements of fixed width, then what they point to.
fn write_array<B: RowBuffer + ?Sized>(
    element: &Field,
    array: &FlussArray<'_>,
    out: &mut B,
) -> Result<()> {
    let count = array.len();
    let width = element.element_width();
    let base = out.len();
    out.put(&indexed::length_u32(count)?.to_le_bytes());
    let header = header_bytes(count);
    let fixed = (header + count * width).next_multiple_of(8);
    indexed::length_u32(fixed)?;
    out.put_zeros(fixed - 4);
    for index in 0..count {
        if array.is_null_at(index)? {
            if !element.nullable {
                return Err(element_error(
                    index,
                    element,
                    RowError::NullValue {
                        field: FieldRef::at(index),
                    },
                ));
            }
            compacted::set_null(out, base + 4, index);
        } else {
            let slot = base + header + index * width;
            slots::write(element, array, index, out, base, slot)
                .map_err(|error| element_error(index, element, error))?;
            plain_nan(&element.op, out, slot);
        }
    }
    Ok(())
}

/// In arrays, and only there, Java writes every NaN as the same one.
#[inline]
fn plain_nan<B: RowBuffer + ?Sized>(op: &Op, out: &mut B, slot: usize) {
    match op {
        Op::Float => {
            if let Some(bytes) = out.get_mut(slot..).and_then(|rest| rest.first_chunk_mut())
                && f32::from_le_bytes(*bytes).is_nan()
            {
                *bytes = f32::NAN.to_le_bytes();
            }
        }
        Op::Double => {
            if let Some(bytes) = out.get_mut(slot..).and_then(|rest| rest.first_chunk_mut())
                && f64::from_le_bytes(*bytes).is_nan()
            {
                *bytes = f64::NAN.to_le_bytes();
            }
        }
        _ => {}
    }
}

/// Appends a map: the byte length of the keys, keys, values.
fn write_map<B: RowBuffer + ?Sized>(
    key: &Field,
    value: &Field,
    map: &FlussMap<'_>,
    out: &mut B,
) -> Result<()> {
    let start = out.len();
    out.put_zeros(4);
    write_array(key, map.keys(), out)?;
    let key_bytes = indexed::length_u32(out.len() - start - 4)?;
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&key_bytes.to_le_bytes());
    }
    write_array(value, map.values(), out)
}

#[cold]
fn element_error(index: usize, element: &Field, error: RowError) -> RowError {
    error.in_column(index, &format!("[{index}]"), &element.data_type)
}

/// Number of elements, once it is sure that all of them are there.
pub(crate) fn array_count(bytes: &[u8], element: &Field) -> Result<usize> {
    let count = i32::from_le_bytes(read::fixed(bytes, 0, "array count")?);
    let Ok(count) = usize::try_from(count) else {
        return Err(RowError::Malformed {
            what: "array count",
            offset: 0,
            problem: "negative",
        });
    };
    read::check_size(bytes)?;
    read::need(
        bytes,
        0,
        header_bytes(count) + count * element.element_width(),
        "array",
    )?;
    Ok(count)
}

/// Whether element `index` of an array of `count` is null.
#[inline]
pub(crate) fn element_is_null(bytes: &[u8], index: usize) -> bool {
    read::null_bit(bytes.get(4..).unwrap_or_default(), index)
}

/// Element `index` of an array of `count`, which is not null.
#[inline]
pub(crate) fn element_value<'b, 'o>(
    bytes: &'b [u8],
    element: &'o Field,
    count: usize,
    index: usize,
) -> Result<Value<'b, 'o>> {
    let slot = slots::parse(
        &element.op,
        bytes,
        header_bytes(count) + index * element.element_width(),
    )?;
    Ok(Value {
        op: &element.op,
        slot,
        bytes,
        pos: index,
        compacted: false,
    })
}

/// A map of these bytes.
pub(super) fn read_map<'b>(
    bytes: &'b [u8],
    key: &Arc<Field>,
    value: &Arc<Field>,
) -> Result<FlussMap<'b>> {
    let key_bytes = i32::from_le_bytes(read::fixed(bytes, 0, "map keys length")?);
    let Ok(key_bytes) = usize::try_from(key_bytes) else {
        return Err(RowError::Malformed {
            what: "map keys length",
            offset: 0,
            problem: "negative",
        });
    };
    let keys = read::slice(bytes, 4, key_bytes, "map keys")?;
    let values = bytes.get(4 + key_bytes..).unwrap_or_default();
    FlussMap::from_arrays(
        FlussArray::from_binary(keys, key)?,
        FlussArray::from_binary(values, value)?,
    )
    .map_err(|_| RowError::Malformed {
        what: "map",
        offset: 4 + key_bytes,
        problem: "of more or fewer values than keys",
    })
}

/// A row of these bytes, its strings and bytes borrowed.
pub(super) fn read_row<'b>(bytes: &'b [u8], layout: &Layout) -> Result<GenericRow<'b>> {
    let mut row = GenericRow::new(layout.fields.len());
    read::decode_values(layout, bytes, &mut row)?;
    Ok(row)
}

/// Column `pos` of a row, which is not null, from its slot.
pub(super) fn datum<'b>(
    layout: &Layout,
    bytes: &'b [u8],
    slot: u64,
    pos: usize,
) -> Result<Datum<'b>> {
    match layout.fields.get(pos) {
        Some(field) => Value {
            op: &field.op,
            slot,
            bytes,
            pos,
            compacted: matches!(layout.format, RowFormat::Compacted),
        }
        .datum(),
        None => Ok(Datum::Null),
    }
}

/// Column `pos` of a parsed row.
pub(super) fn row_datum<'b>(
    layout: &Layout,
    bytes: &'b [u8],
    slots: &[u64],
    pos: usize,
) -> Result<Datum<'b>> {
    if is_null(layout, bytes, pos) {
        return Ok(Datum::Null);
    }
    row_value(layout, bytes, slots, pos)?.datum()
}

/// Whether column `pos` of a row is null.
#[inline]
pub(super) fn is_null(layout: &Layout, bytes: &[u8], pos: usize) -> bool {
    match layout.format {
        RowFormat::Aligned => read::null_bit(bytes, pos + aligned::HEADER_BITS),
        RowFormat::Compacted | RowFormat::Indexed => read::null_bit(bytes, pos),
    }
}

/// Column `pos` of a parsed row, which is not null.
#[inline]
pub(super) fn row_value<'b, 'o>(
    layout: &'o Layout,
    bytes: &'b [u8],
    slots: &[u64],
    pos: usize,
) -> Result<Value<'b, 'o>> {
    match (layout.fields.get(pos), slots.get(pos)) {
        (Some(field), Some(slot)) => {
            let compacted = matches!(layout.format, RowFormat::Compacted);
            Ok(Value {
                op: &field.op,
                slot: *slot,
                bytes,
                pos,
                compacted,
            })
        }
        _ => Err(RowError::FieldOutOfRange {
            position: pos,
            field_count: layout.fields.len(),
        }),
    }
}

/// Encodes and decodes ARRAY values on their own, outside of a row.
#[derive(Debug, Clone)]
pub struct ArrayCodec {
    element: Arc<Field>,
}

impl ArrayCodec {
    /// Creates a codec for a type. The format is that of rows within the array. Returns an error if the type is not
    /// an ARRAY or is nested too deeply.
    pub fn new(format: RowFormat, data_type: &DataType) -> Result<Self> {
        match Field::new(format, data_type, Values::AsGiven, 0)?.op {
            Op::Array(element) => Ok(Self { element }),
            _ => Err(not_a("ARRAY", data_type)),
        }
    }

    /// Appends the bytes of an array, without its length. On error, the buffer is unchanged.
    pub fn encode<B: RowBuffer>(&self, array: &FlussArray<'_>, out: &mut B) -> Result<()> {
        let start = out.len();
        write_array(&self.element, array, out).inspect_err(|_| out.cut(start))
    }

    /// Returns the array for these bytes, which stay borrowed. Elements are decoded on access.
    pub fn decode<'b>(&self, bytes: &'b [u8]) -> Result<FlussArray<'b>> {
        FlussArray::from_binary(bytes, &self.element)
    }
}

/// Encodes and decodes MAP values on their own, outside of a row.
#[derive(Debug, Clone)]
pub struct MapCodec {
    key: Arc<Field>,
    value: Arc<Field>,
}

impl MapCodec {
    /// Creates a codec for a type. The format is that of rows within the map. Returns an error if the type is not a
    /// MAP or is nested too deeply.
    pub fn new(format: RowFormat, data_type: &DataType) -> Result<Self> {
        match Field::new(format, data_type, Values::AsGiven, 0)?.op {
            Op::Map(key, value) => Ok(Self { key, value }),
            _ => Err(not_a("MAP", data_type)),
        }
    }

    /// Appends the bytes of a map, without its length. On error, the buffer is unchanged.
    pub fn encode<B: RowBuffer>(&self, map: &FlussMap<'_>, out: &mut B) -> Result<()> {
        let start = out.len();
        write_map(&self.key, &self.value, map, out).inspect_err(|_| out.cut(start))
    }

    /// Returns the map for these bytes, which stay borrowed. Keys and values are decoded on access.
    pub fn decode<'b>(&self, bytes: &'b [u8]) -> Result<FlussMap<'b>> {
        read_map(bytes, &self.key, &self.value)
    }
}

fn not_a(expected: &'static str, data_type: &DataType) -> RowError {
    RowError::WrongType {
        field: FieldRef::at(0),
        expected: expected.into(),
        actual: data_type.to_string().into(),
    }
}
