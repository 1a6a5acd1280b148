//! ARRAY values.

use std::fmt;

use crate::datum_read::getters_over_datums;
use crate::{DataGetters, Datum, FromField, Result, RowError};

/// An ARRAY: made from a `Vec` of plain Rust values, or read from a row.
///
/// ```
/// use fluss_row::FlussArray;
///
/// let array = FlussArray::from(vec![Some(1), None, Some(3)]);
/// assert_eq!(array.len(), 3);
/// assert_eq!(array.try_get::<Option<i32>>(1)?, None);
/// assert_eq!(array.to_vec::<Option<i32>>()?, [Some(1), None, Some(3)]);
/// # Ok::<(), fluss_row::RowError>(())
/// ```
#[derive(Clone)]
pub struct FlussArray<'a> {
    values: Box<[Datum<'a>]>,
}

impl<'a> FlussArray<'a> {
    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.field_count()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An element as a plain Rust type; `Option<T>` for elements that may be null. Errs on a wrong
    /// position or type, on a null for a type that is no `Option`, and on corrupt bytes.
    pub fn try_get<'r, T: FromField<'r>>(&'r self, index: usize) -> Result<T> {
        T::from_field(self, index)
    }

    /// All elements as a plain Rust type; errs like [`FlussArray::try_get`].
    pub fn to_vec<'r, T: FromField<'r>>(&'r self) -> Result<Vec<T>> {
        (0..self.len()).map(|index| self.try_get(index)).collect()
    }

    /// The elements one after another. An element is an error only when it was read from corrupt bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Result<Datum<'_>>> {
        (0..self.len()).map(|index| self.datum(index))
    }

    /// The same array without borrowed parts.
    #[must_use]
    pub fn into_owned(self) -> FlussArray<'static> {
        FlussArray {
            values: self.values.into_iter().map(Datum::into_owned).collect(),
        }
    }

    /// The same array, strings and bytes borrowed from this one.
    pub fn borrow(&self) -> FlussArray<'_> {
        FlussArray {
            values: self.values.iter().map(Datum::borrow).collect(),
        }
    }

    #[inline]
    fn at(&self, position: usize) -> Result<&Datum<'a>> {
        self.values
            .get(position)
            .ok_or_else(|| RowError::FieldOutOfRange {
                position,
                field_count: self.values.len(),
            })
    }
}

impl DataGetters for FlussArray<'_> {
    getters_over_datums!(|array: &Self| array.values.len());
}

impl<'a, T: Into<Datum<'a>>> From<Vec<T>> for FlussArray<'a> {
    fn from(values: Vec<T>) -> Self {
        values.into_iter().collect()
    }
}

impl<'a, T: Into<Datum<'a>>> FromIterator<T> for FlussArray<'a> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self {
            values: values.into_iter().map(Into::into).collect(),
        }
    }
}

impl PartialEq for FlussArray<'_> {
    /// Equal elements, whichever way the arrays are held. Corrupt elements equal nothing.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .zip(other.iter())
                .all(|pair| matches!(pair, (Ok(left), Ok(right)) if left == right))
    }
}

impl fmt::Debug for FlussArray<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for element in self.iter() {
            match element {
                Ok(value) => list.entry(&value),
                Err(error) => list.entry(&format_args!("<{error}>")),
            };
        }
        list.finish()
    }
}
