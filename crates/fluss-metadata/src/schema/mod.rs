//! Schemas: columns, primary key, ids.

mod aggregation;
mod builder;
mod json;

use std::sync::Arc;

pub use aggregation::{AggFunction, AggFunctionType};
pub use builder::SchemaBuilder;
pub(crate) use json::{read as read_json, write as write_json};

use crate::data_type::{DataType, RowType};
use crate::error::Result;
use crate::ids::SchemaId;

/// The columns of a table, in order, and its primary key. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    inner: Arc<Inner>,
}

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    columns: Vec<Column>,
    row_type: RowType,
    primary_key: Option<PrimaryKey>,
    auto_increment: Option<String>,
    highest_field_id: i32,
}

/// A column of a table. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    inner: Arc<ColumnInner>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ColumnInner {
    name: Arc<str>,
    data_type: DataType,
    comment: Option<String>,
    aggregation: Option<AggFunction>,
    id: i32,
}

/// The primary key of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryKey {
    name: String,
    columns: Vec<String>,
    indexes: Vec<usize>,
}

/// A schema with its id in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaInfo {
    schema: Schema,
    schema_id: SchemaId,
}

impl Schema {
    /// Returns a builder.
    pub fn builder() -> SchemaBuilder {
        SchemaBuilder::default()
    }

    /// Returns the columns in order.
    pub fn columns(&self) -> &[Column] {
        &self.inner.columns
    }

    /// Returns the primary key, if the table has one.
    pub fn primary_key(&self) -> Option<&PrimaryKey> {
        self.inner.primary_key.as_ref()
    }

    /// Returns the positions of the primary key's columns, in key order; empty without a key.
    pub fn primary_key_indexes(&self) -> &[usize] {
        self.primary_key().map_or(&[], PrimaryKey::column_indexes)
    }

    /// Returns the names of the primary key's columns, in key order; empty without a key.
    pub fn primary_key_column_names(&self) -> &[String] {
        self.primary_key().map_or(&[], PrimaryKey::column_names)
    }

    /// Returns the names of the columns, in order.
    pub fn column_names(&self) -> Vec<&str> {
        self.columns().iter().map(Column::name).collect()
    }

    /// Returns the columns as the type of a row.
    pub fn row_type(&self) -> &RowType {
        &self.inner.row_type
    }

    /// Returns the position of the column with that name.
    pub fn column_index(&self, name: &str) -> Option<usize> {
        self.row_type().index_of(name)
    }

    /// Returns the column with that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns().get(self.column_index(name)?)
    }

    /// Returns the auto-increment column, if there is one.
    pub fn auto_increment_column(&self) -> Option<&str> {
        self.inner.auto_increment.as_deref()
    }

    /// Returns the highest id of all columns and nested fields, −1 without any.
    pub fn highest_field_id(&self) -> i32 {
        self.inner.highest_field_id
    }

    /// Returns the JSON document that the server stores. Source: `SchemaJsonSerde.java`.
    pub fn to_json(&self) -> String {
        json::to_json(self)
    }

    /// Parses the JSON document of a schema.
    ///
    /// In old documents without ids, columns get their positions as ids.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not such a document, or if the schema violates a rule of
    /// [`SchemaBuilder::build`].
    pub fn from_json(text: &[u8]) -> Result<Self> {
        json::from_json(text)
    }
}

impl Column {
    /// For changes; copies what is shared with other schemas.
    fn edit(&mut self) -> &mut ColumnInner {
        Arc::make_mut(&mut self.inner)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Returns the type.
    pub fn data_type(&self) -> &DataType {
        &self.inner.data_type
    }

    /// Returns the comment.
    pub fn comment(&self) -> Option<&str> {
        self.inner.comment.as_deref()
    }

    /// How values of one key are merged, in tables with the aggregation merge engine.
    pub fn agg_function(&self) -> Option<&AggFunction> {
        self.inner.aggregation.as_ref()
    }

    /// Returns the id, which stays when columns are added.
    pub fn column_id(&self) -> i32 {
        self.inner.id
    }
}

impl PrimaryKey {
    /// Returns the name as a constraint.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the names of its columns, in key order.
    pub fn column_names(&self) -> &[String] {
        &self.columns
    }

    /// Returns the positions of its columns, in key order.
    pub fn column_indexes(&self) -> &[usize] {
        &self.indexes
    }
}

impl SchemaInfo {
    /// Creates a schema with its id.
    pub fn new(schema: Schema, schema_id: SchemaId) -> Self {
        Self { schema, schema_id }
    }

    /// Returns the schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Returns the id.
    pub fn schema_id(&self) -> SchemaId {
        self.schema_id
    }
}
