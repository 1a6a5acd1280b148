//! Texts and bytes.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray, FixedSizeBinaryArray, StringArray};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::DataType as ArrowType;
use fluss_metadata::text::Count;
use fluss_metadata::{DataType, DataTypeKind};

use super::{Conformed, Fault, kernel};
use crate::arrow::builder::column_full;
use crate::assign::{has_more_chars, shown};

/// A column of texts or bytes.
pub(super) fn column(data_type: &DataType, array: &ArrayRef) -> Conformed {
    match data_type.kind() {
        DataTypeKind::String => texts(data_type, array),
        DataTypeKind::Char { length } => {
            let texts = texts(data_type, array)?;
            check_lengths(texts.as_string(), *length)?;
            Ok(texts)
        }
        DataTypeKind::Binary { length } => match array.data_type() {
            ArrowType::FixedSizeBinary(width) if i64::from(*width) == i64::from(*length) => {
                Ok(ArrayRef::clone(array))
            }
            ArrowType::Binary | ArrowType::LargeBinary | ArrowType::BinaryView => {
                fixed(data_type, *length, array)
            }
            other => Err(Fault::refused(data_type, other)),
        },
        _ => match array.data_type() {
            ArrowType::Binary => Ok(ArrayRef::clone(array)),
            ArrowType::LargeBinary | ArrowType::BinaryView | ArrowType::FixedSizeBinary(_) => {
                let (offsets, data) = collect(data_type, array)?;
                let nulls = array.nulls().cloned();
                Ok(Arc::new(
                    BinaryArray::try_new(offsets, data, nulls).map_err(kernel)?,
                ))
            }
            other => Err(Fault::refused(data_type, other)),
        },
    }
}

fn texts(data_type: &DataType, array: &ArrayRef) -> Conformed {
    match array.data_type() {
        ArrowType::Utf8 => Ok(ArrayRef::clone(array)),
        ArrowType::LargeUtf8 | ArrowType::Utf8View => {
            let (offsets, data) = collect(data_type, array)?;
            let nulls = array.nulls().cloned();
            Ok(Arc::new(
                StringArray::try_new(offsets, data, nulls).map_err(kernel)?,
            ))
        }
        other => Err(Fault::refused(data_type, other)),
    }
}

fn check_lengths(texts: &StringArray, length: u32) -> Conformed<()> {
    for (row, value) in texts.iter().enumerate() {
        if let Some(value) = value
            && has_more_chars(value, length)
        {
            return Err(Fault::misfit(row, shown(value)));
        }
    }
    Ok(())
}

/// The bytes of each value, nothing for a null.
fn values<'a>(
    data_type: &DataType,
    array: &'a ArrayRef,
) -> Conformed<Box<dyn Iterator<Item = &'a [u8]> + 'a>> {
    Ok(match array.data_type() {
        ArrowType::LargeUtf8 => Box::new(
            array
                .as_string::<i64>()
                .iter()
                .map(|value| value.unwrap_or_default().as_bytes()),
        ),
        ArrowType::Utf8View => Box::new(
            array
                .as_string_view()
                .iter()
                .map(|value| value.unwrap_or_default().as_bytes()),
        ),
        ArrowType::Binary => Box::new(
            array
                .as_binary::<i32>()
                .iter()
                .map(Option::unwrap_or_default),
        ),
        ArrowType::LargeBinary => Box::new(
            array
                .as_binary::<i64>()
                .iter()
                .map(Option::unwrap_or_default),
        ),
        ArrowType::BinaryView => {
            Box::new(array.as_binary_view().iter().map(Option::unwrap_or_default))
        }
        ArrowType::FixedSizeBinary(_) => Box::new(
            array
                .as_fixed_size_binary()
                .iter()
                .map(Option::unwrap_or_default),
        ),
        other => return Err(Fault::refused(data_type, other)),
    })
}

/// All values side by side, and where each ends.
fn collect(data_type: &DataType, array: &ArrayRef) -> Conformed<(OffsetBuffer<i32>, Buffer)> {
    // Before memory is taken for what cannot be held.
    let total: usize = values(data_type, array)?.map(<[u8]>::len).sum();
    if i32::try_from(total).is_err() {
        return Err(column_full(total).into());
    }
    let mut offsets = Vec::with_capacity(array.len() + 1);
    let mut data = Vec::with_capacity(total);
    offsets.push(0);
    for value in values(data_type, array)? {
        data.extend_from_slice(value);
        offsets.push(data.len() as i32);
    }
    Ok((
        OffsetBuffer::new(ScalarBuffer::from(offsets)),
        Buffer::from_vec(data),
    ))
}

/// Values of exactly this many bytes.
fn fixed(data_type: &DataType, length: u32, array: &ArrayRef) -> Conformed {
    let width = i32::try_from(length).map_err(|_| column_full(length as usize))?;
    let mut data = Vec::new();
    for (row, value) in values(data_type, array)?.enumerate() {
        if super::is_valid(array, row) {
            if value.len() != length as usize {
                let value = format!("a value of {}", Count(value.len(), "byte"));
                return Err(Fault::misfit(row, value));
            }
            data.extend_from_slice(value);
        } else {
            data.resize(data.len() + length as usize, 0);
        }
    }
    let nulls = array.nulls().cloned();
    let array =
        FixedSizeBinaryArray::try_new_with_len(width, Buffer::from_vec(data), nulls, array.len());
    Ok(Arc::new(array.map_err(kernel)?))
}
