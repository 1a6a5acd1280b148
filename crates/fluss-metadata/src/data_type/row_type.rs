//! Rows as types: named fields in order.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::DataType;
use crate::error::{MetadataError, Result, quoted_text};

/// Above this number of fields, names are looked up through an index.
const SCANNED_FIELDS: usize = 8;

/// The fields of a row, in order. Cheap to clone.
#[derive(Clone)]
pub struct RowType {
    inner: Arc<Inner>,
}

struct Inner {
    fields: Box<[DataField]>,
    /// Positions, ordered by name; empty if there are few fields.
    by_name: Box<[u32]>,
}

impl PartialEq for RowType {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner) || self.fields() == other.fields()
    }
}

impl Eq for RowType {}

impl std::hash::Hash for RowType {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.fields().hash(state);
    }
}

impl fmt::Debug for RowType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.fields()).finish()
    }
}

/// A field of a row.
#[derive(Debug, Clone)]
pub struct DataField {
    name: Arc<str>,
    data_type: DataType,
    description: Option<Arc<str>>,
    field_id: Option<i32>,
}

/// Fields are equal if name, type and description are. Ids are ignored, because the schema assigns them later.
impl PartialEq for DataField {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.data_type == other.data_type
            && self.description == other.description
    }
}

impl Eq for DataField {}

impl std::hash::Hash for DataField {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.data_type.hash(state);
    }
}

impl RowType {
    /// Creates a row type with these fields.
    pub fn new(fields: Vec<DataField>) -> Self {
        let mut by_name = Vec::new();
        // A row with more fields than a u32 can count does not fit into memory.
        if let Ok(count) = u32::try_from(fields.len())
            && fields.len() > SCANNED_FIELDS
        {
            by_name = (0..count).collect();
            // Stable, so that the first of two fields with the same name is found.
            by_name.sort_by_key(|position| fields.get(*position as usize).map(DataField::name));
        }
        Self {
            inner: Arc::new(Inner {
                fields: fields.into(),
                by_name: by_name.into(),
            }),
        }
    }

    /// Returns the fields in order.
    pub fn fields(&self) -> &[DataField] {
        &self.inner.fields
    }

    /// Returns the number of fields.
    pub fn len(&self) -> usize {
        self.fields().len()
    }

    /// Returns whether it has no fields.
    pub fn is_empty(&self) -> bool {
        self.fields().is_empty()
    }

    /// Returns the field with that name.
    pub fn field(&self, name: &str) -> Option<&DataField> {
        self.fields().get(self.index_of(name)?)
    }

    /// Returns the position of the field with that name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        if self.inner.by_name.is_empty() {
            return self.fields().iter().position(|field| field.name() == name);
        }
        let name_at = |position: u32| {
            self.fields()
                .get(position as usize)
                .map_or("", DataField::name)
        };
        let at = self
            .inner
            .by_name
            .partition_point(|position| name_at(*position) < name);
        let position = *self.inner.by_name.get(at)?;
        (name_at(position) == name).then_some(position as usize)
    }

    /// Returns a row type with the fields at `positions`, in that order.
    pub fn project(&self, positions: &[usize]) -> Result<Self> {
        positions
            .iter()
            .map(|&position| {
                self.fields().get(position).cloned().ok_or_else(|| {
                    MetadataError::invalid(
                        "projection",
                        format!("position {position}"),
                        format!("a position below {}", self.len()),
                    )
                })
            })
            .collect::<Result<Vec<_>>>()
            .map(Self::new)
    }

    pub(crate) fn validate_names(&self, field: &str) -> Result<()> {
        let mut names = HashSet::with_capacity(self.len());
        for inner in self.fields() {
            if inner.name().trim().is_empty() {
                return Err(MetadataError::invalid(
                    field,
                    format!("a field named {}", quoted_text(inner.name())),
                    "a name that is not blank",
                ));
            }
            if !names.insert(inner.name()) {
                return Err(MetadataError::invalid(
                    field,
                    format!("two fields {}", quoted_text(inner.name())),
                    "fields with distinct names",
                ));
            }
        }
        Ok(())
    }
}

impl DataField {
    /// Creates a field without a description.
    pub fn new(name: impl Into<Arc<str>>, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            data_type,
            description: None,
            field_id: None,
        }
    }

    /// Returns the same field with a description.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<Arc<str>>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Returns the same field with another type.
    #[must_use]
    pub fn with_data_type(mut self, data_type: DataType) -> Self {
        self.data_type = data_type;
        self
    }

    /// Returns the same field with an id, or without one for a negative `id`.
    #[must_use]
    pub fn with_field_id(mut self, id: i32) -> Self {
        self.field_id = (id >= 0).then_some(id);
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the type.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// Returns the description.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns the id, once a schema has assigned one.
    pub fn field_id(&self) -> Option<i32> {
        self.field_id
    }
}
