//! What is known of a cluster at one moment: servers, tables, partitions, leaders. Never changed, only replaced.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fluss_metadata::{PartitionId, ServerKind, ServerNode, TableBucket, TableId, TablePath};
use fluss_wire::message::{MetadataResponse, PbBucketMetadata, PbServerNode};

/// What is known of a cluster.
#[derive(Debug, Clone, Default)]
pub struct ClusterView {
    generation: u64,
    coordinator: Option<ServerNode>,
    tablet_servers: BTreeMap<i32, ServerNode>,
    tables: HashMap<TablePath, TableId>,
    partitions: HashMap<(TableId, Arc<str>), PartitionId>,
    leaders: HashMap<TableBucket, Leader>,
}

/// Who leads a bucket, and since which generation of the view that is known.
#[derive(Debug, Clone, Copy)]
struct Leader {
    server: i32,
    generation: u64,
}

impl ClusterView {
    /// Grows with every change; a failure of a request that was routed by an older view says nothing of this one.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The coordinator, if there is one now.
    pub fn coordinator(&self) -> Option<&ServerNode> {
        self.coordinator.as_ref()
    }

    /// The tablet servers that are alive, by id.
    pub fn tablet_servers(&self) -> impl ExactSizeIterator<Item = &ServerNode> {
        self.tablet_servers.values()
    }

    /// The tablet server with that id, if it is alive.
    pub fn tablet_server(&self, id: i32) -> Option<&ServerNode> {
        self.tablet_servers.get(&id)
    }

    /// The id of a table, if the table was asked for.
    pub fn table_id(&self, path: &TablePath) -> Option<TableId> {
        self.tables.get(path).copied()
    }

    /// The id of a partition, if it was asked for.
    pub fn partition_id(&self, table: TableId, name: &str) -> Option<PartitionId> {
        self.partitions.get(&(table, Arc::from(name))).copied()
    }

    /// The server that leads a bucket, if that is known and the server is alive.
    pub fn leader_of(&self, bucket: &TableBucket) -> Option<&ServerNode> {
        self.tablet_servers.get(&self.leaders.get(bucket)?.server)
    }

    /// This view with what a server answered put in.
    pub(super) fn updated(&self, answer: &MetadataResponse) -> Self {
        let mut view = self.clone();
        view.generation += 1;
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
            view.set_leaders(table.table_id, None, &table.bucket_metadata);
        }
        for partition in &answer.partition_metadata {
            let key = (
                partition.table_id,
                Arc::from(partition.partition_name.as_str()),
            );
            if let Some(before) = view.partitions.insert(key, partition.partition_id)
                && before != partition.partition_id
            {
                view.leaders
                    .retain(|bucket, _| bucket.partition_id() != Some(before));
            }
            view.set_leaders(
                partition.table_id,
                Some(partition.partition_id),
                &partition.bucket_metadata,
            );
        }
        view
    }

    fn set_leaders(
        &mut self,
        table: TableId,
        partition: Option<PartitionId>,
        buckets: &[PbBucketMetadata],
    ) {
        for bucket in buckets {
            let key = TableBucket::new_with_partition(table, partition, bucket.bucket_id);
            match bucket.leader_id {
                Some(server) => {
                    self.leaders.insert(
                        key,
                        Leader {
                            server,
                            generation: self.generation,
                        },
                    );
                }
                None => {
                    self.leaders.remove(&key);
                }
            }
        }
    }

    fn forget_table(&mut self, table: TableId) {
        self.leaders.retain(|bucket, _| bucket.table_id() != table);
        self.partitions.retain(|(id, _), _| *id != table);
    }

    /// This view without the leader of a bucket, unless that was learnt after `seen`.
    pub(super) fn without_leader(&self, bucket: &TableBucket, seen: u64) -> Option<Self> {
        let leader = self.leaders.get(bucket)?;
        if leader.generation > seen {
            return None;
        }
        let mut view = self.clone();
        view.generation += 1;
        view.leaders.remove(bucket);
        Some(view)
    }

    /// This view without a table.
    pub(super) fn without_table(&self, path: &TablePath) -> Self {
        let mut view = self.clone();
        view.generation += 1;
        if let Some(table) = view.tables.remove(path) {
            view.forget_table(table);
        }
        view
    }

    /// This view without a partition.
    pub(super) fn without_partition(&self, table: TableId, partition: PartitionId) -> Self {
        let mut view = self.clone();
        view.generation += 1;
        view.partitions
            .retain(|(id, _), known| !(*id == table && *known == partition));
        view.leaders
            .retain(|bucket, _| bucket.partition_id() != Some(partition));
        view
    }
}

/// A server as metadata describes it, unless its port is none.
fn node(server: &PbServerNode, kind: ServerKind) -> Option<ServerNode> {
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
    use fluss_wire::message::{PbTableMetadata, PbTablePath};

    use super::*;

    fn answer(table_id: i64, leader: Option<i32>) -> MetadataResponse {
        let server = |node_id| PbServerNode {
            node_id,
            host: "h".into(),
            port: 1,
            ..PbServerNode::default()
        };
        MetadataResponse {
            tablet_servers: vec![server(1), server(2)],
            table_metadata: vec![PbTableMetadata {
                table_path: PbTablePath {
                    database_name: "d".into(),
                    table_name: "t".into(),
                },
                table_id,
                bucket_metadata: vec![PbBucketMetadata {
                    bucket_id: 0,
                    leader_id: leader,
                    ..PbBucketMetadata::default()
                }],
                ..PbTableMetadata::default()
            }],
            ..MetadataResponse::default()
        }
    }

    #[test]
    fn a_late_failure_does_not_evict_a_leader_that_was_learnt_since() {
        let bucket = TableBucket::new(7, 0);
        let old = ClusterView::default().updated(&answer(7, Some(1)));
        let fresh = old.updated(&answer(7, Some(2)));
        assert_eq!(fresh.leader_of(&bucket).map(ServerNode::id), Some(2));
        assert!(fresh.without_leader(&bucket, old.generation()).is_none());
        let evicted = fresh.without_leader(&bucket, fresh.generation()).unwrap();
        assert!(evicted.leader_of(&bucket).is_none());
    }

    #[test]
    fn a_table_made_anew_takes_its_leaders_with_it() {
        let view = ClusterView::default()
            .updated(&answer(7, Some(1)))
            .updated(&answer(8, Some(3)));
        assert_eq!(view.table_id(&TablePath::new("d", "t")), Some(8));
        assert!(view.leader_of(&TableBucket::new(7, 0)).is_none());
        // Server 3 is not alive.
        assert!(view.leader_of(&TableBucket::new(8, 0)).is_none());
        assert!(
            view.updated(&answer(8, None))
                .leader_of(&TableBucket::new(8, 0))
                .is_none()
        );
    }
}
