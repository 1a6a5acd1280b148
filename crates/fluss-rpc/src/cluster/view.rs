//! A snapshot of a cluster's metadata: servers, tables, partitions, leaders. Immutable, and replaced as a whole.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use fluss_metadata::{
    BucketId, PartitionId, ServerKind, ServerNode, TableBucket, TableId, TablePath,
};
use fluss_wire::Repeated;
use fluss_wire::message::{MetadataResponse, PbBucketMetadata, PbServerNode};

/// A snapshot of a cluster's metadata.
///
/// Cheap to copy whatever the size of the cluster: the leaders of a table's buckets and the partitions of a table are
/// shared between a view and its successors.
#[derive(Debug, Clone, Default)]
pub struct ClusterView {
    generation: u64,
    /// The generation of the last response from a server.
    learned: u64,
    coordinator: Option<ServerNode>,
    tablet_servers: BTreeMap<i32, ServerNode>,
    tables: HashMap<TablePath, TableId>,
    partitions: HashMap<TableId, Arc<HashMap<Arc<str>, PartitionId>>>,
    leaders: HashMap<PartitionKey, Arc<[Leader]>>,
    /// Present if a server reported it. Servers before 1.0 do not: there every partition has as many buckets as its
    /// table.
    bucket_counts: HashMap<PartitionKey, i32>,
}

/// A partition as returned by listing partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPartition {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: PartitionId,
    /// Its number of buckets, if the server reported it.
    pub bucket_count: Option<i32>,
}

/// Buckets are grouped by table, or by partition if the table is partitioned.
type PartitionKey = (TableId, Option<PartitionId>);

/// The leader of a bucket, and the generation in which it was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Leader {
    bucket: BucketId,
    server: i32,
    generation: u64,
}

impl ClusterView {
    /// Returns the generation, which increases with every change. A failure routed by an older view must not
    /// invalidate this one.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns the generation of the last response from a server; later generations only evicted something.
    pub(super) fn learned(&self) -> u64 {
        self.learned
    }

    /// Returns the coordinator, if there is one now.
    pub fn coordinator(&self) -> Option<&ServerNode> {
        self.coordinator.as_ref()
    }

    /// Returns the live tablet servers, by id.
    pub fn tablet_servers(&self) -> impl ExactSizeIterator<Item = &ServerNode> {
        self.tablet_servers.values()
    }

    /// Returns the tablet server with that id, if it is alive.
    pub fn tablet_server(&self, id: i32) -> Option<&ServerNode> {
        self.tablet_servers.get(&id)
    }

    /// Returns the id of a table, if the table was looked up. A re-created table has a different id: compare it.
    pub fn table_id(&self, path: &TablePath) -> Option<TableId> {
        self.tables.get(path).copied()
    }

    /// Returns the id of a partition, if it was looked up.
    pub fn partition_id(&self, table: TableId, name: &str) -> Option<PartitionId> {
        self.partitions.get(&table)?.get(name).copied()
    }

    /// Returns the number of buckets of a partition, if a server reported it. It differs between the partitions of a
    /// rescaled table.
    pub fn bucket_count(&self, table: TableId, partition: Option<PartitionId>) -> Option<i32> {
        if self.bucket_counts.is_empty() {
            return None;
        }
        self.bucket_counts.get(&(table, partition)).copied()
    }

    /// Returns the leader of a bucket, if it is known and alive.
    pub fn leader_of(&self, bucket: &TableBucket) -> Option<&ServerNode> {
        self.tablet_servers.get(&self.leader(bucket)?.server)
    }

    fn leader(&self, bucket: &TableBucket) -> Option<&Leader> {
        let leaders = self.leaders.get(&partition_key(bucket))?;
        let id = bucket.bucket_id();
        // If every bucket has a leader, each one is at the index of its number.
        let place = usize::try_from(id).ok();
        place
            .and_then(|place| leaders.get(place))
            .filter(|leader| leader.bucket == id)
            .or_else(|| {
                let place = leaders.binary_search_by_key(&id, |leader| leader.bucket);
                leaders.get(place.ok()?)
            })
    }

    /// The next view, still unchanged.
    fn next(&self) -> Self {
        let mut view = self.clone();
        view.generation += 1;
        view
    }

