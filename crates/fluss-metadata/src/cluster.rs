//! The servers of a cluster.

use std::fmt;

/// What kind of server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerKind {
    /// Keeps the definitions and decides who leads what.
    Coordinator,
    /// Keeps the data.
    TabletServer,
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
