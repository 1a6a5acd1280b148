//! Partition keys with their values, and the resulting name.

use std::fmt;

use crate::error::{MetadataError, Result};
use crate::ids::PartitionId;
use crate::path::{validate_name, validate_prefix};
use crate::text::Count;

use super::PartitionValue;

/// The separator of the values in a partition's name.
const SEPARATOR: &str = "$";

/// The value of the partition that stands for everything that is only in the lake. Since release 1.0; reserved for
/// servers.
pub const HISTORICAL_PARTITION_VALUE: &str = "__historical__";

/// Values for some or all partition keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartitionSpec {
    entries: Vec<(String, String)>,
}

impl PartitionSpec {
    /// Creates a spec from keys and values.
    pub fn new<K: Into<String>, V: Into<String>>(
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self {
            entries: entries
                .into_iter()
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
        }
    }

    /// Iterates over keys and values, in the order given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.entries.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }
}

/// Values for all partition keys of a table, in the order of the table's keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResolvedPartitionSpec {
    keys: Vec<String>,
    values: Vec<String>,
}

impl ResolvedPartitionSpec {
    /// Creates a spec from keys and the same number of values.
    pub fn new(keys: Vec<String>, values: Vec<String>) -> Result<Self> {
        if keys.len() != values.len() || keys.is_empty() {
            return Err(MetadataError::invalid(
                "partition spec",
                Count(values.len(), "value").to_string(),
                format!("a value for each of the partition keys {keys:?}"),
            ));
        }
        Ok(Self { keys, values })
    }

    /// Orders the values of a spec by the table's keys.
    pub fn from_partition_spec(keys: &[String], spec: &PartitionSpec) -> Result<Self> {
        if spec.iter().len() != keys.len() {
            return Err(MetadataError::invalid(
                "partition spec",
                Count(spec.iter().len(), "value").to_string(),
                format!("a value for each of the partition keys {keys:?}"),
            ));
        }
        let values = keys
            .iter()
            .map(|key| {
                spec.get(key).map(str::to_owned).ok_or_else(|| {
                    MetadataError::invalid(
                        "partition spec",
                        "nothing",
                        format!("a value for {key:?}"),
                    )
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Self::new(keys.to_vec(), values)
    }

    /// Creates the spec of a row from the values of its partition columns, in the order of the table's keys.
    pub fn from_values<'a>(
        keys: &[String],
        values: impl IntoIterator<Item = PartitionValue<'a>>,
    ) -> Result<Self> {
        let values = values.into_iter().map(|value| value.to_string());
        Self::new(keys.to_vec(), values.collect())
    }

    /// Parses a partition's name.
    ///
    /// Trailing empty values are lost, as in the Java classes; the server does not allow empty values.
    pub fn from_partition_name(keys: &[String], name: &str) -> Result<Self> {
        let mut values = name.split(SEPARATOR).map(str::to_owned).collect::<Vec<_>>();
        while values.len() > 1 && values.last().is_some_and(String::is_empty) {
            values.pop();
        }
        Self::new(keys.to_vec(), values)
    }

    /// Parses a [`qualified_name`](Self::qualified_name).
    pub fn from_qualified_name(name: &str) -> Result<Self> {
        let pairs = name
            .split('/')
            .map(|pair| {
                pair.split_once('=').ok_or_else(|| {
                    MetadataError::invalid(
                        "qualified partition name",
                        format!("{pair:?}"),
                        "key=value",
                    )
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let owned = |text: &str| text.to_owned();
        Self::new(
            pairs.iter().map(|(key, _)| owned(key)).collect(),
            pairs.iter().map(|(_, value)| owned(value)).collect(),
        )
    }

    /// Returns the keys.
    pub fn partition_keys(&self) -> &[String] {
        &self.keys
    }

    /// Returns the values, one per key.
    pub fn partition_values(&self) -> &[String] {
        &self.values
    }

    /// Returns the name of the partition: the values joined by `$`.
    pub fn partition_name(&self) -> String {
        self.values.join(SEPARATOR)
    }

    /// Returns the form `key=value/key=value` that lakes use for paths.
    pub fn qualified_name(&self) -> String {
        self.keys
            .iter()
            .zip(&self.values)
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join("/")
    }

    /// Returns the values by key.
    pub fn to_partition_spec(&self) -> PartitionSpec {
        PartitionSpec::new(self.keys.iter().cloned().zip(self.values.iter().cloned()))
    }

    /// Checks the values like the server does before it creates a partition: each must be a valid name that is not
    /// reserved.
    pub fn validate(&self) -> Result<()> {
        self.validate_existing()?;
        self.each_value(validate_prefix)
    }

    /// Checks the values like the server does before it looks up a partition: each must be a valid name.
    pub fn validate_existing(&self) -> Result<()> {
        self.each_value(validate_name)
    }

    fn each_value(&self, check: fn(&str, &str) -> Result<()>) -> Result<()> {
        for (key, value) in self.keys.iter().zip(&self.values) {
            check("", value)
                .map_err(|error| error.within(|_| format!("value of partition key {key:?}")))?;
        }
        Ok(())
    }
}

impl fmt::Display for ResolvedPartitionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.partition_name())
    }
}

/// Creates the path of a partition of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionInfo {
    partition_id: PartitionId,
    spec: ResolvedPartitionSpec,
    remote_data_dir: Option<String>,
    bucket_count: Option<i32>,
}

impl PartitionInfo {
    /// Creates the value from a server's response.
    pub fn new(
        partition_id: PartitionId,
        spec: ResolvedPartitionSpec,
        remote_data_dir: Option<String>,
    ) -> Self {
        Self {
            partition_id,
            spec,
            remote_data_dir,
            bucket_count: None,
        }
    }

    /// Returns the same partition with its own number of buckets.
    #[must_use]
    pub fn with_bucket_count(mut self, bucket_count: Option<i32>) -> Self {
        self.bucket_count = bucket_count;
        self
    }

    /// Returns the id.
    pub fn partition_id(&self) -> PartitionId {
        self.partition_id
    }

    /// Returns the name.
    pub fn partition_name(&self) -> String {
        self.spec.partition_name()
    }

    /// Returns the values by key.
    pub fn resolved_partition_spec(&self) -> &ResolvedPartitionSpec {
        &self.spec
    }

    /// Returns its number of buckets, if the server reports it (since release 1.0): after a table is rescaled, older
    /// partitions keep the previous number.
    pub fn bucket_count(&self) -> Option<i32> {
        self.bucket_count
    }

    /// Returns the location of its tiered files, if the server reports it (since release 1.0).
    pub fn remote_data_dir(&self) -> Option<&str> {
        self.remote_data_dir.as_deref()
    }
}
