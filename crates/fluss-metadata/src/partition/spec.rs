//! Partition keys with their values, and the name they make.

use std::fmt;

use crate::error::{MetadataError, Result};
use crate::ids::PartitionId;
use crate::path::{validate_name, validate_prefix};
use crate::text::Count;

use super::PartitionValue;

/// What separates the values in a partition's name.
const SEPARATOR: &str = "$";

/// The value of the partition that stands for all that only the lake has. Since release 1.0; servers keep it to themselves.
pub const HISTORICAL_PARTITION_VALUE: &str = "__historical__";

/// Values for some or all partition keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartitionSpec {
    entries: Vec<(String, String)>,
}

impl PartitionSpec {
    /// A spec of keys with values.
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

    /// Keys with values, in the order given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.entries.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// The value of a key.
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
    /// A spec of as many values as keys.
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

    /// Puts the values of a spec in the order of the table's keys.
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

    /// Makes the spec of a row, from the values of its partition columns in the order of the table's keys.
    pub fn from_values<'a>(
        keys: &[String],
        values: impl IntoIterator<Item = PartitionValue<'a>>,
    ) -> Result<Self> {
        let values = values.into_iter().map(|value| value.to_string());
        Self::new(keys.to_vec(), values.collect())
    }

    /// Takes a partition's name apart.
    ///
    /// Empty values at the end get lost, as in the Java classes; the server lets no value be empty.
    pub fn from_partition_name(keys: &[String], name: &str) -> Result<Self> {
        let mut values = name.split(SEPARATOR).map(str::to_owned).collect::<Vec<_>>();
        while values.len() > 1 && values.last().is_some_and(String::is_empty) {
            values.pop();
        }
        Self::new(keys.to_vec(), values)
    }

    /// Takes a [`qualified_name`](Self::qualified_name) apart.
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

    /// The keys.
    pub fn partition_keys(&self) -> &[String] {
        &self.keys
    }

    /// The values, one a key.
    pub fn partition_values(&self) -> &[String] {
        &self.values
    }

    /// The name of the partition: the values joined by `$`.
    pub fn partition_name(&self) -> String {
        self.values.join(SEPARATOR)
    }

    /// The form `key=value/key=value` that lakes use for paths.
    pub fn qualified_name(&self) -> String {
        self.keys
            .iter()
            .zip(&self.values)
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join("/")
    }

    /// The values by key.
    pub fn to_partition_spec(&self) -> PartitionSpec {
        PartitionSpec::new(self.keys.iter().cloned().zip(self.values.iter().cloned()))
    }

    /// Checks the values as the server does before it creates a partition: a name each, not one that it keeps to itself.
    pub fn validate(&self) -> Result<()> {
        self.validate_existing()?;
        self.each_value(validate_prefix)
    }

    /// Checks the values as the server does before it looks for a partition: a name each.
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

/// A partition of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionInfo {
    partition_id: PartitionId,
    spec: ResolvedPartitionSpec,
    remote_data_dir: Option<String>,
    bucket_count: Option<i32>,
}

impl PartitionInfo {
    /// Puts together what a server answered.
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

    /// The same with a number of buckets of its own.
    #[must_use]
    pub fn with_bucket_count(mut self, bucket_count: Option<i32>) -> Self {
        self.bucket_count = bucket_count;
        self
    }

    /// Its id.
    pub fn partition_id(&self) -> PartitionId {
        self.partition_id
    }

    /// Its name.
    pub fn partition_name(&self) -> String {
        self.spec.partition_name()
    }

    /// Its values by key.
    pub fn resolved_partition_spec(&self) -> &ResolvedPartitionSpec {
        &self.spec
    }

    /// How many buckets it has, if the server says so (from release 1.0): a table that got another number of buckets has older
    /// partitions with the former one.
    pub fn bucket_count(&self) -> Option<i32> {
        self.bucket_count
    }

    /// Where its tiered files lie, if the server says so (from release 1.0).
    pub fn remote_data_dir(&self) -> Option<&str> {
        self.remote_data_dir.as_deref()
    }
}
