//! Arrays, maps and rows.
//!
//! What is part of a null does not exist: rows below a null row are null too, and elements of a null array are left
//! out, as in columns that are built of rows. So no null stands where readers allow none.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, ListArray, MapArray, StructArray, UInt64Array};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType as ArrowType, Field};
use arrow_select::nullif::nullif;
use fluss_metadata::{DataType, RowType};

use super::expand::{gather, plain};
use super::{Conformed, Fault, column, kernel};
use crate::arrow::builder::column_full;
use crate::arrow::types::entry_fields;
use crate::{FieldRef, RowError};

/// Where the elements of each row are.
pub(super) enum Places<'a> {
    Offsets(&'a [i32]),
    LargeOffsets(&'a [i64]),
    Fixed(usize),
    Views(&'a [i32], &'a [i32]),
    LargeViews(&'a [i64], &'a [i64]),
}

/// Lists of any kind.
pub(super) struct Lists<'a> {
    places: Places<'a>,
    nulls: Option<&'a NullBuffer>,
    rows: usize,
    /// Whether elements have to be brought into their order, or left out.
    has_gaps: bool,
}

impl<'a> Lists<'a> {
    pub(super) fn new(array: &'a dyn Array, places: Places<'a>) -> Self {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        let rows = array.len();
        let is_view = matches!(places, Places::Views(..) | Places::LargeViews(..));
        let mut lists = Self {
            places,
            nulls,
            rows,
            has_gaps: is_view,
        };
        lists.has_gaps |= nulls
            .is_some_and(|nulls| (0..rows).any(|row| nulls.is_null(row) && lists.place(row).1 > 0));
        lists
    }

    /// Where the elements of a row begin, and how many there are, null or not.
    fn place(&self, row: usize) -> (usize, usize) {
        fn between<T: Copy + Into<i64>>(offsets: &[T], row: usize) -> (usize, usize) {
            let at = |row: usize| offsets.get(row).map_or(0, |at| (*at).into() as usize);
            (at(row), at(row + 1).saturating_sub(at(row)))
        }
        match &self.places {
            Places::Offsets(offsets) => between(offsets, row),
            Places::LargeOffsets(offsets) => between(offsets, row),
            Places::Fixed(size) => (row * size, *size),
            Places::Views(starts, sizes) => match (starts.get(row), sizes.get(row)) {
                (Some(start), Some(size)) => (*start as usize, *size as usize),
                _ => (0, 0),
            },
            Places::LargeViews(starts, sizes) => match (starts.get(row), sizes.get(row)) {
                (Some(start), Some(size)) => (*start as usize, *size as usize),
                _ => (0, 0),
            },
        }
    }

    /// Number of elements of a row that exist.
    fn count(&self, row: usize) -> usize {
        match self.nulls {
            Some(nulls) if nulls.is_null(row) => 0,
            _ => self.place(row).1,
        }
    }

    /// The elements of all rows, one row after the other, and nothing else.
    pub(super) fn elements(&self, values: &ArrayRef) -> Conformed {
        if self.has_gaps {
            let rows = (0..self.rows).filter(|row| self.count(*row) > 0);
            let positions = rows.flat_map(|row| {
                let (start, count) = self.place(row);
                (start..start + count).map(|position| position as u64)
            });
            return gather(values, &UInt64Array::from_iter_values(positions));
        }
        let (first, _) = self.place(0);
        let end = self.rows.checked_sub(1).map_or(first, |last| {
            let (start, count) = self.place(last);
            start + count
        });
        Ok(values.slice(first, end - first))
    }

    /// Where the elements of each row end, counted from 0.
    pub(super) fn offsets(&self) -> Conformed<OffsetBuffer<i32>> {
        let mut end = 0_usize;
        let mut offsets = Vec::with_capacity(self.rows + 1);
        offsets.push(0);
        for row in 0..self.rows {
            end += self.count(row);
            offsets.push(i32::try_from(end).map_err(|_| column_full(end))?);
        }
        Ok(OffsetBuffer::new(ScalarBuffer::from(offsets)))
    }

    /// Names the row of a faulty element, and its position in it.
    #[cold]
    fn locate(&self, fault: Fault, part: &str, data_type: &DataType) -> Fault {
        let Some(mut left) = fault.row else {
            return fault.in_column(0, &format!("[{}]", part.trim_end()), data_type);
        };
        for row in 0..self.rows {
            let count = self.count(row);
            if left < count {
                let name = format!("[{part}{left}]");
                return Fault {
                    row: Some(row),
                    ..fault.in_column(left, &name, data_type)
                };
            }
            left -= count;
        }
        fault
    }
}

