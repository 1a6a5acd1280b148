//! How a cluster is. Since release 1.0.

use super::record::record;
use crate::choice::coded;

coded! {
    /// How a cluster is, in a word.
    ClusterHealthStatus("cluster health status") {
        /// All copies of all buckets are there and up to date.
        Green => "GREEN" = 0,
        /// All buckets have a leader, but copies are missing or behind.
        Yellow => "YELLOW" = 1,
        /// Buckets have no leader.
        Red => "RED" = 2,
        /// It cannot be told.
        Unknown => "UNKNOWN" = 3,
    }
}

record! {
    /// How a cluster is, in numbers.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    ClusterHealth {
        /// Copies of buckets.
        num_replicas: i32,
        /// Copies that are up to date.
        in_sync_replicas: i32,
        /// Buckets, each of which should have a leader.
        num_leader_replicas: i32,
        /// Buckets with a leader that is at work.
        active_leader_replicas: i32,
        /// In a word.
        status: ClusterHealthStatus,
    }
}
