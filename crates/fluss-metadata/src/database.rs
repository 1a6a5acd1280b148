//! Databases.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::error::Result;
use crate::json::{JsonWriter, parse};

/// Definition of a database: a comment and custom properties.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatabaseDescriptor {
    comment: Option<String>,
    custom_properties: BTreeMap<String, String>,
}

impl DatabaseDescriptor {
    /// Creates a database without a comment and properties.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a builder.
    pub fn builder() -> DatabaseDescriptorBuilder {
        DatabaseDescriptorBuilder::default()
    }

    /// Returns the same definition with a comment.
    #[must_use]
    pub fn with_comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// Returns the same definition with a property.
    #[must_use]
    pub fn with_custom_property(
        mut self,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.custom_properties.insert(key.into(), value.into());
        self
    }

    /// Returns the comment.
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// Returns the properties.
    pub fn custom_properties(&self) -> &BTreeMap<String, String> {
        &self.custom_properties
    }

    /// Returns the JSON document that the server stores. Source: `DatabaseDescriptorJsonSerde.java`.
    pub fn to_json(&self) -> String {
        JsonWriter::document(|json| {
            json.number_field("version", 1);
            if let Some(comment) = self.comment() {
                json.string_field("comment", comment);
            }
            json.map_field("custom_properties", &self.custom_properties);
        })
    }

    /// Parses the JSON document of a database.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not such a document.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let [comment, custom_properties] =
            parse("database descriptor", text)?.fields(["comment", "custom_properties"])?;
        Ok(Self {
            comment: comment.optional_string()?.map(Cow::into_owned),
            custom_properties: custom_properties.required()?.string_map()?,
        })
    }
}

/// Builds the definition of a database.
#[derive(Debug, Clone, Default)]
pub struct DatabaseDescriptorBuilder {
    descriptor: DatabaseDescriptor,
}

impl DatabaseDescriptorBuilder {
    /// Sets the comment.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.descriptor = self.descriptor.with_comment(comment);
        self
    }

    /// Adds a property.
    #[must_use]
    pub fn custom_property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.descriptor = self.descriptor.with_custom_property(key, value);
        self
    }

    /// Adds several properties.
    #[must_use]
    pub fn custom_properties<K: Into<String>, V: Into<String>>(
        mut self,
        properties: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let properties = properties.into_iter().map(|(k, v)| (k.into(), v.into()));
        self.descriptor.custom_properties.extend(properties);
        self
    }

    /// Returns the definition.
    pub fn build(self) -> DatabaseDescriptor {
        self.descriptor
    }
}

/// A database as stored by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseInfo {
    name: String,
    descriptor: DatabaseDescriptor,
    created_time: i64,
    modified_time: i64,
}

impl DatabaseInfo {
    /// Creates the value from a server's response. Times are milliseconds since 1970.
    pub fn new(
        name: impl Into<String>,
        descriptor: DatabaseDescriptor,
        created_time: i64,
        modified_time: i64,
    ) -> Self {
        Self {
            name: name.into(),
            descriptor,
            created_time,
            modified_time,
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the definition.
    pub fn descriptor(&self) -> &DatabaseDescriptor {
        &self.descriptor
    }

    /// Returns when it was created, in milliseconds since 1970.
    pub fn created_time(&self) -> i64 {
        self.created_time
    }

    /// Returns when it was last changed, in milliseconds since 1970.
    pub fn modified_time(&self) -> i64 {
        self.modified_time
    }
}

/// An entry in a list of databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseSummary {
    name: String,
    created_time: i64,
    table_count: i32,
}

impl DatabaseSummary {
    /// Creates the value from a server's response.
    pub fn new(name: impl Into<String>, created_time: i64, table_count: i32) -> Self {
        Self {
            name: name.into(),
            created_time,
            table_count,
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns when it was created, in milliseconds since 1970.
    pub fn created_time(&self) -> i64 {
        self.created_time
    }

    /// Returns the number of its tables.
    pub fn table_count(&self) -> i32 {
        self.table_count
    }
}
