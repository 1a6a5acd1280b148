//! Administration: databases, tables, partitions, offsets, snapshots, access rules and the cluster.
//!
//! Reads go to any server and are repeated when a server fails; changes go to the coordinator and are repeated only where that does no
//! harm.

mod acl;
mod alter_table;
mod buckets;
mod call;
mod cluster_config;
mod database;
mod health;
mod kv_snapshot;
mod kv_snapshot_lease;
mod lake_snapshot;
mod offsets;
mod partition;
mod producer_offsets;
mod rebalance;
mod server_tag;
mod table;
mod table_stats;

use std::fmt;
use std::sync::Arc;

use fluss_metadata::ServerNode;

pub use acl::{AclOutcome, CreateAclsResult, DropAclsResult};
pub use kv_snapshot_lease::KvSnapshotLease;
pub(crate) use table::fetch_table_info;

use crate::connection::ConnectionInner;
use crate::error::Result;
use crate::turn::take_turn;

/// Administration of a cluster. Cheap to clone.
///
/// # Cancel safety
///
/// Dropping the future of a call gives up the answer, not the effect: a change that was already sent may still happen. No call leaves
/// anything else behind.
#[derive(Clone)]
pub struct FlussAdmin {
    connection: Arc<ConnectionInner>,
}

impl FlussAdmin {
    pub(crate) fn new(connection: Arc<ConnectionInner>) -> Self {
        Self { connection }
    }

    /// The servers of the cluster that are alive, the coordinator first if there is one.
    ///
    /// # Errors
    ///
    /// Why no server could be asked.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; nothing is left behind.
    pub async fn get_server_nodes(&self) -> Result<Vec<ServerNode>> {
        take_turn().await;
        self.connection
            .cluster
            .refresh_all()
            .await
            .map_err(|error| crate::error::Error::from(error).during("get_server_nodes"))?;
        let view = self.connection.cluster.view();
        Ok(view
            .coordinator()
            .into_iter()
            .chain(view.tablet_servers())
            .cloned()
            .collect())
    }
}

impl fmt::Debug for FlussAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlussAdmin").finish_non_exhaustive()
    }
}
