//! Arrays of a log batch in which fields may be null that are declared NOT NULL, as arrays of their declared types.
//!
//! Servers store such nulls. The rows that have them are left out before; the others share the arrays with them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, StructArray};
use arrow_schema::{ArrowError, DataType as ArrowType, Field};

use super::nested::{Lists, Places, below};
use super::{Conformed, kernel};
use crate::Result;

/// The array as one of this type, from which it differs in what may be null alone. It is shared where it is of the type already. Errs for a
/// null where there must be none.
pub(in crate::arrow) fn as_declared(array: ArrayRef, target: &ArrowType) -> Result<ArrayRef> {
    if array.data_type() == target {
        return Ok(array);
    }
    declared(&array, target).map_err(|fault| fault.error)
}

fn declared(array: &ArrayRef, target: &ArrowType) -> Conformed {
    if array.data_type() == target {
        return Ok(ArrayRef::clone(array));
    }
    let nulls = array.nulls().cloned();
    match (target, array.as_list_opt::<i32>(), array.as_map_opt()) {
        (ArrowType::List(element), Some(list), _) => {
            let lists = Lists::new(array, Places::Offsets(list.value_offsets()));
            let values = declared(&lists.elements(list.values())?, element.data_type())?;
            let list = ListArray::try_new(Arc::clone(element), lists.offsets()?, values, nulls);
            Ok(Arc::new(list.map_err(kernel)?))
        }
        (ArrowType::Map(entries, sorted), list, map) => {
            let (offsets, pairs) = match (map, list.and_then(|list| list.values().as_struct_opt()))
            {
                (Some(map), _) => (map.value_offsets(), map.entries()),
                (None, Some(pairs)) => (list.map_or(&[][..], |list| list.value_offsets()), pairs),
                (None, None) => return Ok(ArrayRef::clone(array)),
            };
            let lists = Lists::new(array, Places::Offsets(offsets));
            let pairs: ArrayRef = Arc::new(pairs.clone());
            let pairs = structure(&lists.elements(&pairs)?, entries)?;
            let offsets = lists.offsets()?;
            let map = MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, *sorted);
            Ok(Arc::new(map.map_err(kernel)?))
        }
        (ArrowType::Struct(_), ..) => {
            let field = Field::new("", target.clone(), true);
            Ok(Arc::new(structure(array, &field)?))
        }
        _ => Ok(ArrayRef::clone(array)),
    }
}

fn structure(array: &ArrayRef, target: &Field) -> Conformed<StructArray> {
    let (Some(rows), ArrowType::Struct(fields)) = (array.as_struct_opt(), target.data_type())
    else {
        let what = format!("{} instead of {}", array.data_type(), target.data_type());
        return Err(kernel(ArrowError::SchemaError(what)).into());
    };
    let nulls = rows.nulls().filter(|nulls| nulls.null_count() > 0);
    let columns = fields.iter().zip(rows.columns()).map(|(field, child)| {
        let child = below(child, field.data_type(), nulls)?;
        declared(&child, field.data_type())
    });
    let columns = columns.collect::<Conformed<Vec<_>>>()?;
    let len = array.len();
    let rows =
        StructArray::try_new_with_length(fields.clone(), columns, rows.nulls().cloned(), len);
    Ok(rows.map_err(kernel)?)
}
