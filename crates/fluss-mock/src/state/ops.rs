//! The steps that cross the parts of the state.

use std::io;

use fluss_metadata::{BucketId, PartitionId, TableBucket, TableDescriptor, TableId, TablePath};
use fluss_wire::error_code::{ErrorCode, ServerError};

use super::State;
use super::buckets::Bucket;
use super::catalog::Table;
use super::housekeeping::{
    Check, missing_partitions, oldest_kept, outdated_partitions, strategy_of,
};
use super::members::Node;
use super::tiering::{Manifest, Tiering, dir_of};

/// Tables and buckets.
impl State {
    /// Creates a valid table in a database that exists. The partitions that it creates by time follow a moment later.
    pub(crate) fn create_table(&mut self, path: &TablePath, descriptor: TableDescriptor) {
        let now = self.clock.now_millis();
        let is_timed = descriptor.is_auto_partitioned();
        self.catalog.create_table(path, descriptor, now);
        if is_timed {
            self.check_partitions_soon(path, Check::Create);
        }
    }

    pub(crate) fn drop_table(&mut self, path: &TablePath) {
        self.catalog.drop_table(path);
        self.sweep();
    }

    pub(crate) fn drop_database(&mut self, name: &str) {
        self.catalog.drop_database(name);
        self.sweep();
    }

    /// The bucket and its table, for the server that leads it; the error of any other server.
    pub(crate) fn bucket(
        &mut self,
        server: i32,
        table_id: TableId,
        partition_id: Option<PartitionId>,
        bucket_id: BucketId,
    ) -> Result<(&Table, &mut Bucket), ServerError> {
        let bucket = TableBucket::new_with_partition(table_id, partition_id, bucket_id);
        let unknown = || {
            ServerError::new(
                ErrorCode::UNKNOWN_TABLE_OR_BUCKET_EXCEPTION,
                format!("Unknown table or bucket: {bucket}"),
            )
        };
        let now = self.clock.now_millis();
        let table = self.catalog.table_by_id(table_id).ok_or_else(unknown)?;
        let replicas = table.served_replicas(partition_id, now);
        let position = usize::try_from(bucket_id).map_err(|_| unknown())?;
        let placement = replicas
            .and_then(|replicas| replicas.get(position))
            .ok_or_else(unknown)?;
        if placement.leader != Some(server) {
            return Err(ServerError::new(
                ErrorCode::NOT_LEADER_OR_FOLLOWER,
                format!("Leader not local for bucket {bucket} on tabletServer {server}"),
            ));
        }
        Ok((table, self.buckets.get_or_create(bucket)))
    }

    /// The data of a bucket, if it was ever written to or read.
    pub(crate) fn data(&mut self, bucket: &TableBucket) -> Option<&mut Bucket> {
        self.buckets.get_mut(bucket)
    }

    /// Drops the data of tables and partitions that are gone.
    fn sweep(&mut self) {
        let (catalog, now) = (&self.catalog, self.clock.now_millis());
        self.buckets.retain(|bucket| catalog.serves(bucket, now));
    }

    /// Removes the batches that end at or before an offset.
    pub(crate) fn trim(&mut self, bucket: &TableBucket, offset: i64) {
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            bucket.log.trim(offset);
        }
    }

    pub(crate) fn new_writer_id(&mut self) -> i64 {
        self.next_writer_id += 1;
        self.next_writer_id - 1
    }

    /// Forgets every writer.
    pub(crate) fn expire_writers(&mut self) {
        for (_, bucket) in self.buckets.iter_mut() {
            bucket.log.expire_writers();
        }
    }
}

/// Servers and replicas.
impl State {
    /// The cluster notices that a server is gone.
    pub(crate) fn on_down(&mut self, server: i32) {
        self.members.remove(server);
        self.scans.on_down(server);
        self.elect();
    }

    /// The cluster notices a server.
    pub(crate) fn on_up(&mut self, node: Node) {
        self.members.add(node);
        let led_before = self.elect();
        for ((_, placement), was_led) in self.catalog.placements_mut().zip(led_before) {
            if was_led {
                placement.catch_up(node.id);
            } else if placement.leader.is_some() {
                self.members.ids().for_each(|up| placement.catch_up(up));
            }
        }
    }

    /// Returns for each bucket whether it had a leader before.
    fn elect(&mut self) -> Vec<bool> {
        let members = &self.members;
        self.catalog.elect(|server| members.is_up(server))
    }

    pub(crate) fn freeze(&mut self, server: i32) {
        self.members.freeze(server, &self.catalog);
    }

    pub(crate) fn thaw(&mut self, server: i32) {
        self.members.thaw(server);
    }

