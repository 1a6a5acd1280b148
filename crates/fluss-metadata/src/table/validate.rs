//! The checks of a server before it creates a table. Source: `TableDescriptorValidation.java`.
//!
//! Except for what only the server knows: its maximum number of buckets, the properties of its release, its lake.

use std::collections::HashSet;

use super::options::StatisticsColumns;
use super::{
    ChangelogImage, DeleteBehavior, KvFormat, LogFormat, MergeEngine, TableDescriptor, property,
};
use crate::data_type::{DataTypeFamily, DataTypeRoot};
use crate::error::{MetadataError, Result};
use crate::partition::{AutoPartitionStrategy, AutoPartitionTimeUnit};
use crate::text::Readable;

/// Names of the server's own columns.
const RESERVED_COLUMNS: &[&str] = &[
    "__offset",
    "__timestamp",
    "__bucket",
    "_change_type",
    "_log_offset",
    "_commit_timestamp",
];

fn refuse<T>(
    field: impl Into<String>,
    got: impl Into<String>,
    expected: impl Into<String>,
) -> Result<T> {
    Err(MetadataError::invalid(field, got, expected))
}

fn property_field(key: &str) -> String {
    format!("property {key}")
}

/// All checks for a new table.
pub(super) fn for_creation(table: &TableDescriptor) -> Result<()> {
    check_columns(table)?;
    check_properties(table)?;
    check_buckets(table)?;
    check_key_types(
        "primary key",
        table.schema().primary_key_column_names(),
        table,
    )?;
    check_numbers(table)?;
    check_formats(table)?;
    check_merge_engine(table)?;
    check_delete_behavior(table)?;
    check_partitions(table)?;
    check_historical_partition(table)?;
    check_statistics(table)
}

fn check_columns(table: &TableDescriptor) -> Result<()> {
    let columns = table.schema().columns();
    if columns.is_empty() {
        return refuse("schema", "no columns", "at least one column");
    }
    match columns
        .iter()
        .find(|c| RESERVED_COLUMNS.contains(&c.name()))
    {
        None => Ok(()),
        Some(column) => refuse(
            format!("column {:?}", column.name()),
            "a reserved name",
            format!("a name other than {}", RESERVED_COLUMNS.join(", ")),
        ),
    }
}

fn check_properties(table: &TableDescriptor) -> Result<()> {
    for (key, value) in table.properties() {
        if !key.starts_with(property::PREFIX) {
            return refuse(
                property_field(key),
                "a custom key",
                "a key that starts with table. (others are custom properties)",
            );
        }
        property::check(key, value)?;
    }
    Ok(())
}

fn check_buckets(table: &TableDescriptor) -> Result<()> {
    if let Some(count) = table.bucket_count().filter(|count| *count < 1) {
        return refuse("bucket count", count.to_string(), "at least 1");
    }
    check_repeated("bucket keys", table.bucket_keys())?;
    check_repeated("partition keys", table.partition_keys())?;
    check_key_types("bucket key", table.bucket_keys(), table)
}

fn check_repeated(field: &str, names: &[String]) -> Result<()> {
    let mut seen = HashSet::with_capacity(names.len());
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        None => Ok(()),
        Some(name) => refuse(field, format!("{name:?} twice"), "each column once"),
    }
}

fn check_key_types(field: &str, names: &[String], table: &TableDescriptor) -> Result<()> {
    for name in names {
        if let Some(column) = table.schema().column(name)
            && column.data_type().root().is_in(DataTypeFamily::Constructed)
        {
            return refuse(
                format!("{field}, column {name:?}"),
                column.data_type().summary(),
                "a type other than ARRAY, MAP and ROW",
            );
        }
    }
    Ok(())
}

fn check_numbers(table: &TableDescriptor) -> Result<()> {
    if let Some(replicas) = table.replication_factor()?.filter(|replicas| *replicas < 1) {
        return refuse(
            property_field(property::REPLICATION_FACTOR),
            replicas.to_string(),
            "at least 1",
        );
    }
    let segments = table.tiered_log_local_segments()?;
    if segments < 1 {
        return refuse(
            property_field(property::LOG_TIERED_LOCAL_SEGMENTS),
            segments.to_string(),
            "at least 1",
        );
    }
    let (local, all) = (table.log_local_ttl()?, table.log_ttl()?);
    if let Some(local) = local.filter(|local| *local > all && !all.is_zero()) {
        return refuse(
            property_field(property::LOG_LOCAL_TTL),
            Readable(local).to_string(),
            format!("at most {} ({})", property::LOG_TTL, Readable(all)),
        );
    }
    Ok(())
}

