//! The definition of a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    ArrowCompression, ArrowCompressionType, KvFormat, LogFormat, json, property, validate,
};
use crate::error::{MetadataError, Result, quoted_text};
use crate::schema::Schema;

/// Definition of a table: schema, distribution, partitions, properties. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDescriptor {
    inner: Arc<Inner>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    schema: Schema,
    comment: Option<String>,
    partition_keys: Vec<String>,
    distribution: Option<TableDistribution>,
    properties: BTreeMap<String, String>,
    custom_properties: BTreeMap<String, String>,
}

/// How the rows of a table are distributed over buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDistribution {
    bucket_count: Option<i32>,
    bucket_keys: Vec<String>,
}

impl TableDistribution {
    /// Returns the number of buckets of the table or of each partition; `None` for the server's default.
    pub fn bucket_count(&self) -> Option<i32> {
        self.bucket_count
    }

    /// Returns the columns whose hash selects the bucket; without any, rows are spread over all buckets.
    pub fn bucket_keys(&self) -> &[String] {
        &self.bucket_keys
    }
}

impl TableDescriptor {
    /// Returns a builder.
    pub fn builder() -> TableDescriptorBuilder {
        TableDescriptorBuilder::default()
    }

    /// Returns the columns and the primary key.
    pub fn schema(&self) -> &Schema {
        &self.inner.schema
    }

    /// Returns the comment.
    pub fn comment(&self) -> Option<&str> {
        self.inner.comment.as_deref()
    }

    /// Returns the columns whose values name the partition, in order.
    pub fn partition_keys(&self) -> &[String] {
        &self.inner.partition_keys
    }

    /// Returns whether the table is partitioned.
    pub fn is_partitioned(&self) -> bool {
        !self.inner.partition_keys.is_empty()
    }

    /// Returns whether it is a primary-key table.
    pub fn has_primary_key(&self) -> bool {
        self.inner.schema.primary_key().is_some()
    }

    /// Returns the distribution, if one is set or follows from the primary key.
    pub fn distribution(&self) -> Option<&TableDistribution> {
        self.inner.distribution.as_ref()
    }

    /// Returns the columns whose hash selects the bucket.
    pub fn bucket_keys(&self) -> &[String] {
        self.distribution()
            .map_or(&[], TableDistribution::bucket_keys)
    }

    /// Returns the number of buckets, if it is set.
    pub fn bucket_count(&self) -> Option<i32> {
        self.distribution()
            .and_then(TableDistribution::bucket_count)
    }

    /// Returns the columns of the primary key that are not partition keys, which identify a row within a partition.
    pub fn physical_primary_keys(&self) -> Vec<String> {
        physical_primary_keys(self.schema(), self.partition_keys())
    }

    /// Returns whether the bucket keys are the default: the physical primary key in its order, or none in a log table.
    pub fn is_default_bucket_key(&self) -> bool {
        if self.has_primary_key() {
            self.bucket_keys() == self.physical_primary_keys()
        } else {
            self.bucket_keys().is_empty()
        }
    }

    /// Returns the properties that the server understands, `table.…`.
    pub fn properties(&self) -> &BTreeMap<String, String> {
        &self.inner.properties
    }

    /// Returns one of the [`properties`](Self::properties).
    pub fn property(&self, key: &str) -> Option<&str> {
        self.inner.properties.get(key).map(String::as_str)
    }

    /// Returns the custom properties, which servers ignore.
    pub fn custom_properties(&self) -> &BTreeMap<String, String> {
        &self.inner.custom_properties
    }

    /// Returns one of the [`custom_properties`](Self::custom_properties).
    pub fn custom_property(&self, key: &str) -> Option<&str> {
        self.inner.custom_properties.get(key).map(String::as_str)
    }

    /// Returns the same table with these properties in place of its own.
    #[must_use]
    pub fn with_properties<K: Into<String>, V: Into<String>>(
        &self,
        properties: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.edited(|inner| {
            inner.properties = properties
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect();
        })
    }

    /// Returns the same table with this replication factor.
    #[must_use]
    pub fn with_replication_factor(&self, replicas: i32) -> Self {
        self.edited(|inner| {
            inner.properties.insert(
                property::REPLICATION_FACTOR.to_owned(),
                replicas.to_string(),
            );
        })
    }

    /// Returns the same table with this number of buckets.
    #[must_use]
    pub fn with_bucket_count(&self, bucket_count: i32) -> Self {
        self.edited(|inner| match &mut inner.distribution {
            Some(distribution) => distribution.bucket_count = Some(bucket_count),
            None => {
                inner.distribution = Some(TableDistribution {
                    bucket_count: Some(bucket_count),
                    bucket_keys: Vec::new(),
                });
            }
        })
    }

