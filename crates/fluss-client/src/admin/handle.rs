//! The handle that all administrative calls are made with.

use std::fmt;

use fluss_metadata::ServerNode;

use crate::context::OpenContext;
use crate::error::{Error, Result};
use crate::turn::take_turn;

/// Manages a cluster: databases, tables, partitions, access rules and servers. Cheap to clone.
///
/// # Cancel safety
///
/// If you drop the future of a call, a change that was already sent may still be applied. There are no other effects.
#[derive(Clone)]
pub struct FlussAdmin {
    pub(super) context: OpenContext,
}

impl FlussAdmin {
    pub(crate) fn new(context: OpenContext) -> Self {
        Self { context }
    }

    /// Returns the live servers of the cluster, the coordinator first if there is one.
    ///
    /// # Errors
    ///
    /// Returns an error if no server responds.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn get_server_nodes(&self) -> Result<Vec<ServerNode>> {
        take_turn().await;
        self.context
            .cluster
            .refresh_all()
            .await
            .map_err(|error| Error::from(error).during("get_server_nodes"))?;
        let view = self.context.cluster.view();
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