/// An ARRAY.
pub(super) fn list(
    data_type: &DataType,
    element: &DataType,
    target: &ArrowType,
    array: &ArrayRef,
) -> Conformed {
    let refused = || Fault::refused(data_type, array.data_type());
    let ArrowType::List(field) = target else {
        return Err(refused());
    };
    let (places, values) = match array.data_type() {
        ArrowType::List(_) => {
            let list = array.as_list::<i32>();
            (Places::Offsets(list.value_offsets()), list.values())
        }
        ArrowType::LargeList(_) => {
            let list = array.as_list::<i64>();
            (Places::LargeOffsets(list.value_offsets()), list.values())
        }
        ArrowType::FixedSizeList(_, size) => {
            let size = usize::try_from(*size).unwrap_or(0);
            (Places::Fixed(size), array.as_fixed_size_list().values())
        }
        ArrowType::ListView(_) => {
            let list = array.as_list_view::<i32>();
            (Places::Views(list.offsets(), list.sizes()), list.values())
        }
        ArrowType::LargeListView(_) => {
            let list = array.as_list_view::<i64>();
            (
                Places::LargeViews(list.offsets(), list.sizes()),
                list.values(),
            )
        }
        _ => return Err(refused()),
    };
    let lists = Lists::new(array, places);
    let elements = lists.elements(values)?;
    let nullable = element.is_nullable();
    let conformed = column(element, nullable, field.data_type(), &elements, None)
        .map_err(|fault| lists.locate(fault, "", element))?;
    if !lists.has_gaps && array.data_type() == target && Arc::ptr_eq(&conformed, &elements) {
        return Ok(ArrayRef::clone(array));
    }
    let nulls = array.nulls().cloned();
    let list = ListArray::try_new(Arc::clone(field), lists.offsets()?, conformed, nulls);
    Ok(Arc::new(list.map_err(kernel)?))
}

/// A MAP.
pub(super) fn map(
    data_type: &DataType,
    (key, value): (&DataType, &DataType),
    target: &ArrowType,
    array: &ArrayRef,
) -> Conformed {
    let refused = || Fault::refused(data_type, array.data_type());
    let (ArrowType::Map(entries, sorted), Some(map)) = (target, array.as_map_opt()) else {
        return Err(refused());
    };
    let (ArrowType::Struct(fields), Some((key_field, value_field))) =
        (entries.data_type(), entry_fields(entries))
    else {
        return Err(refused());
    };
    let lists = Lists::new(array, Places::Offsets(map.value_offsets()));
    // Keys are never null, whatever their declared type says.
    let (given_keys, given_values) = (lists.elements(map.keys())?, lists.elements(map.values())?);
    let keys = column(key, false, key_field.data_type(), &given_keys, None)
        .map_err(|fault| lists.locate(fault, "key ", key))?;
    let nullable = value.is_nullable();
    let values = column(
        value,
        nullable,
        value_field.data_type(),
        &given_values,
        None,
    )
    .map_err(|fault| lists.locate(fault, "value ", value))?;
    let is_same = Arc::ptr_eq(&keys, &given_keys) && Arc::ptr_eq(&values, &given_values);
    if !lists.has_gaps && array.data_type() == target && is_same {
        return Ok(ArrayRef::clone(array));
    }
    let len = keys.len();
    let pairs = StructArray::try_new_with_length(fields.clone(), vec![keys, values], None, len)
        .map_err(kernel)?;
    let nulls = array.nulls().cloned();
    let map = MapArray::try_new(Arc::clone(entries), lists.offsets()?, pairs, nulls, *sorted);
    Ok(Arc::new(map.map_err(kernel)?))
}

/// A ROW.
pub(super) fn structure(
    data_type: &DataType,
    row_type: &RowType,
    target: &ArrowType,
    array: &ArrayRef,
) -> Conformed {
    let (ArrowType::Struct(fields), Some(rows)) = (target, array.as_struct_opt()) else {
        return Err(Fault::refused(data_type, array.data_type()));
    };
    if row_type.fields().len() != rows.fields().len() {
        return Err(Fault::refused(data_type, array.data_type()));
    }
    let nulls = rows.nulls().filter(|nulls| nulls.null_count() > 0);
    let mut is_same = array.data_type() == target;
    let mut columns = Vec::with_capacity(fields.len());
    for (position, (field, (given, child))) in row_type
        .fields()
        .iter()
        .zip(rows.fields().iter().zip(rows.columns()))
        .enumerate()
    {
        if field.name() != given.name() {
            return Err(renamed(position, field.name(), given).into());
        }
        let Some(target) = fields.get(position).map(|field| field.data_type()) else {
            return Err(Fault::refused(data_type, array.data_type()));
        };
        let wanted = field.data_type();
        let conformed = below(child, target, nulls)
            .and_then(|child| column(wanted, wanted.is_nullable(), target, &child, nulls))
            .map_err(|fault| fault.in_column(position, field.name(), wanted))?;
        is_same &= Arc::ptr_eq(&conformed, child);
        columns.push(conformed);
    }
    if is_same {
        return Ok(ArrayRef::clone(array));
    }
    let len = rows.len();
    let rows =
        StructArray::try_new_with_length(fields.clone(), columns, rows.nulls().cloned(), len);
    Ok(Arc::new(rows.map_err(kernel)?))
}

/// A field of rows of which some are null: it is null there too.
pub(super) fn below(child: &ArrayRef, target: &ArrowType, nulls: Option<&NullBuffer>) -> Conformed {
    let Some(nulls) = nulls else {
        return Ok(ArrayRef::clone(child));
    };
    let plain = plain(child, target)?.unwrap_or_else(|| ArrayRef::clone(child));
    if matches!(plain.data_type(), ArrowType::Union(..)) {
        // It has no nulls of its own, and is refused anyway.
        return Ok(plain);
    }
    if plain.nulls().is_some_and(|own| own.contains(nulls)) {
        return Ok(plain);
    }
    let is_null = BooleanArray::new(!nulls.inner(), None);
    nullif(&plain, &is_null).map_err(|error| kernel(error).into())
}

#[cold]
fn renamed(position: usize, expected: &str, actual: &Field) -> RowError {
    RowError::WrongType {
        field: FieldRef::named(position, expected),
        expected: format!("a field named {expected:?}").into(),
        actual: format!("one named {:?}", actual.name()).into(),
    }
}
