//! Rows as types: named fields in order.

use std::collections::HashSet;
use std::sync::Arc;

use super::DataType;
use crate::error::{MetadataError, Result};

/// The fields of a row, in order. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowType {
    fields: Arc<[DataField]>,
}

/// A field of a row.
#[derive(Debug, Clone)]
pub struct DataField {
    name: Arc<str>,
    data_type: DataType,
    description: Option<Arc<str>>,
    field_id: Option<i32>,
}

/// Equal are fields of one name, type and description: ids are given later, by the schema.
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
    /// A row of these fields.
    pub fn new(fields: Vec<DataField>) -> Self {
        Self {
            fields: fields.into(),
        }
    }

    /// The fields in order.
    pub fn fields(&self) -> &[DataField] {
        &self.fields
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Position of the field with that name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name() == name)
    }

    /// The row of the fields at `positions`, in that order.
    pub fn project(&self, positions: &[usize]) -> Result<Self> {
        positions
            .iter()
            .map(|&position| {
                self.fields.get(position).cloned().ok_or_else(|| {
                    MetadataError::invalid(
                        "projection",
                        format!("position {position}"),
                        format!("a position below {}", self.fields.len()),
                    )
                })
            })
            .collect::<Result<Vec<_>>>()
            .map(Self::new)
    }

    pub(super) fn validate(&self, field: &str) -> Result<()> {
        let mut names = HashSet::with_capacity(self.fields.len());
        for inner in self.fields.iter() {
            if !names.insert(inner.name()) {
                return Err(MetadataError::invalid(
                    field,
                    format!("two fields {:?}", inner.name()),
                    "fields of different names",
                ));
            }
            inner
                .data_type()
                .validate(&format!("{field}.{}", inner.name()))?;
        }
        Ok(())
    }
}

impl DataField {
    /// A field without description.
    pub fn new(name: impl Into<Arc<str>>, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            data_type,
            description: None,
            field_id: None,
        }
    }

    /// The same field with a description.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<Arc<str>>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// The same field with an id.
    #[must_use]
    pub fn with_field_id(mut self, id: i32) -> Self {
        self.field_id = (id >= 0).then_some(id);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// Its description.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Its id, once a schema has given it one.
    pub fn field_id(&self) -> Option<i32> {
        self.field_id
    }
}