    /// This view, updated with a server's response.
    pub(super) fn updated(&self, answer: &MetadataResponse) -> Self {
        let mut view = self.next();
        view.learned = view.generation;
        view.coordinator = answer
            .coordinator_server
            .as_ref()
            .and_then(|server| node(server, ServerKind::Coordinator));
        view.tablet_servers = answer
            .tablet_servers
            .iter()
            .filter_map(|server| node(server, ServerKind::TabletServer))
            .map(|server| (server.id(), server))
            .collect();
        for table in &answer.table_metadata {
            let path = TablePath::new(
                table.table_path.database_name.as_str(),
                table.table_path.table_name.as_str(),
            );
            if let Some(before) = view.tables.insert(path, table.table_id)
                && before != table.table_id
            {
                view.forget_table(before);
            }
            view.set_leaders((table.table_id, None), &table.bucket_metadata);
        }
        for partition in &answer.partition_metadata {
            let partitions = view.partitions.entry(partition.table_id).or_default();
            let name = Arc::from(partition.partition_name.as_str());
            if let Some(before) = Arc::make_mut(partitions).insert(name, partition.partition_id)
                && before != partition.partition_id
            {
                view.leaders.remove(&(partition.table_id, Some(before)));
                view.bucket_counts
                    .remove(&(partition.table_id, Some(before)));
            }
            let key = (partition.table_id, Some(partition.partition_id));
            view.set_leaders(key, &partition.bucket_metadata);
            if let Some(count) = partition.bucket_count.filter(|count| *count > 0) {
                view.bucket_counts.insert(key, count);
            }
        }
        view
    }

    fn set_leaders(&mut self, key: PartitionKey, buckets: &Repeated<PbBucketMetadata>) {
        let mut leaders = buckets
            .iter()
            .filter_map(|bucket| {
                Some(Leader {
                    bucket: bucket.bucket_id,
                    server: bucket.leader_id?,
                    generation: self.generation,
                })
            })
            .collect::<Vec<_>>();
        leaders.sort_by_key(|leader| leader.bucket);
        leaders.dedup_by_key(|leader| leader.bucket);
        if leaders.is_empty() {
            self.leaders.remove(&key);
        } else {
            self.leaders.insert(key, leaders.into());
        }
    }

    /// This view, with the ids of listed partitions and, if reported, their numbers of buckets.
    pub(super) fn with_partitions(&self, table: TableId, listed: &[ListedPartition]) -> Self {
        let mut view = self.next();
        let there = listed.iter().map(|partition| partition.id);
        let there = there.collect::<BTreeSet<_>>();
        let is_gone = |partition: Option<PartitionId>| {
            partition.is_some_and(|partition| !there.contains(&partition))
        };
        view.bucket_counts
            .retain(|(id, partition), _| *id != table || !is_gone(*partition));
        let partitions = Arc::make_mut(view.partitions.entry(table).or_default());
        for partition in listed {
            let before = partitions.insert(partition.name.as_str().into(), partition.id);
            if let Some(before) = before.filter(|before| *before != partition.id) {
                view.leaders.remove(&(table, Some(before)));
                view.bucket_counts.remove(&(table, Some(before)));
            }
            if let Some(count) = partition.bucket_count.filter(|count| *count > 0) {
                view.bucket_counts
                    .insert((table, Some(partition.id)), count);
            }
        }
        view
    }

    fn forget_table(&mut self, table: TableId) {
        self.leaders.retain(|(id, _), _| *id != table);
        self.bucket_counts.retain(|(id, _), _| *id != table);
        self.partitions.remove(&table);
    }

    /// This view without the leaders of buckets, except for those learned after `seen`. `None` if that changes nothing.
    pub(super) fn without_leaders(&self, buckets: &[TableBucket], seen: u64) -> Option<Self> {
        let stale = |bucket: &&TableBucket| {
            self.leader(bucket)
                .is_some_and(|leader| leader.generation <= seen)
        };
        let stale = buckets.iter().filter(stale).collect::<BTreeSet<_>>();
        let keys = stale
            .iter()
            .map(|bucket| partition_key(bucket))
            .collect::<BTreeSet<_>>();
        if keys.is_empty() {
            return None;
        }
        let mut view = self.next();
        for key in keys {
            if let Some(leaders) = view.leaders.get_mut(&key) {
                let (table, partition) = key;
                let remains = |leader: &&Leader| {
                    let bucket = TableBucket::new_with_partition(table, partition, leader.bucket);
                    !stale.contains(&bucket)
                };
                *leaders = leaders.iter().filter(remains).copied().collect();
            }
        }
        Some(view)
    }

    /// This view without a table; `None` if it is not in it.
    pub(super) fn without_table(&self, path: &TablePath) -> Option<Self> {
        let table = self.table_id(path)?;
        let mut view = self.next();
        view.tables.remove(path);
        view.forget_table(table);
        Some(view)
    }

