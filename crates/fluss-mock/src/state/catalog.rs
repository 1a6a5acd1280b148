//! Databases, tables and partitions, with the placements of their buckets.

use std::cell::Cell;
use std::collections::BTreeMap;

use fluss_metadata::{
    DatabaseDescriptor, PartitionId, ResolvedPartitionSpec, Schema, SchemaId, TableBucket,
    TableDescriptor, TableId, TablePath,
};

use super::placement::Placement;
use crate::random::Random;

/// How long the servers keep serving a dropped partition, in milliseconds: the coordinator notifies them a moment
/// later.
const SERVED_AFTER_DROP_MILLIS: i64 = 20;

/// The id of the first schema of a table.
const FIRST_SCHEMA_ID: SchemaId = 1;

/// All databases with their tables.
pub(crate) struct Catalog {
    pub(crate) databases: BTreeMap<String, Database>,
    tables: BTreeMap<TableId, Table>,
    next_table_id: TableId,
    next_partition_id: PartitionId,
    servers: Vec<i32>,
    random: Random,
}

pub(crate) struct Database {
    pub(crate) descriptor: DatabaseDescriptor,
    pub(crate) modified: i64,
    pub(crate) tables: BTreeMap<String, TableId>,
    /// Milliseconds since 1970, like all times here.
    pub(crate) created: i64,
}

pub(crate) struct Table {
    pub(crate) path: TablePath,
    pub(crate) id: TableId,
    /// Includes what the server added to it.
    pub(crate) descriptor: TableDescriptor,
    /// By ascending id, from [`FIRST_SCHEMA_ID`] on.
    schemas: Vec<Schema>,
    pub(crate) created: i64,
    pub(crate) modified: i64,
    /// By name.
    pub(crate) partitions: BTreeMap<String, Partition>,
    /// Bucket by bucket; empty if it is partitioned.
    pub(crate) replicas: Vec<Placement>,
    /// Dropped partitions that are still served, and until when.
    leaving: BTreeMap<PartitionId, (Partition, i64)>,
    /// The last auto-increment value that a bucket has taken.
    numbered: Cell<i64>,
}

pub(crate) struct Partition {
    pub(crate) id: PartitionId,
    pub(crate) spec: ResolvedPartitionSpec,
    /// Bucket by bucket.
    pub(crate) replicas: Vec<Placement>,
}

impl Catalog {
    /// Exists from the start, and can't be dropped.
    pub(crate) const DEFAULT_DATABASE: &str = "fluss";

    pub(super) fn new(seed: u64, servers: Vec<i32>, now: i64) -> Self {
        let default = Database::new(DatabaseDescriptor::new(), now);
        Self {
            databases: BTreeMap::from([(Self::DEFAULT_DATABASE.to_owned(), default)]),
            tables: BTreeMap::new(),
            next_table_id: 0,
            next_partition_id: 0,
            servers,
            random: Random::new(seed),
        }
    }

    pub(crate) fn server_count(&self) -> usize {
        self.servers.len()
    }

    /// The replicas of each bucket of the cluster.
    pub(crate) fn replicas(&self) -> impl Iterator<Item = &Placement> {
        self.tables.values().flat_map(|table| {
            let of_partitions = table.partitions.values();
            let of_partitions = of_partitions.flat_map(|partition| &partition.replicas);
            table.replicas.iter().chain(of_partitions)
        })
    }

    pub(crate) fn table(&self, path: &TablePath) -> Option<&Table> {
        self.tables.get(&self.table_id(path)?)
    }

    pub(crate) fn table_mut(&mut self, path: &TablePath) -> Option<&mut Table> {
        self.tables.get_mut(&self.table_id(path)?)
    }

    fn table_id(&self, path: &TablePath) -> Option<TableId> {
        let database = self.databases.get(path.database())?;
        database.tables.get(path.table()).copied()
    }

