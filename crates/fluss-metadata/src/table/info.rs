//! A table as stored by a server.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::TableDescriptor;
use crate::data_type::RowType;
use crate::error::Result;
use crate::ids::{SchemaId, TableId};
use crate::path::TablePath;
use crate::schema::Schema;

/// Number of buckets of a table whose definition does not set it.
const DEFAULT_BUCKET_COUNT: i32 = 1;

/// A table as stored by the server: definition, id, schema version, times. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    inner: Arc<Inner>,
}

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    path: TablePath,
    table_id: TableId,
    schema_id: SchemaId,
    descriptor: TableDescriptor,
    physical_primary_keys: Vec<String>,
    created_time: i64,
    modified_time: i64,
    remote_data_dir: Option<String>,
}

impl TableInfo {
    /// Creates the value from a server's response.
    ///
    /// Times are milliseconds since 1970.
    pub fn new(
        path: TablePath,
        table_id: TableId,
        schema_id: SchemaId,
        descriptor: TableDescriptor,
        created_time: i64,
        modified_time: i64,
        remote_data_dir: Option<String>,
    ) -> Result<Self> {
        let physical_primary_keys = descriptor.physical_primary_keys();
        Ok(Self {
            inner: Arc::new(Inner {
                path,
                table_id,
                schema_id,
                descriptor,
                physical_primary_keys,
                created_time,
                modified_time,
                remote_data_dir,
            }),
        })
    }

    /// Database and name.
    pub fn table_path(&self) -> &TablePath {
        &self.inner.path
    }

    /// Returns the id, which differs if a table with the same name is re-created.
    pub fn table_id(&self) -> TableId {
        self.inner.table_id
    }

    /// Returns the id of the latest schema.
    pub fn schema_id(&self) -> SchemaId {
        self.inner.schema_id
    }

    /// Returns the definition, completed by the server.
    pub fn descriptor(&self) -> &TableDescriptor {
        &self.inner.descriptor
    }

    /// Returns the latest schema.
    pub fn schema(&self) -> &Schema {
        self.inner.descriptor.schema()
    }

    /// Returns the columns as the type of a row.
    pub fn row_type(&self) -> &RowType {
        self.schema().row_type()
    }

    /// Returns the columns of the primary key, in key order.
    pub fn primary_keys(&self) -> &[String] {
        self.schema().primary_key_column_names()
    }

    /// Returns the columns of the primary key without the partition keys, in key order.
    pub fn physical_primary_keys(&self) -> &[String] {
        &self.inner.physical_primary_keys
    }

    /// Returns the columns whose hash selects the bucket.
    pub fn bucket_keys(&self) -> &[String] {
        self.inner.descriptor.bucket_keys()
    }

    /// Returns whether the hash of columns selects the bucket.
    pub fn has_bucket_key(&self) -> bool {
        !self.bucket_keys().is_empty()
    }

    /// Returns whether the bucket keys are the default.
    pub fn is_default_bucket_key(&self) -> bool {
        self.inner.descriptor.is_default_bucket_key()
    }

    /// Returns the columns whose values name the partition.
    pub fn partition_keys(&self) -> &[String] {
        self.inner.descriptor.partition_keys()
    }

    /// Returns the number of buckets, of the table or of each partition.
    pub fn num_buckets(&self) -> i32 {
        self.inner
            .descriptor
            .bucket_count()
            .unwrap_or(DEFAULT_BUCKET_COUNT)
    }

    /// Returns whether it is a primary-key table.
    pub fn has_primary_key(&self) -> bool {
        self.inner.descriptor.has_primary_key()
    }

    /// Returns whether it is partitioned.
    pub fn is_partitioned(&self) -> bool {
        self.inner.descriptor.is_partitioned()
    }

    /// Returns whether the server creates and drops time-based partitions.
    pub fn is_auto_partitioned(&self) -> bool {
        self.inner.descriptor.is_auto_partitioned()
    }

    /// Returns the properties that the server understands.
    pub fn properties(&self) -> &BTreeMap<String, String> {
        self.inner.descriptor.properties()
    }

    /// Returns the custom properties, which servers ignore.
    pub fn custom_properties(&self) -> &BTreeMap<String, String> {
        self.inner.descriptor.custom_properties()
    }

    /// Returns the comment.
    pub fn comment(&self) -> Option<&str> {
        self.inner.descriptor.comment()
    }

    /// Returns when the table was created, in milliseconds since 1970.
    pub fn created_time(&self) -> i64 {
        self.inner.created_time
    }

    /// Returns when the table was last changed, in milliseconds since 1970.
    pub fn modified_time(&self) -> i64 {
        self.inner.modified_time
    }

    /// Returns the location of its tiered files, if the server reports it (since release 1.0).
    pub fn remote_data_dir(&self) -> Option<&str> {
        self.inner.remote_data_dir.as_deref()
    }
}
