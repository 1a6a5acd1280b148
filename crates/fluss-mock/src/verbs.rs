//! What may be done to a running cluster.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use fluss_metadata::{TableBucket, TablePath};
use tokio::time::sleep;

use crate::cluster::MockCluster;
use crate::fault::{self, Fault, Injected};
use crate::journal::Request;
use crate::port::Port;
use crate::server_id::ServerId;
use crate::state::Node;

impl MockCluster {
    /// A bucket of a table that is not partitioned, for the other calls. `None` if there is no such table.
    pub fn bucket(&self, path: &TablePath, bucket: i32) -> Option<TableBucket> {
        let table = self
            .shared
            .with(|state| Some(state.catalog.table(path)?.id))?;
        Some(TableBucket::new(table, bucket))
    }

    /// Who leads a bucket. `None` if there is no such bucket, or nobody leads it now.
    pub fn leader(&self, bucket: &TableBucket) -> Option<i32> {
        self.shared
            .with(|state| state.catalog.placement(bucket)?.leader)
    }

    /// Lets another server lead a bucket, from now on; one that had no replica of it becomes one. A bucket that does not exist is left
    /// alone.
    pub fn move_leader(&self, bucket: &TableBucket, to: i32) {
        self.shared.with(|state| {
            if let Some(placement) = state.catalog.placement_mut(bucket) {
                if !placement.replicas.contains(&to) {
                    placement.replicas.push(to);
                }
                placement.catch_up(to);
                placement.lead_by(Some(to));
            }
        });
        // Whoever waits for news at the old leader learns of it.
        self.shared.announce();
    }

    /// Takes servers out of those that are in sync, but never the leader. They come back when they are restarted.
    pub fn shrink_isr(&self, bucket: &TableBucket, out: &[i32]) {
        self.shared.with(|state| {
            if let Some(placement) = state.catalog.placement_mut(bucket) {
                let leader = placement.leader;
                placement
                    .in_sync
                    .retain(|server| leader == Some(*server) || !out.contains(server));
            }
        });
    }

    /// Shuts a server down in order: others lead its buckets from now on, then its connections are closed.
    pub fn stop_server(&self, server: impl Into<ServerId>) {
        let server = server.into();
        if let ServerId::Tablet(id) = server {
            self.shared.with(|state| state.on_down(id));
        }
        self.cut_off(server);
    }

    /// Ends a server without warning: its connections are closed. The cluster notices after
    /// [a while](crate::MockClusterBuilder::notices_after), until which its buckets have a leader that nobody reaches.
    pub fn kill_server(&self, server: impl Into<ServerId>) {
        let server = server.into();
        self.cut_off(server);
        if let ServerId::Tablet(id) = server {
            let shared = self.shared.clone();
            let running = self.running.clone();
            let after = self.notices_after;
            self.spawn(async move {
                sleep(after).await;
                // It may have come back.
                if !running.is_up(server) {
                    shared.with(|state| state.on_down(id));
                    shared.announce();
                }
            });
        }
    }

    /// Brings a server back that was stopped or killed, or restarts one that is up. Its address is returned.
    ///
    /// # Errors
    ///
    /// What the operating system says when it doesn't give the port.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the server may be down.
    pub async fn start_server(
        &self,
        server: impl Into<ServerId>,
        port: Port,
    ) -> io::Result<SocketAddr> {
        let server = server.into();
        self.cut_off(server);
        let address = self.launch_server(server, port).await?;
        self.shared.with(|state| match server {
            ServerId::Coordinator => state.coordinator = address,
            ServerId::Tablet(id) => state.on_up(Node { id, address }),
        });
        self.shared.announce();
        Ok(address)
    }

    /// A tablet server tells from now on what it knows now: leaders and servers that change later are old news to it.
    pub fn freeze_metadata(&self, server: i32) {
        self.shared.with(|state| state.freeze(server));
    }

    /// A tablet server that was frozen tells the truth again.
    pub fn thaw_metadata(&self, server: i32) {
        self.shared.with(|state| state.thaw(server));
    }

    /// The servers forget every writer, as they do with one that was silent for long.
    pub fn expire_writers(&self) {
        self.shared.with(crate::state::State::expire_writers);
    }

    /// Gives the partitions of a table that are made from now on so many buckets, as a rescaled table of release 1.0 has them. Those that
    /// are there keep theirs. A table that does not exist, or is not partitioned, is left alone.
    pub fn rescale(&self, table: &TablePath, buckets: i32) {
        self.shared.with(|state| {
            let now = state.clock.now_millis();
            state.catalog.rescale(table, buckets, now);
        });
    }

    /// Forgets the batches of a log that lie below an offset as a whole, as retention does.
    pub fn trim_log(&self, bucket: &TableBucket, offset: i64) {
        self.shared.with(|state| state.trim(bucket, offset));
        self.shared.announce();
    }

    /// A server takes so long for each request, one by one on each connection, until that is lifted.
    pub fn throttle(&self, server: impl Into<ServerId>, time: Duration) -> Injected {
        self.inject(fault::on_any().server(server).before(Fault::Delay(time)))
    }

    /// The last requests, of all servers, in the order in which they were read: at most 4,096, and 16 MiB of messages.
    pub fn journal(&self) -> Vec<Request> {
        self.shared.journal.requests()
    }

    /// Forgets the requests so far.
    pub fn clear_journal(&self) {
        self.shared.journal.clear();
    }
}