fn check_formats(table: &TableDescriptor) -> Result<()> {
    if table.has_primary_key()
        && table.kv_format()? == KvFormat::Compacted
        && table.log_format()? == LogFormat::Indexed
    {
        return refuse(
            property_field(property::LOG_FORMAT),
            "INDEXED",
            "ARROW or COMPACTED for a primary-key table with COMPACTED rows",
        );
    }
    // Validated even if the codec does not use it.
    if let Some(level) = table.property(property::LOG_ARROW_COMPRESSION_ZSTD_LEVEL)
        && !level
            .parse()
            .is_ok_and(|level: i32| (1..=22).contains(&level))
    {
        return refuse(
            property_field(property::LOG_ARROW_COMPRESSION_ZSTD_LEVEL),
            level,
            "1 to 22",
        );
    }
    table.arrow_compression().map(drop)
}

fn check_merge_engine(table: &TableDescriptor) -> Result<()> {
    let engine = table.merge_engine()?;
    if engine.is_some() && !table.has_primary_key() {
        return refuse(
            property_field(property::MERGE_ENGINE),
            "a merge engine",
            "none for a table without a primary key",
        );
    }
    for column in table.schema().columns() {
        let Some(function) = column.agg_function() else {
            continue;
        };
        if engine != Some(MergeEngine::Aggregation) {
            return refuse(
                format!("column {:?}", column.name()),
                format!("the aggregation function {function}"),
                format!("none, unless {} is AGGREGATION", property::MERGE_ENGINE),
            );
        }
        function
            .validate_parameters()
            .and_then(|()| function.validate_type(column.data_type()))
            .map_err(|error| {
                error.within(|field| format!("{field} of column {:?}", column.name()))
            })?;
    }
    match engine {
        Some(MergeEngine::Versioned) => check_version_column(table),
        Some(MergeEngine::Aggregation) if table.changelog_image()? == ChangelogImage::Wal => {
            refuse(
                property_field(property::CHANGELOG_IMAGE),
                "WAL",
                "FULL for the merge engine AGGREGATION",
            )
        }
        _ => Ok(()),
    }
}

fn check_version_column(table: &TableDescriptor) -> Result<()> {
    let field = property_field(property::MERGE_ENGINE_VERSIONED_VER_COLUMN);
    let Some(name) = table.version_column() else {
        return refuse(field, "nothing", "a column, for the merge engine VERSIONED");
    };
    let Some(column) = table.schema().column(name) else {
        return refuse(field, format!("{name:?}"), "a column of the schema");
    };
    match column.data_type().root() {
        DataTypeRoot::Integer
        | DataTypeRoot::BigInt
        | DataTypeRoot::Timestamp
        | DataTypeRoot::TimestampLtz => Ok(()),
        _ => refuse(
            field,
            format!("{name:?} of type {}", column.data_type().summary()),
            "a column of type INT, BIGINT, TIMESTAMP or TIMESTAMP_LTZ",
        ),
    }
}

fn check_delete_behavior(table: &TableDescriptor) -> Result<()> {
    let field = property_field(property::DELETE_BEHAVIOR);
    if table.property(property::DELETE_BEHAVIOR).is_none() {
        return Ok(());
    }
    let behavior = table.delete_behavior()?;
    if !table.has_primary_key() {
        return refuse(
            field,
            behavior.name(),
            "nothing for a table without a primary key",
        );
    }
    match table.merge_engine()? {
        Some(engine @ (MergeEngine::FirstRow | MergeEngine::Versioned))
            if behavior == DeleteBehavior::Allow =>
        {
            refuse(
                field,
                behavior.name(),
                format!("IGNORE or DISABLE for the merge engine {engine}"),
            )
        }
        _ => Ok(()),
    }
}

