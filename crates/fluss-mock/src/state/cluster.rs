//! What happens to servers and leaders, and what they tell about it.

use std::collections::BTreeMap;

use fluss_metadata::TableBucket;

use super::{Node, Placement, State, Table};

/// What a server knew of the others when it stopped learning.
pub(crate) struct Frozen {
    pub(crate) nodes: Vec<Node>,
    placements: BTreeMap<TableBucket, Placement>,
}

impl State {
    /// Every bucket of a table, or of a partition of it, as the server tells of it.
    pub(crate) fn told_placements(
        &self,
        server: Option<i32>,
        table: &Table,
        partition: Option<i64>,
        now: &[Placement],
    ) -> Vec<Placement> {
        let frozen = server.and_then(|server| self.frozen.get(&server));
        (0..)
            .zip(now)
            .map(|(bucket, now)| {
                let bucket = TableBucket::new_with_partition(table.id, partition, bucket);
                let then = frozen.and_then(|frozen| frozen.placements.get(&bucket));
                then.unwrap_or(now).clone()
            })
            .collect()
    }

    /// The servers that are known to be up, as the server tells of them.
    pub(crate) fn told_nodes(&self, server: Option<i32>) -> &[Node] {
        let frozen = server.and_then(|server| self.frozen.get(&server));
        frozen.map_or(&self.nodes, |frozen| &frozen.nodes)
    }

    pub(crate) fn freeze(&mut self, server: i32) {
        let placements = self.catalog.placements();
        let frozen = Frozen {
            nodes: self.nodes.clone(),
            placements: placements
                .map(|(bucket, placement)| (bucket, placement.clone()))
                .collect(),
        };
        self.frozen.insert(server, frozen);
    }

    pub(crate) fn thaw(&mut self, server: i32) {
        self.frozen.remove(&server);
    }

    /// The cluster notices that a server is gone.
    pub(crate) fn on_down(&mut self, server: i32) {
        self.nodes.retain(|node| node.id != server);
        self.scans.on_down(server);
        self.elect();
    }

    /// The cluster notices that a server is there.
    pub(crate) fn on_up(&mut self, node: Node) {
        self.nodes.retain(|known| known.id != node.id);
        self.nodes.push(node);
        self.nodes.sort_by_key(|node| node.id);
        let led_before = self.elect();
        for ((_, placement), was_led) in self.catalog.placements_mut().zip(led_before) {
            if was_led {
                placement.catch_up(node.id);
            } else if placement.leader.is_some() {
                self.nodes.iter().for_each(|up| placement.catch_up(up.id));
            }
        }
    }

    /// Tells bucket by bucket whether it had a leader before.
    fn elect(&mut self) -> Vec<bool> {
        let led = self.catalog.placements();
        let led = led.map(|(_, placement)| placement.leader.is_some());
        let led = led.collect();
        let up = self.nodes.iter().map(|node| node.id).collect::<Vec<_>>();
        for (_, placement) in self.catalog.placements_mut() {
            placement.elect(|server| up.contains(&server));
        }
        led
    }

    /// Forgets every writer.
    pub(crate) fn expire_writers(&mut self) {
        for bucket in self.buckets.values_mut() {
            bucket.log.expire_writers();
        }
    }

    /// Forgets the batches below an offset.
    pub(crate) fn trim(&mut self, bucket: &TableBucket, offset: i64) {
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            bucket.log.trim(offset);
        }
    }
}