    pub(crate) fn table_by_id(&self, id: TableId) -> Option<&Table> {
        self.tables.get(&id)
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    /// The partition with this id, and its table.
    pub(crate) fn partition(&self, id: PartitionId) -> Option<(&Table, &Partition)> {
        self.tables.values().find_map(|table| {
            let mut partitions = table.partitions.values();
            let found = partitions.find(|partition| partition.id == id)?;
            Some((table, found))
        })
    }

    /// All buckets of all tables.
    pub(super) fn placements(&self) -> impl Iterator<Item = (TableBucket, &Placement)> {
        self.tables.values().flat_map(|table| {
            let whole = std::iter::once((None, &table.replicas));
            let parts = table.partitions.values();
            let parts = parts.map(|partition| (Some(partition.id), &partition.replicas));
            whole.chain(parts).flat_map(move |(partition, placements)| {
                let bucket =
                    move |bucket| TableBucket::new_with_partition(table.id, partition, bucket);
                (0..).map(bucket).zip(placements)
            })
        })
    }

    pub(super) fn placements_mut(&mut self) -> impl Iterator<Item = (TableBucket, &mut Placement)> {
        self.tables.values_mut().flat_map(|table| {
            let id = table.id;
            let whole = std::iter::once((None, &mut table.replicas));
            let parts = table.partitions.values_mut();
            let parts = parts.map(|partition| (Some(partition.id), &mut partition.replicas));
            whole.chain(parts).flat_map(move |(partition, placements)| {
                let bucket = move |bucket| TableBucket::new_with_partition(id, partition, bucket);
                (0..).map(bucket).zip(placements)
            })
        })
    }

    pub(crate) fn placement(&self, bucket: &TableBucket) -> Option<&Placement> {
        let mut all = self.placements();
        let found = all.find(|(found, _)| found == bucket)?;
        Some(found.1)
    }

    /// Whether followers fetch what is written to a bucket, which ends the fetches that wait for it.
    pub(crate) fn has_followers(&self, bucket: &TableBucket) -> bool {
        self.placement(bucket)
            .is_some_and(|placement| placement.in_sync.len() > 1)
    }

    pub(crate) fn placement_mut(&mut self, bucket: &TableBucket) -> Option<&mut Placement> {
        let mut all = self.placements_mut();
        let found = all.find(|(found, _)| found == bucket)?;
        Some(found.1)
    }

    /// Adds a valid table to a database that exists.
    pub(super) fn create_table(&mut self, path: &TablePath, descriptor: TableDescriptor, now: i64) {
        let id = self.next_table_id;
        self.next_table_id += 1;
        let mut table = Table {
            schemas: vec![descriptor.schema().clone()],
            created: now,
            modified: now,
            partitions: BTreeMap::new(),
            replicas: Vec::new(),
            leaving: BTreeMap::new(),
            numbered: Cell::new(0),
            path: path.clone(),
            id,
            descriptor,
        };
        if !table.descriptor.is_partitioned() {
            table.replicas = self.place(table.bucket_count(), table.replication_factor());
        }
        if let Some(database) = self.databases.get_mut(path.database()) {
            database.tables.insert(path.table().to_owned(), id);
        }
        self.tables.insert(id, table);
    }

    pub(super) fn drop_table(&mut self, path: &TablePath) {
        let database = self.databases.get_mut(path.database());
        if let Some(id) = database.and_then(|database| database.tables.remove(path.table())) {
            self.tables.remove(&id);
        }
    }

    /// Drops a database with all its tables.
    pub(super) fn drop_database(&mut self, name: &str) {
        let Some(database) = self.databases.remove(name) else {
            return;
        };
        for id in database.tables.values() {
            self.tables.remove(id);
        }
    }

    /// Adds a partition to a table that exists and has none of this name.
    pub(crate) fn create_partition(&mut self, path: &TablePath, spec: ResolvedPartitionSpec) {
        let Some(table) = self.table(path) else {
            return;
        };
        let (buckets, factor) = (table.bucket_count(), table.replication_factor());
        let replicas = self.place(buckets, factor);
        let id = self.next_partition_id;
        self.next_partition_id += 1;
        if let Some(table) = self.table_mut(path) {
            let partition = Partition { id, spec, replicas };
            table
                .partitions
                .insert(partition.spec.partition_name(), partition);
        }
    }

    /// Drops a partition, which the servers keep serving for a moment.
    pub(crate) fn drop_partition(&mut self, path: &TablePath, name: &str, now: i64) {
        if let Some(table) = self.table_mut(path)
            && let Some(partition) = table.partitions.remove(name)
        {
            let until = now + SERVED_AFTER_DROP_MILLIS;
            table.leaving.insert(partition.id, (partition, until));
        }
    }

    /// Stops serving the partitions that were dropped a moment ago. Returns whether there were any.
    pub(super) fn forget_dropped(&mut self, now: i64) -> bool {
        let mut any = false;
        for table in self.tables.values_mut() {
            table.leaving.retain(|_, (_, until)| {
                any |= *until <= now;
                now < *until
            });
        }
        any
    }

    /// Sets the number of buckets of the partitions that are created from now on.
    pub(crate) fn rescale(&mut self, path: &TablePath, buckets: i32, now: i64) {
        let table = self.table_mut(path);
        if let Some(table) = table.filter(|table| table.descriptor.is_partitioned()) {
            let descriptor = table.descriptor.with_bucket_count(buckets);
            table.alter(descriptor, now);
        }
    }

    /// Whether servers still serve a bucket of this table and partition.
    pub(super) fn serves(&self, bucket: &TableBucket, now: i64) -> bool {
        let table = self.table_by_id(bucket.table_id());
        table.is_some_and(|table| table.served_replicas(bucket.partition_id(), now).is_some())
    }

    /// Finds a leader for each bucket whose leader is down. Returns for each bucket whether it had a leader before.
    pub(super) fn elect(&mut self, is_up: impl Fn(i32) -> bool) -> Vec<bool> {
        let elect = |(_, placement): (TableBucket, &mut Placement)| {
            let was_led = placement.leader.is_some();
            placement.elect(&is_up);
            was_led
        };
        self.placements_mut().map(elect).collect()
    }

    /// Places this number of buckets round-robin, starting at a random server. The first replica leads.
    fn place(&mut self, bucket_count: i32, replicas: usize) -> Vec<Placement> {
        let first = self.random.draw();
        let servers = &self.servers;
        let buckets = 0..usize::try_from(bucket_count).unwrap_or_default();
        let replicas_of = |bucket: usize| {
            let circle = servers.iter().cycle();
            let start = (first as usize).wrapping_add(bucket) % servers.len().max(1);
            Placement::new(circle.skip(start).take(replicas).copied().collect())
        };
        buckets.map(replicas_of).collect()
    }
}

impl Database {
    pub(crate) fn new(descriptor: DatabaseDescriptor, now: i64) -> Self {
        Self {
            descriptor,
            modified: now,
            tables: BTreeMap::new(),
            created: now,
        }
    }
}

impl Table {
    pub(crate) fn schema(&self, id: SchemaId) -> Option<&Schema> {
        let place = usize::try_from(id - FIRST_SCHEMA_ID).ok()?;
        self.schemas.get(place)
    }

