//! A row made of values, for writes and lookups.

use std::fmt;

use crate::datum_read::getters_over_datums;
use crate::getters::row_getters;
use crate::{DataGetters, Datum, InternalRow, Result, RowError};

/// A row of separate values that you build in code to write it or to look it up.
///
/// ```
/// use fluss_row::GenericRow;
///
/// let mut row = GenericRow::new(3);
/// row.set_field(0, 1);
/// row.set_field(1, "Alice");
/// row.set_field(2, 95.5f32);
/// assert_eq!(row.get_int(0), 1);
/// assert_eq!(row.try_get::<&str>(1)?, "Alice");
/// assert_eq!(format!("{row:?}"), r#"(1, "Alice", 95.5)"#);
/// # Ok::<(), fluss_row::RowError>(())
/// ```
#[derive(Clone, PartialEq, Default)]
pub struct GenericRow<'a> {
    values: Box<[Datum<'a>]>,
    /// One above the highest position passed to `set_field` beyond the row's end, or 0.
    beyond: usize,
}

impl<'a> GenericRow<'a> {
    /// Creates a row of `field_count` nulls.
    #[must_use]
    pub fn new(field_count: usize) -> Self {
        Self {
            values: vec![Datum::Null; field_count].into_boxed_slice(),
            beyond: 0,
        }
    }

    /// Creates a row of these values.
    pub fn from_data<T: Into<Datum<'a>>>(values: Vec<T>) -> Self {
        values.into_iter().collect()
    }

    /// Sets a field. Never panics: after setting a position beyond the row's end, the row counts as having that many
    /// fields, and every use of it as a row of its table fails. [`GenericRow::try_set_field`] reports it immediately.
    #[inline]
    pub fn set_field(&mut self, pos: usize, value: impl Into<Datum<'a>>) {
        match self.values.get_mut(pos) {
            Some(slot) => slot.set(value.into()),
            None => self.beyond = self.beyond.max(pos.saturating_add(1)),
        }
    }

    /// Sets a field, or returns an error if the row has no such position.
    #[inline]
    pub fn try_set_field(&mut self, position: usize, value: impl Into<Datum<'a>>) -> Result<()> {
        let field_count = self.values.len();
        let slot = self
            .values
            .get_mut(position)
            .ok_or(RowError::FieldOutOfRange {
                position,
                field_count,
            })?;
        slot.set(value.into());
        Ok(())
    }

    /// Returns the value of a field, or `None` beyond the row's end.
    #[inline]
    pub fn field(&self, pos: usize) -> Option<&Datum<'a>> {
        self.values.get(pos)
    }

    /// Returns all values.
    pub fn values(&self) -> &[Datum<'a>] {
        &self.values
    }

    /// Returns all values, mutably.
    #[inline]
    pub(crate) fn values_mut(&mut self) -> &mut [Datum<'a>] {
        &mut self.values
    }

    /// As [`GenericRow::values_mut`], if there are so many fields.
    #[inline]
    pub(crate) fn values_if(&mut self, field_count: usize) -> Option<&mut [Datum<'a>]> {
        if self.beyond == 0 && self.values.len() == field_count {
            Some(&mut self.values)
        } else {
            None
        }
    }

    /// Makes this a row of so many fields.
    #[inline]
    pub(crate) fn resize(&mut self, field_count: usize) {
        if self.values.len() != field_count || self.beyond != 0 {
            self.renew(field_count);
        }
    }

    #[cold]
    #[inline(never)]
    fn renew(&mut self, field_count: usize) {
        *self = Self::new(field_count);
    }

    /// Consumes the row and returns the values.
    pub fn into_values(self) -> Vec<Datum<'a>> {
        self.values.into_vec()
    }

    /// Returns the same row without borrowed parts.
    #[must_use]
    pub fn into_owned(self) -> GenericRow<'static> {
        GenericRow {
            values: self.values.into_iter().map(Datum::into_owned).collect(),
            beyond: self.beyond,
        }
    }

    /// Returns the same row with strings and bytes borrowed from this one.
    pub fn borrow(&self) -> GenericRow<'_> {
        GenericRow {
            values: self.values.iter().map(Datum::borrow).collect(),
            beyond: self.beyond,
        }
    }

    row_getters!();

    #[inline]
    pub(crate) fn at(&self, position: usize) -> Result<&Datum<'a>> {
        self.values
            .get(position)
            .ok_or_else(|| RowError::FieldOutOfRange {
                position,
                field_count: self.values.len(),
            })
    }
}

impl DataGetters for GenericRow<'_> {
    getters_over_datums!(|row: &Self| row.values.len().max(row.beyond));
}

impl InternalRow for GenericRow<'_> {
    #[inline]
    fn as_generic(&self) -> Option<&GenericRow<'_>> {
        if self.beyond == 0 { Some(self) } else { None }
    }
}

impl<'a, T: Into<Datum<'a>>> FromIterator<T> for GenericRow<'a> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self {
            values: values.into_iter().map(Into::into).collect(),
            beyond: 0,
        }
    }
}

impl fmt::Debug for GenericRow<'_> {
    /// The values in parentheses: `(1, "Alice", null)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::getters::debug_row(self, f)
    }
}
