//! What a server knows of a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::TableDescriptor;
use crate::data_type::RowType;
use crate::error::Result;
use crate::ids::{SchemaId, TableId};
use crate::path::TablePath;
use crate::schema::Schema;

/// Buckets of a table whose definition does not say how many.
const DEFAULT_BUCKET_COUNT: i32 = 1;

/// A table as the server keeps it: definition, id, version of the schema, times. Cheap to clone.
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
    /// Puts together what a server answered.
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

    /// The id, which another table of the same name would not have.
    pub fn table_id(&self) -> TableId {
        self.inner.table_id
    }

    /// Id of the latest schema.
    pub fn schema_id(&self) -> SchemaId {
        self.inner.schema_id
    }

    /// The definition, completed by the server.
    pub fn descriptor(&self) -> &TableDescriptor {
        &self.inner.descriptor
    }

    /// The latest schema.
    pub fn schema(&self) -> &Schema {
        self.inner.descriptor.schema()
    }

    /// The columns as the type of a row.
    pub fn row_type(&self) -> &RowType {
        self.schema().row_type()
    }

    /// Columns of the primary key, in key order.
    pub fn primary_keys(&self) -> &[String] {
        self.schema().primary_key_column_names()
    }

    /// Columns of the primary key without the partition keys, in key order.
    pub fn physical_primary_keys(&self) -> &[String] {
        &self.inner.physical_primary_keys
    }

    /// Columns whose hash chooses the bucket.
    pub fn bucket_keys(&self) -> &[String] {
        self.inner.descriptor.bucket_keys()
    }

    /// Whether the hash of columns chooses the bucket.
    pub fn has_bucket_key(&self) -> bool {
        !self.bucket_keys().is_empty()
    }

    /// Whether the bucket keys are what they are without being named.
    pub fn is_default_bucket_key(&self) -> bool {
        self.inner.descriptor.is_default_bucket_key()
    }

    /// Columns whose values name the partition.
    pub fn partition_keys(&self) -> &[String] {
        self.inner.descriptor.partition_keys()
    }

    /// Number of buckets, of the table or of each partition.
    pub fn num_buckets(&self) -> i32 {
        self.inner
            .descriptor
            .bucket_count()
            .unwrap_or(DEFAULT_BUCKET_COUNT)
    }

    /// Whether it is a primary-key table.
    pub fn has_primary_key(&self) -> bool {
        self.inner.descriptor.has_primary_key()
    }

    /// Whether it has partitions.
    pub fn is_partitioned(&self) -> bool {
        self.inner.descriptor.is_partitioned()
    }

    /// Whether the server makes and drops partitions by time.
    pub fn is_auto_partitioned(&self) -> bool {
        self.inner.descriptor.is_auto_partitioned()
    }

    /// Properties that the server understands.
    pub fn properties(&self) -> &BTreeMap<String, String> {
        self.inner.descriptor.properties()
    }

    /// Properties that only the user understands.
    pub fn custom_properties(&self) -> &BTreeMap<String, String> {
        self.inner.descriptor.custom_properties()
    }

    /// The comment.
    pub fn comment(&self) -> Option<&str> {
        self.inner.descriptor.comment()
    }

    /// When the table was made, in milliseconds since 1970.
    pub fn created_time(&self) -> i64 {
        self.inner.created_time
    }

    /// When the table was changed last, in milliseconds since 1970.
    pub fn modified_time(&self) -> i64 {
        self.inner.modified_time
    }

    /// Where its tiered files lie, if the server says so (from release 1.0).
    pub fn remote_data_dir(&self) -> Option<&str> {
        self.inner.remote_data_dir.as_deref()
    }
}
