//! Configuration of the servers: what `server.yaml` would say, and what was changed since.

use std::collections::BTreeMap;

use fluss_metadata::Principal;

use crate::release::Release;

/// Entries that may be changed while servers run (0.9.1).
const CHANGEABLE: [&str; 2] = [
    "datalake.format",
    "kv.rocksdb.shared-rate-limiter.bytes-per-sec",
];
/// As are those that begin like this.
const CHANGEABLE_PREFIX: &str = "datalake.";

/// What is configured for all servers.
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

    /// Buckets of a table that doesn't say how many.
    pub(crate) fn default_buckets(&self) -> i32 {
        self.number("default.bucket.number", 1)
    }

    /// Replicas of a table that doesn't say how many.
    pub(crate) fn default_replicas(&self) -> i32 {
        self.number("default.replication.factor", 1)
    }

    /// Most buckets of a table or a partition.
    pub(crate) fn max_buckets(&self) -> i32 {
        self.number("max.bucket.num", 128_000)
    }

    /// Most partitions of a table.
    pub(crate) fn max_partitions(&self) -> usize {
        self.number("max.partition.num", 1000)
    }

    /// Replicas that have to be in sync for a write that waits for all of them.
    pub(crate) fn min_in_sync(&self) -> usize {
        self.number("log.replica.min-in-sync-replicas-number", 1)
    }

    /// How often tables are looked at for partitions that are due, or too old, in milliseconds.
    pub(crate) fn partition_check_millis(&self) -> i64 {
        let interval = self.get("auto-partition.check.interval").and_then(millis);
        interval.unwrap_or(600_000)
    }

    /// Whether users need access rules.
    pub(crate) fn has_access_rules(&self) -> bool {
        self.get("authorizer.enabled") == Some("true")
    }

    /// Those who may do everything, `User:admin;User:root`.
    pub(crate) fn super_users(&self) -> Vec<Principal> {
        let users = self.get("super.users").unwrap_or_default().split(';');
        users
            .filter_map(|user| user.trim().split_once(':'))
            .map(|(kind, name)| Principal::new(kind, name))
            .collect()
    }

    /// The format of the lake that tables may be in.
    pub(crate) fn lake_format(&self) -> Option<&str> {
        self.get("datalake.format")
    }

    /// Whether tables may be in a lake. Since release 1.0 that can be said apart from the format.
    pub(crate) fn has_lake(&self, release: Release) -> bool {
        match self.get("datalake.enabled") {
            Some(enabled) if release == Release::V1_0 => enabled == "true",
            _ => self.lake_format().is_some(),
        }
    }

    /// Where log segments and snapshots go, if anywhere.
    pub(crate) fn remote_dir(&self) -> Option<&str> {
        self.get("remote.data.dir")
    }

    /// How long after a snapshot of a bucket the next one is taken, in milliseconds.
    pub(crate) fn snapshot_interval_millis(&self) -> i64 {
        let interval = self.get("kv.snapshot.interval").and_then(millis);
        interval.unwrap_or(600_000)
    }

    /// Size in bytes at which a log segment is closed.
    pub(crate) fn segment_bytes(&self) -> usize {
        let size = self.get("log.segment.file-size").and_then(bytes);
        size.unwrap_or(1 << 30)
    }
}

/// A time as servers write it, in milliseconds: `2s`, `10 min`, `100`.
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

/// A size as servers write it: `64kb`, `1 gb`, `100`.
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
