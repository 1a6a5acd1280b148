//! A row that knows the names of its columns, so that they can be set by name.

use std::fmt;

use fluss_metadata::RowType;

use crate::datum_read::getters_over_datums;
use crate::getters::row_getters;
use crate::{DataGetters, Datum, GenericRow, InternalRow, Result, RowError};

/// A row of a table that is built by column name. Writers and lookups accept it like a [`GenericRow`], which is what it holds.
///
/// ```
/// use fluss_metadata::{DataTypes, RowType};
/// use fluss_row::NamedRow;
///
/// let columns = RowType::new(vec![
///     DataTypes::field("id", DataTypes::int()),
///     DataTypes::field("name", DataTypes::string()),
/// ]);
/// let mut row = NamedRow::new(&columns);
/// row.set_by_name("id", 1)?;
/// row.set_by_name("name", "Alice")?;
/// assert_eq!(row.try_get::<&str>("name")?, "Alice");
/// assert_eq!(row.to_string(), r#"(1, "Alice")"#);
///
/// let error = row.set_by_name("nmae", "Bob").unwrap_err();
/// assert_eq!(error.to_string(), r#"the row has no column named "nmae""#);
/// # Ok::<(), fluss_row::RowError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct NamedRow<'a> {
    row_type: RowType,
    row: GenericRow<'a>,
}

impl<'a> NamedRow<'a> {
    /// Creates a row with these columns, all null.
    #[must_use]
    pub fn new(row_type: &RowType) -> Self {
        Self {
            row_type: row_type.clone(),
            row: GenericRow::new(row_type.fields().len()),
        }
    }

    /// Sets the value of a column.
    ///
    /// # Errors
    ///
    /// Returns [`RowError::UnknownColumn`] if there is no column of that name. Whether the value fits the column is checked when the
    /// row is written.
    pub fn set_by_name(&mut self, name: &str, value: impl Into<Datum<'a>>) -> Result<()> {
        let position = self
            .row_type
            .index_of(name)
            .ok_or_else(|| RowError::UnknownColumn { name: name.into() })?;
        self.row.try_set_field(position, value)
    }

    /// Sets the value of a column by position. See [`GenericRow::set_field`].
    pub fn set_field(&mut self, pos: usize, value: impl Into<Datum<'a>>) {
        self.row.set_field(pos, value);
    }

    /// Sets all columns to null, to reuse the row.
    pub fn clear(&mut self) {
        self.row.values_mut().fill(Datum::Null);
    }

    /// Returns the columns of the row.
    pub fn row_type(&self) -> &RowType {
        &self.row_type
    }

    /// Returns the values, without the names.
    pub fn as_generic_row(&self) -> &GenericRow<'a> {
        &self.row
    }

    /// Takes the values out of the row.
    pub fn into_generic_row(self) -> GenericRow<'a> {
        self.row
    }

    row_getters!();

    #[inline]
    fn at(&self, position: usize) -> Result<&Datum<'a>> {
        self.row.at(position)
    }
}

impl DataGetters for NamedRow<'_> {
    getters_over_datums!(|row: &Self| DataGetters::field_count(&row.row));
}

impl InternalRow for NamedRow<'_> {
    fn field_index(&self, name: &str) -> Option<usize> {
        self.row_type.index_of(name)
    }

    #[inline]
    fn as_generic(&self) -> Option<&GenericRow<'_>> {
        self.row.as_generic()
    }
}

impl fmt::Debug for NamedRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.row.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use fluss_metadata::DataTypes;

    use super::*;

    fn columns() -> RowType {
        RowType::new(vec![
            DataTypes::field("id", DataTypes::int()),
            DataTypes::field("name", DataTypes::string()),
        ])
    }

    #[test]
    fn columns_are_set_and_read_by_name_or_position() {
        let mut row = NamedRow::new(&columns());
        row.set_by_name("name", "Alice").unwrap();
        row.set_field(0, 7);
        assert_eq!(row.try_get::<i32>("id").unwrap(), 7);
        assert_eq!(row.get_string(1), "Alice");
        assert_eq!(row.field_index("name"), Some(1));
        assert_eq!(row.as_generic().unwrap().values().len(), 2);
        row.clear();
        assert!(row.is_null_at(0) && row.is_null_at(1));
    }

    #[test]
    fn an_unknown_name_is_an_error_and_changes_nothing() {
        let mut row = NamedRow::new(&columns());
        let before = row.clone();
        let error = row.set_by_name("Name", "Alice").unwrap_err();
        assert!(matches!(error, RowError::UnknownColumn { name } if &*name == "Name"));
        assert_eq!(row, before);
    }
}
