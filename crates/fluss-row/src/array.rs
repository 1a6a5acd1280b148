//! ARRAY values.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::binary::layout::Field;
use crate::binary::nested;
use crate::binary::read::Value;
use crate::{
    DataGetters, Date, Datum, Decimal, FieldRef, FlussMap, FromField, GenericRow, Result, RowError,
    Time, TimestampLtz, TimestampNtz,
};

/// An ARRAY, created from a `Vec` of plain Rust values or read from a row.
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
    repr: Repr<'a>,
}

#[derive(Clone)]
enum Repr<'a> {
    Values(Box<[Datum<'a>]>),
    /// The bytes as read; elements are located in them on access.
    Binary {
        bytes: Cow<'a, [u8]>,
        element: Arc<Field>,
    },
}

impl<'a> FlussArray<'a> {
    /// Returns the number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.field_count()
    }

    /// Returns whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns an element as a plain Rust type; use `Option<T>` for nullable elements. Returns an error for a wrong
    /// position or type, for a null if the type is not an `Option`, and for corrupt bytes.
    pub fn try_get<'r, T: FromField<'r>>(&'r self, index: usize) -> Result<T> {
        T::from_field(self, index)
    }

    /// Returns all elements as a plain Rust type; returns the same errors as [`FlussArray::try_get`].
    pub fn to_vec<'r, T: FromField<'r>>(&'r self) -> Result<Vec<T>> {
        (0..self.len()).map(|index| self.try_get(index)).collect()
    }

    /// Iterates over the elements. An element is an error only if it was read from corrupt bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Result<Datum<'_>>> {
        (0..self.len()).map(|index| self.datum(index))
    }

    /// Returns the same array without borrowed parts.
    #[must_use]
    pub fn into_owned(self) -> FlussArray<'static> {
        let repr = match self.repr {
            Repr::Values(values) => {
                Repr::Values(values.into_iter().map(Datum::into_owned).collect())
            }
            Repr::Binary { bytes, element } => Repr::Binary {
                bytes: Cow::Owned(bytes.into_owned()),
                element,
            },
        };
        FlussArray { repr }
    }

    /// Returns the same array with strings and bytes borrowed from this one.
    pub fn borrow(&self) -> FlussArray<'_> {
        let repr = match &self.repr {
            Repr::Values(values) => Repr::Values(values.iter().map(Datum::borrow).collect()),
            Repr::Binary { bytes, element } => Repr::Binary {
                bytes: Cow::Borrowed(bytes),
                element: Arc::clone(element),
            },
        };
        FlussArray { repr }
    }

    /// An array of these bytes. Returns an error if they are too few for the elements they announce.
    pub(crate) fn from_binary(bytes: &'a [u8], element: &Arc<Field>) -> Result<Self> {
        nested::array_count(bytes, element)?;
        Ok(Self {
            repr: Repr::Binary {
                bytes: Cow::Borrowed(bytes),
                element: Arc::clone(element),
            },
        })
    }

    #[inline]
    fn element(&self, position: usize) -> Result<Element<'_, 'a>> {
        match &self.repr {
            Repr::Values(values) => match values.get(position) {
                Some(value) => Ok(Element::Datum(value)),
                None => Err(RowError::FieldOutOfRange {
                    position,
                    field_count: values.len(),
                }),
            },
            Repr::Binary { bytes, element } => {
                let count = nested::array_count(bytes, element)?;
                if position >= count {
                    Err(RowError::FieldOutOfRange {
                        position,
                        field_count: count,
                    })
                } else if nested::element_is_null(bytes, position) {
                    Ok(Element::Null)
                } else {
                    nested::element_value(bytes, element, count, position).map(Element::Value)
                }
            }
        }
    }
}

/// One element, found but not yet read.
enum Element<'r, 'a> {
    Null,
    Datum(&'r Datum<'a>),
    Value(Value<'r, 'r>),
}

/// Reads an element by the method for datums or the one for binary values.
macro_rules! read_element {
    ($array:ident, $pos:ident, $read:ident($($arg:ident),*), $value:ident($($value_arg:ident),*)) => {
        match $array.element($pos)? {
            Element::Datum(datum) => datum.$read($pos $(, $arg)*),
            Element::Value(value) => value.$value($($value_arg),*),
            Element::Null => Err(RowError::NullValue { field: FieldRef::at($pos) }),
        }
    };
}

