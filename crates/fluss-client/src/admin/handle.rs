//! The handle that all administrative calls are made with.

use std::fmt;

use fluss_metadata::ServerNode;

use crate::context::OpenContext;
use crate::error::{Error, Result};
use crate::turn::take_turn;

/// Administration of a cluster. Cheap to clone.
///
/// # Cancel safety
///
/// Dropping the future of a call gives up the answer, not the effect: a change that was already sent may still happen. No call leaves
/// anything else behind.
#[derive(Clone)]
pub struct FlussAdmin {
    pub(super) context: OpenContext,
}

impl FlussAdmin {
    pub(crate) fn new(context: OpenContext) -> Self {
        Self { context }
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
