//! The health of a cluster. Since release 1.0.

use super::record::record;
use crate::choice::coded;

coded! {
    /// The overall health of a cluster.
    ClusterHealthStatus("cluster health status") {
        /// All replicas of all buckets are available and in sync.
        Green => "GREEN" = 0,
        /// All buckets have a leader, but replicas are missing or out of sync.
        Yellow => "YELLOW" = 1,
        /// Some buckets have no leader.
        Red => "RED" = 2,
        /// The health is unknown.
        Unknown => "UNKNOWN" = 3,
    }
}

record! {
    /// The health of a cluster.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    ClusterHealth {
        /// The number of replicas.
        num_replicas: i32,
        /// The number of in-sync replicas.
        in_sync_replicas: i32,
        /// The number of buckets, each of which should have a leader.
        num_leader_replicas: i32,
        /// The number of buckets with an active leader.
        active_leader_replicas: i32,
        /// The overall status.
        status: ClusterHealthStatus,
    }
}