fn check_partitions(table: &TableDescriptor) -> Result<()> {
    let strategy = table.auto_partition()?;
    let keys = table.partition_keys();
    if keys.is_empty() {
        if strategy.is_enabled() {
            return refuse(
                property_field(property::AUTO_PARTITION_ENABLED),
                "true",
                "false for a table without partition keys",
            );
        }
        return Ok(());
    }
    for key in keys {
        if let Some(column) = table.schema().column(key)
            && (column.data_type().root().is_in(DataTypeFamily::Constructed)
                || column.data_type().root() == DataTypeRoot::Decimal)
        {
            return refuse(
                format!("partition keys, column {key:?}"),
                column.data_type().summary(),
                "a type other than DECIMAL, ARRAY, MAP and ROW",
            );
        }
    }
    strategy.validate_time_format()?;
    if strategy.is_enabled() {
        check_auto_partition(table, &strategy)?;
    }
    Ok(())
}

fn check_auto_partition(table: &TableDescriptor, strategy: &AutoPartitionStrategy) -> Result<()> {
    let keys = table.partition_keys();
    let named = strategy.key().filter(|key| !key.trim().is_empty());
    if keys.len() > 1 {
        let field = property_field(property::AUTO_PARTITION_KEY);
        match named {
            None => return refuse(field, "nothing", "one of the several partition keys"),
            Some(key) if !keys.iter().any(|known| known == key) => {
                return refuse(field, format!("{key:?}"), "one of the partition keys");
            }
            Some(_) => {}
        }
        // DIFFERS: the server also rejects its own default of 2, after replacing it with 0 if nothing is set.
        if table
            .property(property::AUTO_PARTITION_NUM_PRECREATE)
            .is_some()
            && strategy.num_precreate() > 0
        {
            return refuse(
                property_field(property::AUTO_PARTITION_NUM_PRECREATE),
                strategy.num_precreate().to_string(),
                "0 for several partition keys",
            );
        }
    }
    let Some(key) = named.or_else(|| keys.first().map(String::as_str)) else {
        return Ok(());
    };
    let is_date = table
        .schema()
        .column(key)
        .is_some_and(|column| column.data_type().root() == DataTypeRoot::Date);
    if is_date && strategy.time_unit() != AutoPartitionTimeUnit::Day {
        return refuse(
            property_field(property::AUTO_PARTITION_TIME_UNIT),
            strategy.time_unit().name(),
            format!("DAY, because the key {key:?} is a DATE"),
        );
    }
    if is_date && strategy.time_format() != Some("yyyy-MM-dd") {
        return refuse(
            property_field(property::AUTO_PARTITION_TIME_FORMAT),
            strategy.time_format().unwrap_or("nothing"),
            format!("yyyy-MM-dd, because the key {key:?} is a DATE"),
        );
    }
    Ok(())
}

fn check_historical_partition(table: &TableDescriptor) -> Result<()> {
    if !table.is_historical_partition_enabled()? {
        return Ok(());
    }
    let needs = [
        (
            table.is_auto_partitioned(),
            property::AUTO_PARTITION_ENABLED,
        ),
        (table.is_data_lake_enabled()?, property::DATALAKE_ENABLED),
        (
            table.data_lake_format()? == Some(super::DataLakeFormat::Paimon),
            "table.datalake.format = paimon",
        ),
        (table.has_primary_key(), "a primary key"),
        (
            table.partition_keys().len() == 1,
            "exactly one partition key",
        ),
    ];
    match needs.iter().find(|(met, _)| !met) {
        None => Ok(()),
        Some((_, need)) => refuse(
            property_field(property::DATALAKE_HISTORICAL_PARTITION_ENABLED),
            "true",
            format!("false for a table without {need}"),
        ),
    }
}

fn check_statistics(table: &TableDescriptor) -> Result<()> {
    let columns = table.statistics_columns();
    if columns == StatisticsColumns::Disabled {
        return Ok(());
    }
    let field = property_field(property::STATISTICS_COLUMNS);
    if table.has_primary_key() {
        return refuse(field, "columns", "nothing for a primary-key table");
    }
    if columns == StatisticsColumns::Named(Vec::new()) {
        return refuse(field, "no column", "* or names of columns");
    }
    table.statistics_column_indexes().map(drop)
}
