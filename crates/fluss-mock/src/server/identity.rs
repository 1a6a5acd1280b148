//! The identity of a server.

use std::sync::Arc;

use fluss_wire::version::ServerType;

use crate::server_id::ServerId;
use crate::state::Shared;

/// The identity of a server, and the state it serves.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) kind: ServerType,
    pub(crate) id: i32,
    pub(crate) shared: Arc<Shared>,
}

impl Server {
    pub(crate) fn name(&self) -> ServerId {
        match self.kind {
            ServerType::Coordinator => ServerId::Coordinator,
            ServerType::TabletServer => ServerId::Tablet(self.id),
        }
    }
}
