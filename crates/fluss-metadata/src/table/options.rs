//! The properties that clients interpret, typed.

use std::time::Duration;

use super::{
    ArrowCompression, ArrowCompressionType, ChangelogImage, DataLakeFormat, DeleteBehavior,
    KvFormat, LogFormat, MergeEngine, TableDescriptor, TableInfo, property,
};
use crate::config_value::{parse_boolean, parse_duration, parse_integer};
use crate::data_type::{DataType, DataTypeRoot};
use crate::error::{MetadataError, Result};
use crate::partition::AutoPartitionStrategy;

/// Which columns have statistics in each batch. Since release 1.0.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatisticsColumns {
    /// None.
    Disabled,
    /// All columns whose type supports statistics.
    All,
    /// These.
    Named(Vec<String>),
}

/// Whether columns of a type can have statistics: all but arrays, maps, rows and bytes.
pub(super) fn allows_statistics(data_type: &DataType) -> bool {
    !matches!(
        data_type.root(),
        DataTypeRoot::Array
            | DataTypeRoot::Map
            | DataTypeRoot::Row
            | DataTypeRoot::Bytes
            | DataTypeRoot::Binary
    )
}

/// Access to the properties, which the typed getters below read.
impl TableDescriptor {
    fn read<T>(&self, key: &str, parse: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
        self.property(key)
            .map(|text| parse(text).map_err(|error| error.within(|_| format!("property {key}"))))
            .transpose()
    }

    /// `table.log.format`.
    pub fn log_format(&self) -> Result<LogFormat> {
        let format = self.read(property::LOG_FORMAT, LogFormat::parse)?;
        Ok(format.unwrap_or(LogFormat::Arrow))
    }

    /// `table.kv.format`.
    pub fn kv_format(&self) -> Result<KvFormat> {
        let format = self.read(property::KV_FORMAT, KvFormat::parse)?;
        Ok(format.unwrap_or(KvFormat::Compacted))
    }

    /// `table.kv.format-version`, 1 by default.
    pub fn kv_format_version(&self) -> Result<i32> {
        let version = self.read(property::KV_FORMAT_VERSION, parse_integer)?;
        Ok(version.unwrap_or(1))
    }

    /// `table.datalake.format`, which decides how keys are encoded and hashed even while `table.datalake.enabled` is
    /// false.
    pub fn data_lake_format(&self) -> Result<Option<DataLakeFormat>> {
        self.read(property::DATALAKE_FORMAT, DataLakeFormat::parse)
    }

    /// `table.datalake.enabled`.
    pub fn is_data_lake_enabled(&self) -> Result<bool> {
        self.is_set(property::DATALAKE_ENABLED)
    }

    /// `table.datalake.historical-partition.enabled`, since release 1.0.
    pub fn is_historical_partition_enabled(&self) -> Result<bool> {
        self.is_set(property::DATALAKE_HISTORICAL_PARTITION_ENABLED)
    }

    fn is_set(&self, key: &str) -> Result<bool> {
        Ok(self.read(key, parse_boolean)?.unwrap_or(false))
    }

    /// `table.datalake.freshness`, 3 minutes by default.
    pub fn data_lake_freshness(&self) -> Result<Duration> {
        let freshness = self.read(property::DATALAKE_FRESHNESS, parse_duration)?;
        Ok(freshness.unwrap_or(Duration::from_secs(180)))
    }

    /// `table.log.ttl`, 7 days by default.
    pub fn log_ttl(&self) -> Result<Duration> {
        let ttl = self.read(property::LOG_TTL, parse_duration)?;
        Ok(ttl.unwrap_or(Duration::from_secs(7 * 86_400)))
    }

    /// `table.log.local-ttl`, if it is set. Since release 1.0.
    pub fn log_local_ttl(&self) -> Result<Option<Duration>> {
        self.read(property::LOG_LOCAL_TTL, parse_duration)
    }

    /// `table.log.tiered.local-segments`, 2 by default.
    pub fn tiered_log_local_segments(&self) -> Result<i32> {
        let segments = self.read(property::LOG_TIERED_LOCAL_SEGMENTS, parse_integer)?;
        Ok(segments.unwrap_or(2))
    }

    /// `table.merge-engine`.
    pub fn merge_engine(&self) -> Result<Option<MergeEngine>> {
        self.read(property::MERGE_ENGINE, MergeEngine::parse)
    }

    /// `table.merge-engine.versioned.ver-column`, if it is set.
    pub fn version_column(&self) -> Option<&str> {
        self.property(property::MERGE_ENGINE_VERSIONED_VER_COLUMN)
    }

