//! Databases.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::error::Result;
use crate::json::{JsonWriter, parse};

/// Definition of a database: a comment and properties of the user's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatabaseDescriptor {
    comment: Option<String>,
    custom_properties: BTreeMap<String, String>,
}

impl DatabaseDescriptor {
    /// A database without comment and properties.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a definition.
    pub fn builder() -> DatabaseDescriptorBuilder {
        DatabaseDescriptorBuilder::default()
    }

    /// The same with a comment.
    #[must_use]
    pub fn with_comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// The same with a property.
    #[must_use]
    pub fn with_custom_property(
        mut self,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.custom_properties.insert(key.into(), value.into());
        self
    }

    /// The comment.
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// The properties.
    pub fn custom_properties(&self) -> &BTreeMap<String, String> {
        &self.custom_properties
    }

    /// The JSON document that the server keeps. Source: `DatabaseDescriptorJsonSerde.java`.
    pub fn to_json(&self) -> String {
        JsonWriter::document(|json| {
            json.number_field("version", 1);
            if let Some(comment) = self.comment() {
                json.string_field("comment", comment);
            }
            json.map_field("custom_properties", &self.custom_properties);
        })
    }

    /// Reads the JSON document of a database.
    ///
    /// # Errors
    ///
    /// Text that is no such document.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let [comment, custom_properties] =
            parse("database descriptor", text)?.fields(["comment", "custom_properties"])?;
        Ok(Self {
            comment: comment.optional_string()?.map(Cow::into_owned),
            custom_properties: custom_properties.required()?.string_map()?,
        })
    }
}

/// Collects the definition of a database.
#[derive(Debug, Clone, Default)]
pub struct DatabaseDescriptorBuilder {
    descriptor: DatabaseDescriptor,
}

impl DatabaseDescriptorBuilder {
    /// A comment.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.descriptor = self.descriptor.with_comment(comment);
        self
    }

    /// A property.
    #[must_use]
    pub fn custom_property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.descriptor = self.descriptor.with_custom_property(key, value);
        self
    }

    /// Several properties.
    #[must_use]
    pub fn custom_properties<K: Into<String>, V: Into<String>>(
        mut self,
        properties: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let properties = properties.into_iter().map(|(k, v)| (k.into(), v.into()));
        self.descriptor.custom_properties.extend(properties);
        self
    }

    /// The definition.
    pub fn build(self) -> DatabaseDescriptor {
        self.descriptor
    }
}

/// A database as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseInfo {
    name: String,
    descriptor: DatabaseDescriptor,
    created_time: i64,
    modified_time: i64,
}

impl DatabaseInfo {
    /// Puts together what a server answered; times are milliseconds since 1970.
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

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its definition.
    pub fn descriptor(&self) -> &DatabaseDescriptor {
        &self.descriptor
    }

    /// When it was made, in milliseconds since 1970.
    pub fn created_time(&self) -> i64 {
        self.created_time
    }

    /// When it was changed last, in milliseconds since 1970.
    pub fn modified_time(&self) -> i64 {
        self.modified_time
    }
}

/// A line of a list of databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseSummary {
    name: String,
    created_time: i64,
    table_count: i32,
}

impl DatabaseSummary {
    /// Puts together what a server answered.
    pub fn new(name: impl Into<String>, created_time: i64, table_count: i32) -> Self {
        Self {
            name: name.into(),
            created_time,
            table_count,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it was made, in milliseconds since 1970.
    pub fn created_time(&self) -> i64 {
        self.created_time
    }

    /// How many tables it has.
    pub fn table_count(&self) -> i32 {
        self.table_count
    }
}
