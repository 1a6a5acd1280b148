//! What servers do by the clock: partitions made and dropped for their time, log segments dropped for their age. Looked after whenever a
//! request comes in, so that paused time is enough for it.

use std::collections::BTreeMap;

use fluss_metadata::{AutoPartitionStrategy, ResolvedPartitionSpec, TableBucket, TablePath};

use super::{State, Table};

/// How often logs are looked at for what is too old (`remote.log.task-interval-duration`), in milliseconds.
const RETENTION_INTERVAL: i64 = 60_000;

/// The partition that no age makes go (since release 1.0).
const HISTORICAL: &str = "__historical__";

/// Most looks at partitions that are made up for.
const MOST_CHECKS: i64 = 500;

/// How long it takes until a new table gets the partitions of its time, in milliseconds.
const SOON_MILLIS: i64 = 50;

/// When the next look is due.
#[derive(Debug)]
pub(crate) struct Due {
    partitions: i64,
    logs: i64,
    /// Tables that are looked at before the others: new ones, and those whose properties have changed.
    tables: BTreeMap<TablePath, (i64, Look)>,
}

/// What a look at the partitions of a table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// The table is new: it has no partition that could be too old. Those that clients make meanwhile have until the next look.
    Make,
    MakeAndDrop,
}

impl Due {
    pub(super) fn new(now: i64) -> Self {
        Self {
            partitions: now,
            logs: now + RETENTION_INTERVAL,
            tables: BTreeMap::new(),
        }
    }
}

impl State {
    /// Does what is due.
    pub(crate) fn keep_house(&mut self) {
        let now = self.clock.now_millis();
        let interval = self.config.partition_check_millis().max(1);
        // After a long time without a request, as if there had been no pause; after a very long one, what is left of it.
        let first = now.saturating_sub(interval.saturating_mul(MOST_CHECKS));
        self.due.partitions = self.due.partitions.max(first);
        while now >= self.due.partitions {
            self.make_and_drop_partitions(self.due.partitions);
            self.due.partitions += interval;
        }
        let soon = &self.due.tables;
        let now_due: Vec<_> = soon
            .iter()
            .filter(|(_, (at, _))| *at <= now)
            .map(|(path, (_, look))| (path.clone(), *look))
            .collect();
        for (path, look) in now_due {
            self.due.tables.remove(&path);
            self.look_at_partitions(&path, look, now);
        }
        self.forget_dropped(now);
        if now >= self.due.logs {
            self.due.logs = now + RETENTION_INTERVAL;
            self.drop_old_segments(now);
        }
    }

    /// Looks at the partitions of a table a moment from now.
    pub(crate) fn look_at_partitions_soon(&mut self, path: &TablePath, look: Look) {
        let at = self.clock.now_millis() + SOON_MILLIS;
        self.due.tables.insert(path.clone(), (at, look));
    }

    fn make_and_drop_partitions(&mut self, now: i64) {
        // New tables have their turn a moment later.
        let tables = self.catalog.tables().map(|table| &table.path);
        let tables = tables.filter(|path| !self.due.tables.contains_key(path));
        for path in tables.cloned().collect::<Vec<_>>() {
            self.look_at_partitions(&path, Look::MakeAndDrop, now);
        }
    }

    fn look_at_partitions(&mut self, path: &TablePath, look: Look, now: i64) {
        let table = self.catalog.table(path);
        let strategy = table.and_then(|table| table.descriptor.auto_partition().ok());
        let Some(strategy) = strategy.filter(AutoPartitionStrategy::is_enabled) else {
            return;
        };
        if look == Look::MakeAndDrop {
            for name in self.outdated(path, &strategy, now) {
                self.drop_partition(path, &name);
            }
        }
        for spec in self.coming(path, &strategy, now) {
            self.create_partition(path, spec);
        }
    }

    /// Partitions that a table should have by now and has not.
    fn coming(
        &self,
        path: &TablePath,
        strategy: &AutoPartitionStrategy,
        now: i64,
    ) -> Vec<ResolvedPartitionSpec> {
        let Some(table) = self.catalog.table(path) else {
            return Vec::new();
        };
        let keys = table.descriptor.partition_keys();
        // Of several keys only one is a time; nobody knows the values of the others.
        let ahead = if keys.len() == 1 {
            strategy.num_precreate()
        } else {
            0
        };
        let room = self.config.max_partitions();
        let room = room.saturating_sub(table.partitions.len());
        // The strategy was checked with the table.
        let specs = (0..ahead).filter_map(|ahead| strategy.partition(keys, now, ahead).ok());
        let missing = specs.filter(|spec| !table.partitions.contains_key(&spec.partition_name()));
        missing.take(room).collect()
    }

    /// Partitions of a table that are older than those that are kept. Texts are compared, whether they are times or not.
    fn outdated(
        &self,
        path: &TablePath,
        strategy: &AutoPartitionStrategy,
        now: i64,
    ) -> Vec<String> {
        let kept = strategy.num_retention();
        let oldest = strategy.partition_time(now, kept.saturating_neg());
        let (Some(table), Ok(oldest)) = (self.catalog.table(path), oldest) else {
            return Vec::new();
        };
        if kept < 0 {
            return Vec::new();
        }
        let keys = table.descriptor.partition_keys();
        let timed = |key: &String| strategy.key().is_none_or(|wanted| wanted == key);
        let place = keys.iter().position(timed).unwrap_or_default();
        let old = table.partitions.iter().filter(|(_, partition)| {
            let time = partition.spec.partition_values().get(place);
            time.is_some_and(|time| *time < oldest && time != HISTORICAL)
        });
        old.map(|(name, _)| name.clone()).collect()
    }

    /// Drops the segments of each log that were written before its `table.log.ttl`, but never the one that is written to.
    fn drop_old_segments(&mut self, now: i64) {
        let segment_bytes = self.config.segment_bytes();
        for (bucket, data) in &mut self.buckets {
            let table = self.catalog.table_by_id(bucket.table_id());
            if let Some(oldest) = table.and_then(|table| oldest(table, now)) {
                data.log.drop_before(oldest, segment_bytes);
            }
        }
    }

    /// How many replicas of a bucket are in sync, if that is fewer than a write to all of them needs.
    pub(crate) fn too_few_in_sync(&self, bucket: &TableBucket) -> Option<Vec<i32>> {
        let needed = self.config.min_in_sync();
        if needed <= 1 {
            return None;
        }
        let placement = self.catalog.placement(bucket)?;
        (placement.in_sync.len() < needed).then(|| placement.in_sync.clone())
    }
}

/// The time before which a table keeps nothing. A time to live of 0 or less keeps everything.
fn oldest(table: &Table, now: i64) -> Option<i64> {
    let ttl = table.descriptor.log_ttl().ok()?;
    let millis = i64::try_from(ttl.as_millis()).ok()?;
    (millis > 0).then(|| now.saturating_sub(millis))
}