    /// The in-sync replicas of a bucket, if they are fewer than a write to all of them needs.
    pub(crate) fn too_few_in_sync(&self, bucket: &TableBucket) -> Option<Vec<i32>> {
        let needed = self.config.min_in_sync();
        if needed <= 1 {
            return None;
        }
        let placement = self.catalog.placement(bucket)?;
        (placement.in_sync.len() < needed).then(|| placement.in_sync.clone())
    }
}

/// What is done by the clock.
impl State {
    /// Does what is due.
    pub(crate) fn keep_house(&mut self) {
        let now = self.clock.now_millis();
        let interval = self.config.partition_check_millis();
        while let Some(at) = self.due.next_check(now, interval) {
            self.check_all_partitions(at);
        }
        for (path, check) in self.due.take_tables(now) {
            self.check_partitions(&path, check, now);
        }
        if self.catalog.forget_dropped(now) {
            self.sweep();
        }
        if self.due.take_logs(now) {
            self.drop_old_segments(now);
        }
    }

    /// Checks the partitions of a table a moment from now.
    pub(crate) fn check_partitions_soon(&mut self, path: &TablePath, check: Check) {
        self.due.check_soon(path, check, self.clock.now_millis());
    }

    fn check_all_partitions(&mut self, now: i64) {
        // Those with a check of their own have their turn later.
        let tables = self.catalog.tables().map(|table| &table.path);
        let tables = tables.filter(|path| !self.due.waits(path));
        for path in tables.cloned().collect::<Vec<_>>() {
            self.check_partitions(&path, Check::CreateAndDrop, now);
        }
    }

    fn check_partitions(&mut self, path: &TablePath, check: Check, now: i64) {
        let Some(strategy) = self.catalog.table(path).and_then(strategy_of) else {
            return;
        };
        if check == Check::CreateAndDrop {
            let table = self.catalog.table(path);
            let outdated = table.map(|table| outdated_partitions(table, &strategy, now));
            for name in outdated.unwrap_or_default() {
                let dropped_at = self.clock.now_millis();
                self.catalog.drop_partition(path, &name, dropped_at);
            }
        }
        let most = self.config.max_partitions();
        let table = self.catalog.table(path);
        let missing = table.map(|table| missing_partitions(table, &strategy, most, now));
        for spec in missing.unwrap_or_default() {
            self.catalog.create_partition(path, spec);
        }
    }

    /// Drops the segments of each log that were written before its `table.log.ttl`, but never the one that is being
    /// written to.
    fn drop_old_segments(&mut self, now: i64) {
        let segment_bytes = self.config.segment_bytes();
        for (bucket, data) in self.buckets.iter_mut() {
            let table = self.catalog.table_by_id(bucket.table_id());
            if let Some(oldest) = table.and_then(|table| oldest_kept(table, now)) {
                data.log.drop_before(oldest, segment_bytes);
            }
        }
    }
}

/// Segments in the remote directory.
impl State {
    /// Moves the full segments of a bucket, if a remote directory is configured.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory is no path, or cannot be written to.
    pub(crate) fn tier(&mut self, bucket: &TableBucket) -> io::Result<()> {
        let root = self.config.remote_dir();
        let table = self.catalog.table_by_id(bucket.table_id());
        let (Some(root), Some(table)) = (root, table) else {
            return Ok(());
        };
        let tiering = Tiering::new(root, table, *bucket, self.config.segment_bytes())
            .map_err(io::Error::other)?;
        match self.buckets.get_mut(bucket) {
            Some(data) => data.log.tier(&tiering),
            None => Ok(()),
        }
    }

    /// The latest manifests of the buckets of a table, or of one of its partitions. Buckets of which nothing has moved
    /// have none.
    pub(crate) fn manifests(
        &self,
        table_id: TableId,
        partition_id: Option<PartitionId>,
    ) -> Vec<Manifest> {
        let root = self.config.remote_dir();
        let table = self.catalog.table_by_id(table_id);
        let (Some(root), Some(table)) = (root, table) else {
            return Vec::new();
        };
        let buckets = self.buckets.iter().filter(|(bucket, _)| {
            bucket.table_id() == table_id && bucket.partition_id() == partition_id
        });
        buckets
            .filter_map(|(bucket, data)| Manifest::latest(root, table, bucket, &data.log))
            .collect()
    }

    /// The directory of a bucket's log, as clients see it.
    pub(crate) fn remote_dir_of(&self, table_id: TableId, bucket: &TableBucket) -> Option<String> {
        let root = self.config.remote_dir()?;
        let table = self.catalog.table_by_id(table_id)?;
        Some(dir_of(root, table, bucket).ok()?.to_string())
    }
}