    fn edited(&self, edit: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = (*self.inner).clone();
        edit(&mut inner);
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns a builder that starts with this definition.
    pub fn to_builder(&self) -> TableDescriptorBuilder {
        let inner = &*self.inner;
        TableDescriptorBuilder {
            schema: Some(inner.schema.clone()),
            comment: inner.comment.clone(),
            partition_keys: inner.partition_keys.clone(),
            bucket_count: self.bucket_count(),
            bucket_keys: inner
                .distribution
                .as_ref()
                .map(|distribution| distribution.bucket_keys.clone()),
            properties: inner.properties.clone(),
            custom_properties: inner.custom_properties.clone(),
        }
    }

    /// Returns the JSON document that the server stores. Source: `TableDescriptorJsonSerde.java`.
    pub fn to_json(&self) -> String {
        json::to_json(self)
    }

    /// Parses the JSON document of a table.
    ///
    /// The server may have rules and properties that this client does not know. So parsing only checks what is
    /// required to use the table: that keys are columns and consistent with each other.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not such a document, or if the keys are invalid.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        json::from_json(text)
    }
}

/// Builds the definition of a table. [`build`](Self::build) validates everything.
#[derive(Debug, Clone, Default)]
pub struct TableDescriptorBuilder {
    schema: Option<Schema>,
    comment: Option<String>,
    partition_keys: Vec<String>,
    bucket_count: Option<i32>,
    bucket_keys: Option<Vec<String>>,
    properties: BTreeMap<String, String>,
    custom_properties: BTreeMap<String, String>,
}

fn strings<I: IntoIterator<Item = S>, S: Into<String>>(items: I) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}

impl TableDescriptorBuilder {
    /// Sets the columns and the primary key.
    #[must_use]
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// Sets the comment.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// Sets the number of buckets (`None` for the server's default) and the columns whose hash selects one.
    #[must_use]
    pub fn distributed_by<I: IntoIterator<Item = S>, S: Into<String>>(
        mut self,
        bucket_count: Option<i32>,
        bucket_keys: I,
    ) -> Self {
        self.bucket_count = bucket_count;
        self.bucket_keys = Some(strings(bucket_keys));
        self
    }

    /// Sets the number of buckets, of the table or of each partition.
    #[must_use]
    pub fn bucket_count(mut self, bucket_count: i32) -> Self {
        self.bucket_count = Some(bucket_count);
        self
    }

    /// Sets the columns whose hash selects the bucket.
    #[must_use]
    pub fn bucket_keys<I: IntoIterator<Item = S>, S: Into<String>>(
        mut self,
        bucket_keys: I,
    ) -> Self {
        self.bucket_keys = Some(strings(bucket_keys));
        self
    }

    /// Sets the columns whose values name the partition.
    #[must_use]
    pub fn partitioned_by<I: IntoIterator<Item = S>, S: Into<String>>(mut self, keys: I) -> Self {
        self.partition_keys = strings(keys);
        self
    }