impl DataGetters for FlussArray<'_> {
    #[inline]
    fn field_count(&self) -> usize {
        match &self.repr {
            Repr::Values(values) => values.len(),
            Repr::Binary { bytes, element } => nested::array_count(bytes, element).unwrap_or(0),
        }
    }
    #[inline]
    fn is_null_at(&self, pos: usize) -> Result<bool> {
        Ok(match self.element(pos)? {
            Element::Null => true,
            Element::Datum(datum) => datum.is_null(),
            Element::Value(_) => false,
        })
    }
    fn get_boolean(&self, pos: usize) -> Result<bool> {
        read_element!(self, pos, read_boolean(), boolean())
    }
    fn get_byte(&self, pos: usize) -> Result<i8> {
        read_element!(self, pos, read_byte(), byte())
    }
    fn get_short(&self, pos: usize) -> Result<i16> {
        read_element!(self, pos, read_short(), short())
    }
    fn get_int(&self, pos: usize) -> Result<i32> {
        read_element!(self, pos, read_int(), int())
    }
    fn get_long(&self, pos: usize) -> Result<i64> {
        read_element!(self, pos, read_long(), long())
    }
    fn get_float(&self, pos: usize) -> Result<f32> {
        read_element!(self, pos, read_float(), float())
    }
    fn get_double(&self, pos: usize) -> Result<f64> {
        read_element!(self, pos, read_double(), double())
    }
    fn get_char(&self, pos: usize, _length: usize) -> Result<&str> {
        read_element!(self, pos, read_string(), string())
    }
    fn get_string(&self, pos: usize) -> Result<&str> {
        read_element!(self, pos, read_string(), string())
    }
    fn get_decimal(&self, pos: usize, precision: u32, scale: u32) -> Result<Decimal> {
        read_element!(
            self,
            pos,
            read_decimal(precision, scale),
            decimal_of(precision, scale)
        )
    }
    fn get_date(&self, pos: usize) -> Result<Date> {
        read_element!(self, pos, read_date(), date())
    }
    fn get_time(&self, pos: usize) -> Result<Time> {
        read_element!(self, pos, read_time(), time())
    }
    fn get_timestamp_ntz(&self, pos: usize, _precision: u32) -> Result<TimestampNtz> {
        read_element!(self, pos, read_timestamp_ntz(), timestamp_ntz())
    }
    fn get_timestamp_ltz(&self, pos: usize, _precision: u32) -> Result<TimestampLtz> {
        read_element!(self, pos, read_timestamp_ltz(), timestamp_ltz())
    }
    fn get_binary(&self, pos: usize, _length: usize) -> Result<&[u8]> {
        read_element!(self, pos, read_bytes(), binary())
    }
    fn get_bytes(&self, pos: usize) -> Result<&[u8]> {
        read_element!(self, pos, read_bytes(), binary())
    }
    fn get_array(&self, pos: usize) -> Result<FlussArray<'_>> {
        read_element!(self, pos, read_array(), array())
    }
    fn get_map(&self, pos: usize) -> Result<FlussMap<'_>> {
        read_element!(self, pos, read_map(), map())
    }
    fn get_row(&self, pos: usize) -> Result<GenericRow<'_>> {
        read_element!(self, pos, read_row(), row())
    }
    fn datum(&self, pos: usize) -> Result<Datum<'_>> {
        match self.element(pos)? {
            Element::Null => Ok(Datum::Null),
            Element::Datum(datum) => Ok(datum.borrow()),
            Element::Value(value) => value.datum(),
        }
    }
}

impl<'a, T: Into<Datum<'a>>> From<Vec<T>> for FlussArray<'a> {
    fn from(values: Vec<T>) -> Self {
        values.into_iter().collect()
    }
}

impl<'a, T: Into<Datum<'a>>> FromIterator<T> for FlussArray<'a> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self {
            repr: Repr::Values(values.into_iter().map(Into::into).collect()),
        }
    }
}

impl PartialEq for FlussArray<'_> {
    /// Arrays are equal if their elements are, however they are stored. Corrupt elements equal nothing.
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