    /// This view without a partition; `None` if it is not in it.
    pub(super) fn without_partition(&self, table: TableId, partition: PartitionId) -> Option<Self> {
        let known = self.partitions.get(&table);
        let name = known.and_then(|known| known.iter().find(|(_, id)| **id == partition));
        let name = name.map(|(name, _)| Arc::clone(name));
        if name.is_none() && !self.leaders.contains_key(&(table, Some(partition))) {
            return None;
        }
        let mut view = self.next();
        // Its number of buckets is kept: if it exists after all, the number is the same.
        view.leaders.remove(&(table, Some(partition)));
        if let Some(name) = name
            && let Some(partitions) = view.partitions.get_mut(&table)
        {
            Arc::make_mut(partitions).remove(&name);
        }
        Some(view)
    }

    /// This view without dropped partitions; `None` if they are not in it.
    pub(super) fn without_partitions(
        &self,
        table: TableId,
        partitions: &[PartitionId],
    ) -> Option<Self> {
        let gone: BTreeSet<_> = partitions.iter().copied().collect();
        let is_gone = |(id, partition): &PartitionKey| {
            *id == table && partition.is_some_and(|partition| gone.contains(&partition))
        };
        let names = self.partitions.get(&table);
        let is_any = names.is_some_and(|names| names.values().any(|id| gone.contains(id)))
            || self.leaders.keys().any(is_gone)
            || self.bucket_counts.keys().any(is_gone);
        if !is_any {
            return None;
        }
        let mut view = self.next();
        view.leaders.retain(|key, _| !is_gone(key));
        view.bucket_counts.retain(|key, _| !is_gone(key));
        if let Some(names) = view.partitions.get_mut(&table) {
            Arc::make_mut(names).retain(|_, id| !gone.contains(id));
        }
        Some(view)
    }

    /// This view without the partition of that name; `None` if it is not in it.
    pub(super) fn without_partition_named(&self, path: &TablePath, name: &str) -> Option<Self> {
        let table = self.table_id(path)?;
        self.without_partition(table, self.partition_id(table, name)?)
    }
}

fn partition_key(bucket: &TableBucket) -> PartitionKey {
    (bucket.table_id(), bucket.partition_id())
}

/// A server as metadata describes it, unless its port is none.
pub(super) fn node(server: &PbServerNode, kind: ServerKind) -> Option<ServerNode> {
    let port = u16::try_from(server.port).ok()?;
    Some(ServerNode::new(
        server.node_id,
        server.host.clone(),
        port,
        kind,
        server.rack.clone(),
    ))
}

#[cfg(test)]
mod tests {
    use fluss_wire::message::{PbPartitionMetadata, PbTableMetadata, PbTablePath};

    use super::*;

    fn servers() -> MetadataResponse {
        let server = |node_id| PbServerNode {
            node_id,
            host: "h".into(),
            port: 1,
            ..PbServerNode::default()
        };
        MetadataResponse {
            tablet_servers: vec![server(1), server(2)].into(),
            ..MetadataResponse::default()
        }
    }

    fn buckets(leaders: &[(i32, Option<i32>)]) -> Vec<PbBucketMetadata> {
        let buckets = leaders
            .iter()
            .map(|&(bucket_id, leader_id)| PbBucketMetadata {
                bucket_id,
                leader_id,
                ..PbBucketMetadata::default()
            });
        buckets.collect()
    }

    fn table(table_id: i64, leaders: &[(i32, Option<i32>)]) -> MetadataResponse {
        MetadataResponse {
            table_metadata: vec![PbTableMetadata {
                table_path: PbTablePath {
                    database_name: "d".into(),
                    table_name: "t".into(),
                },
                table_id,
                bucket_metadata: buckets(leaders).into(),
                ..PbTableMetadata::default()
            }]
            .into(),
            ..servers()
        }
    }

    fn partition(partition_id: i64, name: &str) -> MetadataResponse {
        MetadataResponse {
            partition_metadata: vec![PbPartitionMetadata {
                table_id: 7,
                partition_name: name.into(),
                partition_id,
                bucket_metadata: buckets(&[(0, Some(1)), (1, Some(2))]).into(),
                ..PbPartitionMetadata::default()
            }]
            .into(),
            ..table(7, &[])
        }
    }

    fn leader(view: &ClusterView, bucket: &TableBucket) -> Option<i32> {
        view.leader_of(bucket).map(ServerNode::id)
    }

    #[test]
    fn a_late_failure_does_not_evict_a_leader_that_was_learned_since() {
        let bucket = TableBucket::new(7, 0);
        let old = ClusterView::default().updated(&table(7, &[(0, Some(1))]));
        let fresh = old.updated(&table(7, &[(0, Some(2))]));
        assert_eq!(leader(&fresh, &bucket), Some(2));
        assert!(fresh.without_leaders(&[bucket], old.generation()).is_none());
        let evicted = fresh
            .without_leaders(&[bucket], fresh.generation())
            .unwrap();
        assert_eq!(leader(&evicted, &bucket), None);
        assert!(evicted.generation() > fresh.generation());
        assert_eq!(evicted.learned(), fresh.learned());
    }

