//! Table properties: those that a release knows, those that can be altered, and what they require of the cluster.
//!
//! Source: `TableDescriptorValidation`, `FlussConfigUtils`, `CoordinatorService.applySystemDefaults`.

use std::collections::BTreeMap;

use fluss_metadata::TableDescriptor;
use fluss_wire::Repeated;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::PbAlterConfig;

use crate::release::Release;
use crate::reply::{Result, fail, internal};
use crate::state::Config;

/// The kinds of changes (`FlussApi.proto: PbAlterConfig.op_type`).
const SET: i32 = 0;
const DELETE: i32 = 1;

/// The prefix of the properties that servers know; all others are custom ones.
pub(super) const PREFIX: &str = "table.";
pub(super) const DATALAKE_ENABLED: &str = "table.datalake.enabled";
pub(super) const DATALAKE_FORMAT: &str = "table.datalake.format";
const DATALAKE_PREFIX: &str = "table.datalake.";
pub(super) const KV_STANDBY: &str = "table.kv.standby-replica.enabled";

/// Properties of release 0.9.1, without the prefix.
const KNOWN: [&str; 23] = [
    "auto-increment.cache-size",
    "auto-partition.enabled",
    "auto-partition.key",
    "auto-partition.num-precreate",
    "auto-partition.num-retention",
    "auto-partition.time-unit",
    "auto-partition.time-zone",
    "changelog.image",
    "datalake.auto-compaction",
    "datalake.auto-expire-snapshot",
    "datalake.enabled",
    "datalake.format",
    "datalake.freshness",
    "delete.behavior",
    "kv.format",
    "kv.format-version",
    "log.arrow.compression.type",
    "log.arrow.compression.zstd.level",
    "log.format",
    "log.tiered.local-segments",
    "log.ttl",
    "merge-engine",
    "merge-engine.versioned.ver-column",
];
/// Another one, which the server adds to every table.
const REPLICATION_FACTOR: &str = "replication.factor";
/// Those that release 1.0 adds.
const KNOWN_SINCE_1_0: [&str; 5] = [
    "auto-partition.time-format",
    "datalake.historical-partition.enabled",
    "kv.standby-replica.enabled",
    "log.local-ttl",
    "statistics.columns",
];

/// Properties that can be altered.
const ALTERABLE: [&str; 3] = [
    "datalake.enabled",
    "datalake.freshness",
    "log.tiered.local-segments",
];
/// Those that release 1.0 adds.
const ALTERABLE_SINCE_1_0: [&str; 9] = [
    "auto-partition.enabled",
    "auto-partition.num-precreate",
    "auto-partition.num-retention",
    "datalake.auto-compaction",
    "datalake.historical-partition.enabled",
    "kv.standby-replica.enabled",
    "log.local-ttl",
    "log.ttl",
    "statistics.columns",
];

/// Whether a key is in the list of 0.9.1, or in the list of additions in 1.0.
fn is_of(key: &str, release: Release, first: &[&str], since_1_0: &[&str]) -> bool {
    key.strip_prefix(PREFIX).is_some_and(|key| {
        first.contains(&key) || (release == Release::V1_0 && since_1_0.contains(&key))
    })
}

/// Rejects properties that the release does not know.
pub(super) fn check_known(release: Release, descriptor: &TableDescriptor) -> Result<()> {
    let is_known = |key: &str| {
        is_of(key, release, &KNOWN, &KNOWN_SINCE_1_0)
            || key.strip_prefix(PREFIX) == Some(REPLICATION_FACTOR)
    };
    let mut keys = descriptor.properties().keys();
    let Some(key) = keys.find(|key| !is_known(key)) else {
        return Ok(());
    };
    let message = if key.starts_with(PREFIX) {
        format!(
            "'{key}' is not a recognized Fluss table property in the current cluster version. You may be using an older Fluss cluster that does not support this property."
        )
    } else {
        format!(
            "'{key}' is not a Fluss table property. Please use '.customProperty(..)' to set custom properties."
        )
    };
    fail(ErrorCode::INVALID_CONFIG_EXCEPTION, message)
}

/// Rejects a lake table in a cluster without a lake.
pub(super) fn check_lake(
    release: Release,
    descriptor: &TableDescriptor,
    config: &Config,
) -> Result<()> {
    if !is_in_lake(descriptor) || config.has_lake(release) {
        return Ok(());
    }
    fail(
        ErrorCode::INVALID_TABLE_EXCEPTION,
        format!(
            "'{DATALAKE_ENABLED}' is enabled for the table, but the Fluss cluster doesn't enable datalake tables."
        ),
    )
}

