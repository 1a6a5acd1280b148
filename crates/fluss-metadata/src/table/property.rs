//! The properties of tables that the servers of release 1.0 know, by key and kind.
//!
//! Release 0.9.1 refuses those of 1.0. Source: `ConfigOptions.java`, options `table.…`.

use super::{
    ArrowCompressionType, ChangelogImage, DataLakeFormat, DeleteBehavior, KvFormat, LogFormat,
    MergeEngine,
};
use crate::config_value::{parse_boolean, parse_choice, parse_duration, parse_integer};
use crate::error::Result;
use crate::partition::AutoPartitionTimeUnit;

/// How the value of a property is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PropertyKind {
    /// `true` or `false`.
    Boolean,
    /// A number of 32 bits.
    Integer,
    /// A number of 64 bits.
    Long,
    /// A duration, such as `7 d`.
    Duration,
    /// Text.
    Text,
    /// One of a set of names; upper and lower case are the same.
    Choice(&'static [&'static str]),
}

macro_rules! properties {
    ($($(#[$doc:meta])* $name:ident = $key:literal: $kind:expr),* $(,)?) => {
        $($(#[$doc])* pub const $name: &str = $key;)*

        /// All of them, each with its kind.
        pub const ALL: &[(&str, PropertyKind)] = &[$(($key, $kind)),*];
    };
}

use PropertyKind::{Boolean, Choice, Duration, Integer, Long, Text};

properties! {
    /// Copies of each bucket.
    REPLICATION_FACTOR = "table.replication.factor": Integer,
    /// [`LogFormat`], `ARROW` where it is absent.
    LOG_FORMAT = "table.log.format": Choice(LogFormat::NAMES),
    /// [`ArrowCompressionType`], `ZSTD` where it is absent.
    LOG_ARROW_COMPRESSION_TYPE = "table.log.arrow.compression.type": Choice(ArrowCompressionType::NAMES),
    /// 1 to 22, 3 where it is absent.
    LOG_ARROW_COMPRESSION_ZSTD_LEVEL = "table.log.arrow.compression.zstd.level": Integer,
    /// How long the log is kept, 7 days where it is absent.
    LOG_TTL = "table.log.ttl": Duration,
    /// How long segments are kept on the servers once they are tiered. Since 1.0.
    LOG_LOCAL_TTL = "table.log.local-ttl": Duration,
    /// Segments kept on the servers once they are tiered, 2 where it is absent.
    LOG_TIERED_LOCAL_SEGMENTS = "table.log.tiered.local-segments": Integer,
    /// [`KvFormat`], `COMPACTED` where it is absent.
    KV_FORMAT = "table.kv.format": Choice(KvFormat::NAMES),
    /// How primary keys are encoded: 1, also where it is absent, or 2. Set by the server.
    KV_FORMAT_VERSION = "table.kv.format-version": Integer,
    /// Since 1.0.
    KV_VALUE_LAYOUT_VERSION = "table.kv.value-layout-version": Integer,
    /// Whether buckets have a second server ready. Since 1.0.
    KV_STANDBY_REPLICA_ENABLED = "table.kv.standby-replica.enabled": Boolean,
    /// How long rows are kept. Since 1.0.
    KV_TTL = "table.kv.ttl": Duration,
    /// The column that rows age by. Since 1.0.
    KV_TTL_TIME_COLUMN = "table.kv.ttl.time-column": Text,
    /// Whether partitions come and go by time.
    AUTO_PARTITION_ENABLED = "table.auto-partition.enabled": Boolean,
    /// The partition key that holds the time, the first one where it is absent.
    AUTO_PARTITION_KEY = "table.auto-partition.key": Text,
    /// [`AutoPartitionTimeUnit`], `DAY` where it is absent.
    AUTO_PARTITION_TIME_UNIT = "table.auto-partition.time-unit": Choice(AutoPartitionTimeUnit::NAMES),
    /// How partitions are named, as a pattern of letters. Since 1.0.
    AUTO_PARTITION_TIME_FORMAT = "table.auto-partition.time-format": Text,
    /// The zone that days begin in.
    AUTO_PARTITION_TIME_ZONE = "table.auto-partition.time-zone": Text,
    /// Partitions made ahead of time, 2 where it is absent.
    AUTO_PARTITION_NUM_PRECREATE = "table.auto-partition.num-precreate": Integer,
    /// Partitions kept, 7 where it is absent.
    AUTO_PARTITION_NUM_RETENTION = "table.auto-partition.num-retention": Integer,
    /// Whether the table is tiered to a lake.
    DATALAKE_ENABLED = "table.datalake.enabled": Boolean,
    /// [`DataLakeFormat`]. Decides how keys are encoded and hashed even while the lake is not enabled.
    DATALAKE_FORMAT = "table.datalake.format": Choice(DataLakeFormat::NAMES),
    /// How old the lake's data may become, 3 minutes where it is absent.
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
    /// [`DeleteBehavior`], `ALLOW` where it is absent.
    DELETE_BEHAVIOR = "table.delete.behavior": Choice(DeleteBehavior::NAMES),
    /// Numbers that a server takes at a time, 100,000 where it is absent.
    AUTO_INCREMENT_CACHE_SIZE = "table.auto-increment.cache-size": Long,
    /// [`ChangelogImage`], `FULL` where it is absent.
    CHANGELOG_IMAGE = "table.changelog.image": Choice(ChangelogImage::NAMES),
    /// Columns with statistics in each batch: `*` or names with commas. Since 1.0.
    STATISTICS_COLUMNS = "table.statistics.columns": Text,
}

/// What properties of the server begin with; others belong to the custom properties.
pub const PREFIX: &str = "table.";

/// The properties that can be changed once the table is there. Source: `FlussConfigUtils.java`, `ALTERABLE_TABLE_OPTIONS`.
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

/// Checks the value of a property; an unknown key takes any value.
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
