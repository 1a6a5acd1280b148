//! Operations on a running cluster.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use fluss_metadata::{TableBucket, TablePath};
use tokio::time::sleep;

use crate::cluster::MockCluster;
use crate::fault::{self, Fault, FaultHandle};
use crate::journal::Request;
use crate::port::Port;
use crate::server_id::ServerId;
use crate::state::Node;

impl MockCluster {
    /// Returns a bucket of a table without partitions, for the other methods. `None` if there is no such table.
    pub fn bucket(&self, path: &TablePath, bucket: i32) -> Option<TableBucket> {
        let table = self
            .shared
            .with(|state| Some(state.catalog.table(path)?.id))?;
        Some(TableBucket::new(table, bucket))
    }

    /// Returns the leader of a bucket. `None` if there is no such bucket, or it has no leader now.
    pub fn leader(&self, bucket: &TableBucket) -> Option<i32> {
        self.shared
            .with(|state| state.catalog.placement(bucket)?.leader)
    }

    /// Makes another server the leader of a bucket, and one of its replicas if it was not. Does nothing if there is no
    /// such bucket.
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
        // Fetches that wait at the old leader fail.
        self.shared.announce();
    }

    /// Removes servers from the in-sync replicas of a bucket, except for the leader. They rejoin when they are
    /// restarted.
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

    /// Shuts a server down cleanly: its buckets get other leaders, then its connections are closed.
    pub fn stop_server(&self, server: impl Into<ServerId>) {
        let server = server.into();
        if let ServerId::Tablet(id) = server {
            self.shared.with(|state| state.on_down(id));
        }
        self.cut_off(server);
    }

    /// Kills a server: its connections are closed at once. The cluster notices
    /// [later](crate::MockClusterBuilder::notices_after); until then its buckets have an unreachable leader.
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

    /// Starts a server that was stopped or killed, or restarts one that is up. Returns its address.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system refuses the port.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: if dropped, the server may be down.
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

    /// Freezes the metadata of a tablet server: it keeps reporting the servers and leaders of this moment.
    pub fn freeze_metadata(&self, server: i32) {
        self.shared.with(|state| state.freeze(server));
    }

    /// Makes a tablet server whose metadata was frozen report the current state again.
    pub fn thaw_metadata(&self, server: i32) {
        self.shared.with(|state| state.thaw(server));
    }

    /// Expires every writer id, as servers do when a writer was idle for too long.
    pub fn expire_writers(&self) {
        self.shared.with(crate::state::State::expire_writers);
    }

    /// Sets the number of buckets of future partitions, as rescaling a table of release 1.0 does. Existing partitions
    /// keep theirs. Does nothing if the table does not exist or is not partitioned.
    pub fn rescale(&self, table: &TablePath, buckets: i32) {
        self.shared.with(|state| {
            let now = state.clock.now_millis();
            state.catalog.rescale(table, buckets, now);
        });
    }

    /// Removes the batches of a log that end at or before an offset, as retention does.
    pub fn trim_log(&self, bucket: &TableBucket, offset: i64) {
        self.shared.with(|state| state.trim(bucket, offset));
        self.shared.announce();
    }

    /// Delays each request of a server by `time`, one at a time per connection, until the rule is removed.
    pub fn throttle(&self, server: impl Into<ServerId>, time: Duration) -> FaultHandle {
        self.inject(fault::on_any().server(server).before(Fault::Delay(time)))
    }

    /// Returns the latest requests of all servers, in the order of their arrival: at most 4,096, and 16 MiB of
    /// messages.
    pub fn journal(&self) -> Vec<Request> {
        self.shared.journal.requests()
    }

    /// Clears the journal.
    pub fn clear_journal(&self) {
        self.shared.journal.clear();
    }
}