/// Rejects a lake format that differs from that of the cluster (since 1.0).
pub(super) fn check_lake_format(
    release: Release,
    descriptor: &TableDescriptor,
    config: &Config,
) -> Result<()> {
    let (table, cluster) = (descriptor.property(DATALAKE_FORMAT), config.lake_format());
    match (table, cluster) {
        (Some(table), Some(cluster))
            if release == Release::V1_0
                && is_in_lake(descriptor)
                && !table.eq_ignore_ascii_case(cluster) =>
        {
            fail(
                ErrorCode::INVALID_CONFIG_EXCEPTION,
                format!(
                    "'{DATALAKE_FORMAT}' ('{table}') must match cluster 'datalake.format' ('{cluster}') when '{DATALAKE_ENABLED}' is enabled."
                ),
            )
        }
        _ => Ok(()),
    }
}

pub(super) fn is_in_lake(descriptor: &TableDescriptor) -> bool {
    let enabled = descriptor.property(DATALAKE_ENABLED);
    enabled.is_some_and(|enabled| enabled.eq_ignore_ascii_case("true"))
}

/// Rejects changes of properties that can't be altered.
pub(super) fn check_alterable(
    release: Release,
    table: &TableDescriptor,
    changes: &Repeated<PbAlterConfig>,
) -> Result<()> {
    let keys = changes.iter().map(|change| change.config_key.as_str());
    let keys = keys.filter(|key| key.starts_with(PREFIX));
    let is_alterable = |key: &str| is_of(key, release, &ALTERABLE, &ALTERABLE_SINCE_1_0);
    let fixed: Vec<&str> = keys.clone().filter(|key| !is_alterable(key)).collect();
    if let Some(first) = fixed.first() {
        let message = match release {
            Release::V0_9_1 => format!("The option '{first}' is not supported to alter yet."),
            Release::V1_0 => format!(
                "The following options are not supported to alter yet: {}.",
                quoted(&fixed)
            ),
        };
        return fail(ErrorCode::INVALID_ALTER_TABLE_EXCEPTION, message);
    }
    if keys.clone().any(|key| key == KV_STANDBY) && !table.has_primary_key() {
        return fail(
            ErrorCode::INVALID_ALTER_TABLE_EXCEPTION,
            format!("'{KV_STANDBY}' can only be altered on primary key tables."),
        );
    }
    if table.property(DATALAKE_FORMAT).is_some() {
        return Ok(());
    }
    // The table was created before the cluster had a lake.
    let of_lake: Vec<&str> = match release {
        Release::V0_9_1 => keys.filter(|key| *key == DATALAKE_ENABLED).collect(),
        Release::V1_0 => keys
            .filter(|key| key.starts_with(DATALAKE_PREFIX))
            .collect(),
    };
    let may_join = release == Release::V1_0
        && !table.has_primary_key()
        && table.bucket_keys().is_empty()
        && of_lake.iter().all(|key| *key == DATALAKE_ENABLED);
    if of_lake.is_empty() || may_join {
        return Ok(());
    }
    let message = match release {
        Release::V0_9_1 => format!(
            "The option '{DATALAKE_ENABLED}' cannot be altered for tables that were created before the Fluss cluster enabled datalake."
        ),
        Release::V1_0 => format!(
            "The following options cannot be altered for tables that were created before the Fluss cluster enabled datalake: {}.",
            quoted(&of_lake)
        ),
    };
    fail(ErrorCode::INVALID_ALTER_TABLE_EXCEPTION, message)
}

/// Sets or removes one entry. Servers know no other kinds of changes.
pub(super) fn change(
    properties: &mut BTreeMap<String, String>,
    change: &PbAlterConfig,
) -> Result<()> {
    check_operation(change)?;
    let key = change.config_key.clone();
    if change.op_type == SET {
        properties.insert(key, change.config_value.clone().unwrap_or_default());
    } else {
        properties.remove(&key);
    }
    Ok(())
}

pub(super) fn check_operation(change: &PbAlterConfig) -> Result<()> {
    if matches!(change.op_type, SET | DELETE) {
        return Ok(());
    }
    Err(internal(format!(
        "Unsupported alter configs op type {}",
        change.op_type
    )))
}

fn quoted(keys: &[&str]) -> String {
    let keys = keys.iter().map(|key| format!("'{key}'"));
    keys.collect::<Vec<_>>().join(", ")
}
