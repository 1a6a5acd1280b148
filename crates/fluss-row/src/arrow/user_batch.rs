//! Batches that users give: their columns checked against the table's, and held without a copy.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType as ArrowType, Field};
use fluss_metadata::{DataType, DataTypeKind, RowType};

use super::builder::check_rows;
use super::flat::FlatBatch;
use super::types::{entry_fields, to_arrow_type};
use crate::{FieldRef, Result, RowError};

/// A batch whose columns have been checked.
#[derive(Debug)]
pub(crate) struct UserBatch {
    flat: FlatBatch<'static>,
    size_bytes: usize,
}

impl UserBatch {
    pub(crate) fn new(row_type: &RowType, batch: &RecordBatch) -> Result<Self> {
        check_rows(batch.num_rows())?;
        let mut flat = FlatBatch::new(batch.num_rows());
        check_columns(row_type, batch)?
            .iter()
            .try_for_each(|array| flat.push_array(array))?;
        let size_bytes = flat.size_bytes();
        Ok(Self { flat, size_bytes })
    }

    pub(crate) fn rows(&self) -> usize {
        self.flat.rows
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    pub(crate) fn flat(&self) -> &FlatBatch<'static> {
        &self.flat
    }
}

/// The columns of a batch in the order of the row type, found by their names.
///
/// What differs in the schema alone is let through: metadata, nullability, the names of list elements and map entries, a time zone on the
/// instants of a `TIMESTAMP_LTZ`. Errs by the name of the column when one is missing or surplus, has another type, or has a null where
/// there must be none.
pub(crate) fn check_columns(row_type: &RowType, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    let (expected, actual) = (row_type.fields().len(), batch.num_columns());
    let arrays = row_type
        .fields()
        .iter()
        .enumerate()
        .map(|(position, field)| {
            let array =
                batch
                    .column_by_name(field.name())
                    .ok_or_else(|| RowError::UnknownColumn {
                        name: field.name().into(),
                    })?;
            check_type(field.data_type(), array.data_type())
                .map_err(|error| error.in_column(position, field.name(), field.data_type()))?;
            check_nulls(field.data_type(), array, None)
                .map_err(|error| error.in_column(position, field.name(), field.data_type()))?;
            Ok(ArrayRef::clone(array))
        })
        .collect::<Result<Vec<_>>>()?;
    if expected == actual {
        return Ok(arrays);
    }
    let schema = batch.schema_ref();
    let is_surplus = |field: &&Arc<Field>| row_type.field(field.name()).is_none();
    Err(match schema.fields().iter().find(is_surplus) {
        Some(surplus) => RowError::SurplusColumn {
            name: surplus.name().as_str().into(),
        },
        // A name occurs twice.
        None => RowError::FieldCount { expected, actual },
    })
}

/// Errs, with the path to a nested field, when values of the Arrow type are not as those of the column.
fn check_type(data_type: &DataType, arrow: &ArrowType) -> Result<()> {
    let refused = || RowError::WrongType {
        field: FieldRef::at(0),
        expected: data_type.to_string().into(),
        actual: format!("Arrow's {arrow}").into(),
    };
    match (data_type.kind(), arrow) {
        (DataTypeKind::Array(element), ArrowType::List(field)) => {
            check_type(element, field.data_type())
                .map_err(|error| error.in_column(0, "[]", element))
        }
        (DataTypeKind::Map { key, value }, ArrowType::Map(entries, _)) => {
            let (key_field, value_field) = entry_fields(entries).ok_or_else(refused)?;
            check_type(key, key_field.data_type())
                .map_err(|error| error.in_column(0, "[key]", key))?;
            check_type(value, value_field.data_type())
                .map_err(|error| error.in_column(0, "[value]", value))
        }
        (DataTypeKind::Row(row_type), ArrowType::Struct(fields)) => {
            if row_type.fields().len() != fields.len() {
                return Err(refused());
            }
            for (position, (field, arrow_field)) in row_type.fields().iter().zip(fields).enumerate()
            {
                if field.name() != arrow_field.name() {
                    return Err(renamed(position, field.name(), arrow_field));
                }
                check_type(field.data_type(), arrow_field.data_type())
                    .map_err(|error| error.in_column(position, field.name(), field.data_type()))?;
            }
            Ok(())
        }
        // A time zone on an instant is a matter of display.
        (DataTypeKind::TimestampLtz { precision }, ArrowType::Timestamp(unit, _))
            if super::types::unit(*precision) == *unit =>
        {
            Ok(())
        }
        _ => {
            if to_arrow_type(data_type)? == *arrow {
                Ok(())
            } else {
                Err(refused())
            }
        }
    }
}

#[cold]
fn renamed(position: usize, expected: &str, actual: &Field) -> RowError {
    RowError::WrongType {
        field: FieldRef::named(position, expected),
        expected: format!("a field named {expected:?}").into(),
        actual: format!("one named {:?}", actual.name()).into(),
    }
}

/// Errs when values are null that the type does not allow to be. `masked` has the values that do not count, as what they are part of is
/// null.
fn check_nulls(data_type: &DataType, array: &ArrayRef, masked: Option<&NullBuffer>) -> Result<()> {
    if !data_type.is_nullable() {
        let nulls = array.null_count();
        let all_masked = || {
            masked.is_some_and(|masked| array.nulls().is_none_or(|nulls| masked.contains(nulls)))
        };
        if nulls > 0 && !all_masked() {
            return Err(RowError::NullValue {
                field: FieldRef::at(0),
            });
        }
    }
    match data_type.kind() {
        DataTypeKind::Array(element) => {
            let list = array.as_list::<i32>();
            check_nulls(
                element,
                &referenced(list.values(), list.value_offsets()),
                None,
            )
            .map_err(|error| error.in_column(0, "[]", element))
        }
        DataTypeKind::Map { key, value } => {
            // Arrow's maps have no null keys.
            let map = array.as_map();
            check_nulls(key, &referenced(map.keys(), map.value_offsets()), None)
                .map_err(|error| error.in_column(0, "[key]", key))?;
            check_nulls(value, &referenced(map.values(), map.value_offsets()), None)
                .map_err(|error| error.in_column(0, "[value]", value))
        }
        DataTypeKind::Row(row_type) => {
            for (position, (field, column)) in row_type
                .fields()
                .iter()
                .zip(array.as_struct().columns())
                .enumerate()
            {
                check_nulls(field.data_type(), column, array.nulls())
                    .map_err(|error| error.in_column(position, field.name(), field.data_type()))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The elements that the offsets of a list reach.
fn referenced(values: &ArrayRef, offsets: &[i32]) -> ArrayRef {
    let first = offsets.first().copied().unwrap_or(0) as usize;
    let last = offsets.last().copied().unwrap_or(0) as usize;
    values.slice(first, last - first)
}