    /// Sets a property that the server understands, `table.…`.
    #[must_use]
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(key.into(), value.into());
        self
    }

    /// Sets several properties that the server understands.
    #[must_use]
    pub fn properties<K: Into<String>, V: Into<String>>(
        mut self,
        properties: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.properties
            .extend(properties.into_iter().map(|(k, v)| (k.into(), v.into())));
        self
    }

    /// Sets a custom property, which servers ignore.
    #[must_use]
    pub fn custom_property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.custom_properties.insert(key.into(), value.into());
        self
    }

    /// Sets several custom properties, which servers ignore.
    #[must_use]
    pub fn custom_properties<K: Into<String>, V: Into<String>>(
        mut self,
        properties: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.custom_properties
            .extend(properties.into_iter().map(|(k, v)| (k.into(), v.into())));
        self
    }

    /// Sets `table.log.format`.
    #[must_use]
    pub fn log_format(self, format: LogFormat) -> Self {
        self.property(property::LOG_FORMAT, format.name())
    }

    /// Sets the compression of Arrow batches: `table.log.arrow.compression.type` and, for ZSTD,
    /// `table.log.arrow.compression.zstd.level`. Defaults to ZSTD at level 3.
    ///
    /// ```
    /// use fluss_metadata::{ArrowCompression, ArrowCompressionType, DataTypes, Schema, TableDescriptor};
    ///
    /// let schema = Schema::builder().column("id", DataTypes::int()).build()?;
    /// let builder = TableDescriptor::builder().schema(schema);
    /// let zstd = builder.clone().compression(ArrowCompression::zstd(9)?).build()?;
    /// assert_eq!(zstd.arrow_compression()?.to_string(), "ZSTD-9");
    /// let lz4 = builder.compression(ArrowCompressionType::Lz4Frame).build()?;
    /// assert_eq!(lz4.arrow_compression()?, ArrowCompression::LZ4_FRAME);
    /// # Ok::<(), fluss_metadata::MetadataError>(())
    /// ```
    #[must_use]
    pub fn compression(mut self, compression: impl Into<ArrowCompression>) -> Self {
        let compression = compression.into();
        self.properties
            .remove(property::LOG_ARROW_COMPRESSION_ZSTD_LEVEL);
        let builder = self.property(
            property::LOG_ARROW_COMPRESSION_TYPE,
            compression.kind.name(),
        );
        if compression.kind == ArrowCompressionType::Zstd {
            let level = compression.level.to_string();
            builder.property(property::LOG_ARROW_COMPRESSION_ZSTD_LEVEL, level)
        } else {
            builder
        }
    }

    /// Sets `table.kv.format`.
    #[must_use]
    pub fn kv_format(self, format: KvFormat) -> Self {
        self.property(property::KV_FORMAT, format.name())
    }

    /// Returns the definition.
    ///
    /// # Errors
    ///
    /// Returns an error with the field for the first violated rule. The rules are those of the server for new tables:
    /// a schema with columns, none with a reserved name; primary, bucket and partition keys of columns with suitable
    /// types that are consistent with each other; at least one bucket; properties that start with `table.` and whose
    /// values are valid and consistent with each other and with the schema. Unknown properties are accepted: whether
    /// the server knows them depends on its release.
    pub fn build(self) -> Result<TableDescriptor> {
        let table = self.assemble()?;
        validate::for_creation(&table)?;
        Ok(table)
    }

    /// Returns the definition, checked like in the Java class: anything rejected here could not be used. Source:
    /// `TableDescriptor.java`, constructor.
    pub(super) fn assemble(self) -> Result<TableDescriptor> {
        let schema = self
            .schema
            .ok_or_else(|| MetadataError::invalid("schema", "none", "a schema"))?;
        check_columns("partition keys", &self.partition_keys, &schema)?;
        let distribution = distribution(
            &schema,
            &self.partition_keys,
            self.bucket_count,
            self.bucket_keys,
        )?;
        Ok(TableDescriptor {
            inner: Arc::new(Inner {
                schema,
                comment: self.comment,
                partition_keys: self.partition_keys,
                distribution,
                properties: self.properties,
                custom_properties: self.custom_properties,
            }),
        })
    }
}

fn check_columns(field: &str, names: &[String], schema: &Schema) -> Result<()> {
    match names
        .iter()
        .find(|name| schema.column_index(name).is_none())
    {
        None => Ok(()),
        Some(name) => Err(MetadataError::invalid(
            field,
            quoted_text(name),
            "columns of the schema",
        )),
    }
}

fn physical_primary_keys(schema: &Schema, partition_keys: &[String]) -> Vec<String> {
    schema
        .primary_key_column_names()
        .iter()
        .filter(|column| !partition_keys.contains(column))
        .cloned()
        .collect()
}

/// Completes the distribution like the server does. Source: `TableDescriptor.java#normalizeDistribution`.
fn distribution(
    schema: &Schema,
    partition_keys: &[String],
    bucket_count: Option<i32>,
    bucket_keys: Option<Vec<String>>,
) -> Result<Option<TableDistribution>> {
    let named = bucket_keys.as_deref().unwrap_or_default();
    check_columns("bucket keys", named, schema)?;
    if let Some(name) = named.iter().find(|name| partition_keys.contains(name)) {
        return Err(MetadataError::invalid(
            "bucket keys",
            quoted_text(name),
            "no partition key",
        ));
    }
    if schema.primary_key().is_none() {
        return Ok(
            (bucket_count.is_some() || bucket_keys.is_some()).then(|| TableDistribution {
                bucket_count,
                bucket_keys: bucket_keys.unwrap_or_default(),
            }),
        );
    }
    let key = schema.primary_key_column_names();
    if let Some(name) = partition_keys.iter().find(|name| !key.contains(name)) {
        return Err(MetadataError::invalid(
            "partition keys",
            quoted_text(name),
            "columns of the primary key only",
        ));
    }
    if let Some(name) = named.iter().find(|name| !key.contains(name)) {
        return Err(MetadataError::invalid(
            "bucket keys",
            quoted_text(name),
            "columns of the primary key only",
        ));
    }
    let bucket_keys = if named.is_empty() {
        physical_primary_keys(schema, partition_keys)
    } else {
        named.to_vec()
    };
    if bucket_keys.is_empty() {
        return Err(MetadataError::invalid(
            "bucket keys",
            "a primary key of partition keys alone",
            "at least one further column in the primary key",
        ));
    }
    Ok(Some(TableDistribution {
        bucket_count,
        bucket_keys,
    }))
}
