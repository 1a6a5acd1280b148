//! The servers of a cluster.

use std::fmt;

use crate::choice::coded;

coded! {
    /// What kind of server it is.
    ServerKind("server kind") {
        /// Keeps the definitions and decides who leads what.
        Coordinator => "COORDINATOR" = 1,
        /// Keeps the data.
        TabletServer => "TABLET_SERVER" = 2,
    }
    /// What is known of a server ahead of time.
    ServerTag("server tag") {
        /// It goes and does not come back: its buckets move away.
        PermanentOffline => "PERMANENT_OFFLINE" = 0,
        /// It goes and comes back: leaders move away.
        TemporaryOffline => "TEMPORARY_OFFLINE" = 1,
    }
}

/// A server of the cluster and where it listens.
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

    /// Its id among the servers of its kind.
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

    /// What kind of server it is.
    pub fn kind(&self) -> ServerKind {
        self.kind
    }

    /// The rack it stands in, if it says so.
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