    /// The schema of new rows.
    pub(crate) fn latest_schema(&self) -> &Schema {
        self.descriptor.schema()
    }

    /// Replaces the definition; a schema that differs gets the next id.
    pub(crate) fn alter(&mut self, descriptor: TableDescriptor, now: i64) {
        if descriptor.schema() != self.descriptor.schema() {
            self.schemas.push(descriptor.schema().clone());
        }
        self.descriptor = descriptor;
        self.modified = now;
    }

    /// All schemas, in the order of their ids.
    pub(crate) fn schemas(&self) -> impl Iterator<Item = (SchemaId, &Schema)> {
        (FIRST_SCHEMA_ID..).zip(&self.schemas)
    }

    pub(crate) fn latest_schema_id(&self) -> SchemaId {
        FIRST_SCHEMA_ID + self.schemas.len() as SchemaId - 1
    }

    /// The number of buckets of the table, or of each future partition.
    pub(crate) fn bucket_count(&self) -> i32 {
        self.descriptor.bucket_count().unwrap_or(1)
    }

    /// The number of buckets of one of its partitions, or of the table if it has none.
    pub(crate) fn bucket_count_of(&self, partition: Option<PartitionId>) -> i32 {
        let mut partitions = self.partitions.values();
        let found = partition.and_then(|id| partitions.find(|partition| partition.id == id));
        found.map_or(self.bucket_count(), Partition::bucket_count)
    }

    /// The replicas of a partition, including a dropped one that is still served, or of the table if it has none.
    pub(super) fn served_replicas(
        &self,
        partition: Option<PartitionId>,
        now: i64,
    ) -> Option<&[Placement]> {
        let Some(id) = partition else {
            return Some(&self.replicas);
        };
        let mut partitions = self.partitions.values();
        let found = partitions.find(|partition| partition.id == id);
        let leaving = || {
            let (partition, until) = self.leaving.get(&id)?;
            (now < *until).then_some(partition)
        };
        Some(&found.or_else(leaving)?.replicas)
    }

    /// Takes the next `count` auto-increment values. Returns the first.
    pub(super) fn take_numbers(&self, count: i64) -> i64 {
        let first = self.numbered.get() + 1;
        self.numbered.set(self.numbered.get().saturating_add(count));
        first
    }

    fn replication_factor(&self) -> usize {
        let factor = self.descriptor.replication_factor().ok().flatten();
        factor
            .and_then(|factor| usize::try_from(factor).ok())
            .unwrap_or(1)
    }
}

impl Partition {
    pub(crate) fn bucket_count(&self) -> i32 {
        i32::try_from(self.replicas.len()).unwrap_or(i32::MAX)
    }
}

/// Sorts items as servers list them, which is no useful order: that of a Java `HashSet` of strings.
pub(crate) fn unordered<T>(
    items: impl IntoIterator<Item = T>,
    name: impl for<'a> Fn(&'a T) -> &'a str,
) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    let places = (items.len() * 4 / 3 + 1).next_power_of_two().max(16);
    items.sort_by_key(|item| {
        let units = name(item).encode_utf16();
        let hash = units.fold(0_u32, |hash, unit| {
            hash.wrapping_mul(31).wrapping_add(u32::from(unit))
        });
        (hash ^ (hash >> 16)) as usize % places
    });
    items
}