    /// `table.delete.behavior`.
    pub fn delete_behavior(&self) -> Result<DeleteBehavior> {
        let behavior = self.read(property::DELETE_BEHAVIOR, DeleteBehavior::parse)?;
        Ok(behavior.unwrap_or(DeleteBehavior::Allow))
    }

    /// `table.changelog.image`.
    pub fn changelog_image(&self) -> Result<ChangelogImage> {
        let image = self.read(property::CHANGELOG_IMAGE, ChangelogImage::parse)?;
        Ok(image.unwrap_or(ChangelogImage::Full))
    }

    /// `table.log.arrow.compression.type` and `table.log.arrow.compression.zstd.level`.
    pub fn arrow_compression(&self) -> Result<ArrowCompression> {
        let kind = self
            .read(
                property::LOG_ARROW_COMPRESSION_TYPE,
                ArrowCompressionType::parse,
            )?
            .unwrap_or(ArrowCompressionType::Zstd);
        match kind {
            ArrowCompressionType::None => Ok(ArrowCompression::NONE),
            ArrowCompressionType::Lz4Frame => Ok(ArrowCompression::LZ4_FRAME),
            ArrowCompressionType::Zstd => {
                let compression = self
                    .read(property::LOG_ARROW_COMPRESSION_ZSTD_LEVEL, |text| {
                        ArrowCompression::zstd(parse_integer(text)?)
                    })?;
                Ok(compression.unwrap_or(ArrowCompression::ZSTD))
            }
        }
    }

    /// `table.statistics.columns`, since release 1.0.
    pub fn statistics_columns(&self) -> StatisticsColumns {
        match self.property(property::STATISTICS_COLUMNS).map(str::trim) {
            None => StatisticsColumns::Disabled,
            Some("*") => StatisticsColumns::All,
            Some(names) => StatisticsColumns::Named(
                names
                    .split(',')
                    .map(|name| name.trim().to_owned())
                    .filter(|name| !name.is_empty())
                    .collect(),
            ),
        }
    }

    /// Returns the positions of the columns that have statistics in each batch, ascending.
    ///
    /// # Errors
    ///
    /// Returns an error for a name that is not a column, or for a column whose type does not support statistics.
    pub fn statistics_column_indexes(&self) -> Result<Vec<usize>> {
        let columns = self.schema().columns();
        let mut positions = match self.statistics_columns() {
            StatisticsColumns::Disabled => Vec::new(),
            StatisticsColumns::All => (0..columns.len())
                .filter(|at| {
                    columns
                        .get(*at)
                        .is_some_and(|c| allows_statistics(c.data_type()))
                })
                .collect(),
            StatisticsColumns::Named(names) => names
                .iter()
                .map(|name| self.statistics_position(name))
                .collect::<Result<Vec<_>>>()?,
        };
        positions.sort_unstable();
        positions.dedup();
        Ok(positions)
    }

    fn statistics_position(&self, name: &str) -> Result<usize> {
        let refuse = |got: String, expected: &str| {
            let field = format!("property {}", property::STATISTICS_COLUMNS);
            Err(MetadataError::invalid(field, got, expected))
        };
        let schema = self.schema();
        match (schema.column_index(name), schema.column(name)) {
            (Some(position), Some(column)) if allows_statistics(column.data_type()) => Ok(position),
            (Some(_), Some(column)) => refuse(
                format!("{name:?} of type {}", column.data_type().summary()),
                "columns of a type other than ARRAY, MAP, ROW, BINARY and BYTES",
            ),
            _ => refuse(format!("{name:?}"), "columns of the schema"),
        }
    }

    /// Returns all properties `table.auto-partition.…`.
    pub fn auto_partition(&self) -> Result<AutoPartitionStrategy> {
        AutoPartitionStrategy::from_properties(self.properties())
    }

    /// `table.auto-partition.enabled`; an invalid value counts as false.
    pub fn is_auto_partitioned(&self) -> bool {
        self.is_set(property::AUTO_PARTITION_ENABLED)
            .unwrap_or(false)
    }

    /// `table.auto-increment.cache-size`: how many numbers a bucket reserves at once for an auto-increment column,
    /// 100,000 by default.
    pub fn auto_increment_cache_size(&self) -> Result<i64> {
        let size = self.read(property::AUTO_INCREMENT_CACHE_SIZE, parse_integer)?;
        Ok(size.unwrap_or(100_000))
    }

    /// `table.replication.factor`, if it is set.
    pub fn replication_factor(&self) -> Result<Option<i32>> {
        self.read(property::REPLICATION_FACTOR, parse_integer)
    }
}

impl TableInfo {
    /// Returns all properties `table.auto-partition.…`.
    pub fn auto_partition(&self) -> Result<AutoPartitionStrategy> {
        self.descriptor().auto_partition()
    }
}