    #[test]
    fn leaders_are_found_whatever_the_order_and_the_gaps() {
        let leaders = [
            (5, Some(1)),
            (2, None),
            (0, Some(2)),
            (3, Some(1)),
            (9, Some(4)),
        ];
        let view = ClusterView::default().updated(&table(7, &leaders));
        let found = (-1..11).map(|bucket| leader(&view, &TableBucket::new(7, bucket)));
        // Server 4 is not alive.
        let expected = [
            None,
            Some(2),
            None,
            None,
            Some(1),
            None,
            Some(1),
            None,
            None,
            None,
            None,
            None,
        ];
        assert_eq!(found.collect::<Vec<_>>(), expected);
        let view = view
            .without_leaders(&[TableBucket::new(7, 0), TableBucket::new(8, 3)], u64::MAX)
            .unwrap();
        assert_eq!(leader(&view, &TableBucket::new(7, 0)), None);
        assert_eq!(leader(&view, &TableBucket::new(7, 3)), Some(1));
    }

    #[test]
    fn a_table_made_anew_takes_its_leaders_with_it() {
        let view = ClusterView::default()
            .updated(&table(7, &[(0, Some(1))]))
            .updated(&table(8, &[(0, Some(2))]));
        assert_eq!(view.table_id(&TablePath::new("d", "t")), Some(8));
        assert_eq!(leader(&view, &TableBucket::new(7, 0)), None);
        assert_eq!(leader(&view, &TableBucket::new(8, 0)), Some(2));
        let view = view.updated(&table(8, &[(0, None)]));
        assert_eq!(leader(&view, &TableBucket::new(8, 0)), None);
        let view = view.without_table(&TablePath::new("d", "t")).unwrap();
        assert_eq!(view.table_id(&TablePath::new("d", "t")), None);
        assert!(view.without_table(&TablePath::new("d", "t")).is_none());
    }

    #[test]
    fn a_partition_may_have_its_own_number_of_buckets() {
        let path = TablePath::new("d", "t");
        let mut told = partition(70, "2026");
        told.partition_metadata
            .iter_mut()
            .for_each(|partition| partition.bucket_count = Some(5));
        let view = ClusterView::default()
            .updated(&told)
            .updated(&partition(71, "2027"));
        assert_eq!(view.bucket_count(7, Some(70)), Some(5));
        assert_eq!(view.bucket_count(7, Some(71)), None, "not told");
        assert_eq!(view.bucket_count(7, None), None);
        let gone = view.without_partition_named(&path, "2026").unwrap();
        assert_eq!(gone.partition_id(7, "2026"), None);
        assert_eq!(gone.bucket_count(7, Some(70)), Some(5), "if it is there");
        let listed = |name: &str, id, bucket_count| ListedPartition {
            name: name.to_owned(),
            id,
            bucket_count,
        };
        let view =
            view.with_partitions(7, &[listed("2026", 72, Some(6)), listed("2028", 73, None)]);
        assert_eq!(view.partition_id(7, "2026"), Some(72), "made anew");
        assert_eq!(view.bucket_count(7, Some(70)), None);
        assert_eq!(view.bucket_count(7, Some(72)), Some(6));
        assert_eq!(view.partition_id(7, "2028"), Some(73));
        assert_eq!(view.bucket_count(7, Some(73)), None);
    }

    #[test]
    fn a_partition_made_anew_takes_its_leaders_with_it() {
        let path = TablePath::new("d", "t");
        let bucket = |partition| TableBucket::new_with_partition(7, Some(partition), 1);
        let view = ClusterView::default()
            .updated(&partition(70, "2026"))
            .updated(&partition(71, "2027"));
        assert_eq!(view.partition_id(7, "2026"), Some(70));
        assert_eq!(leader(&view, &bucket(70)), Some(2));
        let anew = view.updated(&partition(72, "2026"));
        assert_eq!(anew.partition_id(7, "2026"), Some(72));
        assert_eq!(leader(&anew, &bucket(70)), None);
        assert_eq!(leader(&anew, &bucket(72)), Some(2));
        let gone = anew.without_partition_named(&path, "2026").unwrap();
        assert_eq!(gone.partition_id(7, "2026"), None);
        assert_eq!(gone.partition_id(7, "2027"), Some(71));
        assert_eq!(leader(&gone, &bucket(72)), None);
        assert!(gone.without_partition(7, 72).is_none());
        // The first view is as it was.
        assert_eq!(view.partition_id(7, "2026"), Some(70));
    }
}
