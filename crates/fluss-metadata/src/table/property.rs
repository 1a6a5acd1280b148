//! The properties of tables that the servers of release 1.0 know, by key and kind.
//!
//! Release 0.9.1 rejects those of 1.0. Source: `ConfigOptions.java`, options `table.…`.

use super::{
    ArrowCompressionType, ChangelogImage, DataLakeFormat, DeleteBehavior, KvFormat, LogFormat,
    MergeEngine,
};
use crate::config_value::{parse_boolean, parse_choice, parse_duration, parse_integer};
use crate::error::Result;
use crate::partition::AutoPartitionTimeUnit;

/// The type of a property's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PropertyKind {
    /// `true` or `false`.
    Boolean,
    /// A 32-bit integer.
    Integer,
    /// A 64-bit integer.
    Long,
    /// A duration, such as `7 d`.
    Duration,
    /// Text.
    Text,
    /// One of a set of names, ignoring case.
    Choice(&'static [&'static str]),
}

macro_rules! properties {
    ($($(#[$doc:meta])* $name:ident = $key:literal: $kind:expr),* $(,)?) => {
        $($(#[$doc])* pub const $name: &str = $key;)*

        /// All properties, with their types.
        pub const ALL: &[(&str, PropertyKind)] = &[$(($key, $kind)),*];
    };
}

use PropertyKind::{Boolean, Choice, Duration, Integer, Long, Text};

properties! {
    /// The number of replicas of each bucket.
    REPLICATION_FACTOR = "table.replication.factor": Integer,
    /// [`LogFormat`], `ARROW` by default.
    LOG_FORMAT = "table.log.format": Choice(LogFormat::NAMES),
    /// [`ArrowCompressionType`], `ZSTD` by default.
    LOG_ARROW_COMPRESSION_TYPE = "table.log.arrow.compression.type": Choice(ArrowCompressionType::NAMES),
    /// 1 to 22, 3 by default.
    LOG_ARROW_COMPRESSION_ZSTD_LEVEL = "table.log.arrow.compression.zstd.level": Integer,
    /// How long the log is kept, 7 days by default.
    LOG_TTL = "table.log.ttl": Duration,
    /// How long segments are kept on the servers once they are tiered. Since 1.0.
    LOG_LOCAL_TTL = "table.log.local-ttl": Duration,
    /// Segments kept on the servers once they are tiered, 2 by default.
    LOG_TIERED_LOCAL_SEGMENTS = "table.log.tiered.local-segments": Integer,
    /// [`KvFormat`], `COMPACTED` by default.
    KV_FORMAT = "table.kv.format": Choice(KvFormat::NAMES),
    /// How primary keys are encoded: 1 (the default) or 2. Set by the server.
    KV_FORMAT_VERSION = "table.kv.format-version": Integer,
    /// Since 1.0.
    KV_VALUE_LAYOUT_VERSION = "table.kv.value-layout-version": Integer,
    /// Whether buckets have a standby replica. Since 1.0.
    KV_STANDBY_REPLICA_ENABLED = "table.kv.standby-replica.enabled": Boolean,
    /// How long rows are kept. Since 1.0.
    KV_TTL = "table.kv.ttl": Duration,
    /// The column that determines the age of rows. Since 1.0.
    KV_TTL_TIME_COLUMN = "table.kv.ttl.time-column": Text,
    /// Whether the table has time-based partitions.
    AUTO_PARTITION_ENABLED = "table.auto-partition.enabled": Boolean,
    /// The partition key that contains the time, the first one by default.
    AUTO_PARTITION_KEY = "table.auto-partition.key": Text,
    /// [`AutoPartitionTimeUnit`], `DAY` by default.
    AUTO_PARTITION_TIME_UNIT = "table.auto-partition.time-unit": Choice(AutoPartitionTimeUnit::NAMES),
    /// The format of partition names, as a time pattern. Since 1.0.
    AUTO_PARTITION_TIME_FORMAT = "table.auto-partition.time-format": Text,
    /// The time zone of the partitions.
    AUTO_PARTITION_TIME_ZONE = "table.auto-partition.time-zone": Text,
    /// Number of partitions created ahead of time, 2 by default.
    AUTO_PARTITION_NUM_PRECREATE = "table.auto-partition.num-precreate": Integer,
    /// Number of partitions kept, 7 by default.
    AUTO_PARTITION_NUM_RETENTION = "table.auto-partition.num-retention": Integer,
    /// Whether the table is tiered to a lake.
    DATALAKE_ENABLED = "table.datalake.enabled": Boolean,
    /// [`DataLakeFormat`]. Decides how keys are encoded and hashed even while the lake is not enabled.
    DATALAKE_FORMAT = "table.datalake.format": Choice(DataLakeFormat::NAMES),
    /// Maximum age of the data in the lake, 3 minutes by default.
    DATALAKE_FRESHNESS = "table.datalake.freshness": Duration,
    /// Whether the lake's files are compacted.
    DATALAKE_AUTO_COMPACTION = "table.datalake.auto-compaction": Boolean,
    /// Whether the lake's snapshots expire.
    DATALAKE_AUTO_EXPIRE_SNAPSHOT = "table.datalake.auto-expire-snapshot": Boolean,
    /// Whether lookups reach into partitions that only the lake has. Since 1.0.
    DATALAKE_HISTORICAL_PARTITION_ENABLED = "table.datalake.historical-partition.enabled": Boolean,
    /// The database within the lake. Since 1.0.
    DATALAKE_DATABASE_NAME = "table.datalake.database-name": Text,
    /// The table within the lake. Since 1.0.
    DATALAKE_TABLE_NAME = "table.datalake.table-name": Text,
    /// [`MergeEngine`].
    MERGE_ENGINE = "table.merge-engine": Choice(MergeEngine::NAMES),
    /// The column that the versioned merge engine compares.
    MERGE_ENGINE_VERSIONED_VER_COLUMN = "table.merge-engine.versioned.ver-column": Text,
    /// [`DeleteBehavior`], `ALLOW` by default.
    DELETE_BEHAVIOR = "table.delete.behavior": Choice(DeleteBehavior::NAMES),
    /// How many numbers a server reserves at a time, 100,000 by default.
    AUTO_INCREMENT_CACHE_SIZE = "table.auto-increment.cache-size": Long,
    /// [`ChangelogImage`], `FULL` by default.
    CHANGELOG_IMAGE = "table.changelog.image": Choice(ChangelogImage::NAMES),
    /// Columns with statistics in each batch: `*` or names with commas. Since 1.0.
    STATISTICS_COLUMNS = "table.statistics.columns": Text,
}

/// The prefix of properties that the server understands; others are custom properties.
pub const PREFIX: &str = "table.";

/// The properties that can be changed after the table was created. Source: `FlussConfigUtils.java`,
/// `ALTERABLE_TABLE_OPTIONS`.
pub const ALTERABLE: &[&str] = &[
    DATALAKE_ENABLED,
    DATALAKE_HISTORICAL_PARTITION_ENABLED,
    DATALAKE_FRESHNESS,
    DATALAKE_AUTO_COMPACTION,
    LOG_TTL,
    LOG_TIERED_LOCAL_SEGMENTS,
    LOG_LOCAL_TTL,
    AUTO_PARTITION_ENABLED,
    AUTO_PARTITION_NUM_RETENTION,
    AUTO_PARTITION_NUM_PRECREATE,
    STATISTICS_COLUMNS,
    KV_STANDBY_REPLICA_ENABLED,
];

/// Checks the value of a property; an unknown key accepts any value.
pub(super) fn check(key: &str, value: &str) -> Result<()> {
    let Some((_, kind)) = ALL.iter().find(|(known, _)| *known == key) else {
        return Ok(());
    };
    let result = match kind {
        Boolean => parse_boolean(value).map(drop),
        Integer => parse_integer::<i32>(value).map(drop),
        Long => parse_integer::<i64>(value).map(drop),
        Duration => parse_duration(value).map(drop),
        Text => Ok(()),
        Choice(names) => parse_choice(value, names, |name| name).map(drop),
    };
    result.map_err(|error| error.within(|_| format!("property {key}")))
}
