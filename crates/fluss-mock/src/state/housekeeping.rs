//! What servers do by the clock: they create and drop partitions of tables that are partitioned by time, and drop log
//! segments that are too old. The state is brought up to date whenever a request arrives, so this works with a paused
//! clock as well.

use std::collections::BTreeMap;

use fluss_metadata::{AutoPartitionStrategy, ResolvedPartitionSpec, TablePath};

use super::catalog::Table;

/// How often logs are searched for old segments (`remote.log.task-interval-duration`), in milliseconds.
const RETENTION_INTERVAL: i64 = 60_000;

/// The partition that is never too old (since release 1.0).
const HISTORICAL: &str = "__historical__";

/// The most partition checks that are made up for after a time without requests.
const MOST_CHECKS: i64 = 500;

/// How long it takes until a new table gets its first partitions, in milliseconds.
const SOON_MILLIS: i64 = 50;

/// When the next checks are due.
#[derive(Debug)]
pub(crate) struct Due {
    partitions: i64,
    logs: i64,
    /// Tables that are checked before the others: new ones, and those whose properties have changed.
    tables: BTreeMap<TablePath, (i64, Check)>,
}

/// What a check does about the partitions of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// Creates those that are missing. A new table has none that is too old; those that clients create in the meantime
    /// stay until the next check.
    Create,
    CreateAndDrop,
}

impl Due {
    pub(super) fn new(now: i64) -> Self {
        Self {
            partitions: now,
            logs: now + RETENTION_INTERVAL,
            tables: BTreeMap::new(),
        }
    }

    /// Schedules a check of one table a moment from now.
    pub(super) fn check_soon(&mut self, path: &TablePath, check: Check, now: i64) {
        self.tables.insert(path.clone(), (now + SOON_MILLIS, check));
    }

    /// Whether a table waits for a check of its own.
    pub(super) fn waits(&self, path: &TablePath) -> bool {
        self.tables.contains_key(path)
    }

    /// The time of the next check of all tables, while it is not in the future. After a long time without requests
    /// these are the times at which the checks would have been; after a very long one, only the last of them.
    pub(super) fn next_check(&mut self, now: i64, interval: i64) -> Option<i64> {
        let interval = interval.max(1);
        let first = now.saturating_sub(interval.saturating_mul(MOST_CHECKS));
        let at = self.partitions.max(first);
        self.partitions = at;
        (at <= now).then(|| {
            self.partitions += interval;
            at
        })
    }

    /// Takes the tables whose own check is due.
    pub(super) fn take_tables(&mut self, now: i64) -> Vec<(TablePath, Check)> {
        let mut due = Vec::new();
        self.tables.retain(|path, (at, check)| {
            let is_due = *at <= now;
            if is_due {
                due.push((path.clone(), *check));
            }
            !is_due
        });
        due
    }

    /// Whether the logs are to be searched for old segments now.
    pub(super) fn take_logs(&mut self, now: i64) -> bool {
        let is_due = now >= self.logs;
        if is_due {
            self.logs = now + RETENTION_INTERVAL;
        }
        is_due
    }
}

/// The strategy by which a table creates and drops partitions, if it does.
pub(super) fn strategy_of(table: &Table) -> Option<AutoPartitionStrategy> {
    let strategy = table.descriptor.auto_partition().ok();
    strategy.filter(AutoPartitionStrategy::is_enabled)
}

/// Partitions that a table should have by now but lacks, at most `max_partitions` with those it has.
pub(super) fn missing_partitions(
    table: &Table,
    strategy: &AutoPartitionStrategy,
    max_partitions: usize,
    now: i64,
) -> Vec<ResolvedPartitionSpec> {
    let keys = table.descriptor.partition_keys();
    // Of several keys only one is a time; the values of the others are not known in advance.
    let ahead = if keys.len() == 1 {
        strategy.num_precreate()
    } else {
        0
    };
    let room = max_partitions.saturating_sub(table.partitions.len());
    // The strategy was checked with the table.
    let specs = (0..ahead).filter_map(|ahead| strategy.partition(keys, now, ahead).ok());
    let missing = specs.filter(|spec| !table.partitions.contains_key(&spec.partition_name()));
    missing.take(room).collect()
}

/// The names of partitions that are older than the table keeps them. Names are compared as text, whether they are times
/// or not.
pub(super) fn outdated_partitions(
    table: &Table,
    strategy: &AutoPartitionStrategy,
    now: i64,
) -> Vec<String> {
    let kept = strategy.num_retention();
    let Ok(oldest) = strategy.partition_time(now, kept.saturating_neg()) else {
        return Vec::new();
    };
    if kept < 0 {
        return Vec::new();
    }
    let keys = table.descriptor.partition_keys();
    let is_time = |key: &String| strategy.key().is_none_or(|wanted| wanted == key);
    let position = keys.iter().position(is_time).unwrap_or_default();
    let old = table.partitions.iter().filter(|(_, partition)| {
        let time = partition.spec.partition_values().get(position);
        time.is_some_and(|time| *time < oldest && time != HISTORICAL)
    });
    old.map(|(name, _)| name.clone()).collect()
}

/// The time before which a table keeps nothing. A time to live of 0 or less keeps everything.
pub(super) fn oldest_kept(table: &Table, now: i64) -> Option<i64> {
    let ttl = table.descriptor.log_ttl().ok()?;
    let millis = i64::try_from(ttl.as_millis()).ok()?;
    (millis > 0).then(|| now.saturating_sub(millis))
}
