//! The configuration of the servers: the entries of `server.yaml`, and changes since.

use std::collections::BTreeMap;

use fluss_metadata::Principal;

use crate::release::Release;

/// Entries that can be changed at run time (0.9.1).
const CHANGEABLE: [&str; 2] = [
    "datalake.format",
    "kv.rocksdb.shared-rate-limiter.bytes-per-sec",
];
/// The prefix of others that can be changed.
const CHANGEABLE_PREFIX: &str = "datalake.";

/// The configuration of all servers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    pub(crate) initial: BTreeMap<String, String>,
    pub(crate) dynamic: BTreeMap<String, String>,
}

impl Config {
    pub(super) fn new(initial: BTreeMap<String, String>) -> Self {
        Self {
            initial,
            dynamic: BTreeMap::new(),
        }
    }

    pub(crate) fn is_changeable(key: &str) -> bool {
        CHANGEABLE.contains(&key) || key.starts_with(CHANGEABLE_PREFIX)
    }

    fn get(&self, key: &str) -> Option<&str> {
        let found = self.dynamic.get(key).or_else(|| self.initial.get(key));
        found.map(|value| value.trim())
    }

    fn number<T: std::str::FromStr>(&self, key: &str, default: T) -> T {
        let value = self.get(key).and_then(|value| value.parse().ok());
        value.unwrap_or(default)
    }

    /// The default number of buckets of a table.
    pub(crate) fn default_buckets(&self) -> i32 {
        self.number("default.bucket.number", 1)
    }

    /// The default number of replicas of a table.
    pub(crate) fn default_replicas(&self) -> i32 {
        self.number("default.replication.factor", 1)
    }

    /// The maximum number of buckets of a table or a partition.
    pub(crate) fn max_buckets(&self) -> i32 {
        self.number("max.bucket.num", 128_000)
    }

    /// The maximum number of partitions of a table.
    pub(crate) fn max_partitions(&self) -> usize {
        self.number("max.partition.num", 1000)
    }

    /// The minimum number of in-sync replicas for a write with `acks=all`.
    pub(crate) fn min_in_sync(&self) -> usize {
        self.number("log.replica.min-in-sync-replicas-number", 1)
    }

    /// The interval of partition checks, in milliseconds.
    pub(crate) fn partition_check_millis(&self) -> i64 {
        let interval = self.get("auto-partition.check.interval").and_then(millis);
        interval.unwrap_or(600_000)
    }

    /// Whether access rules are enforced.
    pub(crate) fn has_access_rules(&self) -> bool {
        self.get("authorizer.enabled") == Some("true")
    }

    /// Users without restrictions, from `User:admin;User:root`.
    pub(crate) fn super_users(&self) -> Vec<Principal> {
        let users = self.get("super.users").unwrap_or_default().split(';');
        users
            .filter_map(|user| user.trim().split_once(':'))
            .map(|(kind, name)| Principal::new(kind, name))
            .collect()
    }

    /// The lake format of the cluster.
    pub(crate) fn lake_format(&self) -> Option<&str> {
        self.get("datalake.format")
    }

    /// Whether lake tables are enabled. Since release 1.0 this has a setting of its own.
    pub(crate) fn has_lake(&self, release: Release) -> bool {
        match self.get("datalake.enabled") {
            Some(enabled) if release == Release::V1_0 => enabled == "true",
            _ => self.lake_format().is_some(),
        }
    }

    /// The directory for log segments and snapshots, if any.
    pub(crate) fn remote_dir(&self) -> Option<&str> {
        self.get("remote.data.dir")
    }

    /// The interval between snapshots of a bucket, in milliseconds.
    pub(crate) fn snapshot_interval_millis(&self) -> i64 {
        let interval = self.get("kv.snapshot.interval").and_then(millis);
        interval.unwrap_or(600_000)
    }

    /// The size in bytes at which a log segment is closed.
    pub(crate) fn segment_bytes(&self) -> usize {
        let size = self.get("log.segment.file-size").and_then(bytes);
        size.unwrap_or(1 << 30)
    }
}

/// Parses a duration in the format of the servers, such as `2s`, `10 min` or `100`. Returns milliseconds.
fn millis(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let number: i64 = number.parse().ok()?;
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "ms" | "milli" | "millis" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1000,
        "m" | "min" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// Parses a size in the format of the servers, such as `64kb`, `1 gb` or `100`. Returns bytes.
fn bytes(text: &str) -> Option<usize> {
    let digits = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let number: usize = number.parse().ok()?;
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 0,
        "k" | "kb" | "kibibytes" => 10,
        "m" | "mb" | "mebibytes" => 20,
        "g" | "gb" | "gibibytes" => 30,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}
