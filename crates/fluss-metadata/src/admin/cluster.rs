//! The servers of a cluster.

use std::fmt;

use crate::choice::coded;

coded! {
    /// The kind of server.
    ServerKind("server kind") {
        /// Stores the definitions and chooses the leaders of buckets.
        Coordinator => "COORDINATOR" = 1,
        /// Stores the data.
        TabletServer => "TABLET_SERVER" = 2,
    }
    /// A tag on a server that is about to go offline.
    ServerTag("server tag") {
        /// It will not come back: its buckets move away.
        PermanentOffline => "PERMANENT_OFFLINE" = 0,
        /// It will come back: leaders move away.
        TemporaryOffline => "TEMPORARY_OFFLINE" = 1,
    }
}

/// A server of the cluster and its address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerNode {
    id: i32,
    host: String,
    port: u16,
    kind: ServerKind,
    rack: Option<String>,
}

impl ServerNode {
    /// A server.
    pub fn new(
        id: i32,
        host: impl Into<String>,
        port: u16,
        kind: ServerKind,
        rack: Option<String>,
    ) -> Self {
        Self {
            id,
            host: host.into(),
            port,
            kind,
            rack,
        }
    }

    /// Returns the id among the servers of its kind.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// Host name or address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the kind of server.
    pub fn kind(&self) -> ServerKind {
        self.kind
    }

    /// Returns the rack of the server, if reported.
    pub fn rack(&self) -> Option<&str> {
        self.rack.as_deref()
    }
}

impl fmt::Display for ServerNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ServerKind::Coordinator => "coordinator",
            ServerKind::TabletServer => "tablet server",
        };
        write!(f, "{kind} {} at {}:{}", self.id, self.host, self.port)
    }
}
