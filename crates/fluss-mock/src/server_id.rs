//! Identifies servers.

use std::fmt;

/// One server of a cluster. Converts from the id of a tablet server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerId {
    /// The coordinator.
    Coordinator,
    /// The tablet server with this id; ids start at 0.
    Tablet(i32),
}

impl From<i32> for ServerId {
    fn from(id: i32) -> Self {
        Self::Tablet(id)
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coordinator => f.write_str("coordinator"),
            Self::Tablet(id) => write!(f, "tablet server {id}"),
        }
    }
}
