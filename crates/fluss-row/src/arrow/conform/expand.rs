//! Arrays that name their values by number, made arrays of the values themselves.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int16Type, Int32Type, Int64Type, RunEndIndexType};
use arrow_array::{Array, ArrayRef, RunArray, UInt64Array, new_null_array};
use arrow_schema::{DataType as ArrowType, Field};
use arrow_select::take::take;

use super::{Conformed, Fault, kernel};
use crate::arrow::builder::column_full;

/// The values of a dictionary, of runs, or of a column of nothing but nulls, one by one; `None` for any other array.
pub(super) fn plain(array: &ArrayRef, target: &ArrowType) -> Conformed<Option<ArrayRef>> {
    Ok(Some(match array.data_type() {
        ArrowType::Dictionary(..) => {
            let Some(dictionary) = array.as_any_dictionary_opt() else {
                return Ok(None);
            };
            gather(dictionary.values(), dictionary.keys())?
        }
        ArrowType::RunEndEncoded(ends, _) => {
            let ends: &Field = ends;
            match ends.data_type() {
                ArrowType::Int16 => runs(array.as_run_opt::<Int16Type>())?,
                ArrowType::Int32 => runs(array.as_run_opt::<Int32Type>())?,
                _ => runs(array.as_run_opt::<Int64Type>())?,
            }
        }
        ArrowType::Null => new_null_array(target, array.len()),
        _ => return Ok(None),
    }))
}

fn runs<R: RunEndIndexType>(array: Option<&RunArray<R>>) -> Conformed {
    let Some(array) = array else {
        return Err(column_full(0).into());
    };
    let rows = (0..array.len()).map(|row| array.get_physical_index(row) as u64);
    gather(array.values(), &UInt64Array::from_iter_values(rows))
}

/// The values at these positions.
pub(in crate::arrow) fn gather(values: &ArrayRef, positions: &dyn Array) -> Conformed {
    if values.data_type().is_nested() {
        check_elements(values, positions)?;
    }
    take(values, positions, None).map_err(|error| kernel(error).into())
}

/// Returns an error if lists would have more elements than their offsets can count: the kernel gives up on those.
fn check_elements(values: &ArrayRef, positions: &dyn Array) -> Conformed<()> {
    let positions = take_positions(positions)?;
    let mut total = 0_u64;
    for row in positions.iter().flatten() {
        let row = usize::try_from(row).unwrap_or(usize::MAX);
        if row < values.len() {
            total = total.saturating_add(elements(values, row, row + 1));
        }
        if total > i32::MAX as u64 {
            return Err(column_full(total as usize).into());
        }
    }
    Ok(())
}

/// Positions as numbers of one type.
fn take_positions(positions: &dyn Array) -> Result<UInt64Array, Fault> {
    arrow_array::downcast_integer_array!(
        positions => Ok(positions
            .iter()
            .map(|position| position.map(|position| i128::from(position) as u64))
            .collect()),
        _ => Err(column_full(0).into())
    )
}

/// How many elements the lists in these rows have, on all levels.
fn elements(array: &ArrayRef, start: usize, end: usize) -> u64 {
    match array.data_type() {
        ArrowType::List(_) => {
            let list = array.as_list::<i32>();
            let place = |row: usize| list.value_offsets().get(row).map_or(0, |at| *at as usize);
            below(list.values(), place(start), place(end))
        }
        ArrowType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let place = |row: usize| list.value_offsets().get(row).map_or(0, |at| *at as usize);
            below(list.values(), place(start), place(end))
        }
        ArrowType::FixedSizeList(_, size) => {
            let size = usize::try_from(*size).unwrap_or(0);
            let list = array.as_fixed_size_list();
            below(list.values(), start * size, end * size)
        }
        ArrowType::Map(..) => {
            let map = array.as_map();
            let place = |row: usize| map.value_offsets().get(row).map_or(0, |at| *at as usize);
            below(map.keys(), place(start), place(end)).saturating_add(below(
                map.values(),
                place(start),
                place(end),
            ))
        }
        ArrowType::Struct(_) => array
            .as_struct()
            .columns()
            .iter()
            .map(|column| elements(column, start, end))
            .fold(0, u64::saturating_add),
        _ => 0,
    }
}

fn below(values: &ArrayRef, start: usize, end: usize) -> u64 {
    ((end - start) as u64).saturating_add(elements(values, start, end))
}
