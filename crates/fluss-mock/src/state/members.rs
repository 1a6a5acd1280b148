//! The tablet servers that the cluster takes to be up, and what each of them reports.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use fluss_metadata::TableBucket;

use super::catalog::{Catalog, Table};
use super::placement::Placement;

/// A tablet server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) id: i32,
    pub(crate) address: SocketAddr,
}

/// The tablet servers of a cluster.
pub(crate) struct Members {
    /// By id.
    up: Vec<Node>,
    /// What the servers report whose metadata is frozen.
    frozen: BTreeMap<i32, Frozen>,
}

/// What a server knew when its metadata was frozen.
struct Frozen {
    nodes: Vec<Node>,
    placements: BTreeMap<TableBucket, Placement>,
}

impl Members {
    pub(super) fn new(up: Vec<Node>) -> Self {
        Self {
            up,
            frozen: BTreeMap::new(),
        }
    }

    pub(crate) fn is_up(&self, server: i32) -> bool {
        self.up.iter().any(|node| node.id == server)
    }

    /// The ids of the servers that are up.
    pub(super) fn ids(&self) -> impl Iterator<Item = i32> {
        self.up.iter().map(|node| node.id)
    }

    pub(super) fn remove(&mut self, server: i32) {
        self.up.retain(|node| node.id != server);
    }

    /// Adds a server, or replaces the address of a known one.
    pub(super) fn add(&mut self, node: Node) {
        self.remove(node.id);
        self.up.push(node);
        self.up.sort_by_key(|node| node.id);
    }

    pub(super) fn freeze(&mut self, server: i32, catalog: &Catalog) {
        let placements = catalog.placements();
        let frozen = Frozen {
            nodes: self.up.clone(),
            placements: placements
                .map(|(bucket, placement)| (bucket, placement.clone()))
                .collect(),
        };
        self.frozen.insert(server, frozen);
    }

    pub(super) fn thaw(&mut self, server: i32) {
        self.frozen.remove(&server);
    }

    /// The servers that are up, according to `server`.
    pub(crate) fn reported_nodes(&self, server: Option<i32>) -> &[Node] {
        self.frozen_view(server)
            .map_or(&self.up, |frozen| &frozen.nodes)
    }

    /// The placements of the buckets of a table, or of one of its partitions, according to `server`. `now` has the
    /// current ones.
    pub(crate) fn reported_placements(
        &self,
        server: Option<i32>,
        table: &Table,
        partition: Option<i64>,
        now: &[Placement],
    ) -> Vec<Placement> {
        let frozen = self.frozen_view(server);
        (0..)
            .zip(now)
            .map(|(bucket, now)| {
                let bucket = TableBucket::new_with_partition(table.id, partition, bucket);
                let then = frozen.and_then(|frozen| frozen.placements.get(&bucket));
                then.unwrap_or(now).clone()
            })
            .collect()
    }

    fn frozen_view(&self, server: Option<i32>) -> Option<&Frozen> {
        self.frozen.get(&server?)
    }
}
